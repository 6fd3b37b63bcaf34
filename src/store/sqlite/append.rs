//! Keeping events: each subject's new ones go behind those it has.

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::chunk::{Chunk, FULL, entries};
use super::super::subject::{Life, SubjectKind, agents, later, subject};
use super::super::{Appended, Mark, SourceNo, body};
use super::fault::Step;
use crate::event::{AgentId, ConversationId, CustomerId, Event, EventKind, Timestamp};

/// What is appended to one subject, in the order in which it came.
struct Group<'a> {
    kind: SubjectKind,
    id: &'a str,
    /// Instants, and where their events lie among all bodies.
    entries: Vec<(Timestamp, usize, usize)>,
    life: Life,
    customer: Option<(Timestamp, &'a CustomerId)>,
}

/// A subject as it is kept.
struct Kept {
    no: i64,
    life: Life,
    customer: Option<(Timestamp, i64)>,
    events: i64,
}

/// Keeps events and what goes with them; the caller commits.
pub(super) fn append(
    connection: &Connection,
    source: SourceNo,
    events: &[Event],
    mark: &Mark,
    keep_text: bool,
) -> Result<Appended, Step> {
    let mut bodies = Vec::with_capacity(events.len() * 24);
    let groups = group(events, keep_text, &mut bodies);
    let mut appended = Appended::default();
    let touched =
        1 + connection.prepare_cached("SELECT appends FROM state")?.query_row([], |row| row.get::<_, i64>(0))?;
    for group in &groups {
        let (new, quiet) = append_group(connection, source, group, &bodies, touched)?;
        appended.new += new;
        appended.repeats += group.entries.len() as u64 - new;
        if let (Some((was, is)), Some(before)) = (quiet, mark.quiet_before)
            && was < before
            && is >= before
        {
            appended.revived.push(ConversationId::new(group.id));
        }
    }
    mention(connection, source, events, touched)?;
    if appended.new > 0 {
        connection.prepare_cached("UPDATE state SET appends = ?1")?.execute([touched])?;
    }
    let dated = || events.iter().filter_map(|event| event.at);
    connection
        .prepare_cached(
            "UPDATE source SET
                 first_at = min(coalesce(first_at, ?2), coalesce(?2, first_at)),
                 last_at = max(coalesce(last_at, ?3), coalesce(?3, last_at)),
                 good_at = coalesce(?4, good_at), cursor = coalesce(?5, cursor), settings = coalesce(?6, settings),
                 history_told = coalesce(?7, history_told)
             WHERE no = ?1",
        )?
        .execute(params![
            source.0,
            dated().min().map(Timestamp::millis),
            dated().max().map(Timestamp::millis),
            mark.good_at.map(Timestamp::millis),
            mark.cursor.as_ref().map(|cursor| cursor.value.to_string()),
            mark.cursor.as_ref().map(|cursor| cursor.settings as i64),
            mark.history_told,
        ])?;
    Ok(appended)
}

/// Makes agents known that were never introduced: a report names them, also with nothing to count.
fn mention(connection: &Connection, source: SourceNo, events: &[Event], touched: i64) -> rusqlite::Result<()> {
    let named: FxHashSet<&AgentId> = events.iter().flat_map(|event| agents(&event.kind)).flatten().collect();
    for id in named {
        if find(connection, source, SubjectKind::Agent, id.as_str())?.is_none() {
            insert(connection, source, (SubjectKind::Agent, id.as_str()), None, touched)?;
        }
    }
    Ok(())
}

fn group<'a>(events: &'a [Event], keep_text: bool, bodies: &mut Vec<u8>) -> Vec<Group<'a>> {
    let mut places: FxHashMap<(SubjectKind, &str), usize> = FxHashMap::default();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for event in events {
        let Some((kind, id)) = subject(&event.kind) else { continue };
        let place = *places.entry((kind, id)).or_insert_with(|| {
            groups.push(Group { kind, id, entries: Vec::new(), life: Life::NONE, customer: None });
            groups.len() - 1
        });
        let group = &mut groups[place];
        let at = event.at.unwrap_or(Timestamp::MIN);
        let from = bodies.len();
        body::encode(bodies, &event.kind, at, keep_text);
        group.entries.push((at, from, bodies.len()));
        group.life.note(event);
        if let EventKind::Opened(opened) = &event.kind
            && let Some(customer) = &opened.customer
            && group.customer.is_none_or(|(said_at, _)| said_at <= at)
        {
            group.customer = Some((at, customer));
        }
    }
    groups
}

