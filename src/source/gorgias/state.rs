//! What the source knows between two polls, and what answers do to it. No requests.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;

use super::ask::Next;
use super::before::Before;
use super::heap::{Heap, Pages};
use super::past::Past;
use super::people::People;
use super::ratings::Ratings;
use super::reading::Reading;
use super::story::{Known, News, Teller, standing};
use super::walk::Walk;
use super::wire::{Message, Ticket};
use crate::event::{Capability, ConversationId, Event, Status, Timestamp};
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::pauses::Pauses;
use crate::source::sides::Sides;
use crate::source::skips::{Named, Skips};

/// Feeds are read so much further back than they were the last time: an entry may come to light late.
pub(super) const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// So long a record may say something else than what happened, before it is believed.
const DOUBT: TimeDelta = TimeDelta::seconds(30);
/// After so many tickets in a row that had fewer messages than their records said, no record is believed in that.
const ODD: usize = 5;
/// Ended tickets are forgotten after this.
const FORGET: TimeDelta = TimeDelta::days(2);

/// What the next poll does.
#[derive(Debug, Clone, Default)]
pub(super) enum Phase {
    /// Begins.
    #[default]
    Cold,
    /// Reads what is active: open tickets, then snoozed ones.
    Open { snoozed: bool, next: Option<Next>, read: usize },
    /// Reads the feeds back.
    Walk(Box<Walk>),
    /// Tells the rest of what they brought, looked at then: they hold all from an instant on.
    Tell { from: Timestamp, look: Timestamp },
    /// Looks up what was active by what earlier runs told.
    Recall,
    /// Reads what is new.
    Steady,
}

/// How what happened can be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Access {
    /// The key may read it.
    pub is_given: bool,
    /// The server takes the types that are asked for.
    pub is_typed: bool,
}

/// What the source knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub capabilities: Option<Vec<Capability>>,
    pub people: People,
    pub users_at: Timestamp,
    /// When they were last read as somebody was in no list.
    pub sought_at: Timestamp,
    pub teams_at: Timestamp,
    /// When was last tried whether what happened may be read.
    pub tried_at: Timestamp,
    pub pages: String,
    pub tickets: HashMap<Id, Known>,
    pub heap: Heap,
    /// Tickets that have to be read one by one; without a record those that are known, of which messages are missing.
    pub queue: BTreeMap<Id, Option<Box<Ticket>>>,
    /// So many tickets in a row had fewer messages than their records said.
    odd: usize,
    /// Tickets that were told to have ended as they were put away, though their customers wait; and when.
    pub away: BTreeMap<Id, Timestamp>,
    /// Tickets with a message that could not be delivered when it was told: it may be sent again.
    pub failed: BTreeSet<Id>,
    /// The queue of the start is not worked off yet.
    pub is_partial: bool,
    doubts: BTreeSet<Id>,
    /// By ticket and message, which may move to another ticket.
    seen_messages: HashMap<(Id, Id), Timestamp>,
    seen_events: HashMap<Id, Timestamp>,
    /// Feeds were read up to here, by the server's clock.
    pub mark: Timestamp,
    /// The newest change of a ticket that was seen, and when the feeds were last read.
    pub changed_to: Timestamp,
    pub read_at: Timestamp,
    pub asked_at: Timestamp,
    /// What is new, as far as it is read.
    pub reading: Option<Box<Reading>>,
    /// The last reading told how the desk was a while before its end.
    pub is_behind: bool,
    pub events: Access,
    pub sweep_at: Timestamp,
    pub sweep_after: Id,
    pub ratings: Ratings,
    pub past: Past,
    pub is_past_next: bool,
    /// What was active by what earlier runs told, and is not told yet. Once the start is over, those are left that can't
    /// be read.
    pub remembered: BTreeSet<Id>,
    /// Those that were looked up by this start.
    pub recalled: BTreeSet<Id>,
    /// Remembered conversations whose ids are no tickets'.
    pub strangers: Vec<ConversationId>,
    pub told_to: Option<Timestamp>,
    pub before: Before,
    /// What the news can do without and is left alone, as it could not be read.
    pub sides: Sides,
    /// Tickets whose own requests failed and that are left alone, and what of that is still to be said.
    pub pauses: Pauses<Id>,
    pub unsaid: Skips,
    /// What could not be read and was named.
    pub named: Named,
    pub outbox: Vec<Event>,
}

