//! What a conversation's log keeps of an event: the event without its ids, with names resolved to numbers.

use std::sync::Arc;

use super::index::{AgentIx, CustomerIx, TeamIx};
use super::log::Dated;
use crate::event::{Author, ConversationId, Direction, SlaMetric, Status, StatusBy, Timestamp};

/// One event of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

impl Dated for Entry {
    fn at(&self) -> Timestamp {
        self.at
    }
}

/// What happened to a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It began, or what was said of it changed.
    Opened(Arc<Opening>),
    /// Somebody wrote.
    Message {
        /// Whose side.
        from: Author,
        /// Which agent, where the author is one.
        agent: Option<AgentIx>,
        /// False for an internal note.
        public: bool,
        /// Tells texts apart where they are not kept.
        digest: u64,
        /// The words, where they are kept.
        text: Option<Box<Arc<str>>>,
    },
    /// Somebody, or nobody, holds it from now on.
    Assigned {
        /// Left out: unchanged; null: nobody.
        agent: Option<Option<AgentIx>>,
        /// Left out: unchanged; null: none.
        team: Option<Option<TeamIx>>,
        /// Who did it.
        by: By,
    },
    /// Its status from now on.
    Status {
        /// Which.
        status: Status,
        /// Who did it.
        by: Option<StatusBy>,
        /// Which agent did it.
        agent: Option<AgentIx>,
    },
    /// The routing bot placed it under a keyword.
    Routed(Arc<str>),
    /// An agent gave it back to the routing bot.
    ReturnedToBot(AgentIx),
    /// All its tags from now on.
    Tagged(Arc<[Arc<str>]>),
    /// A macro was used.
    Macro(Option<AgentIx>, Arc<str>),
    /// The help desk set a target.
    Sla(SlaMetric, Timestamp),
    /// The customer answered how it was.
    Rated(Box<Rating>),
    /// The customer answered whether they would recommend the team.
    Nps(f64),
    /// The customer bought.
    Converted(Box<(Option<f64>, Option<Arc<str>>)>),
    /// It lives on in another.
    Merged(Box<ConversationId>),
}

/// Who changed a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Not said.
    Unknown,
    /// A program of the team.
    Bot,
    /// An agent.
    Agent(AgentIx),
}

/// What an `opened` said.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Who asks.
    pub customer: Option<CustomerIx>,
    /// By which way.
    pub channel: Option<Arc<str>>,
    /// Whose it is.
    pub team: Option<TeamIx>,
    /// What it is about.
    pub subject: Option<Arc<str>>,
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// Who began.
    pub direction: Option<Direction>,
    /// All its tags.
    pub tags: Option<Arc<[Arc<str>]>>,
    /// In the vendor's words.
    pub priority: Option<Arc<str>>,
}

/// A satisfaction answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// The answer.
    pub score: f64,
    /// The highest there is.
    pub scale: f64,
    /// Tells comments apart.
    pub digest: u64,
}

impl Rating {
    /// Where it lies between the lowest answer, 0, and the highest, 1.
    pub fn place(&self) -> f64 {
        let lowest = crate::event::lowest_score(self.scale);
        (self.score - lowest) / (self.scale - lowest)
    }

    /// Whether it counts as satisfied: (score − lowest) / (scale − lowest) ≥ 0.75.
    pub fn is_positive(&self) -> bool {
        self.place() >= 0.75
    }
}
