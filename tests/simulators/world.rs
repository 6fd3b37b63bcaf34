//! The simulated desk as a vendor's database would hold it at an instant: the stream of the demo, folded as it goes.

use std::collections::{BTreeSet, HashMap};

use helptop::event::{
    AgentId, Author, ConversationId, CustomerId, Event, EventKind, Opened, PresenceState, Status, StatusBy, TeamId,
    Timestamp,
};
use helptop::source::demo::{Params, Simulation};

/// Numbers of chats begin here, so that they are not those of agents.
pub const FIRST_CHAT: u64 = 1001;

/// A chat as it is now, and all that was said in it.
#[derive(Debug, Clone)]
pub struct Chat {
    pub id: ConversationId,
    pub number: u64,
    pub opened: Opened,
    pub opened_at: Timestamp,
    pub status: Status,
    pub status_at: Timestamp,
    pub status_by: Option<StatusBy>,
    pub status_agent: Option<usize>,
    pub holder: Option<usize>,
    pub holder_at: Timestamp,
    pub team: Option<usize>,
    pub customer: Option<usize>,
    pub tags: Vec<String>,
    pub messages: Vec<Said>,
    /// All that happened in it after it was opened, numbered like the messages.
    pub log: Vec<Logged>,
    /// The first customer message that no person has answered.
    pub waiting_since: Option<Timestamp>,
    pub first_reply_at: Option<Timestamp>,
    /// The last change of any kind.
    pub updated_at: Timestamp,
    pub merged_into: Option<ConversationId>,
    pub ratings: Vec<Rated>,
}

#[derive(Debug, Clone)]
pub struct Logged {
    pub number: u64,
    pub at: Timestamp,
    pub kind: EventKind,
}

#[derive(Debug, Clone)]
pub struct Said {
    pub number: u64,
    pub at: Timestamp,
    pub from: Author,
    pub agent: Option<usize>,
    pub public: bool,
    pub text: String,
}

#[derive(Debug, Clone)]
pub struct Rated {
    pub number: u64,
    pub at: Timestamp,
    pub score: f64,
    pub scale: f64,
    pub agent: Option<usize>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub email: String,
    pub teams: Vec<usize>,
    pub state: PresenceState,
    pub state_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
}

/// The desk at an instant. Numbers of people are their places in these lists plus one.
pub struct World {
    /// Everything before this has happened.
    pub now: Timestamp,
    pub chats: Vec<Chat>,
    pub agents: Vec<Agent>,
    pub teams: Vec<Team>,
    pub customers: Vec<Customer>,
    /// Chats that are neither ended nor merged.
    pub active: BTreeSet<usize>,
    /// Every change of every chat, in the order of time.
    pub updates: Vec<(Timestamp, usize)>,
    /// Chats that were deleted: no answer knows them.
    pub deleted: BTreeSet<usize>,
    /// Everything that happened, in the order in which it was told: for vendors that show a history.
    pub journal: Vec<Event>,
    /// The stream itself, since it was last taken.
    told: Vec<Event>,
    simulation: Simulation,
    places: Places,
    numbered: u64,
}

#[derive(Default)]
struct Places {
    chats: HashMap<ConversationId, usize>,
    agents: HashMap<AgentId, usize>,
    teams: HashMap<TeamId, usize>,
    customers: HashMap<CustomerId, usize>,
}

impl World {
    /// The demo's desk of that size, found at `start` in the middle of its work.
    pub fn new(params: Params, start: Timestamp) -> Self {
        let mut world = Self {
            now: start,
            chats: Vec::new(),
            agents: Vec::new(),
            teams: Vec::new(),
            customers: Vec::new(),
            active: BTreeSet::new(),
            updates: Vec::new(),
            deleted: BTreeSet::new(),
            journal: Vec::new(),
            told: Vec::new(),
            simulation: Simulation::new(params, start),
            places: Places::default(),
            numbered: 90_000,
        };
        world.advance(start);
        world
    }

