//! Who is there, by the requests that told it: what a request told is not known any more once it is not answered.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::event::{AgentId, Capability, Event, EventKind, PresenceState, Timestamp};
use crate::source::sight::{LOST, hello, lost_from};

/// What was told of who is there.
#[derive(Debug, Default)]
pub(super) struct Presences {
    /// Requests that gave states, and when each was answered last.
    answered_at: BTreeMap<usize, Timestamp>,
    /// The last state of each agent, and the request that gave it.
    states: BTreeMap<AgentId, (usize, PresenceState)>,
    /// Whose state has ended because it could not be read, and when.
    lost: BTreeMap<AgentId, Timestamp>,
    /// Ends that are not told yet.
    ends: Vec<Event>,
    /// What the stream says that it can tell.
    told: Option<Vec<Capability>>,
}

impl Presences {
    /// An event that a request gave, answered then. The state of an agent whose last one was lost goes on from there, where it
    /// began before.
    pub(super) fn given(&mut self, number: usize, mut event: Event, now: Timestamp) -> Event {
        if let EventKind::Presence { agent, state, .. } = &event.kind {
            self.answered_at.insert(number, now);
            self.states.insert(agent.clone(), (number, *state));
            event.at = self.lost.remove(agent).max(event.at);
        }
        event
    }

    /// After a look that had these answers: ends the states of those requests that had none for too long, though they are asked
    /// so often. The look is `now` by this machine's clock and `there` by the other side's.
    pub(super) fn lose(
        &mut self,
        answered: &[usize],
        every: impl Fn(usize) -> TimeDelta,
        (now, there): (Timestamp, Timestamp),
    ) {
        for number in answered {
            self.answered_at.entry(*number).and_modify(|at| *at = now);
        }
        self.answered_at.retain(|number, at| now - *at < every(*number) + LOST);
        let lost = self.states.extract_if(.., |_, (number, _)| !self.answered_at.contains_key(number));
        for (agent, (_, state)) in lost {
            self.lost.insert(agent.clone(), there);
            self.ends.extend(lost_from(agent, state, there));
        }
    }

    /// Says what of all that the source can tell is told, where that was not said or is another now: presence only while
    /// anybody's state is known. It goes before what else is told, and behind the states that have ended.
    pub(super) fn hello(&mut self, mut can: Vec<Capability>, out: &mut Vec<Event>) {
        can.retain(|one| *one != Capability::Presence || !self.answered_at.is_empty());
        let mut first = std::mem::take(&mut self.ends);
        first.extend(hello(&mut self.told, can));
        out.splice(0..0, first);
    }
}
