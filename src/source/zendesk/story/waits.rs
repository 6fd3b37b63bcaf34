//! Whether somebody waits on a ticket, as far as its record and its last update tell: no field says so.

use chrono::TimeDelta;

use crate::event::{Author, Timestamp};
use crate::source::zendesk::audit::{Audit, Step};
use crate::source::zendesk::people::People;
use crate::source::zendesk::wire::{Metrics, Ticket};

/// A ticket's first comment and its creation are of one moment, give or take; so are its last change and that update.
const SAME_MOMENT: TimeDelta = TimeDelta::seconds(10);
/// The metrics' times of one comment are so far apart at most.
const SAME_COMMENT: TimeDelta = TimeDelta::seconds(2);

/// Whether the customer of an open ticket may be waiting, so that its updates have to be read. An answer of the team that
/// is its last update says that nobody is, whatever came before; public words of others that somebody may be, the team's
/// in a merge and those of programs among them. Where it has none, or is not known, the record has to tell.
pub(in crate::source::zendesk) fn may_wait(ticket: &Ticket, last: Option<&Audit>, people: &People) -> bool {
    match last.and_then(|last| Some((last, speaker(ticket, last, people)?))) {
        Some((last, Author::Agent)) if is_last(ticket, last) => false,
        Some((_, Author::Customer | Author::Bot)) => true,
        _ => may_wait_by_record(ticket, people.has_bots()),
    }
}

/// An update that is older than the ticket's last change is not the last.
pub(in crate::source::zendesk) fn is_last(ticket: &Ticket, last: &Audit) -> bool {
    last.ticket == ticket.id && last.at >= ticket.updated_at - SAME_MOMENT
}

/// Who said something public in an update of the ticket; the customer, where several did.
fn speaker(ticket: &Ticket, last: &Audit, people: &People) -> Option<Author> {
    let side = |author: Option<i64>| match people.side(author.unwrap_or(last.author), ticket.requester_id) {
        _ if last.is_rule || last.is_merge => Author::Bot,
        side => side,
    };
    let said = last.steps.iter().filter(|_| last.ticket == ticket.id).filter_map(|step| match step {
        Step::Comment { author, public: true, .. } => Some(side(*author)),
        _ => None,
    });
    let said: Vec<Author> = said.collect();
    [Author::Customer, Author::Agent, Author::Bot].into_iter().find(|side| said.contains(side))
}

/// Nobody waits where there was no public comment yet, and where the requester has said nothing since the beginning, a
/// person has answered, and nobody else could have asked. The count of replies holds those of programs and the words of
/// a merge, too; so it is taken for an answer only where there are no programs, and where the ticket is parked, which
/// who answers does and a merge does not.
fn may_wait_by_record(ticket: &Ticket, has_bots: bool) -> bool {
    if ticket.is_public == Some(false) {
        return false;
    }
    let Some(Metrics { replies: Some(replies), requester_updated_at: Some(asked_at), .. }) = &ticket.metric_set else {
        return true;
    };
    let was_quiet = *asked_at <= ticket.created_at + SAME_MOMENT;
    let is_parked = matches!(&*ticket.status, "pending" | "hold");
    let is_answered = *replies > 0 && is_parked && !has_bots;
    !was_quiet || !is_answered || ticket.has_others()
}

/// Since when the requester seems to wait, by the record alone: the last comment is of when the requester last did
/// something. That holds often, but is no proof.
pub(in crate::source::zendesk) fn seems_to_wait(ticket: &Ticket) -> Option<Timestamp> {
    let metrics = ticket.metric_set.as_ref()?;
    let (asked_at, commented_at) = (metrics.requester_updated_at?, metrics.latest_comment_added_at?);
    ((asked_at - commented_at).abs() <= SAME_COMMENT).then_some(asked_at)
}
