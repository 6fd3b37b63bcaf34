//! Teammates with an inbox seat and whether they are away, teams, customers: what of them was told.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;

use super::wire::{Admin, Reason, Team};
use crate::event::{Agent, AgentId, Event, PresenceState, TeamId, Timestamp};
use crate::source::roster::Roster;
use crate::source::sight::Presence;

/// Everybody who was told.
#[derive(Debug, Default)]
pub(super) struct People {
    pub roster: Roster,
    /// Those with a seat; nothing until they were read.
    seats: Option<HashSet<AgentId>>,
    /// Others who wrote or did something, and were told.
    pub strangers: HashSet<AgentId>,
    /// The account's own words for why somebody is away.
    reasons: HashMap<CompactString, String>,
}

impl Admin {
    /// Who has no seat in the inbox deals with no conversations, and is never away.
    pub(super) fn has_seat(&self) -> bool {
        self.has_inbox_seat != Some(false)
    }
}

impl People {
    /// Takes in the teams and tells them.
    pub(super) fn take_teams(&mut self, teams: Vec<Team>, out: &mut Vec<Event>) {
        let named = |team: Team| (TeamId::new(team.id.clone()), team.name.unwrap_or_else(|| team.id.to_string()));
        self.roster.teams(teams.into_iter().map(named), out);
    }

    /// Takes in why people are away.
    pub(super) fn take_reasons(&mut self, reasons: Vec<Reason>) {
        self.reasons = reasons.into_iter().filter_map(|reason| Some((reason.id, reason.label?))).collect();
    }

    /// Takes in the teammates, and tells who is new, changed or, where these are all, gone, and each state that changed.
    /// Gives those of whom it is not said whether they are away: of them no state is told.
    pub(super) fn take_admins(
        &mut self,
        (admins, is_whole): (Vec<Admin>, bool),
        at: Timestamp,
        out: &mut Vec<Event>,
    ) -> Vec<CompactString> {
        let mut unknown = Vec::new();
        // Whoever may read the list is in it.
        let is_whole = is_whole && !admins.is_empty();
        let admins: Vec<Admin> = admins.into_iter().filter(Admin::has_seat).collect();
        let mut seats: HashSet<AgentId> = admins.iter().map(|admin| AgentId::new(admin.id.clone())).collect();
        if is_whole {
            self.roster.agents(admins.iter().map(agent), at, out);
        } else {
            for admin in &admins {
                self.roster.agent(agent(admin), out);
            }
            seats.extend(self.seats.iter().flatten().cloned());
        }
        if self.seats.replace(seats).is_none() {
            // Of those who were told it was not known.
            self.strangers.clear();
        }
        for admin in admins {
            let reason = admin.away_status_reason_id.as_ref().and_then(|id| self.reasons.get(id)).cloned();
            let presence = match admin.away_mode_enabled {
                Some(true) => Presence { reason, ..Presence::seen(PresenceState::Away) },
                Some(false) => Presence::seen(PresenceState::Online),
                None => {
                    unknown.push(admin.id);
                    continue;
                }
            };
            self.roster.sight.sees(&AgentId::new(admin.id), presence, at, out);
        }
        if is_whole && unknown.is_empty() {
            self.roster.sight.looked(at);
        }
        unknown
    }

    /// Tells the name of somebody who wrote or did something and has no seat, or none any more; while it is not known who
    /// has one, of everybody.
    pub(super) fn introduce(&self, id: AgentId, name: Option<&str>, told: &mut HashSet<AgentId>, out: &mut Vec<Event>) {
        if !self.seats.as_ref().is_some_and(|seats| seats.contains(&id))
            && let Some(name) = name
            && told.insert(id.clone())
        {
            let active = self.seats.is_some().then_some(false);
            out.push(Event::undated(Agent { active, ..Agent::new(id, name) }));
        }
    }
}

fn agent(admin: &Admin) -> Agent {
    let name = admin.name.clone().or_else(|| admin.email.clone());
    Agent {
        email: admin.email.clone(),
        teams: Some(admin.team_ids.iter().map(|team| TeamId::new(team.clone())).collect()),
        active: Some(true),
        ..Agent::new(AgentId::new(admin.id.clone()), name.unwrap_or_else(|| admin.id.to_string()))
    }
}
