//! Teams, agents and their states.
//!
//! A refresh reads only the teams that it takes to see everybody, for an agent of several is seen in one. Who is in which
//! team, who is new and who is gone is told by readings of all teams. Where the members of some can't be read, the others
//! are told; who is in none of these keeps the state that was seen last for a while.

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
use crate::source::roster::Roster;
use crate::source::sight::Presence;

/// All teams are read so often.
const ALL_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Where they, or some of them, can't be read, they are left alone so long.
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

/// The members of several teams.
#[derive(Debug)]
pub(super) struct Crews {
    pub read: Vec<Crew>,
    /// Teams whose members can't be read, and why.
    pub dark: BTreeMap<CompactString, SourceError>,
}

/// Everybody who was told.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// Who was in which team when all were read.
    memberships: Vec<(CompactString, BTreeSet<AgentId>)>,
    /// The teams in which everybody is seen, but for those who are only in teams that can't be read.
    watched: Vec<CompactString>,
    /// Whether the members of some team could not be read.
    is_dark: bool,
    /// It was said that something of this can't be read.
    is_named: bool,
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
        let every = if self.is_dark { RETRY } else { ALL_EVERY };
        self.all_read_at.is_none_or(|at| now - at >= every)
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
        self.roster.sight.looks();
        let teams = ask.teams().await?;
        let ids: Vec<CompactString> = teams.iter().map(|team| team.uuid.clone()).collect();
        let name = |team: Team| (TeamId::new(&*team.uuid), team.name.unwrap_or_else(|| team.uuid.to_string()));
        self.roster.teams(teams.into_iter().map(name), out);
        let Crews { read, dark } = ask.crews(&ids).await?;
        self.is_dark = !dark.is_empty();
        if let Some(error) = dark.values().next() {
            self.name(error, ask);
        }
        self.take_all(&ids, read, nobody, (ask.now, ask.at()), out);
        Ok(())
    }

    /// Lets no chat wait for what is wrong with the agents alone: that is told once, and they are tried again later.
    pub(super) fn set_aside(&mut self, read: Result<(), SourceError>, ask: &mut Ask) -> Result<(), SourceError> {
        match read {
            Err(error) if !error.is_of_all() => {
                self.retry_at = Some(ask.now + RETRY);
                self.name(&error, ask);
            }
            Err(error) => return Err(error),
            Ok(()) => {
                self.retry_at = None;
                self.is_named &= self.is_dark;
            }
        }
        Ok(())
    }

    /// Says what is wrong with the agents, unless that was said since all was well.
    fn name(&mut self, error: &SourceError, ask: &mut Ask) {
        if !std::mem::replace(&mut self.is_named, true) {
            ask.skips.note("teams and presence".to_owned(), ".", &error.to_string());
        }
    }

    /// Takes in the members of all these teams but for those that can't be read, read then by our clock and the server's.
    fn take_all(
        &mut self,
        teams: &[CompactString],
        crews: Vec<Crew>,
        nobody: bool,
        (now, at): (Timestamp, Timestamp),
        out: &mut Vec<Event>,
    ) {
        let sizes: Vec<_> = crews.iter().map(|crew| (crew.pages, crew.ids())).collect();
        self.watched = cover(&sizes).into_iter().map(|place| crews[place].team.clone()).collect();
        // Of a team that can't be read, who was in it before counts.
        self.memberships.retain(|(team, _)| teams.contains(team) && crews.iter().all(|crew| crew.team != *team));
        let read = crews.iter().map(|crew| crew.team.clone()).zip(sizes.into_iter().map(|(_, ids)| ids));
        self.memberships.extend(read);
        self.memberships.sort_by_key(|(team, _)| teams.iter().position(|one| one == team));
        let strangers = std::mem::take(&mut self.strangers);
        self.strangers = strangers.into_iter().filter(|agent| !self.is_known(agent)).collect();
        self.all_read_at = Some(now);
        self.take(crews, nobody, at, out);
    }

    /// Takes in members of teams in which everybody is whose team can be read: who is new or changed, and each state that
    /// changed; where all teams can be read, also who is gone.
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
        if self.is_dark {
            agents.chain(nobody).for_each(|agent| self.roster.agent(agent, out));
        } else {
            self.roster.agents(agents.chain(nobody), at, out);
        }
        for (id, member) in &members {
            let Some(is_available) = member.is_available() else { continue };
            let state = if is_available { PresenceState::Online } else { PresenceState::Away };
            let reason = member.custom_status().map(str::to_owned);
            let since = member.last_updated_at.filter(|since| *since <= at);
            self.roster.sight.sees(id, Presence { state, since, reason }, at, out);
        }
        if !self.is_dark && members.values().all(|member| member.is_available().is_some()) {
            self.roster.sight.looked(at);
        }
        self.names = Names::of(self.roster.names());
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
        let state = &mut self.state;
        let (people, nobody) = (&mut state.people, state.unassigned_answers);
        if !people.is_all_due(ask.now) {
            people.roster.sight.looks();
            match ask.crews(&people.watched).await {
                Ok(Crews { read, dark }) if dark.is_empty() && people.are_as_known(&read) => {
                    people.take(read, nobody, ask.at(), &mut state.outbox);
                    return Ok(());
                }
                Err(error) if error.is_of_all() => return Err(error),
                // One of them may have been deleted; who is in one that can't be read may be seen in another.
                _ => {}
            }
        }
        people.read_all(ask, nobody, &mut state.outbox).await
    }
}
