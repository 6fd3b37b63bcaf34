//! What the source remembers between two polls. Changed only by functions that do not wait, so a poll that is dropped
//! leaves it whole; events wait in `outbox` until a poll hands them over.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use compact_str::CompactString;

use super::ask::Ask;
use super::feed::Position;
use super::mark::Mark;
use super::past::Past;
use super::people::{People, holder};
use super::story::{Placed, Story, conversation, step};
use super::sweep::Sweep;
use super::wire::{Ref, Row, Ticket};
use crate::event::{AgentId, Author, CustomerId, Event, EventKind, Message, StatusBy, Timestamp};
use crate::source::SourceError;
use crate::source::http::words::excerpt;
use crate::text::counted;

/// Writers of neither side that are remembered, in case they turn out to be new staff.
const MAX_STRANGERS: usize = 1000;
/// Ended tickets that are remembered, so that a reopening costs no request.
const MAX_ENDED: usize = 20_000;

/// Where rows come from.
const LOG: &str = "GET /REST/2.0/transactions";

/// Where the source is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Nothing was read yet.
    #[default]
    Cold,
    /// Open tickets are read, by number.
    Open {
        /// The last one.
        after: u64,
        /// How many so far.
        read: usize,
    },
    /// The log is followed.
    Steady,
}

/// A ticket, as far as its next transaction needs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub requestors: Vec<CompactString>,
    pub status: CompactString,
    pub owner: Option<AgentId>,
    pub ended: bool,
}

/// What the source remembers between two polls.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub people: People,
    pub position: Position,
    /// When the log was last seen to its end.
    pub heard_at: Timestamp,
    pub past: Past,
    /// Tickets that were open by what was told before this start, and of which nothing was seen yet.
    pub remembered: BTreeSet<u64>,
    /// The news were just asked for: the next poll may read a page of history.
    pub is_history_next: bool,
    pub tickets: HashMap<u64, Known>,
    pub outbox: Vec<Event>,
    pub checked_at: Timestamp,
    pub checks: u32,
    pub sweep: Option<Sweep>,
    /// Tickets to be read anew: somebody who wrote there has become staff.
    pub recheck: BTreeSet<u64>,
    /// Tickets that left the watched queues, and were therefore ended here.
    pub left: HashSet<u64>,
    /// Active tickets that are not told, as it is not seen how they began; with the type of their first row, if any.
    pub unseen: BTreeMap<u64, Option<CompactString>>,
    strangers: HashMap<CompactString, BTreeSet<u64>>,
    agents: HashSet<AgentId>,
    customers: HashSet<CompactString>,
}

impl State {
    fn of(people: People) -> Self {
        Self { people, ..Self::default() }
    }

    /// Knows who is who, and that the log ends at `newest`.
    pub(super) fn begun(people: People, newest: u64, now: Timestamp) -> Self {
        Self { position: Position::at(newest), heard_at: now, ..Self::of(people) }
    }

    /// Goes on where another stood; `newest` is the end of the log.
    pub(super) fn resumed(people: People, mark: Mark, newest: u64) -> Self {
        Self {
            position: Position::resumed(mark.last.min(newest), mark.settled),
            heard_at: mark.heard_at,
            left: mark.left.into_iter().collect(),
            past: mark.past,
            ..Self::of(people)
        }
    }

