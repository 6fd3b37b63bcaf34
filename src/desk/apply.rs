//! Taking events in: ids to numbers, events to log entries, and the list of what changed.

use std::sync::Arc;

use super::Desk;
use super::conversation::{Conversation, Put};
use super::entry::{By, Entry, Fact, Opening, Rating};
use super::index::{AgentIx, ConversationIx, CustomerIx, SourceIx, TeamIx};
use super::log::{self, Settled};
use super::people::{Agent, KnownCustomer, Presence, Team};
use crate::event::{
    AgentId, Author, Capability, ConversationId, CustomerId, Event, EventKind, Message, TeamId, Timestamp, Words,
};

impl Desk {
    /// Folds in one event of a source; what it changes is good to read after [`Desk::settle`].
    pub fn apply(&mut self, source: SourceIx, event: Event) {
        if let Some(at) = event.at {
            self.last_at = self.last_at.max(at);
        }
        let at = event.at.unwrap_or(Timestamp::MIN);
        match event.kind {
            EventKind::Hello { capabilities, .. } => self.hello(source, at, capabilities),
            EventKind::Team { id, name } => {
                let ix = self.team_ix(source, id);
                if self.teams[ix.at()].name.say(event.at, Some(name.into())) {
                    self.changes.teams.push(ix);
                }
                self.counts.folded += 1;
            }
            EventKind::Agent(said) => self.introduce(source, event.at, said),
            EventKind::Customer { id, name, segment } => {
                let ix = self.customer_ix(source, id);
                let segment = segment.map(|segment| self.words.of(&segment));
                if self.customers[ix.at()].say(event.at, name, segment) {
                    self.changes.customers.push(ix);
                }
                self.counts.folded += 1;
            }
            EventKind::Presence { agent, state, reason } => {
                let reason = reason.map(|reason| self.words.of(&reason));
                let ix = self.agent_ix(source, agent);
                let agent = &mut self.agents[ix.at()];
                match agent.put_presence(Presence { at, state, reason }) {
                    log::Put::Last => {
                        self.touch_agent(ix);
                        self.counts.folded += 1;
                    }
                    log::Put::Late if !std::mem::replace(&mut agent.unsettled, true) => {
                        self.unsettled.agents.push(ix);
                    }
                    log::Put::Late => {}
                    log::Put::Repeat => self.counts.repeats += 1,
                }
            }
            EventKind::Clock {} | EventKind::ArticleVote { .. } | EventKind::Nps { conversation: None, .. } => {
                self.counts.folded += 1;
            }
            kind => self.conversation_event(source, at, kind),
        }
    }

    fn hello(&mut self, source: SourceIx, at: Timestamp, capabilities: Vec<Capability>) {
        self.counts.folded += 1;
        let (before, had_lost) = (self.rules(source), self.has_lost_presence(source));
        let tables = &mut self.sources[source.at()];
        tables.told_presence |= capabilities.contains(&Capability::Presence);
        if tables.capabilities.as_ref().is_none_or(|(said_at, _)| *said_at <= at) {
            tables.capabilities = Some((at, capabilities));
        }
        let has_folded = !tables.conversations.is_empty();
        if self.has_lost_presence(source) != had_lost {
            self.touch_agents(source);
        }
        if has_folded && self.rules(source) != before && !self.unsettled.sources.contains(&source) {
            self.unsettled.sources.push(source);
        }
    }

    /// Puts late lines in their places and folds what they change anew, once for all of them.
    pub fn settle(&mut self) {
        for source in std::mem::take(&mut self.unsettled.sources) {
            for i in 0..self.conversations.len() {
                if let Some(conversation) = self.conversations[i].as_mut().filter(|one| one.source == source) {
                    conversation.outdate();
                    self.list_unsettled(ConversationIx(i as u32));
                }
            }
        }
        for ix in std::mem::take(&mut self.unsettled.conversations) {
            let Some(source) = self.conversation(ix).map(|one| one.source) else { continue };
            let rules = self.rules(source);
            let Some(conversation) = &mut self.conversations[ix.at()] else { continue };
            conversation.unsettled = false;
            let (settled, is_changed) = conversation.settle(rules);
            self.count(settled);
            if is_changed {
                self.touch_conversation(ix);
            }
        }
        for ix in std::mem::take(&mut self.unsettled.agents) {
            let agent = &mut self.agents[ix.at()];
            agent.unsettled = false;
            let settled = agent.settle();
            self.count(settled);
            if settled.new > 0 {
                self.touch_agent(ix);
            }
        }
    }

