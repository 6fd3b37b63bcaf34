//! Conversations whose own requests failed: each is left alone for a pause that grows, then tried again.

use std::collections::HashMap;

use chrono::TimeDelta;

use crate::event::Timestamp;

/// The first pause; each is twice as long as the one before.
const FIRST: TimeDelta = TimeDelta::minutes(1);
/// The longest.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// What failed, by number.
#[derive(Debug, Default)]
pub(super) struct Failing(HashMap<u64, Failure>);

#[derive(Debug, Clone, Copy)]
struct Failure {
    pause: TimeDelta,
    due_at: Timestamp,
}

impl Failing {
    /// It failed, or failed again.
    pub(super) fn failed(&mut self, number: u64, now: Timestamp) {
        let pause = self.0.get(&number).map_or(FIRST, |before| (before.pause * 2).min(LONGEST));
        self.0.insert(number, Failure { pause, due_at: now + pause });
    }

    /// It was answered.
    pub(super) fn answered(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// Whether it failed, and was not answered since.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// Whether it is left alone now.
    pub(super) fn rests(&self, number: u64, now: Timestamp) -> bool {
        self.0.get(&number).is_some_and(|failure| now < failure.due_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_longer_up_to_an_hour_and_an_answer_ends_it() {
        let mut failing = Failing::default();
        let mut now = Timestamp::from_millis(1_795_000_000_000);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            failing.failed(7, now);
            let due_at = now + TimeDelta::minutes(minutes);
            assert!(failing.rests(7, due_at - TimeDelta::milliseconds(1)) && !failing.rests(7, due_at), "{minutes}");
            now = due_at;
        }
        assert!(failing.holds(7) && !failing.rests(8, now));
        failing.answered(7);
        failing.failed(7, now);
        assert!(!failing.rests(7, now + FIRST), "it begins anew");
    }
}
