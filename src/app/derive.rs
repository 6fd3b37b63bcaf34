//! Filtered and sorted lists, made once per picture, filter and order; the natural order needs none.

use std::cmp::Reverse;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use strum::{Display, EnumIter, IntoEnumIterator};

use super::cursor::Rows;
use crate::board::BoardSnapshot;
use crate::desk::AgentIx;
use crate::metrics::live::{AgentKey, AgentRow, ConversationRow, LiveFigures, WaitKey};

/// An order of the list of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Display, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum AgentSort {
    /// At work first, then by longest wait.
    #[default]
    Longest,
    /// By name.
    Agent,
    /// By state, then name.
    State,
    /// By load, then by chats held, highest first.
    Load,
    /// By waiting customers, most first.
    Wait,
}

/// An order of the list of the unanswered; equal ones stay longest wait first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Display, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum WaitSort {
    /// Longest first.
    #[default]
    Wait,
    /// By customer.
    Customer,
    /// By channel.
    Channel,
    /// By holder; nobody's first.
    Agent,
    /// By team.
    Team,
}

/// An order of chats of the past; equal ones stay newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Display, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum ChatSort {
    /// Newest first.
    #[default]
    Newest,
    /// By how long it took, longest first.
    Longest,
    /// By the answer, worst first; those without one last.
    Rated,
}

/// A column title that sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The list of agents.
    Agents(AgentSort),
    /// The list of the unanswered.
    Unanswered(WaitSort),
    /// The chats on a page of the past.
    Chats(ChatSort),
}

/// The order after this one.
pub fn next<S: IntoEnumIterator + PartialEq + Default>(sort: &S) -> S {
    S::iter().skip_while(|known| known != sort).nth(1).unwrap_or_default()
}

/// What the lists were made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Recipe {
    generation: u64,
    filter: String,
    agents: AgentSort,
    unanswered: WaitSort,
}

/// The lists of one viewer.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    made_of: Option<Recipe>,
    agents: Option<Vec<AgentKey>>,
    unanswered: Option<Vec<WaitKey>>,
}

impl Lists {
    /// Makes the lists anew where the picture, the filter or an order changed.
    pub fn sync(&mut self, snapshot: &BoardSnapshot, filter: &str, agents: AgentSort, unanswered: WaitSort) {
        let recipe = Recipe { generation: snapshot.generation, filter: filter.to_owned(), agents, unanswered };
        if self.made_of.as_ref() == Some(&recipe) {
            return;
        }
        let live = &snapshot.live;
        let needle = Needle::new(filter);
        let matching = (!needle.is_empty()).then(|| matching(live, &needle));
        self.unanswered = match (&matching, unanswered) {
            (None, WaitSort::Wait) => None,
            (None, sort) => Some(sorted_waits(live, live.waiting.keys().cloned().collect(), sort)),
            (Some(found), sort) => Some(sorted_waits(live, found.clone(), sort)),
        };
        self.agents = match (&matching, agents) {
            (None, AgentSort::Longest) => None,
            (None, sort) => Some(sorted_agents(live, live.ranking.keys().cloned().collect(), sort)),
            (Some(found), sort) => Some(sorted_agents(live, matching_agents(live, &needle, found), sort)),
        };
        self.made_of = Some(recipe);
    }

    /// The agents, as they are to be shown.
    pub fn agents<'a>(&'a self, snapshot: &'a BoardSnapshot) -> Rows<'a, AgentKey> {
        self.agents.as_ref().map_or(Rows::Kept(&snapshot.live.ranking), |list| Rows::List(list))
    }

    /// The unanswered, as they are to be shown.
    pub fn unanswered<'a>(&'a self, snapshot: &'a BoardSnapshot) -> Rows<'a, WaitKey, Arc<ConversationRow>> {
        self.unanswered.as_ref().map_or(Rows::Kept(&snapshot.live.waiting), |list| Rows::List(list))
    }
}

/// What is looked for, in lower case.
struct Needle(Vec<char>);

