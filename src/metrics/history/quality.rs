//! What customers and readers say.

use super::tally::{Tally, sum_shares};
use super::value::Value;
use crate::metrics::stats::ShareFigure;

#[derive(Debug, Clone, Default)]
pub(super) struct Quality {
    pub csat: ShareFigure,
    pub self_service: ShareFigure,
    asked: u64,
    promoters: u64,
    detractors: u64,
}

impl Quality {
    /// Counts an answer from 0 to 10.
    pub fn recommend(&mut self, score: f64) {
        self.asked += 1;
        self.promoters += u64::from(score >= 9.0);
        self.detractors += u64::from(score <= 6.0);
    }

    pub fn merge(&mut self, other: &Self) {
        sum_shares(&mut self.csat, other.csat);
        sum_shares(&mut self.self_service, other.self_service);
        self.asked += other.asked;
        self.promoters += other.promoters;
        self.detractors += other.detractors;
    }
}

pub(super) fn csat(tally: &Tally) -> Value {
    Value::Share(tally.quality.csat)
}

pub(super) fn nps(tally: &Tally) -> Value {
    let Quality { asked: n, promoters, detractors, .. } = tally.quality;
    let score = (n > 0).then(|| 100.0 * (promoters as f64 - detractors as f64) / n as f64);
    Value::Score { n, score }
}

pub(super) fn self_service(tally: &Tally) -> Value {
    Value::Share(tally.quality.self_service)
}
