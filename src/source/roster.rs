//! What was told of an account's people, so that each line is told once and each change when it is seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::sight::Sight;
use crate::event::{Agent, AgentId, CustomerId, Event, EventKind, TeamId, Timestamp};

/// Customers who are remembered as told; beyond that they are told again.
const MOST_CUSTOMERS: usize = 100_000;

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Roster {
    teams: BTreeMap<TeamId, String>,
    agents: BTreeMap<AgentId, Agent>,
    pub sight: Sight,
    customers: HashMap<CustomerId, u64>,
}

impl Roster {
    /// Tells the teams that are new or have another name.
    pub(super) fn teams(&mut self, teams: impl IntoIterator<Item = (TeamId, String)>, out: &mut Vec<Event>) {
        for (id, name) in teams {
            if self.teams.get(&id) != Some(&name) {
                out.push(Event::undated(EventKind::Team { id: id.clone(), name: name.clone() }));
                self.teams.insert(id, name);
            }
        }
    }

    /// Tells who is new, has changed or is missing among all agents that the account has: who is missing has left, and
    /// is there no more.
    pub(super) fn agents(&mut self, agents: impl IntoIterator<Item = Agent>, at: Timestamp, out: &mut Vec<Event>) {
        let mut met = BTreeSet::new();
        for agent in agents {
            met.insert(agent.id.clone());
            self.agent(agent, out);
        }
        let gone: Vec<AgentId> = self.agents.keys().filter(|id| !met.contains(*id)).cloned().collect();
        for agent in gone {
            if let Some(before) = self.agents.remove(&agent) {
                out.push(Event::undated(Agent { active: Some(false), ..before }));
            }
            self.sight.leaves(&agent, at, out);
        }
    }

    /// Tells one agent where that is new or has changed; of the others nothing is said.
    pub(super) fn agent(&mut self, agent: Agent, out: &mut Vec<Event>) {
        if self.agents.get(&agent.id) != Some(&agent) {
            out.push(Event::undated(agent.clone()));
            self.agents.insert(agent.id.clone(), agent);
        }
    }

    /// The names of all agents.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, AgentId)> {
        self.agents.iter().map(|(id, agent)| (&*agent.name, id.clone()))
    }

    /// Tells a customer who was not told, or has another name now.
    pub(super) fn customer(
        &mut self,
        id: &CustomerId,
        name: Option<&str>,
        segment: Option<&str>,
        out: &mut Vec<Event>,
    ) {
        let print = xxh3_64(format!("{name:?}{segment:?}").as_bytes());
        if self.customers.len() >= MOST_CUSTOMERS {
            self.customers.clear();
        }
        if self.customers.insert(id.clone(), print) != Some(print) {
            let (name, segment) = (name.map(str::to_owned), segment.map(str::to_owned));
            out.push(Event::undated(EventKind::Customer { id: id.clone(), name, segment }));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::PresenceState::{Busy, Online};
    use crate::source::sight::Presence;

    fn told(out: &mut Vec<Event>) -> Value {
        out.drain(..).map(|event| serde_json::to_value(event).unwrap()).collect()
    }

    #[test]
    fn each_line_is_told_once_and_each_change() {
        let (mut roster, mut out) = (Roster::default(), Vec::new());
        let at = Timestamp::from_millis(1_795_000_000_000);
        let (ana, ben) = (AgentId::new("ana"), AgentId::new("ben"));
        let both = || [Agent::new(ana.clone(), "Ana".to_owned()), Agent::new(ben.clone(), "Ben".to_owned())];
        roster.agents(both(), at, &mut out);
        assert_eq!(told(&mut out).as_array().unwrap().len(), 2);
        roster.agents(both(), at, &mut out);
        assert_eq!(told(&mut out), json!([]), "nobody has changed");
        roster.sight.sees(&ana, Presence::seen(Online), at, &mut out);
        out.clear();

        roster.agents([], at, &mut out);
        let left = |id: &str, name: &str| json!({"type": "agent", "id": id, "name": name, "active": false});
        let offline = json!({"type": "presence", "at": at, "agent": "ana", "state": "offline"});
        assert_eq!(told(&mut out), json!([left("ana", "Ana"), offline, left("ben", "Ben")]));
        roster.agents(both(), at, &mut out);
        roster.sight.sees(&ana, Presence::seen(Busy), at, &mut out);
        assert_eq!(told(&mut out).as_array().unwrap().len(), 3, "who comes back is told anew");
    }

    #[test]
    fn teams_and_customers_are_told_again_with_another_name() {
        let (mut roster, mut out) = (Roster::default(), Vec::new());
        for name in ["Billing", "Billing", "Money"] {
            roster.teams([(TeamId::new("7"), name.to_owned())], &mut out);
            roster.customer(&CustomerId::new("c"), Some(name), None, &mut out);
        }
        roster.customer(&CustomerId::new("c"), Some("Money"), Some("vip"), &mut out);
        let told = told(&mut out);
        let of = |kind: &str| told.as_array().unwrap().iter().filter(|event| event["type"] == kind).count();
        assert_eq!((of("team"), of("customer")), (2, 3));
    }
}
