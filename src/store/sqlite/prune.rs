//! Letting go of what is too old or too much, whole conversations at a time.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Limits, Pruned};
use crate::event::Timestamp;

/// Where there is too much, the oldest of so many parts goes at a time.
const PARTS: i64 = 20;

/// Lets go; the caller commits.
pub(super) fn prune(connection: &Connection, limits: &Limits, mut bytes: u64) -> rusqlite::Result<Pruned> {
    let mut pruned = Pruned::default();
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT quiet_at FROM subject WHERE kind = 5 ORDER BY quiet_at LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if oldest.is_some_and(|oldest| oldest < limits.oldest.millis()) {
        let_go(connection, limits.oldest, &mut pruned)?;
        bytes = used(connection)?;
    }
    while bytes > limits.most_bytes {
        let Some(before) = part(connection)? else { break };
        let_go(connection, before, &mut pruned)?;
        bytes = used(connection)?;
    }
    Ok(pruned)
}

/// The instant before which the oldest part of the ended conversations fell quiet.
fn part(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let ended = "FROM subject WHERE kind = 5 AND quiet_at < ?1";
    let open = Timestamp::MAX.millis();
    let count: i64 = connection.query_row(&format!("SELECT count(*) {ended}"), [open], |row| row.get(0))?;
    let sql = format!("SELECT quiet_at {ended} ORDER BY quiet_at LIMIT 1 OFFSET ?2");
    let at: Option<i64> = connection.query_row(&sql, [open, count / PARTS], |row| row.get(0)).optional()?;
    Ok(at.map(|at| Timestamp::from_millis(at + 1)))
}

fn let_go(connection: &Connection, before: Timestamp, pruned: &mut Pruned) -> rusqlite::Result<()> {
    let at = params![before.millis()];
    let touched: Option<i64> =
        connection
            .query_row("SELECT max(touched) FROM subject WHERE kind = 5 AND quiet_at < ?1", at, |row| row.get(0))?;
    let gone = connection.execute("DELETE FROM subject WHERE kind = 5 AND quiet_at < ?1", at)?;
    pruned.conversations += gone as u64;
    pruned.before = pruned.before.max(Some(before));
    // With their last conversation customers go, too: nobody is remembered for ever. One introduced since then may be
    // about to have a first.
    connection.execute(
        "DELETE FROM subject WHERE kind = 3 AND touched <= ?1
             AND NOT EXISTS (SELECT 1 FROM subject AS c WHERE c.customer = subject.no)",
        params![touched],
    )?;
    // Of an agent's states the last before that instant stays: it holds until the next.
    connection.execute(
        "DELETE FROM chunk WHERE max_at < ?1 AND subject IN (SELECT no FROM subject WHERE kind = 4)
             AND place < (SELECT max(place) FROM chunk AS p WHERE p.subject = chunk.subject AND p.min_at < ?1)",
        at,
    )?;
    connection.execute(
        "DELETE FROM chunk WHERE max_at < ?1 AND subject IN (SELECT no FROM subject WHERE kind IN (6, 7))",
        at,
    )?;
    Ok(())
}

fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?) as u64)
}
