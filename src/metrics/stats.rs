//! Exact statistics: n beside every mean and share, `None` where nothing was counted.

use schemars::JsonSchema;
use serde::Serialize;

/// A duration figure, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct DurationFigure {
    /// How many were counted.
    pub n: u64,
    /// Their arithmetic mean.
    pub mean: Option<f64>,
    /// The middle one.
    pub median: Option<f64>,
    /// Nine tenths are at most this.
    pub p90: Option<f64>,
}

/// A share: `n` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShareFigure {
    /// How many are so.
    pub n: u64,
    /// Of how many.
    pub of: u64,
}

impl ShareFigure {
    /// n / of; `None` of nothing.
    pub fn rate(&self) -> Option<f64> {
        (self.of > 0).then(|| self.n as f64 / self.of as f64)
    }
}

impl DurationFigure {
    /// Of durations in milliseconds, sorted from short to long.
    pub fn of_sorted_millis(sorted: &[i64]) -> Self {
        let sum: i128 = sorted.iter().map(|&ms| i128::from(ms)).sum();
        Self {
            n: sorted.len() as u64,
            mean: (!sorted.is_empty()).then(|| sum as f64 / 1000.0 / sorted.len() as f64),
            median: percentile(sorted, 0.5).map(|ms| ms / 1000.0),
            p90: percentile(sorted, 0.9).map(|ms| ms / 1000.0),
        }
    }
}

/// The value below which a share `q` of a sorted list lies, interpolated linearly between the closest ranks
/// (Hyndman & Fan 1996, type 7: `PERCENTILE.INC` of spreadsheets, the default of numpy).
pub fn percentile(sorted: &[i64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = q * last as f64;
    let below = (rank.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below] as f64, sorted[above] as f64);
    Some((high - low).mul_add(rank - below as f64, low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_between_closest_ranks() {
        // numpy.percentile([1, 2, 3, 4], [50, 90]) = 2.5, 3.7
        let figure = DurationFigure::of_sorted_millis(&[1000, 2000, 3000, 4000]);
        assert_eq!((figure.n, figure.mean, figure.median), (4, Some(2.5), Some(2.5)));
        assert!((figure.p90.unwrap() - 3.7).abs() < 1e-9);
    }

    #[test]
    fn nothing_counted_is_unknown_and_not_zero() {
        let nothing = DurationFigure::of_sorted_millis(&[]);
        assert_eq!(nothing, DurationFigure { n: 0, mean: None, median: None, p90: None });
        assert_eq!(ShareFigure { n: 0, of: 0 }.rate(), None);
        assert_eq!(ShareFigure { n: 1, of: 4 }.rate(), Some(0.25));
    }
}
