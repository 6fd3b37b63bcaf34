//! Who is there, as it was seen.

use std::collections::HashSet;

use super::State;
use crate::event::{AgentId, Timestamp};
use crate::source::sight::Presence;
use crate::source::zendesk::people::agent;
use crate::source::zendesk::presence::Availability;

impl State {
    /// Tells changes of agents' states, each with its own time where that is told.
    pub(in crate::source::zendesk) fn seen(&mut self, found: Vec<Availability>, now: Timestamp) {
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
            let id = agent(one.agent);
            self.introduce(&id);
            let presence = Presence { state, since: one.since, reason: one.reason };
            self.sight.sees(&id, presence, now, &mut self.outbox);
        }
    }

    /// A whole list has shown only those. Who is missing in two of them in a row is there no more: in one, somebody may be
    /// out of sight because its pages shifted.
    pub(in crate::source::zendesk) fn met_only(&mut self, met: &HashSet<AgentId>, now: Timestamp) {
        let absent: HashSet<AgentId> = self.sight.agents().filter(|id| !met.contains(*id)).cloned().collect();
        let mut gone: Vec<&AgentId> = absent.intersection(&self.absent).collect();
        gone.sort_unstable();
        for id in gone {
            self.sight.leaves(id, now, &mut self.outbox);
        }
        self.absent = absent;
    }
}
