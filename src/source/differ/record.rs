//! What one look shows of a conversation.

use compact_str::CompactString;

use crate::event::{AgentId, Author, ConversationId, Opened, SlaMetric, Status, StatusBy, TeamId, Timestamp, Words};

/// A value, and since when it holds where the vendor tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since<T> {
    /// The value at the look.
    pub value: T,
    /// Since when; `None` where the vendor does not say.
    pub at: Option<Timestamp>,
}

impl<T> Since<T> {
    /// A value of which only is known that it holds at the look.
    pub const fn seen(value: T) -> Self {
        Self { value, at: None }
    }

    /// A value that the vendor dates.
    pub const fn dated(value: T, at: Timestamp) -> Self {
        Self { value, at: Some(at) }
    }
}

/// A message that the vendor shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// What tells it from others of the conversation: the vendor's id.
    pub key: CompactString,
    /// When.
    pub at: Timestamp,
    /// Whose it is.
    pub from: Author,
    /// Which agent; always there when `from` is [`Author::Agent`].
    pub agent: Option<AgentId>,
    /// Seen by the customer; else an internal note.
    pub public: bool,
    /// The words, where they are shown.
    pub text: Option<Words>,
}

/// A satisfaction answer that the vendor shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Rating {
    /// When it was given.
    pub at: Timestamp,
    /// The answer.
    pub score: f64,
    /// The highest answer there is.
    pub scale: f64,
    /// In the customer's words.
    pub comment: Option<Words>,
}

/// An ending that the vendor still shows, whatever came after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Who did it, where that is shown.
    pub by: Option<StatusBy>,
    /// Which agent did, where that is shown.
    pub agent: Option<AgentId>,
    /// The first message of that very instant that came after it, by its key; `None` where it came after all of them.
    pub before: Option<CompactString>,
}

/// A target that the vendor shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// What it is about.
    pub metric: SlaMetric,
    /// When it was set.
    pub set_at: Timestamp,
    /// When it is missed.
    pub due: Timestamp,
}

/// A conversation as one look shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What is said of it: customer, channel, subject and the like. `team` and `tags` are taken from below.
    pub opened: Opened,
    /// When it began.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub status: Since<Status>,
    /// Who put it there, where that is shown.
    pub by: Option<StatusBy>,
    /// Which agent did, where that is shown.
    pub by_agent: Option<AgentId>,
    /// Who holds it; `None` where that is not shown.
    pub holder: Option<Since<Option<AgentId>>>,
    /// Whose it is; `None` where that is not shown.
    pub team: Option<Since<Option<TeamId>>>,
    /// All its tags; `None` where they are not shown.
    pub tags: Option<Vec<String>>,
    /// Messages that are shown, in any order; those told before are passed over.
    pub messages: Vec<Said>,
    /// `messages` begins with the first of the conversation.
    pub whole: bool,
    /// Earlier endings, as far as they are shown: what the customer asked before one is not waited for any more.
    pub endings: Vec<Ended>,
    /// Satisfaction answers.
    pub ratings: Vec<Rating>,
    /// Targets; of each sort the one that runs. Of several of a sort it is the one that was set last.
    pub dues: Vec<Due>,
    /// Where it lives on.
    pub merged: Option<Since<ConversationId>>,
}

impl Record {
    /// A conversation of which nothing more is known.
    pub fn new(opened: Opened, opened_at: Timestamp, status: Since<Status>) -> Self {
        Self {
            opened,
            opened_at,
            status,
            by: None,
            by_agent: None,
            holder: None,
            team: None,
            tags: None,
            messages: Vec::new(),
            whole: false,
            endings: Vec::new(),
            ratings: Vec::new(),
            dues: Vec::new(),
            merged: None,
        }
    }
}
