//! The answers of the API, version 2.16, as far as they are read. Null, absent and odd values are none, but for what a
//! conversation can't be told without.

use compact_str::CompactString;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::event::Timestamp;
use crate::source::lenient;

/// A value of that shape; null, nothing and any other shape are none.
fn maybe<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// An id that has to be there, as a text or a number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CompactString, D::Error> {
    let id = lenient::word(deserializer)?;
    if id.is_empty() { Err(de::Error::custom("is empty")) } else { Ok(id) }
}

/// Ids, as texts or numbers.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CompactString>, D::Error> {
    let ids = lenient::ids(deserializer)?;
    Ok(ids.into_iter().map(|id| CompactString::from(id.to_string())).collect())
}

/// An id that stands for somebody: 0 is nobody.
pub(super) fn some_id(id: Option<&CompactString>) -> Option<&CompactString> {
    id.filter(|id| !id.is_empty() && *id != "0")
}

/// A page of a search.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub conversations: Vec<Value>,
    #[serde(default, deserialize_with = "maybe")]
    pub pages: Option<Pages>,
    #[serde(default, deserialize_with = "maybe")]
    pub total_count: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Pages {
    /// Null or absent on the last page.
    #[serde(default, deserialize_with = "maybe")]
    pub next: Option<Next>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub starting_after: Option<String>,
}

/// Where the account is.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Me {
    #[serde(default, deserialize_with = "maybe")]
    pub app: Option<App>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct App {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub region: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Admins {
    pub admins: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Teams {
    pub teams: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reasons {
    pub data: Vec<Value>,
}

/// A teammate.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Admin {
    #[serde(deserialize_with = "id")]
    pub id: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub away_mode_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub away_status_reason_id: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe")]
    pub has_inbox_seat: Option<bool>,
    #[serde(default, deserialize_with = "words")]
    pub team_ids: Vec<CompactString>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {
    #[serde(deserialize_with = "id")]
    pub id: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
}

/// Why somebody is away, in the account's own words.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Reason {
    #[serde(deserialize_with = "id")]
    pub id: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub label: Option<String>,
}

/// A conversation, with its parts where it was asked for by itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Conversation {
    #[serde(deserialize_with = "id")]
    pub id: CompactString,
    #[serde(deserialize_with = "lenient::time")]
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "lenient::word")]
    pub state: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub waiting_since: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub admin_assignee_id: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub team_assignee_id: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub title: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub priority: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe")]
    pub contacts: Option<Contacts>,
    #[serde(default, deserialize_with = "maybe")]
    pub source: Option<Source>,
    #[serde(default, deserialize_with = "maybe")]
    pub tags: Option<Tags>,
    #[serde(default, deserialize_with = "maybe")]
    pub first_contact_reply: Option<Moment>,
    #[serde(default, deserialize_with = "maybe")]
    pub statistics: Option<Statistics>,
    #[serde(rename = "conversation_rating", default, deserialize_with = "maybe")]
    pub rated: Option<Rating>,
    #[serde(default, deserialize_with = "maybe")]
    pub linked_objects: Option<Linked>,
    #[serde(rename = "conversation_parts", default, deserialize_with = "maybe")]
    pub parts: Option<Parts>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Contacts {
    #[serde(default)]
    pub contacts: Vec<Actor>,
}

/// The first message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Source {
    #[serde(rename = "type", default, deserialize_with = "lenient::maybe_word")]
    pub kind: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub delivered_as: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub subject: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub author: Option<Actor>,
}

/// Somebody, or something that acts.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Actor {
    #[serde(rename = "type", default, deserialize_with = "lenient::maybe_word")]
    pub kind: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub id: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub from_ai_agent: Option<bool>,
    #[serde(default, deserialize_with = "maybe")]
    pub is_ai_answer: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tags {
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tag {
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub applied_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Moment {
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub created_at: Option<Timestamp>,
}

/// When each of these was done the last time.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Statistics {
    #[serde(rename = "last_assignment_at", default, deserialize_with = "lenient::maybe_time")]
    pub assignment: Option<Timestamp>,
    #[serde(rename = "last_contact_reply_at", default, deserialize_with = "lenient::maybe_time")]
    pub contact_reply: Option<Timestamp>,
    #[serde(rename = "first_admin_reply_at", default, deserialize_with = "lenient::maybe_time")]
    pub first_reply: Option<Timestamp>,
    #[serde(rename = "last_admin_reply_at", default, deserialize_with = "lenient::maybe_time")]
    pub admin_reply: Option<Timestamp>,
    #[serde(rename = "last_close_at", default, deserialize_with = "lenient::maybe_time")]
    pub close: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Rating {
    #[serde(rename = "rating", default, deserialize_with = "maybe")]
    pub score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub remark: Option<String>,
    /// When it was asked for.
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Linked {
    #[serde(default)]
    pub data: Vec<Actor>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Parts {
    #[serde(default)]
    pub conversation_parts: Vec<Value>,
    #[serde(default, deserialize_with = "maybe")]
    pub total_count: Option<u64>,
}

/// Something that happened in a conversation.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Part {
    #[serde(deserialize_with = "id")]
    pub id: CompactString,
    #[serde(rename = "part_type", default, deserialize_with = "lenient::maybe_word")]
    pub kind: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub body: Option<String>,
    #[serde(deserialize_with = "lenient::time")]
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "maybe")]
    pub assigned_to: Option<Actor>,
    #[serde(default, deserialize_with = "maybe")]
    pub author: Option<Actor>,
    /// How the conversation stands after it.
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub state: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe")]
    pub attachments: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "maybe")]
    pub redacted: Option<bool>,
}
