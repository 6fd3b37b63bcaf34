//! The requests of one poll. Keeps to the house rules of REST2: pages by id, never by number; values quoted.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::Url;
use serde::de::DeserializeOwned;

use super::wire::{Page, ROW_FIELDS, Row, TICKET_FIELDS, Ticket};
use crate::event::Timestamp;
use crate::source::http::{Answer, Client};
use crate::source::skips::{self, Skips, id_words};
use crate::source::{Quota, SourceError};

/// The largest page that the server gives.
pub(super) const PER_PAGE: usize = 100;
/// So many ids fit into one query without making the address too long for a proxy.
const IDS_A_QUERY: usize = 100;
const API: &str = "/REST/2.0";

/// The transactions that matter. Naming them keeps the pages full: rows that the account may not see (comments, mail
/// records) are dropped after the page was cut.
pub(super) const FEED: &str = "ObjectType='RT::Ticket' AND (Type='Create' OR Type='Correspond' OR Type='Status' \
    OR (Field='Owner' AND (Type='Set' OR Type='Take' OR Type='Untake' OR Type='Steal' OR Type='Give' OR Type='Force')) \
    OR (Type='Set' AND (Field='Queue' OR Field='Subject')) \
    OR (Field='Requestor' AND (Type='AddWatcher' OR Type='DelWatcher')) \
    OR (Type='AddLink' AND Field='MergedInto'))";

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub quota: Option<Quota>,
    pub date: Option<Timestamp>,
    pub skips: Skips,
    /// Records that were told as unreadable before.
    pub told: BTreeSet<u64>,
}

/// A page of records.
pub(super) struct Records<T> {
    pub items: Vec<T>,
    /// How many records came, readable or not.
    pub count: usize,
    /// The ids of all of them, readable or not.
    pub ids: Vec<u64>,
    /// How many match in all, where it is told.
    pub total: Option<usize>,
}

impl<T> Records<T> {
    /// The highest id.
    pub(super) fn last_id(&self) -> u64 {
        self.ids.iter().copied().max().unwrap_or(0)
    }
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, now: Timestamp) -> Self {
        Self { client, now, quota: None, date: None, skips: Skips::default(), told: BTreeSet::new() }
    }

    /// One record.
    pub(super) async fn one<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, SourceError> {
        self.get(path, &[]).await
    }

    /// One page of a list; a record that can't be read is skipped, named and counted.
    pub(super) async fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Records<T>, SourceError> {
        let page: Page = self.get(path, query).await?;
        let count = page.items.len();
        let total = page.total.map(|total| total as usize);
        let mut records = Records { items: Vec::with_capacity(count), count, ids: Vec::new(), total };
        for (at, item) in page.items.into_iter().enumerate() {
            let id = item.get("id").and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
            records.ids.extend(id);
            let words = id_words(&item);
            match skips::read(item) {
                Ok(item) => records.items.push(item),
                Err(_) if id.is_some_and(|id| self.told.contains(&id)) => {}
                Err((inner, reason)) => {
                    self.skips.note(format!("GET {API}{path} items[{at}]{words}"), &inner, &reason);
                }
            }
        }
        if records.ids.is_empty() && count > 0 {
            let what = "no record of the page has an id".to_owned();
            return Err(SourceError::Schema { place: format!("GET {API}{path}"), path: "items".into(), what });
        }
        Ok(records)
    }

    /// One page of tickets that match and have a higher id than `after`, by id.
    pub(super) async fn tickets(&mut self, query: &str, after: u64) -> Result<Records<Ticket>, SourceError> {
        let query = format!("({query}) AND id > {after}");
        let mut fields = vec![("query", &*query), ("orderby", "id"), ("per_page", "100")];
        fields.extend(TICKET_FIELDS);
        self.list("/tickets", &fields).await
    }

    /// The tickets of these numbers; those that were merged, deleted or may not be seen are missing.
    pub(super) async fn tickets_by_id(&mut self, query: &str, ids: &[u64]) -> Result<Vec<Ticket>, SourceError> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_A_QUERY) {
            let query = format!("({}){query}", any("id", some));
            found.extend(self.tickets(&query, 0).await?.items);
        }
        Ok(found)
    }

    /// One page of transactions that match and have a higher id than `after`, by id.
    pub(super) async fn rows(&mut self, query: &str, after: u64) -> Result<Records<Row>, SourceError> {
        self.rows_page(query, after, 1).await
    }

    /// The same, but a later page: only to look behind an empty one.
    pub(super) async fn rows_page(&mut self, query: &str, after: u64, page: u32) -> Result<Records<Row>, SourceError> {
        let query = format!("{query} AND id > {after}");
        let page = page.to_string();
        let query = [("query", &*query), ("orderby", "id"), ("per_page", "100"), ("page", &page), ROW_FIELDS];
        self.list("/transactions", &query).await
    }

    /// All transactions that matter of these tickets, by id.
    pub(super) async fn histories(&mut self, tickets: &[u64]) -> Result<Vec<Row>, SourceError> {
        let mut rows = Vec::new();
        for some in tickets.chunks(IDS_A_QUERY) {
            rows.extend(self.all_rows(&format!("{FEED} AND ({})", any("ObjectId", some))).await?);
        }
        Ok(rows)
    }

    /// All transactions that match, by id. A short page is the last one only where every row of the tickets that are
    /// asked about may be seen, as with those that a search of tickets gave.
    pub(super) async fn all_rows(&mut self, query: &str) -> Result<Vec<Row>, SourceError> {
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let page = self.rows(query, after).await?;
            after = page.last_id();
            rows.extend(page.items);
            if page.count < PER_PAGE {
                return Ok(rows);
            }
        }
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str, query: &[(&str, &str)]) -> Result<T, SourceError> {
        let Answer { body, quota, date } = self.client.get(&format!("{API}{path}"), query, self.now).await?;
        self.quota = quota.or(self.quota);
        self.date = date.or(self.date);
        Ok(body)
    }
}

