//! A viewer of the board without a terminal: what keys do, and what the screen shows.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't be set up has failed")]

mod history;
mod kept;
mod keys;
mod last_week;
mod past;
mod sample;
mod screen;
mod severity;
mod standing;
