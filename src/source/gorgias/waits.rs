//! Whether the customer of a ticket waits, by what was told of it. What ends a conversation in the stream ends the wait, also
//! where the ticket was just put away (trashed, marked as spam, gone): such a wait is held, and begins anew once the ticket
//! is back. That is too short a wait, but not a hidden one.

use crate::event::Timestamp;

/// Whether somebody waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wait {
    /// Since when, or later.
    asked_at: Option<Timestamp>,
    /// When the last answer or ending was told.
    settled_at: Timestamp,
    is_held: bool,
}

impl Wait {
    /// The customer wrote.
    pub(super) fn asks(&mut self, at: Timestamp) {
        if at >= self.settled_at {
            self.asked_at = Some(at);
            self.is_held = false;
        }
    }

    /// The team has answered, or the ticket ended as tickets do.
    pub(super) fn settles(&mut self, at: Timestamp) {
        self.asked_at = self.asked_at.filter(|asked_at| *asked_at > at);
        self.is_held &= at < self.settled_at;
        self.settled_at = self.settled_at.max(at);
    }

    /// The ticket was put away.
    pub(super) fn holds(&mut self, at: Timestamp) {
        let waited = self.asked_at.take().is_some();
        self.is_held |= waited;
        self.settled_at = self.settled_at.max(at);
    }

    /// When the customer who waits now last wrote.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        self.asked_at
    }

    /// Somebody waits once the ticket is back.
    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }
}
