//! The live state at one instant, in the words of docs/metrics.md.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::board::{BoardSnapshot, SourceHealth, SourceState};
use crate::desk::SourceIx;
use crate::event::{Capability, PresenceState, Timestamp};
use crate::metrics::live::{AgentRow, ConversationRow};

/// The live state at one instant: what `helptop snapshot --format json` prints. Ids are the source's own.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SnapshotReport<'a> {
    /// The instant.
    pub at: Timestamp,
    /// Every agent who holds an active conversation or is online, by name.
    pub queues: Vec<Queue<'a>>,
    /// The unanswered conversations, longest wait first.
    pub unanswered: Vec<Unanswered<'a>>,
    /// Every agent and its state, by name.
    pub agents: Vec<AgentState<'a>>,
    /// The active conversations that nobody holds.
    pub unassigned: Unassigned,
    /// The sums.
    pub totals: Totals,
    /// How fresh each source is, in the order of the config.
    pub sources: Vec<SourceRow<'a>>,
}

/// What an agent holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Queue<'a> {
    /// Its source, where several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Its id.
    pub agent: &'a str,
    /// Its display name; the id where none is known.
    pub name: &'a str,
    /// Active conversations it holds.
    pub open: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// Of them pending, on hold or snoozed.
    pub pending: u32,
    /// The longest wait among them, in seconds; null when nobody waits.
    pub longest_wait: Option<Seconds>,
    /// Its state; `None` where nobody told.
    #[serde(skip)]
    pub state: Option<PresenceState>,
}

/// A conversation that waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unanswered<'a> {
    /// Its source, where several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Its id.
    pub conversation: &'a str,
    /// The id of who asks.
    pub customer: Option<&'a str>,
    /// The id of who holds it.
    pub agent: Option<&'a str>,
    /// The id of the team whose it is.
    pub team: Option<&'a str>,
    /// By which way it came.
    pub channel: Option<&'a str>,
    /// The first customer message that nobody has answered.
    pub waiting_since: Timestamp,
    /// From then to `at`, in seconds.
    pub wait: Seconds,
    /// The customer's display name, unmasked.
    #[serde(skip)]
    pub customer_name: Option<&'a str>,
    /// The agent's display name.
    #[serde(skip)]
    pub agent_name: Option<&'a str>,
    /// The team's display name.
    #[serde(skip)]
    pub team_name: Option<&'a str>,
}

/// An agent's state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentState<'a> {
    /// Its source, where several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Its id.
    pub agent: &'a str,
    /// Its display name; the id where none is known.
    pub name: &'a str,
    /// Its state; null where nobody told.
    pub state: Option<PresenceState>,
    /// Since when it is in that state without a break.
    pub since: Option<Timestamp>,
}

/// What nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Unassigned {
    /// Active conversations.
    pub open: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// The longest wait among them, in seconds; null when nobody waits.
    pub longest_wait: Option<Seconds>,
}

/// The sums over everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Active conversations.
    pub active: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// Agents online or busy; null where no agent's state is known.
    pub online: Option<u32>,
}

/// How fresh a source is.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SourceRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// What it is doing.
    pub state: State,
    /// The last good answer.
    pub good_at: Option<Timestamp>,
    /// From then to `at`, in seconds.
    pub age: Option<Seconds>,
    /// What is wrong.
    pub error: Option<Fault<'a>>,
    /// What it can tell.
    pub capabilities: &'a [Capability],
    /// Events it gave.
    pub events: u64,
    /// Records or lines that could not be read and were skipped.
    pub skipped: u64,
}

/// What is wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault<'a> {
    /// What happened, and where.
    pub what: &'a str,
    /// What to do.
    pub hint: &'a str,
    /// Since when it lasts.
    pub since: Timestamp,
}

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Nothing has come yet.
    Starting,
    /// The last poll was good.
    Fresh,
    /// The last poll failed; the data is younger than two polls.
    Failing,
    /// Two polls or more were missed.
    Stale,
    /// A recording was read to its end.
    Finished,
}

impl From<SourceState> for State {
    fn from(state: SourceState) -> Self {
        match state {
            SourceState::Starting => Self::Starting,
            SourceState::Fresh => Self::Fresh,
            SourceState::Failing => Self::Failing,
            SourceState::Stale => Self::Stale,
            SourceState::Finished => Self::Finished,
        }
    }
}

/// A length of time in seconds: a whole number where it is one, else with its milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds {
    millis: i64,
}

impl Seconds {
    /// From one instant to another; 0 when they are in the wrong order.
    pub fn between(from: Timestamp, to: Timestamp) -> Self {
        Self { millis: (to - from).num_milliseconds().max(0) }
    }

