//! Targets among what looks show.

use strum::IntoEnumIterator;

use super::{Differ, Due, Known, Telling};
use crate::event::{Author, Event, EventKind, SlaMetric, Timestamp};
use crate::source::running::{AHEAD, Target};

impl Telling {
    /// The targets of which it is certain now what becomes of them. All else of the look is said by then.
    pub(super) fn targets(&mut self, dues: &[Due], known: &mut Known) {
        for metric in SlaMetric::iter() {
            let shown = dues.iter().filter(|due| due.metric == metric).max_by_key(|due| due.set_at);
            let target = shown.map(|due| Target { set_at: due.set_at, due: due.due });
            let answers = self.events.iter().filter(|event| is_answer(event, metric)).filter_map(|event| event.at);
            let answered_at = &mut known.answered_at[metric as usize];
            let answers: Vec<Timestamp> = answered_at.iter().copied().chain(answers).collect();
            *answered_at = answers.iter().copied().max();
            if known.targets.is_none() && target.is_none() {
                continue;
            }
            let running = &mut known.targets.get_or_insert_default()[metric as usize];
            // What was answered before this one was set was another one.
            let (before, after) =
                answers.into_iter().partition::<Vec<_>, _>(|at| target.is_none_or(|it| *at <= it.set_at));
            let mut told: Vec<Target> = before.into_iter().filter_map(|at| running.answered(at)).collect();
            let is_first = metric == SlaMetric::FirstResponse;
            running.see(
                target.filter(|_| !(is_first && running.has_told())),
                target.map_or(Timestamp::MIN, |it| it.set_at),
            );
            told.extend(after.into_iter().filter_map(|at| running.answered(at)));
            told.extend(running.ripe(self.looked_at + AHEAD));
            self.events.extend(told.into_iter().map(|target| target.event(self.id.clone(), metric)));
        }
    }
}

impl Differ {
    /// Tells the targets that stand and are due soon, as of that look.
    pub fn due(&mut self, looked_at: Timestamp, out: &mut Vec<Event>) {
        let by = looked_at + AHEAD;
        let is_ripe =
            |known: &Known| known.targets.iter().flat_map(|all| all.iter()).any(|running| running.is_ripe(by));
        let mut ripe: Vec<_> = self.known.iter_mut().filter(|(_, known)| is_ripe(known)).collect();
        ripe.sort_unstable_by_key(|(id, _)| *id);
        for (id, known) in ripe {
            for (metric, running) in SlaMetric::iter().zip(known.targets.iter_mut().flat_map(|all| all.iter_mut())) {
                out.extend(running.ripe(by).map(|target| target.event(id.clone(), metric)));
            }
        }
    }
}

