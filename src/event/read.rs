//! The JSON Lines reader: every line is an event or a reject that names line, field and reason.

use std::io::{self, BufRead};

use super::fields::{Fields, field};
use super::id::{AgentId, ArticleId, ConversationId, CustomerId, TeamId};
use super::kind::{
    Agent, Assigned, Author, Event, EventKind, Message, Opened, SlaMetric, Status, StatusBy, VERSION, lowest_score,
};
use super::words::Words;

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
    let said = fields.number_in("version", 0.0, 1e9)?;
    let version = said as u64;
    if version != VERSION || said.fract() > 0.0 {
        return Err(field("version", format!("is {said}; this program reads version {VERSION}")));
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
        text: fields.maybe_string("text")?.map(Words::Kept),
    })
}

fn rated(fields: &Fields<'_>) -> Result<EventKind, Reject> {
    let scale = fields.number_in("scale", 2.0, 1e6)?;
    let lowest = lowest_score(scale);
    Ok(EventKind::Rated {
        conversation: ConversationId::new(fields.text("conversation")?),
        score: fields.number_in("score", lowest, scale)?,
        scale,
        comment: fields.maybe_string("comment")?.map(Words::Kept),
    })
}
