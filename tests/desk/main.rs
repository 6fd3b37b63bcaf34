//! The fold, against docs/events.md: rule by rule, and under any order of lines.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod late;
mod order;
mod rules;
mod support;
