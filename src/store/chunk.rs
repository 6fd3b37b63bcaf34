//! Events of one subject in one row: the older ones cost a tenth of what a row each would, to write and to read.

use super::bytes::{Bytes, Damaged, put_number, put_signed};
use crate::event::Timestamp;

/// A chunk that holds so many events is left as it is, and the next begins.
pub(super) const FULL: u32 = 128;

/// Events in the order in which they came, each with its instant.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// The earliest instant.
    pub min_at: Timestamp,
    /// The latest instant.
    pub max_at: Timestamp,
    /// How many events.
    pub count: u32,
    /// The events.
    pub bytes: Vec<u8>,
    /// The instant of the last one, which the next counts from.
    last: i64,
}

impl Chunk {
    pub(super) const fn new() -> Self {
        Self { min_at: Timestamp::MAX, max_at: Timestamp::MIN, count: 0, bytes: Vec::new(), last: 0 }
    }

    /// The chunk that these bytes are.
    pub(super) fn of(bytes: Vec<u8>) -> Result<Self, Damaged> {
        let mut chunk = Self::new();
        for entry in entries(&bytes) {
            chunk.count_in(entry?.0);
        }
        Ok(Self { bytes, ..chunk })
    }

    pub(super) fn push(&mut self, at: Timestamp, body: &[u8]) {
        put_signed(&mut self.bytes, at.millis().wrapping_sub(self.last));
        put_number(&mut self.bytes, body.len() as u64);
        self.bytes.extend_from_slice(body);
        self.count_in(at);
    }

    /// The chunk without one of its events.
    pub(super) fn without(&self, at: Timestamp, body: &[u8]) -> Result<Self, Damaged> {
        let mut chunk = Self::new();
        let mut is_left_out = false;
        for entry in entries(&self.bytes) {
            let (other_at, other) = entry?;
            if !is_left_out && (other_at, other) == (at, body) {
                is_left_out = true;
            } else {
                chunk.push(other_at, other);
            }
        }
        Ok(chunk)
    }

    fn count_in(&mut self, at: Timestamp) {
        self.last = at.millis();
        self.min_at = self.min_at.min(at);
        self.max_at = self.max_at.max(at);
        self.count += 1;
    }
}

/// The events of a chunk in the order in which they came.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Result<(Timestamp, &[u8]), Damaged>> {
    let mut rest = Bytes(bytes);
    let mut last = 0_i64;
    std::iter::from_fn(move || {
        if rest.0.is_empty() {
            return None;
        }
        let mut next = || {
            last = last.wrapping_add(rest.signed()?);
            let length = rest.number()? as usize;
            Ok((Timestamp::from_millis(last), rest.take(length)?))
        };
        let entry = next();
        if entry.is_err() {
            rest.0 = &[];
        }
        Some(entry)
    })
}
