//! Who is there, as it was seen.

use std::collections::HashSet;

use super::State;
use crate::event::{Event, EventKind, PresenceState, Timestamp};
use crate::source::lenient::Id;
use crate::source::zendesk::people::agent;
use crate::source::zendesk::presence::Availability;

impl State {
    /// Who is there can't be read any more: the states that were told end, for the stream has none that is unknown.
    pub(in crate::source::zendesk) fn out_of_sight(&mut self, now: Timestamp) {
        let mut seen: Vec<_> = std::mem::take(&mut self.states).into_iter().collect();
        seen.retain(|(_, (state, _))| *state != PresenceState::Offline);
        seen.sort_unstable_by_key(|(id, _)| *id);
        self.outbox.extend(seen.into_iter().map(|(id, _)| {
            let reason = Some("can't be read any more".to_owned());
            Event::new(now, EventKind::Presence { agent: agent(id), state: PresenceState::Offline, reason })
        }));
    }

    /// Tells changes of agents' states, each with its own time where that is told. Who is missing in two whole lists in a
    /// row is there no more: in one, somebody may be out of sight because its pages shifted.
    pub(in crate::source::zendesk) fn seen(&mut self, found: Vec<Availability>, is_whole: bool, now: Timestamp) {
        if is_whole {
            let met: HashSet<Id> = found.iter().map(|one| one.agent).collect();
            let absent: HashSet<Id> = self.states.keys().copied().filter(|id| !met.contains(id)).collect();
            for &id in absent.intersection(&self.absent) {
                if self.states.remove(&id).is_some_and(|(state, _)| state != PresenceState::Offline) {
                    let kind = EventKind::Presence { agent: agent(id), state: PresenceState::Offline, reason: None };
                    self.outbox.push(Event::new(now, kind));
                }
            }
            self.absent = absent;
        }
        for one in found {
            if let Some(person) = self.people.staff.get_mut(&one.agent)
                && one.capacity.is_some()
                && person.capacity != one.capacity
            {
                person.capacity = one.capacity;
                let line = self.people.agent_line(one.agent);
                self.outbox.push(line);
            }
            let Some(state) = one.state else { continue };
            let before = self.states.insert(one.agent, (state, one.since));
            if before == Some((state, one.since)) {
                continue;
            }
            self.introduce(&agent(one.agent));
            let kind = EventKind::Presence { agent: agent(one.agent), state, reason: one.reason };
            self.outbox.push(Event::new(one.since.unwrap_or(now), kind));
        }
    }
}
