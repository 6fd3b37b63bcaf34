//! What ids mean: states by their type, groups, agents.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::{Ask, place_of};
use super::story::{agent, team};
use super::wire::{Group, NOBODY, TicketState, User};
use crate::event::{Agent, Event, EventKind, Status};
use crate::source::SourceError;

/// The type of a state: the same on every installation, whatever states are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody has answered, or it is being worked on.
    Open,
    /// It waits for a time, or for that to close by itself.
    Pending,
    Closed,
    Merged,
    Removed,
}

/// What ids mean.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    states: BTreeMap<u64, u64>,
    /// Names by id, where they may be read or were seen.
    pub groups: BTreeMap<u64, String>,
    /// Groups may be listed.
    pub lists_groups: bool,
    /// Everybody who is an agent, or was when something was seen.
    agents: BTreeSet<u64>,
    /// Those who are known by name.
    pub users: BTreeMap<u64, User>,
    /// The account that asks.
    pub own: u64,
    /// Groups that are watched; empty: all.
    pub watched: Vec<u64>,
}

impl Book {
    #[cfg(test)]
    pub(super) fn of_states(types: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self { states: types.into_iter().collect(), ..Self::default() }
    }

    /// Reads without what nothing can be told: who asks, and the states.
    pub(super) async fn read(ask: &mut Ask) -> Result<Self, SourceError> {
        let mut book = Self { own: ask.me().await?.id, ..Self::default() };
        book.read_states(ask).await?;
        Ok(book)
    }

    pub(super) async fn read_states(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let states = ask.list::<TicketState>("/ticket_states", "State", &[], false).await?;
        self.states = states.iter().map(|state| (state.id, state.state_type_id)).collect();
        if self.states.is_empty() {
            let what = "no state of tickets is shown, so none can be asked for".to_owned();
            return Err(SourceError::Schema { place: place_of("GET", "/ticket_states"), path: ".".into(), what });
        }
        Ok(())
    }

    /// The right to list groups is one of admins; without it, as for one that can't be read, names come with the tickets.
    pub(super) async fn read_groups(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        match ask.list::<Group>("/groups", "Group", &[("per_page", "500")], true).await {
            Ok(groups) => {
                self.groups.extend(groups.into_iter().map(|group| (group.id, group.name)));
                self.lists_groups = true;
            }
            Err(SourceError::Forbidden { .. }) => self.lists_groups = false,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) async fn read_agents(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        for user in ask.agents().await? {
            if user.id > NOBODY {
                self.agents.insert(user.id);
                self.users.insert(user.id, user);
            }
        }
        Ok(())
    }

    /// The ids of the groups that the config names, by name or number.
    pub(super) fn watch(&self, groups: &[String]) -> Result<Vec<u64>, SourceError> {
        let id = |wanted: &String| {
            let named = self.groups.iter().find(|(_, name)| *name == wanted).map(|(id, _)| *id);
            named.or_else(|| wanted.trim().parse().ok()).ok_or_else(|| {
                let what = if self.lists_groups {
                    format!("groups: there is no group `{}`", super::excerpt(wanted))
                } else {
                    format!(
                        "groups: the name `{}` can't be looked up without the right admin.group; give its number",
                        super::excerpt(wanted)
                    )
                };
                SourceError::Unsupported { place: "GET /api/v1/groups".into(), what }
            })
        };
        groups.iter().map(id).collect()
    }

    /// Whether the state is known.
    pub(super) fn knows_state(&self, state: u64) -> bool {
        self.states.contains_key(&state)
    }

    /// The type of a state. One of an unknown type is open: it must not hide somebody who waits.
    pub(super) fn kind(&self, state: u64) -> Kind {
        match self.states.get(&state) {
            Some(3 | 4) => Kind::Pending,
            Some(5) => Kind::Closed,
            Some(6) => Kind::Merged,
            Some(7) => Kind::Removed,
            _ => Kind::Open,
        }
    }

    /// The status that a state is. A merged ticket, too, is ended.
    pub(super) fn status(&self, state: u64) -> Status {
        match self.kind(state) {
            Kind::Open => Status::Open,
            Kind::Pending => Status::Pending,
            Kind::Closed | Kind::Merged | Kind::Removed => Status::Closed,
        }
    }

    /// The states in which a ticket is ended, or not.
    pub(super) fn states(&self, ended: bool) -> Vec<u64> {
        self.states.keys().copied().filter(|state| self.status(*state).is_ended() == ended).collect()
    }

    /// Whether the user is an agent.
    pub(super) fn is_agent(&self, user: u64) -> bool {
        self.agents.contains(&user)
    }

    /// Somebody acts as an agent. Whether that was not known.
    pub(super) fn meet(&mut self, user: u64) -> bool {
        user > NOBODY && self.agents.insert(user)
    }

    /// The line of an agent; who is not among the users goes by `called`, else by number.
    pub(super) fn line(&self, user: u64, called: &str) -> Event {
        let Some(known) = self.users.get(&user) else {
            let name = if called.is_empty() || called == "-" { user.to_string() } else { called.to_owned() };
            return Event::undated(Agent::new(agent(user), name));
        };
        let mut line = Agent::new(agent(user), known.name());
        line.email = Some(known.email.clone()).filter(|email| !email.is_empty());
        line.teams = Some(known.groups().into_iter().map(team).collect());
        line.active = known.active;
        Event::undated(line)
    }

    /// The lines of all groups that are known by name.
    pub(super) fn teams(&self) -> impl Iterator<Item = Event> {
        self.groups.iter().map(|(id, name)| Event::undated(EventKind::Team { id: team(*id), name: name.clone() }))
    }
}
