//! The steady refresh: what was added to the transaction log since the last one.

use std::collections::{BTreeSet, VecDeque};

use chrono::TimeDelta;

use super::ask::{Ask, FEED, PER_PAGE};
use super::wire::Row;
use crate::event::Timestamp;
use crate::source::SourceError;

/// So long after a row was seen, a row with a lower id may still become visible: its database transaction took longer.
const LATE: TimeDelta = TimeDelta::seconds(120);
/// But no further back than so many ids, so that a busy desk is not read again and again.
const BACK: u64 = 400;
/// Pages of one poll; what is left is fetched by the next, at once.
const MAX_PAGES: usize = 8;

/// How far the log was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    /// The highest id that was handled.
    pub last: u64,
    settled: u64,
    seen: BTreeSet<u64>,
    highs: VecDeque<(Timestamp, u64)>,
}

/// What a look into the feed brought.
pub(super) struct Fresh {
    /// Rows not handled before, by id.
    pub rows: Vec<Row>,
    /// There is more than one poll fetches.
    pub more: bool,
    /// All ids that came, handled before or not.
    pub ids: Vec<u64>,
}

impl Position {
    /// Just behind `last`.
    pub(super) fn at(last: u64) -> Self {
        Self { last, settled: last.saturating_sub(BACK / 4), ..Self::default() }
    }

    /// Reads the rows behind the position; the position itself is moved by [`Position::moved`], once all went well.
    ///
    /// Costs one request where nothing is new. Going back by time instead of always by ids keeps that answer empty.
    pub(super) async fn read(&self, ask: &mut Ask, filter: &str) -> Result<Fresh, SourceError> {
        let mut fresh = Fresh { rows: Vec::new(), more: false, ids: Vec::new() };
        let mut after = self.settled;
        ask.told.clone_from(&self.seen);
        for page in 1..=MAX_PAGES {
            let records = ask.rows(&format!("{FEED}{filter}"), after).await?;
            after = after.max(records.last_id());
            fresh.ids.extend(&records.ids);
            fresh.rows.extend(records.items.into_iter().filter(|row| !self.seen.contains(&row.id)));
            if records.count < PER_PAGE {
                break;
            }
            fresh.more = page == MAX_PAGES;
        }
        Ok(fresh)
    }

    /// Rows that were told as part of a ticket's history need not be told again.
    pub(super) fn told(&mut self, ids: impl Iterator<Item = u64>) {
        let settled = self.settled;
        self.seen.extend(ids.filter(|&id| id > settled));
    }

    /// The position after these ids were handled at `now`.
    pub(super) fn moved(&mut self, ids: &[u64], now: Timestamp) {
        self.last = self.last.max(ids.iter().copied().max().unwrap_or(0));
        if self.highs.back().is_none_or(|&(_, high)| high < self.last) {
            self.highs.push_back((now, self.last));
        }
        while let Some(&(seen_at, high)) = self.highs.front()
            && now - seen_at >= LATE
        {
            self.settled = self.settled.max(high);
            self.highs.pop_front();
        }
        self.settled = self.settled.max(self.last.saturating_sub(BACK));
        self.seen.extend(ids);
        self.seen = self.seen.split_off(&(self.settled + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_back_two_minutes_but_not_for_ever() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let mut position = Position::at(1000);
        assert_eq!((position.last, position.settled), (1000, 900), "rows that were late at the start");
        position.moved(&[1003, 1001], at(0));
        assert_eq!((position.last, position.settled), (1003, 900));
        position.moved(&[1003, 1002], at(60));
        assert!(position.seen.contains(&1002), "a late one is known from then on");
        position.moved(&[], at(120));
        assert_eq!((position.last, position.settled), (1003, 1003), "two minutes on, nothing is asked again");
        assert!(position.seen.is_empty());
        position.moved(&[2000], at(121));
        assert_eq!(position.settled, 1600, "a busy desk goes back by ids");
    }
}
