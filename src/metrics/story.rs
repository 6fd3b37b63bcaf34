//! The story of one conversation, in one walk of its log: who held it and for how long, who waited, how it ended.
//!
//! The figures of a range are those of [`super::history`]; a story is for pages that show conversations one by one, and
//! says the same of each: what completes, when, and for whom.

use crate::desk::entry::{Entry, Fact, Rating};
use crate::desk::fold::{FirstResponse, Rules, State, Transition};
use crate::desk::{AgentIx, Conversation, TeamIx};
use crate::event::{Author, Timestamp};
use crate::metrics::calendar::Measure;

/// How a spell in an agent's hands ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpellEnd {
    /// It has not.
    Lasts,
    /// Somebody else held the conversation from then on, or nobody.
    Passed,
    /// The conversation ended.
    Ended {
        /// Whether an agent ended it.
        by_agent: bool,
    },
    /// The conversation lives on in another.
    Merged,
}

/// A stretch of time in which an agent held a conversation while it was active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// Who held it.
    pub agent: AgentIx,
    /// From when: it was assigned while it was active, or it was reopened in the agent's hands.
    pub from: Timestamp,
    /// Until when; `None` = still.
    pub to: Option<Timestamp>,
    /// Whose conversation it was at the end of the spell.
    pub team: Option<TeamIx>,
    /// How it ended.
    pub end: SpellEnd,
}

/// A customer's wait that a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Since when the customer waited.
    pub since: Timestamp,
    /// When the reply came.
    pub at: Timestamp,
    /// Who replied.
    pub agent: AgentIx,
    /// Whose conversation it was.
    pub team: Option<TeamIx>,
}

/// A change from active to resolved or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Who held it.
    pub holder: Option<AgentIx>,
    /// Whose ending it is: the named agent's, else the holder's.
    pub agent: Option<AgentIx>,
    /// Whether an agent ended it.
    pub by_agent: bool,
    /// Whose conversation it was.
    pub team: Option<TeamIx>,
    /// Whether it had been reopened before.
    pub reopened: bool,
}

impl Ended {
    /// Whether it is the ending of a conversation that an agent held, or that it ended.
    pub fn is_of(&self, agent: AgentIx) -> bool {
        self.holder == Some(agent) || (self.by_agent && self.agent == Some(agent))
    }
}

/// A satisfaction answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// The answer.
    pub rating: Rating,
    /// The holder then, else the last who held it.
    pub agent: Option<AgentIx>,
}

/// What happened to one conversation.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What it came to.
    pub state: State,
    /// In whose hands it was, in the order of time.
    pub spells: Vec<Spell>,
    /// The waits that a reply ended, in the order of time.
    pub waits: Vec<Wait>,
    /// The first reply: since the opening, or since the first customer message of an outbound one.
    pub first_response: Option<Wait>,
    /// Its endings, in the order of time.
    pub endings: Vec<Ended>,
    /// When it ended for good, by an ending or by living on in another; `None` while it is active.
    pub ended_at: Option<Timestamp>,
    /// When it was reopened.
    pub reopened: Vec<Timestamp>,
    /// Satisfaction answers, in the order of time.
    pub answers: Vec<Answer>,
    /// Who replied, and when.
    pub replies: Vec<(Timestamp, AgentIx)>,
}

impl Story {
    /// What happened before an instant.
    pub fn of(conversation: &Conversation, rules: Rules, before: Timestamp) -> Self {
        let mut teller = Teller::default();
        if conversation.last_at() < before {
            let state = conversation.walk(rules, |entry, state, change| teller.step(entry, state, change));
            return teller.story(state);
        }
        let log = conversation.log();
        let seen = &log[..log.partition_point(|entry| entry.at < before)];
        let mut state = State::default();
        for (i, entry) in seen.iter().enumerate() {
            let change = state.step(seen, i, rules);
            teller.step(entry, &state, change);
        }
        teller.story(state)
    }

    /// Whether anything happened at all.
    pub fn has_begun(&self) -> bool {
        self.state.started_at < Timestamp::MAX
    }

