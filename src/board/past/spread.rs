//! How a length of time is spread: how often it is short, long and very long.

use crate::metrics::stats::DurationFigure;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Where one part of a spread ends and the next begins, in milliseconds, and what the part below is called; each part is
/// about twice as long as the one before, so that minutes and days are seen side by side.
pub const EDGES: [(i64, &str); 12] = [
    (MINUTE, "< 1m"),
    (2 * MINUTE, "1–2m"),
    (5 * MINUTE, "2–5m"),
    (10 * MINUTE, "5–10m"),
    (30 * MINUTE, "10–30m"),
    (HOUR, "30–60m"),
    (2 * HOUR, "1–2h"),
    (5 * HOUR, "2–5h"),
    (10 * HOUR, "5–10h"),
    (DAY, "10–24h"),
    (2 * DAY, "1–2d"),
    (7 * DAY, "2–7d"),
];

/// What the part above the last edge is called.
pub const ABOVE: &str = "> 7d";

/// The parts of a spread.
pub const PARTS: usize = EDGES.len() + 1;

/// How a length of time is spread.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spread {
    /// How many lie in each part; an edge belongs to the part above it.
    pub counts: [u32; PARTS],
    /// How many there are, their middle and their tail.
    pub figure: DurationFigure,
}

impl Spread {
    /// Of lengths of time in milliseconds.
    pub fn of(mut millis: Vec<i64>) -> Self {
        millis.sort_unstable();
        let mut counts = [0; PARTS];
        for one in &millis {
            counts[EDGES.partition_point(|(edge, _)| edge <= one)] += 1;
        }
        Self { counts, figure: DurationFigure::of_sorted_millis(&millis) }
    }

    /// What each part is called.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EDGES.iter().map(|(_, name)| *name).chain([ABOVE])
    }

    /// The share of all that lies in a part; `None` of nothing.
    pub fn share(&self, part: usize) -> Option<f64> {
        let n = self.figure.n;
        self.counts.get(part).filter(|_| n > 0).map(|count| f64::from(*count) / n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_part_above_it() {
        let spread = Spread::of(vec![0, MINUTE - 1, MINUTE, 5 * MINUTE, DAY - 1, DAY, 8 * DAY, 7 * DAY]);
        assert_eq!(spread.counts, [2, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 2]);
        assert_eq!((spread.figure.n, spread.share(0), Spread::names().count()), (8, Some(0.25), PARTS));
        assert_eq!(Spread::default().share(0), None);
    }
}
