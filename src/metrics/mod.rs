//! The figures of docs/metrics.md: pure functions of the desk, and of an instant or a range.

pub mod calendar;
pub mod history;
pub mod live;
pub mod stats;
pub mod story;
pub mod thresholds;
pub mod today;
