//! What a key may read is found out by reading: what is refused is left alone for a while, and the rest goes on.

use std::collections::VecDeque;

use chrono::TimeDelta;

use crate::event::Timestamp;
use crate::source::SourceError;

/// How long what is refused is left alone: a right may be given.
const REFUSED: TimeDelta = TimeDelta::hours(1);
/// How long what failed is left alone, where it is not said.
const FAILED: TimeDelta = TimeDelta::minutes(1);
/// The window of the limit of incremental exports.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Whether something that not every key may read, or not every account has, is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    again_at: Option<Timestamp>,
    refused: bool,
    is_known: bool,
    /// It failed at the last try, though it is not refused.
    is_failing: bool,
}

impl Access {
    /// Whether it may be asked for now.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.again_at.is_none_or(|at| now >= at)
    }

    /// Whether it was given at the last try.
    pub(super) fn is_given(&self) -> bool {
        self.is_known && !self.refused
    }

    /// It was given.
    pub(super) fn given(&mut self) {
        *self = Self { again_at: None, refused: false, is_known: true, ..Self::default() };
    }

    /// It was not given: only wrong credentials are an error of the whole. Whether this is worth a line: the first of
    /// several failures in a row is, but not where the key may simply not read it.
    pub(super) fn failed(&mut self, error: SourceError, now: Timestamp) -> Result<Option<SourceError>, SourceError> {
        let until = match &error {
            SourceError::Auth { .. } => return Err(error),
            SourceError::Forbidden { .. } | SourceError::Unsupported { .. } => {
                self.refused = true;
                self.is_known = true;
                self.again_at = Some(now + REFUSED);
                self.is_failing = false;
                return Ok(None);
            }
            SourceError::RateLimited { until, .. } | SourceError::Transient { until, .. } => *until,
            SourceError::Schema { .. } => None,
        };
        self.again_at = Some(until.unwrap_or(now + FAILED));
        let is_first = !std::mem::replace(&mut self.is_failing, true);
        Ok(is_first.then_some(error))
    }
}

/// The requests to the incremental exports, which share a limit that no header tells reliably.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    sent: VecDeque<Timestamp>,
}

impl Bucket {
    /// Whether another may be sent when at most so many are within a minute.
    pub(super) fn allows(&mut self, most: usize, now: Timestamp) -> bool {
        while self.sent.front().is_some_and(|&at| now - at >= WINDOW || at > now) {
            self.sent.pop_front();
        }
        self.sent.len() < most
    }

    /// One is sent.
    pub(super) fn send(&mut self, now: Timestamp) {
        self.sent.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    #[test]
    fn the_exports_are_counted_over_a_minute() {
        let mut bucket = Bucket::default();
        for second in 0..5 {
            assert!(bucket.allows(5, at(second)));
            bucket.send(at(second));
        }
        assert!(!bucket.allows(5, at(59)));
        assert!(bucket.allows(6, at(59)), "who is served first has one more");
        assert!(bucket.allows(5, at(60)));
        assert!(bucket.allows(5, at(-3600)), "a clock that was set back does not lock it");
    }

    #[test]
    fn what_is_refused_is_left_alone_and_what_fails_is_said() {
        let (place, what) = (String::from("p"), String::from("w"));
        let mut access = Access::default();
        assert!(access.is_open(at(0)) && !access.is_given());
        access.given();
        assert!(access.is_given());
        let refused = SourceError::Forbidden { place: place.clone(), what: what.clone() };
        assert_eq!(access.failed(refused, at(0)), Ok(None));
        assert!(!access.is_given() && !access.is_open(at(3599)) && access.is_open(at(3600)));
        access.given();
        let throttled = SourceError::RateLimited { place: place.clone(), until: Some(at(7)) };
        assert_eq!(access.failed(throttled.clone(), at(0)), Ok(Some(throttled)));
        assert!(access.is_given() && !access.is_open(at(6)) && access.is_open(at(7)), "it is given, only not now");
        let schema = SourceError::Schema { place: place.clone(), path: "x".into(), what: what.clone() };
        assert!(access.failed(schema.clone(), at(9)).unwrap().is_none(), "it is said once");
        access.given();
        assert!(access.is_given());
        assert!(access.failed(schema, at(0)).unwrap().is_some() && !access.is_open(at(59)));
        let wrong = SourceError::Auth { place, what };
        assert_eq!(access.failed(wrong.clone(), at(0)), Err(wrong));
    }
}
