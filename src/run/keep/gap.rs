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
/// the source tells since when the next one holds, and that leaves no gap.
#[derive(Debug, Clone, Default)]
pub struct Gap {
    /// Who was online or busy, and is not spoken of yet.
    pub present: BTreeSet<AgentId>,
    /// When that was last looked at.
    pub seen_at: Option<Timestamp>,
}

impl Gap {
    /// Ends states of before that nobody knows to have lasted, in an answer to a question asked at `tried_at`.
    pub fn close(&mut self, batch: &mut Batch, tried_at: Timestamp) {
        let Some(seen_at) = self.seen_at.filter(|seen_at| tried_at - *seen_at >= LEAST) else { return };
        if batch.history || self.present.is_empty() {
            return;
        }
        let mut ends = Vec::new();
        for event in &batch.events {
            if let EventKind::Presence { agent, state, .. } = &event.kind
                && let Some(at) = event.at
                && self.present.remove(agent)
            {
                let lasted = at <= seen_at;
                let is_known_end = !state.is_online() && tried_at - at > AT_THE_LOOK;
                if !lasted && !is_known_end {
                    ends.push(agent.clone());
                }
            }
        }
        let offline = |agent| {
            let reason = Some("nobody watched".to_owned());
            Event::new(seen_at, EventKind::Presence { agent, state: PresenceState::Offline, reason })
        };
        batch.events.extend(ends.into_iter().map(offline));
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
        Gap { present, seen_at: Some(before(minutes)) }
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
}
