//! Agents and their states, teams, inboxes, customers: what of them was told.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Chatwoot;
use super::ask::Ask;
use super::map::{self, Known};
use super::sides::{AGENTS, TEAMS};
use super::walk::EVERY;
use super::wire::{Payload, Person};
use crate::event::{Agent, AgentId, Event, EventKind, PresenceState, Timestamp};
use crate::source::SourceError;
use crate::source::differ::Record;
use crate::source::http::words::excerpt;
use crate::source::roster::{Presence, Roster};

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    pub known: Known,
    /// Who is in each team.
    members: BTreeMap<u64, BTreeSet<u64>>,
    /// Teams of which it is still to be read, and when they were read, by our clock.
    left: Vec<u64>,
    teams_at: Timestamp,
    pub roster: Roster,
    /// Somebody answered in the channel's own app.
    is_outside: bool,
    /// Who has left, and may have held something.
    pub gone: BTreeSet<AgentId>,
}

/// What was read of teams: all there are, and who is in some of them.
pub(super) struct Teams {
    all: Vec<Person>,
    members: Vec<(u64, Vec<Person>)>,
}

/// The teams of the account; of many, some that they hold are left for later polls.
pub(super) async fn read_teams(ask: &mut Ask) -> Result<Teams, SourceError> {
    let raw = ask.get("/teams", &[]).await?;
    let all: Vec<Person> = ask.read_all("GET /teams", "", raw);
    let numbers: Vec<u64> = all.iter().map(|team| team.id).collect();
    let members = ask.members(&numbers).await?;
    Ok(Teams { all, members })
}

impl Chatwoot {
    /// Teams that are new, renamed or filled anew, every ten minutes; and what an earlier poll left of them.
    pub(super) async fn teams(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let left = self.state.people.left.clone();
        if left.is_empty() && ask.now - self.state.people.teams_at < EVERY || !self.state.sides.may_ask(TEAMS, ask.now)
        {
            return Ok(());
        }
        if left.is_empty() {
            let got = read_teams(ask).await;
            if let Some(teams) = self.state.sides.came(TEAMS, got, &mut ask.skips)? {
                self.state.people.take_teams(teams, ask.now, &mut self.state.outbox);
            }
        } else {
            let got = ask.members(&left).await;
            if let Some(members) = self.state.sides.came(TEAMS, got, &mut ask.skips)? {
                self.state.people.take_members(members);
            }
        }
        Ok(())
    }

    /// The agents with their states.
    pub(super) async fn agents(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if self.state.sides.may_ask(AGENTS, ask.now) {
            let got = read_agents(ask).await;
            if let Some(agents) = self.state.sides.came(AGENTS, got, &mut ask.skips)? {
                self.state.people.take_agents(agents, ask.at(), &mut self.state.outbox);
            }
        }
        Ok(())
    }
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

/// The numbers of the inboxes that are to be watched, by their names: all of a name.
pub(super) fn watched(names: &[String], inboxes: &[Person]) -> Result<HashSet<u64>, SourceError> {
    let mut watched = HashSet::new();
    for name in names {
        watched.extend(inboxes.iter().filter(|inbox| inbox.name == *name).map(|inbox| inbox.id));
        if !inboxes.iter().any(|inbox| inbox.name == *name) {
            let what = format!("there is no inbox `{}` that the token sees", excerpt(name));
            return Err(SourceError::Unsupported { place: "inboxes".into(), what });
        }
    }
    Ok(watched)
}

impl People {
    /// Takes in the teams and tells them.
    pub(super) fn take_teams(&mut self, teams: Teams, now: Timestamp, out: &mut Vec<Event>) {
        let Teams { all, members } = teams;
        self.left = all.iter().map(|team| team.id).collect();
        self.members.retain(|team, _| self.left.contains(team));
        self.teams_at = now;
        self.roster.teams(all.into_iter().map(|one| (map::team(one.id), one.name)), out);
        self.take_members(members);
    }

    /// Takes in who is in some teams.
    fn take_members(&mut self, members: Vec<(u64, Vec<Person>)>) {
        for (team, people) in members {
            self.left.retain(|left| *left != team);
            self.members.insert(team, people.into_iter().map(|person| person.id).collect());
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
        let told = out.len();
        self.roster.agents(lines, at, out);
        self.gone.extend(out[told..].iter().filter_map(left));
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
        let of_it = self.members.iter().filter(|(_, members)| members.contains(&person.id));
        let teams = of_it.map(|(number, _)| map::team(*number)).collect();
        Agent {
            email: Some(person.email.clone()).filter(|email| !email.is_empty()),
            teams: Some(teams),
            active: Some(true),
            ..Agent::new(map::agent(person.id), name.unwrap_or_else(|| person.id.to_string()))
        }
    }
}

/// Who left, by that event.
fn left(event: &Event) -> Option<AgentId> {
    match &event.kind {
        EventKind::Agent(agent) if agent.active == Some(false) => Some(agent.id.clone()),
        _ => None,
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
