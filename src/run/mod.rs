//! The wiring: what the commands do.

pub mod cli;
pub mod print;
