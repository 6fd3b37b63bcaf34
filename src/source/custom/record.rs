//! What a program gives: events as docs/events.md has them, or records that are compared with the look before.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::words;
use crate::event::{
    AgentId, Author, Change, ConversationId, CustomerId, Direction, Event, Opened, SlaMetric, Status, TeamId,
    Timestamp, parse_line,
};
use crate::source::differ::{Due, Rating, Record, Said, Since};
use crate::source::http::words::excerpt;
use crate::source::lenient::shape;

/// One value that a program gave.
#[derive(Debug)]
pub(super) enum Given {
    /// It has a `type`: an event.
    Event(Event),
    /// A conversation as it is now.
    Record(Box<Record>),
}

/// What a value is meant to be, whether it can be read or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sort {
    Record,
    Event,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Record { "record" } else { "event" })
    }
}

impl Sort {
    pub(super) fn of(value: &Value) -> Self {
        if value.get("type").is_some() { Self::Event } else { Self::Record }
    }
}

impl Given {
    /// Reads what a program of this code gave; the error says which field is wrong.
    pub(super) fn of(value: &Value, code: &str) -> Result<Self, String> {
        if !value.is_object() {
            return Err(format!("expected an object, found {}", shape(value)));
        }
        if Sort::of(value) == Sort::Event {
            let event = parse_line(with_ids_as_text(value.clone()).to_string().as_bytes()).map(Self::Event);
            return event.map_err(|reject| words::of_reject(&reject, code));
        }
        let written: Written = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let what = words::of_field(&error.into_inner().to_string(), code);
            if path == "." { what } else { format!("field `{path}`: {what}") }
        })?;
        written.record().map(|record| Self::Record(Box::new(record)))
    }
}

/// The conversation that a record is about, though the rest of it may not be readable.
pub(super) fn conversation_of(value: &Value) -> Option<ConversationId> {
    let id = value.get("conversation").filter(|_| Sort::of(value) == Sort::Record)?;
    Id::deserialize(id).ok().map(|id| ConversationId::new(id.0))
}

