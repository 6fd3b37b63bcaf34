//! The events of version 1, one variant a type.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr, VariantNames};

use super::id::{AgentId, ArticleId, ConversationId, CustomerId, TeamId};
use super::time::Timestamp;
use super::words::Words;

/// The version of the stream that this program reads and writes.
pub const VERSION: u64 = 1;

/// One line of the stream: what happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// When; only `hello`, `team`, `agent` and `customer` may go without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Event {
    /// An event at an instant.
    pub fn new(at: Timestamp, kind: impl Into<EventKind>) -> Self {
        Self { kind: kind.into(), at: Some(at) }
    }

    /// A `hello`, `team`, `agent` or `customer` line that names no instant.
    pub fn undated(kind: impl Into<EventKind>) -> Self {
        Self { kind: kind.into(), at: None }
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
            Display, EnumString, EnumIter, IntoStaticStr, VariantNames,
        )]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
    )+};
}

words! {
    /// What a source can tell; a figure that needs a missing one is shown as unknown.
    Capability {
        /// States of agents.
        Presence,
        /// Messages with their author's side.
        Messages,
        /// Who holds a conversation; without it a reply makes its author the holder.
        Assignments,
        /// Changes of a conversation's status.
        Statuses,
        /// Keywords of a routing bot.
        Routing,
        /// Satisfaction answers.
        Ratings,
        /// Targets set by the help desk.
        Sla,
        /// Purchases.
        Conversions,
        /// Saved replies and workflows.
        Macros,
    }
    /// The state of an agent, which holds until the next one.
    PresenceState {
        /// Takes chats.
        Online,
        /// Online and at capacity, or marked so.
        Busy,
        /// On a break.
        Away,
        /// Not at work.
        Offline,
    }
    /// Who began a conversation.
    Direction {
        /// The customer.
        Inbound,
        /// The team.
        Outbound,
    }
    /// Whose message it is.
    Author {
        /// The person who asks.
        Customer,
        /// A person of the team.
        Agent,
        /// A program of the team.
        Bot,
    }
    /// Where a conversation stands.
    Status {
        /// Being worked on.
        Open,
        /// Waits for the customer.
        Pending,
        /// Waits for a third party.
        OnHold,
        /// Put off until a time.
        Snoozed,
        /// Ended, as solved.
        Resolved,
        /// Ended.
        Closed,
    }
    /// Who changed a status.
    StatusBy {
        /// A person of the team.
        Agent,
        /// The person who asks.
        Customer,
        /// A program of the team.
        Bot,
        /// The help desk itself.
        System,
    }
    /// What an SLA target is about.
    SlaMetric {
        /// The first reply.
        FirstResponse,
        /// The reply to the message at hand.
        NextResponse,
        /// The ending.
        Resolution,
    }
}

impl Status {
    /// `resolved` and `closed` are both ended; the others are active.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }

    /// Waits for somebody else than the team: `pending`, `on_hold` or `snoozed`.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Pending | Self::OnHold | Self::Snoozed)
    }
}

impl PresenceState {
    /// `online` and `busy` agents are at work.
    pub const fn is_online(self) -> bool {
        matches!(self, Self::Online | Self::Busy)
    }
}

/// A value that may be left out (unchanged), null (nobody) or set.
pub type Change<T> = Option<Option<T>>;

