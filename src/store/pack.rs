//! Events on their way to a store, in few bytes.

use std::ops::AddAssign;

use super::body;
use super::bytes::{Bytes, Damaged, put_number, put_signed};
use super::error::StoreError;
use super::subject::{SubjectKind, subject};
use crate::event::{Event, EventKind, Timestamp};

/// Stands in place of a subject where an event only says that time has passed.
const CLOCK: u8 = 0xFF;
/// Begins a part: nothing is taken over from what stands before it.
const BEGIN: u8 = 0xFE;

/// Events in the order in which they came, each in a tenth of its memory. They come out as a store gives them back.
#[derive(Debug, Clone, Default)]
pub struct Pack {
    bytes: Vec<u8>,
    /// So many bytes were taken off the front.
    gone: usize,
}

/// Some of the events of a pack that were added together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// How many.
    pub events: usize,
    /// In how many bytes.
    pub bytes: usize,
}

impl AddAssign for Part {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }
}

impl Pack {
    /// Adds events behind the others. Of words only prints are kept unless `keep_text`.
    pub fn extend(&mut self, events: &[Event], keep_text: bool) -> Part {
        let before = self.bytes.len();
        if !events.is_empty() {
            self.bytes.push(BEGIN);
        }
        let (mut last_at, mut last_ids, mut body) = (0, [""; SubjectKind::ALL.len()], Vec::new());
        for event in events {
            let at = event.at.unwrap_or(Timestamp::MIN);
            if let Some((kind, id)) = subject(&event.kind) {
                let before = std::mem::replace(&mut last_ids[kind as usize], id);
                let shared = id.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
                self.bytes.push(kind as u8);
                put_number(&mut self.bytes, shared as u64);
                put_bytes(&mut self.bytes, &id.as_bytes()[shared..]);
            } else {
                self.bytes.push(CLOCK);
            }
            put_signed(&mut self.bytes, at.millis().wrapping_sub(last_at));
            last_at = at.millis();
            body.clear();
            body::encode(&mut body, &event.kind, at, keep_text);
            put_bytes(&mut self.bytes, &body);
        }
        Part { events: events.len(), bytes: self.bytes.len() - before }
    }

    /// Takes the first events off, which are these parts.
    #[must_use]
    pub fn split_first(&mut self, part: Part) -> Self {
        let bytes = self.bytes[self.gone..self.gone + part.bytes].to_vec();
        self.gone += part.bytes;
        if self.gone == self.bytes.len() {
            *self = Self::default();
        } else if self.gone > self.bytes.len() / 2 {
            self.bytes.drain(..self.gone);
            self.bytes.shrink_to_fit();
            self.gone = 0;
        }
        Self { bytes, gone: 0 }
    }

    /// Lets go of the last events, which are these parts.
    pub fn cut_last(&mut self, part: Part) {
        self.bytes.truncate(self.bytes.len() - part.bytes);
    }

    /// The events.
    pub fn unpack(&self) -> Result<Vec<Event>, StoreError> {
        let damaged = |damaged: Damaged| StoreError::Corrupt { path: "memory".to_owned(), what: damaged.to_string() };
        let mut from = Bytes(&self.bytes[self.gone..]);
        let mut last = Last::default();
        let mut events = Vec::new();
        while !from.0.is_empty() {
            events.extend(last.next(&mut from).map_err(damaged)?);
        }
        Ok(events)
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What the next event counts from.
#[derive(Default)]
struct Last {
    at: i64,
    ids: [Vec<u8>; SubjectKind::ALL.len()],
}

impl Last {
    /// The next event; none where a part begins.
    fn next(&mut self, from: &mut Bytes<'_>) -> Result<Option<Event>, Damaged> {
        let kind = match from.byte()? {
            BEGIN => {
                self.at = 0;
                return Ok(None);
            }
            CLOCK => None,
            place => Some(*SubjectKind::ALL.get(usize::from(place)).ok_or(Damaged)?),
        };
        if let Some(kind) = kind {
            let id = &mut self.ids[kind as usize];
            let shared = from.number()? as usize;
            id.truncate(shared);
            let length = from.number()? as usize;
            id.extend_from_slice(from.take(length)?);
        }
        self.at = self.at.wrapping_add(from.signed()?);
        let at = Timestamp::from_millis(self.at);
        let length = from.number()? as usize;
        let body = from.take(length)?;
        let kind = match kind {
            Some(kind) => {
                let id = std::str::from_utf8(&self.ids[kind as usize]).map_err(|_| Damaged)?;
                body::decode(kind, id, at, body)?
            }
            None => EventKind::Clock {},
        };
        Ok(Some(Event { kind, at: (at > Timestamp::MIN).then_some(at) }))
    }
}
