//! How much there is: new conversations, backlog, conversations worked on.

use super::tally::Tally;
use super::value::Value;

#[derive(Debug, Clone, Default)]
pub(super) struct Volume {
    pub new: u64,
    pub new_before: u64,
    pub backlog: u64,
    pub worked: u64,
}

impl Volume {
    pub fn merge(&mut self, other: &Self) {
        self.new += other.new;
        self.new_before += other.new_before;
        self.backlog += other.backlog;
        self.worked += other.worked;
    }
}

pub(super) fn new(tally: &Tally) -> Value {
    Value::Count(tally.volume.new)
}

pub(super) fn new_change(tally: &Tally) -> Value {
    let (now, before) = (tally.volume.new as f64, tally.volume.new_before as f64);
    Value::Number((tally.volume.new_before > 0).then(|| (now - before) / before))
}

pub(super) fn backlog(tally: &Tally) -> Value {
    Value::Count(tally.volume.backlog)
}

pub(super) fn worked(tally: &Tally) -> Value {
    Value::Count(tally.volume.worked)
}
