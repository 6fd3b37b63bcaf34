//! The feeds since they were last read: what changed, and only where something did, what was said and what happened. Some
//! pages a poll: what is missing is read in the next one, and all is told at its end.
//!
//! A reading that took more than one poll tells how the desk was when it began, for its feeds were read at different
//! instants; what came later is read by the next one. A ticket that changes meanwhile moves to the front of the list, past
//! the pages that are still to come: of one that is not known, only its messages and events are met. It is looked up.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;

use super::Gorgias;
use super::ask::{Ask, PER_PAGE};
use super::heap::{Heap, Pages};
use super::start::MOST;
use super::state::{OVERLAP, State};
use super::story::Known;
use super::walk::Feed;
use super::wire::{Ticket, What};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::lenient::Id;

/// Messages and events are read at least so often, also where no ticket seems to have changed.
const LEAST: TimeDelta = TimeDelta::minutes(2);

/// A reading that is under way.
#[derive(Debug)]
pub(super) struct Reading {
    /// The feeds are read back to here.
    since: Timestamp,
    /// The newest change of a ticket that was seen before, and that is seen now.
    changed_to: Timestamp,
    newest: Timestamp,
    /// When the first page came, by the server's clock.
    begun_at: Option<Timestamp>,
    /// When the last page came, by our own.
    pub read_at: Timestamp,
    /// It goes on in another poll than the one it began in.
    is_long: bool,
    tickets: Feed,
    messages: Feed,
    events: Feed,
    brought: Pages,
    /// Tickets that were looked up, and those of them that are there.
    looked_up: BTreeSet<Id>,
    found: Vec<Ticket>,
}

/// What is still to be read.
enum Missing {
    Tickets,
    Messages,
    Events,
    Lost(Vec<Id>),
}

