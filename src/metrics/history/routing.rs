//! What the routing bot did, and which macros were used.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::{Tally, durations};
use super::value::Value;

#[derive(Debug, Clone, Default)]
pub(super) struct Routing {
    pub routed: u64,
    pub handled: u64,
    pub redirected: u64,
    pub reroute: Vec<i64>,
    macros: BTreeMap<Arc<str>, u64>,
}

impl Routing {
    /// Counts a macro.
    pub fn used(&mut self, name: &Arc<str>) {
        if let Some(count) = self.macros.get_mut(name) {
            *count += 1;
        } else {
            self.macros.insert(name.clone(), 1);
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.routed += other.routed;
        self.handled += other.handled;
        self.redirected += other.redirected;
        self.reroute.extend(other.reroute);
        for (name, count) in other.macros {
            *self.macros.entry(name).or_default() += count;
        }
    }
}

pub(super) fn routed(tally: &Tally) -> Value {
    Value::Count(tally.routing.routed)
}

pub(super) fn routed_handled(tally: &Tally) -> Value {
    Value::Count(tally.routing.handled)
}

pub(super) fn redirected(tally: &Tally) -> Value {
    Value::Count(tally.routing.redirected)
}

pub(super) fn reroute_time(tally: &Tally) -> Value {
    durations(&tally.routing.reroute)
}

pub(super) fn macros(tally: &Tally) -> Value {
    Value::Counts(tally.routing.macros.clone())
}