/// Appends to one subject. Tells how many events were new, and since when a conversation was quiet before and is now.
fn append_group(
    connection: &Connection,
    source: SourceNo,
    group: &Group<'_>,
    bodies: &[u8],
    touched: i64,
) -> Result<(u64, Option<(Timestamp, Timestamp)>), Step> {
    let kept = find(connection, source, group.kind, group.id)?;
    let customer = match group.customer {
        Some((at, id)) => Some((at, customer(connection, source, id, touched)?)),
        None => None,
    };
    let kept = match kept {
        Some(kept) => kept,
        None => Kept {
            no: insert(connection, source, (group.kind, group.id), customer, touched)?,
            life: Life::NONE,
            customer,
            events: 0,
        },
    };
    let first = group.entries.iter().map(|(at, ..)| *at).min().unwrap_or(Timestamp::MAX);
    let may_repeat = kept.events > 0 && (group.kind.is_said() || first <= kept.life.last_at);
    let mut tail = Tail::load(connection, kept.no, kept.events > 0)?;
    let older = if may_repeat { chunks(connection, kept.no, first, group.kind.is_said())? } else { Vec::new() };
    let mut known: FxHashSet<(Timestamp, &[u8])> = FxHashSet::default();
    for (_, chunk) in &older {
        for entry in entries(&chunk.bytes) {
            known.insert(entry?);
        }
    }
    let (mut new, mut unwritten) = (0, false);
    for (at, from, to) in &group.entries {
        let (at, body) = (*at, &bodies[*from..*to]);
        if known.insert((at, body)) {
            tail.push(connection, at, body)?;
            (new, unwritten) = (new + 1, true);
        } else if group.kind.is_said() {
            // What was said again counts as said now: it goes behind what was said so far.
            if std::mem::take(&mut unwritten) {
                tail.write(connection)?;
            }
            say_again(connection, kept.no, at, body)?;
            tail = Tail::load(connection, kept.no, true)?;
        }
    }
    if unwritten {
        tail.write(connection)?;
    }
    if new == 0 {
        return Ok((0, None));
    }
    let life = kept.life.and(group.life);
    let customer = later(kept.customer, customer);
    if customer != kept.customer {
        connection
            .prepare_cached("UPDATE subject SET customer = ?2, customer_at = ?3 WHERE no = ?1")?
            .execute(params![kept.no, customer.map(|(_, no)| no), customer.map(|(at, _)| at.millis())])?;
    }
    let (was_quiet_at, quiet_at) = (kept.life.quiet_at(group.kind), life.quiet_at(group.kind));
    let (was_asked_at, asked_at) = (kept.life.asked_at(), life.asked_at());
    // Most of what comes leaves that as it was: an index less to see to.
    if kept.events == 0 || (quiet_at, asked_at) != (was_quiet_at, was_asked_at) {
        connection
            .prepare_cached("UPDATE subject SET quiet_at = ?2, asked_at = ?3 WHERE no = ?1")?
            .execute(params![kept.no, quiet_at.millis(), asked_at.map(Timestamp::millis)])?;
    }
    connection
        .prepare_cached(
            "UPDATE subject SET last_at = ?2, ended_at = ?3, stirred_at = ?4, due_at = ?5, events = ?6, touched = ?7,
                 opened_at = ?8, begun_by = ?9, begun_by_at = ?10
             WHERE no = ?1",
        )?
        .execute(params![
            kept.no,
            life.last_at.millis(),
            life.ended_at.millis(),
            life.stirred_at.millis(),
            life.due_at.millis(),
            kept.events + new as i64,
            touched,
            life.opened_at.map(Timestamp::millis),
            life.begun_by.map(|(_, direction)| body::direction_number(direction)),
            life.begun_by.map(|(at, _)| at.millis()),
        ])?;
    let was_quiet = (group.kind == SubjectKind::Conversation && kept.events > 0).then_some((was_quiet_at, quiet_at));
    Ok((new, was_quiet))
}

fn find(connection: &Connection, source: SourceNo, kind: SubjectKind, id: &str) -> rusqlite::Result<Option<Kept>> {
    let at = Timestamp::from_millis;
    connection
        .prepare_cached(
            "SELECT no, last_at, ended_at, stirred_at, due_at, customer_at, customer, events, opened_at, begun_by,
                 begun_by_at
             FROM subject WHERE source = ?1 AND kind = ?2 AND id = ?3",
        )?
        .query_row(params![source.0, kind as u8, id], |row| {
            let said_at: Option<i64> = row.get(5)?;
            let (begun_by, begun_by_at): (Option<u8>, Option<i64>) = (row.get(9)?, row.get(10)?);
            Ok(Kept {
                no: row.get(0)?,
                life: Life {
                    last_at: at(row.get(1)?),
                    ended_at: at(row.get(2)?),
                    stirred_at: at(row.get(3)?),
                    due_at: at(row.get(4)?),
                    opened_at: row.get::<_, Option<i64>>(8)?.map(at),
                    begun_by: begun_by_at.map(at).zip(begun_by.and_then(body::numbered_direction)),
                },
                customer: said_at.map(at).zip(row.get(6)?),
                events: row.get(7)?,
            })
        })
        .optional()
}

