//! The desk: the fold of the event stream into conversations, holders, waits and presence.
//!
//! Invariants: apart from ties, the desk depends only on the SET of events, never on when they came; an exact
//! repeat counts once; an event about something never introduced creates it with what is known. Taking an event in
//! costs the same whatever came before, in whatever order: late lines are put in their places when the desk is
//! settled, all at once, and what is read before that may lack them.

mod apply;
pub mod conversation;
pub mod entry;
pub mod fold;
pub mod index;
mod load;
mod log;
mod numbers;
mod packed;
pub mod people;

use std::sync::Arc;

pub use conversation::Conversation;
pub use index::{AgentIx, ConversationIx, CustomerIx, SourceIx, TeamIx};
pub use load::Loading;
pub use people::{Agent, Customer, Team};

use crate::event::{AgentId, Capability, ConversationId, CustomerId, Timestamp};
use fold::Rules;
use numbers::Numbers;
use people::{KnownCustomer, Presence};

/// Everything that is known, folded from events.
#[derive(Debug, Default)]
pub struct Desk {
    sources: Vec<SourceTables>,
    agents: Vec<Agent>,
    teams: Vec<Team>,
    customers: Vec<KnownCustomer>,
    conversations: Vec<Option<Conversation>>,
    free: Vec<ConversationIx>,
    words: Words,
    unsettled: Unsettled,
    changes: Changes,
    counts: Counts,
    last_at: Timestamp,
    keep_text: bool,
}

/// What has changed since it was last asked.
#[derive(Debug, Default)]
pub struct Changes {
    /// New or changed conversations, each once.
    pub conversations: Vec<ConversationIx>,
    /// New or changed agents, each once.
    pub agents: Vec<AgentIx>,
    /// New or changed teams.
    pub teams: Vec<TeamIx>,
    /// New or changed customers.
    pub customers: Vec<CustomerIx>,
}

/// What [`Desk::settle`] has to see to.
#[derive(Debug, Default)]
struct Unsettled {
    /// Sources whose rules have changed.
    sources: Vec<SourceIx>,
    /// Conversations with late lines or a state that must be folded anew, each once.
    conversations: Vec<ConversationIx>,
    /// Agents with late states, each once.
    agents: Vec<AgentIx>,
}

/// What became of the events so far; a late line is counted when the desk is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Folded in.
    pub folded: u64,
    /// Exact repeats, counted once before.
    pub repeats: u64,
    /// Older than what was let go.
    pub too_late: u64,
}

#[derive(Debug, Default)]
struct SourceTables {
    capabilities: Option<(Timestamp, Vec<Capability>)>,
    /// It said at some time that it can tell who is online.
    told_presence: bool,
    agents: Numbers<AgentIx>,
    teams: Numbers<TeamIx>,
    customers: Numbers<CustomerIx>,
    conversations: Numbers<ConversationIx>,
}

/// Words that come again and again (channels, tags, keywords), each kept once.
#[derive(Debug, Default)]
struct Words(rustc_hash::FxHashSet<Arc<str>>);

impl Words {
    const MOST: usize = 50_000;

    fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return known.clone();
        }
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        let word: Arc<str> = word.into();
        self.0.insert(word.clone());
        word
    }
}

impl Desk {
    /// An empty desk; `keep_text` keeps the words of messages for the chat page.
    pub fn new(keep_text: bool) -> Self {
        Self { keep_text, ..Self::default() }
    }

    /// Adds a source and gives its number.
    pub fn add_source(&mut self) -> SourceIx {
        self.sources.push(SourceTables::default());
        SourceIx(self.sources.len() as u32 - 1)
    }

    /// What a source said it can tell; empty where it said nothing.
    pub fn capabilities(&self, source: SourceIx) -> &[Capability] {
        let said = self.sources.get(source.at()).and_then(|tables| tables.capabilities.as_ref());
        said.map_or(&[], |(_, capabilities)| capabilities)
    }

    /// Whether any source said it can tell that.
    pub fn any_can_tell(&self, capability: Capability) -> bool {
        (0..self.sources.len()).any(|i| self.capabilities(SourceIx(i as u32)).contains(&capability))
    }

