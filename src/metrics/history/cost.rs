//! Time online, and what it costs.

use std::collections::HashMap;

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use super::period::Period;
use super::tally::Tally;
use super::value::Value;
use crate::desk::Agent;
use crate::metrics::calendar::{local, midnight};

const HOUR_MILLIS: f64 = 3_600_000.0;
/// Costs are summed in millionths, so that no order of adding changes them.
const PARTS: f64 = 1e6;

/// What support costs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Costs {
    /// An hour online of an agent without its own rate.
    pub hourly: Option<f64>,
    /// By the agent's id or display name.
    pub by_agent: HashMap<String, f64>,
    /// What a calendar month costs besides.
    pub fixed_per_month: f64,
}

impl Costs {
    fn of(&self, agent: &Agent) -> Option<f64> {
        let own = self.by_agent.get(agent.id.as_str()).or_else(|| self.by_agent.get(&*agent.name()));
        own.copied().or(self.hourly)
    }

    /// The fixed costs of a period: of each month the part that lies in it.
    pub(super) fn fixed(&self, period: Period, zone: Tz) -> f64 {
        let first = local(zone, period.from).date().with_day(1);
        let months = std::iter::successors(first, |month: &NaiveDate| month.checked_add_months(Months::new(1)));
        let bounds = months.map(|month| (midnight(zone, month), month.checked_add_months(Months::new(1))));
        let mut sum = 0.0;
        for (begin, next) in bounds.take_while(|(begin, _)| *begin < period.to) {
            let Some(end) = next.map(|next| midnight(zone, next)) else { break };
            let inside = (end.min(period.to) - begin.max(period.from)).num_milliseconds();
            sum += self.fixed_per_month * inside as f64 / (end - begin).num_milliseconds() as f64;
        }
        sum
    }
}

/// Figures that no help desk knows; they stand as they are in the config.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Business {
    /// What all customers together bring in, costs of the goods taken off.
    pub gross_margin: Option<f64>,
    /// How many customers there are.
    pub customers: Option<u64>,
    /// Days of training.
    pub training_days: Option<f64>,
}

impl Business {
    pub(super) fn lifetime_value(&self) -> Option<f64> {
        let customers = self.customers.filter(|customers| *customers > 0)?;
        Some(self.gross_margin? / customers as f64)
    }
}

/// Time at work and its cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Presence {
    online_millis: i64,
    /// In millionths.
    labour: i128,
    /// Somebody was online whose hour has no price.
    is_unpriced: bool,
    /// The fixed costs of the range, where they belong to it.
    pub fixed: f64,
}

impl Presence {
    /// Adds an agent's time in `online` or `busy` inside a period; a state that is open at its end is cut there.
    pub fn add(&mut self, agent: &Agent, period: Period, costs: Option<&Costs>) {
        let states = agent.presence();
        let ends = states.iter().skip(1).map(|next| next.at).chain([period.to]);
        let spans = states.iter().zip(ends).filter(|(state, _)| state.state.is_online());
        let inside =
            spans.map(|(state, end)| (end.min(period.to) - state.at.max(period.from)).num_milliseconds().max(0));
        let millis: i64 = inside.sum();
        self.online_millis += millis;
        match costs.and_then(|costs| costs.of(agent)) {
            Some(hourly) => self.labour += (millis as f64 * hourly / HOUR_MILLIS * PARTS).round() as i128,
            None => self.is_unpriced |= millis > 0,
        }
    }

    /// Says that no cost is known at all.
    pub fn leave_unpriced(&mut self) {
        self.is_unpriced = true;
    }

    pub fn merge(&mut self, other: &Self) {
        self.online_millis += other.online_millis;
        self.labour += other.labour;
        self.is_unpriced |= other.is_unpriced;
        self.fixed += other.fixed;
    }
}

pub(super) fn online_time(tally: &Tally) -> Value {
    Value::Millis(tally.presence.online_millis)
}

fn labour(tally: &Tally) -> Option<f64> {
    (!tally.presence.is_unpriced).then(|| tally.presence.labour as f64 / PARTS)
}

pub(super) fn labour_cost(tally: &Tally) -> Value {
    Value::Number(labour(tally))
}

pub(super) fn cost_per_resolved(tally: &Tally) -> Value {
    let resolved = tally.endings.resolved();
    let cost = labour(tally).filter(|_| resolved > 0);
    Value::Number(cost.map(|labour| (labour + tally.presence.fixed) / resolved as f64))
}