fn insert(
    connection: &Connection,
    source: SourceNo,
    (kind, id): (SubjectKind, &str),
    customer: Option<(Timestamp, i64)>,
    touched: i64,
) -> rusqlite::Result<i64> {
    let never = Timestamp::MIN.millis();
    connection
        .prepare_cached(
            "INSERT INTO subject (source, kind, id, last_at, ended_at, stirred_at, due_at, quiet_at, customer,
                 customer_at, events, touched)
             VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?4, ?4, ?5, ?6, 0, ?7)",
        )?
        .execute(params![
            source.0,
            kind as u8,
            id,
            never,
            customer.map(|(_, no)| no),
            customer.map(|(at, _)| at.millis()),
            touched
        ])?;
    Ok(connection.last_insert_rowid())
}

/// The number of a customer, who need not have been introduced.
fn customer(connection: &Connection, source: SourceNo, id: &CustomerId, touched: i64) -> rusqlite::Result<i64> {
    match find(connection, source, SubjectKind::Customer, id.as_str())? {
        Some(kept) => Ok(kept.no),
        None => insert(connection, source, (SubjectKind::Customer, id.as_str()), None, touched),
    }
}

/// The chunks in which an event at `first` or later may be; of what is said, all.
fn chunks(connection: &Connection, subject: i64, first: Timestamp, all: bool) -> Result<Vec<(i64, Chunk)>, Step> {
    let first = if all { i64::MIN } else { first.millis() };
    let mut rows = connection
        .prepare_cached("SELECT place, body FROM chunk WHERE subject = ?1 AND max_at >= ?2 ORDER BY place")?;
    let rows = rows.query_map([subject, first], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (place, bytes): (i64, Vec<u8>) = row?;
        Ok((place, Chunk::of(bytes)?))
    })
    .collect()
}

/// Takes what was said before out of its place and puts it last.
fn say_again(connection: &Connection, subject: i64, at: Timestamp, body: &[u8]) -> Result<(), Step> {
    let all = chunks(connection, subject, at, true)?;
    let last = all.last().and_then(|(_, chunk)| entries(&chunk.bytes).last().transpose().ok().flatten());
    if last == Some((at, body)) {
        return Ok(());
    }
    for (place, chunk) in &all {
        let rest = chunk.without(at, body)?;
        if rest.count < chunk.count {
            if rest.count == 0 {
                connection
                    .prepare_cached("DELETE FROM chunk WHERE subject = ?1 AND place = ?2")?
                    .execute([subject, *place])?;
            } else {
                write(connection, subject, *place, &rest)?;
            }
            break;
        }
    }
    let mut tail = Tail::load(connection, subject, true)?;
    tail.push(connection, at, body)?;
    tail.write(connection)?;
    Ok(())
}

/// The chunk of a subject that new events go to.
struct Tail {
    subject: i64,
    place: i64,
    chunk: Chunk,
}

impl Tail {
    fn load(connection: &Connection, subject: i64, has_events: bool) -> Result<Self, Step> {
        let kept: Option<(i64, Vec<u8>)> = if has_events {
            connection
                .prepare_cached("SELECT place, body FROM chunk WHERE subject = ?1 ORDER BY place DESC LIMIT 1")?
                .query_row([subject], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?
        } else {
            None
        };
        Ok(match kept {
            Some((place, bytes)) => Self { subject, place, chunk: Chunk::of(bytes)? },
            None => Self { subject, place: 0, chunk: Chunk::new() },
        })
    }

    fn push(&mut self, connection: &Connection, at: Timestamp, body: &[u8]) -> rusqlite::Result<()> {
        if self.chunk.count >= FULL {
            self.write(connection)?;
            self.place += 1;
            self.chunk = Chunk::new();
        }
        self.chunk.push(at, body);
        Ok(())
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.chunk.count == 0 {
            return Ok(());
        }
        write(connection, self.subject, self.place, &self.chunk)
    }
}

fn write(connection: &Connection, subject: i64, place: i64, chunk: &Chunk) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO chunk (subject, place, min_at, max_at, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (subject, place) DO UPDATE
             SET min_at = excluded.min_at, max_at = excluded.max_at, body = excluded.body",
        )?
        .execute(params![subject, place, chunk.min_at.millis(), chunk.max_at.millis(), chunk.bytes])?;
    Ok(())
}
