//! The JSON Lines reader: every line is an event or a reject that names line, field and reason.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead};
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use strum::VariantNames;

use super::id::{AgentId, ArticleId, ConversationId, CustomerId, TeamId};
use super::kind::{
    Agent, Assigned, Author, Change, Event, EventKind, Message, Opened, SlaMetric, Status, StatusBy, VERSION,
    lowest_score,
};
use super::time::Timestamp;

/// Longer lines are rejected without being held in memory.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Why a line was skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The line is no JSON object, or no text, or too long.
    #[error("{0}")]
    Line(String),
    /// A field that this type of event needs is missing, of the wrong type, or not one of its words.
    #[error("field `{field}`: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A `type` that version 1 does not have: skipped, and reported once per type.
    #[error("unknown type `{0}`")]
    UnknownType(String),
}

/// One line of a stream and what became of it.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// The event, or why it was skipped.
    pub event: Result<Event, Reject>,
}

/// Reads a stream line by line; blank lines are passed over.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads from the first line on.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line that is not blank; `None` at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.buffer.clear();
            let read = self.input.take_line(&mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read > MAX_LINE_BYTES {
                let reason = format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20);
                return Ok(Some(Line { number: self.number, event: Err(Reject::Line(reason)) }));
            }
            if self.number == 1 && self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.buffer.drain(..3);
            }
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(Line { number: self.number, event: parse_line(&self.buffer) }));
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Line>;
    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

trait TakeLine {
    fn take_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
}

impl<R: BufRead> TakeLine for R {
    /// Reads to the end of the line, keeps at most `MAX_LINE_BYTES` of it and tells its whole length.
    fn take_line(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let mut length = 0;
        loop {
            let chunk = match self.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(chunk.len(), |at| at + 1);
            if buffer.len() + used <= MAX_LINE_BYTES {
                buffer.extend_from_slice(&chunk[..used]);
            }
            length += used;
            self.consume(used);
            if end.is_some() || used == 0 {
                return Ok(length);
            }
        }
    }
}

/// Reads one line of the stream.
pub fn parse_line(line: &[u8]) -> Result<Event, Reject> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Reject::Line(format!("not UTF-8 at byte {}", error.valid_up_to() + 1)))?;
    let fields: Fields<'_> = serde_json::from_str(text.trim()).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        Reject::Line(format!("not a JSON object: {reason} at column {}", error.column()))
    })?;
    let type_name = fields.text("type")?;
    let event = kind(&fields, type_name)?;
    let dateless = matches!(
        event,
        EventKind::Hello { .. } | EventKind::Team { .. } | EventKind::Agent(_) | EventKind::Customer { .. }
    );
    let at = if dateless { fields.maybe_instant("at")? } else { Some(fields.instant("at")?) };
    Ok(Event { kind: event, at })
}

fn kind(fields: &Fields<'_>, type_name: &str) -> Result<EventKind, Reject> {
    let conversation = || fields.text("conversation").map(ConversationId::new);
    Ok(match type_name {
        "message" => message(fields)?.into(),
        "opened" => opened(fields)?.into(),
        "assigned" => Assigned {
            conversation: conversation()?,
            agent: fields.change("agent")?.map(|id| id.map(AgentId::new)),
            team: fields.change("team")?.map(|id| id.map(TeamId::new)),
            by: fields.maybe_id("by")?.map(AgentId::new),
        }
        .into(),
        "status" => EventKind::Status {
            conversation: conversation()?,
            status: fields.word::<Status>("status")?,
            by: fields.maybe_word::<StatusBy>("by")?,
            agent: fields.maybe_id("agent")?.map(AgentId::new),
        },
        "presence" => EventKind::Presence {
            agent: AgentId::new(fields.text("agent")?),
            state: fields.word("state")?,
            reason: fields.maybe_string("reason")?,
        },
        "hello" => hello(fields)?,
        "team" => EventKind::Team { id: TeamId::new(fields.text("id")?), name: fields.string("name")? },
        "agent" => agent(fields)?.into(),
        "customer" => EventKind::Customer {
            id: CustomerId::new(fields.text("id")?),
            name: fields.maybe_string("name")?,
            segment: fields.maybe_string("segment")?,
        },
        "routed" => EventKind::Routed { conversation: conversation()?, keyword: fields.string("keyword")? },
        "returned_to_bot" => {
            EventKind::ReturnedToBot { conversation: conversation()?, agent: AgentId::new(fields.text("agent")?) }
        }
        "tagged" => EventKind::Tagged { conversation: conversation()?, tags: fields.list("tags")? },
        "macro" => EventKind::Macro {
            conversation: conversation()?,
            agent: fields.maybe_id("agent")?.map(AgentId::new),
            name: fields.string("macro")?,
        },
        "sla" => EventKind::Sla {
            conversation: conversation()?,
            metric: fields.word::<SlaMetric>("metric")?,
            due: fields.instant("due")?,
        },
        "rated" => rated(fields)?,
        "nps" => EventKind::Nps {
            customer: fields.maybe_id("customer")?.map(CustomerId::new),
            conversation: fields.maybe_id("conversation")?.map(ConversationId::new),
            score: fields.number_in("score", 0.0, 10.0)?,
        },
        "article_vote" => EventKind::ArticleVote {
            article: ArticleId::new(fields.text("article")?),
            helpful: fields.flag("helpful")?,
            customer: fields.maybe_id("customer")?.map(CustomerId::new),
        },
        "converted" => EventKind::Converted {
            conversation: conversation()?,
            amount: fields.maybe_number("amount")?,
            currency: fields.maybe_string("currency")?,
        },
        "merged" => {
            EventKind::Merged { conversation: conversation()?, into: ConversationId::new(fields.text("into")?) }
        }
        "clock" => EventKind::Clock {},
        other => return Err(Reject::UnknownType(other.to_owned())),
    })
}

