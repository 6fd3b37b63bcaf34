//! What the API answers, as far as it is read. Unknown fields are passed over, and next to none is required.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::event::Timestamp;
use crate::source::lenient::{maybe_text, maybe_time, maybe_word, texts, time, time_of, word};

/// `GET /contacts`: a page of contacts, each read by itself so that a bad one loses no other.
#[derive(Debug, Deserialize)]
pub(super) struct Contacts {
    pub contacts: Vec<Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub meta: Pages,
}

/// What an answer says of the pages there are. Older answers lack it, or a part of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pages {
    #[serde(default, deserialize_with = "loose_number")]
    pub pages: Option<u64>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub next: Option<String>,
}

/// `GET /contacts/:uuid`: the contact itself, or a list of it alone.
#[derive(Debug, Deserialize)]
pub(super) struct OneContact {
    pub contact: Value,
}

/// `GET /contacts/:uuid/messages`.
#[derive(Debug, Deserialize)]
pub(super) struct Messages {
    pub messages: Vec<Value>,
}

/// `GET /teams`.
#[derive(Debug, Deserialize)]
pub(super) struct Teams {
    pub teams: Vec<Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub meta: Pages,
}

/// `GET /teams/:uuid/members`.
#[derive(Debug, Deserialize)]
pub(super) struct Members {
    pub users: Vec<Value>,
    #[serde(default, deserialize_with = "nullable")]
    pub meta: Pages,
}

/// `GET /auth/me`. It also echoes the key, which is not read.
#[derive(Debug, Deserialize)]
pub(super) struct Me {
    #[serde(default, deserialize_with = "maybe_text")]
    pub user_email: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub user_name: Option<String>,
}

/// When a chat was closed, as far as an answer says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Closed {
    /// The field is not there.
    #[default]
    Untold,
    /// It is open.
    Never,
    /// The last time, and it is still closed.
    At(Timestamp),
}

/// A contact, which is also its one conversation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    #[serde(deserialize_with = "word")]
    pub uuid: CompactString,
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub phone_number: Option<String>,
    #[serde(default, deserialize_with = "maybe_word")]
    pub source: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe_time")]
    pub created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "closed")]
    pub closed_at: Closed,
    #[serde(default, deserialize_with = "is_set")]
    pub blocked_at: bool,
    #[serde(default, deserialize_with = "maybe_text")]
    pub assigned_user: Option<String>,
    /// The team; `None` where the answer does not say, and a team without an id where it says that there is none.
    #[serde(default, deserialize_with = "maybe_team")]
    pub team: Option<ItsTeam>,
    #[serde(default, deserialize_with = "texts")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub href: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub conversation_href: Option<String>,
}

/// The team of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ItsTeam {
    pub uuid: Option<CompactString>,
}

/// A message, or a note of the desk or of an agent; nothing says who wrote it, and only sent ones have an id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(default, deserialize_with = "maybe_text")]
    pub text: Option<String>,
    /// `sent`, `received` or `note`.
    #[serde(deserialize_with = "word")]
    pub status: CompactString,
    #[serde(deserialize_with = "time")]
    pub created_at: Timestamp,
}

/// A team.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Team {
    #[serde(deserialize_with = "word")]
    pub uuid: CompactString,
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
}

/// An agent, as a member of a team.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    #[serde(deserialize_with = "word")]
    pub email: CompactString,
    #[serde(default, deserialize_with = "maybe_text")]
    pub name: Option<String>,
    #[serde(default)]
    pub available: Option<Value>,
    #[serde(default, alias = "lastUpdateAt", deserialize_with = "maybe_time")]
    pub last_updated_at: Option<Timestamp>,
    #[serde(default)]
    pub user_custom_status: Option<Value>,
}

impl Member {
    /// Whether the agent takes chats; `None` where the answer does not say it by `true` or `false`.
    pub(super) fn is_available(&self) -> Option<bool> {
        self.available.as_ref()?.as_bool()
    }

    /// The account's own word for the agent's state.
    pub(super) fn custom_status(&self) -> Option<&str> {
        self.user_custom_status.as_ref()?.get("name")?.as_str().filter(|name| !name.is_empty())
    }
}

/// An open chat has null; a time that can't be read is an error, for it would make a closed chat an open one.
fn closed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Closed, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Ok(Closed::Never),
        other => time_of(other).map(Closed::At).ok_or_else(|| de::Error::custom("expected a time or null")),
    }
}

/// Whether there is anything but null.
fn is_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(!matches!(Value::deserialize(deserializer)?, Value::Null | Value::Bool(false)))
}

fn maybe_team<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ItsTeam>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(match &value {
        Value::Object(team) => {
            let uuid = team.get("uuid").and_then(Value::as_str).filter(|uuid| !uuid.is_empty());
            Some(ItsTeam { uuid: uuid.map(CompactString::from) })
        }
        Value::Null => Some(ItsTeam::default()),
        _ => None,
    })
}

fn loose_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
