//! The past: where it is read, and who answers questions about it.

pub mod kept;
mod last_week;
mod recorded;
mod task;

pub use last_week::LastWeek;
pub use recorded::RecordingPast;
pub use task::{ASKS, HistoryTask, Memory, is_answering};
