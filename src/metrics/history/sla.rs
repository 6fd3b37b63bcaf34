//! Targets set by the help desk itself: met at the answer, missed at due.

use super::tally::{Tally, sum_shares};
use super::value::Value;
use crate::event::{SlaMetric, Timestamp};
use crate::metrics::stats::ShareFigure;

/// The targets of one conversation; each `sla` event sets one.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// When each first response is due; which reply answers them all, the fold of the desk knows.
    first_dues: Vec<Timestamp>,
    last_first_due: Option<Timestamp>,
    /// The others that nobody has met or missed yet.
    open: Vec<Target>,
    soonest: Option<Timestamp>,
}

/// What it is about, and when it is missed.
type Target = (SlaMetric, Timestamp);

impl Targets {
    /// Whether none can be met or missed any more, given that a first response has come or never will.
    pub fn is_over(&self, has_response: bool, until: Timestamp) -> bool {
        self.open.is_empty() && (has_response || self.last_first_due.is_none_or(|due| due < until))
    }

    pub fn set(&mut self, metric: SlaMetric, due: Timestamp) {
        if metric == SlaMetric::FirstResponse {
            self.first_dues.push(due);
            self.last_first_due = self.last_first_due.max(Some(due));
            return;
        }
        self.open.push((metric, due));
        self.soonest = Some(self.soonest.map_or(due, |soonest| soonest.min(due)));
    }

    /// When each first response is, or was, due.
    pub fn first_dues(&self) -> &[Timestamp] {
        &self.first_dues
    }

    /// Takes away those of a kind, which are met.
    pub fn meet(&mut self, metric: SlaMetric) -> usize {
        self.take(|one, _| one == metric).len()
    }

    /// Takes away those due before an instant.
    pub fn take_due(&mut self, before: Timestamp) -> Vec<Target> {
        if self.soonest.is_none_or(|soonest| soonest >= before) { Vec::new() } else { self.take(|_, due| due < before) }
    }

    fn take(&mut self, is_meant: impl Fn(SlaMetric, Timestamp) -> bool) -> Vec<Target> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let (taken, left) = self.open.drain(..).partition(|(metric, due)| is_meant(*metric, *due));
        self.open = left;
        self.soonest = self.open.iter().map(|(_, due)| *due).min();
        taken
    }
}

/// Targets met, by metric.
#[derive(Debug, Clone, Default)]
pub(super) struct Sla {
    met: [ShareFigure; 3],
}

impl Sla {
    pub fn add(&mut self, metric: SlaMetric, met: bool) {
        self.met[metric as usize].add(met);
    }

    pub fn merge(&mut self, other: &Self) {
        self.met.iter_mut().zip(&other.met).for_each(|(one, other)| sum_shares(one, *other));
    }
}

pub(super) fn sla_met(tally: &Tally) -> Value {
    let metrics = [SlaMetric::FirstResponse, SlaMetric::NextResponse, SlaMetric::Resolution];
    Value::Shares(metrics.into_iter().map(|metric| (metric.into(), tally.sla.met[metric as usize])).collect())
}