impl Reading {
    fn new(since: Timestamp, changed_to: Timestamp) -> Self {
        Self {
            since,
            changed_to,
            newest: changed_to,
            begun_at: None,
            read_at: Timestamp::MIN,
            is_long: false,
            tickets: Feed::default(),
            messages: Feed::default(),
            events: Feed::default(),
            brought: Pages::default(),
            looked_up: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// What is read next. Messages and events are read where a ticket has changed, or where it is time for them.
    fn missing(&self, is_due: bool, has_events: bool, known: &HashMap<Id, Known>) -> Option<Missing> {
        let is_short = |feed: &Feed| feed.from() > self.since;
        let has_changes = || self.brought.tickets.iter().any(|ticket| !self.is_told(ticket, known));
        if is_short(&self.tickets) {
            Some(Missing::Tickets)
        } else if !is_due && !has_changes() {
            None
        } else if is_short(&self.messages) {
            Some(Missing::Messages)
        } else if has_events && is_short(&self.events) {
            Some(Missing::Events)
        } else {
            let lost = self.lost(known);
            (!lost.is_empty()).then_some(Missing::Lost(lost))
        }
    }

    /// Whether all that a record tells was told.
    fn is_told(&self, ticket: &Ticket, known: &HashMap<Id, Known>) -> bool {
        let told_to = known.get(&ticket.id).map_or(self.changed_to, |known| known.updated_at);
        ticket.changed_at() <= told_to
    }

    /// Up to when its pages are told.
    fn until(&self) -> Timestamp {
        self.begun_at.filter(|_| self.is_long).unwrap_or(Timestamp::MAX)
    }

    /// Tickets that are met in the other feeds alone, a hundred at most.
    fn lost(&self, known: &HashMap<Id, Known>) -> Vec<Id> {
        if !self.is_long {
            // What comes within a poll is read again by the next one.
            return Vec::new();
        }
        let until = self.until();
        let met = self.brought.tickets.iter().filter(|ticket| ticket.changed_at() <= until);
        let met: HashSet<Id> = met.map(|ticket| ticket.id).collect();
        let messages = self.brought.messages.iter().map(|message| (message.created_datetime, message.ticket_id));
        let events = self.brought.events.iter().filter(|event| event.what != What::Other);
        let events = events.filter_map(|event| Some((event.created_datetime, event.ticket_id?)));
        let lost: BTreeSet<Id> = messages
            .chain(events)
            .filter(|(at, _)| (self.since..=until).contains(at))
            .map(|(_, id)| id)
            .filter(|id| !known.contains_key(id) && !met.contains(id) && !self.looked_up.contains(id))
            .collect();
        lost.into_iter().take(PER_PAGE).collect()
    }

    /// One page more.
    async fn read(&mut self, missing: Missing, ask: &mut Ask) -> Result<(), SourceError> {
        match missing {
            Missing::Tickets => {
                let page = ask.changed(self.tickets.next.as_ref()).await?;
                let times = || page.items.iter().filter_map(|ticket| ticket.updated_datetime);
                self.newest = times().fold(self.newest, Timestamp::max);
                self.tickets.read(times().min(), page.next);
                let since = self.since;
                self.brought.tickets.extend(page.items.into_iter().filter(|ticket| ticket.changed_at() >= since));
            }
            Missing::Messages => {
                let page = ask.messages(self.messages.next.as_ref()).await?;
                self.messages.read(page.items.iter().map(|message| message.created_datetime).min(), page.next);
                self.brought.messages.extend(page.items);
            }
            Missing::Events => {
                let page = ask.events(Some(self.since), self.events.next.as_ref()).await?;
                self.events.read(page.items.iter().map(|event| event.created_datetime).min(), page.next);
                self.brought.events.extend(page.items);
            }
            Missing::Lost(ids) => {
                self.found.extend(ask.tickets(&ids).await?.tickets);
                self.looked_up.extend(ids);
            }
        }
        self.begun_at.get_or_insert(ask.at());
        self.read_at = ask.now;
        Ok(())
    }
}

impl Gorgias {
    /// Reads some pages of what is new, and tells it where these were the last. Whether they were.
    pub(super) async fn news(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let State { reading, tickets, changed_to, read_at, mark, events, people, .. } = &mut self.state;
        let reading = reading.get_or_insert_with(|| Box::new(Reading::new(*mark - OVERLAP, *changed_to)));
        reading.is_long |= reading.begun_at.is_some();
        let is_due = ask.now - *read_at >= LEAST;
        while let Some(missing) = reading.missing(is_due, events.is_given, tickets) {
            if ask.sent() >= MOST {
                return Ok(false);
            }
            let Err(error) = reading.read(missing, ask).await else { continue };
            let is_refused = matches!(error, SourceError::Unsupported { .. });
            if is_refused && reading.is_long {
                // A cursor does not live long: from the first page again.
                self.state.reading = None;
                return Ok(false);
            }
            if is_refused {
                self.state.reading = None;
            }
            return Err(error);
        }
        let has_feeds = reading.messages.from() <= reading.since;
        let Pages { tickets, messages, events } = &reading.brought;
        let missed = people.missed(tickets, messages, events);
        self.seek(missed, ask).await?;
        self.tell_news(ask, has_feeds);
        Ok(true)
    }

    fn tell_news(&mut self, ask: &Ask, has_feeds: bool) {
        let Some(reading) = self.state.reading.take() else { return };
        let (since, until, is_long) = (reading.since, reading.until(), reading.is_long);
        let (begun_at, mut brought) = (reading.begun_at.unwrap_or_else(|| ask.at()), reading.brought);
        // Without the feeds nothing is told: what was met is met again.
        if has_feeds {
            brought.tickets.retain(|ticket| ticket.changed_at() <= until);
            brought.messages.retain(|message| message.created_datetime <= until);
            brought.events.retain(|event| event.created_datetime <= until);
            self.state.read_at = ask.now;
            self.state.heap = Heap::default();
            self.state.keep_all(brought);
            self.state.tell(since, ask.at(), usize::MAX);
            self.state.mark = begun_at;
            for ticket in reading.found {
                if self.state.is_news(&ticket, since, ask.at()) {
                    self.state.queue.insert(ticket.id, Some(Box::new(ticket)));
                }
            }
        }
        self.state.changed_to = self.state.changed_to.max(reading.newest.min(until));
        self.state.asked_at = ask.now;
        // One that follows at once and is as long shows a desk on which that much happens: the next is read in its time.
        self.state.is_behind = is_long && !self.state.is_behind;
        self.state.judge_doubts(ask.at());
    }
}
