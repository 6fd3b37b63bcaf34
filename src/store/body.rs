//! An event in few bytes: what is left of it once its subject and its instant are known.
//!
//! Files hold these bytes: numbers of types and places in the lists of words are never changed, only added to.

use super::bytes::{Bytes, Damaged, put_float, put_number, put_signed, put_text};
use super::subject::SubjectKind;
use crate::event::{
    Agent, AgentId, ArticleId, Assigned, Author, Capability, Change, ConversationId, CustomerId, Direction, EventKind,
    Message, Opened, PresenceState, SlaMetric, Status, StatusBy, TeamId, Timestamp, Words,
};

const HELLO: u8 = 1;
const TEAM: u8 = 2;
const AGENT: u8 = 3;
const CUSTOMER: u8 = 4;
const PRESENCE: u8 = 5;
const OPENED: u8 = 6;
const MESSAGE: u8 = 7;
const ASSIGNED: u8 = 8;
const STATUS: u8 = 9;
const ROUTED: u8 = 10;
const RETURNED: u8 = 11;
const TAGGED: u8 = 12;
const MACRO: u8 = 13;
const SLA: u8 = 14;
const RATED: u8 = 15;
const NPS: u8 = 16;
const VOTE: u8 = 17;
const CONVERTED: u8 = 18;
const MERGED: u8 = 19;

const STATES: [PresenceState; 4] =
    [PresenceState::Online, PresenceState::Busy, PresenceState::Away, PresenceState::Offline];
const AUTHORS: [Author; 3] = [Author::Customer, Author::Agent, Author::Bot];
const STATUSES: [Status; 6] =
    [Status::Open, Status::Pending, Status::OnHold, Status::Snoozed, Status::Resolved, Status::Closed];
const CHANGERS: [StatusBy; 4] = [StatusBy::Agent, StatusBy::Customer, StatusBy::Bot, StatusBy::System];
const METRICS: [SlaMetric; 3] = [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];
const DIRECTIONS: [Direction; 2] = [Direction::Inbound, Direction::Outbound];

/// The number of a direction.
pub(super) const fn direction_number(direction: Direction) -> u8 {
    direction as u8
}

/// The direction of a number, where it is one.
pub(super) fn numbered_direction(number: u8) -> Option<Direction> {
    DIRECTIONS.get(usize::from(number)).copied()
}

