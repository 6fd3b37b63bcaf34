//! How fast customers are answered.

use super::tally::{Tally, durations};
use super::value::Value;

/// Lengths of time in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Replies {
    pub first: Vec<i64>,
    pub all: Vec<i64>,
    pub assigned: Vec<i64>,
}

impl Replies {
    pub fn merge(&mut self, other: Self) {
        self.first.extend(other.first);
        self.all.extend(other.all);
        self.assigned.extend(other.assigned);
    }
}

pub(super) fn first_response_time(tally: &Tally) -> Value {
    durations(&tally.replies.first)
}

pub(super) fn response_time(tally: &Tally) -> Value {
    durations(&tally.replies.all)
}

pub(super) fn first_assign_time(tally: &Tally) -> Value {
    durations(&tally.replies.assigned)
}
