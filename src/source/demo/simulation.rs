//! The clockwork: what is due next, who arrives, and the desk as it was found.

use std::collections::VecDeque;

use compact_str::{CompactString, format_compact};

use super::agenda::Agenda;
use super::chat::{CHANNELS, Chat, Next};
use super::dice::{Dice, mix};
use super::found::Past;
use super::names;
use super::rhythm::{HOUR, MINUTE, REGIONS, level};
use super::roster::Roster;
use super::topics::TOPICS;
use crate::event::{
    Agent, Author, ConversationId, CustomerId, Event, EventKind, Message, Opened, Status, Timestamp, VERSION,
};
use crate::source::ALL_CAPABILITIES;

/// How long a chat is open on average; how many arrive follows from it and from how many are to be open.
const MEAN_LIFE: f64 = 4.3 * HOUR as f64;
/// Customers in the world for each open chat: some come again.
const CUSTOMERS_PER_CHAT: usize = 6;
/// The part that is open when nobody is awake.
const NIGHT: f64 = 0.42;

/// How big the desk is, and which of all possible days it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// The same seed gives the same day.
    pub seed: u64,
    /// People who answer.
    pub agents: usize,
    /// The number of open chats it hovers around in working hours.
    pub chats: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Arrival,
    Chat(u32),
    Agent(u32),
    Burst,
    Vote,
}

/// A time in which something has gone wrong and everybody writes.
#[derive(Debug, Default)]
pub(super) struct Burst {
    pub(super) until: i64,
    factor: f64,
    topic: usize,
}

/// The simulated desk: an endless stream of events in the order of time.
///
/// A discrete-event simulation: each chat and each agent has exactly one thing before it in a heap, so memory is
/// bounded by what is open, and the stream depends on nothing but the parameters and the start.
#[derive(Debug)]
pub struct Simulation {
    pub(super) params: Params,
    pub(super) dice: Dice,
    pub(super) roster: Roster,
    pub(super) now: i64,
    pub(super) burst: Burst,
    /// Chats that are not ended.
    pub(super) active: usize,
    pub(super) chats: Vec<Option<Chat>>,
    free: Vec<u32>,
    agenda: Agenda<Task>,
    numbered: u64,
    /// What the ids of its chats begin with.
    mark: CompactString,
    introduced: Vec<u64>,
    /// Each chat comes with its customer, whoever was introduced before.
    reintroduces: bool,
    /// Chats in which nothing will ever happen again.
    over: Vec<ConversationId>,
    /// What was before the start and is still to be told, oldest first.
    pub(super) past: std::vec::IntoIter<(i64, Past)>,
    pub(super) out: VecDeque<Event>,
}

impl Simulation {
    /// A desk found at `start` in the middle of its work.
    pub fn new(params: Params, start: Timestamp) -> Self {
        Self::begun(params, start, start, "c".into())
    }

    /// The same, with the staff of the desk that is found at `staff`, and chats whose ids begin with `mark`.
    pub(super) fn begun(params: Params, start: Timestamp, staff: Timestamp, mark: CompactString) -> Self {
        let params = Params { agents: params.agents.max(1), chats: params.chats.max(1), ..params };
        let mut dice = Dice::new(mix(params.seed, start.millis() as u64));
        let of_staff = (staff != start).then(|| Dice::new(mix(params.seed, staff.millis() as u64)));
        let roster = match of_staff {
            Some(mut other) => Roster::new(params.seed, params.agents, params.chats, &mut other),
            None => Roster::new(params.seed, params.agents, params.chats, &mut dice),
        };
        let mut simulation = Self {
            params,
            dice,
            roster,
            now: start.millis(),
            burst: Burst::default(),
            active: 0,
            chats: Vec::with_capacity(params.chats),
            free: Vec::new(),
            agenda: Agenda::new(),
            numbered: 0,
            mark,
            reintroduces: staff != start,
            over: Vec::new(),
            introduced: vec![0; (params.chats * CUSTOMERS_PER_CHAT).div_ceil(64)],
            past: Vec::new().into_iter(),
            out: VecDeque::new(),
        };
        simulation.introduce_desk();
        simulation.find_desk_at_work();
        let first = simulation.dice.exponential(5.0 * HOUR as f64) as i64;
        simulation.schedule(simulation.now + first, Task::Burst);
        simulation.schedule(simulation.now, Task::Arrival);
        simulation.schedule(simulation.now, Task::Vote);
        simulation
    }

