//! The history of conversations that have ended: a page in every other poll, each with all its messages.

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;

use super::ask::{Ask, Found, PER_PAGE};
use super::each::Request;
use super::sides::HISTORY;
use super::wire::Row;
use super::{Chatwoot, Step};
use crate::event::Timestamp;
use crate::source::SourceError;

/// What ended while nobody watched is read so far back, where less history is asked for.
const MOST_MISSED: TimeDelta = TimeDelta::days(1);

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    reading: Option<Reading>,
    /// From when on it was told.
    pub told_from: Option<Timestamp>,
    /// From when on it was missed what ended, as long as that is not told.
    pub missed_from: Option<Timestamp>,
}

#[derive(Debug)]
struct Reading {
    begins_at: Timestamp,
    page: u32,
    /// The oldest activity that was read.
    reached: Timestamp,
    /// How many there were at the last page.
    total: Option<u64>,
    /// What is told, or left to the news.
    told: HashSet<u64>,
}

impl Reading {
    fn new(begins_at: Timestamp, now: Timestamp) -> Self {
        Self { begins_at, page: 1, reached: now, total: None, told: HashSet::new() }
    }

    /// Goes on from a page of so many; whether it was the last. Of a list that got shorter, others have moved to pages
    /// that were read: these are read again.
    fn next(&mut self, count: usize, total: Option<u64>) -> bool {
        let before = std::mem::replace(&mut self.total, total);
        let fewer = before.zip(total).map_or(0, |(before, now)| before.saturating_sub(now));
        let back = u32::try_from(fewer.div_ceil(PER_PAGE as u64)).unwrap_or(u32::MAX);
        if back > 0 && self.page > 1 {
            self.page = self.page.saturating_sub(back).max(1);
            return false;
        }
        self.page += 1;
        count == 0 || self.reached < self.begins_at
    }
}

impl Past {
    /// Decides what is to be read: from `begins_at` on, unless it was told in an earlier run, and from `missed_from` on.
    pub(super) fn plan(
        &mut self,
        told_from: Option<Timestamp>,
        missed_from: Option<Timestamp>,
        begins_at: Timestamp,
        now: Timestamp,
    ) {
        self.told_from = told_from;
        let is_told = told_from.is_some_and(|from| from <= begins_at);
        let first = (!is_told && begins_at < now).then(|| Reading::new(begins_at, now));
        self.reading = first;
        if let Some(from) = missed_from {
            self.miss(from.max(begins_at.min(now - MOST_MISSED)), now);
        }
    }

    /// What ended from then on was not seen: it is read, too, from the newest on.
    pub(super) fn miss(&mut self, from: Timestamp, now: Timestamp) {
        self.missed_from = self.missed_from.map_or(Some(from), |before| Some(before.min(from)));
        let begins_at = self.reading.as_ref().map_or(from, |reading| reading.begins_at.min(from));
        self.reading = Some(Reading::new(begins_at, now));
    }

    /// All of it was read.
    fn end(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.told_from = Some(self.told_from.map_or(reading.begins_at, |from| from.min(reading.begins_at)));
            self.missed_from = None;
        }
    }

    /// Whether there is more to read.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self, now: Timestamp) -> Option<(String, f32)> {
        let reading = self.reading.as_ref()?;
        let all = (now - reading.begins_at).num_seconds().max(1);
        let read = (now - reading.reached).num_seconds().clamp(0, all);
        Some(("reading history".to_owned(), read as f32 / all as f32))
    }
}

impl Chatwoot {
    /// Whether a page of history may be read now.
    pub(super) fn is_past_due(&self, now: Timestamp) -> bool {
        self.state.past.is_reading() && !self.state.sides.rests(HISTORY, now)
    }