/// Writes an event without its subject's id and its instant. Of words only the print is written unless `text`.
#[expect(clippy::too_many_lines, reason = "an arm for each type of event")]
pub(super) fn encode(out: &mut Vec<u8>, event: &EventKind, at: Timestamp, text: bool) {
    match event {
        EventKind::Hello { version, source, capabilities } => {
            out.push(HELLO);
            put_number(out, *version);
            maybe_text(out, source.as_deref());
            put_number(out, capabilities.len() as u64);
            for one in capabilities {
                put_text(out, one.into());
            }
        }
        EventKind::Team { name, .. } => {
            out.push(TEAM);
            put_text(out, name);
        }
        EventKind::Agent(agent) => {
            out.push(AGENT);
            put_text(out, &agent.name);
            maybe_text(out, agent.email.as_deref());
            list(out, agent.teams.as_deref(), TeamId::as_str);
            put_number(out, agent.capacity.map_or(0, u64::from));
            put_number(out, agent.active.map_or(0, |active| 1 + u64::from(active)));
        }
        EventKind::Customer { name, segment, .. } => {
            out.push(CUSTOMER);
            maybe_text(out, name.as_deref());
            maybe_text(out, segment.as_deref());
        }
        EventKind::Presence { state, reason, .. } => {
            out.push(PRESENCE);
            word(out, &STATES, *state);
            maybe_text(out, reason.as_deref());
        }
        EventKind::Opened(opened) => {
            out.push(OPENED);
            maybe_text(out, opened.customer.as_ref().map(CustomerId::as_str));
            maybe_text(out, opened.channel.as_deref());
            maybe_text(out, opened.team.as_ref().map(TeamId::as_str));
            maybe_text(out, opened.subject.as_deref());
            maybe_text(out, opened.url.as_deref());
            maybe_word(out, &DIRECTIONS, opened.direction);
            list(out, opened.tags.as_deref(), String::as_str);
            maybe_text(out, opened.priority.as_deref());
        }
        EventKind::Message(message) => {
            out.push(MESSAGE);
            word(out, &AUTHORS, message.from);
            maybe_text(out, message.agent.as_ref().map(AgentId::as_str));
            put_number(out, message.public.map_or(0, |public| 1 + u64::from(public)));
            words(out, message.text.as_ref(), text);
        }
        EventKind::Assigned(to) => {
            out.push(ASSIGNED);
            change(out, to.agent.as_ref().map(|agent| agent.as_ref().map(AgentId::as_str)));
            change(out, to.team.as_ref().map(|team| team.as_ref().map(TeamId::as_str)));
            maybe_text(out, to.by.as_ref().map(AgentId::as_str));
        }
        EventKind::Status { status, by, agent, .. } => {
            out.push(STATUS);
            word(out, &STATUSES, *status);
            maybe_word(out, &CHANGERS, *by);
            maybe_text(out, agent.as_ref().map(AgentId::as_str));
        }
        EventKind::Routed { keyword, .. } => {
            out.push(ROUTED);
            put_text(out, keyword);
        }
        EventKind::ReturnedToBot { agent, .. } => {
            out.push(RETURNED);
            put_text(out, agent.as_str());
        }
        EventKind::Tagged { tags, .. } => {
            out.push(TAGGED);
            list(out, Some(tags), String::as_str);
        }
        EventKind::Macro { agent, name, .. } => {
            out.push(MACRO);
            maybe_text(out, agent.as_ref().map(AgentId::as_str));
            put_text(out, name);
        }
        EventKind::Sla { metric, due, .. } => {
            out.push(SLA);
            word(out, &METRICS, *metric);
            put_signed(out, due.millis().wrapping_sub(at.millis()));
        }
        EventKind::Rated { score, scale, comment, .. } => {
            out.push(RATED);
            put_float(out, *score);
            put_float(out, *scale);
            words(out, comment.as_ref(), text);
        }
        EventKind::Nps { customer, score, .. } => {
            out.push(NPS);
            put_float(out, *score);
            maybe_text(out, customer.as_ref().map(CustomerId::as_str));
        }
        EventKind::ArticleVote { helpful, customer, .. } => {
            out.push(VOTE);
            out.push(u8::from(*helpful));
            maybe_text(out, customer.as_ref().map(CustomerId::as_str));
        }
        EventKind::Converted { amount, currency, .. } => {
            out.push(CONVERTED);
            out.push(u8::from(amount.is_some()));
            if let Some(amount) = amount {
                put_float(out, *amount);
            }
            maybe_text(out, currency.as_deref());
        }
        EventKind::Merged { into, .. } => {
            out.push(MERGED);
            put_text(out, into.as_str());
        }
        EventKind::Clock {} => {}
    }
}

