//! Which part of the desk a report is about.

use rustc_hash::FxHashSet;
use std::sync::Arc;

use super::grouping::Grouping;
use super::moment::Moment;
use super::sink::Traits;
use crate::desk::{Agent, AgentIx, CustomerIx, Desk, SourceIx, TeamIx};

/// Words to choose by; of one kind any may fit, of each kind that has some one must.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Sources by name.
    pub source: Vec<String>,
    /// Teams by id or name.
    pub team: Vec<String>,
    /// Agents by id or name: what belongs to them.
    pub agent: Vec<String>,
    /// Channels.
    pub channel: Vec<String>,
    /// Customers by id or name.
    pub customer: Vec<String>,
    /// Segments.
    pub segment: Vec<String>,
    /// Tags.
    pub tag: Vec<String>,
    /// Routing keywords.
    pub keyword: Vec<String>,
}

impl Filter {
    /// What it chooses by, but for sources.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = Grouping> {
        let words = [
            (Grouping::Team, &self.team),
            (Grouping::Agent, &self.agent),
            (Grouping::Channel, &self.channel),
            (Grouping::Customer, &self.customer),
            (Grouping::Segment, &self.segment),
            (Grouping::Tag, &self.tag),
            (Grouping::Keyword, &self.keyword),
        ];
        words.into_iter().filter(|(_, words)| !words.is_empty()).map(|(dimension, _)| dimension)
    }
}

/// A filter with its names looked up in a desk.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    words: &'a Filter,
    sources: Option<FxHashSet<SourceIx>>,
    teams: Option<FxHashSet<TeamIx>>,
    agents: Option<FxHashSet<AgentIx>>,
    customers: Option<FxHashSet<CustomerIx>>,
}

/// The numbers of those that have one of the names; `None` where no name is given.
fn chosen<'a, T: 'a, I: Eq + std::hash::Hash>(
    words: &[String],
    all: impl IntoIterator<Item = &'a T>,
    names: impl Fn(&'a T) -> (&'a str, Arc<str>),
    number: impl Fn(u32) -> I,
) -> Option<FxHashSet<I>> {
    let fits = |one: &'a T| {
        let (id, name) = names(one);
        words.iter().any(|word| word == id || **word == *name)
    };
    let numbered = all.into_iter().enumerate().filter(|(_, one)| fits(one));
    (!words.is_empty()).then(|| numbered.map(|(i, _)| number(i as u32)).collect())
}

impl<'a> Choice<'a> {
    pub fn new(words: &'a Filter, desk: &Desk, sources: &[String]) -> Self {
        Self {
            words,
            sources: chosen(&words.source, sources, |name| (name, name.as_str().into()), SourceIx),
            teams: chosen(&words.team, desk.teams(), |one| (one.id.as_str(), one.name()), TeamIx),
            agents: chosen(&words.agent, desk.agents(), |one| (one.id.as_str(), one.name()), AgentIx),
            customers: chosen(
                &words.customer,
                desk.customers(),
                |one| (one.id.as_str(), (&*one.name).into()),
                CustomerIx,
            ),
        }
    }

    /// Whether it lets everything through.
    pub fn admits_all(&self) -> bool {
        *self.words == Filter::default()
    }

    /// Whether it chooses among agents.
    pub fn has_agents(&self) -> bool {
        self.agents.is_some()
    }

    pub fn admits_source(&self, source: SourceIx) -> bool {
        self.sources.as_ref().is_none_or(|chosen| chosen.contains(&source))
    }

    /// Whether a conversation is of interest; its moments may still not be.
    pub fn admits(&self, one: &Traits<'_>) -> bool {
        self.admits_source(one.source)
            && is_among(self.teams.as_ref(), one.team)
            && self.admits_customer(one.customer, one.segment)
            && is_word(&self.words.channel, one.channel)
            && (self.words.tag.is_empty() || one.tags.iter().any(|tag| is_word(&self.words.tag, Some(tag))))
    }

    /// Whether a customer is of interest.
    pub fn admits_customer(&self, customer: Option<CustomerIx>, segment: Option<&Arc<str>>) -> bool {
        is_among(self.customers.as_ref(), customer) && is_word(&self.words.segment, segment)
    }

    /// Whether a moment of a conversation that is of interest is.
    pub fn admits_moment(&self, moment: &Moment<'_>, keyword: Option<&Arc<str>>) -> bool {
        is_among(self.agents.as_ref(), moment.agent) && is_word(&self.words.keyword, keyword)
    }

    /// Whether an agent's time is of interest.
    pub fn admits_agent(&self, ix: AgentIx, agent: &Agent) -> bool {
        let in_team = |teams: &FxHashSet<TeamIx>| agent.teams().iter().any(|team| teams.contains(team));
        self.admits_source(agent.source)
            && is_among(self.agents.as_ref(), Some(ix))
            && self.teams.as_ref().is_none_or(in_team)
    }
}

fn is_among<I: Eq + std::hash::Hash>(chosen: Option<&FxHashSet<I>>, one: Option<I>) -> bool {
    chosen.is_none_or(|chosen| one.is_some_and(|one| chosen.contains(&one)))
}

fn is_word(words: &[String], one: Option<&Arc<str>>) -> bool {
    words.is_empty() || one.is_some_and(|one| words.iter().any(|word| **word == **one))
}
