//! What the API answers, as far as it is read. Unknown fields are passed over; ids come as numbers or text, instants as
//! seconds since 1970 or as text, 0 and null for never.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::event::Timestamp;
use crate::source::http::words::excerpt;

/// `GET /conversations`: the list is inside `data` here, and is not in other answers.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    pub data: Page,
}

/// A page of conversations, each read by itself so that a bad one loses no other.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub payload: Vec<Value>,
    #[serde(default)]
    pub meta: Counts,
}

/// How many match in all.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Counts {
    #[serde(default, deserialize_with = "loose_number")]
    pub all_count: Option<u64>,
}

/// `GET /conversations/meta`.
#[derive(Debug, Deserialize)]
pub(super) struct OnlyCounts {
    pub meta: Counts,
}

/// A list inside `payload`.
#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    pub payload: Vec<Value>,
}

/// `GET /profile`.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    #[serde(default)]
    pub accounts: Vec<Account>,
}

/// An account that the token may see.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Account {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default, deserialize_with = "text")]
    pub role: String,
}

/// A conversation of a list.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    pub status: CompactString,
    #[serde(deserialize_with = "instant")]
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "maybe_instant")]
    pub updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_instant")]
    pub last_activity_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "loose_number")]
    pub inbox_id: Option<u64>,
    #[serde(default, deserialize_with = "nullable")]
    pub labels: Vec<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub priority: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub additional_attributes: Attributes,
    #[serde(default)]
    pub last_non_activity_message: Option<Box<Message>>,
    /// The last message of any kind, or nothing.
    #[serde(default, deserialize_with = "nullable")]
    pub messages: Vec<Last>,
    pub meta: Meta,
}

/// The last message by time, as far as it matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Last {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "soft_instant")]
    pub created_at: Option<Timestamp>,
}

/// What has an id and nothing else that matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OnlyId {
    #[serde(deserialize_with = "number")]
    pub id: u64,
}

/// What else is said of a conversation.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Attributes {
    #[serde(default, deserialize_with = "maybe_text")]
    pub mail_subject: Option<String>,
    #[serde(default, deserialize_with = "loose_number")]
    pub campaign_id: Option<u64>,
}

/// Who is in a conversation.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub sender: Option<Box<Person>>,
    #[serde(default, deserialize_with = "text")]
    pub channel: String,
    #[serde(default)]
    pub assignee: Option<Box<Person>>,
    #[serde(default, deserialize_with = "maybe_text")]
    pub assignee_type: Option<String>,
    #[serde(default)]
    pub team: Option<Box<Person>>,
}

/// Somebody or something with an id and a name: a contact, an agent, a team, an inbox.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Person {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default, deserialize_with = "text")]
    pub available_name: String,
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    /// Of an agent: `online`, `busy` or `offline`.
    #[serde(default, deserialize_with = "text")]
    pub availability_status: String,
    /// Of the author of a message: `user`, `contact`, `agent_bot` or `captain_assistant`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// Of an inbox on Twilio: `whatsapp` or `sms`.
    #[serde(default, deserialize_with = "text")]
    pub medium: String,
}

/// A message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    /// 0 incoming, 1 outgoing, 2 activity, 3 template.
    #[serde(rename = "message_type", deserialize_with = "number")]
    pub kind: u64,
    #[serde(deserialize_with = "instant")]
    pub created_at: Timestamp,
    #[serde(default, deserialize_with = "nullable")]
    pub private: bool,
    /// Whether it reached the customer: `sent`, `delivered`, `read`, `failed`.
    #[serde(default, deserialize_with = "text")]
    pub status: String,
    #[serde(default, deserialize_with = "maybe_text")]
    pub content: Option<String>,
    #[serde(default)]
    pub sender: Option<Box<Person>>,
    #[serde(default, deserialize_with = "nullable")]
    pub content_attributes: Origin,
    #[serde(default, deserialize_with = "nullable")]
    pub additional_attributes: Attributes,
}

/// Where a message comes from that no person wrote here.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Origin {
    #[serde(default, deserialize_with = "loose_number")]
    pub automation_rule_id: Option<u64>,
    /// Written by a person in the channel's own app.
    #[serde(default, deserialize_with = "nullable")]
    pub external_echo: bool,
}

/// A satisfaction answer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Csat {
    #[serde(deserialize_with = "number")]
    pub rating: u64,
    #[serde(default, deserialize_with = "maybe_text")]
    pub feedback_message: Option<String>,
    #[serde(deserialize_with = "number")]
    pub conversation_id: u64,
    #[serde(deserialize_with = "instant")]
    pub created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or text")]
enum Loose {
    Whole(u64),
    Number(f64),
    Text(CompactString),
    Nothing(()),
}

fn loose_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Loose::deserialize(deserializer)? {
        Loose::Whole(number) => Ok(Some(number)),
        Loose::Number(number) if number >= 0.0 && number.fract() == 0.0 => Ok(Some(number as u64)),
        Loose::Text(text) if !text.is_empty() => text.parse().map(Some).map_err(|_| no_number(&text)),
        Loose::Number(number) => Err(no_number(&number.to_string())),
        Loose::Text(_) | Loose::Nothing(()) => Ok(None),
    }
}

fn no_number<E: serde::de::Error>(text: &str) -> E {
    E::custom(format!("`{}` is no number", excerpt(text)))
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    loose_number(deserializer)?.ok_or_else(|| serde::de::Error::custom("is empty, not a number"))
}

fn maybe_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds = match Loose::deserialize(deserializer)? {
        Loose::Whole(seconds) => seconds as f64,
        Loose::Number(seconds) => seconds,
        Loose::Nothing(()) => return Ok(None),
        Loose::Text(text) if text.is_empty() => return Ok(None),
        Loose::Text(text) => {
            if let Ok(seconds) = text.parse() {
                seconds
            } else {
                let wrong = |_| serde::de::Error::custom(format!("`{}` is no time", excerpt(&text)));
                return Timestamp::parse(&text).map(Some).map_err(wrong);
            }
        }
    };
    // Later than the year 9999 is no instant, but something else.
    if !(0.0..253_402_300_800.0).contains(&seconds) {
        return Err(serde::de::Error::custom(format!("{seconds} is no time in seconds since 1970")));
    }
    Ok((seconds > 0.0).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64)))
}

/// An instant that can be done without.
fn soft_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(maybe_instant(Value::deserialize(deserializer)?).unwrap_or_default())
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    maybe_instant(deserializer)?.ok_or_else(|| serde::de::Error::custom("is empty, not a time"))
}

fn maybe_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    maybe_text(deserializer).map(Option::unwrap_or_default)
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
