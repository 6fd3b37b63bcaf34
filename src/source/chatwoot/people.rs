//! Agents and their states, teams, inboxes, customers: what of them was told.

use std::collections::BTreeMap;

use super::ask::Ask;
use super::map::{self, Known};
use super::wire::{Payload, Person};
use crate::event::{Agent, Event, PresenceState, Timestamp};
use crate::source::SourceError;
use crate::source::differ::Record;
use crate::source::roster::{Presence, Roster};

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    pub known: Known,
    /// The teams of each agent.
    members: BTreeMap<u64, Vec<u64>>,
    pub roster: Roster,
    /// Somebody answered in the channel's own app.
    is_outside: bool,
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
            self.roster.teams([(map::team(team.id), team.name)], out);
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
        let outside = self.is_outside.then(map::outside);
        let lines: Vec<Agent> = agents.iter().map(|person| self.agent(person)).chain(outside).collect();
        self.roster.agents(lines, at, out);
        for person in agents {
            let state = Presence::seen(state(&person.availability_status));
            self.roster.presence(&map::agent(person.id), state, at, out);
            self.known.agents.insert(person.id, person);
        }
    }

    /// Tells who stands for those who answer in the channel's own app, once there is such an answer.
    pub(super) fn meet(&mut self, record: &Record, out: &mut Vec<Event>) {
        if !self.is_outside && map::is_outside(record) {
            self.is_outside = true;
            self.roster.agent(map::outside(), out);
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
}

/// There is no `away` here; a word that is not known is nobody's presence.
fn state(word: &str) -> PresenceState {
    match word {
        "online" => PresenceState::Online,
        "busy" => PresenceState::Busy,
        _ => PresenceState::Offline,
    }
}
