//! A question that nobody has answered goes with its ticket when that is merged into another.

use std::collections::HashMap;

use super::Known;
use crate::event::{Author, Event, EventKind, Message, Timestamp};
use crate::source::lenient::Id;
use crate::source::zendesk::story::{Placed, conversation};
use crate::source::zendesk::targets::Targets;

/// A question, and the ticket that it now waits on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carried {
    into: Id,
    asked_at: Timestamp,
}

/// What goes with a ticket of which that was told, and heard.
pub(super) fn carried(told: &[Placed], targets: &Targets) -> Option<Carried> {
    let asked_at = targets.asked_at()?;
    let into = told.iter().find_map(|(_, _, event)| match &event.kind {
        EventKind::Merged { into, .. } => into.as_str().parse().ok(),
        _ => None,
    })?;
    Some(Carried { into, asked_at })
}

/// Tells it on the other ticket, at the instant at which it was asked: where somebody has answered there since, nobody
/// waits. One that has ended would be opened by it, and one that is not known would seem to be open.
pub(super) fn tell(carried: Carried, tickets: &mut HashMap<Id, Known>, out: &mut Vec<Placed>) {
    let Carried { into, asked_at } = carried;
    let Some(known) = tickets.get_mut(&into).filter(|known| !known.ended) else { return };
    known.targets.asks(asked_at);
    let asks = Message::public(conversation(into), Author::Customer, None);
    out.push((asked_at, Id::MAX, Event::new(asked_at, asks)));
}
