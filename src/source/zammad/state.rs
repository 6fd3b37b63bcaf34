//! What the source remembers between two polls. It changes by functions that do not wait, a ticket at a time: a poll that
//! fails or is dropped leaves it whole. Events wait in `outbox` until a poll hands them over.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::LATE;
use super::ask::Place;
use super::book::Book;
use super::past::Past;
use super::story::{self, Story, Told, conversation};
use super::targets::{Outcome, Targets};
use super::wire::{NOBODY, Ticket};
use crate::event::{Author, CustomerId, Event, EventKind, Message, Status, StatusBy, Timestamp};
use crate::source::Cursor;
use crate::source::pauses::Pauses;
use crate::source::quiet::Quiet;
use crate::source::sides::Sides;
use crate::source::wanted::{Record, Wanted};

/// Ended tickets that are remembered.
const MAX_ENDED: usize = 20_000;
/// Tickets that left, as many as are remembered over a restart.
const MAX_LEFT: usize = 1000;

/// Where the source is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Nothing was read yet.
    #[default]
    Cold,
    /// Open tickets are read, the oldest first.
    Open(Place),
    /// Those of which the fields do not say whether somebody waits are read whole.
    Doubtful,
    /// Changes are followed.
    Steady,
}

/// What has to be remembered over a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Every change up to then was told.
    pub heard_to: Timestamp,
    /// Every ended ticket that changed since then is told; nothing before any history was read.
    #[serde(default)]
    pub told_from: Option<Timestamp>,
    /// Tickets that were ended here because they left.
    #[serde(default)]
    pub left: Vec<u64>,
    /// Tickets that could not be read, and are left alone.
    #[serde(default)]
    pub unread: Vec<u64>,
}

impl Record for Ticket {
    type Id = u64;

    fn id(&self) -> u64 {
        self.id
    }

    fn changed_at(&self) -> Timestamp {
        self.updated_at
    }
}

/// A ticket, as far as its next look needs it.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    updated_at: Timestamp,
    ended: bool,
    /// How far its articles and history were told, where they were.
    told: Option<Told>,
    /// What it is about, as a print.
    about: u64,
    targets: Targets,
}

/// A look for changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// By this machine's clock.
    began_at: Timestamp,
    /// The newest change that was known then.
    heard_to: Timestamp,
    pub place: Place,
}

/// A look at all open tickets, a page a poll.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refill {
    pub place: Place,
    /// Those that were found, or of which something was heard since it began.
    pub found: HashSet<u64>,
}

/// What the source remembers between two polls.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub book: Book,
    tickets: HashMap<u64, Known>,
    /// Tickets to be read whole.
    pub wanted: Wanted<Ticket>,
    /// Those that an earlier run could not read.
    unread: BTreeSet<u64>,
    /// A ticket that could be read, to find out whether others can.
    pub readable: Option<u64>,
    /// How often one was asked for that was not wanted.
    asked_for: usize,
    /// Tickets that wait by their fields, until it is known which of two times the fields show.
    waiting: Vec<Ticket>,
    is_first_contact: bool,
    /// Tickets that are to be looked after: not among the open ones though they should be.
    pub missing: BTreeSet<u64>,
    /// Looks after them that failed.
    pub pauses: Pauses<u64>,
    /// Tickets that are active by what an earlier run told.
    remembered: BTreeSet<u64>,
    left: HashSet<u64>,
    pub heard_to: Timestamp,
    /// Up to when an earlier run told all, where there was one that left word.
    resumed_at: Option<Timestamp>,
    /// How far the history was read.
    pub past: Past,
    /// A look for changes that goes on, where there are more than a poll reads.
    pub look: Option<Look>,
    quiet: Quiet,
    /// The last poll went well, but left tickets to be read whole.
    pub is_cut: bool,
    pub refilled_at: Timestamp,
    pub refill: Option<Refill>,
    /// The news were just asked for: the next poll may read a page of history.
    pub is_history_next: bool,
    /// Lists that could not be read.
    pub sides: Sides,
    /// States that the list of them lacks.
    pub strange: Pauses<u64>,
    pub outbox: Vec<Event>,
    agents: HashSet<u64>,
    customers: HashSet<u64>,
}

