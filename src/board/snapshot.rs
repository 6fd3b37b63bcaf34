//! One picture of the desk, never changed after it was published.

use std::sync::Arc;

use super::health::{SourceHealth, StoreHealth};
use crate::event::Timestamp;
use crate::metrics::live::{LiveFigures, RiskAhead, RiskCounts};
use crate::metrics::thresholds::Thresholds;
use crate::metrics::today::TodayFigures;

/// One picture of the desk.
#[derive(Debug, Clone, Default)]
pub struct BoardSnapshot {
    /// Grows with every published picture; equal generations are the same picture.
    pub generation: u64,
    /// When it was built.
    pub at: Timestamp,
    /// The live figures.
    pub live: LiveFigures,
    /// The figures since midnight.
    pub today: TodayFigures,
    /// Whether any source tells ratings; where none does, satisfaction is unknown.
    pub tells_ratings: bool,
    /// Whether any source tells presence; where none does, who is online is unknown.
    pub tells_presence: bool,
    /// How many of the unanswered are past their warning or limit, as of `at`.
    pub risk: RiskCounts,
    /// The warnings and limits still to come at `at`.
    pub risk_ahead: RiskAhead,
    /// The number of unanswered conversations, one sample a minute, oldest first, at most 60.
    pub waiting_trend: Arc<[u32]>,
    /// How fresh each source is, in the order of the config.
    pub sources: Arc<[SourceHealth]>,
    /// Whether what happens is kept.
    pub store: Arc<StoreHealth>,
    /// When a wait is at risk and when it has breached.
    pub thresholds: Arc<Thresholds>,
}

impl BoardSnapshot {
    /// Whether any source has answered: before that every figure is unknown, and none is 0.
    pub fn knows_anything(&self) -> bool {
        self.sources.iter().any(|source| source.good_at.is_some())
    }

    /// How many of the unanswered are past their warning or limit at an instant after the picture's own, so that
    /// the counts agree with waits measured at that instant.
    pub fn risk_at(&self, now: Timestamp) -> RiskCounts {
        self.risk_ahead.carry(self.risk, now)
    }
}
