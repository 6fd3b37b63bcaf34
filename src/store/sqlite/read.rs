//! Reading events: the people first, then the conversations, one after the other.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::chunk::entries;
use super::super::subject::SubjectKind;
use super::super::{Selection, Sink, SourceNo, StoreError, body};
use super::fault::Faults;
use crate::event::{Agent, AgentId, ConversationId, Event, EventKind, Timestamp};

/// Subjects and chunks of a selection: a condition on `s` and `c`, and its values.
struct Part {
    condition: String,
    values: Vec<Value>,
}

/// The chunks of agents' states that count from an instant on, with the one that holds the state at that instant.
const STATES_FROM: &str = "(c.max_at >= ?1 OR c.place = (
    SELECT place FROM chunk AS p WHERE p.subject = s.no AND p.max_at < ?1 ORDER BY p.max_at DESC LIMIT 1))";

/// Hands out the events of a selection.
pub(super) fn read(
    connection: &Connection,
    faults: &Faults,
    selection: &Selection,
    sink: &mut Sink<'_>,
) -> Result<(), StoreError> {
    if matches!(selection, Selection::All | Selection::Since(_) | Selection::Between(..)) {
        tell_spans(connection, faults, sink)?;
    }
    let target = target(connection, selection).map_err(|error| faults.of(&error))?;
    // A desk is told who somebody is before it is told what they did.
    for kind in SubjectKind::ALL {
        let join = if kind == SubjectKind::Agent { "LEFT JOIN" } else { "JOIN" };
        let Some(mut part) = part(kind, selection, target) else { continue };
        if let (Selection::Between(_, to), false) = (selection, part.values.is_empty()) {
            part.condition.push_str(" AND c.min_at < ?2");
            part.values.push(Value::Integer(to.millis()));
        }
        let sql = format!(
            "SELECT s.source, s.id, c.body FROM subject AS s {join} chunk AS c ON c.subject = s.no
             WHERE {} ORDER BY s.no, c.place",
            part.condition
        );
        let mut statement = connection.prepare_cached(&sql).map_err(|error| faults.of(&error))?;
        let mut rows = statement.query(params_from_iter(part.values)).map_err(|error| faults.of(&error))?;
        while let Some(row) = rows.next().map_err(|error| faults.of(&error))? {
            let columns = || Ok((row.get(0)?, row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_blob_or_null()?));
            let (source, id, bytes) = columns().map_err(|error: rusqlite::Error| faults.of(&error))?;
            let Some(bytes) = bytes else {
                // An agent who was named and never introduced: all that is known is the id.
                sink(SourceNo(source), Event::undated(Agent::new(AgentId::new(id), id)))?;
                continue;
            };
            for entry in entries(bytes) {
                let event = entry.and_then(|(at, body)| {
                    let kind = body::decode(kind, id, at, body)?;
                    Ok(Event { kind, at: (at > Timestamp::MIN).then_some(at) })
                });
                sink(SourceNo(source), event.map_err(|damaged| faults.corrupt(damaged.to_string()))?)?;
            }
        }
    }
    Ok(())
}

/// When customers opened conversations, from an instant on, that fell quiet before another.
pub(super) fn openings(
    connection: &Connection,
    from: Timestamp,
    quiet_before: Timestamp,
) -> rusqlite::Result<Vec<(SourceNo, Timestamp)>> {
    // A conversation is quiet when it was opened, or later.
    let mut rows = connection.prepare_cached(
        "SELECT source, asked_at FROM subject
         WHERE kind = ?1 AND quiet_at >= ?2 AND quiet_at < ?3 AND asked_at >= ?2 ORDER BY quiet_at",
    )?;
    let kind = SubjectKind::Conversation as u8;
    let rows = rows.query_map((kind, from.millis(), quiet_before.millis()), |row| {
        Ok((SourceNo(row.get(0)?), Timestamp::from_millis(row.get(1)?)))
    })?;
    rows.collect()
}

/// How many events a selection holds, roughly: whole subjects are counted.
pub(super) fn count(connection: &Connection, selection: &Selection) -> rusqlite::Result<u64> {
    let target = target(connection, selection)?;
    let mut count = 0;
    for kind in [SubjectKind::Presence, SubjectKind::Conversation] {
        let Some(mut part) = part(kind, selection, target) else { continue };
        if kind == SubjectKind::Presence && matches!(selection, Selection::Since(_) | Selection::Between(..)) {
            part = Part { condition: "+s.kind = 4".to_owned(), values: Vec::new() };
        }
        let sql = format!("SELECT coalesce(sum(s.events), 0) FROM subject AS s WHERE {}", part.condition);
        let number: i64 =
            connection.prepare_cached(&sql)?.query_row(params_from_iter(part.values), |row| row.get(0))?;
        count += number as u64;
    }
    Ok(count)
}

/// That a source was watched from its first to its last instant, which may be ones at which nothing happened.
fn tell_spans(connection: &Connection, faults: &Faults, sink: &mut Sink<'_>) -> Result<(), StoreError> {
    let ask = || {
        let mut rows = connection.prepare_cached("SELECT no, first_at, last_at FROM source WHERE first_at NOT NULL")?;
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()
    };
    for (source, first_at, last_at) in ask().map_err(|error| faults.of(&error))? {
        for at in [first_at, last_at] {
            sink(SourceNo(source), Event::new(Timestamp::from_millis(at), EventKind::Clock {}))?;
        }
    }
    Ok(())
}

