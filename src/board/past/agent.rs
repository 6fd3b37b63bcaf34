//! What an agent did: figures beside those of its team, ended chats, and how long it takes to handle one.

use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use rustc_hash::{FxHashMap, FxHashSet};

use super::spread::Spread;
use super::{Span, Standpoint};
use crate::desk::{AgentIx, Customer, Desk, SourceIx};
use crate::event::{AgentId, Capability, ConversationId, Status, Timestamp};
use crate::metrics::calendar::{Measure, local, midnight};
use crate::metrics::history::{Filter, Grouping, History, Query, Row, Value};
use crate::metrics::story::{Answer, SpellEnd, Story};

/// The ranges whose figures are shown, in days with today as the last.
const RANGES: [u16; 3] = [1, 7, 30];
/// Ended chats are listed up to this many.
const ENDED_MOST: usize = 2_000;

/// What an agent did in the last 30 days.
#[derive(Debug, Clone)]
pub struct AgentPast {
    /// Where the agent comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: AgentId,
    /// As of when.
    pub at: Timestamp,
    /// The first instant of which anything is kept.
    pub begins_at: Option<Timestamp>,
    /// Whom it is compared with.
    pub peers: Peers,
    /// Its figures of today, of 7 and of 30 days.
    pub ranges: Vec<AgentRange>,
    /// The endings of chats that it held or ended, newest first.
    pub ended: Vec<EndedChat>,
    /// How many there are, listed or not.
    pub ended_total: usize,
    /// Its handling times.
    pub handling: Spread,
    /// Those of all whom it is compared with, its own among them.
    pub team_handling: Spread,
}

/// Whom an agent is compared with: everybody who shares a team with it, itself included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peers {
    /// Its teams; empty where it is in none: then these are all agents of its source.
    pub teams: Vec<Arc<str>>,
}

/// An agent's figures of the last days beside its team's.
#[derive(Debug, Clone)]
pub struct AgentRange {
    /// How many days; 1 = today.
    pub days: u16,
    /// Its first instant.
    pub from: Timestamp,
    /// How many agents of its teams took part: were online, replied or ended a chat.
    pub agents: usize,
    /// Those that say one number, in the same order in every range: for the first look first.
    pub figures: Vec<Beside>,
}

/// A figure of an agent beside the median of its team's.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Which figure.
    pub row: &'static Row,
    /// The agent's; `None` where its source can't tell it.
    pub own: Option<Value>,
    /// The median over the agents of its teams that took part, of each one's own figure.
    pub team: Option<f64>,
    /// Over how many of them: those who have the figure.
    pub of: usize,
}

/// An ending of a chat that an agent held or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedChat {
    /// The conversation.
    pub id: ConversationId,
    /// Who asked.
    pub customer: Option<Arc<Customer>>,
    /// By which way.
    pub channel: Option<Arc<str>>,
    /// What it was about.
    pub subject: Option<Arc<str>>,
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// When it ended.
    pub at: Timestamp,
    /// Where it stands now: it may have been reopened.
    pub status: Status,
    /// Whether an agent ended it.
    pub by_agent: bool,
    /// From when this agent received it to the ending, in milliseconds; endings by an agent only.
    pub handled: Option<i64>,
    /// From opened to the ending, in milliseconds.
    pub resolution: i64,
    /// Replies of this agent up to the ending.
    pub replies: u64,
    /// What the customer answered about it.
    pub answer: Option<Answer>,
}

/// The last so many days, of which today is one.
pub(super) fn last_days(days: u16, now: Timestamp, zone: Tz) -> Span {
    let first = local(zone, now).date() - TimeDelta::days(i64::from(days.max(1)) - 1);
    Span { from: midnight(zone, first), to: now }
}

/// The stretch of time that the page needs.
pub(super) fn needed(now: Timestamp, zone: Tz) -> Span {
    last_days(RANGES[RANGES.len() - 1], now, zone)
}

