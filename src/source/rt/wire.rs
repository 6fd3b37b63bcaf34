//! What REST2 answers, as far as it is read. Unknown fields are passed over; ids come as strings or numbers.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer};

use crate::event::Timestamp;

/// A page of a list. `total` is null for transactions.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// The records, each read by itself so that a bad one loses no other.
    pub items: Vec<serde_json::Value>,
    /// How many match in all, where it is told.
    #[serde(default)]
    pub total: Option<f64>,
}

/// `/rt`.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    #[serde(rename = "Version")]
    pub version: String,
}

/// A user or queue that something points to: its id is a login, or a number where fields of it were asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Ref {
    /// Login, or number.
    pub id: CompactString,
    /// Login, where it was asked for.
    pub name: CompactString,
    /// Display name, where it was asked for.
    pub real_name: String,
}

impl Ref {
    /// The login.
    pub(super) fn login(&self) -> &CompactString {
        if self.name.is_empty() { &self.id } else { &self.name }
    }
}

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(deserialize_with = "word")]
            id: CompactString,
            #[serde(rename = "Name", default, deserialize_with = "word")]
            name: CompactString,
            #[serde(rename = "RealName", default, deserialize_with = "word")]
            real_name: CompactString,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a reference with an `id`")]
        enum Form {
            Fields(Fields),
            Bare(Option<CompactString>),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Fields(f) => Self { id: f.id, name: f.name, real_name: f.real_name.into() },
            Form::Bare(id) => Self { id: id.unwrap_or_default(), ..Self::default() },
        })
    }
}

/// A ticket, as `/tickets` gives it with [`TICKET_FIELDS`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(rename = "Subject", default, deserialize_with = "text")]
    pub subject: String,
    #[serde(rename = "Status", deserialize_with = "word")]
    pub status: CompactString,
    #[serde(rename = "Owner")]
    pub owner: Ref,
    #[serde(rename = "Queue")]
    pub queue: Ref,
    #[serde(rename = "Requestor", default, deserialize_with = "refs")]
    pub requestors: Vec<Ref>,
    #[serde(rename = "Created")]
    pub created: Timestamp,
}

/// The fields of [`Ticket`]. Requestors are dear on the server, so they are read once a ticket.
pub(super) const TICKET_FIELDS: [(&str, &str); 3] = [
    ("fields", "id,Subject,Status,Owner,Queue,Requestor,Created"),
    ("fields[Owner]", "id,Name,RealName"),
    ("fields[Requestor]", "id,Name,RealName"),
];

/// What the regular comparison reads of a ticket: cheap fields only.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Brief {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(rename = "Status", deserialize_with = "word")]
    pub status: CompactString,
    #[serde(rename = "Owner")]
    pub owner: Ref,
}

/// A transaction: one row of the event log, as `/transactions` gives it with [`ROW_FIELDS`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(rename = "Type", deserialize_with = "word")]
    pub kind: CompactString,
    #[serde(rename = "Field", default, deserialize_with = "word")]
    pub field: CompactString,
    #[serde(rename = "OldValue", default, deserialize_with = "word")]
    pub old: CompactString,
    #[serde(rename = "NewValue", default, deserialize_with = "word")]
    pub new: CompactString,
    #[serde(rename = "Creator")]
    pub creator: Ref,
    #[serde(rename = "Created")]
    pub created: Timestamp,
    #[serde(rename = "ObjectId", deserialize_with = "number")]
    pub ticket: u64,
}

/// The fields of [`Row`].
pub(super) const ROW_FIELDS: (&str, &str) = ("fields", "Type,Field,OldValue,NewValue,Creator,Created,ObjectId");

impl Row {
    /// A change of owner; older data has a type of its own for each way to do it.
    pub(super) fn is_owner_change(&self) -> bool {
        self.field == "Owner" && matches!(&*self.kind, "Set" | "Take" | "Untake" | "Steal" | "Give" | "Force")
    }

