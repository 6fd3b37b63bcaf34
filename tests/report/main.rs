//! The figures of a range: hand-worked cases, properties, the command.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod asof;
mod cases;
mod command;
mod contract;
mod customers;
mod pages;
mod properties;
#[path = "../support/short.rs"]
mod short;
mod support;
