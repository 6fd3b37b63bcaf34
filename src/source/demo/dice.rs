//! Chance, by seed.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded stream of chance: the same seed gives the same throws.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// From 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `low` up to `high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From 0 up to, not including, `n`; 0 when there is nothing to choose from.
    pub(super) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    /// One of a list that is never empty.
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, list: &[T; N]) -> T {
        list[self.below(N)]
    }

    /// One of a list.
    pub(super) fn maybe_pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let at = self.below(list.len());
        list.get(at)
    }

    /// The place of a weight, drawn in proportion to it.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let found = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        found.unwrap_or(0)
    }

    /// Log-normal, as gaps between messages are.
    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// Exponential, as gaps between arrivals are.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

/// A well-mixed number for a place in a series, the same at every call.
pub(super) fn mix(seed: u64, place: u64) -> u64 {
    let mut z = seed ^ place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_are_of_the_shape_they_claim() {
        let mut dice = Dice::new(7);
        let mut gaps: Vec<f64> = (0..4001).map(|_| dice.log_normal(100.0, 1.0)).collect();
        gaps.sort_by(f64::total_cmp);
        assert!((80.0..125.0).contains(&gaps[2000]), "median {}", gaps[2000]);
        let mean = (0..4000).map(|_| dice.exponential(10.0)).sum::<f64>() / 4000.0;
        assert!((9.0..11.0).contains(&mean), "mean {mean}");
        let third = (0..4000).filter(|_| dice.weighted(&[1.0, 0.0, 2.0]) == 2).count();
        assert!((2500..2850).contains(&third), "{third}");
        assert!((0..4000).all(|_| dice.weighted(&[0.0, 1.0, 0.0]) == 1));
    }
}
