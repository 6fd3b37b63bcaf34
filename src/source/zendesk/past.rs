//! How far the history was read: pure, and carried by the cursor over a restart.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::event::Timestamp;
use crate::source::pauses::Tries;

/// Less than that is not missing.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Tries of a page after which what can't be read of it is passed over.
const TRIES: u32 = 3;

/// How far the history was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// Everything that ended since then is told.
    #[serde(default)]
    complete_since: Option<Timestamp>,
    /// What is being read.
    #[serde(default)]
    pub reading: Option<Reading>,
}

/// A reading of what happened in a span, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Reading {
    pub from: Timestamp,
    /// What happened since then is told.
    pub to: Timestamp,
    /// Where the export goes on, in seconds since 1970.
    pub position: i64,
    #[serde(skip)]
    pub tries: Tries,
}

impl Past {
    /// Decides what is to be read so that everything since `from` is told, where what happens since `to` is told anyway;
    /// goes on with what was begun.
    pub(super) fn plan(&mut self, from: Option<Timestamp>, to: Timestamp) {
        let Some(from) = from else {
            self.reading = None;
            return;
        };
        if let Some(reading) = &self.reading
            && reading.from <= from + HOUR
        {
            return;
        }
        let to = match (&self.reading, self.complete_since) {
            (Some(reading), _) => reading.to,
            (None, Some(since)) => since,
            (None, None) => to,
        };
        self.reading =
            (from + HOUR <= to || self.complete_since.is_none() && from < to).then(|| Reading::new(from, to));
        if self.reading.is_none() && self.complete_since.is_none() {
            self.complete_since = Some(to);
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
    fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, position: from.millis().div_euclid(1000), tries: Tries::default() }
    }

    /// Which part of all was read.
    pub(super) fn part(&self) -> f32 {
        let (from, to) = (self.from.millis() / 1000, self.to.millis() / 1000);
        let part = (self.position - from) as f64 / (to - from).max(1) as f64;
        part.clamp(0.0, 1.0) as f32
    }

    /// The page was tried before: what still can't be read of it would hold up all that is behind it.
    pub(super) fn passes_over(&self) -> bool {
        self.tries.times() > TRIES
    }

    /// A page was told; whether that was the last one: the export has come to the end of the span, or moves no more.
    pub(super) fn told(&mut self, end_time: Option<i64>, is_end: bool) -> bool {
        self.tries.end();
        let before = self.position;
        self.position = end_time.unwrap_or(before).max(before);
        is_end || self.position == before || self.position * 1000 >= self.to.millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_millis(0) + TimeDelta::days(day)
    }

    fn reading(past: &Past) -> Option<(Timestamp, Timestamp)> {
        past.reading.as_ref().map(|reading| (reading.from, reading.to))
    }

    #[test]
    fn what_was_begun_goes_on_and_what_was_read_is_not_read_again() {
        let mut past = Past::default();
        past.plan(Some(day(70)), day(100));
        assert_eq!(reading(&past), Some((day(70), day(100))));
        assert!(!past.reading.as_mut().unwrap().told(Some(day(80).millis() / 1000), false));
        past = serde_json::from_value(serde_json::to_value(&past).unwrap()).unwrap();
        past.plan(Some(day(72)), day(102));
        let position = past.reading.as_ref().unwrap().position;
        assert_eq!((reading(&past), position), (Some((day(70), day(100))), day(80).millis() / 1000));
        past.complete();
        past.plan(Some(day(72)), day(102));
        assert_eq!(past.reading, None);
        past.plan(Some(day(60)), day(102));
        assert_eq!(reading(&past), Some((day(60), day(70))), "only what is missing");
        past.plan(Some(day(50)), day(102));
        assert_eq!(reading(&past), Some((day(50), day(70))), "still more is asked for");
        past.plan(None, day(102));
        assert_eq!(past.reading, None);
    }

    #[test]
    fn less_than_an_hour_is_not_missing() {
        let mut past = Past { complete_since: Some(day(10)), reading: None };
        past.plan(Some(day(10) - TimeDelta::minutes(59)), day(20));
        assert_eq!(past.reading, None);
        past.plan(Some(day(10) - TimeDelta::minutes(61)), day(20));
        assert!(past.reading.is_some());
        let mut none = Past::default();
        none.plan(Some(day(10)), day(10));
        assert_eq!(none, Past { complete_since: Some(day(10)), reading: None }, "there is nothing before it begins");
    }

    #[test]
    fn it_ends_with_the_span_or_the_export_or_where_nothing_moves() {
        let seconds = |at: Timestamp| Some(at.millis() / 1000);
        for (end_time, is_end, last) in [
            (seconds(day(5)), false, false),
            (seconds(day(10)), false, true),
            (seconds(day(5)), true, true),
            (None, false, true),
            (seconds(day(-5)), false, true),
        ] {
            assert_eq!(Reading::new(day(0), day(10)).told(end_time, is_end), last, "{end_time:?}");
        }
        let mut one = Reading::new(day(0), day(10));
        one.told(seconds(day(5)), false);
        assert!((one.part() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn after_three_tries_what_can_not_be_read_is_passed_over() {
        let mut one = Reading::new(day(0), day(10));
        for nth in 1..=5 {
            one.tries.begin(day(9));
            assert_eq!(one.passes_over(), nth > 3, "{nth}");
        }
        one.told(None, false);
        assert!(one.tries.is_due(day(9)) && !one.passes_over());
    }
}
