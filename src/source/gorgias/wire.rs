//! What the API answers, as far as it is read. Unknown fields are passed over, null is the same as nothing, ids come as
//! numbers or text.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::event::Timestamp;
use crate::source::lenient::{Id, id, maybe_id, maybe_text, maybe_time, maybe_word, time, word};

/// A list: with a cursor, with an address of the next items, or bare.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a list, or an object with `data`")]
pub(super) enum List {
    /// `{"data": [], "meta": {}}`
    Paged {
        data: Vec<Value>,
        #[serde(default, deserialize_with = "nullable")]
        meta: Meta,
    },
    /// `[]`
    Bare(Vec<Value>),
}

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta {
    #[serde(default, deserialize_with = "maybe_text")]
    pub next_cursor: Option<String>,
    /// An address whose query is to be asked for.
    #[serde(default, deserialize_with = "maybe_text")]
    pub next_items: Option<String>,
}

/// A ticket of a list.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(deserialize_with = "word")]
    pub status: CompactString,
    #[serde(default, deserialize_with = "maybe_word")]
    pub priority: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe_word")]
    pub channel: Option<CompactString>,
    #[serde(default)]
    pub assignee_user: Option<Person>,
    #[serde(default)]
    pub assignee_team: Option<Person>,
    #[serde(default)]
    pub customer: Option<Person>,
    /// What `customer` was called before.
    #[serde(default)]
    pub requester: Option<Person>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub subject: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub tags: Vec<Person>,
    #[serde(default, deserialize_with = "nullable")]
    pub from_agent: bool,
    /// Rows of a view may be without it.
    #[serde(default, deserialize_with = "nullable")]
    pub spam: bool,
    #[serde(deserialize_with = "time")]
    pub created_datetime: Timestamp,
    #[serde(default, deserialize_with = "maybe_time")]
    pub updated_datetime: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub closed_datetime: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub snooze_datetime: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub trashed_datetime: Option<Timestamp>,
}

/// Somebody or something with an id, and mostly a name: a user, a customer, a team, a tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Person {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub firstname: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub lastname: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub email: Option<String>,
}

impl Person {
    /// A name, or what stands for one.
    pub(super) fn called(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.firstname, &self.lastname].into_iter().flatten().map(String::as_str).collect();
        let whole = Some(parts.join(" ")).filter(|name| !name.is_empty());
        self.name.clone().or(whole).or_else(|| self.email.clone())
    }
}

/// A user of the account.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    #[serde(flatten)]
    pub person: Person,
    /// May log in; says nothing of presence.
    #[serde(default)]
    pub active: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    pub role: Role,
}

/// What a user may do.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Role {
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
}

/// A team and who is in it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub members: Vec<Person>,
}

/// A message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(deserialize_with = "id")]
    pub ticket_id: Id,
    pub from_agent: bool,
    #[serde(default)]
    pub public: Option<bool>,
    #[serde(default, deserialize_with = "maybe_word")]
    pub channel: Option<CompactString>,
    #[serde(default)]
    pub sender: Option<Person>,
    /// The rule that wrote it.
    #[serde(default, deserialize_with = "maybe_id")]
    pub rule_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub stripped_text: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub body_text: Option<String>,
    #[serde(deserialize_with = "time")]
    pub created_datetime: Timestamp,
}

impl Message {
    /// Whether the customer sees it.
    pub(super) fn is_public(&self) -> bool {
        self.public != Some(false) && self.channel.as_deref() != Some("internal-note")
    }
}

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Happened {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(rename = "type", deserialize_with = "word")]
    pub kind: CompactString,
    #[serde(default, deserialize_with = "maybe_word")]
    pub object_type: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe_id")]
    pub object_id: Option<Id>,
    /// Who did it; nobody where the system or a rule did.
    #[serde(default, deserialize_with = "maybe_id")]
    pub user_id: Option<Id>,
    #[serde(default, deserialize_with = "nullable")]
    pub data: Data,
    #[serde(deserialize_with = "time")]
    pub created_datetime: Timestamp,
}

/// What an event says of what happened, as far as it is used.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Data {
    #[serde(default, deserialize_with = "maybe_id")]
    pub assignee_user_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe_id")]
    pub assignee_team_id: Option<Id>,
    #[serde(default, deserialize_with = "nullable")]
    pub auto_assigned: bool,
}

/// A satisfaction survey, answered or not.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Survey {
    #[serde(deserialize_with = "id")]
    pub id: Id,
    #[serde(deserialize_with = "id")]
    pub ticket_id: Id,
    #[serde(default, deserialize_with = "maybe_id")]
    pub score: Option<Id>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub body_text: Option<String>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub created_datetime: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub scored_datetime: Option<Timestamp>,
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
