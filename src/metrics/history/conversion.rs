//! Customers who bought.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::Tally;
use super::value::Value;

/// Sums are kept in millionths, so that no order of adding changes them.
const PARTS: f64 = 1e6;

#[derive(Debug, Clone, Default)]
pub(super) struct Conversion {
    conversations: u64,
    /// By currency; of those without one under the empty word.
    amounts: BTreeMap<Arc<str>, i128>,
}

impl Conversion {
    /// Counts a purchase.
    pub fn add(&mut self, first: bool, amount: Option<f64>, currency: Option<&Arc<str>>) {
        self.conversations += u64::from(first);
        if let Some(amount) = amount {
            self.sum(currency.cloned().unwrap_or_default(), (amount * PARTS).round() as i128);
        }
    }

    fn sum(&mut self, currency: Arc<str>, parts: i128) {
        let sum = self.amounts.entry(currency).or_default();
        *sum = sum.saturating_add(parts);
    }

    pub fn merge(&mut self, other: Self) {
        self.conversations += other.conversations;
        other.amounts.into_iter().for_each(|(currency, parts)| self.sum(currency, parts));
    }
}

pub(super) fn converted(tally: &Tally) -> Value {
    Value::Count(tally.conversion.conversations)
}

pub(super) fn converted_amounts(tally: &Tally) -> Value {
    let amounts = tally.conversion.amounts.iter();
    Value::Amounts(amounts.map(|(currency, parts)| (currency.clone(), *parts as f64 / PARTS)).collect())
}
