//! The time in which nobody watched, between the end of one run and the start of the next.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::event::{AgentId, Event, EventKind, PresenceState, Timestamp};
use crate::source::Batch;

/// A shorter time in which nobody watched is passed over.
const LEAST: TimeDelta = TimeDelta::minutes(10);
/// A state that began so shortly before the look is taken to be told as of the look: its source knows no better.
const AT_THE_LOOK: TimeDelta = TimeDelta::minutes(2);

/// What is known of a source's agents from before the start.
///
/// A state holds until the agent's next one, and who was online when the program was stopped would be online, and paid
/// for, until it is started again. What was not seen is not counted: their states end when they were last seen, unless
/// the source tells since when the next one holds, and that leaves no gap. Of whom nothing is told at all, there may never
/// be a next one.
#[derive(Debug, Clone, Default)]
pub struct Gap {
    /// Who was online or busy, and is not spoken of yet.
    pub present: BTreeSet<AgentId>,
    /// When that was last looked at.
    pub seen_at: Option<Timestamp>,
    /// Whether the source tells at a start who is there, of everybody whom it knows.
    pub tells_everybody: bool,
    /// Who was ended because nothing was told of them, and is not spoken of yet.
    pub silent: BTreeSet<AgentId>,
}

impl Gap {
    /// Ends states of before that nobody knows to have lasted, in an answer to a question asked at `tried_at`. Once the
    /// source has told all that is going on, those go too of whom it said nothing, however short the time was.
    pub fn close(&mut self, batch: &mut Batch, tried_at: Timestamp) {
        let Some(seen_at) = self.seen_at.filter(|_| !batch.history) else { return };
        if self.present.is_empty() && self.silent.is_empty() {
            return;
        }
        let offline = |agent| {
            let reason = Some("nobody watched".to_owned());
            Event::new(seen_at, EventKind::Presence { agent, state: PresenceState::Offline, reason })
        };
        let mut told = Vec::new();
        for event in &batch.events {
            let EventKind::Presence { agent, state, .. } = &event.kind else { continue };
            let Some(at) = event.at else { continue };
            let has_lasted = at <= seen_at;
            if self.present.remove(agent) {
                let is_known_end = !state.is_online() && tried_at - at > AT_THE_LOOK;
                if tried_at - seen_at >= LEAST && !has_lasted && !is_known_end {
                    told.push(offline(agent.clone()));
                }
            } else if self.silent.remove(agent) && has_lasted {
                // It was not ended by then: of one instant, what is told last holds.
                told.push(Event::new(seen_at, event.kind.clone()));
            }
        }
        if self.tells_everybody && !batch.partial {
            told.extend(self.present.iter().cloned().map(offline));
            self.silent.append(&mut self.present);
        }
        batch.events.extend(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn before(minutes: i64) -> Timestamp {
        START - TimeDelta::minutes(minutes)
    }

    fn gap(minutes: i64) -> Gap {
        let present = ["ana", "ben"].map(AgentId::new).into();
        Gap { present, seen_at: Some(before(minutes)), ..Gap::default() }
    }

    fn is(agent: &str, state: PresenceState, at: Timestamp) -> Event {
        Event::new(at, EventKind::Presence { agent: AgentId::new(agent), state, reason: None })
    }

    /// Who is told to have gone when last seen.
    fn ended(gap: &mut Gap, events: Vec<Event>, history: bool) -> Vec<String> {
        let (many, seen_at) = (events.len(), gap.seen_at);
        let mut batch = Batch { events, history, ..Batch::default() };
        gap.close(&mut batch, START);
        let told = batch.events.drain(many..);
        told.map(|event| {
            assert_eq!(event.at, seen_at);
            match event.kind {
                EventKind::Presence { agent, state: PresenceState::Offline, .. } => agent.to_string(),
                other => panic!("{other:?}"),
            }
        })
        .collect()
    }

    #[test]
    fn a_state_that_nobody_saw_lasting_ends_when_it_was_last_seen() {
        use PresenceState::{Away, Busy, Offline, Online};
        for (state, at, is_ended) in [
            (Online, START, true),
            (Offline, START, true),
            (Away, before(1), true),
            // Told with its time: the state of before lasted until then.
            (Offline, before(300), false),
            (Away, before(3), false),
            // It began in the meantime, and what was before that is not known.
            (Online, before(60), true),
            (Busy, before(300), true),
            // It is the one of before.
            (Online, before(900), false),
            (Busy, before(840), false),
        ] {
            let ended = ended(&mut gap(840), vec![is("ana", state, at)], false);
            assert_eq!(ended, if is_ended { vec!["ana"] } else { vec![] }, "{state:?} {at}");
        }
    }

    #[test]
    fn only_the_first_word_of_who_was_present_counts_and_a_short_gap_is_none() {
        use PresenceState::Online;
        let mut gap = self::gap(840);
        assert!(ended(&mut gap, vec![is("cem", Online, START)], false).is_empty(), "was not there before");
        assert!(ended(&mut gap, vec![is("ana", Online, START)], true).is_empty(), "history is no look");
        assert_eq!(ended(&mut gap, vec![is("ben", Online, START), is("ana", Online, START)], false), ["ben", "ana"]);
        assert!(ended(&mut gap, vec![is("ana", Online, START)], false).is_empty());
        assert!(ended(&mut self::gap(9), vec![is("ana", Online, START)], false).is_empty());
        assert_eq!(ended(&mut self::gap(10), vec![is("ana", Online, START)], false), ["ana"]);
        let mut never = Gap { seen_at: None, ..self::gap(840) };
        assert!(ended(&mut never, vec![is("ana", Online, START)], false).is_empty());
    }

    /// What a batch of a source that tells everybody becomes: who is told to be what, how many minutes before the start.
    fn told(gap: &mut Gap, events: Vec<Event>, partial: bool) -> Vec<String> {
        let many = events.len();
        let mut batch = Batch { events, partial, ..Batch::default() };
        gap.close(&mut batch, START);
        let told = batch.events.drain(many..).map(|event| match event.kind {
            EventKind::Presence { agent, state, .. } => {
                format!("{agent} {state} {}", (START - event.at.unwrap()).num_minutes())
            }
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn of_whom_nothing_is_told_by_a_whole_answer_is_gone_however_short_the_gap() {
        for minutes in [1, 840] {
            let mut gap = Gap { tells_everybody: true, ..gap(minutes) };
            assert!(told(&mut gap, vec![], true).is_empty(), "there is more to come");
            assert!(told(&mut gap, vec![is("ana", PresenceState::Online, before(900))], true).is_empty());
            assert!(ended(&mut gap, vec![], true).is_empty(), "history is no look");
            assert_eq!(told(&mut gap, vec![], false), [format!("ben offline {minutes}")]);
            assert!(told(&mut gap, vec![], false).is_empty(), "once");
        }
        assert!(told(&mut gap(840), vec![], false).is_empty(), "who may tell only what has changed");
    }

    #[test]
    fn who_is_spoken_of_late_and_was_there_all_the_time_is_there() {
        let mut gap = Gap { tells_everybody: true, ..gap(1) };
        assert_eq!(told(&mut gap, vec![], false), ["ana offline 1", "ben offline 1"]);
        let late = [is("ana", PresenceState::Online, before(60)), is("ben", PresenceState::Online, START)];
        assert_eq!(told(&mut gap, late.to_vec(), false), ["ana online 1"]);
        assert!(told(&mut gap, late.to_vec(), false).is_empty());
    }
}
