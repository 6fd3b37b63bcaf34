//! Tickets that left without a word, and those that came back.

use super::{Known, State};
use crate::event::{Author, Event, EventKind, Message, Status, StatusBy, Timestamp};
use crate::source::lenient::Id;
use crate::source::zendesk::story::{Placed, Standing, conversation};

impl Known {
    /// The last instant of which something was told.
    fn told_to(&self) -> Timestamp {
        self.updated_at.max(self.last_at)
    }
}

impl State {
    /// A ticket is on the board no more though no update says why: deleted, or moved out of the watched groups. Its end is
    /// told where the ticket was, at that instant of the desk's clock, and not before what was told of it.
    pub(in crate::source::zendesk) fn leave(&mut self, ticket: Id, there: Timestamp) {
        let was_remembered = self.remembered.remove(&ticket);
        self.unread.remove(&ticket);
        self.wanted.remove(ticket);
        self.nameless.retain(|(one, _)| one.id != ticket);
        self.rated_of.remove(&ticket);
        let at = match self.tickets.remove(&ticket) {
            Some(known) if known.ended => return,
            Some(known) => there.max(known.told_to()),
            None if was_remembered => there,
            None => return,
        };
        if self.left.insert(ticket) {
            let (status, by) = (Status::Closed, Some(StatusBy::System));
            let kind = EventKind::Status { conversation: conversation(ticket), status, by, agent: None };
            self.outbox.push(Event::new(at, kind));
        }
    }
}

/// A ticket that was ended here because it left is there again. The ending has ended its wait in the stream; a customer
/// who waits still, and was neither answered nor ended by the desk itself, is told to wait from now on, which is too
/// short but not hidden.
pub(super) fn come_back(ticket: Id, standing: Standing, out: &mut Vec<Placed>, now: Timestamp) {
    let status = standing.status.unwrap_or(Status::Open);
    let mut asked = out.iter().rev().filter_map(|(_, _, event)| match &event.kind {
        EventKind::Message(message) if message.public != Some(false) && message.from != Author::Bot => {
            Some(message.from == Author::Customer)
        }
        EventKind::Status { status, .. } if status.is_ended() => Some(false),
        _ => None,
    });
    let waits = asked.next() == Some(true);
    let kind =
        EventKind::Status { conversation: conversation(ticket), status, by: Some(StatusBy::System), agent: None };
    out.push((now, Id::MAX, Event::new(now, kind)));
    if waits {
        let asks = Message::public(conversation(ticket), Author::Customer, None);
        out.push((now, Id::MAX, Event::new(now, asks)));
    }
}