    /// A page of history. One that fails is asked for again until it comes, for nothing else tells what is on it.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if self.state.past.is_reading() && self.state.sides.may_ask(HISTORY, ask.now) {
            let got = self.read_past(ask).await;
            self.state.sides.came(HISTORY, got, &mut ask.skips)?;
        }
        Ok(Step::past(self.state.past.progress(ask.now)))
    }

    /// A page of ended conversations, the last active first, with all their messages. Of one that takes too long the rest
    /// is read by the next poll.
    async fn read_past(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let Some(reading) = &self.state.past.reading else { return Ok(()) };
        let (page, begins_at) = (reading.page.to_string(), reading.begins_at);
        let query = [("status", "resolved"), ("sort_by", "last_activity_at_desc"), ("page", &*page)];
        let (rows, count, total) = ask.page(&query).await?;
        let Some(reading) = &mut self.state.past.reading else { return Ok(()) };
        reading.reached = rows.iter().filter_map(|row| row.last_activity_at).fold(reading.reached, Timestamp::min);
        let told = reading.told.clone();
        let inboxes = &self.state.inboxes;
        let watched = |inbox: Option<u64>| inboxes.is_empty() || inbox.is_some_and(|inbox| inboxes.contains(&inbox));
        let wanted = rows.into_iter().filter(|row| {
            row.last_activity_at.is_none_or(|at| at >= begins_at) && watched(row.inbox_id) && !told.contains(&row.id)
        });
        let (known, new): (Vec<_>, Vec<_>) = wanted.partition(|row| self.state.has_seen(row.id));
        for row in known {
            self.state.note(row, ask.at(), false);
        }
        let all_read = self.recount(ask, new).await?;
        if let Some(reading) = &mut self.state.past.reading
            && all_read
            && reading.next(count, total)
        {
            self.state.past.end();
            self.state.look_up_rated();
        }
        Ok(())
    }

    /// Tells the whole lives of these, as far as this poll can read them; whether it could all.
    async fn recount(&mut self, ask: &mut Ask, rows: Vec<Row>) -> Result<bool, SourceError> {
        let wanted: Vec<(u64, u64)> = rows.iter().map(|row| (row.id, 0)).collect();
        let mut rows: BTreeMap<u64, Row> = rows.into_iter().map(|row| (row.id, row)).collect();
        let (mut threads, mut failed, mut done) = (ask.threads(&wanted), Vec::new(), Vec::new());
        while let Some((number, found)) = ask.thread(&mut threads).await? {
            let Some(row) = rows.remove(&number) else { continue };
            match found {
                Found::There(thread) => {
                    self.state.recount(&row, thread, ask.at());
                    done.push(number);
                }
                Found::Gone => done.push(number),
                Found::Failed(error) => failed.push((number, error)),
            }
        }
        if let Some(reading) = &mut self.state.past.reading {
            reading.told.extend(done.iter().copied());
        }
        // They are told later, with the news, or by the next run.
        let later = self.set_aside(ask, failed, !done.is_empty(), Request::Messages).await?;
        if let Some(reading) = &mut self.state.past.reading {
            reading.told.extend(later.iter().copied());
        }
        self.state.untold.extend(later.iter().copied());
        self.state.lookups.extend(later);
        Ok(rows.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_planned_once_and_only_where_it_is_missing() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let day = now - TimeDelta::hours(24);
        for (told_from, missed_from, begins_at, reads_from) in [
            (None, None, day, Some(day)),
            (None, None, now, None),
            (Some(day), None, day, None),
            (Some(day - TimeDelta::days(1)), None, day, None),
            (Some(day + TimeDelta::hours(1)), None, day, Some(day)),
            // What was missed, too.
            (Some(day), Some(now - TimeDelta::hours(2)), day, Some(now - TimeDelta::hours(2))),
            (None, Some(now - TimeDelta::hours(2)), day, Some(day)),
            (None, Some(now - TimeDelta::hours(2)), now, Some(now - TimeDelta::hours(2))),
            (None, Some(now - TimeDelta::days(9)), now, Some(now - MOST_MISSED)),
        ] {
            let mut past = Past::default();
            past.plan(told_from, missed_from, begins_at, now);
            assert_eq!(past.is_reading(), reads_from.is_some());
            assert_eq!(past.reading.as_ref().map(|reading| reading.begins_at), reads_from, "{told_from:?}");
            assert_eq!(past.missed_from.is_some(), missed_from.is_some(), "until it is read");
            past.end();
            let all = told_from.into_iter().chain(reads_from).min();
            assert_eq!((past.told_from, past.missed_from), (all, None), "{told_from:?} {missed_from:?}");
        }
    }

    #[test]
    fn a_list_that_gets_shorter_is_read_again_from_where_others_may_have_moved_to() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        for (totals, pages) in [
            (&[Some(60), Some(60), Some(60)][..], &[1, 2, 3][..]),
            (&[Some(60), Some(59), Some(59), Some(59)], &[1, 2, 1, 2]),
            (&[Some(60), Some(60), Some(20)], &[1, 2, 3]),
            (&[Some(90), Some(90), Some(40), Some(40)], &[1, 2, 3, 1]),
            (&[Some(60), Some(61), None, Some(50)], &[1, 2, 3, 4]),
        ] {
            let mut reading = Reading::new(Timestamp::from_millis(0), now);
            for (total, page) in totals.iter().zip(pages) {
                assert_eq!(reading.page, *page, "{totals:?}");
                assert!(!reading.next(25, *total));
            }
            assert!(Reading::new(now, now).next(0, Some(0)), "behind the last page it is over");
        }
    }
}
