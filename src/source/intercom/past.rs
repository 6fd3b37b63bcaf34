//! The history of conversations that have ended: some in every other poll, each with all that happened in it.
//!
//! It is read from now backwards in spans of a few hours. A span that was told whole is remembered, so that a start anew
//! goes on behind it.

use std::collections::HashSet;

use chrono::TimeDelta;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ask::{AT_ONCE, Ask, Found, filter, seconds};
use super::sides::HISTORY;
use super::{Intercom, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::pauses::Pauses;

/// The span of one search.
const SPAN: TimeDelta = TimeDelta::hours(6);
/// A stop is made up for as far back as this, or as the history that is asked for.
const LONGEST: TimeDelta = TimeDelta::days(90);
/// Conversations that a poll reads.
const MOST: usize = 30;

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What is to be read, the latest first.
    spans: Vec<Span>,
    /// How long that was at first.
    all: TimeDelta,
    /// Where the next page of what is searched begins; and whether that was the last.
    after: Option<String>,
    is_listed: bool,
    /// Conversations of the pages that are still to be read.
    todo: Vec<CompactString>,
    /// From when on it was told, but for spans that are still to be read.
    pub told_from: Option<Timestamp>,
    /// Conversations that can't be read.
    pub left: Pauses<CompactString>,
}

/// A part of the past.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Past {
    /// Decides what is to be read: all since an earlier run stopped long ago, what it left out, and what was before it,
    /// from `begins_at` on.
    pub(super) fn plan(
        &mut self,
        (told_from, gaps): (Option<Timestamp>, Vec<Span>),
        stopped_at: Option<Timestamp>,
        begins_at: Timestamp,
        now: Timestamp,
    ) {
        let told_from = told_from.or(stopped_at).unwrap_or(now).min(now);
        let stop = stopped_at.map(|at| Span { from: at.max(begins_at.min(now - LONGEST)), to: now });
        let before = Span { from: begins_at, to: told_from };
        let spans = stop.into_iter().chain(gaps).chain([before]);
        self.spans = spans.filter(|span| span.from < span.to).collect();
        self.all = self.length();
        self.told_from = Some(told_from);
    }

    fn length(&self) -> TimeDelta {
        self.spans.iter().fold(TimeDelta::zero(), |sum, span| sum + (span.to - span.from))
    }

    /// What is still to be read of the time since which all was told but for that.
    pub(super) fn gaps(&self) -> Vec<Span> {
        self.spans.iter().filter(|span| self.told_from.is_none_or(|from| span.to > from)).copied().collect()
    }

    /// What is searched at once.
    fn part(&self) -> Option<Span> {
        let span = self.spans.first()?;
        Some(Span { from: (span.to - SPAN).max(span.from), to: span.to })
    }

    /// Goes on to what was before that part, if all of it was told.
    fn turn(&mut self, part: Span) {
        if !self.todo.is_empty() || !self.is_listed {
            return;
        }
        (self.after, self.is_listed) = (None, false);
        if self.told_from == Some(part.to) {
            self.told_from = Some(part.from);
        }
        if let Some(first) = self.spans.first_mut() {
            first.to = part.from;
        }
        self.spans.retain(|span| span.from < span.to);
    }

    /// Whether there is a part to read now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        !self.spans.is_empty() || self.left.due(now).next().is_some()
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Option<(String, f32)> {
        let all = self.all.num_seconds().max(1);
        let read = (all - self.length().num_seconds()).clamp(0, all);
        (!self.spans.is_empty()).then(|| ("reading history".to_owned(), read as f32 / all as f32))
    }
}

impl Intercom {
    /// Whether a part of the history may be read now.
    pub(super) fn is_past_due(&self, now: Timestamp) -> bool {
        let sides = &self.state.sides;
        self.state.past.is_due(now) && !sides.rests(HISTORY, now)
    }

