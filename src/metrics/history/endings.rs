//! How conversations end: by whom, after how long, and how well.

use super::moment::Resolution;
use super::tally::{Tally, durations, sum_shares};
use super::value::Value;
use crate::metrics::stats::ShareFigure;

/// A resolution time up to this counts as within 24 hours.
const DAY_MILLIS: i64 = 86_400_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Endings {
    pub closed: u64,
    pub handling: Vec<i64>,
    pub reassigned: u64,
    resolution: Vec<i64>,
    interaction: Vec<i64>,
    replies: Vec<i64>,
    within_24h: ShareFigure,
    one_touch: ShareFigure,
    fcr: ShareFigure,
    reopened: ShareFigure,
    abandoned: ShareFigure,
    automated: ShareFigure,
}

impl Endings {
    /// Counts a resolved conversation.
    pub fn resolve(&mut self, one: &Resolution) {
        self.resolution.push(one.millis);
        self.interaction.extend(one.interaction);
        // Three decimals, as durations have.
        self.replies.push(one.replies as i64 * 1000);
        self.within_24h.add(one.millis <= DAY_MILLIS);
        self.one_touch.add(one.replies == 1);
        self.reopened.add(one.reopened);
        self.automated.add(one.automated);
        one.first_contact.into_iter().for_each(|is_so| self.fcr.add(is_so));
        one.abandoned.into_iter().for_each(|is_so| self.abandoned.add(is_so));
    }

    pub fn resolved(&self) -> u64 {
        self.resolution.len() as u64
    }

    pub fn merge(&mut self, other: Self) {
        self.closed += other.closed;
        self.reassigned += other.reassigned;
        self.handling.extend(other.handling);
        self.resolution.extend(other.resolution);
        self.interaction.extend(other.interaction);
        self.replies.extend(other.replies);
        for (one, other) in [
            (&mut self.within_24h, other.within_24h),
            (&mut self.one_touch, other.one_touch),
            (&mut self.fcr, other.fcr),
            (&mut self.reopened, other.reopened),
            (&mut self.abandoned, other.abandoned),
            (&mut self.automated, other.automated),
        ] {
            sum_shares(one, other);
        }
    }
}

pub(super) fn closed(tally: &Tally) -> Value {
    Value::Count(tally.endings.closed)
}

pub(super) fn handling_time(tally: &Tally) -> Value {
    durations(&tally.endings.handling)
}

pub(super) fn resolved(tally: &Tally) -> Value {
    Value::Count(tally.endings.resolved())
}

pub(super) fn resolution_time(tally: &Tally) -> Value {
    durations(&tally.endings.resolution)
}

pub(super) fn interaction_time(tally: &Tally) -> Value {
    durations(&tally.endings.interaction)
}

pub(super) fn within_24h(tally: &Tally) -> Value {
    Value::Share(tally.endings.within_24h)
}

pub(super) fn one_touch(tally: &Tally) -> Value {
    Value::Share(tally.endings.one_touch)
}

pub(super) fn fcr(tally: &Tally) -> Value {
    Value::Share(tally.endings.fcr)
}

pub(super) fn reopened(tally: &Tally) -> Value {
    Value::Share(tally.endings.reopened)
}

pub(super) fn replies_to_resolve(tally: &Tally) -> Value {
    durations(&tally.endings.replies)
}

pub(super) fn reassigned(tally: &Tally) -> Value {
    Value::Count(tally.endings.reassigned)
}

pub(super) fn abandoned(tally: &Tally) -> Value {
    Value::Share(tally.endings.abandoned)
}

pub(super) fn automated(tally: &Tally) -> Value {
    Value::Share(tally.endings.automated)
}
