//! What the API answers, as far as it is read. Unknown fields are passed over, null is the same as nothing, ids come as
//! numbers or text.

use compact_str::CompactString;
use serde::de::value::StrDeserializer;
use serde::de::{self, IntoDeserializer};
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

impl List {
    /// Its records.
    pub(super) fn data(&self) -> &[Value] {
        match self {
            Self::Paged { data, .. } | Self::Bare(data) => data,
        }
    }
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
    pub assignee_team: Option<Numbered>,
    #[serde(default)]
    pub customer: Option<Person>,
    /// What `customer` was called before.
    #[serde(default)]
    pub requester: Option<Person>,
    #[serde(default, deserialize_with = "maybe_slim")]
    pub subject: Option<Box<str>>,
    /// The names of its tags.
    #[serde(default, deserialize_with = "names")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub from_agent: bool,
    /// Rows of a view may be without it.
    #[serde(default)]
    pub spam: Option<bool>,
    #[serde(default, deserialize_with = "maybe_id")]
    pub messages_count: Option<Id>,
    /// When the customer last wrote.
    #[serde(default, deserialize_with = "maybe_time")]
    pub last_received_message_datetime: Option<Timestamp>,
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

impl Ticket {
    /// When its record last changed.
    pub(super) fn changed_at(&self) -> Timestamp {
        self.updated_datetime.unwrap_or(self.created_datetime)
    }

    /// Whether it was put away, which is no ending of its own.
    pub(super) fn is_away(&self) -> bool {
        self.trashed_datetime.is_some() || self.spam == Some(true)
    }
}

/// Something of which only the number is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Numbered {
    #[serde(deserialize_with = "id")]
    pub id: Id,
}

/// Somebody with an id, and mostly a name: a user, a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "PersonAnswer")]
pub(super) struct Person {
    pub id: Id,
    pub name: Option<Box<str>>,
    pub email: Option<Box<str>>,
}

#[derive(Deserialize)]
struct PersonAnswer {
    #[serde(deserialize_with = "id")]
    id: Id,
    #[serde(default, deserialize_with = "maybe_text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    firstname: Option<String>,
    #[serde(default, deserialize_with = "maybe_text")]
    lastname: Option<String>,
    #[serde(default, deserialize_with = "maybe_slim")]
    email: Option<Box<str>>,
}

impl From<PersonAnswer> for Person {
    fn from(answer: PersonAnswer) -> Self {
        let PersonAnswer { id, name, firstname, lastname, email } = answer;
        let parts: Vec<String> = [firstname, lastname].into_iter().flatten().collect();
        let whole = Some(parts.join(" ")).filter(|name| !name.is_empty());
        Self { id, name: name.or(whole).map(String::into_boxed_str), email }
    }
}