/// Reads what [`encode`] wrote of an event about that subject at that instant.
#[expect(clippy::too_many_lines, reason = "an arm for each type of event")]
pub(super) fn decode(kind: SubjectKind, id: &str, at: Timestamp, bytes: &[u8]) -> Result<EventKind, Damaged> {
    let mut from = Bytes(bytes);
    let conversation = || ConversationId::new(id);
    let tag = from.byte()?;
    Ok(match tag {
        HELLO => {
            let (version, source) = (from.number()?, read_maybe_text(&mut from)?.map(str::to_owned));
            let mut capabilities: Vec<Capability> = Vec::new();
            for _ in 0..from.number()? {
                // A later version may have written more.
                capabilities.extend(from.text()?.parse::<Capability>());
            }
            EventKind::Hello { version, source, capabilities }
        }
        TEAM => EventKind::Team { id: TeamId::new(id), name: from.text()?.to_owned() },
        AGENT => EventKind::Agent(Agent {
            id: AgentId::new(id),
            name: from.text()?.to_owned(),
            email: read_maybe_text(&mut from)?.map(str::to_owned),
            teams: read_list(&mut from, |id| TeamId::new(id))?,
            capacity: Some(from.number()? as u32).filter(|capacity| *capacity > 0),
            active: from.number()?.checked_sub(1).map(|active| active == 1),
        }),
        CUSTOMER => EventKind::Customer {
            id: CustomerId::new(id),
            name: read_maybe_text(&mut from)?.map(str::to_owned),
            segment: read_maybe_text(&mut from)?.map(str::to_owned),
        },
        PRESENCE => EventKind::Presence {
            agent: AgentId::new(id),
            state: read_word(&mut from, &STATES)?,
            reason: read_maybe_text(&mut from)?.map(str::to_owned),
        },
        OPENED => EventKind::Opened(Box::new(Opened {
            conversation: conversation(),
            customer: read_maybe_text(&mut from)?.map(CustomerId::new),
            channel: read_maybe_text(&mut from)?.map(str::to_owned),
            team: read_maybe_text(&mut from)?.map(TeamId::new),
            subject: read_maybe_text(&mut from)?.map(str::to_owned),
            url: read_maybe_text(&mut from)?.map(str::to_owned),
            direction: read_maybe_word(&mut from, &DIRECTIONS)?,
            tags: read_list(&mut from, str::to_owned)?,
            priority: read_maybe_text(&mut from)?.map(str::to_owned),
        })),
        MESSAGE => EventKind::Message(Message {
            conversation: conversation(),
            from: read_word(&mut from, &AUTHORS)?,
            agent: read_maybe_text(&mut from)?.map(AgentId::new),
            public: from.number()?.checked_sub(1).map(|public| public == 1),
            text: read_words(&mut from)?,
        }),
        ASSIGNED => EventKind::Assigned(Assigned {
            conversation: conversation(),
            agent: read_change(&mut from)?.map(|agent| agent.map(AgentId::new)),
            team: read_change(&mut from)?.map(|team| team.map(TeamId::new)),
            by: read_maybe_text(&mut from)?.map(AgentId::new),
        }),
        STATUS => EventKind::Status {
            conversation: conversation(),
            status: read_word(&mut from, &STATUSES)?,
            by: read_maybe_word(&mut from, &CHANGERS)?,
            agent: read_maybe_text(&mut from)?.map(AgentId::new),
        },
        ROUTED => EventKind::Routed { conversation: conversation(), keyword: from.text()?.to_owned() },
        RETURNED => EventKind::ReturnedToBot { conversation: conversation(), agent: AgentId::new(from.text()?) },
        TAGGED => EventKind::Tagged {
            conversation: conversation(),
            tags: read_list(&mut from, str::to_owned)?.unwrap_or_default(),
        },
        MACRO => EventKind::Macro {
            conversation: conversation(),
            agent: read_maybe_text(&mut from)?.map(AgentId::new),
            name: from.text()?.to_owned(),
        },
        SLA => EventKind::Sla {
            conversation: conversation(),
            metric: read_word(&mut from, &METRICS)?,
            due: Timestamp::from_millis(at.millis().wrapping_add(from.signed()?)),
        },
        RATED => EventKind::Rated {
            conversation: conversation(),
            score: from.float()?,
            scale: from.float()?,
            comment: read_words(&mut from)?,
        },
        NPS => EventKind::Nps {
            score: from.float()?,
            customer: read_maybe_text(&mut from)?.map(CustomerId::new),
            conversation: (kind == SubjectKind::Conversation).then(conversation),
        },
        VOTE => EventKind::ArticleVote {
            article: ArticleId::new(id),
            helpful: from.byte()? == 1,
            customer: read_maybe_text(&mut from)?.map(CustomerId::new),
        },
        CONVERTED => EventKind::Converted {
            conversation: conversation(),
            amount: if from.byte()? == 1 { Some(from.float()?) } else { None },
            currency: read_maybe_text(&mut from)?.map(str::to_owned),
        },
        MERGED => EventKind::Merged { conversation: conversation(), into: ConversationId::new(from.text()?) },
        _ => return Err(Damaged),
    })
}