fn hello(fields: &Fields<'_>) -> Result<EventKind, Reject> {
    let version = fields.number_in("version", 0.0, 1e9)? as u64;
    if version != VERSION {
        return Err(field("version", format!("is {version}; this program reads version {VERSION}")));
    }
    // A capability of a later version is no reason to lose the others.
    let capabilities = fields.maybe_list("capabilities")?.unwrap_or_default();
    let capabilities = capabilities.iter().filter_map(|word| word.parse().ok()).collect();
    Ok(EventKind::Hello { version, source: fields.maybe_string("source")?, capabilities })
}

fn agent(fields: &Fields<'_>) -> Result<Agent, Reject> {
    let capacity = match fields.maybe_number("capacity")? {
        Some(n) if n >= 1.0 && n.fract() == 0.0 && n <= f64::from(u32::MAX) => Some(n as u32),
        Some(n) => return Err(field("capacity", format!("is {n}, must be a whole number from 1"))),
        None => None,
    };
    Ok(Agent {
        id: AgentId::new(fields.text("id")?),
        name: fields.string("name")?,
        email: fields.maybe_string("email")?,
        teams: fields.maybe_list("teams")?.map(|ids| ids.into_iter().map(TeamId::new).collect()),
        capacity,
        active: fields.maybe_flag("active")?,
    })
}

fn opened(fields: &Fields<'_>) -> Result<Opened, Reject> {
    Ok(Opened {
        conversation: ConversationId::new(fields.text("conversation")?),
        customer: fields.maybe_id("customer")?.map(CustomerId::new),
        channel: fields.maybe_string("channel")?,
        team: fields.maybe_id("team")?.map(TeamId::new),
        subject: fields.maybe_string("subject")?,
        url: fields.maybe_string("url")?,
        direction: fields.maybe_word("direction")?,
        tags: fields.maybe_list("tags")?,
        priority: fields.maybe_label("priority")?,
    })
}

fn message(fields: &Fields<'_>) -> Result<Message, Reject> {
    let from = fields.word::<Author>("from")?;
    let agent = match from {
        Author::Agent => Some(AgentId::new(fields.text("agent")?)),
        Author::Customer | Author::Bot => None,
    };
    Ok(Message {
        conversation: ConversationId::new(fields.text("conversation")?),
        from,
        agent,
        public: fields.maybe_flag("public")?,
        text: fields.maybe_string("text")?,
    })
}

fn rated(fields: &Fields<'_>) -> Result<EventKind, Reject> {
    let scale = fields.number_in("scale", 2.0, 1e6)?;
    let lowest = lowest_score(scale);
    Ok(EventKind::Rated {
        conversation: ConversationId::new(fields.text("conversation")?),
        score: fields.number_in("score", lowest, scale)?,
        scale,
        comment: fields.maybe_string("comment")?,
    })
}

fn field(field: &'static str, reason: impl Into<String>) -> Reject {
    Reject::Field { field, reason: reason.into() }
}

/// A JSON value, as far as the stream's fields go.
#[derive(Debug)]
enum Value<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object,
}

impl Value<'_> {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }
}

/// The known fields of a line, in a list: a line has few, and a map would cost more than it saves.
struct Fields<'a>(Vec<(&'static str, Value<'a>)>);

const KNOWN: [&str; 41] = [
    "type",
    "at",
    "conversation",
    "agent",
    "from",
    "text",
    "public",
    "status",
    "by",
    "customer",
    "channel",
    "team",
    "subject",
    "url",
    "direction",
    "tags",
    "priority",
    "id",
    "name",
    "email",
    "teams",
    "capacity",
    "active",
    "segment",
    "state",
    "reason",
    "version",
    "source",
    "capabilities",
    "keyword",
    "macro",
    "metric",
    "due",
    "score",
    "scale",
    "comment",
    "article",
    "helpful",
    "amount",
    "currency",
    "into",
];

