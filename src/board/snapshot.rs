//! One picture of the desk, never changed after it was published.

use std::sync::Arc;

use super::health::SourceHealth;
use crate::event::Timestamp;
use crate::metrics::live::{LiveFigures, RiskCounts};
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::metrics::thresholds::Thresholds;

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
    /// How many of the unanswered are past their warning or limit, as of `at`.
    pub risk: RiskCounts,
    /// The number of unanswered conversations, one sample a minute, oldest first, at most 60.
    pub waiting_trend: Arc<[u32]>,
    /// How fresh each source is, in the order of the config.
    pub sources: Arc<[SourceHealth]>,
    /// When a wait is at risk and when it has breached.
    pub thresholds: Arc<Thresholds>,
}

/// The figures of the day so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TodayFigures {
    /// Midnight in the board's zone.
    pub since: Timestamp,
    /// Inbound conversations opened.
    pub new: u64,
    /// First replies: from opened to the reply.
    pub first_response: DurationFigure,
    /// Conversations with an ending today and ended now.
    pub resolved: u64,
    /// Satisfaction answers that are positive; `None` where no source tells ratings.
    pub csat: Option<ShareFigure>,
}
