//! The history of ended tickets, which only an admin's key can read: from the export of events, a page in every other
//! poll, each ticket told whole once its end was read.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::ask::Ask;
use super::audit::{Audit, Field, SYSTEM, Step as Part};
use super::export::HISTORY;
use super::people::{People, customer_line};
use super::story::status_of;
use super::{Step, Zendesk};
use crate::event::{Status, Timestamp};
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::wanted::is_of_one;

/// Tickets of which the export does not tell the beginning, and which are therefore read one by one, in one poll.
const HEADLESS: usize = 10;

impl Zendesk {
    /// Decides what history is to be read, now that the open tickets are known.
    pub(super) fn plan_history(&mut self) {
        let span = TimeDelta::from_std(self.backfill).ok().filter(|span| !span.is_zero());
        let to = self.state.begun_at;
        self.state.past.plan(span.map(|span| to - span), to);
    }

    pub(super) fn history_progress(&self) -> Option<(String, f32)> {
        let reading = self.state.past.reading.as_ref().filter(|_| self.state.export.is_given())?;
        Some(("reading history".to_owned(), reading.part()))
    }

    pub(super) fn history_is_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.state.past.reading.as_ref().is_some_and(|reading| reading.tries.is_due(now));
        let allowed =
            self.state.export.is_given() && self.state.export.is_open(now) && self.state.bucket.allows(HISTORY, now);
        is_due && (allowed || !self.state.headless.is_empty())
    }

    /// One page of what happened, and the tickets that ended in it.
    pub(super) async fn history_page(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let Some(reading) = &mut self.state.past.reading else { return Ok(Step::more(None)) };
        reading.tries.begin(ask.now);
        let (position, to, passes_over) = (reading.position, reading.to, reading.passes_over());
        let mut page = None;
        if self.state.headless.is_empty() {
            if !self.may_export(HISTORY, ask) {
                return Ok(Step::more(self.history_progress()));
            }
            let Some(exported) = self.exported(ask, position).await? else { return Ok(Step::more(None)) };
            page = Some(exported);
        }
        let audits = page.as_mut().map(|page| std::mem::take(&mut page.audits)).unwrap_or_default();
        // What is known is followed elsewhere; of it only the record was told where nobody could be waiting.
        let new: Vec<Audit> = audits.into_iter().filter(|audit| audit.at < to && !self.is_told(audit.ticket)).collect();
        let mut held = self.state.held.clone();
        let mut headless = self.state.headless.clone();
        for audit in new {
            held.entry(audit.ticket).or_default().push(audit);
        }
        let people = &self.state.people;
        let ended: Vec<Id> = held.iter().filter(|(_, audits)| has_ended(audits, people)).map(|(&id, _)| id).collect();
        let mut whole = Vec::new();
        for id in ended {
            let mut audits = held.remove(&id).unwrap_or_default();
            audits.sort_by_key(|audit| (audit.at, audit.id));
            audits.dedup_by_key(|audit| audit.id);
            if audits.iter().any(Audit::is_create) {
                whole.push((id, audits));
            } else if !is_only_closed(&audits) {
                headless.insert(id);
            }
        }
        for id in headless.iter().copied().take(HEADLESS).collect::<Vec<_>>() {
            if ask.enough.is_come() {
                break;
            }
            headless.remove(&id);
            match ask.audits(id, 0).await {
                Ok(audits) => whole.extend(audits.map(|audits| (id, audits))),
                Err(error) if passes_over && is_of_one(&error) => {
                    ask.skips.note("history".to_owned(), ".", &error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        if !self.tell_past(ask, whole).await? {
            return Ok(Step::more(self.history_progress()));
        }
        (self.state.held, self.state.headless) = (held, headless);
        let is_last = match (&mut self.state.past.reading, page) {
            (Some(reading), Some(page)) => reading.told(page.end_time, page.is_end),
            (Some(reading), None) => {
                reading.tries.end();
                false
            }
            _ => false,
        };
        if is_last && self.state.headless.is_empty() {
            self.state.past.complete();
            self.state.held.clear();
            self.state.rated_of.clear();
            self.plan_history();
        }
        Ok(Step::past(self.history_progress()))
    }

    fn is_told(&self, ticket: Id) -> bool {
        self.state.tickets.get(&ticket).is_some_and(|known| known.last > 0 || !known.ended)
    }

    /// Tells tickets whole, each with its customer, as their records now are; whether it is known who wrote there.
    async fn tell_past(&mut self, ask: &mut Ask, whole: Vec<(Id, Vec<Audit>)>) -> Result<bool, SourceError> {
        if whole.is_empty() {
            return Ok(true);
        }
        let ids: Vec<Id> = whole.iter().map(|(id, _)| *id).collect();
        let found = ask.tickets_by_id(&ids).await?;
        let mut strangers = BTreeSet::new();
        for user in &found.users {
            self.state.people.take_user(user);
        }
        for ticket in &found.items {
            let audits = whole.iter().find(|(id, _)| *id == ticket.id).map_or(&[][..], |(_, audits)| audits);
            self.state.unknown_authors(ticket.requester_id, audits, &mut strangers);
        }
        if !self.look_up(ask, strangers).await? {
            return Ok(false);
        }
        for ticket in &found.items {
            let audits = whole.iter().find(|(id, _)| *id == ticket.id).map_or(&[][..], |(_, audits)| audits);
            self.state.prove_by(ticket, audits);
        }
        let mut customers = BTreeSet::new();
        for (id, audits) in &whole {
            let Some(ticket) = found.items.iter().find(|ticket| ticket.id == *id) else { continue };
            let has_ended = status_of(ticket, &self.state.people).is_some_and(Status::is_ended);
            if !has_ended || !self.is_watched(ticket) {
                continue;
            }
            let customer = found.users.iter().find(|user| Some(user.id) == ticket.requester_id);
            if let Some(user) = customer.filter(|user| customers.insert(user.id)) {
                self.state.outbox.push(customer_line(user));
            }
            self.state.recount(ticket, audits, &self.site, ask);
        }
        Ok(true)
    }
}

/// Whether the last status that was told is an end.
fn has_ended(audits: &[Audit], people: &People) -> bool {
    let steps = audits.iter().rev().flat_map(|audit| audit.steps.iter().rev());
    let mut statuses = steps.filter_map(|step| match step {
        Part::Field { field: Field::Status(word), .. } => people.status(word),
        Part::Field { field: Field::CustomStatus(id), .. } => people.custom_status(*id),
        _ => None,
    });
    statuses.next().is_some_and(Status::is_ended)
}

/// Nothing but that an automation has closed a ticket that was solved days before: no figure needs that.
fn is_only_closed(audits: &[Audit]) -> bool {
    audits.iter().all(|audit| {
        let by_itself = audit.author == SYSTEM || audit.is_rule;
        let closes = |step: &Part| match step {
            Part::Field { field: Field::Status(word), .. } => word == "closed",
            Part::Comment { .. } => false,
            _ => true,
        };
        by_itself && audit.steps.iter().all(closes)
    })
}