impl State {
    /// Begins anew, but for what it was told to remember.
    pub(super) fn forget(&mut self) {
        let (remembered, strangers) = (std::mem::take(&mut self.remembered), std::mem::take(&mut self.strangers));
        *self = Self { remembered, strangers, ..Self::default() };
    }

    fn teller<'a>(people: &'a mut People, pages: &'a str, look: Timestamp) -> Teller<'a> {
        Teller { people, pages, look, out: Vec::new() }
    }

    /// Whether the feeds, read back to `from`, tell all of a ticket that matters.
    fn is_settled(&self, ticket: &Ticket, from: Timestamp, look: Timestamp) -> bool {
        if self.is_read_alone(ticket.id) {
            return false;
        }
        let is_told = |told_to: Timestamp| from <= told_to && !self.heap.is_moved(ticket.id, told_to - OVERLAP);
        let was_told = self.remembered.contains(&ticket.id) && self.told_to.is_some_and(is_told);
        let is_whole = || from <= ticket.created_datetime && (self.odd >= ODD || self.heap.has_all(ticket, from));
        was_told || is_whole() || self.heap.is_answered(ticket, from, look)
    }

    /// Whether there is more to tell of a ticket than any feed shows.
    fn is_read_alone(&self, id: Id) -> bool {
        self.past.has_heard_of(id) || self.failed.contains(&id)
    }

    /// How many of the tickets on the heap need no more of the feeds than was read back to `from`.
    pub(super) fn settled(&self, from: Timestamp, look: Timestamp) -> usize {
        let is_done = |ticket: &&Ticket| self.is_read_alone(ticket.id) || self.is_settled(ticket, from, look);
        self.heap.records.values().map(Box::as_ref).filter(is_done).count()
    }

    /// Puts pages of the feeds on the heap, all of them.
    pub(super) fn keep_all(&mut self, pages: Pages) {
        self.heap.take(pages, &self.people, |_, _| true);
    }

    /// The same, without what was said and happened in tickets that are neither active nor known: they are most of a
    /// desk's day, and nothing of them is told.
    pub(super) fn keep_active(&mut self, pages: Pages) {
        let tickets = &self.tickets;
        self.heap.take(pages, &self.people, |heap, id| heap.records.contains_key(&id) || tickets.contains_key(&id));
    }

    /// Tells tickets that began after `from`, from which instant on the heap holds all messages and all that happened:
    /// nothing more will be found of them. How many there were.
    pub(super) fn tell_whole(&mut self, from: Timestamp, look: Timestamp) -> usize {
        // The first message may be a little older than its ticket; one that came from another ticket may be much older.
        let is_whole =
            |ticket: &&Ticket| ticket.created_datetime - OVERLAP >= from && self.is_settled(ticket, from, look);
        let whole = self.heap.records.values().map(Box::as_ref).filter(is_whole);
        let whole: Vec<Id> = whole.map(|ticket| ticket.id).filter(|id| !self.tickets.contains_key(id)).collect();
        for id in &whole {
            self.tell_one(*id, from, look);
        }
        whole.len()
    }

    /// Tells what is on the heap, of so many tickets at most: `from` is the instant from which on it holds all messages
    /// and all that happened. Whether that was all.
    pub(super) fn tell(&mut self, from: Timestamp, look: Timestamp, most: usize) -> bool {
        for _ in 0..most {
            let Some(id) = self.heap.first() else { break };
            self.tell_one(id, from, look);
        }
        let is_all = self.heap.first().is_none();
        if is_all {
            self.heap = Heap::default();
        }
        is_all
    }