    /// Lets everything happen that happens before `to`.
    pub fn advance(&mut self, to: Timestamp) {
        assert!(to >= self.now, "the world goes on, never back");
        let mut events = Vec::new();
        self.simulation.advance_to(Timestamp::from_millis(to.millis() - 1), &mut events);
        for event in &events {
            self.take(event);
        }
        self.journal.extend(events.iter().cloned());
        self.told.extend(events);
        self.now = to;
    }

    /// Time goes on, and nothing happens.
    pub fn stand_still(&mut self, span: chrono::TimeDelta) {
        self.now = self.now + span;
    }

    /// The stream since it was last taken.
    pub fn take_stream(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }

    /// Something happens that is not in the demo's stream, now.
    pub fn happen(&mut self, kind: impl Into<EventKind>) {
        let event = Event::new(Timestamp::from_millis(self.now.millis() - 1), kind);
        self.take(&event);
        self.journal.push(event.clone());
        self.told.push(event);
    }

    /// The chat of a number.
    pub fn chat(&self, number: u64) -> Option<&Chat> {
        let place = usize::try_from(number.checked_sub(FIRST_CHAT)?).ok()?;
        self.chats.get(place).filter(|_| !self.deleted.contains(&place))
    }

    /// The number of the agent of the stream.
    pub fn agent_number(&self, id: &str) -> Option<u64> {
        self.places.agents.get(&AgentId::new(id)).map(|place| *place as u64 + 1)
    }

    /// The number of the chat of the stream.
    pub fn chat_number(&self, id: &str) -> Option<u64> {
        self.places.chats.get(&ConversationId::new(id)).map(|place| *place as u64 + FIRST_CHAT)
    }

    /// Chats that changed at or after `since`, each once, the last changed first.
    pub fn changed_since(&self, since: Timestamp) -> Vec<&Chat> {
        let first = self.updates.partition_point(|(at, _)| *at < since);
        let mut seen = BTreeSet::new();
        let places = self.updates[first..].iter().rev().map(|(_, place)| *place);
        places
            .filter(|place| seen.insert(*place) && !self.deleted.contains(place))
            .map(|place| &self.chats[place])
            .collect()
    }

    /// Active chats by number.
    pub fn open(&self) -> impl Iterator<Item = &Chat> {
        self.active.iter().filter(|place| !self.deleted.contains(place)).map(|place| &self.chats[*place])
    }

    /// A chat is deleted; the stream says that it was closed.
    pub fn delete(&mut self, number: u64) {
        let place = (number - FIRST_CHAT) as usize;
        let conversation = self.chats[place].id.clone();
        let by = Some(StatusBy::System);
        self.happen(EventKind::Status { conversation, status: Status::Closed, by, agent: None });
        self.deleted.insert(place);
    }

    fn take(&mut self, event: &Event) {
        let at = event.at.unwrap_or(self.now);
        match &event.kind {
            EventKind::Team { id, name } => {
                self.places.teams.insert(id.clone(), self.teams.len());
                self.teams.push(Team { id: id.clone(), name: name.clone() });
            }
            EventKind::Agent(agent) => {
                let teams = agent.teams.iter().flatten().filter_map(|team| self.places.teams.get(team).copied());
                let teams: BTreeSet<usize> = teams.collect();
                self.places.agents.insert(agent.id.clone(), self.agents.len());
                self.agents.push(Agent {
                    id: agent.id.clone(),
                    name: agent.name.clone(),
                    email: agent.email.clone().unwrap_or_default(),
                    teams: teams.into_iter().collect(),
                    state: PresenceState::Offline,
                    state_at: self.now,
                });
            }
            EventKind::Customer { id, name, .. } => {
                let place = self.customer(id);
                self.customers[place].name = name.clone().unwrap_or_default();
            }
            EventKind::Presence { agent, state, .. } => {
                let agent = &mut self.agents[self.places.agents[agent]];
                (agent.state, agent.state_at) = (*state, at);
            }
            EventKind::Opened(opened) => self.open_chat(opened, at),
            kind => {
                if let Some(place) = kind.conversation().and_then(|id| self.places.chats.get(id)).copied() {
                    self.change(place, kind, at);
                }
            }
        }
    }

