//! The one HTTP client of all vendors: credentials, time limits, body limit, errors in words.
//!
//! Invariants: a secret is readable only here and is in no error; every request ends (connect, silence and whole
//! request have a limit); an answer is never held beyond the body limit; no redirect is followed, so credentials go
//! to the configured host and nowhere else.

use std::time::Duration;

use super::Quota;
use crate::event::Timestamp;

pub mod address;
mod auth;
mod client;
mod elapsed;
mod failure;
pub mod headers;
mod hide;
mod secret;
pub mod words;

pub use auth::{Auth, Grant};
pub use client::Client;
pub use hide::{HEADERS, Hidden, header_secret, is_secret};
pub use secret::Secret;

/// How long a request may take and how large its answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Of silence while an answer is awaited or comes in.
    pub silence: Duration,
    /// The whole request.
    pub request: Duration,
    /// Of an answer, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            request: Duration::from_mins(1),
            body: 64 << 20,
        }
    }
}

/// An answer and what its headers say.
#[derive(Debug)]
pub struct Answer<T> {
    /// The decoded body.
    pub body: T,
    /// What is left of the quota.
    pub quota: Option<Quota>,
    /// The server's own time.
    pub date: Option<Timestamp>,
}