impl AgentPast {
    /// From the last 30 days; `None` where the agent is not known.
    pub fn new(history: &History, source: SourceIx, id: &AgentId, from: &Standpoint<'_>) -> Option<Self> {
        let desk = history.desk();
        let own = desk.find_agent(source, id)?;
        let team: FxHashSet<AgentIx> = peers(desk, own).collect();
        let mut ranges: Vec<AgentRange> = RANGES.iter().map(|days| range(history, own, &team, *days, from)).collect();
        order(&mut ranges);
        let since = ranges.last().map_or(from.now, |range| range.from);
        let measure = from.measure(history);
        let mut done = Done { own, since, ended: Vec::new(), handling: Vec::new(), team_handling: Vec::new() };
        for (_, conversation) in desk.conversations().filter(|(_, one)| one.source == source) {
            if conversation.last_at() >= since {
                let story = Story::of(conversation, desk.rules(source), from.now);
                done.add(desk, &conversation.id, &story, &team, &measure);
            }
        }
        done.ended.sort_by(|one, other| (other.at, &one.id).cmp(&(one.at, &other.id)));
        let ended_total = done.ended.len();
        done.ended.truncate(ENDED_MOST);
        let teams = desk.agent(own).teams().iter().map(|team| desk.team(*team).name()).collect();
        Some(Self {
            source,
            id: id.clone(),
            at: from.now,
            begins_at: from.begins_at,
            peers: Peers { teams },
            ranges,
            ended: done.ended,
            ended_total,
            handling: Spread::of(done.handling),
            team_handling: Spread::of(done.team_handling),
        })
    }
}

/// Everybody who shares a team with an agent, itself included; all agents of its source where it is in no team.
fn peers(desk: &Desk, own: AgentIx) -> impl Iterator<Item = AgentIx> + '_ {
    let agent = desk.agent(own);
    let shares = |other: &crate::desk::Agent| {
        other.source == agent.source
            && (agent.teams().is_empty() || other.teams().iter().any(|team| agent.teams().contains(team)))
    };
    let numbered = desk.agents().iter().enumerate();
    numbered.filter(move |(_, other)| shares(other)).map(|(i, _)| AgentIx(i as u32))
}