    /// An agent's state now, with the start of the unbroken run of that state; nothing where its source could tell states
    /// and says now that it can't.
    pub fn state_of(&self, ix: AgentIx) -> Option<(&Presence, Timestamp)> {
        let agent = self.agent(ix);
        agent.state().filter(|_| !self.has_lost_presence(agent.source))
    }

    fn has_lost_presence(&self, source: SourceIx) -> bool {
        self.sources[source.at()].told_presence && !self.capabilities(source).contains(&Capability::Presence)
    }

    /// What the fold must know of a source.
    pub fn rules(&self, source: SourceIx) -> Rules {
        Rules { assignments: self.capabilities(source).contains(&Capability::Assignments) }
    }

    /// Every agent, by number.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The agent of that number.
    pub fn agent(&self, ix: AgentIx) -> &Agent {
        &self.agents[ix.at()]
    }

    /// The team of that number.
    pub fn team(&self, ix: TeamIx) -> &Team {
        &self.teams[ix.at()]
    }

    /// Every team, by number.
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// The customer of that number.
    pub fn customer(&self, ix: CustomerIx) -> &Arc<Customer> {
        &self.customers[ix.at()].shown
    }

    /// Every customer, by number.
    pub fn customers(&self) -> impl Iterator<Item = &Arc<Customer>> {
        self.customers.iter().map(|known| &known.shown)
    }

    /// The conversation of that number, unless it was let go.
    pub fn conversation(&self, ix: ConversationIx) -> Option<&Conversation> {
        self.conversations.get(ix.at())?.as_ref()
    }

    /// The number of the conversation of that name, unless it is not known or was let go.
    pub fn find_conversation(&self, source: SourceIx, id: &ConversationId) -> Option<ConversationIx> {
        let tables = self.sources.get(source.at())?;
        tables.conversations.get(id, |ix| self.conversation(ix).map(|one| &one.id))
    }

    /// The number of the agent of that name.
    pub fn find_agent(&self, source: SourceIx, id: &AgentId) -> Option<AgentIx> {
        let tables = self.sources.get(source.at())?;
        tables.agents.get(id, |ix| self.agents.get(ix.at()).map(|one| &one.id))
    }

    /// The number of the customer of that name.
    pub fn find_customer(&self, source: SourceIx, id: &CustomerId) -> Option<CustomerIx> {
        let tables = self.sources.get(source.at())?;
        tables.customers.get(id, |ix| self.customers.get(ix.at()).map(|one| &one.shown.id))
    }

    /// Whether it holds that conversation of a source.
    pub fn knows(&self, source: SourceIx, id: &ConversationId) -> bool {
        self.find_conversation(source, id).is_some()
    }

    /// Every conversation with its number.
    pub fn conversations(&self) -> impl Iterator<Item = (ConversationIx, &Conversation)> {
        let numbered = self.conversations.iter().enumerate();
        numbered.filter_map(|(i, slot)| Some((ConversationIx(i as u32), slot.as_ref()?)))
    }

    /// What became of the events so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The latest instant that an event named.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Settles the desk and takes the list of what has changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        self.settle();
        let changes = std::mem::take(&mut self.changes);
        for ix in &changes.conversations {
            if let Some(conversation) = &mut self.conversations[ix.at()] {
                conversation.dirty = false;
                conversation.rest();
            }
        }
        for ix in &changes.agents {
            self.agents[ix.at()].dirty = false;
        }
        changes
    }

    /// Keeps memory bounded: lets go of the logs of conversations that ended before `compact`, of those
    /// conversations themselves when nothing came since `forget`, and of states of agents before `compact`.
    ///
    /// An event that is older than what was let go is counted as too late.
    pub fn let_go(&mut self, compact: Timestamp, forget: Timestamp) {
        self.settle();
        for (i, slot) in self.conversations.iter_mut().enumerate() {
            let Some(conversation) = slot else { continue };
            if conversation.state().is_active() || conversation.dirty {
                continue;
            }
            let last_at = conversation.last_at();
            if last_at < forget {
                let ix = ConversationIx(i as u32);
                self.sources[conversation.source.at()].conversations.remove(&conversation.id, ix);
                self.free.push(ix);
                *slot = None;
            } else if last_at < compact {
                conversation.compact();
            }
        }
        for agent in &mut self.agents {
            agent.forget_presence(compact);
        }
    }
}
