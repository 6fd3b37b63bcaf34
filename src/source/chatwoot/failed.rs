//! Answers that could not be delivered. One that is sent again keeps its number and its time.

use super::wire::Message;
use crate::event::{Author, Timestamp};

/// So many of a conversation are remembered; of more the latest.
const MOST: usize = 16;
/// By whom an answer is, and whether the customer sees it, where it arrived.
const ARRIVED: Option<(Author, bool)> = Some((Author::Agent, true));

/// The numbers of those that came after the last answer that arrived: of earlier ones nobody waits to hear.
#[derive(Debug, Clone, Default)]
pub(super) struct Failed(Vec<u64>);

impl Failed {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message behind which is all that comes after `last` and whatever became of these.
    pub(super) fn read_to(&self, last: u64) -> u64 {
        self.0.iter().map(|id| id.saturating_sub(1)).fold(last, u64::min)
    }

    /// Dates those that have arrived by now at the change that shows it: the customer got them no earlier. Takes note of
    /// the others.
    pub(super) fn meet(&mut self, messages: &mut [Message], changed_at: Timestamp) {
        let is_late = |message: &&mut Message| self.0.contains(&message.id) && message.author() == ARRIVED;
        for message in messages.iter_mut().filter(is_late) {
            message.created_at = message.created_at.max(changed_at);
        }
        messages.sort_by_key(|message| (message.created_at, message.id));
        for message in messages {
            self.0.retain(|id| *id != message.id);
            match message.author() {
                ARRIVED => self.0.clear(),
                Some((Author::Agent, false)) if !message.private => self.0.push(message.id),
                _ => {}
            }
        }
        self.0.drain(..self.0.len().saturating_sub(MOST));
    }
}
