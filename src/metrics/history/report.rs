//! The report: every figure of a range, in all and by group.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono_tz::Tz;
use rustc_hash::{FxHashMap, FxHashSet};

use super::cost::{Business, Costs};
use super::filter::{Choice, Filter};
use super::grouping::Grouping;
use super::moment::{Moment, What};
use super::period::Period;
use super::record::History;
use super::registry::{Context, REGISTRY, Row};
use super::sink::{Bucket, Frame, Sums};
use super::tally::Tally;
use super::value::Value;
use crate::desk::{AgentIx, Conversation, SourceIx};
use crate::event::{Capability, Timestamp};
use crate::metrics::calendar::{Calendars, Measure};

/// A report by day has at most so many days: a century.
pub const MOST_DAYS: i64 = 36_600;
/// From so many conversations on, all cores walk them.
const MANY: usize = 4_000;
/// So many of them at once.
const PART: usize = 1_000;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What is asked.
#[derive(Debug, Clone)]
pub struct Query {
    /// The first instant of the range.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Whose days and hours count.
    pub zone: Tz,
    /// What it is grouped by, besides the total.
    pub by: Option<Grouping>,
    /// Which part of the desk it is about.
    pub filter: Filter,
}

/// What the config adds to the events.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Business hours; durations are by the clock on the wall where there are none.
    pub calendars: Calendars,
    /// What support costs, where it is known.
    pub costs: Option<Costs>,
    /// What no help desk knows.
    pub business: Business,
}

/// Figures in the order of the registry; those that the grouping or the filter makes no sense of are not there.
pub type Figures = Vec<(&'static Row, Value)>;

/// Every figure of a range.
#[derive(Debug, Clone)]
pub struct Report {
    /// The first instant of the range.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// Whose days and hours count.
    pub zone: Tz,
    /// What it is grouped by.
    pub by: Option<Grouping>,
    /// Whether anything is known of who was online; where not, no time online is unknown rather than 0.
    pub knows_presence: bool,
    /// Over everything that the filter lets through.
    pub total: Figures,
    /// By what was asked for, in the order of names, or of time.
    pub groups: Vec<Group>,
}

/// The figures of one group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its source, where several are read and the key is an id.
    pub source: Option<String>,
    /// Its id, or the word, day or hour itself.
    pub key: String,
    /// Its display name.
    pub name: String,
    /// Its figures.
    pub figures: Figures,
}

impl History {
    /// The figures of a range. All events must be settled.
    pub fn report(&self, query: &Query, terms: &Terms) -> Report {
        let begun_at = self.span().map_or(query.from, |(first, _)| first.min(query.from));
        let measure = Measure::new(&terms.calendars, &self.desk, begun_at, query.to);
        let choice = Choice::new(&query.filter, &self.desk, &self.sources);
        let whole = [Period { from: query.from, to: query.to }];
        let asking = Asking { history: self, query, terms, measure, choice };
        let by = query.by.filter(|by| *by != Grouping::Day);
        let mut sums = asking.sums(&whole, by);
        if query.by == Some(Grouping::Day) {
            let days = whole[0].days(query.zone);
            let periods: Vec<_> = days.iter().map(|(day, _)| *day).collect();
            sums.groups = asking.sums(&periods, query.by).groups;
        }
        let total = asking.figures(&mut sums.total, None);
        let groups = asking.groups(sums.groups);
        let knows_presence = self.knows_presence();
        Report { from: query.from, to: query.to, zone: query.zone, by: query.by, knows_presence, total, groups }
    }
}

impl History {
    /// Whether a source claims to tell who is online, or has told it.
    fn knows_presence(&self) -> bool {
        self.desk.any_can_tell(Capability::Presence) || self.desk.agents().iter().any(|one| !one.presence().is_empty())
    }
}

struct Asking<'a> {
    history: &'a History,
    query: &'a Query,
    terms: &'a Terms,
    measure: Measure,
    choice: Choice<'a>,
}