/// Whether it answers a target of that sort.
fn is_answer(event: &Event, metric: SlaMetric) -> bool {
    match &event.kind {
        EventKind::Message(said) => {
            metric != SlaMetric::Resolution && said.from == Author::Agent && said.public != Some(false)
        }
        EventKind::Status { status, .. } => metric == SlaMetric::Resolution && status.is_ended(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::event::{AgentId, Opened, Status};
    use crate::source::differ::{Record, Said, Since};

    const FIRST: SlaMetric = SlaMetric::FirstResponse;
    const NEXT: SlaMetric = SlaMetric::NextResponse;
    const END: SlaMetric = SlaMetric::Resolution;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + minute * 60_000)
    }

    /// What a look shows: in which minute it is, the target as when it was set and is due, when an agent answered, and when
    /// it ended.
    #[derive(Debug, Default, Clone)]
    struct Look {
        at: i64,
        due: Option<(i64, i64)>,
        replies: Vec<i64>,
        ended: Option<i64>,
    }

    fn look(minute: i64, due: Option<(i64, i64)>) -> Look {
        Look { at: minute, due, ..Look::default() }
    }

    fn replied(minute: i64, due: Option<(i64, i64)>, replies: &[i64]) -> Look {
        Look { replies: replies.to_vec(), ..look(minute, due) }
    }

    fn ended(minute: i64, due: Option<(i64, i64)>, ended: i64) -> Look {
        Look { ended: Some(ended), ..look(minute, due) }
    }

    /// The minutes in which a target of that sort was set and is due, as they were told, and in which minute that was.
    fn told(metric: SlaMetric, looks: &[Look]) -> Vec<(i64, i64, i64)> {
        let mut differ = Differ::default();
        let mut told = Vec::new();
        for shown in looks {
            let status = shown.ended.map_or(Since::seen(Status::Open), |then| Since::dated(Status::Resolved, at(then)));
            let mut record = Record::new(Opened::new("7".into()), at(0), status);
            record.dues.extend(shown.due.map(|(set, due)| Due { metric, set_at: at(set), due: at(due) }));
            record.messages.extend(shown.replies.iter().map(|minute| Said {
                key: minute.to_string().into(),
                at: at(*minute),
                from: Author::Agent,
                agent: Some(AgentId::new("ana")),
                public: true,
                text: None,
            }));
            let mut out = Vec::new();
            differ.look(record, at(shown.at), &mut out);
            differ.due(at(shown.at), &mut out);
            let minute = |instant: Timestamp| (instant - at(0)).num_minutes();
            told.extend(out.iter().filter_map(|event| match &event.kind {
                EventKind::Sla { due, .. } => Some((minute(event.at?), minute(*due), shown.at)),
                _ => None,
            }));
        }
        told
    }

    #[rstest]
    #[case::half_an_hour_ahead(NEXT, &[look(1, Some((0, 90))), look(59, Some((0, 90))), look(60, Some((0, 90))), look(95, Some((0, 90)))], &[(0, 90, 60)])]
    #[case::moved_later(NEXT, &[look(1, Some((0, 90))), look(2, Some((0, 300))), look(200, Some((0, 300))), look(280, Some((0, 300)))], &[(0, 300, 280)])]
    #[case::moved_earlier(NEXT, &[look(1, Some((0, 300))), look(2, Some((2, 60))), look(40, Some((2, 60))), look(290, Some((2, 60)))], &[(2, 60, 40)])]
    #[case::taken_back(NEXT, &[look(1, Some((0, 90))), look(2, None), look(70, None), look(100, None)], &[])]
    #[case::moved_once_it_was_told(NEXT, &[look(70, Some((0, 90))), look(80, Some((0, 300))), look(290, Some((0, 300)))], &[(0, 90, 70)])]
    #[case::answered_and_gone(NEXT, &[look(1, Some((0, 90))), replied(10, None, &[5])], &[(0, 90, 10)])]
    #[case::answered_and_shown_on(NEXT, &[look(1, Some((0, 90))), replied(10, Some((0, 90)), &[5]), look(70, Some((0, 90)))], &[(0, 90, 10)])]
    #[case::answered_before_the_first_look(NEXT, &[replied(10, Some((0, 90)), &[5])], &[(0, 90, 10)])]
    #[case::moved_and_answered(NEXT, &[look(1, Some((0, 90))), replied(10, Some((0, 300)), &[5])], &[(0, 300, 10)])]
    #[case::answered_and_the_next_one(NEXT, &[look(1, Some((0, 90))), replied(10, Some((7, 97)), &[5]), look(67, Some((7, 97)))], &[(0, 90, 10), (7, 97, 67)])]
    #[case::an_older_reply_answers_nothing(NEXT, &[replied(10, Some((7, 97)), &[5]), look(12, Some((7, 97)))], &[])]
    #[case::a_first_response_is_given_by_any_reply(FIRST, &[replied(10, Some((0, 90)), &[5])], &[(0, 90, 10)])]
    #[case::of_a_first_response_there_is_one(FIRST, &[look(1, Some((0, 90))), replied(10, Some((7, 97)), &[8]), look(95, Some((7, 97)))], &[(7, 97, 10)])]
    #[case::a_reply_is_no_resolution(END, &[replied(10, Some((0, 90)), &[5]), look(59, Some((0, 90)))], &[])]
    #[case::resolved(END, &[look(1, Some((0, 90))), ended(10, None, 5)], &[(0, 90, 10)])]
    #[case::resolved_again(END, &[ended(10, Some((0, 90)), 5), look(20, Some((15, 99))), ended(30, Some((15, 99)), 25)], &[(0, 90, 10), (15, 99, 30)])]
    fn a_target_is_told_when_it_is_certain(
        #[case] metric: SlaMetric,
        #[case] looks: &[Look],
        #[case] expected: &[(i64, i64, i64)],
    ) {
        assert_eq!(told(metric, looks), expected);
    }

    #[test]
    fn time_alone_makes_a_target_due() {
        let mut differ = Differ::default();
        let mut record = Record::new(Opened::new("7".into()), at(0), Since::seen(Status::Open));
        record.dues.push(Due { metric: NEXT, set_at: at(0), due: at(90) });
        // Of several of a sort the one that was set last runs.
        record.dues.push(Due { metric: NEXT, set_at: at(-10), due: at(40) });
        let mut out = Vec::new();
        differ.look(record, at(1), &mut out);
        out.clear();
        differ.due(at(59), &mut out);
        assert_eq!(out, []);
        differ.due(at(60), &mut out);
        assert_eq!(out.len(), 1);
        differ.due(at(61), &mut out);
        assert_eq!(out.len(), 1, "once");
    }
}
