//! Exact statistics: n beside every mean and share, `None` where nothing was counted.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

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
    /// Counts one more, and whether it is so.
    pub fn add(&mut self, is_so: bool) {
        self.n += u64::from(is_so);
        self.of += 1;
    }

    /// n / of; `None` of nothing.
    pub fn rate(&self) -> Option<f64> {
        (self.of > 0).then(|| self.n as f64 / self.of as f64)
    }
}

/// With its rate beside it.
impl Serialize for ShareFigure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Share {
            n: u64,
            of: u64,
            rate: Option<f64>,
        }
        Share { n: self.n, of: self.of, rate: self.rate() }.serialize(serializer)
    }
}

impl JsonSchema for ShareFigure {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShareFigure".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share: `n` of `of`.",
            "type": "object",
            "properties": {
                "n": {"type": "integer", "minimum": 0},
                "of": {"type": "integer", "minimum": 0},
                "rate": {"type": ["number", "null"], "minimum": 0, "maximum": 1, "description": "n / of; null of nothing."},
            },
            "required": ["n", "of", "rate"],
        })
    }
}

impl DurationFigure {
    /// Of durations in milliseconds, sorted from short to long.
    pub fn of_sorted_millis(sorted: &[i64]) -> Self {
        Self::of(sorted.len(), sorted.iter().map(|&ms| i128::from(ms)).sum(), |rank| sorted[rank])
    }

    fn of(n: usize, sum: i128, at: impl Fn(usize) -> i64) -> Self {
        Self {
            n: n as u64,
            mean: (n > 0).then(|| sum as f64 / 1000.0 / n as f64),
            median: percentile(n, &at, 0.5).map(|ms| ms / 1000.0),
            p90: percentile(n, &at, 0.9).map(|ms| ms / 1000.0),
        }
    }
}

/// How many durations stand in one run.
const RUN: usize = 512;

/// Durations that come and go; adding one and the figure cost little whatever their number.
#[derive(Debug, Default)]
pub struct Durations {
    /// Sorted, in sorted runs of at most [`RUN`], none of them empty.
    runs: Vec<Vec<i64>>,
    n: usize,
    sum: i128,
}

impl Durations {
    /// Adds one, in milliseconds.
    pub fn insert(&mut self, millis: i64) {
        let last = self.runs.len().saturating_sub(1);
        let at = self.runs.partition_point(|run| run.last().is_some_and(|longest| *longest < millis)).min(last);
        let Some(run) = self.runs.get_mut(at) else { return self.begin(millis) };
        run.insert(run.partition_point(|other| *other < millis), millis);
        if run.len() > RUN {
            let rest = run.split_off(RUN / 2);
            self.runs.insert(at + 1, rest);
        }
        self.n += 1;
        self.sum += i128::from(millis);
    }

    fn begin(&mut self, millis: i64) {
        *self = Self { runs: vec![vec![millis]], n: 1, sum: i128::from(millis) };
    }

    /// Takes one away again.
    pub fn remove(&mut self, millis: i64) {
        let at = self.runs.partition_point(|run| run.last().is_some_and(|longest| *longest < millis));
        let Some(run) = self.runs.get_mut(at) else { return };
        let Ok(place) = run.binary_search(&millis) else { return };
        run.remove(place);
        if run.is_empty() {
            self.runs.remove(at);
        }
        self.n -= 1;
        self.sum -= i128::from(millis);
    }

    /// The figure of those that are in.
    pub fn figure(&self) -> DurationFigure {
        DurationFigure::of(self.n, self.sum, |rank| self.at(rank))
    }

    fn at(&self, mut rank: usize) -> i64 {
        for run in &self.runs {
            match run.get(rank) {
                Some(millis) => return *millis,
                None => rank -= run.len(),
            }
        }
        0
    }
}

/// The value below which a share `q` of a sorted list of `n` lies, interpolated linearly between the closest ranks
/// (Hyndman & Fan 1996, type 7: `PERCENTILE.INC` of spreadsheets, the default of numpy).
fn percentile(n: usize, at: impl Fn(usize) -> i64, q: f64) -> Option<f64> {
    let last = n.checked_sub(1)?;
    let rank = q * last as f64;
    let below = (rank.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high) = (at(below) as f64, at(above) as f64);
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
    fn durations_that_come_and_go_give_the_figure_of_those_that_are_in() {
        let mut durations = Durations::default();
        let mut left = Vec::new();
        for i in 0..9000_i64 {
            let millis = i * 7919 % 5003;
            durations.insert(millis);
            if i % 3 == 0 {
                durations.remove(millis);
            } else {
                left.push(millis);
            }
        }
        durations.remove(-1);
        left.sort_unstable();
        assert_eq!(durations.figure(), DurationFigure::of_sorted_millis(&left));
    }

    #[test]
    fn nothing_counted_is_unknown_and_not_zero() {
        let nothing = DurationFigure::of_sorted_millis(&[]);
        assert_eq!(nothing, DurationFigure { n: 0, mean: None, median: None, p90: None });
        assert_eq!(ShareFigure { n: 0, of: 0 }.rate(), None);
        assert_eq!(ShareFigure { n: 1, of: 4 }.rate(), Some(0.25));
    }
}
