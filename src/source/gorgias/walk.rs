//! The feeds on their way back from now, a page at a time.

use chrono::TimeDelta;

use super::ask::{Ask, Next};
use super::heap::Pages;
use super::state::OVERLAP;
use crate::event::Timestamp;
use crate::source::SourceError;

/// So often a feed is begun again before it is read any further.
const REFUSALS: usize = 3;

/// What came of an attempt to read a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Page,
    /// The next poll goes on.
    Refused,
    /// There is no more to read, or no way to it.
    End,
}

/// How far one feed was read back.
#[derive(Debug, Clone, Default)]
pub(super) struct Feed {
    pub next: Option<Next>,
    /// All from here on was read.
    pub low: Option<Timestamp>,
    pub is_over: bool,
    /// So often a place in it was good no more, since it was read further back than before.
    refused: usize,
}

impl Feed {
    /// One of which nothing is to be read.
    pub(super) fn over() -> Self {
        Self { is_over: true, ..Self::default() }
    }

    /// All from here on is known.
    pub(super) fn from(&self) -> Timestamp {
        if self.is_over { Timestamp::MIN } else { self.low.unwrap_or(Timestamp::MAX) }
    }

    /// One page was read, the oldest of which is that old.
    pub(super) fn read(&mut self, oldest: Option<Timestamp>, next: Option<Next>) {
        self.is_over = next.is_none() || next == self.next;
        self.next = next;
        // More of the same instant may be on the next page.
        let low = oldest.map(|at| at + TimeDelta::milliseconds(1));
        let before = self.low;
        self.low = match (before, low) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if self.low != before {
            self.refused = 0;
        }
    }

    /// What follows an error. Where a place in the feed is good no more (a cursor does not live long), the next poll reads
    /// it from its beginning again, which is now; what was read of it is known still. That is no use where it keeps
    /// happening before it is read any further.
    fn refused(&mut self, error: SourceError) -> Result<Came, SourceError> {
        if !matches!(error, SourceError::Unsupported { .. }) || self.next.is_none() {
            return Err(error);
        }
        self.next = None;
        self.refused += 1;
        Ok(if self.refused < REFUSALS { Came::Refused } else { Came::End })
    }
}

/// The feeds on their way back.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    pub messages: Feed,
    pub events: Feed,
    pub tickets: Feed,
    /// Up to where they have to be read at least.
    pub told_to: Option<Timestamp>,
    pub pages: usize,
    pub settled: usize,
    /// Tickets that are told already.
    pub told: usize,
}

impl Walk {
    /// All messages and all that happened from here on are known.
    pub(super) fn from(&self) -> Timestamp {
        self.messages.from().max(self.events.from())
    }

    /// Whether a feed is not read back yet to where it has to be.
    pub(super) fn is_missing(&self, feed: &Feed) -> bool {
        self.target().is_some_and(|target| feed.from() > target)
    }

    /// Where the feeds have to be read back to at least.
    pub(super) fn target(&self) -> Option<Timestamp> {
        self.told_to.map(|told_to| told_to - OVERLAP)
    }

    /// Reads a page of the feed that was read least far.
    pub(super) async fn read(&mut self, ask: &mut Ask, pages: &mut Pages) -> Result<Came, SourceError> {
        if self.is_missing(&self.tickets) {
            let page = match ask.changed(self.tickets.next.as_ref()).await {
                Err(error) => return self.tickets.refused(error),
                Ok(page) => page,
            };
            self.tickets.read(page.items.iter().filter_map(|ticket| ticket.updated_datetime).min(), page.next);
            pages.tickets.extend(page.items);
        } else if self.messages.is_over && self.events.is_over {
            return Ok(Came::End);
        } else if self.messages.from() >= self.events.from() {
            let page = match ask.messages(self.messages.next.as_ref()).await {
                Err(error) => return self.messages.refused(error),
                Ok(page) => page,
            };
            self.messages.read(page.items.iter().map(|message| message.created_datetime).min(), page.next);
            pages.messages.extend(page.items);
        } else {
            let page = match ask.events(None, self.events.next.as_ref()).await {
                Err(error) => return self.events.refused(error),
                Ok(page) => page,
            };
            self.events.read(page.items.iter().map(|event| event.created_datetime).min(), page.next);
            pages.events.extend(page.items);
        }
        self.pages += 1;
        Ok(Came::Page)
    }
}