/// The conversations of a source that may be active.
pub(super) fn active(connection: &Connection, source: SourceNo) -> rusqlite::Result<Vec<ConversationId>> {
    let mut rows =
        connection.prepare_cached("SELECT id FROM subject WHERE kind = ?1 AND quiet_at = ?2 AND source = ?3")?;
    let kind = SubjectKind::Conversation as u8;
    let ids = rows.query_map((kind, Timestamp::MAX.millis(), source.0), |row| row.get::<_, String>(0))?;
    ids.map(|id| id.map(ConversationId::new)).collect()
}

/// The agents of a source whose last state is online or busy.
pub(super) fn present(connection: &Connection, faults: &Faults, source: SourceNo) -> Result<Vec<AgentId>, StoreError> {
    let sql = "SELECT s.id, c.body FROM subject AS s JOIN chunk AS c ON c.subject = s.no
               WHERE s.kind = ?1 AND s.source = ?2 AND c.place = (
                   SELECT place FROM chunk AS p WHERE p.subject = s.no ORDER BY p.max_at DESC, p.place DESC LIMIT 1)";
    let mut statement = connection.prepare_cached(sql).map_err(|error| faults.of(&error))?;
    let mut rows = statement.query((SubjectKind::Presence as u8, source.0)).map_err(|error| faults.of(&error))?;
    let mut present = Vec::new();
    while let Some(row) = rows.next().map_err(|error| faults.of(&error))? {
        let columns = || Ok((row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_blob()?));
        let (id, bytes) = columns().map_err(|error: rusqlite::Error| faults.of(&error))?;
        let mut last = None;
        for entry in entries(bytes) {
            let (at, body) = entry.map_err(|damaged| faults.corrupt(damaged.to_string()))?;
            if last.is_none_or(|(before, _)| before <= at) {
                last = Some((at, body));
            }
        }
        let state = last.map(|(at, body)| body::decode(SubjectKind::Presence, id, at, body)).transpose();
        if let Some(EventKind::Presence { agent, state, .. }) =
            state.map_err(|damaged| faults.corrupt(damaged.to_string()))?
            && state.is_online()
        {
            present.push(agent);
        }
    }
    Ok(present)
}

/// The subject that is asked for; -1 = there is none such.
fn target(connection: &Connection, selection: &Selection) -> rusqlite::Result<i64> {
    let (source, kind, id) = match selection {
        Selection::Customer(source, id) => (source, SubjectKind::Customer, id.as_str()),
        Selection::Conversation(source, id) => (source, SubjectKind::Conversation, id.as_str()),
        Selection::All | Selection::Since(_) | Selection::Between(..) | Selection::Touched(_) => return Ok(-1),
    };
    let known = connection
        .prepare_cached("SELECT no FROM subject WHERE source = ?1 AND kind = ?2 AND id = ?3")?
        .query_row((source.0, kind as u8, id), |row| row.get(0))
        .optional()?;
    Ok(known.unwrap_or(-1))
}

fn part(kind: SubjectKind, selection: &Selection, target: i64) -> Option<Part> {
    use SubjectKind::{Agent, Article, Conversation, Customer, Loose, Presence, Source, Team};
    let number = kind as u8;
    let from = |at: &Timestamp| vec![Value::Integer(at.millis())];
    let (condition, values) = match (selection, kind) {
        // A scan in the order of the numbers reads both tables from end to end; the index would jump about.
        (Selection::All, _)
        | (
            Selection::Since(_) | Selection::Between(..) | Selection::Customer(..) | Selection::Conversation(..),
            Source | Team | Agent,
        ) => {
            let plus = if kind == Conversation { "+" } else { "" };
            (format!("{plus}s.kind = {number}"), Vec::new())
        }
        (Selection::Touched(after), _) => {
            (format!("s.touched > ?1 AND s.kind = {number}"), vec![Value::Integer(*after)])
        }
        (Selection::Since(at) | Selection::Between(at, _), Conversation) => {
            (format!("s.kind = {number} AND s.quiet_at >= ?1"), from(at))
        }
        (Selection::Since(at) | Selection::Between(at, _), Presence) => {
            (format!("s.kind = {number} AND {STATES_FROM}"), from(at))
        }
        (Selection::Since(at) | Selection::Between(at, _), Article | Loose) => {
            (format!("s.kind = {number} AND c.max_at >= ?1"), from(at))
        }
        (Selection::Since(at) | Selection::Between(at, _), Customer) => {
            ("s.no IN (SELECT customer FROM subject WHERE kind = 5 AND quiet_at >= ?1)".to_owned(), from(at))
        }
        (Selection::Customer(..), Conversation) => ("s.customer = ?1".to_owned(), vec![Value::Integer(target)]),
        (Selection::Customer(..), Customer) | (Selection::Conversation(..), Conversation) => {
            ("s.no = ?1".to_owned(), vec![Value::Integer(target)])
        }
        (Selection::Conversation(..), Customer) => {
            ("s.no = (SELECT customer FROM subject WHERE no = ?1)".to_owned(), vec![Value::Integer(target)])
        }
        (Selection::Customer(..) | Selection::Conversation(..), _) => return None,
    };
    Some(Part { condition, values })
}
