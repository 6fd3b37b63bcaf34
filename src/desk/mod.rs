//! The desk: the fold of the event stream into conversations, holders, waits and presence.

pub mod index;

pub use index::{AgentIx, ConversationIx, CustomerIx, SourceIx, TeamIx};
