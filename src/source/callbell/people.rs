//! Teams, agents and their states.
//!
//! A refresh reads only the teams that it takes to see everybody, for an agent of several is seen in one. Who is in which
//! team, who is new and who is gone is told by readings of all teams.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use compact_str::CompactString;

use super::Callbell;
use super::ask::Ask;
use super::cover::cover;
use super::map::{self, NOBODY, Names};
use super::wire::{Member, Team};
use crate::event::{Agent, AgentId, Event, PresenceState, TeamId, Timestamp};
use crate::source::SourceError;
use crate::source::roster::{Presence, Roster};

/// All teams are read so often.
const ALL_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Where they can't be read, they are left alone so long.
const RETRY: TimeDelta = TimeDelta::minutes(1);

/// The members of a team.
#[derive(Debug)]
pub(super) struct Crew {
    pub team: CompactString,
    pub members: Vec<Member>,
    /// Pages that were read of them.
    pub pages: u32,
}

impl Crew {
    /// Nobody is known of it yet.
    pub(super) const fn of(team: CompactString) -> Self {
        Self { team, members: Vec::new(), pages: 0 }
    }

    fn ids(&self) -> BTreeSet<AgentId> {
        self.members.iter().map(|member| map::agent(&member.email)).collect()
    }
}

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// Who was in which team when all were read.
    memberships: Vec<(CompactString, BTreeSet<AgentId>)>,
    /// The teams in which everybody is seen.
    watched: Vec<CompactString>,
    /// Who holds a chat and was in no team.
    strangers: BTreeSet<AgentId>,
    /// When all teams were read; `None` where they have to be at once.
    all_read_at: Option<Timestamp>,
    /// They could not be read, and are tried again then.
    retry_at: Option<Timestamp>,
    pub names: Names,
    pub roster: Roster,
}

impl People {
    fn is_all_due(&self, now: Timestamp) -> bool {
        self.all_read_at.is_none_or(|at| now - at >= ALL_EVERY)
    }

    fn is_known(&self, agent: &AgentId) -> bool {
        self.memberships.iter().any(|(_, members)| members.contains(agent))
    }

    /// Takes note of who holds a chat: for somebody who is not known, all teams are read at once, one time.
    pub(super) fn meet(&mut self, agent: &AgentId) {
        if !self.is_known(agent) && self.strangers.insert(agent.clone()) {
            self.all_read_at = None;
        }
    }

    /// Whether in each of these teams is who was in it when all were read.
    fn are_as_known(&self, crews: &[Crew]) -> bool {
        crews.iter().all(|crew| {
            let known = self.memberships.iter().find(|(team, _)| *team == crew.team);
            known.is_some_and(|(_, members)| *members == crew.ids())
        })
    }

    /// Reads all teams and their members. The teams are told also where their members can't be read.
    pub(super) async fn read_all(
        &mut self,
        ask: &mut Ask,
        nobody: bool,
        out: &mut Vec<Event>,
    ) -> Result<(), SourceError> {
        let teams = ask.teams().await?;
        let ids: Vec<CompactString> = teams.iter().map(|team| team.uuid.clone()).collect();
        let name = |team: Team| (TeamId::new(&*team.uuid), team.name.unwrap_or_else(|| team.uuid.to_string()));
        self.roster.teams(teams.into_iter().map(name), out);
        let crews = ask.crews(&ids).await?;
        self.take_all(crews, nobody, ask.now, ask.at(), out);
        Ok(())
    }

    /// Lets no chat wait for what is wrong with the agents alone: that is told once, and they are tried again later.
    pub(super) fn set_aside(&mut self, read: Result<(), SourceError>, ask: &mut Ask) -> Result<(), SourceError> {
        match read {
            Err(error) if !error.is_of_all() => {
                if self.retry_at.replace(ask.now + RETRY).is_none() {
                    ask.skips.note("teams and presence".to_owned(), ".", &error.to_string());
                }
            }
            Err(error) => return Err(error),
            Ok(()) => self.retry_at = None,
        }
        Ok(())
    }

    /// Takes in the members of all teams, read at `now` by our clock and `at` by the server's.
    fn take_all(&mut self, crews: Vec<Crew>, nobody: bool, now: Timestamp, at: Timestamp, out: &mut Vec<Event>) {
        let sizes: Vec<_> = crews.iter().map(|crew| (crew.pages, crew.ids())).collect();
        self.watched = cover(&sizes).into_iter().map(|place| crews[place].team.clone()).collect();
        self.memberships =
            crews.iter().map(|crew| crew.team.clone()).zip(sizes.into_iter().map(|(_, ids)| ids)).collect();
        let strangers = std::mem::take(&mut self.strangers);
        self.strangers = strangers.into_iter().filter(|agent| !self.is_known(agent)).collect();
        self.all_read_at = Some(now);
        self.take(crews, nobody, at, out);
    }

    /// Takes in members of teams in which everybody is: who is new, changed or gone, and each state that changed.
    fn take(&mut self, crews: Vec<Crew>, nobody: bool, at: Timestamp, out: &mut Vec<Event>) {
        let mut members: BTreeMap<AgentId, Member> = BTreeMap::new();
        for member in crews.into_iter().flat_map(|crew| crew.members) {
            members.entry(map::agent(&member.email)).or_insert(member);
        }
        let agents = members.iter().map(|(id, member)| {
            let its = self.memberships.iter().filter(|(_, members)| members.contains(id));
            Agent {
                email: Some(member.email.to_string()),
                teams: Some(its.map(|(team, _)| TeamId::new(&**team)).collect()),
                active: Some(true),
                ..Agent::new(id.clone(), member.name.clone().unwrap_or_else(|| member.email.to_string()))
            }
        });
        let nobody = nobody.then(|| Agent::new(AgentId::new(NOBODY), "(nobody assigned)"));
        self.roster.agents(agents.chain(nobody), at, out);
        for (id, member) in &members {
            let Some(is_available) = member.is_available() else { continue };
            let state = if is_available { PresenceState::Online } else { PresenceState::Away };
            let reason = member.custom_status().map(str::to_owned);
            let since = member.last_updated_at.filter(|since| *since <= at);
            self.roster.presence(id, Presence { state, since, reason }, at, out);
        }
        self.names = Names::of(members.iter().filter_map(|(id, one)| Some((one.name.as_deref()?, id.clone()))));
    }
}

impl Callbell {
    /// The agents and their states, where they can be read.
    pub(super) async fn people(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if self.state.people.retry_at.is_some_and(|at| ask.now < at) {
            return Ok(());
        }
        if self.state.people.is_all_due(ask.now) {
            self.state.prune();
        }
        let read = self.read_people(ask).await;
        self.state.people.set_aside(read, ask)
    }

    /// The teams that show everybody, and all where those show somebody new or lack somebody, or where it is time.
    async fn read_people(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let people = &self.state.people;
        if !people.is_all_due(ask.now) {
            let crews = match ask.crews(&people.watched).await {
                Ok(crews) => Some(crews),
                // One of them may have been deleted.
                Err(SourceError::Unsupported { .. }) => None,
                Err(error) => return Err(error),
            };
            if let Some(crews) = crews.filter(|crews| people.are_as_known(crews)) {
                let state = &mut self.state;
                state.people.take(crews, state.unassigned_answers, ask.at(), &mut state.outbox);
                return Ok(());
            }
        }
        let state = &mut self.state;
        state.people.read_all(ask, state.unassigned_answers, &mut state.outbox).await
    }
}
