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

impl Value {
    /// The one number that it is compared by: of durations the median in seconds, of a share its rate; `None` where there
    /// was nothing to count, or where it is several.
    pub fn measure(&self) -> Option<f64> {
        match self {
            Self::Count(n) => Some(*n as f64),
            Self::Duration(figure) => figure.median,
            Self::Millis(millis) => Some(*millis as f64 / 1000.0),
            Self::Share(share) => share.rate(),
            Self::Number(number) => *number,
            Self::Score { score, .. } => *score,
            Self::Shares(_) | Self::Counts(_) | Self::Amounts(_) => None,
        }
    }

    /// What it is of each name, the biggest number first; `None` where it is one figure.
    pub fn parts(&self) -> Option<Vec<(Arc<str>, Self)>> {
        match self {
            Self::Shares(shares) => {
                Some(shares.iter().map(|(name, share)| (Arc::from(*name), Self::Share(*share))).collect())
            }
            Self::Counts(counts) => {
                let mut counts: Vec<_> = counts.iter().collect();
                counts.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
                Some(counts.into_iter().map(|(name, n)| (name.clone(), Self::Count(*n))).collect())
            }
            Self::Amounts(sums) => {
                Some(sums.iter().map(|(name, sum)| (name.clone(), Self::Number(Some(*sum)))).collect())
            }
            _ => None,
        }
    }

    /// What it is of one name.
    pub fn part(&self, name: &str) -> Option<Self> {
        match self {
            Self::Shares(shares) => {
                shares.iter().find(|(known, _)| *known == name).map(|(_, share)| Self::Share(*share))
            }
            Self::Counts(counts) => Some(Self::Count(counts.get(name).copied().unwrap_or(0))),
            Self::Amounts(sums) => Some(Self::Number(Some(sums.get(name).copied().unwrap_or(0.0)))),
            _ => None,
        }
    }
}