    /// Adds every event up to `now`, about `at_most` of them if there are so many, and tells whether more are due.
    pub fn advance(&mut self, now: Timestamp, at_most: usize, into: &mut Vec<Event>) -> bool {
        let enough = into.len().saturating_add(at_most);
        loop {
            let found = self.out.len().min(enough.saturating_sub(into.len()));
            into.extend(self.out.drain(..found));
            let is_due = self.past.len() > 0 || self.next_at() <= now;
            if into.len() >= enough {
                return is_due || !self.out.is_empty();
            }
            if !is_due {
                return false;
            }
            self.proceed();
        }
    }

    /// Adds every event up to `now`.
    pub fn advance_to(&mut self, now: Timestamp, into: &mut Vec<Event>) {
        self.advance(now, usize::MAX, into);
    }

    /// Adds what happens next before `end` with the chats that are over by then; false when nothing does.
    pub(super) fn step(&mut self, end: i64, into: &mut Vec<Event>, over: &mut Vec<ConversationId>) -> bool {
        if self.past.len() == 0 && self.agenda.next_at().is_none_or(|at| at >= end) {
            return false;
        }
        self.proceed();
        into.extend(self.out.drain(..));
        over.append(&mut self.over);
        true
    }

    /// How many things it keeps in mind.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.chats.len() + self.agenda.len() + self.introduced.len() + self.out.len() + self.past.len()
    }

    /// When the next thing happens.
    fn next_at(&self) -> Timestamp {
        self.agenda.next_at().map_or(Timestamp::MAX, Timestamp::from_millis)
    }

    pub(super) fn say(&mut self, kind: impl Into<EventKind>) {
        self.out.push_back(Event::new(Timestamp::from_millis(self.now), kind));
    }

    fn schedule(&mut self, at: i64, task: Task) {
        self.agenda.plan(at.max(self.now), task);
    }

    fn proceed(&mut self) {
        if let Some((at, past)) = self.past.next() {
            self.now = at;
            return self.recount(past);
        }
        let Some((at, task)) = self.agenda.pop() else { return };
        self.now = at;
        match task {
            Task::Arrival => self.arrival(),
            Task::Chat(slot) => self.chat(slot),
            Task::Agent(agent) => self.shift(agent),
            Task::Burst => self.begin_burst(),
            Task::Vote => self.vote(),
        }
    }

    fn chat(&mut self, slot: u32) {
        let Some(mut chat) = self.chats[slot as usize].take() else { return };
        if let Some((next, at)) = self.live(&mut chat) {
            chat.next = next;
            self.chats[slot as usize] = Some(chat);
            self.schedule(at, Task::Chat(slot));
        } else {
            self.free.push(slot);
            if self.reintroduces {
                self.over.push(chat.id);
            }
        }
    }

    /// Finds a place for a chat and gives it.
    pub(super) fn keep(&mut self, mut chat: Chat, next: Next, at: i64) -> u32 {
        chat.next = next;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.chats.push(None);
            (self.chats.len() - 1) as u32
        });
        self.chats[slot as usize] = Some(chat);
        self.schedule(at, Task::Chat(slot));
        slot
    }

    /// What is open if the desk keeps up.
    pub(super) fn target(&self) -> f64 {
        let level = level(Timestamp::from_millis(self.now));
        self.params.chats as f64 * (NIGHT + (1.0 - NIGHT) * level)
    }

    fn arrival(&mut self) {
        let level = level(Timestamp::from_millis(self.now));
        let target = self.target();
        let pull = (1.0 + 2.0 * (1.0 - self.active as f64 / target)).clamp(0.4, 3.0);
        let burst = if self.now < self.burst.until { self.burst.factor } else { 1.0 };
        let closed = if self.roster.deserted() { 0.03 } else { 1.0 };
        let rate = self.params.chats as f64 / MEAN_LIFE * level * pull * burst * closed;
        let gap = self.dice.exponential(1.0 / rate);
        // The rate changes with the hour: a long gap is drawn anew, which an exponential allows.
        let longest = 5.0 * MINUTE as f64;
        if gap < longest {
            self.schedule(self.now + gap as i64, Task::Arrival);
            self.open_chat();
        } else {
            self.schedule(self.now + longest as i64, Task::Arrival);
        }
    }

    fn begin_burst(&mut self) {
        let length = self.dice.between(8.0, 22.0) * MINUTE as f64;
        self.burst = Burst {
            until: self.now + length as i64,
            factor: self.dice.between(1.7, 2.6),
            topic: self.dice.below(TOPICS.len()),
        };
        let gap = self.dice.exponential(5.0 * HOUR as f64) as i64;
        self.schedule(self.burst.until + gap, Task::Burst);
    }

    fn vote(&mut self) {
        let level = level(Timestamp::from_millis(self.now));
        let rate = self.params.chats as f64 / MEAN_LIFE * level * 0.25;
        let gap = self.dice.exponential(1.0 / rate).min(HOUR as f64);
        self.schedule(self.now + gap as i64, Task::Vote);
        let article = self.dice.pick(&["delivery-times", "reset-password", "refunds", "plans", "export"]);
        let helpful = self.dice.chance(0.78);
        self.say(EventKind::ArticleVote { article: article.into(), helpful, customer: None });
    }

    fn shift(&mut self, agent: u32) {
        let Some(shift) = self.roster.worker(agent).plan.pop_front() else { return };
        let shift = self.roster.heed_load(agent, shift);
        self.roster.enter(agent, shift.state);
        let id = self.roster.worker(agent).id.clone();
        let reason = shift.reason.map(str::to_owned);
        self.say(EventKind::Presence { agent: id, state: shift.state, reason });
        self.await_shift(agent);
    }

    /// Schedules the agent's next change of state, planning another day where the last is over.
    pub(super) fn await_shift(&mut self, agent: u32) {
        if self.roster.worker(agent).plan.is_empty() {
            self.roster.plan(agent, self.now, self.params.seed);
        }
        let worker = self.roster.worker(agent);
        if let Some(next) = worker.plan.front() {
            worker.back_at = next.at;
            let at = next.at;
            self.schedule(at, Task::Agent(agent));
        }
    }

    /// A subject that fits the hour, the region and what has just gone wrong.
    pub(super) fn draw_topic(&mut self) -> usize {
        if self.now < self.burst.until && self.dice.chance(0.6) {
            return self.burst.topic;
        }
        self.dice.weighted(&TOPICS.each_ref().map(|topic| topic.weight))
    }

    /// A customer of a region, introduced if new: its place in the world, and whether it is important.
    pub(super) fn draw_customer(&mut self, region: usize) -> (u32, bool) {
        let pool = (self.params.chats * CUSTOMERS_PER_CHAT / REGIONS.len()).max(1);
        let place = self.dice.below(pool) * REGIONS.len() + region;
        let vip = mix(self.params.seed ^ 0x519, place as u64) % 100 < 7;
        let (word, bit) = (place / 64, 1_u64 << (place % 64));
        if word >= self.introduced.len() {
            self.introduced.resize(word + 1, 0);
        }
        if self.reintroduces || self.introduced[word] & bit == 0 {
            self.introduced[word] |= bit;
            self.introduce_customer(region, place as u32, vip);
        }
        (place as u32, vip)
    }

    pub(super) fn introduce_customer(&mut self, region: usize, place: u32, vip: bool) {
        let segment = match mix(self.params.seed ^ 0x5E6, place.into()) % 10 {
            _ if vip => Some("vip"),
            0..=2 => Some("business"),
            _ => None,
        };
        let name = Some(names::customer(self.params.seed, region, place.into()));
        let id = customer_id(place);
        self.out.push_back(Event::undated(EventKind::Customer { id, name, segment: segment.map(str::to_owned) }));
    }

    /// A chat nothing has happened in yet.
    pub(super) fn draw_chat(&mut self) -> Chat {
        let demands = REGIONS.map(|region| region.demand(self.now));
        let region = self.dice.weighted(&demands);
        let topic = self.draw_topic();
        let channel = self.dice.weighted(&CHANNELS.map(|channel| channel.weights[region]));
        let (customer, vip) = self.draw_customer(region);
        self.numbered += 1;
        Chat {
            id: ConversationId::new(format_compact!("{}{}", self.mark, self.numbered)),
            next: Next::Assign,
            customer,
            holder: None,
            team: self.roster.team_for(TOPICS[topic].team, region) as u16,
            topic: topic as u8,
            channel: channel as u8,
            region: region as u8,
            status: Status::Open,
            vip,
            tagged: false,
            rounds: 1 + self.dice.exponential(2.4).min(12.0) as u8,
            replies: 0,
            nudges: 0,
            reply_at: 0,
            waits_since: 0,
            double_of: None,
            silent: self.dice.chance(0.3),
            reopened: false,
        }
    }

    /// What is said of a chat when it begins.
    pub(super) fn opened(&mut self, chat: &Chat) -> Opened {
        let subject = (chat.channel().word == "email" || self.dice.chance(0.25))
            .then(|| (self.dice.pick(&TOPICS[usize::from(chat.topic)].subjects)).to_owned());
        Opened {
            customer: Some(customer_id(chat.customer)),
            channel: Some(chat.channel().word.to_owned()),
            team: (!chat.channel().bot).then(|| self.roster.crews[usize::from(chat.team)].id.clone()),
            subject,
            url: Some(format!("https://desk.example.com/chats/{}", &chat.id.as_str()[1..])),
            priority: (chat.vip || self.dice.chance(0.04)).then(|| "high".to_owned()),
            ..Opened::new(chat.id.clone())
        }
    }

    fn introduce_desk(&mut self) {
        let hello = EventKind::Hello {
            version: VERSION,
            source: Some("helptop demo".to_owned()),
            capabilities: ALL_CAPABILITIES.to_vec(),
        };
        self.out.push_back(Event::undated(hello));
        for crew in &self.roster.crews {
            self.out.push_back(Event::undated(EventKind::Team { id: crew.id.clone(), name: crew.name.clone() }));
        }
        for worker in &self.roster.workers {
            let teams = worker.teams.iter().map(|team| self.roster.crews[*team].id.clone()).collect();
            let agent = Agent {
                email: Some(format!("{}@acme.example", worker.id)),
                teams: Some(teams),
                capacity: Some(worker.capacity),
                active: Some(true),
                ..Agent::new(worker.id.clone(), worker.name.clone())
            };
            self.out.push_back(Event::undated(agent));
        }
    }

    /// A message with words that fit, or without any.
    pub(super) fn message(&mut self, chat: &Chat, from: Author, agent: Option<crate::event::AgentId>) -> Message {
        let text = self.words(chat, from);
        Message { text: Some(text.into()), ..Message::public(chat.id.clone(), from, agent) }
    }
}

/// A customer by its place in the world.
pub(super) fn customer_id(place: u32) -> CustomerId {
    CustomerId::new(format_compact!("u{}", place + 1))
}

/// The whole stream, without end.
impl Iterator for Simulation {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while self.out.is_empty() {
            self.proceed();
        }
        self.out.pop_front()
    }
}
