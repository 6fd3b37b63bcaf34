//! Whether a customer is like the others: how much it asks, how long it waits, how often a chat comes back.

use chrono_tz::Tz;
use rustc_hash::FxHashMap;

use super::agent::{last_days, median};
use super::{Span, Standpoint};
use crate::desk::{CustomerIx, SourceIx};
use crate::event::{CustomerId, Timestamp};
use crate::metrics::calendar::Measure;
use crate::metrics::history::History;
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::metrics::story::Story;

/// The days that customers are compared over, today as the last.
pub const DAYS: u16 = 90;

/// What a compared number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Chats.
    Chats,
    /// Seconds.
    Seconds,
    /// A share of 1.
    Share,
}

/// A customer beside all others of its source who opened a chat in the last days.
#[derive(Debug, Clone, PartialEq)]
pub struct Typical {
    /// As of when.
    pub at: Timestamp,
    /// The first instant of the days.
    pub from: Timestamp,
    /// The first instant of which anything is kept.
    pub begins_at: Option<Timestamp>,
    /// How many other customers there are.
    pub others: usize,
    /// What is compared.
    pub figures: Vec<Comparison>,
}

/// A figure of a customer beside the same of others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// What it is called.
    pub title: &'static str,
    /// What its number is.
    pub unit: Unit,
    /// The customer's.
    pub value: Option<f64>,
    /// The middle one of the others.
    pub median: Option<f64>,
    /// How many others have the figure.
    pub n: usize,
    /// The share of them whose figure is smaller.
    pub below: f64,
    /// The share of them whose figure is greater.
    pub above: f64,
}

/// What the chats of a customer come to.
#[derive(Default)]
struct Sums {
    chats: u64,
    first: Vec<i64>,
    resolutions: Vec<i64>,
    reopened: ShareFigure,
}

/// The numbers that are compared, in the order of [`FIGURES`].
type Numbers = [Option<f64>; 4];

const FIGURES: [(&str, Unit); 4] = [
    ("chats", Unit::Chats),
    ("first response", Unit::Seconds),
    ("resolution time", Unit::Seconds),
    ("reopened", Unit::Share),
];

impl Sums {
    /// Adds what of a chat happened in a stretch of time.
    fn add(&mut self, story: &Story, from: Timestamp, measure: &Measure) {
        self.chats += u64::from(story.state.started_at >= from);
        let first = story.first_response.filter(|first| first.at >= from);
        self.first.extend(first.map(|first| measure.millis(first.team, first.since, first.at)));
        if let Some((ending, millis)) = story.resolution(measure).filter(|(ending, _)| ending.at >= from) {
            self.resolutions.push(millis);
            self.reopened.add(ending.reopened);
        }
    }

    fn numbers(mut self) -> Numbers {
        let middle = |times: &mut Vec<i64>| {
            times.sort_unstable();
            DurationFigure::of_sorted_millis(times).median
        };
        [Some(self.chats as f64), middle(&mut self.first), middle(&mut self.resolutions), self.reopened.rate()]
    }
}

/// The stretch of time that the comparison needs.
pub(super) fn needed(now: Timestamp, zone: Tz) -> Span {
    last_days(DAYS, now, zone)
}

impl Typical {
    /// From the last 90 days; `None` where the customer is not known.
    pub fn new(history: &History, source: SourceIx, id: &CustomerId, from: &Standpoint<'_>) -> Option<Self> {
        let desk = history.desk();
        let own = desk.find_customer(source, id)?;
        let (since, measure) = (needed(from.now, from.zone).from, from.measure(history));
        let mut all: FxHashMap<CustomerIx, Sums> = FxHashMap::default();
        for (_, conversation) in desk.conversations().filter(|(_, one)| one.source == source) {
            if let Some(customer) = conversation.state().customer.filter(|_| conversation.last_at() >= since) {
                let story = Story::of(conversation, desk.rules(source), from.now);
                if story.has_begun() {
                    all.entry(customer).or_default().add(&story, since, &measure);
                }
            }
        }
        let mine = all.remove(&own).unwrap_or_default().numbers();
        let others: Vec<Numbers> = all.into_values().filter(|sums| sums.chats > 0).map(Sums::numbers).collect();
        let figures = FIGURES.iter().enumerate().map(|(at, (title, unit))| {
            let mut theirs: Vec<f64> = others.iter().filter_map(|numbers| numbers[at]).collect();
            compare(title, *unit, mine[at], &mut theirs)
        });
        Some(Self {
            at: from.now,
            from: since,
            begins_at: from.begins_at,
            others: others.len(),
            figures: figures.collect(),
        })
    }
}

fn compare(title: &'static str, unit: Unit, value: Option<f64>, theirs: &mut [f64]) -> Comparison {
    let n = theirs.len();
    let share = |is_so: &dyn Fn(f64) -> bool| {
        let count = theirs.iter().filter(|other| is_so(**other)).count();
        if n > 0 { count as f64 / n as f64 } else { 0.0 }
    };
    let below = value.map_or(0.0, |value| share(&|other| other < value));
    let above = value.map_or(0.0, |value| share(&|other| other > value));
    Comparison { title, unit, value, median: median(theirs), n, below, above }
}
