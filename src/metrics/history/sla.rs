//! Targets set by the help desk itself: met at the answer, missed at due.

use super::tally::{Tally, sum_shares};
use super::value::Value;
use crate::event::{SlaMetric, Timestamp};
use crate::metrics::stats::ShareFigure;

/// Targets that nobody has met or missed yet; each `sla` event sets one.
#[derive(Debug, Default)]
pub(super) struct Targets {
    open: Vec<Target>,
    soonest: Option<Timestamp>,
}

/// What it is about, and when it is missed.
type Target = (SlaMetric, Timestamp);

impl Targets {
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub fn set(&mut self, metric: SlaMetric, due: Timestamp) {
        self.open.push((metric, due));
        self.soonest = Some(self.soonest.map_or(due, |soonest| soonest.min(due)));
    }

    /// Takes those away that are meant.
    pub fn take(&mut self, is_meant: impl Fn(SlaMetric, Timestamp) -> bool) -> Vec<Target> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let (taken, left) = self.open.drain(..).partition(|(metric, due)| is_meant(*metric, *due));
        self.open = left;
        self.soonest = self.open.iter().map(|(_, due)| *due).min();
        taken
    }

    /// Takes those away that are due before an instant.
    pub fn take_due(&mut self, before: Timestamp) -> Vec<Target> {
        if self.soonest.is_none_or(|soonest| soonest >= before) { Vec::new() } else { self.take(|_, due| due < before) }
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