impl Needle {
    fn new(filter: &str) -> Self {
        Self(filter.trim().chars().flat_map(char::to_lowercase).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text holds it, whatever the case. A subject of a megabyte is looked at up to its first 500 characters.
    fn is_in(&self, text: &str) -> bool {
        let mut rest = text.chars().take(500).flat_map(char::to_lowercase);
        loop {
            if rest.clone().take(self.0.len()).eq(self.0.iter().copied()) {
                return true;
            }
            if rest.next().is_none() {
                return false;
            }
        }
    }
}

fn team_names<'a>(live: &'a LiveFigures, row: &'a AgentRow) -> impl Iterator<Item = &'a str> {
    row.teams.iter().filter_map(|team| live.teams.get(team.at())).map(|team| &*team.name)
}

fn agent_matches(live: &LiveFigures, row: &AgentRow, needle: &Needle) -> bool {
    needle.is_in(&row.name) || team_names(live, row).any(|name| needle.is_in(name))
}

fn conversation_matches(live: &LiveFigures, row: &ConversationRow, needle: &Needle) -> bool {
    let holder = row.holder.and_then(|ix| live.agents.get(&ix)).map(|agent| &*agent.name);
    let team = row.team.and_then(|ix| live.teams.get(ix.at())).map(|team| &*team.name);
    let customer = row.customer.as_ref().map(|customer| &*customer.name);
    [holder, team, customer, row.channel.as_deref(), row.subject.as_deref(), Some(row.id.as_str())]
        .into_iter()
        .flatten()
        .chain(row.tags.iter().map(|tag| &**tag))
        .any(|text| needle.is_in(text))
}

fn matching(live: &LiveFigures, needle: &Needle) -> Vec<WaitKey> {
    let found = live.waiting.iter().filter(|(_, row)| conversation_matches(live, row, needle));
    found.map(|(key, _)| key.clone()).collect()
}

/// Agents who match, or who hold a waiting chat that does.
fn matching_agents(live: &LiveFigures, needle: &Needle, found: &[WaitKey]) -> Vec<AgentKey> {
    let holders: FxHashSet<AgentIx> = found.iter().filter_map(|key| live.waiting.get(key)?.holder).collect();
    let matches = |key: &&AgentKey| {
        holders.contains(&key.ix) || live.agents.get(&key.ix).is_some_and(|row| agent_matches(live, row, needle))
    };
    live.ranking.keys().filter(matches).cloned().collect()
}

fn sorted_agents(live: &LiveFigures, mut keys: Vec<AgentKey>, sort: AgentSort) -> Vec<AgentKey> {
    let row = |key: &AgentKey| live.agents.get(&key.ix);
    match sort {
        AgentSort::Longest => {}
        AgentSort::Agent => keys.sort_by(|a, b| a.name.cmp(&b.name)),
        AgentSort::State => {
            keys.sort_by_cached_key(|key| (key.rank, row(key).and_then(|row| row.state), key.name.clone()));
        }
        AgentSort::Load => keys.sort_by_cached_key(|key| {
            let load = row(key).and_then(|row| row.load());
            Reverse((load.map(|load| (load * 1000.0) as u64), key.open))
        }),
        AgentSort::Wait => keys.sort_by_cached_key(|key| Reverse(row(key).map(|row| row.unanswered))),
    }
    keys
}

fn sorted_waits(live: &LiveFigures, mut keys: Vec<WaitKey>, sort: WaitSort) -> Vec<WaitKey> {
    let row = |key: &WaitKey| live.waiting.get(key);
    let lower = |name: Option<&str>| name.map(str::to_lowercase);
    match sort {
        WaitSort::Wait => {}
        WaitSort::Customer => keys.sort_by_cached_key(|key| {
            let customer = row(key).and_then(|row| row.customer.as_ref());
            let name = lower(customer.map(|customer| &*customer.name));
            (name.is_none(), name)
        }),
        WaitSort::Channel => keys.sort_by_cached_key(|key| {
            let name = lower(row(key).and_then(|row| row.channel.as_deref()));
            (name.is_none(), name)
        }),
        WaitSort::Agent => keys.sort_by_cached_key(|key| {
            let holder = row(key).and_then(|row| row.holder).and_then(|ix| live.agents.get(&ix));
            lower(holder.map(|agent| &*agent.name))
        }),
        WaitSort::Team => keys.sort_by_cached_key(|key| {
            let team = row(key).and_then(|row| row.team).and_then(|ix| live.teams.get(ix.at()));
            let name = lower(team.map(|team| &*team.name));
            (name.is_none(), name)
        }),
    }
    keys
}