impl Asking<'_> {
    fn sums(&self, periods: &[Period], by: Option<Grouping>) -> Sums {
        let (desk, measure, choice) = (&self.history.desk, &self.measure, &self.choice);
        let frame = Frame { desk, measure, choice, zone: self.query.zone, by, periods };
        let conversations: Vec<&Conversation> = desk.conversations().map(|(_, one)| one).collect();
        let mut sums = walk_all(frame, &conversations);
        self.add_presence(&mut sums, periods, by);
        self.add_loose(&mut sums, periods, by);
        sums
    }

    fn add_presence(&self, sums: &mut Sums, periods: &[Period], by: Option<Grouping>) {
        let costs = self.terms.costs.as_ref();
        for (i, agent) in self.history.desk.agents().iter().enumerate() {
            let ix = AgentIx(i as u32);
            if !self.choice.admits_agent(ix, agent) {
                continue;
            }
            let mut add = |bucket, period| sums.groups.entry(bucket).or_default().presence.add(agent, period, costs);
            match by {
                Some(Grouping::Agent) => add(Bucket::Agent(ix), periods[0]),
                // A team is a group where a conversation has it.
                Some(Grouping::Team) => {
                    let teams: FxHashSet<_> = agent.teams().iter().map(|team| Bucket::Team(*team)).collect();
                    for team in teams {
                        sums.groups.entry(team).and_modify(|tally| tally.presence.add(agent, periods[0], costs));
                    }
                }
                Some(Grouping::Day) => {
                    periods.iter().enumerate().for_each(|(day, period)| add(Bucket::Number(day), *period));
                    continue;
                }
                _ => {}
            }
            sums.total.presence.add(agent, periods[0], costs);
        }
        let Some(costs) = costs else { return };
        for (i, period) in periods.iter().enumerate() {
            let fixed = costs.fixed(*period, self.query.zone);
            match by {
                Some(Grouping::Day) => sums.groups.entry(Bucket::Number(i)).or_default().presence.fixed = fixed,
                _ => sums.total.presence.fixed = fixed,
            }
        }
    }

    /// Adds what is about no conversation.
    fn add_loose(&self, sums: &mut Sums, periods: &[Period], by: Option<Grouping>) {
        let period_of = |at: Timestamp| {
            let i = periods.partition_point(|period| period.to <= at);
            periods.get(i).filter(|period| period.from <= at).map(|_| i)
        };
        for vote in &self.history.votes {
            let Some(i) = period_of(vote.at).filter(|_| self.choice.admits_source(vote.source)) else { continue };
            let bucket = match by {
                Some(Grouping::Day) => Some(Bucket::Number(i)),
                Some(Grouping::Article) => Some(Bucket::Word(vote.article.as_str().into())),
                _ => None,
            };
            if let Some(bucket) = bucket {
                sums.groups.entry(bucket).or_default().quality.self_service.add(vote.helpful);
            }
            sums.total.quality.self_service.add(vote.helpful);
        }
        for answer in &self.history.answers {
            let moment = Moment { at: answer.at, agent: None, keyword: None, what: What::Nps(answer.score()) };
            let Some(i) = period_of(answer.at).filter(|_| self.admits_loose(answer.source)) else { continue };
            if by == Some(Grouping::Day) {
                sums.groups.entry(Bucket::Number(i)).or_default().add(&moment);
            }
            sums.total.add(&moment);
        }
        for (source, at) in &self.history.openings {
            if self.admits_loose(*source) {
                sums.count_opening(periods, self.query.zone, by, *at);
            }
        }
    }

    /// Whether something that names no conversation can be of interest.
    fn admits_loose(&self, source: SourceIx) -> bool {
        self.choice.admits_source(source) && self.query.filter.dimensions().next().is_none()
    }

    fn figures(&self, tally: &mut Tally, by: Option<Grouping>) -> Figures {
        if self.terms.costs.is_none() || !self.history.knows_presence() {
            tally.presence.leave_unpriced();
        }
        let context = Context { tally, business: &self.terms.business };
        let rows = REGISTRY.iter().filter(|row| row.applies(by, self.query.filter.dimensions()));
        rows.filter_map(|row| Some((row, (row.value)(&context)?))).collect()
    }

    fn groups(&self, mut tallies: FxHashMap<Bucket, Tally>) -> Vec<Group> {
        let Some(by) = self.query.by else { return Vec::new() };
        self.add_empty(&mut tallies, by);
        let days = match by {
            Grouping::Day => Period { from: self.query.from, to: self.query.to }.days(self.query.zone),
            _ => Vec::new(),
        };
        let days: Vec<String> = days.into_iter().map(|(_, name)| name).collect();
        let names = self.shared_names(by);
        let mut groups: Vec<_> = tallies
            .into_iter()
            .map(|(bucket, mut tally)| {
                let (source, key, name) = self.name(&bucket, by, &days);
                let place = if let Bucket::Number(place) = bucket { place } else { 0 };
                let source = source.filter(|_| names > 1).map(|source| self.history.sources[source.at()].clone());
                (place, Group { source, key, name, figures: self.figures(&mut tally, Some(by)) })
            })
            .collect();
        groups.sort_by(|(place, one), (other_place, other)| {
            let order = |group: &Group| (group.name.clone(), group.key.clone(), group.source.clone());
            place.cmp(other_place).then_with(|| order(one).cmp(&order(other)))
        });
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// How many sources an id may come from.
    fn shared_names(&self, by: Grouping) -> usize {
        match by {
            Grouping::Agent | Grouping::Team | Grouping::Customer => self.history.sources.len(),
            _ => 1,
        }
    }

    /// Groups that stand in a report also with nothing to count.
    fn add_empty(&self, tallies: &mut FxHashMap<Bucket, Tally>, by: Grouping) {
        let mut add = |bucket| {
            tallies.entry(bucket).or_default();
        };
        match by {
            Grouping::Agent => {
                let agents = self.history.desk.agents().iter().enumerate();
                let admitted = agents.filter(|(i, agent)| self.choice.admits_agent(AgentIx(*i as u32), agent));
                admitted.for_each(|(i, _)| add(Bucket::Agent(AgentIx(i as u32))));
            }
            Grouping::Day => {
                let days = Period { from: self.query.from, to: self.query.to }.days(self.query.zone);
                (0..days.len()).for_each(|day| add(Bucket::Number(day)));
            }
            Grouping::Hour => (0..24).for_each(|hour| add(Bucket::Number(hour))),
            Grouping::WeekdayHour => (0..24 * 7).for_each(|hour| add(Bucket::Number(hour))),
            _ => {}
        }
    }

    /// The source, the key and the display name of a group.
    fn name(&self, bucket: &Bucket, by: Grouping, days: &[String]) -> (Option<SourceIx>, String, String) {
        let desk = &self.history.desk;
        match bucket {
            Bucket::Agent(ix) => {
                let agent = desk.agent(*ix);
                (Some(agent.source), agent.id.to_string(), agent.name().to_string())
            }
            Bucket::Team(ix) => {
                let team = desk.team(*ix);
                (Some(team.source), team.id.to_string(), team.name().to_string())
            }
            Bucket::Customer(ix) => {
                let customer = desk.customer(*ix);
                (Some(customer.source), customer.id.to_string(), customer.name.to_string())
            }
            Bucket::Word(word) => (None, word.to_string(), word.to_string()),
            Bucket::Number(number) => {
                let name = match by {
                    Grouping::Day => days[*number].clone(),
                    Grouping::WeekdayHour => format!("{} {:02}", WEEKDAYS[number / 24], number % 24),
                    _ => format!("{number:02}"),
                };
                (None, name.clone(), name)
            }
        }
    }
}

/// Walks all conversations, on all cores where there are many.
fn walk_all(frame: Frame<'_>, conversations: &[&Conversation]) -> Sums {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if conversations.len() < MANY || cores == 1 {
        return Sums::of(frame, conversations);
    }
    // Old conversations, which are passed by, come first: each core takes the next part when it is done with one.
    let next = AtomicUsize::new(0);
    let walk = || {
        let mut sums = Sums::default();
        while let Some(part) = conversations.chunks(PART).nth(next.fetch_add(1, Ordering::Relaxed)) {
            sums.walk_each(frame, part);
        }
        sums
    };
    thread::scope(|scope| {
        // Each is told from other threads by the name of the one it works for.
        let name = thread::current().name().unwrap_or("report").to_owned();
        let spawn = |_| thread::Builder::new().name(name.clone()).spawn_scoped(scope, walk);
        // With no further thread to be had, this one does all the work.
        let walks: Vec<_> = (1..cores).filter_map(|i| spawn(i).ok()).collect();
        let mut sums = walk();
        for walk in walks {
            sums.merge(walk.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        sums
    })
}
