//! Users, teams and customers: who is who, and what of them was told.

use std::collections::{BTreeMap, HashMap, HashSet};

use compact_str::ToCompactString;

use super::ask::Ask;
use super::wire::{Person, Role, Team, User};
use crate::event::{Agent, AgentId, CustomerId, Event, TeamId, Timestamp};
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::roster::Roster;

/// Pages of users at most.
const PAGES: usize = 50;

/// Everybody who is known.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Programs that are users.
    bots: HashSet<Id>,
    users: BTreeMap<Id, Person>,
    members: HashMap<Id, Vec<Id>>,
    /// When the list of users was read, where the key may read it.
    listed_at: Option<Timestamp>,
    /// Those who were looked for in it, as they were in none.
    pub sought: HashSet<Id>,
    pub roster: Roster,
}

/// What is lost where the key may not read the list of users.
pub(super) const UNREAD: &str =
    "this key may not read them: names come from tickets, and a program that writes or holds counts as an agent";

/// The users and teams of the account, as far as they were read.
#[derive(Default)]
pub(super) struct Staff {
    pub users: Option<Vec<User>>,
    pub teams: Option<Vec<Team>>,
}

/// All users. Where the key may not read them, people are known by what tickets say of them.
pub(super) async fn read_users(ask: &mut Ask) -> Result<Option<Vec<User>>, SourceError> {
    if_given(read_all(ask, "/api/users").await)
}

/// All teams, where the key may read them.
pub(super) async fn read_teams(ask: &mut Ask) -> Result<Option<Vec<Team>>, SourceError> {
    if_given(read_all(ask, "/api/teams").await)
}

fn if_given<T>(read: Result<T, SourceError>) -> Result<Option<T>, SourceError> {
    match read {
        Err(SourceError::Forbidden { .. }) => Ok(None),
        other => other.map(Some),
    }
}

async fn read_all<T: serde::de::DeserializeOwned>(ask: &mut Ask, path: &str) -> Result<Vec<T>, SourceError> {
    let (mut all, mut next) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = ask.page(path, &[], next.as_ref()).await?;
        all.extend(page.items);
        if page.next.is_none() || page.next == next {
            break;
        }
        next = page.next;
    }
    Ok(all)
}

pub(super) fn agent(id: Id) -> AgentId {
    AgentId::new(id.to_compact_string())
}

pub(super) fn team(id: Id) -> TeamId {
    TeamId::new(id.to_compact_string())
}

pub(super) fn customer(id: Id) -> CustomerId {
    CustomerId::new(id.to_compact_string())
}

fn is_bot(role: &Role) -> bool {
    role.name.as_deref() == Some("bot")
}

impl People {
    /// Takes in who there is, and tells who is new, has changed or is gone.
    pub(super) fn take(&mut self, staff: Staff, at: Timestamp, out: &mut Vec<Event>) {
        if let Some(teams) = staff.teams {
            let named = |one: &Team| (team(one.id), one.name.clone().unwrap_or_else(|| one.id.to_string()));
            self.roster.teams(teams.iter().map(named), out);
            self.members.clear();
            for team in &teams {
                for member in &team.members {
                    self.members.entry(member.id).or_default().push(team.id);
                }
            }
        }
        let Some(users) = staff.users else { return };
        self.listed_at = Some(at);
        self.bots = users.iter().filter(|user| is_bot(&user.role)).map(|user| user.person.id).collect();
        let humans: Vec<&User> = users.iter().filter(|user| !is_bot(&user.role)).collect();
        let lines: Vec<Agent> = humans.iter().map(|user| self.line(&user.person, user.active)).collect();
        self.roster.agents(lines, at, out);
        // Who was met and is in no list has left, and is not told again.
        self.users.extend(humans.into_iter().map(|user| (user.person.id, user.person.clone())));
    }

    fn line(&self, person: &Person, active: Option<bool>) -> Agent {
        let teams = self.members.get(&person.id).into_iter().flatten().map(|id| team(*id)).collect();
        let name = person.called().map_or_else(|| person.id.to_string(), str::to_owned);
        let email = person.email.as_deref().map(str::to_owned);
        Agent { email, teams: Some(teams), active, ..Agent::new(agent(person.id), name) }
    }

    /// Tells somebody who is met in a ticket and in no list of users.
    pub(super) fn meet(&mut self, person: &Person, out: &mut Vec<Event>) {
        if self.is_bot(person.id) || self.users.contains_key(&person.id) {
            return;
        }
        self.users.insert(person.id, person.clone());
        let line = self.line(person, None);
        self.roster.agent(line, out);
    }

    /// Whether somebody who is in no list of users has done something since it was read.
    pub(super) fn is_stranger(&self, id: Id, at: Timestamp) -> bool {
        let is_known = self.is_bot(id) || self.users.contains_key(&id) || self.sought.contains(&id);
        !is_known && self.listed_at.is_some_and(|listed_at| at >= listed_at)
    }

    /// Whether a user is a program: what it holds nobody holds, and what it writes answers nobody.
    pub(super) fn is_bot(&self, id: Id) -> bool {
        self.bots.contains(&id)
    }

    /// The agent of a user; nobody where that is a program.
    pub(super) fn agent(&self, id: Option<Id>) -> Option<Id> {
        id.filter(|id| !self.is_bot(*id))
    }
}
