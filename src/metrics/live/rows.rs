//! The rows of the live lists, their orders and sums.

use std::cmp::Ordering;
use std::sync::Arc;

use compact_str::CompactString;

use crate::desk::{AgentIx, ConversationIx, Customer, CustomerIx, SourceIx, TeamIx};
use crate::event::{AgentId, ConversationId, PresenceState, SlaMetric, Status, TeamId, Timestamp};
use crate::metrics::thresholds::Severity;

/// One active conversation, as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRow {
    /// Its number in the desk.
    pub ix: ConversationIx,
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: ConversationId,
    /// Who asks.
    pub customer_ix: Option<CustomerIx>,
    /// What is known of them.
    pub customer: Option<Arc<Customer>>,
    /// By which way.
    pub channel: Option<Arc<str>>,
    /// Whose it is.
    pub team: Option<TeamIx>,
    /// Who holds it.
    pub holder: Option<AgentIx>,
    /// Where it stands.
    pub status: Status,
    /// All its tags.
    pub tags: Arc<[Arc<str>]>,
    /// What it is about.
    pub subject: Option<Arc<str>>,
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// In the vendor's words.
    pub priority: Option<Arc<str>>,
    /// When it began.
    pub started_at: Timestamp,
    /// The first customer message that nobody has answered; set and active = unanswered.
    pub waiting_since: Option<Timestamp>,
    /// The earliest target of the help desk itself that is still to be met.
    pub sla_due: Option<(SlaMetric, Timestamp)>,
}

impl ConversationRow {
    /// Its place in the list of the unanswered, while it is one of them.
    pub fn wait_key(&self) -> Option<WaitKey> {
        self.waiting_since.map(|since| WaitKey { since, id: self.id.clone(), ix: self.ix })
    }
}

/// One agent, as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    /// Its number in the desk.
    pub ix: AgentIx,
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: AgentId,
    /// Its display name; the id where none is known.
    pub name: Arc<str>,
    /// Its teams.
    pub teams: Arc<[TeamIx]>,
    /// Chats it takes at once.
    pub capacity: Option<u32>,
    /// Whether it still works here.
    pub active: bool,
    /// Its state; `None` where its source never said.
    pub state: Option<PresenceState>,
    /// Since when it is in that state without a break.
    pub state_since: Option<Timestamp>,
    /// Why, in the vendor's words.
    pub reason: Option<Arc<str>>,
    /// The last time it did anything at all.
    pub last_active_at: Option<Timestamp>,
    /// Active conversations it holds.
    pub open: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// Of them pending, on hold or snoozed.
    pub pending: u32,
    /// The place of the one that waits longest in the list of the unanswered, which says how bad that wait is.
    pub longest: Option<WaitKey>,
    /// When the worst of the help desk's own targets, among all that it holds, is at risk and when it is missed.
    pub target: Option<Target>,
}

/// The nearest deadlines of several targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// From here on one of them is due within its conversation's warning time.
    pub warn_at: Timestamp,
    /// From here on one of them is past due.
    pub due: Timestamp,
}

impl Target {
    /// How bad the worst of them is at an instant.
    pub fn severity(&self, at: Timestamp) -> Severity {
        if at >= self.due {
            Severity::Breached
        } else if at >= self.warn_at {
            Severity::AtRisk
        } else {
            Severity::Fine
        }
    }
}

impl AgentRow {
    /// Since when the longest waits.
    pub fn longest_since(&self) -> Option<Timestamp> {
        self.longest.as_ref().map(|key| key.since)
    }

    /// Queue by capacity, where there is one.
    pub fn load(&self) -> Option<f64> {
        self.capacity.map(|capacity| f64::from(self.open) / f64::from(capacity))
    }

    /// Its place in the list of agents.
    pub fn key(&self) -> AgentKey {
        AgentKey {
            rank: match self.state {
                _ if !self.active => 4,
                Some(PresenceState::Online | PresenceState::Busy) => 0,
                Some(PresenceState::Away) => 1,
                None => 2,
                Some(PresenceState::Offline) => 3,
            },
            longest_since: self.longest_since().unwrap_or(Timestamp::MAX),
            open: self.open,
            name: CompactString::from_str_to_lowercase(&self.name),
            ix: self.ix,
        }
    }
}

/// One team, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: TeamId,
    /// Its display name; the id where none is known.
    pub name: Arc<str>,
}

/// A place in the list of the unanswered: longest wait first, ties by conversation id, then source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitKey {
    /// Since when.
    pub since: Timestamp,
    /// Of equal waits, by id.
    pub id: ConversationId,
    /// Of equal ids, by source.
    pub ix: ConversationIx,
}

/// A place in the list of agents: at work first, then by longest wait, load and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentKey {
    /// 0 online and busy, 1 away, 2 unknown, 3 offline, 4 no longer active.
    pub rank: u8,
    /// Since when the longest waits; agents with nobody waiting come last.
    pub longest_since: Timestamp,
    /// Active conversations held.
    pub open: u32,
    /// The display name in small letters, in place: a list of thousands is copied node by node, without following each name.
    pub name: CompactString,
    /// Its number in the desk.
    pub ix: AgentIx,
}

impl Ord for AgentKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.rank, self.longest_since, std::cmp::Reverse(self.open), &self.name, self.ix).cmp(&(
            other.rank,
            other.longest_since,
            std::cmp::Reverse(other.open),
            &other.name,
            other.ix,
        ))
    }
}

impl PartialOrd for AgentKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The figures over all agents and conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Active conversations.
    pub active: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// Active conversations with no holder.
    pub unassigned: u32,
    /// Of them unanswered.
    pub unassigned_unanswered: u32,
    /// Since when the longest of them waits.
    pub unassigned_longest_since: Option<Timestamp>,
    /// Agents online or busy.
    pub online: u32,
    /// Agents away.
    pub away: u32,
    /// Agents offline.
    pub offline: u32,
    /// Active agents whose state nobody told.
    pub unknown: u32,
}
