//! The history of conversations that have ended: some in every other poll, each with all that happened in it.
//!
//! It is read from now backwards in spans of a few hours. A span that was told whole is remembered, so that a start anew
//! goes on behind it.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use compact_str::CompactString;
use serde_json::json;

use super::ask::{Ask, Found, filter, seconds};
use super::left::Left;
use super::sides::HISTORY;
use super::{Intercom, Step};
use crate::event::Timestamp;
use crate::source::SourceError;

/// The span of one search.
const SPAN: TimeDelta = TimeDelta::hours(6);
/// Conversations that a poll reads.
const MOST: usize = 30;

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    reading: Option<Reading>,
    /// From when on it was told.
    pub told_from: Option<Timestamp>,
    /// Conversations that can't be read.
    pub left: Left,
}

#[derive(Debug, Clone)]
struct Reading {
    begins_at: Timestamp,
    ends_at: Timestamp,
    /// The end of the span that is read.
    to: Timestamp,
    /// Where its next page begins; and whether that was the last.
    after: Option<String>,
    is_listed: bool,
    /// Conversations of the pages that are still to be read.
    todo: Vec<CompactString>,
}

impl Reading {
    fn from(&self) -> Timestamp {
        (self.to - SPAN).max(self.begins_at)
    }
}

/// When the history that is asked for begins; not before 1970, for the server counts from there.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Timestamp {
    TimeDelta::from_std(backfill).map_or(Timestamp::MIN, |span| now - span).max(Timestamp::from_millis(0))
}

impl Past {
    /// Decides what is to be read: from `begins_at` on, but for what was told in an earlier run.
    pub(super) fn plan(&mut self, told_from: Option<Timestamp>, begins_at: Timestamp, now: Timestamp) {
        self.told_from = told_from;
        let to = told_from.unwrap_or(now).min(now);
        self.reading = (begins_at < to).then_some(Reading {
            begins_at,
            ends_at: now,
            to,
            after: None,
            is_listed: false,
            todo: Vec::new(),
        });
    }

    /// Whether there is a part to read now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.reading.is_some() || self.left.due(now).next().is_some()
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Option<(String, f32)> {
        let reading = self.reading.as_ref()?;
        let all = (reading.ends_at - reading.begins_at).num_seconds().max(1);
        let read = (reading.ends_at - reading.to).num_seconds().clamp(0, all);
        Some(("reading history".to_owned(), read as f32 / all as f32))
    }
}

impl Intercom {
    /// Whether a part of the history may be read now.
    pub(super) fn is_past_due(&self, now: Timestamp) -> bool {
        let sides = &self.state.sides;
        self.state.past.is_due(now) && (!sides.holds(HISTORY) || sides.is_due(HISTORY, now))
    }

    /// A part of the history.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if self.asks_for(HISTORY, true, ask.now) {
            let got = self.read_past(ask).await;
            if self.came(ask, HISTORY, got)?.is_none()
                && let Some(reading) = &mut self.state.past.reading
            {
                // A place in a list may not be good for so long.
                reading.after = None;
            }
        }
        Ok(Step::past(self.state.past.progress()))
    }

    /// A page of what ended in a span, or some of those with all that happened in them.
    async fn read_past(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let again: Vec<CompactString> = self.state.past.left.due(ask.now).take(MOST).cloned().collect();
        if !again.is_empty() {
            return self.recount(ask, &again).await.map(drop);
        }
        let Some(mut reading) = self.state.past.reading.clone() else { return Ok(()) };
        if reading.todo.is_empty() && !reading.is_listed {
            let ended = |operator: &str, at| filter("statistics.last_close_at", operator, seconds(at));
            // Whether an end is part of a span is not said for sure.
            let (from, to) = (reading.from() - TimeDelta::seconds(1), reading.to + TimeDelta::seconds(1));
            let query = json!({"operator": "AND", "value": [ended(">", from), ended("<", to)]});
            let page = match ask.page(&query, reading.after.as_deref()).await {
                Ok(page) => page,
                Err(error @ (SourceError::Forbidden { .. } | SourceError::Unsupported { .. }))
                    if reading.after.is_none() =>
                {
                    ask.skip(HISTORY.to_owned(), ".", &error.to_string());
                    self.state.past.reading = None;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let new = page.found.iter().filter(|row| row.is_ended() && !self.state.knows(&row.id));
            reading.todo = new.map(|row| row.id.clone()).collect();
            reading.is_listed = page.next.is_none();
            reading.after = page.next;
        } else {
            let some: Vec<CompactString> = reading.todo.iter().take(MOST).cloned().collect();
            let read = self.recount(ask, &some).await?;
            reading.todo.drain(..read);
        }
        let past = &mut self.state.past;
        if reading.todo.is_empty() && reading.is_listed {
            let from = reading.from();
            past.told_from = Some(from);
            reading = Reading { to: from, after: None, is_listed: false, ..reading };
        }
        past.reading = (reading.to > reading.begins_at).then_some(reading);
        Ok(())
    }

    /// Tells all that happened in the first of these, as far as they have ended; how many it were.
    async fn recount(&mut self, ask: &mut Ask, ids: &[CompactString]) -> Result<usize, SourceError> {
        let (found, error) = ask.wholes(ids, || self.state.witness(ids)).await;
        if let Some(error) = error {
            return Err(error);
        }
        let mut strangers = HashSet::new();
        let read = found.len();
        for (id, found) in ids.iter().zip(found) {
            match found {
                Found::Whole(whole) if whole.row.is_ended() => self.state.recount(&whole, &mut strangers),
                Found::Whole(_) | Found::Gone => {}
                Found::Failed(error) => {
                    ask.skip_whole(id, &error);
                    self.state.past.left.failed(id, ask.now);
                    continue;
                }
            }
            if self.state.past.left.read(id) {
                ask.is_read_again(id);
            }
        }
        Ok(read)
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
        let hour = TimeDelta::hours(1);
        for (told_from, begins_at, reads_to) in [
            (None, day, Some(now)),
            (None, now, None),
            (Some(day), day, None),
            (Some(day - hour), day, None),
            (Some(day + hour), day, Some(day + hour)),
        ] {
            let mut past = Past::default();
            past.plan(told_from, begins_at, now);
            assert_eq!(past.reading.as_ref().map(|reading| reading.to), reads_to, "{told_from:?}");
            assert_eq!(past.is_due(now), reads_to.is_some());
        }
    }
}
