//! Who is there, by the requests that told it: what a request told is not known any more once it is not answered.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::event::{AgentId, Capability, Event, EventKind, PresenceState, Timestamp};
use crate::source::sight::{LOST, hello, lost_from};

/// A state that a request gave, by the number of that and when it was read, by the other side's clock.
pub(super) type Given = (usize, Timestamp, Event);

/// What was told of who is there.
#[derive(Debug, Default)]
pub(super) struct Presences {
    /// Requests that gave states, and when each was answered last.
    answered_at: BTreeMap<usize, Timestamp>,
    /// The latest state that each request gave of an agent, and when it was told to begin.
    given: BTreeMap<(usize, AgentId), (EventKind, Timestamp)>,
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
    /// What requests gave in a look, answered at `now` by this machine's clock. Of an agent the latest state that one request
    /// gives is the one that holds; what it gives beside that is what was before.
    pub(super) fn look(&mut self, given: Vec<Given>, now: Timestamp, out: &mut Vec<Event>) {
        let mut latest: BTreeMap<(usize, AgentId), (Option<Timestamp>, usize)> = BTreeMap::new();
        for (i, (number, _, event)) in given.iter().enumerate() {
            if let EventKind::Presence { agent, .. } = &event.kind {
                let last = latest.entry((*number, agent.clone())).or_default();
                *last = (event.at, i).max(*last);
            }
        }
        for (i, (number, read_at, event)) in given.into_iter().enumerate() {
            self.answered_at.insert(number, now);
            let holds = |agent: &AgentId| latest.get(&(number, agent.clone())).is_some_and(|(_, last)| *last == i);
            match &event.kind {
                EventKind::Presence { agent, state, .. } if holds(agent) => {
                    let (agent, state) = (agent.clone(), *state);
                    self.states.insert(agent.clone(), (number, state));
                    out.extend(self.change((number, agent), event, read_at));
                }
                _ => out.push(event),
            }
        }
    }

    /// The state that holds, where it is news. One that says to have begun no later than another that was told before it began
    /// after that, and by the look. That of an agent whose last one was lost goes on from there, where it began before.
    fn change(&mut self, of: (usize, AgentId), mut event: Event, read_at: Timestamp) -> Option<Event> {
        let began_at = event.at.unwrap_or(read_at);
        let began_at = match self.given.get(&of) {
            Some((before, told_at)) if began_at <= *told_at => {
                if *before == event.kind {
                    return None;
                }
                read_at.max(*told_at)
            }
            _ => began_at,
        };
        let began_at = self.lost.remove(&of.1).into_iter().fold(began_at, Timestamp::max);
        self.given.insert(of, (event.kind.clone(), began_at));
        event.at = Some(began_at);
        Some(event)
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
        self.given.retain(|(number, _), _| self.answered_at.contains_key(number));
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