    fn count(&mut self, settled: Settled) {
        self.counts.folded += settled.new;
        self.counts.repeats += settled.repeats;
    }

    /// Lists a conversation among those to settle, where it has to be.
    fn list_unsettled(&mut self, ix: ConversationIx) {
        if let Some(conversation) = &mut self.conversations[ix.at()]
            && !conversation.is_settled()
            && !std::mem::replace(&mut conversation.unsettled, true)
        {
            self.unsettled.conversations.push(ix);
        }
    }

    fn introduce(&mut self, source: SourceIx, at: Option<Timestamp>, said: crate::event::Agent) {
        let teams = said.teams.map(|ids| ids.into_iter().map(|id| self.team_ix(source, id)).collect::<Arc<[_]>>());
        let ix = self.agent_ix(source, said.id);
        let agent = &mut self.agents[ix.at()];
        let mut changed = agent.name.say(at, Some(said.name.into()));
        changed |= teams.is_some_and(|teams| agent.teams.say(at, teams));
        changed |= said.capacity.is_some() && agent.capacity.say(at, said.capacity);
        changed |= agent.active.say(at, said.active.unwrap_or(true));
        if changed {
            self.touch_agent(ix);
        }
        self.counts.folded += 1;
    }

    fn conversation_event(&mut self, source: SourceIx, at: Timestamp, kind: EventKind) {
        let Some((id, actor, fact)) = self.fact(source, kind) else { return };
        let ix = self.conversation_ix(source, id);
        let rules = self.rules(source);
        let Some(conversation) = &mut self.conversations[ix.at()] else { return };
        match conversation.put(Entry { at, fact }, rules) {
            Put::New => {
                self.counts.folded += 1;
                self.touch_conversation(ix);
            }
            Put::Late => {}
            Put::Repeat => {
                self.counts.repeats += 1;
                return;
            }
            Put::TooLate => {
                self.counts.too_late += 1;
                return;
            }
        }
        self.list_unsettled(ix);
        // A late line that turns out to be a repeat changes nothing here: its first telling was noted.
        if let Some(actor) = actor {
            self.act(actor, at);
        }
    }

    /// Notes that an agent did something.
    pub(super) fn act(&mut self, actor: AgentIx, at: Timestamp) {
        if self.agents[actor.at()].did_something(at) {
            self.touch_agent(actor);
        }
    }

    /// The conversation, the agent who acted, and what goes into the log.
    pub(super) fn fact(
        &mut self,
        source: SourceIx,
        kind: EventKind,
    ) -> Option<(ConversationId, Option<AgentIx>, Fact)> {
        Some(match kind {
            EventKind::Message(said) => self.message(source, said),
            EventKind::Opened(said) => {
                let opening = Opening {
                    customer: said.customer.map(|id| self.customer_ix(source, id)),
                    channel: said.channel.map(|word| self.words.of(&word)),
                    team: said.team.map(|id| self.team_ix(source, id)),
                    subject: said.subject.map(Into::into),
                    url: said.url.map(Into::into),
                    direction: said.direction,
                    tags: said.tags.map(|tags| self.tags(&tags)),
                    priority: said.priority.map(|word| self.words.of(&word)),
                };
                (said.conversation, None, Fact::Opened(Arc::new(opening)))
            }
            EventKind::Assigned(said) => {
                let agent = said.agent.map(|id| id.map(|id| self.agent_ix(source, id)));
                let team = said.team.map(|id| id.map(|id| self.team_ix(source, id)));
                let by = match said.by {
                    None => By::Unknown,
                    Some(id) if id.as_str() == "bot" => By::Bot,
                    Some(id) => By::Agent(self.agent_ix(source, id)),
                };
                let actor = if let By::Agent(ix) = by { Some(ix) } else { None };
                (said.conversation, actor, Fact::Assigned { agent, team, by })
            }
            EventKind::Status { conversation, status, by, agent } => {
                let agent = agent.map(|id| self.agent_ix(source, id));
                (conversation, agent, Fact::Status { status, by, agent })
            }
            EventKind::Routed { conversation, keyword } => (conversation, None, Fact::Routed(self.words.of(&keyword))),
            EventKind::ReturnedToBot { conversation, agent } => {
                let agent = self.agent_ix(source, agent);
                (conversation, Some(agent), Fact::ReturnedToBot(agent))
            }
            EventKind::Tagged { conversation, tags } => (conversation, None, Fact::Tagged(self.tags(&tags))),
            EventKind::Macro { conversation, agent, name } => {
                let agent = agent.map(|id| self.agent_ix(source, id));
                (conversation, agent, Fact::Macro(agent, self.words.of(&name)))
            }
            EventKind::Sla { conversation, metric, due } => (conversation, None, Fact::Sla(metric, due)),
            EventKind::Rated { conversation, score, scale, comment } => {
                let rating = Rating { score, scale, digest: print(comment.as_ref()) };
                (conversation, None, Fact::Rated(Box::new(rating)))
            }
            EventKind::Nps { conversation, score, .. } => (conversation?, None, Fact::Nps(score)),
            EventKind::Converted { conversation, amount, currency } => {
                let currency = currency.map(|word| self.words.of(&word));
                (conversation, None, Fact::Converted(Box::new((amount, currency))))
            }
            EventKind::Merged { conversation, into } => (conversation, None, Fact::Merged(Box::new(into))),
            EventKind::Hello { .. }
            | EventKind::Team { .. }
            | EventKind::Agent(_)
            | EventKind::Customer { .. }
            | EventKind::Presence { .. }
            | EventKind::ArticleVote { .. }
            | EventKind::Clock {} => return None,
        })
    }

