//! The event stream (docs/events.md): its types, its reader and its writer.
//!
//! Everything helptop shows or counts is a fold over this stream. This module knows no vendor, no clock and no
//! I/O beyond `Read` and `Write`.

mod fields;
pub mod id;
pub mod kind;
pub mod lines;
mod read;
mod scan;
pub mod time;
mod words;
pub mod write;

pub use id::{AgentId, ArticleId, ConversationId, CustomerId, TeamId};
pub use kind::{
    Agent, Assigned, Author, Capability, Change, Direction, Event, EventKind, Message, Opened, PresenceState,
    SlaMetric, Status, StatusBy, VERSION, lowest_score,
};
pub use lines::{Block, Line, Reader};
pub use read::{Reject, parse_line};
pub use time::Timestamp;
pub use words::Words;
pub use write::write_event;