/// The content of an event, by its `type`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, IntoStaticStr, VariantNames)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EventKind {
    /// First line of a live stream.
    Hello {
        /// Version of the stream.
        version: u64,
        /// Name the sender gives itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// What the sender can tell; none when left out.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        capabilities: Vec<Capability>,
    },
    /// A team and its name.
    Team {
        /// Its id.
        id: TeamId,
        /// Its display name.
        name: String,
    },
    /// An agent and what is known of it.
    Agent(Agent),
    /// A customer and what is known of it.
    Customer {
        /// Its id.
        id: CustomerId,
        /// Its display name.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its group, such as `vip`.
        #[serde(skip_serializing_if = "Option::is_none")]
        segment: Option<String>,
    },
    /// An agent's state from now on.
    Presence {
        /// Whose.
        agent: AgentId,
        /// From now on.
        state: PresenceState,
        /// Why, in the vendor's words.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A conversation begins, or what was said of it changes.
    Opened(Box<Opened>),
    /// Somebody wrote.
    Message(Message),
    /// Somebody, or nobody, holds the conversation from now on.
    Assigned(Assigned),
    /// The conversation's status from now on.
    Status {
        /// Which conversation.
        conversation: ConversationId,
        /// From now on.
        status: Status,
        /// Who did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<StatusBy>,
        /// Which agent did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
    },
    /// The routing bot placed it under a keyword.
    Routed {
        /// Which conversation.
        conversation: ConversationId,
        /// The bot's word.
        keyword: String,
    },
    /// An agent redirected it to the routing bot.
    ReturnedToBot {
        /// Which conversation.
        conversation: ConversationId,
        /// Who redirected it.
        agent: AgentId,
    },
    /// The whole new set of tags.
    Tagged {
        /// Which conversation.
        conversation: ConversationId,
        /// All its tags.
        tags: Vec<String>,
    },
    /// A saved reply, workflow or macro was used.
    Macro {
        /// Which conversation.
        conversation: ConversationId,
        /// Who used it.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<AgentId>,
        /// Its name.
        #[serde(rename = "macro")]
        name: String,
    },
    /// A target set by the help desk itself.
    Sla {
        /// Which conversation.
        conversation: ConversationId,
        /// What the target is about.
        metric: SlaMetric,
        /// When it is missed.
        due: Timestamp,
    },
    /// A satisfaction answer.
    Rated {
        /// Which conversation.
        conversation: ConversationId,
        /// The answer.
        score: f64,
        /// The highest answer there is.
        scale: f64,
        /// In the customer's words.
        #[serde(skip_serializing_if = "Words::are_not_kept")]
        comment: Option<Words>,
    },
    /// A net-promoter answer.
    Nps {
        /// Who answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
        /// After which conversation.
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// 0 to 10.
        score: f64,
    },
    /// A reader said whether a help-centre page helped.
    ArticleVote {
        /// Which page.
        article: ArticleId,
        /// Whether it helped.
        helpful: bool,
        /// Who said so.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
    },
    /// The customer bought.
    Converted {
        /// After which conversation.
        conversation: ConversationId,
        /// For how much.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<f64>,
        /// In which currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
    /// It ends here and lives on in another.
    Merged {
        /// Which conversation.
        conversation: ConversationId,
        /// Where it lives on.
        into: ConversationId,
    },
    /// No change; time has passed to here.
    Clock {},
}

/// What is known of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its display name.
    pub name: String,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The teams it belongs to; unchanged when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<TeamId>>,
    /// Chats it takes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Whether it still works here; unchanged when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// What is said of a conversation when it begins.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Opened {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// `whatsapp`, `email` or any other word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where a browser shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who began; inbound when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// All its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// In the vendor's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
}

/// Somebody wrote.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Message {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whose message it is.
    pub from: Author,
    /// Which agent; always there when `from` is `agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// False for an internal note; true when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The words, where the source gives them.
    #[serde(skip_serializing_if = "Words::are_not_kept")]
    pub text: Option<Words>,
}

/// Who holds the conversation from now on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Assigned {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Left out: unchanged; null: nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Change<AgentId>,
    /// Left out: unchanged; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Change<TeamId>,
    /// The agent who did it, or `bot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<AgentId>,
}

impl Agent {
    /// An agent of whom only id and name are known.
    pub fn new(id: AgentId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), email: None, teams: None, capacity: None, active: None }
    }
}

impl Opened {
    /// A conversation of which nothing else is known.
    pub fn new(conversation: ConversationId) -> Self {
        Self {
            conversation,
            customer: None,
            channel: None,
            team: None,
            subject: None,
            url: None,
            direction: None,
            tags: None,
            priority: None,
        }
    }
}

impl Message {
    /// A public message without its words; `agent` where the author is one.
    pub fn public(conversation: ConversationId, from: Author, agent: Option<AgentId>) -> Self {
        Self { conversation, from, agent, public: None, text: None }
    }
}

impl Assigned {
    /// A change of holder that leaves the team as it is.
    pub fn to(conversation: ConversationId, agent: Option<AgentId>) -> Self {
        Self { conversation, agent: Some(agent), team: None, by: None }
    }
}

impl EventKind {
    /// The conversation that it is about.
    pub fn conversation(&self) -> Option<&ConversationId> {
        match self {
            Self::Opened(opened) => Some(&opened.conversation),
            Self::Message(message) => Some(&message.conversation),
            Self::Assigned(to) => Some(&to.conversation),
            Self::Nps { conversation, .. } => conversation.as_ref(),
            Self::Status { conversation, .. }
            | Self::Routed { conversation, .. }
            | Self::ReturnedToBot { conversation, .. }
            | Self::Tagged { conversation, .. }
            | Self::Macro { conversation, .. }
            | Self::Sla { conversation, .. }
            | Self::Rated { conversation, .. }
            | Self::Converted { conversation, .. }
            | Self::Merged { conversation, .. } => Some(conversation),
            Self::Hello { .. }
            | Self::Team { .. }
            | Self::Agent(_)
            | Self::Customer { .. }
            | Self::Presence { .. }
            | Self::ArticleVote { .. }
            | Self::Clock {} => None,
        }
    }
}

macro_rules! into_kind {
    ($($name:ident: $wrap:expr),+) => {$(
        impl From<$name> for EventKind {
            fn from(event: $name) -> Self {
                $wrap(event)
            }
        }
    )+};
}
into_kind!(Agent: Self::Agent, Message: Self::Message, Assigned: Self::Assigned);

impl From<Opened> for EventKind {
    fn from(event: Opened) -> Self {
        Self::Opened(Box::new(event))
    }
}

/// The lowest answer on a scale: 0 where the highest is 10, else 1.
pub fn lowest_score(scale: f64) -> f64 {
    if (scale - 10.0).abs() < f64::EPSILON { 0.0 } else { 1.0 }
}
