//! What was read and is not told yet, by ticket.

use std::collections::{BTreeMap, HashMap};

use super::people::People;
use super::story::{News, is_answer};
use super::threads::{self, Claim};
use super::wire::{Happened, Message, Ticket, What};
use crate::event::Timestamp;
use crate::source::lenient::Id;

/// What some pages brought.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub tickets: Vec<Ticket>,
    pub messages: Vec<Message>,
    pub events: Vec<Happened>,
}

/// What was read and is not told yet.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub records: BTreeMap<Id, Box<Ticket>>,
    news: BTreeMap<Id, News>,
    /// When the team last answered a ticket.
    answered_at: HashMap<Id, Timestamp>,
}

impl Heap {
    /// Of two records of one ticket the later one counts.
    pub(super) fn record(&mut self, ticket: Ticket) {
        let is_older = self.records.get(&ticket.id).is_some_and(|held| held.updated_datetime > ticket.updated_datetime);
        if !is_older {
            self.records.insert(ticket.id, Box::new(ticket));
        }
    }

    /// Takes what pages brought: all records, and what was said and happened where that is of use.
    pub(super) fn take(&mut self, pages: Pages, people: &People, is_of_use: impl Fn(&Self, Id) -> bool) {
        pages.tickets.into_iter().for_each(|ticket| self.record(ticket));
        for message in pages.messages {
            let id = message.ticket_id;
            if is_of_use(self, id) {
                if is_answer(&message, people) {
                    let at = message.created_datetime;
                    let answered_at = self.answered_at.entry(id).or_insert(at);
                    *answered_at = at.max(*answered_at);
                }
                push(&mut self.news.entry(id).or_default().messages, message);
            }
        }
        for event in pages.events {
            let Some(id) = event.ticket_id.filter(|_| event.what != What::Other) else { continue };
            if is_of_use(self, id) {
                push(&mut self.news.entry(id).or_default().events, event);
            }
        }
    }

    /// Whether somebody of the team has answered a ticket from then on, or it ended: what came before is not waited for.
    pub(super) fn is_answered(&self, ticket: &Ticket, from: Timestamp, look: Timestamp) -> bool {
        let ended_at = || self.news.get(&ticket.id).and_then(|news| news.ended_at(ticket, look));
        self.answered_at.get(&ticket.id).is_some_and(|at| *at >= from) || ended_at().is_some_and(|at| at >= from)
    }

    /// Whether it holds all the messages that a record speaks of, from then on.
    pub(super) fn has_all(&self, ticket: &Ticket, from: Timestamp) -> bool {
        let messages = self.news.get(&ticket.id).into_iter().flat_map(|news| &news.messages);
        threads::are_all(messages.filter(|message| message.created_datetime >= from), Claim::of(ticket))
    }

    /// Whether messages came to a ticket from another one since then, or went to one.
    pub(super) fn is_moved(&self, id: Id, since: Timestamp) -> bool {
        self.news.get(&id).is_some_and(|news| news.has_moved(since))
    }

    /// The first ticket of which there is something to tell.
    pub(super) fn first(&self) -> Option<Id> {
        let record = self.records.first_key_value().map(|(id, _)| *id);
        let news = self.news.first_key_value().map(|(id, _)| *id);
        record.into_iter().chain(news).min()
    }

    /// Takes out what there is to tell of a ticket, without what is older.
    pub(super) fn remove(&mut self, id: Id, from: Timestamp) -> (Option<Box<Ticket>>, News) {
        let mut news = self.news.remove(&id).unwrap_or_default();
        news.messages.retain(|message| message.created_datetime >= from);
        news.events.retain(|event| event.created_datetime >= from);
        (self.records.remove(&id), news)
    }
}

/// Most tickets have few: room is made for little more than there is.
fn push<T>(all: &mut Vec<T>, one: T) {
    if all.len() == all.capacity() {
        all.reserve_exact(1 + all.len() / 2);
    }
    all.push(one);
}
