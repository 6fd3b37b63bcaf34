//! The live figures, kept up to date change by change in structures that are cheap to share.
//!
//! Every collection here is persistent: a clone costs a few pointers and shares the rest, so one event costs the
//! same whatever is open, and readers hold a picture that never changes under them.

mod index;
mod risk;
mod rows;

use std::sync::Arc;

use imbl::{OrdMap, Vector};

pub use index::{LiveIndex, conversation_row};
pub use risk::{RiskAhead, RiskCounts};
pub use rows::{AgentKey, AgentRow, ConversationRow, Target, TeamRow, Totals, WaitKey};

use crate::desk::AgentIx;
use crate::metrics::thresholds::{Threshold, Thresholds};

/// The live figures at one moment.
#[derive(Debug, Clone, Default)]
pub struct LiveFigures {
    /// Every agent, by number.
    pub agents: OrdMap<AgentIx, Arc<AgentRow>>,
    /// Every team, by number.
    pub teams: Vector<Arc<TeamRow>>,
    /// The unanswered conversations, longest wait first.
    pub waiting: OrdMap<WaitKey, Arc<ConversationRow>>,
    /// The agents, at work and longest wait first.
    pub ranking: OrdMap<AgentKey, ()>,
    /// The agent who is furthest over its capacity, where one is at or over it.
    pub fullest: Option<AgentIx>,
    /// The sums.
    pub totals: Totals,
}

impl LiveFigures {
    /// The threshold that a conversation is measured by.
    pub fn threshold(&self, thresholds: &Thresholds, row: &ConversationRow) -> Threshold {
        let team = row.team.and_then(|ix| self.teams.get(ix.at()));
        let names = team.into_iter().flat_map(|team| [team.id.as_str(), &*team.name]);
        thresholds.of(names, row.channel.as_deref())
    }
}