/// What a value is about, by the ids that it gives.
pub(super) fn name_of(value: &Value) -> Option<String> {
    let is_id = |id: &&Value| id.is_string() || id.is_number();
    let ids = ["type", "conversation", "id", "agent"].map(|key| value.get(key).filter(is_id));
    let ids: Vec<String> = ids.into_iter().flatten().map(Value::to_string).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// Fields of events that hold ids.
const IDS: [&str; 9] = ["id", "conversation", "agent", "team", "customer", "teams", "into", "by", "article"];

/// An event has ids as text; a program may give them as a vendor does.
fn with_ids_as_text(mut event: Value) -> Value {
    for key in IDS {
        match event.get_mut(key) {
            Some(Value::Array(ids)) => ids.iter_mut().for_each(id_as_text),
            Some(id) => id_as_text(id),
            None => {}
        }
    }
    event
}

fn id_as_text(id: &mut Value) {
    if let Value::Number(number) = id
        && (number.is_i64() || number.is_u64())
    {
        *id = number.to_string().into();
    }
}

/// A record as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    conversation: Id,
    opened_at: At,
    #[serde(deserialize_with = "word")]
    status: Status,
    #[serde(default)]
    status_at: Option<At>,
    #[serde(default, deserialize_with = "given")]
    agent: Change<Id>,
    #[serde(default)]
    agent_at: Option<At>,
    #[serde(default, deserialize_with = "given")]
    team: Change<Id>,
    #[serde(default)]
    team_at: Option<At>,
    #[serde(default)]
    customer: Option<Id>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    priority: Option<String>,
    #[serde(default, deserialize_with = "maybe_word")]
    direction: Option<Direction>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    messages: Vec<WrittenMessage>,
    #[serde(default)]
    all_messages: bool,
    #[serde(default)]
    ratings: Vec<WrittenRating>,
    #[serde(default)]
    dues: Vec<WrittenDue>,
    #[serde(default)]
    merged_into: Option<Id>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    id: Id,
    at: At,
    #[serde(deserialize_with = "word")]
    from: Author,
    #[serde(default)]
    agent: Option<Id>,
    #[serde(default = "yes")]
    public: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRating {
    at: At,
    score: f64,
    scale: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDue {
    #[serde(deserialize_with = "word")]
    metric: SlaMetric,
    set_at: At,
    due: At,
}

impl Written {
    fn record(self) -> Result<Record, String> {
        let since = |at: Option<At>| at.map(|at| at.0);
        let mut opened = Opened::new(ConversationId::new(self.conversation.0));
        opened.customer = self.customer.map(|id| CustomerId::new(id.0));
        (opened.channel, opened.subject, opened.url) = (self.channel, self.subject, self.url);
        (opened.priority, opened.direction) = (self.priority, self.direction);
        let mut record = Record::new(opened, self.opened_at.0, Since { value: self.status, at: since(self.status_at) });
        let agent = |id: Option<Id>| id.map(|id| AgentId::new(id.0));
        record.holder = self.agent.map(|id| Since { value: agent(id), at: since(self.agent_at) });
        record.team = self.team.map(|id| Since { value: id.map(|id| TeamId::new(id.0)), at: since(self.team_at) });
        (record.tags, record.whole) = (self.tags, self.all_messages);
        for message in self.messages {
            if message.from == Author::Agent && message.agent.is_none() {
                return Err(format!("message `{}` is from an agent and names none", excerpt(&message.id.0)));
            }
            record.messages.push(Said {
                key: message.id.0,
                at: message.at.0,
                from: message.from,
                agent: agent(message.agent).filter(|_| message.from == Author::Agent),
                public: message.public,
                text: None,
            });
        }
        for WrittenRating { at, score, scale } in self.ratings {
            if !(scale >= 2.0 && score.is_finite() && score <= scale) {
                return Err("rating: the score is not on its scale".to_owned());
            }
            record.ratings.push(Rating { at: at.0, score, scale, comment: None });
        }
        let dues = self.dues.into_iter();
        record.dues.extend(dues.map(|one| Due { metric: one.metric, set_at: one.set_at.0, due: one.due.0 }));
        record.merged = self.merged_into.map(|id| Since::seen(ConversationId::new(id.0)));
        Ok(record)
    }
}

/// An id: text, or a whole number, as vendors like it.
#[derive(Debug)]
struct Id(CompactString);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) if !text.is_empty() => Ok(Self(text.into())),
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Self(number.to_string().into())),
            _ => Err(serde::de::Error::custom("is no id: text that is not empty, or a whole number")),
        }
    }
}

/// An instant: RFC 3339 with a zone, or seconds or milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct At(Timestamp);

/// Above it a number counts milliseconds: as seconds it would be the year 5138.
const MOST_SECONDS: f64 = 1e11;

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("is no instant: RFC 3339 with a zone, or seconds since 1970");
        match Value::deserialize(deserializer)? {
            Value::String(text) => Timestamp::parse(&text).map(Self).map_err(|_| wrong()),
            Value::Number(number) => {
                let number = number.as_f64().filter(|number| number.is_finite()).ok_or_else(wrong)?;
                let millis = if number.abs() > MOST_SECONDS { number } else { number * 1000.0 };
                Ok(Self(Timestamp::from_millis(millis as i64)))
            }
            _ => Err(wrong()),
        }
    }
}

/// Null is nobody, left out is unknown.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<Id>, D::Error> {
    Option::<Id>::deserialize(deserializer).map(Some)
}

fn word<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr + strum::VariantNames,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let text = Value::String(text);
        serde::de::Error::custom(format!("is {text}, must be one of {}", T::VARIANTS.join(", ")))
    })
}