    fn message(&mut self, source: SourceIx, said: Message) -> (ConversationId, Option<AgentIx>, Fact) {
        let agent = said.agent.filter(|_| said.from == Author::Agent).map(|id| self.agent_ix(source, id));
        let fact = Fact::Message {
            from: said.from,
            agent,
            public: said.public.unwrap_or(true),
            digest: print(said.text.as_ref()),
            text: said.text.as_ref().filter(|_| self.keep_text).and_then(Words::text).map(|text| Box::new(text.into())),
        };
        (said.conversation, agent, fact)
    }

    fn tags(&mut self, tags: &[String]) -> Arc<[Arc<str>]> {
        tags.iter().map(|tag| self.words.of(tag)).collect()
    }

    fn touch_conversation(&mut self, ix: ConversationIx) {
        if let Some(conversation) = &mut self.conversations[ix.at()]
            && !std::mem::replace(&mut conversation.dirty, true)
        {
            self.changes.conversations.push(ix);
        }
    }

    fn touch_agents(&mut self, source: SourceIx) {
        for i in 0..self.agents.len() {
            if self.agents[i].source == source {
                self.touch_agent(AgentIx(i as u32));
            }
        }
    }

    fn touch_agent(&mut self, ix: AgentIx) {
        if !std::mem::replace(&mut self.agents[ix.at()].dirty, true) {
            self.changes.agents.push(ix);
        }
    }

    fn agent_ix(&mut self, source: SourceIx, id: AgentId) -> AgentIx {
        let next = AgentIx(self.agents.len() as u32);
        let known = &mut self.sources[source.at()].agents;
        let (ix, new) = known.of(&id, next, |ix| self.agents.get(ix.at()).map(|one| &one.id));
        if new {
            self.agents.push(Agent::new(source, id));
            self.touch_agent(ix);
        }
        ix
    }

    fn team_ix(&mut self, source: SourceIx, id: TeamId) -> TeamIx {
        let next = TeamIx(self.teams.len() as u32);
        let known = &mut self.sources[source.at()].teams;
        let (ix, new) = known.of(&id, next, |ix| self.teams.get(ix.at()).map(|one| &one.id));
        if new {
            self.teams.push(Team::new(source, id));
            self.changes.teams.push(ix);
        }
        ix
    }

    fn customer_ix(&mut self, source: SourceIx, id: CustomerId) -> CustomerIx {
        let next = CustomerIx(self.customers.len() as u32);
        let known = &mut self.sources[source.at()].customers;
        let (ix, new) = known.of(&id, next, |ix| self.customers.get(ix.at()).map(|one| &one.shown.id));
        if new {
            self.customers.push(KnownCustomer::new(source, id));
            self.changes.customers.push(ix);
        }
        ix
    }

    fn conversation_ix(&mut self, source: SourceIx, id: ConversationId) -> ConversationIx {
        let next = self.free.last().copied().unwrap_or(ConversationIx(self.conversations.len() as u32));
        let known = &mut self.sources[source.at()].conversations;
        let (ix, new) = known.of(&id, next, |ix| self.conversations.get(ix.at())?.as_ref().map(|one| &one.id));
        if new {
            let conversation = Some(Conversation::new(source, id));
            if self.free.pop().is_some() {
                self.conversations[ix.at()] = conversation;
            } else {
                self.conversations.push(conversation);
            }
        }
        ix
    }
}

/// What tells words apart where they are not kept; 0 = there are none.
fn print(words: Option<&Words>) -> u64 {
    words.map_or(0, Words::print)
}