    /// A move to another queue.
    pub(super) fn is_queue_change(&self) -> bool {
        self.kind == "Set" && self.field == "Queue"
    }

    /// A change of status.
    pub(super) fn is_status_change(&self) -> bool {
        self.kind == "Status"
    }

    /// The ticket that this one, or another, was merged into.
    pub(super) fn merged_into(&self) -> Option<u64> {
        if self.kind != "AddLink" || self.field != "MergedInto" {
            return None;
        }
        self.new.rsplit('/').next()?.parse().ok()
    }

    /// It changes what was said when the conversation began: who asks, or what it is about.
    pub(super) fn is_about_opening(&self) -> bool {
        self.field == "Requestor" && matches!(&*self.kind, "AddWatcher" | "DelWatcher")
            || self.kind == "Set" && self.field == "Subject"
    }
}

/// `/queues/all`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Queue {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(rename = "Name", deserialize_with = "text")]
    pub name: String,
}

/// `/group/:id`.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    #[serde(rename = "Members", default)]
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    #[serde(deserialize_with = "word")]
    pub id: CompactString,
    #[serde(rename = "type", default)]
    pub kind: CompactString,
}

/// `/users` and `/user/:id`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    #[serde(rename = "Name", deserialize_with = "word")]
    pub login: CompactString,
    #[serde(rename = "RealName", default, deserialize_with = "text")]
    pub real_name: String,
    #[serde(rename = "EmailAddress", default, deserialize_with = "text")]
    pub email: String,
    #[serde(rename = "Disabled", default, deserialize_with = "word")]
    pub disabled: CompactString,
    /// Missing in `/user/:id`.
    #[serde(default, deserialize_with = "word")]
    pub id: CompactString,
}

/// `/user/:id`, for what a user may.
#[derive(Debug, Deserialize)]
pub(super) struct Rights {
    #[serde(rename = "Privileged", default, deserialize_with = "word")]
    pub privileged: CompactString,
}

/// What has an id and nothing else that matters.
#[derive(Debug, Deserialize)]
pub(super) struct OnlyId {
    #[serde(deserialize_with = "number")]
    pub id: u64,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number or text")]
enum Loose {
    Number(u64),
    Text(String),
    Nothing(()),
}

impl Loose {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
            Self::Nothing(()) => String::new(),
        }
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Loose::deserialize(deserializer).map(Loose::into_text)
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CompactString, D::Error> {
    text(deserializer).map(CompactString::from)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = text(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("`{}` is no number", super::excerpt(&text))))
}

fn refs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Ref>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of references")]
    enum Form {
        Many(Vec<Ref>),
        One(Ref),
    }
    let mut refs = match Form::deserialize(deserializer)? {
        Form::Many(refs) => refs,
        Form::One(one) => vec![one],
    };
    refs.retain(|one| !one.id.is_empty());
    Ok(refs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_as_text_or_number() {
        for json in [r#"{"id":"4","Name":"Billing","x":1}"#, r#"{"id":4,"Name":"Billing"}"#] {
            assert_eq!(serde_json::from_str::<Queue>(json).unwrap().id, 4);
        }
        let error = serde_json::from_str::<Queue>(r#"{"id":"four","Name":"x"}"#).unwrap_err();
        assert!(error.to_string().contains("`four` is no number"), "{error}");
    }

    #[test]
    fn a_reference_is_known_by_its_login() {
        for (json, login) in [
            (r#"{"id":"ana","type":"user"}"#, "ana"),
            (r#"{"id":43,"Name":"ana","RealName":"Ana"}"#, "ana"),
            (r#""""#, ""),
            ("null", ""),
        ] {
            assert_eq!(serde_json::from_str::<Ref>(json).unwrap().login(), login, "{json}");
        }
        assert!(serde_json::from_str::<Ref>(r#"{"Name":"ana"}"#).is_err());
    }
}