    fn tell_one(&mut self, id: Id, from: Timestamp, look: Timestamp) {
        let is_settled = self.heap.records.get(&id).is_some_and(|ticket| self.is_settled(ticket, from, look));
        let (ticket, mut news) = self.heap.remove(id, from);
        let known = self.tickets.get(&id);
        let is_delivered = |message: &Message| known.is_some_and(|known| known.thread.is_delivered(message));
        news.messages.retain(|one| is_delivered(one) || !self.seen_messages.contains_key(&(id, one.id)));
        news.events.retain(|event| !self.seen_events.contains_key(&event.id));
        if let Some(mut known) = self.tickets.remove(&id) {
            // Where the feeds can't be read back to where the pause began, messages are missing.
            let is_gap = self.only_untold(&mut news).is_some_and(|told_from| told_from < from);
            let has_moved = news.has_moved(Timestamp::MIN);
            let may_be_delivered = known.thread.has_failed()
                && ticket.as_ref().is_some_and(|ticket| ticket.changed_at() > known.updated_at);
            self.see(&news);
            let mut teller = Self::teller(&mut self.people, &self.pages, look);
            teller.more(ticket.as_deref(), id, news, &mut known);
            self.outbox.append(&mut teller.out);
            if is_gap || has_moved || may_be_delivered || self.is_short(&known) {
                self.queue.entry(id).or_default();
            }
            self.keep(id, known, look);
        } else if let Some(ticket) = ticket {
            if self.is_news(&ticket, from, look) {
                if is_settled {
                    self.unqueue(id);
                    self.first(&ticket, news, from, look);
                } else {
                    self.queue.insert(id, Some(ticket));
                }
            } else if !ticket.is_away() {
                self.only_untold(&mut news);
                if !news.is_empty() {
                    self.past.hear_of(id);
                }
            }
        }
    }

    /// Drops what was told before a pause: the feeds are read back further than to where it began. Where that was.
    fn only_untold(&self, news: &mut News) -> Option<Timestamp> {
        let told_from = self.told_to? - OVERLAP;
        news.messages.retain(|message| message.created_datetime >= told_from);
        news.events.retain(|event| event.created_datetime >= told_from);
        Some(told_from)
    }

    /// Whether the record of a ticket speaks of messages that were not met, as far as records are right in that.
    fn is_short(&self, known: &Known) -> bool {
        self.odd < ODD && known.thread.is_short()
    }

    /// Keeps what is known of a ticket, and judges it.
    fn keep(&mut self, id: Id, mut known: Known, look: Timestamp) {
        self.judge(id, &mut known, look);
        if known.wait.is_held() {
            self.away.insert(id, known.last_at);
        } else {
            self.away.remove(&id);
        }
        if known.thread.has_failed() {
            self.failed.insert(id);
        } else {
            self.failed.remove(&id);
        }
        self.tickets.insert(id, known);
    }

    /// All messages of a known ticket were read: those are told that were not.
    fn again(&mut self, id: Id, mut news: News, look: Timestamp) {
        let Some(mut known) = self.tickets.remove(&id) else { return };
        self.odd = if known.thread.is_met_by(&news.messages) { 0 } else { self.odd + 1 };
        news.events.clear();
        self.see(&news);
        let mut teller = Self::teller(&mut self.people, &self.pages, look);
        teller.more(None, id, news, &mut known);
        self.outbox.append(&mut teller.out);
        known.thread.settle();
        self.keep(id, known, look);
    }

    /// A ticket of the queue was read by itself: all that was said in it, and that happened.
    pub(super) fn whole(&mut self, id: Id, news: News, look: Timestamp) {
        let ticket = self.queue.remove(&id).flatten();
        self.pauses.end(&id);
        match ticket {
            Some(ticket) if !self.tickets.contains_key(&id) => self.first(&ticket, news, Timestamp::MIN, look),
            _ => self.again(id, news, look),
        }
    }