    /// A part of the history.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if self.state.sides.asks_for(HISTORY, true, ask.now) {
            let got = self.read_past(ask).await;
            if self.state.sides.came(HISTORY, got, &mut ask.skips)?.is_none() {
                // A place in a list may not be good for so long.
                self.state.past.after = None;
            }
        }
        Ok(Step::past(self.state.past.progress()))
    }

    /// A page of what ended in a span, or some of those with all that happened in them.
    async fn read_past(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let again: Vec<CompactString> = self.state.past.left.due(ask.now).take(MOST).cloned().collect();
        if !again.is_empty() {
            return self.recount(ask, &again).await;
        }
        let past = &self.state.past;
        let Some(part) = past.part() else { return Ok(()) };
        if past.todo.is_empty() && !past.is_listed {
            let ended = |operator: &str, at| filter("statistics.last_close_at", operator, seconds(at));
            // Whether an end is part of a span is not said for sure.
            let (from, to) = (part.from - TimeDelta::seconds(1), part.to + TimeDelta::seconds(1));
            let query = json!({"operator": "AND", "value": [ended(">", from), ended("<", to)]});
            let page = match ask.page(&query, past.after.as_deref()).await {
                Err(error @ (SourceError::Forbidden { .. } | SourceError::Unsupported { .. }))
                    if past.after.is_none() =>
                {
                    ask.skip(HISTORY.to_owned(), ".", &error.to_string());
                    self.state.past.spans.clear();
                    return Ok(());
                }
                other => other?,
            };
            let new = page.found.iter().filter(|row| row.is_ended() && !self.state.knows(&row.id));
            let new = new.map(|row| row.id.clone()).collect();
            let past = &mut self.state.past;
            (past.todo, past.is_listed, past.after) = (new, page.next.is_none(), page.next);
        } else {
            let some: Vec<CompactString> = past.todo.iter().take(MOST).cloned().collect();
            self.recount(ask, &some).await?;
        }
        self.state.past.turn(part);
        Ok(())
    }

    /// Tells all that happened in these, as far as they have ended and there is time: each at once, so that a poll that is
    /// given up loses none of it.
    async fn recount(&mut self, ask: &mut Ask, ids: &[CompactString]) -> Result<(), SourceError> {
        let mut strangers = HashSet::new();
        let mut has_read = false;
        for few in ids.chunks(AT_ONCE) {
            let (found, error) = ask.wholes(few, || self.state.witness(ids).filter(|_| !has_read)).await;
            if let Some(error) = error {
                return Err(error);
            }
            has_read |= !found.iter().all(Found::has_failed);
            let read = &few[..found.len()];
            for (id, found) in read.iter().zip(found) {
                match found {
                    Found::Whole(whole) if whole.row.is_ended() => self.state.recount(&whole, &mut strangers),
                    Found::Whole(_) | Found::Gone => {}
                    Found::Failed(error) => {
                        ask.skip_whole(id, &error);
                        self.state.past.left.failed(id.clone(), ask.now);
                        continue;
                    }
                }
                if self.state.past.left.end(id) {
                    ask.is_read_again(id);
                }
            }
            self.state.past.todo.retain(|id| !read.contains(id));
            if ask.enough.is_come() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_planned_once_and_only_where_it_is_missing() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let ago = |hours: i64| now - TimeDelta::hours(hours);
        let day = now - TimeDelta::hours(24);
        let gap = |from, to| Span { from: ago(from), to: ago(to) };
        // Told from, what was left out, stopped at, asked for from, and what is read.
        for (told_from, gaps, stopped_at, begins_at, expected) in [
            (None, vec![], None, day, vec![(24, 0)]),
            (None, vec![], None, now, vec![]),
            (Some(24), vec![], None, day, vec![]),
            (Some(25), vec![], None, day, vec![]),
            (Some(23), vec![], None, day, vec![(24, 23)]),
            // After a long stop, whatever is asked for.
            (Some(80), vec![], Some(72), now, vec![(72, 0)]),
            (None, vec![], Some(72), now, vec![(72, 0)]),
            (Some(20), vec![], Some(8), day, vec![(8, 0), (24, 20)]),
            // And after another one before that was made up for.
            (Some(80), vec![gap(72, 60)], Some(8), day, vec![(8, 0), (72, 60)]),
            (Some(5000), vec![], Some(4000), day, vec![(90 * 24, 0)]),
            (Some(5000), vec![], Some(4000), ago(6000), vec![(4000, 0), (6000, 5000)]),
        ] {
            let mut past = Past::default();
            past.plan((told_from.map(ago), gaps), stopped_at.map(ago), begins_at, now);
            let expected: Vec<Span> = expected.into_iter().map(|(from, to)| gap(from, to)).collect();
            assert_eq!(past.spans, expected, "{told_from:?} {stopped_at:?}");
            assert_eq!(past.is_due(now), !expected.is_empty());
        }
    }

    #[test]
    fn what_was_read_of_it_is_not_read_again() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let ago = |hours: i64| now - TimeDelta::hours(hours);
        let mut past = Past::default();
        past.plan((Some(ago(20)), Vec::new()), Some(ago(8)), ago(24), now);
        let mut seen = Vec::new();
        while let Some(part) = past.part() {
            past.turn(part);
            assert_eq!(past.part(), Some(part), "not before its list is read");
            past.is_listed = true;
            past.turn(part);
            let hours = |at: Timestamp| (now - at).num_hours();
            let gaps: Vec<_> = past.gaps().iter().map(|gap| (hours(gap.from), hours(gap.to))).collect();
            seen.push((past.told_from.map(hours), gaps));
        }
        assert_eq!(seen, [(Some(20), vec![(8, 6)]), (Some(20), vec![]), (Some(24), vec![])]);
        assert!(past.progress().is_none());
    }
}