/// A span back from now as the search reads it, in minutes at least: relative, as a date would be read in the account's
/// own time zone; rounded away from now or towards it. Never a number of four digits, for the server takes `1440 hours
/// ago` for twenty to three in the afternoon.
pub(super) fn ago(span: TimeDelta, rounded: Rounded) -> String {
    const MINUTE: i64 = 60_000;
    let span = span.num_milliseconds().max(0);
    let count = |unit: i64| match rounded {
        Rounded::Away => span.saturating_add(unit - 1) / unit,
        Rounded::Towards => span / unit,
    };
    let units = [(MINUTE, "minutes"), (60 * MINUTE, "hours"), (1440 * MINUTE, "days"), (10_080 * MINUTE, "weeks")];
    let fitting = units.into_iter().map(|(unit, word)| (count(unit), word)).find(|(count, _)| *count < 1000);
    let (count, word) = fitting.unwrap_or((999, "weeks"));
    format!("'{count} {word} ago'")
}

/// Which way a span is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounded {
    /// It becomes no shorter.
    Away,
    /// It becomes no longer.
    Towards,
}

/// `field = 1 OR field = 2 …`; this server knows no IN.
pub(super) fn any(field: &str, values: &[u64]) -> String {
    let each: Vec<String> = values.iter().map(|value| format!("{field}={value}")).collect();
    each.join(" OR ")
}

/// A word as a value of a query; `None` where it can't be one.
pub(super) fn quoted(word: &str) -> Option<String> {
    let plain = !word.is_empty() && !word.contains(['\'', '"', '\\']) && !word.contains(char::is_control);
    plain.then(|| format!("'{word}'"))
}

/// The address of the site, from the address of the site or of its API.
pub(super) fn site(mut base: Url) -> Url {
    let path = base.path().trim_end_matches('/').trim_end_matches(API).to_owned();
    base.set_path(&path);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_three_digits() {
        let both = |minutes: i64| {
            let span = TimeDelta::minutes(minutes) + TimeDelta::seconds(1);
            [ago(span, Rounded::Away), ago(span, Rounded::Towards)]
        };
        assert_eq!(both(2), ["'3 minutes ago'", "'2 minutes ago'"]);
        assert_eq!(both(1440), ["'25 hours ago'", "'24 hours ago'"]);
        assert_eq!(both(60 * 24 * 60), ["'61 days ago'", "'60 days ago'"]);
        assert_eq!(both(1500 * 24 * 60), ["'215 weeks ago'", "'214 weeks ago'"]);
        assert_eq!(both(i64::from(u32::MAX)), ["'999 weeks ago'"; 2]);
        assert_eq!(both(-5), ["'0 minutes ago'"; 2]);
    }
}