impl Person {
    /// A name, or what stands for one.
    pub(super) fn called(&self) -> Option<&str> {
        self.name.as_deref().or(self.email.as_deref())
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

/// A message, as far as it is told: a start holds many.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "MessageAnswer")]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own in the answer")]
pub(super) struct Message {
    pub id: Id,
    pub ticket_id: Id,
    pub from_agent: bool,
    /// The customer sees it: what could not be delivered is seen by nobody.
    pub is_public: bool,
    /// It could not be delivered, or not yet: it may be sent again.
    pub has_failed: bool,
    /// A rule wrote it.
    pub is_of_rule: bool,
    /// Who of the team wrote it.
    pub sender: Option<Box<Person>>,
    pub text: Option<Box<str>>,
    pub created_datetime: Timestamp,
}

#[derive(Deserialize)]
struct MessageAnswer {
    #[serde(deserialize_with = "id")]
    id: Id,
    #[serde(deserialize_with = "id")]
    ticket_id: Id,
    from_agent: bool,
    #[serde(default)]
    public: Option<bool>,
    #[serde(default, deserialize_with = "maybe_word")]
    channel: Option<CompactString>,
    #[serde(default)]
    sender: Option<Box<Person>>,
    #[serde(default, deserialize_with = "maybe_id")]
    rule_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe_slim")]
    stripped_text: Option<Box<str>>,
    #[serde(default, deserialize_with = "maybe_slim")]
    body_text: Option<Box<str>>,
    #[serde(deserialize_with = "time")]
    created_datetime: Timestamp,
    #[serde(default, deserialize_with = "maybe_time")]
    failed_datetime: Option<Timestamp>,
}

impl From<MessageAnswer> for Message {
    fn from(answer: MessageAnswer) -> Self {
        let MessageAnswer { id, ticket_id, from_agent, created_datetime, .. } = answer;
        let is_note = answer.public == Some(false) || answer.channel.as_deref() == Some("internal-note");
        let has_failed = from_agent && answer.failed_datetime.is_some();
        Self {
            id,
            ticket_id,
            from_agent,
            is_public: !is_note && !has_failed,
            has_failed,
            is_of_rule: answer.rule_id.is_some(),
            sender: answer.sender.filter(|_| from_agent),
            text: answer.stripped_text.or(answer.body_text),
            created_datetime,
        }
    }
}

/// What happened, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum What {
    #[serde(rename = "ticket-assigned")]
    Assigned,
    #[serde(rename = "ticket-unassigned")]
    Unassigned,
    #[serde(rename = "ticket-team-assigned")]
    TeamAssigned,
    #[serde(rename = "ticket-team-unassigned")]
    TeamUnassigned,
    #[serde(rename = "ticket-closed")]
    Closed,
    #[serde(rename = "ticket-reopened")]
    Reopened,
    #[serde(rename = "ticket-snoozed")]
    Snoozed,
    #[serde(rename = "ticket-self-unsnoozed")]
    Unsnoozed,
    #[serde(rename = "ticket-trashed")]
    Trashed,
    #[serde(rename = "ticket-untrashed")]
    Untrashed,
    /// Messages came from another ticket, or went to one.
    #[serde(rename = "ticket-merged", alias = "ticket-split")]
    Moved,
    /// Of these nothing is told.
    #[default]
    #[serde(other)]
    Other,
}

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "HappenedAnswer")]
pub(super) struct Happened {
    pub id: Id,
    pub what: What,
    /// Whom it happened to, where that is a ticket.
    pub ticket_id: Option<Id>,
    /// Who did it; nobody where the system or a rule did.
    pub user_id: Option<Id>,
    /// Whom or which team a ticket was given to.
    pub to: Option<Id>,
    pub auto_assigned: bool,
    pub created_datetime: Timestamp,
}

#[derive(Deserialize)]
struct HappenedAnswer {
    #[serde(deserialize_with = "id")]
    id: Id,
    #[serde(rename = "type", deserialize_with = "word")]
    kind: CompactString,
    #[serde(default, deserialize_with = "maybe_word")]
    object_type: Option<CompactString>,
    #[serde(default, deserialize_with = "maybe_id")]
    object_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe_id")]
    user_id: Option<Id>,
    #[serde(default, deserialize_with = "nullable")]
    data: Data,
    #[serde(deserialize_with = "time")]
    created_datetime: Timestamp,
}

impl From<HappenedAnswer> for Happened {
    fn from(answer: HappenedAnswer) -> Self {
        let HappenedAnswer { id, kind, object_type, object_id, user_id, data, created_datetime } = answer;
        let is_ticket = object_type.is_none_or(|kind| kind.eq_ignore_ascii_case("ticket"));
        let word: StrDeserializer<'_, de::value::Error> = kind.as_str().into_deserializer();
        let what = What::deserialize(word).unwrap_or_default();
        let to = match what {
            What::Assigned => data.assignee_user_id,
            What::TeamAssigned => data.assignee_team_id,
            _ => None,
        };
        let ticket_id = object_id.filter(|_| is_ticket);
        Self { id, what, ticket_id, user_id, to, auto_assigned: data.auto_assigned, created_datetime }
    }
}

/// What an event says of what happened, as far as it is used.
#[derive(Default, Deserialize)]
struct Data {
    #[serde(default, deserialize_with = "maybe_id")]
    assignee_user_id: Option<Id>,
    #[serde(default, deserialize_with = "maybe_id")]
    assignee_team_id: Option<Id>,
    #[serde(default, deserialize_with = "nullable")]
    auto_assigned: bool,
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

/// The names of a list's records; what has none is passed over.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let records = value.as_array().into_iter().flatten();
    Ok(records.filter_map(|record| Some(record.get("name")?.as_str()?.to_owned())).collect())
}

/// A text without room to grow; null, nothing and anything else are none.
fn maybe_slim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    Ok(maybe_text(deserializer)?.map(String::into_boxed_str))
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
