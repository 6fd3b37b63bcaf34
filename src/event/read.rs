//! One line of JSON: an event, or a reject that names field and reason.

use super::fields::{Fields, Known, field};
use super::id::{AgentId, ArticleId, ConversationId, CustomerId, TeamId};
use super::kind::{
    Agent, Assigned, Author, Event, EventKind, Message, Opened, SlaMetric, Status, StatusBy, VERSION, lowest_score,
};
use super::scan;
use super::words::Words;

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

/// What becomes of what people wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Words,
    Prints,
    /// Prints, and of conversations and customers no words either.
    Little,
}

impl Keeping {
    fn words(self, text: &str) -> Words {
        match self {
            Self::Words => text.into(),
            Self::Prints | Self::Little => Words::print_of(text),
        }
    }

    fn traits(self, text: Option<&str>) -> Option<String> {
        text.filter(|_| self != Self::Little).map(str::to_owned)
    }
}

/// Reads one line of the stream.
pub fn parse_line(line: &[u8]) -> Result<Event, Reject> {
    parse(line, Keeping::Words)
}

pub(super) fn parse(line: &[u8], keeping: Keeping) -> Result<Event, Reject> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Reject::Line(format!("not UTF-8 at byte {}", error.valid_up_to() + 1)))?;
    let text = text.trim();
    let fields = match scan::fields(text) {
        Some(fields) => fields,
        None => serde_json::from_str(text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            Reject::Line(format!("not a JSON object: {reason} at column {}", error.column()))
        })?,
    };
    let type_name = fields.text(Known::Type)?;
    let event = kind(&fields, type_name, keeping)?;
    let dateless = matches!(
        event,
        EventKind::Hello { .. } | EventKind::Team { .. } | EventKind::Agent(_) | EventKind::Customer { .. }
    );
    let at = if dateless { fields.maybe_instant(Known::At)? } else { Some(fields.instant(Known::At)?) };
    Ok(Event { kind: event, at })
}

fn kind(fields: &Fields<'_>, type_name: &str, keeping: Keeping) -> Result<EventKind, Reject> {
    let conversation = || fields.text(Known::Conversation).map(ConversationId::new);
    Ok(match type_name {
        "message" => message(fields, keeping)?.into(),
        "opened" => opened(fields, keeping)?.into(),
        "assigned" => Assigned {
            conversation: conversation()?,
            agent: fields.change(Known::Agent)?.map(|id| id.map(AgentId::new)),
            team: fields.change(Known::Team)?.map(|id| id.map(TeamId::new)),
            by: fields.maybe_id(Known::By)?.map(AgentId::new),
        }
        .into(),
        "status" => EventKind::Status {
            conversation: conversation()?,
            status: fields.word::<Status>(Known::Status)?,
            by: fields.maybe_word::<StatusBy>(Known::By)?,
            agent: fields.maybe_id(Known::Agent)?.map(AgentId::new),
        },
        "presence" => EventKind::Presence {
            agent: AgentId::new(fields.text(Known::Agent)?),
            state: fields.word(Known::State)?,
            reason: fields.maybe_string(Known::Reason)?,
        },
        "hello" => hello(fields)?,
        "team" => EventKind::Team { id: TeamId::new(fields.text(Known::Id)?), name: fields.string(Known::Name)? },
        "agent" => agent(fields)?.into(),
        "customer" => EventKind::Customer {
            id: CustomerId::new(fields.text(Known::Id)?),
            name: keeping.traits(fields.maybe_text(Known::Name)?),
            segment: keeping.traits(fields.maybe_text(Known::Segment)?),
        },
        "routed" => EventKind::Routed { conversation: conversation()?, keyword: fields.string(Known::Keyword)? },
        "returned_to_bot" => {
            EventKind::ReturnedToBot { conversation: conversation()?, agent: AgentId::new(fields.text(Known::Agent)?) }
        }
        "tagged" => EventKind::Tagged { conversation: conversation()?, tags: fields.list(Known::Tags)? },
        "macro" => EventKind::Macro {
            conversation: conversation()?,
            agent: fields.maybe_id(Known::Agent)?.map(AgentId::new),
            name: fields.string(Known::Macro)?,
        },
        "sla" => EventKind::Sla {
            conversation: conversation()?,
            metric: fields.word::<SlaMetric>(Known::Metric)?,
            due: fields.instant(Known::Due)?,
        },
        "rated" => rated(fields, keeping)?,
        "nps" => EventKind::Nps {
            customer: fields.maybe_id(Known::Customer)?.map(CustomerId::new),
            conversation: fields.maybe_id(Known::Conversation)?.map(ConversationId::new),
            score: fields.number_in(Known::Score, 0.0, 10.0)?,
        },
        "article_vote" => EventKind::ArticleVote {
            article: ArticleId::new(fields.text(Known::Article)?),
            helpful: fields.flag(Known::Helpful)?,
            customer: fields.maybe_id(Known::Customer)?.map(CustomerId::new),
        },
        "converted" => EventKind::Converted {
            conversation: conversation()?,
            amount: fields.maybe_number(Known::Amount)?,
            currency: fields.maybe_string(Known::Currency)?,
        },
        "merged" => {
            EventKind::Merged { conversation: conversation()?, into: ConversationId::new(fields.text(Known::Into)?) }
        }
        "clock" => EventKind::Clock {},
        other => return Err(Reject::UnknownType(other.to_owned())),
    })
}

