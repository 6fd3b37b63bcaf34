//! What a question about the past needs of what was kept, and where it comes from.

use crate::desk::SourceIx;
use crate::event::{ConversationId, CustomerId, Timestamp};
use crate::metrics::history::History;

/// A stretch of time, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// What has to be there to answer a question: the union of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Want {
    /// Every conversation that was active, or about which anything was said, at any time in this stretch, whole up to
    /// its end; and all agents with their states.
    pub span: Option<Span>,
    /// Every conversation of this customer, whole.
    pub customer: Option<(SourceIx, CustomerId)>,
    /// This conversation, whole.
    pub conversation: Option<(SourceIx, ConversationId)>,
}

/// Where the past is kept. Its sources have the same numbers as those of the board.
pub trait Past: Send {
    /// Reads what is wanted, settled; `progress` is told how many of how many events are read. The error is a sentence.
    fn load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, String>;

    /// The first instant of which anything is kept.
    fn begins_at(&mut self) -> Result<Option<Timestamp>, String>;
}