fn word<T: PartialEq>(out: &mut Vec<u8>, list: &[T], word: T) {
    maybe_word(out, list, Some(word));
}

/// The place of a word in its list, counted from 1; 0 = none.
fn maybe_word<T: PartialEq>(out: &mut Vec<u8>, list: &[T], word: Option<T>) {
    let place = word.and_then(|word| list.iter().position(|one| *one == word));
    out.push(place.map_or(0, |place| place as u8 + 1));
}

fn read_word<T: Copy>(from: &mut Bytes<'_>, list: &[T]) -> Result<T, Damaged> {
    read_maybe_word(from, list)?.ok_or(Damaged)
}

fn read_maybe_word<T: Copy>(from: &mut Bytes<'_>, list: &[T]) -> Result<Option<T>, Damaged> {
    match from.byte()?.checked_sub(1) {
        None => Ok(None),
        Some(place) => list.get(usize::from(place)).copied().map(Some).ok_or(Damaged),
    }
}

/// A text with its length plus one before it; 0 = none.
fn maybe_text(out: &mut Vec<u8>, text: Option<&str>) {
    put_number(out, text.map_or(0, |text| text.len() as u64 + 1));
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn read_maybe_text<'a>(from: &mut Bytes<'a>) -> Result<Option<&'a str>, Damaged> {
    let Some(length) = from.number()?.checked_sub(1) else { return Ok(None) };
    std::str::from_utf8(from.take(length as usize)?).map(Some).map_err(|_| Damaged)
}

/// 0 = unchanged, 1 = nobody, else a text with its length plus two before it.
fn change(out: &mut Vec<u8>, change: Change<&str>) {
    match change {
        None => put_number(out, 0),
        Some(None) => put_number(out, 1),
        Some(Some(text)) => {
            put_number(out, text.len() as u64 + 2);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn read_change<'a>(from: &mut Bytes<'a>) -> Result<Change<&'a str>, Damaged> {
    match from.number()? {
        0 => Ok(None),
        1 => Ok(Some(None)),
        length => {
            std::str::from_utf8(from.take(length as usize - 2)?).map(|text| Some(Some(text))).map_err(|_| Damaged)
        }
    }
}

fn list<T>(out: &mut Vec<u8>, list: Option<&[T]>, text: impl Fn(&T) -> &str) {
    put_number(out, list.map_or(0, |list| list.len() as u64 + 1));
    list.unwrap_or_default().iter().for_each(|one| put_text(out, text(one)));
}

fn read_list<T>(from: &mut Bytes<'_>, make: impl Fn(&str) -> T) -> Result<Option<Vec<T>>, Damaged> {
    let Some(length) = from.number()?.checked_sub(1) else { return Ok(None) };
    (0..length).map(|_| from.text().map(&make)).collect::<Result<_, _>>().map(Some)
}

/// 0 = none, 1 = the words, 2 = their print.
fn words(out: &mut Vec<u8>, words: Option<&Words>, keep: bool) {
    match words {
        None => out.push(0),
        Some(words) => {
            if let Some(text) = words.text().filter(|_| keep) {
                out.push(1);
                put_text(out, text);
            } else {
                out.push(2);
                out.extend_from_slice(&words.print().to_le_bytes());
            }
        }
    }
}

fn read_words(from: &mut Bytes<'_>) -> Result<Option<Words>, Damaged> {
    match from.byte()? {
        0 => Ok(None),
        1 => Ok(Some(Words::from(from.text()?))),
        _ => {
            let (print, rest) = from.0.split_first_chunk().ok_or(Damaged)?;
            from.0 = rest;
            Ok(Some(Words::Print(u64::from_le_bytes(*print))))
        }
    }
}