    /// Tickets that are to be read one by one and are not left alone.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = Id> {
        self.queue.keys().copied().filter(move |id| !self.pauses.rests(id, now))
    }

    /// A ticket need not be read by itself any more.
    pub(super) fn unqueue(&mut self, id: Id) {
        if self.queue.remove(&id).is_some() {
            self.pauses.end(&id);
        }
    }

    /// The requests for a ticket failed: it is left alone for a while.
    pub(super) fn failed(&mut self, id: Id, error: &SourceError, now: Timestamp) {
        let error = SourceError::passing(format!("ticket {id}"), format!("can't be read: {error}"));
        self.pauses.leave(id, &error, now, &mut self.unsaid);
    }

    /// Whether something is to be told of a ticket that is not known: it is active, or was by what was told, or began after
    /// `from`.
    pub(super) fn is_news(&self, ticket: &Ticket, from: Timestamp, look: Timestamp) -> bool {
        let is_active = !standing(ticket, &self.people, look).status.is_ended();
        let begun_lately = from <= ticket.created_datetime && ticket.spam != Some(true);
        is_active || self.remembered.contains(&ticket.id) || begun_lately
    }

    /// Tells a ticket that was not told before.
    pub(super) fn first(&mut self, ticket: &Ticket, news: News, from: Timestamp, look: Timestamp) {
        self.see(&news);
        let told_to = self.told_to_of(ticket);
        let mut teller = Self::teller(&mut self.people, &self.pages, look);
        let is_whole = from <= ticket.created_datetime;
        let mut known = teller.first(ticket, news, from, told_to);
        if let Some(ended_at) = self.away.get(&ticket.id) {
            teller.come_back(ticket.id, *ended_at, &mut known);
        }
        self.outbox.append(&mut teller.out);
        if is_whole {
            self.odd = if known.thread.is_short() { self.odd + 1 } else { 0 };
        }
        known.thread.settle();
        self.remembered.remove(&ticket.id);
        self.past.heard(ticket.id);
        self.keep(ticket.id, known, look);
    }

    /// Up to where a ticket may have been told that is not known.
    fn told_to_of(&self, ticket: &Ticket) -> Option<Timestamp> {
        let is_expected = self.remembered.contains(&ticket.id) || self.away.contains_key(&ticket.id);
        self.before.of(ticket).or_else(|| is_expected.then_some(Timestamp::MIN))
    }

    /// The life of a ticket that ended, told by itself.
    pub(super) fn recount(&mut self, ticket: &Ticket, news: News, look: Timestamp) {
        // The customer stands beside each, as it may be kept apart from all the rest.
        let roster = std::mem::take(&mut self.people.roster);
        self.see(&news);
        // What is history alone was told by nobody.
        let told_to = self.before.of(ticket).filter(|_| self.past.has_heard_of(ticket.id));
        let mut teller = Self::teller(&mut self.people, &self.pages, look);
        teller.first(ticket, news, Timestamp::MIN, told_to);
        self.outbox.append(&mut teller.out);
        self.people.roster = roster;
        self.before.add(ticket.id, ticket.created_datetime);
    }

    /// Notes what is told, as far as the feeds may show it again.
    fn see(&mut self, news: &News) {
        let from = self.seen_from();
        let messages = news.messages.iter().map(|message| ((message.ticket_id, message.id), message.created_datetime));
        self.seen_messages.extend(messages.filter(|(_, at)| *at >= from));
        let events = news.events.iter().map(|event| (event.id, event.created_datetime));
        self.seen_events.extend(events.filter(|(_, at)| *at >= from));
    }

    fn seen_from(&self) -> Timestamp {
        self.mark - OVERLAP * 2
    }

    /// Compares what was told of a ticket with its record: the record is believed after a while, as what happened may
    /// come to light later.
    fn judge(&mut self, id: Id, known: &mut Known, look: Timestamp) {
        let is_clear = known.told == known.record || known.last_at > known.updated_at;
        if is_clear {
            known.doubt = None;
            self.doubts.remove(&id);
            return;
        }
        let since = *known.doubt.get_or_insert(look);
        self.doubts.insert(id);
        if !self.events.is_given || look - since >= DOUBT {
            let mut teller = Self::teller(&mut self.people, &self.pages, look);
            teller.settle(id, known);
            self.outbox.append(&mut teller.out);
            self.doubts.remove(&id);
        }
    }

    /// Judges again what is in doubt.
    pub(super) fn judge_doubts(&mut self, look: Timestamp) {
        for id in self.doubts.clone() {
            if let Some(known) = self.tickets.remove(&id) {
                self.keep(id, known, look);
            }
        }
    }

    /// Compares a record that no list of changes has shown with what was told. What is later than `late` is left to what
    /// happened. A change that its record does not date is of this look.
    pub(super) fn look_at(&mut self, ticket: &Ticket, late: Timestamp, look: Timestamp) {
        let standing = standing(ticket, &self.people, look);
        let Some(known) = self.tickets.get_mut(&ticket.id) else { return };
        let Some(at) = ticket.updated_datetime.filter(|at| *at < late) else { return };
        if at > known.updated_at {
            (known.record, known.updated_at) = (standing, at);
        } else if standing != known.told && known.last_at < late {
            (known.record, known.updated_at) = (standing, look);
        } else {
            return;
        }
        self.doubts.insert(ticket.id);
    }

    /// A ticket is not there any more.
    pub(super) fn vanish(&mut self, id: Id, look: Timestamp) {
        self.unqueue(id);
        if let Some(mut known) = self.tickets.remove(&id) {
            let mut teller = Self::teller(&mut self.people, &self.pages, look);
            teller.vanish(id, &mut known);
            known.record = known.told;
            self.outbox.append(&mut teller.out);
            self.keep(id, known, look);
        } else if self.remembered.remove(&id) {
            self.away.insert(id, look);
            self.end(super::story::conversation(id), look);
        }
    }

    /// Ends a conversation of which nothing is known but that it was active.
    pub(super) fn end(&mut self, conversation: ConversationId, look: Timestamp) {
        let (status, by) = (Status::Closed, Some(crate::event::StatusBy::System));
        let kind = crate::event::EventKind::Status { conversation, status, by, agent: None };
        self.outbox.push(Event::new(look, kind));
    }

    /// Tickets that a start looks up: what was active by what was told and was not met among what is active now, and
    /// what does not say whether it is spam.
    pub(super) fn unsure(&self, most: usize) -> Vec<Id> {
        let unmet = self.active().filter(|id| !self.heap.records.contains_key(id));
        let unclear = self.heap.records.values().filter(|ticket| ticket.spam.is_none()).map(|ticket| ticket.id);
        first(unmet.chain(unclear).filter(|id| !self.recalled.contains(id)), most)
    }

    /// What is active by what was told, also by earlier runs.
    fn active(&self) -> impl Iterator<Item = Id> {
        let active = self.tickets.iter().filter(|(_, known)| !known.told.status.is_ended());
        active.map(|(id, _)| *id).chain(self.remembered.iter().copied())
    }

    /// Tickets that are active by what was told, in order.
    pub(super) fn active_after(&self, after: Id, most: usize) -> Vec<Id> {
        let active = self.active().filter(|id| *id > after && !self.queue.contains_key(id));
        first(active, most)
    }

    /// Lets go of what ended long ago, and of what the feeds will not show again.
    pub(super) fn prune(&mut self) {
        let (seen_from, known_from) = (self.seen_from(), self.mark - FORGET);
        self.seen_messages.retain(|_, at| *at >= seen_from);
        self.seen_events.retain(|_, at| *at >= seen_from);
        let is_old = |known: &Known| known.told.status.is_ended() && known.last_at < known_from;
        for (id, known) in self.tickets.extract_if(|_, known| is_old(known)) {
            self.before.add(id, known.last_at);
            self.failed.remove(&id);
        }
    }
}

/// So many of them at most, in order.
fn first(ids: impl Iterator<Item = Id>, most: usize) -> Vec<Id> {
    let mut ids: Vec<Id> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(most);
    ids
}

#[cfg(test)]
impl State {
    /// One that has begun.
    pub(super) fn begun(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }
}
