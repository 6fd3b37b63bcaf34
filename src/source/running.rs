//! Targets that a desk moves and takes back while they run. The stream takes none back, and counts each that is told: so
//! one is told only when it was answered, or is so close that it hardly moves any more and somebody has to hurry.

use chrono::TimeDelta;

use crate::event::{ConversationId, Event, EventKind, SlaMetric, Timestamp};

/// A target is told so long before it is due, unless it is answered earlier.
pub(super) const AHEAD: TimeDelta = TimeDelta::minutes(30);

/// A target: when it was set, and when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub set_at: Timestamp,
    pub due: Timestamp,
}

impl Target {
    /// What tells it.
    pub(super) fn event(self, conversation: ConversationId, metric: SlaMetric) -> Event {
        Event::new(self.set_at, EventKind::Sla { conversation, metric, due: self.due })
    }
}

/// What is known of the targets of one sort of one conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Running {
    /// The one that was shown and is not told yet, and after when an answer is one to it.
    shown: Option<(Target, Timestamp)>,
    /// The last that was told, and whether it was answered.
    told: Option<(Target, bool)>,
}

impl Running {
    /// Whether any was told.
    pub(super) fn has_told(&self) -> bool {
        self.told.is_some()
    }

    /// A look shows the one that runs, or that none does: what was shown before and is not told is taken back by that.
    /// Only what is answered after `since` answers it. One that was told and not answered stays as it was told: another
    /// is that one, moved.
    pub(super) fn see(&mut self, target: Option<Target>, since: Timestamp) {
        let is_told = |target: &Target| self.told.is_some_and(|(told, over)| told.due == target.due || !over);
        self.shown = target.filter(|target| !is_told(target)).map(|target| (target, since));
    }

    /// Somebody answered then; gives the target that is to be told now, for nothing moves it any more.
    pub(super) fn answered(&mut self, at: Timestamp) -> Option<Target> {
        if let Some((told, is_answered)) = &mut self.told {
            *is_answered |= at > told.set_at;
        }
        let (target, _) = self.shown.take_if(|(_, since)| at > *since)?;
        self.told = Some((target, true));
        Some(target)
    }

    /// Whether one that is not told is due by then.
    pub(super) fn is_ripe(&self, by: Timestamp) -> bool {
        self.shown.is_some_and(|(target, _)| target.due <= by)
    }

    /// Gives the target that is due by then, if it is not told.
    pub(super) fn ripe(&mut self, by: Timestamp) -> Option<Target> {
        let (target, _) = self.shown.take_if(|(target, _)| target.due <= by)?;
        self.told = Some((target, false));
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + minute * 60_000)
    }

    /// What happens: a look that shows one, by when it was set and is due; a look that shows none; an answer; time.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        See(i64, i64),
        Gone,
        Answer(i64),
        Time(i64),
    }
    use Step::{Answer, Gone, See, Time};

    #[rstest]
    #[case::not_ahead(&[See(0, 60), Time(59)], &[])]
    #[case::when_it_is_due(&[See(0, 60), Time(60), Time(70)], &[60])]
    #[case::when_it_is_answered(&[See(0, 60), Answer(10), Gone, Time(60)], &[60])]
    #[case::an_older_answer_is_none(&[See(5, 60), Answer(5), Time(59)], &[])]
    #[case::moved_later(&[See(0, 60), See(0, 90), Time(60), Time(90)], &[90])]
    #[case::moved_earlier(&[See(0, 60), See(0, 30), Time(30), Time(60)], &[30])]
    #[case::taken_back(&[See(0, 60), Gone, Answer(10), Time(60)], &[])]
    #[case::given_back(&[See(0, 60), Gone, See(0, 100), Time(99), Time(100)], &[100])]
    #[case::moved_after_it_was_told(&[See(0, 60), Time(60), See(0, 90), Time(90)], &[60])]
    #[case::shown_on_after_the_answer(&[See(0, 60), Answer(10), See(0, 60), Time(60)], &[60])]
    #[case::the_next_one(&[See(0, 60), Answer(10), See(20, 80), Time(80)], &[60, 80])]
    #[case::the_next_one_after_a_miss(&[See(0, 60), Time(60), Answer(70), See(80, 140), Time(140)], &[60, 140])]
    fn a_target_is_told_once_and_only_when_nothing_moves_it_any_more(#[case] steps: &[Step], #[case] dues: &[i64]) {
        let mut running = Running::default();
        let mut told = Vec::new();
        for step in steps {
            match *step {
                See(set, due) => running.see(Some(Target { set_at: at(set), due: at(due) }), at(set)),
                Gone => running.see(None, at(0)),
                Answer(minute) => told.extend(running.answered(at(minute))),
                Time(minute) => {
                    assert_eq!(running.is_ripe(at(minute)), running.clone().ripe(at(minute)).is_some());
                    told.extend(running.ripe(at(minute)));
                }
            }
        }
        assert_eq!(told.iter().map(|target| (target.due - at(0)).num_minutes()).collect::<Vec<_>>(), dues);
    }
}
