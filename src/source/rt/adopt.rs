//! Reading tickets whole: their transactions, and those of the tickets that were merged into them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ask::{Ask, FEED, PER_PAGE, quoted};
use super::people::People;
use super::story::Story;
use super::wire::{Row, Ticket};
use crate::source::SourceError;

/// Merges of merges are followed so far.
const MERGE_DEPTH: usize = 8;
/// Merge targets of a query; each is an address of some 40 characters.
const TARGETS_A_QUERY: usize = 40;

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
/// A merge leaves two rows, one on each ticket, and both name the target; so the target's own row leads to the others.
async fn merged_into(ask: &mut Ask, rows: &mut Vec<Row>) -> Result<BTreeMap<u64, u64>, SourceError> {
    let mut merged = BTreeMap::new();
    let mut asked = HashSet::new();
    for _ in 0..MERGE_DEPTH {
        let targets: HashSet<String> = rows
            .iter()
            .filter(|row| row.merged_into() == Some(row.ticket))
            .filter_map(|row| quoted(&row.new))
            .filter(|target| !asked.contains(target))
            .collect();
        if targets.is_empty() {
            break;
        }
        let mut sources = Vec::new();
        let list: Vec<&String> = targets.iter().collect();
        for some in list.chunks(TARGETS_A_QUERY) {
            let each: Vec<String> = some.iter().map(|target| format!("NewValue={target}")).collect();
            let query = format!("{FEED} AND Field='MergedInto' AND ({})", each.join(" OR "));
            let mut after = 0;
            loop {
                let page = ask.rows(&query, after).await?;
                for row in &page.items {
                    if let Some(into) = row.merged_into().filter(|&into| into != row.ticket) {
                        merged.insert(row.ticket, into);
                        sources.push(row.ticket);
                    }
                }
                if page.count < PER_PAGE {
                    break;
                }
                after = page.last_id();
            }
        }
        asked.extend(targets);
        sources.sort_unstable();
        sources.dedup();
        rows.extend(ask.histories(&sources).await?);
    }
    Ok(merged)
}