fn maybe_word<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr + strum::VariantNames,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| word(serde::de::value::StringDeserializer::<serde::de::value::Error>::new(text)))
        .transpose()
        .map_err(serde::de::Error::custom)
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::source::fuzz;

    #[test]
    fn ids_and_instants_come_as_text_and_as_numbers() {
        let value = json!({
            "conversation": 17, "opened_at": 1_772_442_000, "status": "open", "agent": null, "team": "t", "customer": 9,
            "messages": [{"id": 1, "at": "2026-03-02T09:00:00Z", "from": "customer"},
                {"id": "2", "at": 1_772_442_100_000_i64, "from": "agent", "agent": 4, "public": false}]
        });
        let Given::Record(record) = Given::of(&value, "").unwrap() else { panic!("{value}") };
        assert_eq!(record.opened.conversation.as_str(), "17");
        assert_eq!(record.opened_at.to_string(), "2026-03-02T09:00:00Z");
        assert_eq!(record.holder, Some(Since::seen(None)));
        assert_eq!(record.messages[1].at.to_string(), "2026-03-02T09:01:40Z");
        assert_eq!(record.messages[1].agent, Some(AgentId::new("4")));
        let value = json!({"type": "agent", "id": 4, "name": "Ana", "teams": ["t", 7], "capacity": 3});
        let Given::Event(event) = Given::of(&value, "").unwrap() else { panic!("{value}") };
        let told = serde_json::to_value(event).unwrap();
        assert_eq!([&told["id"], &told["teams"], &told["capacity"]], [&json!("4"), &json!(["t", "7"]), &json!(3)]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = json!({"conversation": "1", "opened_at": 0, "status": "open"});
        let code = r#"{type: "party", status: "opne"}"#;
        for (change, said) in [
            (json!({"status": "opne"}), "field `status`: is \"opne\", must be one of open, pending"),
            (json!({"status": "Rita"}), "field `status`: is a text, must be one of open, pending"),
            (json!({"direction": "Rita"}), "field `direction`: is a text, must be one of inbound"),
            (json!({"conversation": ""}), "field `conversation`: is no id"),
            (json!({"opened_at": "yesterday"}), "field `opened_at`: is no instant"),
            (json!({"colour": 1}), "colour"),
            (json!({"all_messages": "Rita"}), "field `all_messages`: is of the wrong type: string, expected a boolean"),
            (json!({"messages": [{"id": 1, "at": 0, "from": "agent"}]}), "names none"),
            (json!({"messages": ["Rita"]}), "field `messages[0]`: is of the wrong type: string, expected an object"),
            (json!({"ratings": [{"at": 0, "score": 351, "scale": 5}]}), "rating: the score is not on its scale"),
            (json!({"type": "party"}), "unknown type `party`"),
            (json!({"type": "Rita"}), "unknown type, a text"),
            (
                json!({"type": "presence", "agent": 1, "state": "Rita \"Alves", "at": "2026-03-02T09:00:00Z"}),
                "field `state`: is a text, must be one of online",
            ),
            (
                json!({"type": "presence", "agent": 1, "state": "online", "at": "Rita"}),
                "field `at`: a text is not RFC 3339 with a zone",
            ),
            (
                json!({"type": "nps", "score": 351, "at": "2026-03-02T09:00:00Z"}),
                "field `score`: is a number that does not fit",
            ),
        ] {
            let mut value = good.clone();
            value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let error = Given::of(&value, code).unwrap_err();
            let tells_none = ["Rita", "Alves", "351"].iter().all(|value| !error.contains(value));
            assert!(error.contains(said) && tells_none, "{change}: {error}");
        }
        for (value, found) in
            [(json!("Rita"), "a text"), (json!(7), "a number"), (json!(null), "null"), (json!([]), "a list")]
        {
            assert_eq!(Given::of(&value, code).unwrap_err(), format!("expected an object, found {found}"));
        }
    }

    const WORDS: &str = "conversation opened_at status agent team messages id at from tags ratings score scale dues type \
         public";

    fn any_json() -> impl Strategy<Value = Value> {
        let texts = fuzz::texts(&["open", "closed", "customer", "2026-03-02T09:00:00Z"]);
        let record = json!({"conversation": "1", "opened_at": 0, "status": "open"});
        fuzz::any_json(WORDS, texts, Just(record))
    }

    proptest! {
        #[test]
        fn nothing_that_a_program_gives_makes_it_panic(value in any_json()) {
            let _ = (Given::of(&value, ""), conversation_of(&value));
        }
    }
}
