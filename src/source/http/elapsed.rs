//! How much of a poll had passed when an answer came, by the server's clock.

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use reqwest::header::HeaderMap;

use super::headers;
use crate::event::Timestamp;

/// No poll takes longer.
const LONGEST_POLL: TimeDelta = TimeDelta::minutes(2);

/// A poll is given the instant at which it began, and what an answer says in seconds counts from when that came: the
/// difference is that of the server's times of the poll's first answer and of this one.
#[derive(Debug, Default)]
pub(super) struct Elapsed {
    /// When the poll began, and the server's time of its first answer.
    begun: Mutex<Option<(Timestamp, Timestamp)>>,
}

impl Elapsed {
    /// When an answer came, in a poll that began at `now`.
    pub(super) fn came_at(&self, headers: &HeaderMap, now: Timestamp) -> Timestamp {
        let Some(date) = headers::date(headers) else { return now };
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match *begun {
            Some((poll, first)) if poll == now => now + (date - first).clamp(TimeDelta::zero(), LONGEST_POLL),
            _ => {
                *begun = Some((now, date));
                now
            }
        }
    }
}