    /// That many milliseconds.
    pub(super) fn of_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// Whole seconds, the rest cut off.
    pub fn whole(self) -> i64 {
        self.millis / 1000
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.millis % 1000 == 0 {
            write!(f, "{}", self.whole())
        } else {
            write!(f, "{}", self.millis as f64 / 1000.0)
        }
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.millis % 1000 == 0 {
            serializer.serialize_i64(self.whole())
        } else {
            serializer.serialize_f64(self.millis as f64 / 1000.0)
        }
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0})
    }
}

impl<'a> SnapshotReport<'a> {
    /// The report of a snapshot, as of its own instant.
    pub fn of(snapshot: &'a BoardSnapshot) -> Self {
        Builder { snapshot }.report()
    }

    /// The JSON schema of the report.
    pub fn schema() -> Value {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<SnapshotReport<'static>>().to_value()
    }
}

struct Builder<'a> {
    snapshot: &'a BoardSnapshot,
}

impl<'a> Builder<'a> {
    fn report(&self) -> SnapshotReport<'a> {
        let live = &self.snapshot.live;
        let mut agents: Vec<&'a AgentRow> = live.agents.values().map(AsRef::as_ref).collect();
        agents.sort_by(|a, b| (&a.name, &a.id, a.source).cmp(&(&b.name, &b.id, b.source)));
        let is_online = |agent: &AgentRow| agent.state.is_some_and(PresenceState::is_online);
        let queues = agents.iter().filter(|agent| agent.open > 0 || is_online(agent));
        let waiting = live.waiting.values();
        SnapshotReport {
            at: self.snapshot.at,
            queues: queues.map(|agent| self.queue(agent)).collect(),
            unanswered: waiting.filter_map(|row| self.unanswered(row)).collect(),
            agents: agents.iter().map(|agent| self.agent_state(agent)).collect(),
            unassigned: Unassigned {
                open: live.totals.unassigned,
                unanswered: live.totals.unassigned_unanswered,
                longest_wait: live.totals.unassigned_longest_since.map(|since| self.wait(since)),
            },
            totals: Totals {
                active: live.totals.active,
                unanswered: live.totals.unanswered,
                online: self.presence_is_known().then_some(live.totals.online),
            },
            sources: self.snapshot.sources.iter().map(|source| self.source_row(source)).collect(),
        }
    }

    fn presence_is_known(&self) -> bool {
        let claimed = self.snapshot.sources.iter().any(|source| source.capabilities.contains(&Capability::Presence));
        claimed || self.snapshot.live.agents.values().any(|agent| agent.state.is_some())
    }

    fn wait(&self, since: Timestamp) -> Seconds {
        Seconds::between(since, self.snapshot.at)
    }

    fn source(&self, ix: SourceIx) -> Option<&'a str> {
        let sources = &self.snapshot.sources;
        sources.get(ix.at()).filter(|_| sources.len() > 1).map(|source| source.name.as_str())
    }

    fn queue(&self, agent: &'a AgentRow) -> Queue<'a> {
        Queue {
            source: self.source(agent.source),
            agent: agent.id.as_str(),
            name: &agent.name,
            open: agent.open,
            unanswered: agent.unanswered,
            pending: agent.pending,
            longest_wait: agent.longest_since().map(|since| self.wait(since)),
            state: agent.state,
        }
    }

    fn unanswered(&self, row: &'a ConversationRow) -> Option<Unanswered<'a>> {
        let live = &self.snapshot.live;
        let waiting_since = row.waiting_since?;
        let customer = row.customer.as_ref();
        let agent = row.holder.and_then(|ix| live.agents.get(&ix));
        let team = row.team.and_then(|ix| live.teams.get(ix.at()));
        Some(Unanswered {
            source: self.source(row.source),
            conversation: row.id.as_str(),
            customer: customer.map(|customer| customer.id.as_str()),
            agent: agent.map(|agent| agent.id.as_str()),
            team: team.map(|team| team.id.as_str()),
            channel: row.channel.as_deref(),
            waiting_since,
            wait: self.wait(waiting_since),
            customer_name: customer.map(|customer| customer.name.as_ref()),
            agent_name: agent.map(|agent| agent.name.as_ref()),
            team_name: team.map(|team| team.name.as_ref()),
        })
    }

    fn agent_state(&self, agent: &'a AgentRow) -> AgentState<'a> {
        AgentState {
            source: self.source(agent.source),
            agent: agent.id.as_str(),
            name: &agent.name,
            state: agent.state,
            since: agent.state_since,
        }
    }

    fn source_row(&self, source: &'a SourceHealth) -> SourceRow<'a> {
        SourceRow {
            name: &source.name,
            kind: source.kind,
            state: source.state_at(self.snapshot.at).into(),
            good_at: source.good_at,
            age: source.good_at.map(|at| self.wait(at)),
            error: source.error.as_ref().map(|(what, hint, since)| Fault { what, hint, since: *since }),
            capabilities: &source.capabilities,
            events: source.events_total,
            skipped: source.skipped_total,
        }
    }
}
