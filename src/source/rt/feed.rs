//! The steady refresh: what was added to the transaction log since the last one.

use std::collections::{BTreeSet, VecDeque};

use chrono::TimeDelta;

use super::ask::{Ask, FEED, PER_PAGE};
use super::wire::{OnlyId, Row};
use crate::event::Timestamp;
use crate::source::SourceError;

/// So long after a row was seen, a row with a lower id may still become visible: its database transaction took longer.
const LATE: TimeDelta = TimeDelta::seconds(120);
/// But no further back than so many ids, so that a busy desk is not read again and again.
const BACK: u64 = 400;
/// Pages of one poll; what is left is fetched by the next, at once.
const MAX_PAGES: usize = 8;

/// How often it is asked whether an empty page is the end of the log.
const PROBE_EVERY: TimeDelta = TimeDelta::minutes(2);
/// Pages that are looked into behind an empty one.
const PROBE_PAGES: u32 = 20;

/// How far the log was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    /// The highest id that was handled.
    pub last: u64,
    settled: u64,
    seen: BTreeSet<u64>,
    highs: VecDeque<(Timestamp, u64)>,
    probe: Probe,
}

/// Whether an empty page is the end. Rows that the account may not see are dropped after a page was cut, so where it
/// sees a queue but not its tickets, a hundred rows of those make an empty page that would end the log for good.
#[derive(Debug, Clone, Copy, Default)]
struct Probe {
    asked_at: Timestamp,
    /// The page to look into next, while there is reason to.
    page: Option<u32>,
}

/// What a look into the feed brought.
pub(super) struct Fresh {
    /// Rows not handled before, by id.
    pub rows: Vec<Row>,
    /// There is more than one poll fetches.
    pub more: bool,
    /// All ids that came, handled before or not.
    pub ids: Vec<u64>,
    probe: Probe,
    /// Nothing that can be seen comes before this id.
    hidden_to: u64,
}

impl Fresh {
    /// Whether the log was seen to its end: nothing came, and there is no reason to look behind that.
    pub(super) fn is_end(&self) -> bool {
        self.ids.is_empty() && self.probe.page.is_none()
    }
}

impl Position {
    /// Just behind `last`.
    pub(super) fn at(last: u64) -> Self {
        Self { last, settled: last.saturating_sub(BACK / 4), ..Self::default() }
    }

    /// As far as another has read: what it had not settled is read again.
    pub(super) fn resumed(last: u64, settled: u64) -> Self {
        Self { last, settled: settled.min(last), ..Self::default() }
    }

    /// No row up to this id can still become visible.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Reads the rows behind the position; the position itself is moved by [`Position::moved`], once all went well.
    ///
    /// Costs one request where nothing is new, every two minutes two. Going back by time instead of always by ids
    /// keeps that answer empty. `changed` counts the tickets that changed lately; without it, an empty page is the end.
    pub(super) async fn read(&self, ask: &mut Ask, filter: &str, changed: Option<&str>) -> Result<Fresh, SourceError> {
        let mut fresh = Fresh { rows: Vec::new(), more: false, ids: Vec::new(), probe: self.probe, hidden_to: 0 };
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
        if fresh.ids.is_empty() {
            if let Some(changed) = changed {
                self.look_behind(ask, filter, changed, &mut fresh).await?;
            }
        } else {
            fresh.probe = Probe { asked_at: ask.now, page: None };
        }
        Ok(fresh)
    }

    /// Behind an empty page: now and then asks whether any ticket changed, and if so looks into one page a poll.
    async fn look_behind(
        &self,
        ask: &mut Ask,
        filter: &str,
        changed: &str,
        fresh: &mut Fresh,
    ) -> Result<(), SourceError> {
        if let Some(page) = self.probe.page {
            let records = ask.rows_page(&format!("{FEED}{filter}"), self.settled, page).await?;
            fresh.probe.page = Some(page + 1).filter(|&next| next <= PROBE_PAGES && records.count == 0);
            fresh.more = records.count > 0;
            fresh.hidden_to = records.ids.iter().min().map_or(0, |first| first.saturating_sub(1));
            fresh.ids = records.ids;
            fresh.rows = records.items;
        } else if ask.now - self.probe.asked_at >= PROBE_EVERY {
            let query = [("query", changed), ("per_page", "1")];
            let total = ask.list::<OnlyId>("/tickets", &query).await?.total;
            fresh.probe = Probe { asked_at: ask.now, page: total.filter(|&total| total > 0).map(|_| 2) };
        }
        Ok(())
    }

    /// Rows that were told as part of a ticket's history need not be told again.
    pub(super) fn told(&mut self, ids: impl Iterator<Item = u64>) {
        let settled = self.settled;
        self.seen.extend(ids.filter(|&id| id > settled));
    }

    /// The position after these ids were handled at `now`.
    pub(super) fn moved(&mut self, fresh: &Fresh, now: Timestamp) {
        self.probe = fresh.probe;
        self.settled = self.settled.max(fresh.hidden_to);
        self.advance(&fresh.ids, now);
    }

    fn advance(&mut self, ids: &[u64], now: Timestamp) {
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
        position.advance(&[1003, 1001], at(0));
        assert_eq!((position.last, position.settled), (1003, 900));
        position.advance(&[1003, 1002], at(60));
        assert!(position.seen.contains(&1002), "a late one is known from then on");
        position.advance(&[], at(120));
        assert_eq!((position.last, position.settled), (1003, 1003), "two minutes on, nothing is asked again");
        assert!(position.seen.is_empty());
        position.advance(&[2000], at(121));
        assert_eq!(position.settled, 1600, "a busy desk goes back by ids");
    }
}
