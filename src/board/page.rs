//! What is behind a row: one key into an agent or a chat.

use std::sync::Arc;

use crate::desk::{AgentIx, ConversationIx, SourceIx};
use crate::event::{AgentId, Author, ConversationId, CustomerId, PresenceState, Status, StatusBy, Timestamp};
use crate::metrics::live::{AgentRow, ConversationRow};
use crate::metrics::stats::{DurationFigure, ShareFigure};

/// What a viewer asks the desk for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// The page of an agent.
    Agent(AgentIx),
    /// The page of a conversation, active or ended.
    Conversation(ConversationIx),
    /// The same, of one that is known by name only.
    Named(SourceIx, ConversationId),
    /// The page of a customer, which only the past tells.
    Customer(SourceIx, CustomerId),
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// The page of an agent.
    Agent(Box<AgentPage>),
    /// The page of a conversation.
    Conversation(Box<ConversationPage>),
    /// The desk no longer knows it.
    Gone,
}

/// A stretch of one state, inside today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSpan {
    /// Which state.
    pub state: PresenceState,
    /// From when, at the earliest midnight.
    pub from: Timestamp,
    /// Until when; `None` = still.
    pub to: Option<Timestamp>,
}

/// A number of chats held from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// From when on.
    pub from: Timestamp,
    /// How many.
    pub chats: u32,
}

/// An agent's figures since midnight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentToday {
    /// Distinct conversations it replied in.
    pub worked: u64,
    /// Replies it sent.
    pub replies: u64,
    /// Endings by it.
    pub closed: u64,
    /// First replies it gave.
    pub first_response: DurationFigure,
    /// Waits it ended by a reply.
    pub response: DurationFigure,
    /// Time online or busy, in seconds; `None` where its source tells no presence.
    pub online_seconds: Option<i64>,
    /// Satisfaction with conversations it held.
    pub csat: Option<ShareFigure>,
}

/// The page of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentPage {
    /// The agent.
    pub agent: Arc<AgentRow>,
    /// What it holds, longest wait first, then those that wait for nobody, oldest first.
    pub open: Vec<Arc<ConversationRow>>,
    /// Its states today, oldest first; empty where its source tells no presence.
    pub states: Vec<StateSpan>,
    /// How many active chats it held since midnight, step by step, oldest first.
    pub held: Vec<Held>,
    /// When chats ended in its hands or by it today, oldest first.
    pub endings: Vec<Timestamp>,
    /// Its figures today.
    pub today: AgentToday,
    /// Its replies and endings today, newest first, at most 500.
    pub activity: Vec<TimelineItem>,
}

/// The page of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationPage {
    /// The conversation; its row is there for ended ones, too.
    pub row: Arc<ConversationRow>,
    /// The customer's display name.
    pub customer: Option<Arc<str>>,
    /// The customer's group.
    pub segment: Option<Arc<str>>,
    /// Who holds it, or held it when it ended.
    pub holder: Option<Person>,
    /// The name of the team whose it is.
    pub team: Option<Arc<str>>,
    /// How long after it was opened its first reply came, in milliseconds.
    pub first_response: Option<i64>,
    /// As of when, where it is read from what was kept: the desk of now no longer knows it, and the numbers in `row`
    /// are those of another desk.
    pub as_of: Option<Timestamp>,
    /// Whether all its events are known here; of one that ended days ago the desk keeps only what they came to.
    pub is_whole: bool,
    /// All its events, oldest first; the newest 5,000 of a longer one.
    pub timeline: Vec<TimelineItem>,
    /// How many older events are not in `timeline`.
    pub earlier: usize,
}

/// An agent by id and name, for what is no row of the desk of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id in the conversation's source.
    pub id: AgentId,
    /// Its display name.
    pub name: Arc<str>,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineItem {
    /// When.
    pub at: Timestamp,
    /// Which source it comes from.
    pub source: SourceIx,
    /// In which conversation.
    pub conversation: ConversationIx,
    /// That conversation's id.
    pub id: ConversationId,
    /// That conversation's id and customer, for lists over several.
    pub label: Arc<str>,
    /// What happened.
    pub what: What,
}

/// What happened. Names are resolved; texts are as they came, so only `ui::text` may show them.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It began.
    Opened {
        /// By the customer (inbound) or by the team.
        inbound: bool,
    },
    /// Somebody wrote.
    Message {
        /// Whose side.
        from: Author,
        /// The agent's or customer's name.
        name: Option<Arc<str>>,
        /// False for an internal note.
        public: bool,
        /// The words, where they are kept.
        text: Option<Arc<str>>,
        /// The wait that this reply ended, in milliseconds.
        answered_after: Option<i64>,
    },
    /// The holder changed; `None` = nobody.
    Holder {
        /// Who held it before.
        from: Option<Arc<str>>,
        /// Who holds it now.
        to: Option<Arc<str>>,
        /// Who did it.
        by: Option<Arc<str>>,
    },
    /// The team changed; `None` = none.
    Team {
        /// Whose it is now.
        to: Option<Arc<str>>,
        /// Who did it.
        by: Option<Arc<str>>,
    },
    /// The status changed.
    Status {
        /// To which.
        status: Status,
        /// Who did it.
        by: Option<StatusBy>,
        /// Which agent did it.
        agent: Option<Arc<str>>,
        /// It went from active to ended.
        ending: bool,
        /// It went from ended to active.
        reopening: bool,
    },
    /// The routing bot placed it.
    Routed {
        /// Under this keyword.
        keyword: Arc<str>,
    },
    /// An agent gave it back to the bot.
    ReturnedToBot {
        /// Who.
        agent: Arc<str>,
    },
    /// Its tags changed.
    Tagged {
        /// To these.
        tags: Arc<[Arc<str>]>,
    },
    /// A macro was used.
    Macro {
        /// Which.
        name: Arc<str>,
        /// Which agent used it.
        by: Option<Arc<str>>,
    },
    /// A target was set.
    Sla {
        /// For what.
        metric: crate::event::SlaMetric,
        /// Until when.
        due: Timestamp,
    },
    /// The customer answered how it was.
    Rated {
        /// The answer.
        score: f64,
        /// The highest there is.
        scale: f64,
    },
    /// The customer answered whether they would recommend us.
    Nps {
        /// 0 to 10.
        score: f64,
    },
    /// The customer bought.
    Converted {
        /// For how much, in which currency.
        amount: Option<(f64, Arc<str>)>,
    },
    /// It lives on in another.
    Merged {
        /// In this one.
        into: Arc<str>,
    },
}
