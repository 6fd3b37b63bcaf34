//! Teams, agents and their states.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::ask::Ask;
use super::map::{self, NOBODY, Names};
use super::wire::{Member, Team};
use crate::event::{Agent, AgentId, Event, PresenceState, TeamId, Timestamp};
use crate::source::SourceError;
use crate::source::roster::{Presence, Roster};

/// The members of each team.
pub(super) type Crews = Vec<(CompactString, Vec<Member>)>;

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// The teams, as they were last read.
    pub teams: Vec<CompactString>,
    pub names: Names,
    pub roster: Roster,
}

/// The members of all those teams, a request each.
pub(super) async fn read_crews(ask: &mut Ask, teams: &[CompactString]) -> Result<Crews, SourceError> {
    let mut crews = Vec::with_capacity(teams.len());
    for team in teams {
        crews.push((team.clone(), ask.members(team).await?));
    }
    Ok(crews)
}

impl People {
    /// Takes in the teams.
    pub(super) fn take_teams(&mut self, teams: Vec<Team>, out: &mut Vec<Event>) {
        self.teams = teams.iter().map(|team| team.uuid.clone()).collect();
        let name = |team: Team| (TeamId::new(&*team.uuid), team.name.unwrap_or_else(|| team.uuid.to_string()));
        self.roster.teams(teams.into_iter().map(name), out);
    }

    /// Takes in the members of all teams: who is new, changed or gone, and each state that changed.
    pub(super) fn take_crews(&mut self, crews: Crews, nobody: bool, at: Timestamp, out: &mut Vec<Event>) {
        let mut members: BTreeMap<AgentId, (Member, Vec<TeamId>)> = BTreeMap::new();
        for (team, crew) in crews {
            for member in crew {
                let (_, teams) = members.entry(map::agent(&member.email)).or_insert((member, Vec::new()));
                teams.push(TeamId::new(&*team));
            }
        }
        let agents = members.iter().map(|(id, (member, teams))| Agent {
            email: Some(member.email.to_string()),
            teams: Some(teams.clone()),
            active: Some(true),
            ..Agent::new(id.clone(), member.name.clone().unwrap_or_else(|| member.email.to_string()))
        });
        let nobody = nobody.then(|| Agent::new(AgentId::new(NOBODY), "(nobody assigned)"));
        self.roster.agents(agents.chain(nobody), at, out);
        for (id, (member, _)) in &members {
            let state = if member.is_available() { PresenceState::Online } else { PresenceState::Away };
            let reason = member.custom_status().map(str::to_owned);
            let since = member.last_updated_at.filter(|since| *since <= at);
            self.roster.presence(id, Presence { state, since, reason }, at, out);
        }
        self.names = Names::of(members.iter().filter_map(|(id, (one, _))| Some((one.name.as_deref()?, id.clone()))));
    }
}
