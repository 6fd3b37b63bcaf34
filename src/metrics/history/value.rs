//! The shapes of figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use strum::{Display, IntoStaticStr};

use crate::metrics::stats::{DurationFigure, ShareFigure};

/// What a figure looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Shape {
    /// A whole number.
    Count,
    /// Durations in seconds: `{n, mean, median, p90}`.
    Duration,
    /// The same of plain numbers.
    Numbers,
    /// One length of time in seconds.
    Seconds,
    /// A share: `{n, of, rate}`.
    Share,
    /// Shares by metric.
    Shares,
    /// A change as a part of what was before, or null.
    Change,
    /// A sum of money, or null.
    Money,
    /// A number, or null.
    Number,
    /// `{n, score}`.
    Score,
    /// Whole numbers by name.
    Counts,
    /// Sums of money by currency.
    Amounts,
}

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// Durations in seconds, or plain numbers.
    Duration(DurationFigure),
    /// One length of time, in milliseconds.
    Millis(i64),
    /// A share.
    Share(ShareFigure),
    /// Shares by metric.
    Shares(Vec<(&'static str, ShareFigure)>),
    /// A number, where there is one.
    Number(Option<f64>),
    /// From −100 to 100, of so many answers.
    Score {
        /// How many were counted.
        n: u64,
        /// `None` of nothing.
        score: Option<f64>,
    },
    /// Whole numbers by name.
    Counts(BTreeMap<Arc<str>, u64>),
    /// Sums by currency.
    Amounts(BTreeMap<Arc<str>, f64>),
}