impl<'a> Fields<'a> {
    /// The last value of that name, as other JSON readers take it.
    fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn present(&self, name: &'static str) -> Option<&Value<'a>> {
        self.get(name).filter(|value| !matches!(value, Value::Null))
    }

    fn wrong(name: &'static str, value: &Value<'_>, wanted: &str) -> Reject {
        field(name, format!("is {}, must be {wanted}", value.type_name()))
    }

    /// A non-empty string that must be there.
    fn text(&self, name: &'static str) -> Result<&str, Reject> {
        self.maybe_id(name)?.ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &'static str) -> Reject {
        match self.get(name) {
            Some(value) => Self::wrong(name, value, "there"),
            None => field(name, "is missing"),
        }
    }

    fn maybe_id(&self, name: &'static str) -> Result<Option<&str>, Reject> {
        match self.maybe_text(name)? {
            Some("") => Err(field(name, "is empty")),
            other => Ok(other),
        }
    }

    fn maybe_text(&self, name: &'static str) -> Result<Option<&str>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(Self::wrong(name, other, "a string")),
        }
    }

    fn maybe_string(&self, name: &'static str) -> Result<Option<String>, Reject> {
        Ok(self.maybe_text(name)?.map(str::to_owned))
    }

    fn string(&self, name: &'static str) -> Result<String, Reject> {
        self.maybe_string(name)?.ok_or_else(|| self.missing(name))
    }

    /// A word, or a number taken as one (`"priority": 3`).
    fn maybe_label(&self, name: &'static str) -> Result<Option<String>, Reject> {
        match self.present(name) {
            Some(Value::Number(n)) => Ok(Some(n.to_string())),
            _ => self.maybe_string(name),
        }
    }

    /// Left out, null or an id.
    fn change(&self, name: &'static str) -> Result<Change<&str>, Reject> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(_) => self.maybe_id(name).map(Some),
        }
    }

    fn maybe_word<T: FromStr + VariantNames>(&self, name: &'static str) -> Result<Option<T>, Reject> {
        self.maybe_text(name)?
            .map(|word| {
                T::from_str(word).map_err(|_| {
                    let shown: String = word.chars().take(40).collect();
                    field(name, format!("is {shown:?}, must be one of {}", T::VARIANTS.join(", ")))
                })
            })
            .transpose()
    }

    fn word<T: FromStr + VariantNames>(&self, name: &'static str) -> Result<T, Reject> {
        self.maybe_word(name)?.ok_or_else(|| self.missing(name))
    }

    fn maybe_flag(&self, name: &'static str) -> Result<Option<bool>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Flag(flag)) => Ok(Some(*flag)),
            Some(other) => Err(Self::wrong(name, other, "true or false")),
        }
    }

    fn flag(&self, name: &'static str) -> Result<bool, Reject> {
        self.maybe_flag(name)?.ok_or_else(|| self.missing(name))
    }

    fn maybe_number(&self, name: &'static str) -> Result<Option<f64>, Reject> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(other) => Err(Self::wrong(name, other, "a number")),
        }
    }

    fn number_in(&self, name: &'static str, lowest: f64, highest: f64) -> Result<f64, Reject> {
        let number = self.maybe_number(name)?.ok_or_else(|| self.missing(name))?;
        if (lowest..=highest).contains(&number) {
            Ok(number)
        } else {
            Err(field(name, format!("is {number}, must be from {lowest} to {highest}")))
        }
    }

    fn maybe_list(&self, name: &'static str) -> Result<Option<Vec<String>>, Reject> {
        let items = match self.present(name) {
            None => return Ok(None),
            Some(Value::List(items)) => items,
            Some(other) => return Err(Self::wrong(name, other, "a list of strings")),
        };
        let texts = items.iter().map(|item| match item {
            Value::Text(text) => Ok(text.clone().into_owned()),
            other => Err(field(name, format!("holds {}, must hold strings only", other.type_name()))),
        });
        texts.collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn list(&self, name: &'static str) -> Result<Vec<String>, Reject> {
        self.maybe_list(name)?.ok_or_else(|| self.missing(name))
    }

    fn maybe_instant(&self, name: &'static str) -> Result<Option<Timestamp>, Reject> {
        self.maybe_text(name)?
            .map(|text| {
                Timestamp::parse(text).map_err(|error| {
                    let shown: String = text.chars().take(40).collect();
                    field(name, format!("{shown:?} is not RFC 3339 with a zone ({error})"))
                })
            })
            .transpose()
    }

    fn instant(&self, name: &'static str) -> Result<Timestamp, Reject> {
        self.maybe_instant(name)?.ok_or_else(|| self.missing(name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some(Key(name)) = map.next_key()? {
                    match name {
                        Some(name) => fields.push((name, map.next_value()?)),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A field's name, where the stream knows it.
struct Key(Option<&'static str>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key(KNOWN.iter().copied().find(|known| *known == name)))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Value::Flag(flag))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Value::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
