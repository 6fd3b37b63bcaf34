//! Reading tickets whole: their transactions, and those of the tickets that were merged into them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ask::{Ask, FEED};
use super::people::People;
use super::story::Story;
use super::wire::{Row, Ticket};
use crate::source::SourceError;

/// Merges of merges are followed so far.
const MERGE_DEPTH: usize = 8;
/// Merge targets of a query.
const TARGETS_A_QUERY: usize = 40;
/// How far before the target's row the source's is looked for: others may write at the same moment.
const MERGE_ROWS: u64 = 50;

/// Reads the whole lives of tickets. Their records must have been read before their rows: what changes in between is
/// then in a row, whose old value tells how it began.
pub(super) async fn adopt(ask: &mut Ask, people: &mut People, tickets: Vec<Ticket>) -> Result<Vec<Story>, SourceError> {
    let ids: Vec<u64> = tickets.iter().map(|ticket| ticket.id).collect();
    let mut rows = ask.histories(&ids).await?;
    let merged = merged_into(ask, &mut rows).await?;
    people.learn(&tickets, false);
    people.read_owners(ask, &rows).await?;
    let statuses = rows.iter().filter(|row| row.is_status_change()).flat_map(|row| [&row.old, &row.new]);
    people.read_statuses(ask, statuses.chain(tickets.iter().map(|ticket| &ticket.status))).await?;

    let mut of_ticket: HashMap<u64, Vec<Row>> = HashMap::new();
    for row in rows {
        of_ticket.entry(row.ticket).or_default().push(row);
    }
    let mut stories: Vec<Story> = Vec::with_capacity(tickets.len());
    let mut at = HashMap::new();
    for ticket in tickets {
        at.insert(ticket.id, stories.len());
        let rows = of_ticket.remove(&ticket.id).unwrap_or_default();
        stories.push(Story { ticket, rows, merged: Vec::new() });
    }
    for &source in merged.keys() {
        let root = root_of(source, &merged);
        if let (Some(&at), Some(rows)) = (at.get(&root), of_ticket.remove(&source)) {
            stories[at].merged.push((source, rows));
        }
    }
    Ok(stories)
}

/// Where a merged ticket lives on in the end.
fn root_of(source: u64, merged: &BTreeMap<u64, u64>) -> u64 {
    let mut root = source;
    for _ in 0..MERGE_DEPTH {
        match merged.get(&root) {
            Some(&into) => root = into,
            None => break,
        }
    }
    root
}

/// Adds the rows of all tickets that were merged into those of `rows`; returns which went where.
///
/// A merge leaves two rows one after the other, first on the ticket that ends, then on the target, and both name the
/// target. So the source is looked for just before the target's own row: by id, as the server has no index for more.
async fn merged_into(ask: &mut Ask, rows: &mut Vec<Row>) -> Result<BTreeMap<u64, u64>, SourceError> {
    let mut merged = BTreeMap::new();
    let mut asked = HashSet::new();
    for _ in 0..MERGE_DEPTH {
        let own = rows.iter().filter(|row| row.merged_into() == Some(row.ticket));
        let targets: Vec<u64> = own.map(|row| row.id).filter(|id| asked.insert(*id)).collect();
        let mut sources = Vec::new();
        for some in targets.chunks(TARGETS_A_QUERY) {
            let each: Vec<String> =
                some.iter().map(|id| format!("(id > {} AND id < {id})", id.saturating_sub(MERGE_ROWS))).collect();
            let query = format!("{FEED} AND Field='MergedInto' AND ({})", each.join(" OR "));
            for row in ask.all_rows(&query).await? {
                if let Some(into) = row.merged_into().filter(|&into| into != row.ticket) {
                    merged.insert(row.ticket, into);
                    sources.push(row.ticket);
                }
            }
        }
        if sources.is_empty() {
            break;
        }
        sources.sort_unstable();
        sources.dedup();
        rows.extend(ask.histories(&sources).await?);
    }
    Ok(merged)
}