fn hello(fields: &Fields<'_>) -> Result<EventKind, Reject> {
    let said = fields.number_in(Known::Version, 0.0, 1e9)?;
    let version = said as u64;
    if version != VERSION || said.fract() > 0.0 {
        return Err(field(Known::Version, format!("is {said}; this program reads version {VERSION}")));
    }
    // A capability of a later version is no reason to lose the others.
    let capabilities = fields.maybe_list(Known::Capabilities)?.unwrap_or_default();
    let capabilities = capabilities.iter().filter_map(|word| word.parse().ok()).collect();
    Ok(EventKind::Hello { version, source: fields.maybe_string(Known::Source)?, capabilities })
}

fn agent(fields: &Fields<'_>) -> Result<Agent, Reject> {
    let capacity = match fields.maybe_number(Known::Capacity)? {
        Some(n) if n >= 1.0 && n.fract() == 0.0 && n <= f64::from(u32::MAX) => Some(n as u32),
        Some(n) => return Err(field(Known::Capacity, format!("is {n}, must be a whole number from 1"))),
        None => None,
    };
    Ok(Agent {
        id: AgentId::new(fields.text(Known::Id)?),
        name: fields.string(Known::Name)?,
        email: fields.maybe_string(Known::Email)?,
        teams: fields.maybe_list(Known::Teams)?.map(|ids| ids.into_iter().map(TeamId::new).collect()),
        capacity,
        active: fields.maybe_flag(Known::Active)?,
    })
}

fn opened(fields: &Fields<'_>, keeping: Keeping) -> Result<Opened, Reject> {
    Ok(Opened {
        conversation: ConversationId::new(fields.text(Known::Conversation)?),
        customer: fields.maybe_id(Known::Customer)?.map(CustomerId::new),
        channel: keeping.traits(fields.maybe_text(Known::Channel)?),
        team: fields.maybe_id(Known::Team)?.map(TeamId::new),
        subject: keeping.traits(fields.maybe_text(Known::Subject)?),
        url: keeping.traits(fields.maybe_text(Known::Url)?),
        direction: fields.maybe_word(Known::Direction)?,
        tags: fields.maybe_list(Known::Tags)?,
        priority: fields.maybe_label(Known::Priority)?,
    })
}

fn message(fields: &Fields<'_>, keeping: Keeping) -> Result<Message, Reject> {
    let from = fields.word::<Author>(Known::From)?;
    let agent = match from {
        Author::Agent => Some(AgentId::new(fields.text(Known::Agent)?)),
        Author::Customer | Author::Bot => None,
    };
    Ok(Message {
        conversation: ConversationId::new(fields.text(Known::Conversation)?),
        from,
        agent,
        public: fields.maybe_flag(Known::Public)?,
        text: fields.maybe_text(Known::Text)?.map(|text| keeping.words(text)),
    })
}

fn rated(fields: &Fields<'_>, keeping: Keeping) -> Result<EventKind, Reject> {
    let scale = fields.number_in(Known::Scale, 2.0, 1e6)?;
    let lowest = lowest_score(scale);
    Ok(EventKind::Rated {
        conversation: ConversationId::new(fields.text(Known::Conversation)?),
        score: fields.number_in(Known::Score, lowest, scale)?,
        scale,
        comment: fields.maybe_text(Known::Comment)?.map(|text| keeping.words(text)),
    })
}