    /// Everybody who held it while it was active, in the order of time, each once.
    pub fn holders(&self) -> Vec<AgentIx> {
        let mut holders = Vec::new();
        for spell in &self.spells {
            if !holders.contains(&spell.agent) {
                holders.push(spell.agent);
            }
        }
        holders
    }

    /// The last ending of a resolved conversation, and the time from its opening to that, in milliseconds; `None` where
    /// it is active or lives on in another.
    pub fn resolution(&self, measure: &Measure) -> Option<(Ended, i64)> {
        let is_resolved = self.state.status.is_ended() && !self.state.merged;
        let ending = *self.endings.last().filter(|_| is_resolved)?;
        Some((ending, measure.millis(ending.team, self.state.started_at, ending.at)))
    }

    /// The last satisfaction answer about an ending: one given from it on and before the next ending, or before the
    /// first of all.
    pub fn answer_about(&self, ending: usize) -> Option<&Answer> {
        let about =
            |answer: &&Answer| self.endings.partition_point(|one| one.at <= answer.at).saturating_sub(1) == ending;
        self.answers.iter().rev().find(about)
    }
}

/// Puts a story together while a log is walked.
#[derive(Debug, Default)]
pub struct Teller {
    story: Story,
    /// A spell that has begun.
    held: Option<(AgentIx, Timestamp)>,
    last_agent: Option<AgentIx>,
}

impl Teller {
    /// Takes in an entry, the state after it and what it changed.
    pub fn step(&mut self, entry: &Entry, state: &State, change: Transition) {
        let at = entry.at;
        self.last_agent = state.holder.or(self.last_agent);
        if change.reopened {
            self.story.reopened.push(at);
            self.story.ended_at = None;
            self.held = state.holder.map(|agent| (agent, at));
        }
        if change.holder_before.is_some() {
            self.close(at, state.team, SpellEnd::Passed);
            self.held = state.holder.filter(|_| state.is_active()).map(|agent| (agent, at));
        }
        match &entry.fact {
            Fact::Message { from: Author::Agent, agent: Some(agent), public: true, .. } => {
                self.reply(at, *agent, state, change);
            }
            Fact::Rated(rating) => {
                let agent = state.holder.or(self.last_agent);
                self.story.answers.push(Answer { at, rating: (**rating).clone(), agent });
            }
            Fact::Merged(_) => {
                self.close(at, state.team, SpellEnd::Merged);
                self.story.ended_at.get_or_insert(at);
            }
            _ => {}
        }
        if let Some(ending) = change.ending {
            self.close(at, state.team, SpellEnd::Ended { by_agent: ending.by_agent });
            self.story.ended_at = Some(at);
            self.story.endings.push(Ended {
                at,
                holder: state.holder,
                agent: ending.agent,
                by_agent: ending.by_agent,
                team: state.team,
                reopened: !self.story.reopened.is_empty(),
            });
        }
    }

    fn reply(&mut self, at: Timestamp, agent: AgentIx, state: &State, change: Transition) {
        self.story.replies.push((at, agent));
        if let Some(since) = change.answered_since {
            self.story.waits.push(Wait { since, at, agent, team: state.team });
        }
    }

    fn close(&mut self, at: Timestamp, team: Option<TeamIx>, end: SpellEnd) {
        if let Some((agent, from)) = self.held.take() {
            self.story.spells.push(Spell { agent, from, to: Some(at), team, end });
        }
    }

    /// The story, given the state that the log came to.
    pub fn story(mut self, state: State) -> Story {
        if let Some((agent, from)) = self.held {
            self.story.spells.push(Spell { agent, from, to: None, team: state.team, end: SpellEnd::Lasts });
        }
        let first_response = state.first_response().map(|FirstResponse { at, agent, team, millis }| {
            let since = at - chrono::TimeDelta::milliseconds(millis);
            Wait { since, at, agent, team }
        });
        Story { state, first_response, ..self.story }
    }
}