impl State {
    /// Knows who is who; goes on where another stood.
    pub(super) fn begun(book: Book, mark: Option<Mark>, there: Timestamp, mut missing: BTreeSet<u64>) -> Self {
        let heard_to = mark.as_ref().map_or(there, |mark| mark.heard_to.min(there));
        let resumed_at = mark.as_ref().map(|_| heard_to);
        let told_from = mark.as_ref().and_then(|mark| mark.told_from).unwrap_or(heard_to);
        let (left, unread) = mark.map(|mark| (mark.left, mark.unread)).unwrap_or_default();
        let (left, unread) = (left.into_iter().collect(), unread.into_iter().collect::<BTreeSet<u64>>());
        let remembered = missing.clone();
        missing.extend(&unread);
        let past = Past::begun(told_from);
        Self { book, unread, missing, remembered, left, heard_to, resumed_at, past, ..Self::default() }
    }

    /// What has to be remembered over a restart.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let mut left: Vec<u64> = self.left.iter().copied().collect();
        left.sort_unstable();
        left.drain(..left.len().saturating_sub(MAX_LEFT));
        // What is wanted but not yet read is not told: a start from here finds it again.
        let queue = self.wanted.queue().map(|ticket| ticket.updated_at).min().filter(|_| self.phase == Phase::Steady);
        let heard_to = queue.map_or(self.heard_to, |queued| queued.min(self.heard_to));
        // What is left alone may have changed long ago: it is known by its number.
        let unread: BTreeSet<u64> = self.wanted.aside().chain(self.unread.iter().copied()).collect();
        let unread = unread.into_iter().collect();
        Cursor::of(&Mark { heard_to, told_from: Some(self.past.mark()), left, unread })
    }

    /// Knows nothing any more but what it was told before the first poll.
    pub(super) fn forget(&mut self) {
        *self = Self { missing: std::mem::take(&mut self.missing), ..Self::default() };
    }

    /// Lines of all agents but the account that asks: that one is shown once it does something.
    pub(super) fn introduce_agents(&mut self) {
        let users: Vec<u64> = self.book.users.keys().copied().filter(|user| *user != self.book.own).collect();
        for user in users {
            self.introduce(user, "");
        }
    }

    /// Agents may have other names or groups: they are told again.
    pub(super) fn agents_changed(&mut self) {
        self.agents.clear();
        self.introduce_agents();
    }

    fn introduce(&mut self, user: u64, called: &str) {
        self.book.meet(user);
        if user > NOBODY && self.agents.insert(user) {
            self.outbox.push(self.book.line(user, called));
        }
    }

    /// A look for changes, from so far before the newest one that what becomes visible late is found.
    pub(super) fn look_anew(&self, now: Timestamp) -> Look {
        let place = Place::at(self.heard_to - self.quiet.overlap(LATE));
        Look { began_at: now, heard_to: self.heard_to, place }
    }

    /// A change of that instant was found.
    pub(super) fn hear(&mut self, at: Timestamp) {
        if at > self.heard_to {
            self.heard_to = at;
            self.quiet.broken();
        }
    }

    /// A look was read to its end.
    pub(super) fn looked(&mut self, look: &Look) {
        if look.heard_to == self.heard_to {
            self.quiet.looked(look.began_at);
        }
    }

    /// Whether this look at a ticket shows something new.
    pub(super) fn is_news(&self, ticket: &Ticket) -> bool {
        self.tickets.get(&ticket.id).is_none_or(|known| known.updated_at < ticket.updated_at)
    }

    /// Whether it is known at all.
    pub(super) fn knows(&self, id: u64) -> bool {
        self.tickets.contains_key(&id)
    }

    /// Whether any is.
    pub(super) fn knows_any(&self) -> bool {
        !self.tickets.is_empty()
    }

    /// Tickets that are not ended.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        self.tickets.iter().filter(|(_, known)| !known.ended).map(|(id, _)| *id)
    }

    /// A ticket that is not wanted, to find out whether any can be read: the last that was, else each time another one.
    pub(super) fn another(&mut self) -> Option<u64> {
        let last = self.readable.take().filter(|id| !self.wanted.has(*id));
        let others = || self.tickets.keys().copied().filter(|id| !self.wanted.has(*id));
        self.asked_for += 1;
        last.or_else(|| others().nth(self.asked_for % others().count().max(1)))
    }

    /// A ticket that changed is to be read whole.
    pub(super) fn want(&mut self, ticket: Ticket) {
        if let Some(refill) = &mut self.refill {
            refill.found.insert(ticket.id);
        }
        self.wanted.want(ticket);
    }

    /// Open tickets as a start finds them: told by their fields; those that leave a doubt are read whole.
    pub(super) fn found(&mut self, tickets: Vec<Ticket>, site: &str) {
        for ticket in tickets {
            let was_told = self.missing.remove(&ticket.id);
            if self.knows(ticket.id) {
                continue;
            }
            self.introduce_people(&ticket);
            // What an earlier run told of it lacks what happened since, and may have an end that it has not any more: only
            // its history tells that it was opened again.
            let is_behind = self.resumed_at.map_or(was_told, |at| ticket.updated_at >= at - LATE);
            if is_behind || self.left.contains(&ticket.id) || self.unread.contains(&ticket.id) {
                self.want(ticket);
                continue;
            }
            let mut events = Vec::new();
            story::cheap(&ticket, &self.book, site, &mut events);
            self.outbox.append(&mut events);
            let known = self.known(&ticket, None, self.heard_to);
            self.tickets.insert(ticket.id, known);
            self.is_first_contact |= story::shows_first_contact(&ticket);
            match story::waits(&ticket) {
                None => self.wanted.want(ticket),
                Some(true) if ticket.article_count != Some(1) => self.waiting.push(ticket),
                Some(_) => {}
            }
        }
    }

    /// All open tickets are found. Where none proves that the fields show since when its customer waits, they may show
    /// when the customer last wrote: then those who wait are read whole, too.
    pub(super) fn all_found(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if !self.is_first_contact {
            for ticket in waiting {
                self.wanted.want(ticket);
            }
        }
        self.phase = Phase::Doubtful;
    }

    /// Tells what is new in a ticket that was read whole.
    pub(super) fn told(&mut self, story: &Story, site: &str, there: Timestamp) {
        let ticket = &story.ticket;
        self.missing.remove(&ticket.id);
        self.unread.remove(&ticket.id);
        self.introduce_people(ticket);
        self.introduce_actors(story);
        let before = self.tickets.get(&ticket.id).cloned();
        let told = before.as_ref().and_then(|known| known.told);
        let mut events = Vec::new();
        story.events(&self.book, site, told, &mut events);
        let known = self.known(ticket, Some(story), there);
        if told.is_some() && before.is_some_and(|before| before.about != known.about) {
            let opened = crate::event::Opened { team: None, ..story::opened(ticket, site) };
            events.push(Event::new(ticket.updated_at, opened));
        }
        if !known.ended && self.left.remove(&ticket.id) {
            self.come_back(story, there, &mut events);
        }
        self.outbox.append(&mut events);
        self.tickets.insert(ticket.id, known);
    }

    /// A ticket that was ended here because it left is open again. The ending has ended its wait in the stream; a
    /// customer who waits still is told to wait from now on, which is too short but not hidden.
    fn come_back(&self, story: &Story, there: Timestamp, events: &mut Vec<Event>) {
        let (conversation, status) = (conversation(story.ticket.id), self.book.status(story.ticket.state_id));
        let by = Some(StatusBy::System);
        events
            .push(Event::new(there, EventKind::Status { conversation: conversation.clone(), status, by, agent: None }));
        let said = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Message(message) if message.public != Some(false) && message.from != Author::Bot => {
                Some(message.from)
            }
            _ => None,
        });
        if said == Some(Author::Customer) {
            events.push(Event::new(there, Message::public(conversation, Author::Customer, None)));
        }
    }

    /// Tells a ticket that is history. Nothing of it is kept in mind, and nobody counts as introduced by it: whoever is
    /// told may pass it by.
    pub(super) fn recount(&mut self, story: &Story, site: &str) {
        let (agents, groups) = (self.agents.clone(), self.book.groups.clone());
        let customer = story.ticket.customer_id.unwrap_or(0);
        let is_known = self.customers.remove(&customer);
        self.introduce_people(&story.ticket);
        self.introduce_actors(story);
        let mut events = Vec::new();
        story.events(&self.book, site, None, &mut events);
        self.outbox.append(&mut events);
        (self.agents, self.book.groups) = (agents, groups);
        if !is_known {
            self.customers.remove(&customer);
        }
    }

    /// It is not there any more though nothing says why: deleted, hidden, or moved out of what is watched. Only what was
    /// told to be active is told to end.
    pub(super) fn end(&mut self, id: u64, there: Timestamp) {
        self.missing.remove(&id);
        self.wanted.remove(id);
        self.unread.remove(&id);
        let was_active = self.remembered.remove(&id);
        if self.tickets.remove(&id).map_or(!was_active, |known| known.ended) {
            return;
        }
        self.left.insert(id);
        let (conversation, by) = (conversation(id), Some(StatusBy::System));
        let kind = EventKind::Status { conversation, status: Status::Closed, by, agent: None };
        self.outbox.push(Event::new(there, kind));
    }

    /// Forgets ended tickets once there are many; they are read anew when something happens to them.
    pub(super) fn prune(&mut self) {
        if self.tickets.values().filter(|known| known.ended).count() > MAX_ENDED {
            let lately = self.heard_to - TimeDelta::hours(1);
            self.tickets.retain(|_, known| !known.ended || known.updated_at >= lately);
        }
    }

    /// Tells the targets that stand still though they were due by then. Of tickets that are still to be read nothing is
    /// certain.
    pub(super) fn tell_missed(&mut self, by: Timestamp) {
        let wanted = &self.wanted;
        let is_certain = |id: u64, known: &Known| !known.ended && !self.missing.contains(&id) && !wanted.has(id);
        for (&id, known) in &mut self.tickets {
            if is_certain(id, known) {
                let missed = known.targets.missed(by);
                self.outbox.extend(missed.into_iter().map(|outcome| target(id, outcome)));
            }
        }
    }

    /// What is kept of a ticket after a look; tells what became of its targets since the last one.
    fn known(&mut self, ticket: &Ticket, story: Option<&Story>, there: Timestamp) -> Known {
        let last_state = story.and_then(|story| story.rows.iter().rev().find(|row| row.changes("state"))?.id_to);
        let is_merged = story.is_some_and(|story| story.rows.iter().any(|row| row.merged_into(ticket.id).is_some()));
        let ended = is_merged || self.book.status(last_state.unwrap_or(ticket.state_id)).is_ended();
        let before = self.tickets.get(&ticket.id).map(|known| (known.targets, known.updated_at));
        let mut targets = before.map(|(targets, _)| targets).unwrap_or_default();
        if let (Some((_, looked_at)), Some(story)) = (before, story) {
            let outcomes = targets.became(story, &self.book, looked_at, there);
            self.outbox.extend(outcomes.into_iter().map(|outcome| target(ticket.id, outcome)));
        }
        targets.see(ticket, ended);
        Known {
            updated_at: ticket.updated_at,
            ended,
            told: story.map(Story::told),
            about: xxh3_64(format!("{:?} {}", ticket.customer_id, ticket.title).as_bytes()),
            targets,
        }
    }

    /// Those whom the ticket's fields name, and its group where groups can't be listed.
    fn introduce_people(&mut self, ticket: &Ticket) {
        if let Some(owner) = ticket.holder() {
            self.introduce(owner, &ticket.owner);
        }
        if let Some(customer) = ticket.customer_id.filter(|customer| *customer > NOBODY)
            && self.customers.insert(customer)
        {
            let name = Some(ticket.customer.trim()).filter(|name| !name.is_empty() && *name != "-").map(str::to_owned);
            let id = CustomerId::new(story::word(customer));
            self.outbox.push(Event::undated(EventKind::Customer { id, name, segment: None }));
        }
        if let Some(group) = ticket.group_id
            && !ticket.group.is_empty()
            && self.book.groups.get(&group) != Some(&ticket.group)
        {
            self.book.groups.insert(group, ticket.group.clone());
            self.outbox.push(Event::undated(EventKind::Team { id: story::team(group), name: ticket.group.clone() }));
        }
    }

    /// Agents whom only the articles or the history name.
    fn introduce_actors(&mut self, story: &Story) {
        for row in story.rows.iter().filter(|row| row.changes("owner")) {
            if let Some(owner) = row.id_to.filter(|owner| *owner > NOBODY) {
                self.introduce(owner, &row.value_to);
            }
        }
        let authors: BTreeSet<u64> = story
            .articles
            .iter()
            .filter(|article| story::author(article) == Author::Agent)
            .filter_map(|article| article.created_by_id)
            .collect();
        for author in authors {
            self.introduce(author, "");
        }
        for row in &story.rows {
            if let Some(user) = row.created_by_id.filter(|user| self.book.is_agent(*user)) {
                self.introduce(user, "");
            }
        }
    }
}

/// The event of a target.
fn target(ticket: u64, (metric, due, at): Outcome) -> Event {
    Event::new(at, EventKind::Sla { conversation: conversation(ticket), metric, due })
}