    /// The place of a customer, who may be spoken of before being introduced.
    fn customer(&mut self, id: &CustomerId) -> usize {
        let next = self.customers.len();
        let place = *self.places.customers.entry(id.clone()).or_insert(next);
        if place == next {
            self.customers.push(Customer { id: id.clone(), name: String::new() });
        }
        place
    }

    fn open_chat(&mut self, opened: &Opened, at: Timestamp) {
        let place = self.chats.len();
        let customer = opened.customer.as_ref().map(|customer| self.customer(customer));
        self.places.chats.insert(opened.conversation.clone(), place);
        self.chats.push(Chat {
            id: opened.conversation.clone(),
            number: FIRST_CHAT + place as u64,
            opened: opened.clone(),
            opened_at: at,
            status: Status::Open,
            status_at: at,
            status_by: None,
            status_agent: None,
            holder: None,
            holder_at: at,
            team: opened.team.as_ref().map(|team| self.places.teams[team]),
            customer,
            tags: opened.tags.clone().unwrap_or_default(),
            messages: Vec::new(),
            log: Vec::new(),
            waiting_since: None,
            first_reply_at: None,
            updated_at: at,
            merged_into: None,
            ratings: Vec::new(),
        });
        self.active.insert(place);
        self.updates.push((at, place));
    }

    fn change(&mut self, place: usize, kind: &EventKind, at: Timestamp) {
        self.numbered += 1;
        let number = self.numbered;
        let agent_of = |id: &Option<AgentId>| id.as_ref().and_then(|id| self.places.agents.get(id).copied());
        let chat = &mut self.chats[place];
        match kind {
            EventKind::Message(message) => {
                let (agent, public) = (agent_of(&message.agent), message.public != Some(false));
                let text = serde_json::to_value(&message.text).unwrap().as_str().unwrap_or_default().to_owned();
                chat.messages.push(Said { number, at, from: message.from, agent, public, text });
                match message.from {
                    Author::Customer => {
                        chat.waiting_since.get_or_insert(at);
                        if chat.status.is_ended() && chat.merged_into.is_none() {
                            chat.put(Status::Open, at, Some(StatusBy::Customer), None);
                        }
                    }
                    Author::Agent if public => {
                        chat.waiting_since = None;
                        chat.first_reply_at.get_or_insert(at);
                    }
                    Author::Agent | Author::Bot => {}
                }
            }
            EventKind::Assigned(to) => {
                if to.agent.is_some() {
                    (chat.holder, chat.holder_at) = (to.agent.as_ref().and_then(agent_of), at);
                }
                if let Some(team) = &to.team {
                    chat.team = team.as_ref().map(|team| self.places.teams[team]);
                }
            }
            EventKind::Status { status, by, agent, .. } => chat.put(*status, at, *by, agent_of(agent)),
            EventKind::Tagged { tags, .. } => chat.tags.clone_from(tags),
            EventKind::Rated { score, scale, comment, .. } => {
                let comment = serde_json::to_value(comment).unwrap().as_str().map(str::to_owned);
                chat.ratings.push(Rated { number, at, score: *score, scale: *scale, agent: chat.holder, comment });
            }
            EventKind::Merged { into, .. } => chat.merged_into = Some(into.clone()),
            // Nothing that a vendor's record would show.
            _ => return,
        }
        chat.updated_at = at;
        chat.log.push(Logged { number, at, kind: kind.clone() });
        if chat.status.is_ended() || chat.merged_into.is_some() {
            self.active.remove(&place);
        } else {
            self.active.insert(place);
        }
        self.updates.push((at, place));
    }
}

impl Chat {
    fn put(&mut self, status: Status, at: Timestamp, by: Option<StatusBy>, agent: Option<usize>) {
        if status.is_ended() && !self.status.is_ended() {
            self.waiting_since = None;
        }
        (self.status, self.status_at, self.status_by, self.status_agent) = (status, at, by, agent);
    }
}
