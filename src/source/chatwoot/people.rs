//! Agents and their states, teams, inboxes, customers: what of them was told.

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::xxh3_64;

use super::ask::Ask;
use super::map::{self, Known};
use super::wire::{Payload, Person, Row};
use crate::event::{Agent, Event, EventKind, PresenceState, Timestamp};
use crate::source::SourceError;

/// Customers whose names are remembered; beyond that they are told again.
const MOST_CUSTOMERS: usize = 100_000;

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    pub known: Known,
    /// The teams of each agent.
    members: BTreeMap<u64, Vec<u64>>,
    /// What was told of each agent, as a print.
    told: BTreeMap<u64, u64>,
    states: BTreeMap<u64, PresenceState>,
    customers: HashMap<u64, u64>,
}

/// The teams, and who is in each.
pub(super) type Teams = Vec<(Person, Vec<Person>)>;

/// The teams of the account; without the right to see who is in them, only their names.
pub(super) async fn read_teams(ask: &mut Ask) -> Result<Teams, SourceError> {
    let raw = ask.get("/teams", &[]).await?;
    let teams: Vec<Person> = ask.read_all("GET /teams", "", raw);
    let mut with_members = Vec::with_capacity(teams.len());
    for team in teams {
        let members = match ask.get(&format!("/teams/{}/team_members", team.id), &[]).await {
            Ok(raw) => ask.read_all("GET /teams/:id/team_members", "", raw),
            Err(SourceError::Forbidden { .. } | SourceError::Unsupported { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        with_members.push((team, members));
    }
    Ok(with_members)
}

/// The agents of the account.
pub(super) async fn read_agents(ask: &mut Ask) -> Result<Vec<Person>, SourceError> {
    let raw = ask.get("/agents", &[]).await?;
    Ok(ask.read_all("GET /agents", "", raw))
}

/// The inboxes of the account.
pub(super) async fn read_inboxes(ask: &mut Ask) -> Result<Vec<Person>, SourceError> {
    let Payload { payload } = ask.get("/inboxes", &[]).await?;
    Ok(ask.read_all("GET /inboxes", "payload", payload))
}

impl People {
    /// Takes in the teams and tells them.
    pub(super) fn take_teams(&mut self, teams: Teams, out: &mut Vec<Event>) {
        self.members.clear();
        for (team, members) in teams {
            out.push(Event::undated(EventKind::Team { id: map::team(team.id), name: team.name }));
            for member in members {
                self.members.entry(member.id).or_default().push(team.id);
            }
        }
    }

    /// Takes in the inboxes.
    pub(super) fn take_inboxes(&mut self, inboxes: Vec<Person>) {
        self.known.inboxes = inboxes.into_iter().map(|inbox| (inbox.id, inbox)).collect();
    }

    /// Takes in the agents, and tells who is new, changed or gone, and each state that changed.
    pub(super) fn take_agents(&mut self, agents: Vec<Person>, at: Timestamp, out: &mut Vec<Event>) {
        let agents: BTreeMap<u64, Person> = agents.into_iter().map(|agent| (agent.id, agent)).collect();
        let gone: Vec<u64> = self.told.keys().filter(|number| !agents.contains_key(number)).copied().collect();
        for number in gone {
            self.told.remove(&number);
            if let Some(before) = self.known.agents.get(&number) {
                out.push(Event::undated(Agent { active: Some(false), ..self.agent(before) }));
            }
            if self.states.remove(&number).is_some_and(|state| state != PresenceState::Offline) {
                out.push(presence(number, PresenceState::Offline, at));
            }
        }
        for (number, person) in agents {
            let agent = self.agent(&person);
            let print = serde_json::to_vec(&agent).map_or(0, |json| xxh3_64(&json));
            if self.told.insert(number, print) != Some(print) {
                out.push(Event::undated(agent));
            }
            let state = state(&person.availability_status);
            if self.states.insert(number, state) != Some(state) {
                out.push(presence(number, state, at));
            }
            self.known.agents.insert(number, person);
        }
    }

    fn agent(&self, person: &Person) -> Agent {
        let names = [&person.available_name, &person.name, &person.email];
        let name = names.into_iter().find(|name| !name.is_empty()).cloned();
        let teams = self.members.get(&person.id).into_iter().flatten().map(|team| map::team(*team)).collect();
        Agent {
            email: Some(person.email.clone()).filter(|email| !email.is_empty()),
            teams: Some(teams),
            active: Some(true),
            ..Agent::new(map::agent(person.id), name.unwrap_or_else(|| person.id.to_string()))
        }
    }

    /// Tells the customer of a conversation where it was not told, or has another name now.
    pub(super) fn tell_customer(&mut self, row: &Row, out: &mut Vec<Event>) {
        let Some((sender, event)) = row.meta.sender.as_ref().zip(row.customer()) else { return };
        let print = xxh3_64(sender.name.as_bytes());
        if self.customers.len() >= MOST_CUSTOMERS {
            self.customers.clear();
        }
        if self.customers.insert(sender.id, print) != Some(print) {
            out.push(event);
        }
    }
}

fn presence(number: u64, state: PresenceState, at: Timestamp) -> Event {
    Event::new(at, EventKind::Presence { agent: map::agent(number), state, reason: None })
}

/// There is no `away` here; a word that is not known is nobody's presence.
fn state(word: &str) -> PresenceState {
    match word {
        "online" => PresenceState::Online,
        "busy" => PresenceState::Busy,
        _ => PresenceState::Offline,
    }
}