/// Figures of an agent in the order of the registry; `None` where its source can't tell one.
type Known = Vec<(&'static Row, Option<Value>)>;

fn range(
    history: &History,
    own: AgentIx,
    team: &FxHashSet<AgentIx>,
    days: u16,
    standpoint: &Standpoint<'_>,
) -> AgentRange {
    let desk = history.desk();
    let source = desk.agent(own).source;
    let from = last_days(days, standpoint.now, standpoint.zone).from;
    let name = history.sources().get(source.at()).cloned();
    let filter = Filter { source: name.into_iter().collect(), ..Filter::default() };
    let query = Query { from, to: standpoint.now, zone: standpoint.zone, by: Some(Grouping::Agent), filter };
    let report = history.report(&query, standpoint.terms);
    let tells = |ix: AgentIx, row: &Row| row.key != "online_time" || tells_presence(desk, ix);
    let known = |ix: AgentIx, figures: &[(&'static Row, Value)]| -> Known {
        figures.iter().map(|(row, value)| (*row, Some(value.clone()).filter(|_| tells(ix, row)))).collect()
    };
    let mut mine = Vec::new();
    let mut theirs: Vec<Known> = Vec::new();
    let by_id: FxHashMap<&str, AgentIx> = team.iter().map(|ix| (desk.agent(*ix).id.as_str(), *ix)).collect();
    for group in &report.groups {
        let Some(&ix) = by_id.get(group.key.as_str()) else { continue };
        let figures = known(ix, &group.figures);
        if ix == own {
            mine.clone_from(&figures);
        }
        if took_part(&figures) {
            theirs.push(figures);
        }
    }
    let figures = mine.into_iter().enumerate().filter_map(|(at, (row, own))| {
        // What says no one number has no median.
        let number_of = |figures: &Known| figures.get(at)?.1.as_ref()?.measure();
        let is_number =
            own.as_ref().is_none_or(|value| !matches!(value, Value::Shares(_) | Value::Counts(_) | Value::Amounts(_)));
        let mut numbers: Vec<f64> = theirs.iter().filter_map(number_of).collect();
        is_number.then(|| Beside { row, own, of: numbers.len(), team: median(&mut numbers) })
    });
    AgentRange { days, from, agents: theirs.len(), figures: figures.collect() }
}

/// Puts the figures of all ranges in one order: those for the first look first, those that say nothing last.
fn order(ranges: &mut [AgentRange]) {
    let is_known = |figure: &Beside| figure.own.as_ref().and_then(Value::measure).or(figure.team).is_some();
    let Some(longest) = ranges.last() else { return };
    let mut places: Vec<usize> = (0..longest.figures.len()).collect();
    places.sort_by_key(|at| {
        let figure = &longest.figures[*at];
        // What an agent holds now is told by the board itself.
        (figure.row.key == "backlog", !figure.row.headline, !is_known(figure))
    });
    for range in ranges {
        let mut figures: Vec<Option<Beside>> = std::mem::take(&mut range.figures).into_iter().map(Some).collect();
        range.figures = places.iter().filter_map(|at| figures.get_mut(*at)?.take()).collect();
    }
}

fn tells_presence(desk: &Desk, ix: AgentIx) -> bool {
    let agent = desk.agent(ix);
    !agent.presence().is_empty() || desk.capabilities(agent.source).contains(&Capability::Presence)
}

/// Whether an agent was online, replied or ended a chat.
fn took_part(figures: &Known) -> bool {
    const SIGNS: [&str; 3] = ["worked", "closed", "online_time"];
    let number_of = |value: &Option<Value>| value.as_ref().and_then(Value::measure).unwrap_or(0.0);
    figures.iter().any(|(row, value)| SIGNS.contains(&row.key) && number_of(value) > 0.0)
}

/// The middle one, or what lies half way between the two in the middle.
pub(super) fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    Some(numbers[last / 2].midpoint(numbers[last.div_ceil(2)]))
}

/// What an agent and its team did, conversation by conversation.
struct Done {
    own: AgentIx,
    since: Timestamp,
    ended: Vec<EndedChat>,
    handling: Vec<i64>,
    team_handling: Vec<i64>,
}

impl Done {
    fn add(&mut self, desk: &Desk, id: &ConversationId, story: &Story, team: &FxHashSet<AgentIx>, measure: &Measure) {
        let mut own_spells = Vec::new();
        for spell in story.spells.iter().filter(|spell| team.contains(&spell.agent)) {
            let (SpellEnd::Ended { by_agent: true }, Some(to)) = (spell.end, spell.to) else { continue };
            if to < self.since {
                continue;
            }
            let millis = measure.millis(spell.team, spell.from, to);
            self.team_handling.push(millis);
            if spell.agent == self.own {
                self.handling.push(millis);
                own_spells.push((to, millis));
            }
        }
        for (i, ending) in story.endings.iter().enumerate() {
            if ending.at >= self.since && ending.is_of(self.own) {
                let handled = own_spells.iter().find(|(to, _)| *to == ending.at).map(|(_, millis)| *millis);
                self.ended.push(ended_chat(desk, id, story, i, self.own, handled, measure));
            }
        }
    }
}

fn ended_chat(
    desk: &Desk,
    id: &ConversationId,
    story: &Story,
    i: usize,
    agent: AgentIx,
    handled: Option<i64>,
    measure: &Measure,
) -> EndedChat {
    let (state, ending) = (&story.state, story.endings[i]);
    let replies = story.replies.iter().filter(|(at, by)| *by == agent && *at <= ending.at).count();
    EndedChat {
        id: id.clone(),
        customer: state.customer.map(|ix| Arc::clone(desk.customer(ix))),
        channel: state.channel.clone(),
        subject: state.subject.clone(),
        url: state.url.clone(),
        at: ending.at,
        status: state.status,
        by_agent: ending.by_agent,
        handled,
        resolution: measure.millis(ending.team, state.started_at, ending.at),
        replies: replies as u64,
        answer: story.answer_about(i).cloned(),
    }
}
