//! The store: what every implementation has to keep to, and what is true of the file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod file;
#[path = "../support/kinds.rs"]
mod kinds;
mod property;
#[path = "../support/short.rs"]
mod short;
mod story;
