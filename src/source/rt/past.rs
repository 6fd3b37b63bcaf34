//! How far the history of ended tickets was read: pure, and carried by the cursor over a restart.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::ask::{Rounded, ago};
use crate::event::Timestamp;
use crate::source::pauses::Tries;

/// Less than that is not missing.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// How far the history of ended tickets was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// The queues that this is about.
    queues: Vec<u64>,
    /// Every ended ticket that has changed since then is told; what happens from now on is in the log.
    #[serde(default)]
    complete_since: Option<Timestamp>,
    /// What is being read.
    #[serde(default)]
    pub(super) reading: Option<Reading>,
}

/// A reading of ended tickets, by number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reading {
    /// Those that have changed since then,
    from: Timestamp,
    /// but not since then: they are told.
    #[serde(default)]
    to: Option<Timestamp>,
    /// The last one that was told.
    pub(super) after: u64,
    /// How many so far.
    read: usize,
    /// Which part of all that is.
    part: f64,
    /// Those of the next page.
    #[serde(skip)]
    pub(super) tries: Tries,
}

impl Past {
    /// Decides what is to be read of these queues so that everything since `from` is told; goes on with what was begun.
    pub(super) fn plan(&mut self, queues: &[u64], from: Option<Timestamp>) {
        let Some(from) = from else {
            self.reading = None;
            return;
        };
        if queues.iter().any(|queue| !self.queues.contains(queue)) {
            *self = Self::default();
        }
        self.queues = queues.to_vec();
        if let Some(reading) = &mut self.reading {
            // Time has passed, or less is asked for than was.
            reading.from = reading.from.max(from);
            if reading.to.is_none_or(|to| reading.from < to) {
                return;
            }
            self.reading = None;
        }
        match self.complete_since {
            None => self.reading = Some(Reading::new(from, None)),
            Some(since) if from + HOUR < since => self.reading = Some(Reading::new(from, Some(since))),
            Some(_) => {}
        }
    }

    /// All of it was read.
    pub(super) fn complete(&mut self) {
        if let Some(reading) = self.reading.take() {
            self.complete_since = Some(reading.from);
        }
    }
}

impl Reading {
    fn new(from: Timestamp, to: Option<Timestamp>) -> Self {
        Self { from, to, after: 0, read: 0, part: 0.0, tries: Tries::default() }
    }

    /// The condition that its tickets meet.
    pub(super) fn condition(&self, now: Timestamp) -> String {
        let since = ago(now - self.from, Rounded::Away);
        let until = self.to.map(|to| format!(" AND LastUpdated < {}", ago(now - to, Rounded::Towards)));
        format!("Status='__Inactive__' AND LastUpdated > {since}{}", until.unwrap_or_default())
    }

    /// Which part of all was read.
    pub(super) fn part(&self) -> f32 {
        self.part as f32
    }

    /// A page was told, up to the ticket `after`; so many are left. What was read never becomes less.
    pub(super) fn told(&mut self, after: u64, count: usize, left: usize) {
        self.after = after;
        self.read += count;
        let part = self.read as f64 / (self.read + left).max(1) as f64;
        self.part = self.part.max((part * 1000.0).floor() / 1000.0);
        self.tries.end();
    }
}

/// When the history that the config asks for begins; nothing where it asks for none.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Option<Timestamp> {
    let span = TimeDelta::from_std(backfill).ok().filter(|span| !span.is_zero())?;
    Some(now - span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_millis(0) + TimeDelta::days(day)
    }

    fn reading(past: &Past) -> Option<(Timestamp, Option<Timestamp>, u64)> {
        past.reading.as_ref().map(|reading| (reading.from, reading.to, reading.after))
    }

    #[test]
    fn what_was_begun_goes_on_and_what_was_read_is_not_read_again() {
        let mut past = Past::default();
        past.plan(&[3, 4], Some(day(70)));
        assert_eq!(reading(&past), Some((day(70), None, 0)));
        past.reading.as_mut().unwrap().told(500, 100, 100);
        past.plan(&[3, 4], Some(day(72)));
        assert_eq!(reading(&past), Some((day(72), None, 500)), "two days later less is asked for");
        past.plan(&[3, 4], Some(day(60)));
        assert_eq!(reading(&past), Some((day(72), None, 500)), "and what is asked for beyond comes after it");
        past.complete();
        past.plan(&[3, 4], Some(day(60)));
        assert_eq!(reading(&past), Some((day(60), Some(day(72)), 0)), "only what is missing");
        past.complete();
        past.plan(&[4], Some(day(80)));
        assert_eq!(reading(&past), None, "it is told already, and some of it is not asked for");
        past.plan(&[3, 4], Some(day(80)));
        assert_eq!(reading(&past), Some((day(80), None, 0)), "of a queue that is new nothing is known");
        past.plan(&[3, 4], None);
        assert_eq!(past.reading, None);
    }

    #[test]
    fn a_longer_history_that_is_no_more_missing_is_not_read() {
        let mut past = Past { queues: vec![3], complete_since: Some(day(90)), reading: None };
        past.plan(&[3], Some(day(80)));
        past.plan(&[3], Some(day(95)));
        assert_eq!(past, Past { queues: vec![3], complete_since: Some(day(90)), reading: None });
        past.plan(&[3], Some(day(90) - TimeDelta::minutes(59)));
        assert_eq!(past.reading, None, "less than an hour is not missing");
    }

    #[test]
    fn the_condition_covers_its_span_at_any_later_moment() {
        let mut one = Reading::new(day(10), Some(day(20)));
        let condition = |one: &Reading, minutes: i64| one.condition(day(30) + TimeDelta::minutes(minutes));
        let expected = "Status='__Inactive__' AND LastUpdated > '480 hours ago' AND LastUpdated < '240 hours ago'";
        assert_eq!(condition(&one, 0), expected);
        assert_eq!(condition(&one, 1), expected.replace("480", "481"), "a little more rather than a little less");
        one.to = None;
        assert_eq!(condition(&one, 50 * 24 * 60), "Status='__Inactive__' AND LastUpdated > '70 days ago'");
    }

    #[test]
    fn progress_never_goes_back_and_survives_a_restart() {
        let mut one = Reading::new(day(0), None);
        let mut parts = Vec::new();
        for (count, left) in [(100, 100), (1, 300), (100, 99), (98, 1), (1, 0)] {
            one = serde_json::from_value(serde_json::to_value(&one).unwrap()).unwrap();
            one.told(one.after + 100, count, left);
            parts.push(one.part());
        }
        assert_eq!(parts, [0.5, 0.5, 0.67, 0.996, 1.0]);
    }

    #[test]
    fn a_page_that_was_told_is_followed_by_the_next_at_once() {
        let mut one = Reading::new(day(0), None);
        one.tries.begin(day(9));
        assert!(!one.tries.is_due(day(9)));
        one.told(1, 1, 1);
        assert!(one.tries.is_due(day(9)));
    }
}
