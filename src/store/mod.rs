//! What happened, kept on disk: every event of every source, and how far each source has been read.
//!
//! Invariants: appending is idempotent, an exact repeat is kept once; events and the cursor that stands behind them
//! are written together or not at all; of one subject and one instant the order of arrival is kept, so that a fold of
//! the store equals the fold of the live run. Knows no desk and no clock.

mod body;
mod bytes;
mod chunk;
pub mod error;
mod lock;
mod pack;
mod sqlite;
mod subject;

use crate::event::{AgentId, ConversationId, CustomerId, Event, Timestamp};

pub use error::StoreError;
pub use lock::Recording;
pub use pack::{Pack, Part};
pub use sqlite::SqliteStore;
pub use subject::SubjectKind;

/// The number of a source in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceNo(pub i64);

/// A source of which something is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSource {
    /// Its number here.
    pub no: SourceNo,
    /// Its name in the config.
    pub name: String,
    /// How far it has been read.
    pub cursor: Option<Cursor>,
    /// When it last gave a good answer.
    pub good_at: Option<Timestamp>,
    /// The first and the last instant that any of its events names.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whether it has told all of the past that it was asked for: figures of a part of it are wrong figures.
    pub history_told: bool,
}

/// How far a source has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// In the source's own words.
    pub value: serde_json::Value,
    /// A print of the settings that it was read with: with others it means nothing.
    pub settings: u64,
}

/// What is written together with events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mark {
    /// How far the source has been read now; unchanged when `None`.
    pub cursor: Option<Cursor>,
    /// When it gave a good answer; unchanged when `None`.
    pub good_at: Option<Timestamp>,
    /// Whether it has told all of the past that it was asked for; unchanged when `None`.
    pub history_told: Option<bool>,
    /// A conversation that fell quiet before this and is spoken of again is named.
    pub quiet_before: Option<Timestamp>,
}

/// What became of appended events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// Events that were new.
    pub new: u64,
    /// Events that were there already.
    pub repeats: u64,
    /// Conversations that had been quiet for long: see [`Mark::quiet_before`].
    pub revived: Vec<ConversationId>,
}

/// Which events are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Conversations about which anything may have completed at this instant or later, whole, with their customers;
    /// all teams and agents, and the states of agents from this instant on with the one that held then.
    Since(Timestamp),
    /// Of these what was said before the second instant, and maybe more of what was said with it: enough of the past.
    Between(Timestamp, Timestamp),
    /// Everything about what was touched by an append after that one.
    Touched(i64),
    /// The conversations of a customer, with it and all teams and agents.
    Customer(SourceNo, CustomerId),
    /// A conversation, with its customer and all teams and agents.
    Conversation(SourceNo, ConversationId),
}

/// What is kept at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Conversations that fell quiet before this are let go.
    pub oldest: Timestamp,
    /// Above so many bytes the oldest are let go.
    pub most_bytes: u64,
}

/// What was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Conversations.
    pub conversations: u64,
    /// Everything that fell quiet before this was let go.
    pub before: Option<Timestamp>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Events.
    pub events: u64,
    /// Bytes in use.
    pub bytes: u64,
}

/// Takes events out of a store.
pub type Sink<'a> = dyn FnMut(SourceNo, Event) -> Result<(), StoreError> + 'a;

/// Keeps events. An implementation passes the story in `tests/store`.
pub trait Store: Send {
    /// The source of that name, added where there is none.
    fn source(&mut self, name: &str) -> Result<SourceNo, StoreError>;

    /// All sources of which anything is kept, by number.
    fn sources(&mut self) -> Result<Vec<KeptSource>, StoreError>;

    /// The conversations of a source that may be active.
    fn active(&mut self, source: SourceNo) -> Result<Vec<ConversationId>, StoreError>;

    /// The agents of a source whose last state is online or busy.
    fn present(&mut self, source: SourceNo) -> Result<Vec<AgentId>, StoreError>;

    /// The first instant at which a kept conversation fell quiet: of what fell quiet before, nothing is kept.
    fn whole_from(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps events and what goes with them, all or nothing.
    fn append(&mut self, source: SourceNo, events: &[Event], mark: &Mark) -> Result<Appended, StoreError>;

    /// How many appends there were that kept anything.
    fn appends(&mut self) -> Result<i64, StoreError>;

    /// Hands out the events of a selection, of one subject after the other, each in the order of arrival; as of one
    /// moment, whatever is appended meanwhile.
    fn read(&mut self, selection: &Selection, sink: &mut Sink<'_>) -> Result<(), StoreError>;

    /// What [`Selection::Since`] passes over: the sources and the instants at which customers opened conversations from
    /// an instant on that fell quiet before another one.
    fn openings(&mut self, from: Timestamp, quiet_before: Timestamp) -> Result<Vec<(SourceNo, Timestamp)>, StoreError>;

    /// How many events a selection holds, roughly.
    fn count(&mut self, selection: &Selection) -> Result<u64, StoreError>;

    /// Lets go of what is too old or too much. Never of a conversation that may be active.
    fn prune(&mut self, limits: &Limits) -> Result<Pruned, StoreError>;

    /// How much is kept.
    fn size(&mut self) -> Result<Size, StoreError>;
}
