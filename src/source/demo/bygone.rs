//! What was before the simulation's start: chats that had ended by then, and who was there.

use std::collections::{HashMap, VecDeque};

use super::simulation::{Params, Simulation};
use crate::event::{AgentId, Author, ConversationId, Event, EventKind, Timestamp};

/// The past is so many events at most, more or less.
const MOST_EVENTS: f64 = 400_000.0;
/// Events of a day for each chat that is open in working hours.
const A_DAY_PER_CHAT: f64 = 44.0;
/// And so many days.
const MOST_DAYS: i64 = 90;

/// How many days of the past a desk of that size has.
pub(super) fn days(chats: usize) -> i64 {
    ((MOST_EVENTS / (A_DAY_PER_CHAT * chats as f64)) as i64).min(MOST_DAYS)
}

/// The time before the start, told chat by chat: each whole, when nothing happens in it any more. Chats that had not
/// ended at the start are left out, for the desk that is found then has its own.
#[derive(Debug)]
pub(super) struct Bygone {
    simulation: Simulation,
    from: Timestamp,
    until: Timestamp,
    /// When the first state of each agent began that is told with the present.
    states_until: HashMap<AgentId, Timestamp>,
    chats: HashMap<ConversationId, Life>,
    /// Customers of the chat that is opened next.
    customers: Vec<Event>,
    ready: VecDeque<Event>,
    reached: Timestamp,
    is_over: bool,
    /// How many events were told.
    pub(super) told: u64,
}

/// What has happened in a chat.
#[derive(Debug, Default)]
struct Life {
    events: Vec<Event>,
    is_ended: bool,
    /// So many of the events lead to its last ending, or are about it.
    whole: usize,
}

impl Bygone {
    /// The time from `from` to `until`, where the present begins with these states of agents.
    pub(super) fn new(
        params: Params,
        from: Timestamp,
        until: Timestamp,
        states_until: HashMap<AgentId, Timestamp>,
    ) -> Self {
        Self {
            simulation: Simulation::begun(params, from, until, super::mark_of('p', params, from)),
            from,
            until,
            states_until,
            chats: HashMap::new(),
            customers: Vec::new(),
            ready: VecDeque::new(),
            reached: from,
            is_over: false,
            told: 0,
        }
    }

    /// About `at_most` more events; none when all were told.
    pub(super) fn tell(&mut self, at_most: usize) -> Vec<Event> {
        let (mut events, mut over) = (Vec::new(), Vec::new());
        while self.ready.len() < at_most && !self.is_over {
            self.is_over = !self.simulation.step(self.until.millis(), &mut events, &mut over);
            events.drain(..).for_each(|event| self.sort(event));
            over.drain(..).for_each(|chat| self.finish(&chat));
        }
        if self.is_over {
            // In an order that is the same each time.
            let mut left: Vec<ConversationId> = self.chats.keys().cloned().collect();
            left.sort_unstable();
            for chat in &left {
                self.finish(chat);
            }
        }
        let told: Vec<Event> = self.ready.drain(..).collect();
        self.told += told.len() as u64;
        told
    }

    /// Whether all was told.
    pub(super) fn is_told(&self) -> bool {
        self.is_over && self.ready.is_empty()
    }

    /// Which part was told.
    pub(super) fn part(&self) -> f32 {
        if self.is_told() {
            return 1.0;
        }
        let (done, all) = (self.reached - self.from, self.until - self.from);
        (done.as_seconds_f32() / all.as_seconds_f32().max(1.0)).clamp(0.0, 1.0)
    }

    fn sort(&mut self, event: Event) {
        self.reached = self.reached.max(event.at.unwrap_or(self.from));
        match &event.kind {
            EventKind::Hello { .. } | EventKind::Team { .. } | EventKind::Agent(_) => {}
            EventKind::Customer { .. } => self.customers.push(event),
            EventKind::Presence { agent, .. } => {
                let until = self.states_until.get(agent).copied().unwrap_or(self.until);
                if event.at.is_some_and(|at| at < until) {
                    self.ready.push_back(event);
                }
            }
            kind => match kind.conversation().cloned() {
                Some(chat) => self.note(chat, event),
                None => self.ready.push_back(event),
            },
        }
    }

    fn note(&mut self, chat: ConversationId, event: Event) {
        let life = self.chats.entry(chat).or_default();
        match &event.kind {
            EventKind::Opened(_) => life.events.append(&mut self.customers),
            EventKind::Status { status, .. } => life.is_ended = status.is_ended(),
            EventKind::Merged { .. } => life.is_ended = true,
            EventKind::Message(message) if message.from == Author::Customer => life.is_ended = false,
            _ => {}
        }
        life.events.push(event);
        if life.is_ended {
            life.whole = life.events.len();
        }
    }

    fn finish(&mut self, chat: &ConversationId) {
        if let Some(mut life) = self.chats.remove(chat) {
            self.ready.extend(life.events.drain(..life.whole));
        }
    }
}