    /// What has to be remembered over a restart. The log is read from here also by one that begins before all open
    /// tickets were told: what was told of them may have ended by then.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            last: self.position.last,
            settled: self.position.settled(),
            heard_at: self.heard_at,
            left: self.left.iter().copied().collect(),
            past: self.past.clone(),
        }
    }

    /// All open tickets are read: from now on the log is followed.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.phase = Phase::Steady;
        self.checked_at = now;
    }

    /// Open tickets as they are known here.
    pub(super) fn open(&self) -> usize {
        self.tickets.values().filter(|known| !known.ended).count()
    }

    /// Tickets that have to be read whole before these rows can be told.
    pub(super) fn to_adopt(&self, rows: &[Row]) -> Vec<u64> {
        let mut wanted = self.recheck.clone();
        for row in rows {
            match row.merged_into() {
                Some(into) => drop(wanted.insert(into)),
                None if row.is_about_opening() || !self.tickets.contains_key(&row.ticket) => {
                    wanted.insert(row.ticket);
                }
                None => {}
            }
        }
        wanted.into_iter().collect()
    }

    /// Sets the tickets aside of which no row that created them is seen: whether anybody waits there is not known.
    pub(super) fn set_aside(&mut self, stories: Vec<Story>, ask: &mut Ask) -> Vec<Story> {
        let (whole, headless): (Vec<_>, Vec<_>) = stories
            .into_iter()
            .partition(|story| story.create().is_some() || self.tickets.contains_key(&story.ticket.id));
        for story in &headless {
            let id = story.ticket.id;
            let first = story.rows.first().map(|row| row.kind.clone());
            let reason = match &first {
                None => "none of its transactions is seen (right ShowTicket?), so it is left out".to_owned(),
                Some(kind) => {
                    format!("no `Create` among its transactions, the first is `{}`, so it is left out", excerpt(kind))
                }
            };
            let known = if self.people.status(&story.ticket.status).is_ended() {
                self.unseen.remove(&id).is_some()
            } else {
                self.unseen.insert(id, first).is_some()
            };
            if !known {
                ask.skips.note(format!("{LOG} of ticket {id}"), ".", &reason);
            }
        }
        whole
    }

    /// Begins anew, and says why, where there are open tickets and it is seen of none how it began.
    pub(super) fn see(&mut self) -> Result<(), SourceError> {
        let Some(error) = self.blindness() else { return Ok(()) };
        self.forget();
        Err(error)
    }

    /// Knows nothing any more but what it was told before the first poll.
    pub(super) fn forget(&mut self) {
        *self = Self { remembered: std::mem::take(&mut self.remembered), ..Self::default() };
    }

    /// Why nothing can be told, where there are open tickets and it is seen of none how it began.
    pub(super) fn blindness(&self) -> Option<SourceError> {
        if self.unseen.is_empty() || !self.tickets.is_empty() {
            return None;
        }
        let tickets = counted(self.unseen.len() as u64, "open ticket");
        Some(match self.unseen.values().flatten().next() {
            None => SourceError::Forbidden {
                place: LOG.into(),
                what: format!(
                    "no transaction of the {tickets} is seen, so nobody knows who waits: give the account the right \
                     ShowTicket on these queues"
                ),
            },
            Some(kind) => SourceError::Schema {
                place: LOG.into(),
                path: "items[0].Type".into(),
                what: format!("no `Create` among the transactions of the {tickets}, but `{}`", excerpt(kind)),
            },
        })
    }

    /// Tells the stories of tickets that were read whole, and the rows of those known before.
    pub(super) fn told(&mut self, rows: &[Row], wanted: &[u64], stories: Vec<Story>, site: &str, now: Timestamp) {
        let mut placed = Vec::new();
        let whole: HashSet<u64> = wanted.iter().copied().collect();
        for row in rows.iter().filter(|row| !whole.contains(&row.ticket)) {
            let Some(known) = self.tickets.get_mut(&row.ticket) else { continue };
            let told = placed.len();
            step(row, conversation(row.ticket), &self.people, &known.requestors, &mut placed);
            if row.is_status_change() {
                known.status.clone_from(&row.new);
                known.ended = self.people.status(&row.new).is_ended();
            } else if row.is_owner_change() {
                known.owner = self.people.owner(&row.new);
            } else if told == placed.len() {
                let requestors = known.requestors.clone();
                self.stranger(row, &requestors);
            }
            if let Some(sweep) = &mut self.sweep {
                sweep.touched.insert(row.ticket);
            }
        }
        self.adopt_into(stories, site, now, &mut placed);
        self.recheck.clear();
        self.post(placed);
    }

    /// Tells the stories of tickets that were read whole.
    pub(super) fn adopted(&mut self, stories: Vec<Story>, site: &str, now: Timestamp) {
        let mut placed = Vec::new();
        self.adopt_into(stories, site, now, &mut placed);
        self.post(placed);
    }

    fn adopt_into(&mut self, stories: Vec<Story>, site: &str, now: Timestamp, placed: &mut Vec<Placed>) {
        for story in stories {
            self.introduce_customers(&story.ticket);
            story.events(&self.people, site, placed);
            let id = story.ticket.id;
            let known = self.known(&story);
            if self.left.remove(&id) && !known.ended {
                self.come_back(&story, &known, now, placed);
            }
            self.position
                .told(story.rows.iter().chain(story.merged.iter().flat_map(|(_, rows)| rows)).map(|row| row.id));
            for row in &story.rows {
                self.stranger(row, &known.requestors);
            }
            self.unseen.remove(&id);
            self.remembered.remove(&id);
            self.tickets.insert(id, known);
            for (source, _) in &story.merged {
                self.remembered.remove(source);
                self.tickets.remove(source);
            }
            if let Some(sweep) = &mut self.sweep {
                sweep.touched.insert(id);
            }
        }
    }

    /// A ticket that was ended here because it left is open again. The ending has ended its wait in the stream; a
    /// customer who waits still is told to wait from now on, which is too short but not hidden.
    fn come_back(&self, story: &Story, known: &Known, now: Timestamp, placed: &mut Vec<Placed>) {
        let conversation = conversation(story.ticket.id);
        let (status, by) = (self.people.status(&known.status), Some(StatusBy::System));
        let reopened = EventKind::Status { conversation: conversation.clone(), status, by, agent: None };
        placed.push((now, u64::MAX, Event::new(now, reopened)));
        if story.waits(&self.people) {
            let asks = Message::public(conversation, Author::Customer, None);
            placed.push((now, u64::MAX, Event::new(now, asks)));
        }
    }

    /// Where the ticket stands: its last rows win over its record, which was read before them.
    fn known(&self, story: &Story) -> Known {
        let last = |is: fn(&Row) -> bool| story.rows.iter().rev().find(|row| is(row)).map(|row| &row.new);
        let status = last(Row::is_status_change).unwrap_or(&story.ticket.status).clone();
        let owner = match last(Row::is_owner_change) {
            Some(number) => self.people.owner(number),
            None => holder(story.ticket.owner.login()),
        };
        let ended = self.people.status(&status).is_ended();
        Known { requestors: story.requestors(), status, owner, ended }
    }

    /// Tells the stories of ended tickets that are history. Nothing of them is kept in mind: whoever is told may pass
    /// them by, so one that is heard of again is told whole again, and each comes with its customers.
    pub(super) fn recount(&mut self, stories: &[Story], site: &str) {
        let mut placed = Vec::new();
        let mut customers = HashSet::new();
        for story in stories {
            for one in &story.ticket.requestors {
                if customers.insert(one.login()) {
                    self.outbox.push(customer(one));
                }
            }
            story.events(&self.people, site, &mut placed);
            for row in &story.rows {
                self.stranger(row, &story.requestors());
            }
        }
        self.post(placed);
    }

    /// It is on the board no more, though no row says why: deleted, hidden, or moved out of the watched queues.
    pub(super) fn leave(&mut self, ticket: u64, now: Timestamp) {
        if self.tickets.remove(&ticket).is_some() {
            self.end(ticket, now);
        }
    }

    /// Ends a ticket that has left.
    pub(super) fn end(&mut self, ticket: u64, now: Timestamp) {
        self.left.insert(ticket);
        let kind = EventKind::Status {
            conversation: conversation(ticket),
            status: crate::event::Status::Closed,
            by: Some(StatusBy::System),
            agent: None,
        };
        self.post(vec![(now, u64::MAX, Event::new(now, kind))]);
    }

    /// Forgets the ended tickets once there are many; they are read anew when something happens to them.
    pub(super) fn prune(&mut self) {
        if self.tickets.len() - self.open() > MAX_ENDED {
            self.tickets.retain(|_, known| !known.ended);
        }
    }

    /// Lines of all staff, except the account that asks: that one is shown once it does something.
    pub(super) fn introduce_staff(&mut self) {
        let mut staff: Vec<_> = self.people.staff.iter().filter(|login| **login != self.people.own).cloned().collect();
        staff.sort_unstable();
        for login in staff {
            self.introduce(&AgentId::new(login));
        }
    }

    /// Staff came or went: new members are shown, and the tickets where they wrote before are read anew.
    pub(super) fn staff_changed(&mut self, new: &[CompactString]) {
        for login in new {
            self.agents.remove(&AgentId::new(login.clone()));
            self.recheck.extend(self.strangers.remove(login).unwrap_or_default());
        }
        self.introduce_staff();
    }

    fn introduce(&mut self, agent: &AgentId) {
        if self.agents.insert(agent.clone()) {
            self.outbox.push(self.people.agent(agent.as_str()));
        }
    }

    fn introduce_customers(&mut self, ticket: &Ticket) {
        for one in &ticket.requestors {
            if self.customers.insert(one.login().clone()) {
                self.outbox.push(customer(one));
            }
        }
    }

    fn stranger(&mut self, row: &Row, requestors: &[CompactString]) {
        let login = row.creator.login();
        if row.kind != "Correspond" || self.strangers.len() >= MAX_STRANGERS {
            return;
        }
        if self.people.side(login, requestors).is_none() {
            self.strangers.entry(login.clone()).or_default().insert(row.ticket);
        }
    }

    /// Puts events in their true order and introduces the agents that they name.
    fn post(&mut self, mut placed: Vec<Placed>) {
        placed.sort_by_key(|&(at, id, _)| (at, id));
        for (_, _, event) in placed {
            let agents = match &event.kind {
                EventKind::Message(message) => [message.agent.as_ref(), None],
                EventKind::Assigned(to) => [to.agent.as_ref().and_then(Option::as_ref), to.by.as_ref()],
                EventKind::Status { agent, .. } => [agent.as_ref(), None],
                _ => [None, None],
            };
            for agent in agents.into_iter().flatten() {
                self.introduce(agent);
            }
            self.outbox.push(event);
        }
    }
}

/// The line of somebody who asks.
fn customer(one: &Ref) -> Event {
    let name = Some(one.real_name.trim()).filter(|name| !name.is_empty()).map(str::to_owned);
    let id = CustomerId::new(one.login().clone());
    Event::undated(EventKind::Customer { id, name, segment: None })
}
