//! When each source is asked, and the task that asks it.

pub mod schedule;
pub mod task;

pub use schedule::{Next, Outcome, Schedule};
pub use task::{Now, Poller, Update, is_polling};
