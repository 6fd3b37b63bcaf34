//! Which messages of a ticket were told, and whether its record speaks of others: a message that moves to another ticket
//! (merged, split) keeps its own time, so that no feed shows it again.

use chrono::TimeDelta;

use super::wire::{Message, Ticket};
use crate::event::Timestamp;
use crate::source::lenient::Id;

/// So much later than its message a record may say that the customer wrote.
const WRITTEN_WITHIN: TimeDelta = TimeDelta::seconds(1);

/// What a record says of its ticket's messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claim {
    count: Option<Id>,
    heard_at: Option<Timestamp>,
}

impl Claim {
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self { count: ticket.messages_count, heard_at: ticket.last_received_message_datetime }
    }

    /// Whether it speaks of more than so many messages, or of a later one of the customer.
    fn is_beyond(self, count: usize, heard_at: Option<Timestamp>) -> bool {
        let is_later = |at: Timestamp| heard_at.is_none_or(|heard_at| at - heard_at > WRITTEN_WITHIN);
        self.count.is_some_and(|claimed| claimed > count as Id) || self.heard_at.is_some_and(is_later)
    }
}

/// What was told of a ticket's messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Thread {
    said: Vec<Id>,
    /// Those of them that could not be delivered when they were told.
    failed: Vec<Id>,
    /// The last of the customer's.
    heard_at: Option<Timestamp>,
    /// So many more its record counted than there were when all were read, or when it was first told.
    beside: usize,
    claim: Claim,
}

impl Thread {
    /// Whether a message was told as it is now.
    pub(super) fn is_told(&self, message: &Message) -> bool {
        self.said.contains(&message.id) && !self.is_delivered(message)
    }

    /// Whether a message was told that could not be delivered, and now was.
    pub(super) fn is_delivered(&self, message: &Message) -> bool {
        !message.has_failed && self.failed.contains(&message.id)
    }

    /// Whether a message was told that may be sent again.
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    pub(super) fn tell(&mut self, message: &Message) {
        if message.has_failed {
            self.failed.push(message.id);
        } else if self.is_delivered(message) {
            self.failed.retain(|failed| *failed != message.id);
            return;
        }
        self.said.push(message.id);
        self.heard_at = self.heard_at.max(heard_at(message));
    }

    /// Takes note of what its record says.
    pub(super) fn record(&mut self, ticket: &Ticket) {
        self.claim = Claim::of(ticket);
    }

    /// Whether its record speaks of messages that were not met.
    pub(super) fn is_short(&self) -> bool {
        self.claim.is_beyond(self.said.len() + self.beside, self.heard_at)
    }

    /// Whether these are all the messages that its record speaks of.
    pub(super) fn is_met_by(&self, messages: &[Message]) -> bool {
        are_all(messages.iter(), self.claim)
    }

    /// What its record speaks of beside what was told is no matter: it was all read, or is of before.
    pub(super) fn settle(&mut self) {
        let count = self.claim.count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        self.beside = self.beside.max(count.saturating_sub(self.said.len()));
        self.heard_at = self.heard_at.max(self.claim.heard_at);
    }
}

/// When the customer wrote it, where it is of the customer.
fn heard_at(message: &Message) -> Option<Timestamp> {
    Some(message.created_datetime).filter(|_| !message.from_agent)
}

/// Whether these are all the messages that a record speaks of.
pub(super) fn are_all<'a>(messages: impl Iterator<Item = &'a Message>, claim: Claim) -> bool {
    let (mut ids, mut last) = (Vec::new(), None);
    for message in messages {
        ids.push(message.id);
        last = last.max(heard_at(message));
    }
    ids.sort_unstable();
    ids.dedup();
    !claim.is_beyond(ids.len(), last)
}
