//! The history of conversations that have ended: a page in every other poll, each with all its messages.

use std::time::Duration;

use chrono::TimeDelta;

use super::ask::{Ask, Found};
use super::each::Request;
use super::{Chatwoot, Step};
use crate::event::Timestamp;
use crate::source::SourceError;

/// A page that could not be read is left alone so long.
const RETRY: TimeDelta = TimeDelta::minutes(1);

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    reading: Option<Reading>,
    /// From when on it was told.
    pub told_from: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    begins_at: Timestamp,
    page: u32,
    /// The oldest activity that was read.
    reached: Timestamp,
    due_at: Timestamp,
}

/// When the history that is asked for begins; not before 1970, for the server counts from there.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Timestamp {
    TimeDelta::from_std(backfill).map_or(Timestamp::MIN, |span| now - span).max(Timestamp::from_millis(0))
}

impl Past {
    /// Decides what is to be read: from `begins_at` on, unless it was told in an earlier run.
    pub(super) fn plan(&mut self, told_from: Option<Timestamp>, begins_at: Timestamp, now: Timestamp) {
        self.told_from = told_from;
        let is_told = told_from.is_some_and(|from| from <= begins_at);
        self.reading =
            (!is_told && begins_at < now).then_some(Reading { begins_at, page: 1, reached: now, due_at: now });
    }

    /// Whether there is more to read.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether a page may be read now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.reading.is_some_and(|reading| now >= reading.due_at)
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self, now: Timestamp) -> Option<(String, f32)> {
        let reading = self.reading?;
        let all = (now - reading.begins_at).num_seconds().max(1);
        let read = (now - reading.reached).num_seconds().clamp(0, all);
        Some(("reading history".to_owned(), read as f32 / all as f32))
    }
}

impl Chatwoot {
    /// A page of ended conversations, the last active first, with all their messages.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let Some(mut reading) = self.state.past.reading else {
            return Ok(Step::past(None));
        };
        if let Some(reading) = &mut self.state.past.reading {
            reading.due_at = ask.now + RETRY;
        }
        let page = reading.page.to_string();
        let query = [("status", "resolved"), ("sort_by", "last_activity_at_desc"), ("page", &*page)];
        let (rows, count, _) = ask.page(&query).await?;
        reading.reached = rows.iter().filter_map(|row| row.last_activity_at).fold(reading.reached, Timestamp::min);
        let is_over = count == 0 || reading.reached < reading.begins_at;
        let inboxes = &self.state.inboxes;
        let watched = |inbox: Option<u64>| inboxes.is_empty() || inbox.is_some_and(|inbox| inboxes.contains(&inbox));
        let new = rows.into_iter().filter(|row| {
            row.last_activity_at.is_none_or(|at| at >= reading.begins_at)
                && watched(row.inbox_id)
                && !self.state.has_seen(row.id)
        });
        let new: Vec<_> = new.collect();
        let wanted: Vec<(u64, u64)> = new.iter().map(|row| (row.id, 0)).collect();
        let (mut read, mut failed) = (Vec::new(), Vec::new());
        for (row, found) in new.into_iter().zip(ask.threads(&wanted).await?) {
            match found {
                Found::There(thread) => read.push((row, thread)),
                Found::Gone => {}
                Found::Failed(error) => failed.push((row.id, error)),
            }
        }
        let is_any_well = failed.len() < wanted.len();
        // They are told later, with the news.
        let later = self.set_aside(ask, failed, is_any_well, Request::Messages).await?;
        self.state.lookups.extend(later);
        for (row, thread) in read {
            self.state.recount(&row, &thread, ask.at());
        }
        if is_over {
            self.state.past.told_from = Some(reading.begins_at);
            self.state.past.reading = None;
            self.state.look_up_rated();
        } else {
            self.state.past.reading = Some(Reading { page: reading.page + 1, due_at: ask.now, ..reading });
        }
        let progress = self.state.past.progress(ask.now);
        Ok(Step { more: true, partial: false, history: true, progress })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_planned_once_and_only_where_it_is_missing() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let day = begins_at(now, Duration::from_hours(24));
        assert_eq!(begins_at(now, Duration::MAX), Timestamp::from_millis(0));
        for (told_from, begins_at, is_reading) in [
            (None, day, true),
            (None, now, false),
            (Some(day), day, false),
            (Some(day - TimeDelta::days(1)), day, false),
            (Some(day + TimeDelta::hours(1)), day, true),
        ] {
            let mut past = Past::default();
            past.plan(told_from, begins_at, now);
            assert_eq!((past.is_reading(), past.is_due(now)), (is_reading, is_reading), "{told_from:?}");
        }
    }
}
