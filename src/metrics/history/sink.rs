//! Where moments go: into the sums of the total, and of each group that they belong to.

use std::sync::Arc;

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use rustc_hash::FxHashMap;

use super::filter::Choice;
use super::grouping::Grouping;
use super::life::Life;
use super::moment::{Moment, What};
use super::period::Period;
use super::tally::Tally;
use crate::desk::{AgentIx, Conversation, CustomerIx, Desk, SourceIx, TeamIx};
use crate::event::{Direction, Timestamp};
use crate::metrics::calendar::{Measure, local};

/// An instant lies in the range just before one of so many periods that follow it, or of none: days differ by an hour
/// or two, and are cut at the ends of the range.
const NEXT_PERIODS: usize = 3;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Bucket {
    Agent(AgentIx),
    Team(TeamIx),
    Customer(CustomerIx),
    Word(Arc<str>),
    /// The number of a day, an hour, or an hour of the week.
    Number(usize),
}

/// What a conversation is grouped and chosen by, as of the end of a period.
pub(super) struct Traits<'a> {
    pub source: SourceIx,
    pub team: Option<TeamIx>,
    pub channel: Option<&'a Arc<str>>,
    pub customer: Option<CustomerIx>,
    pub segment: Option<&'a Arc<str>>,
    pub tags: &'a [Arc<str>],
    pub keyword: Option<&'a Arc<str>>,
}

impl<'a> Traits<'a> {
    fn of(life: &'a Life<'_>, source: SourceIx, desk: &'a Desk) -> Self {
        let state = &life.state;
        Self {
            source,
            team: state.team,
            channel: state.channel.as_ref(),
            customer: state.customer,
            segment: state.customer.and_then(|customer| desk.customer(customer).segment.as_ref()),
            tags: state.tags.as_deref().unwrap_or_default(),
            keyword: life.keyword,
        }
    }

    /// What is about routing belongs to the word of its moment, all else to the conversation's last one.
    fn keyword_of(&self, moment: &Moment<'a>) -> Option<&'a Arc<str>> {
        match moment.what {
            What::Routed | What::RoutedHandled | What::Redirected | What::Reroute(_) => moment.keyword,
            _ => self.keyword,
        }
    }

    /// The groups it is in, by what the conversation itself has.
    fn each_bucket(&self, by: Grouping, mut visit: impl FnMut(Bucket)) {
        match by {
            Grouping::Team => self.team.map(Bucket::Team).into_iter().for_each(visit),
            Grouping::Customer => self.customer.map(Bucket::Customer).into_iter().for_each(visit),
            Grouping::Channel => self.channel.map(|word| Bucket::Word(word.clone())).into_iter().for_each(visit),
            Grouping::Segment => self.segment.map(|word| Bucket::Word(word.clone())).into_iter().for_each(visit),
            Grouping::Keyword => self.keyword.map(|word| Bucket::Word(word.clone())).into_iter().for_each(visit),
            Grouping::Tag => {
                let is_first = |(i, tag): &(usize, &Arc<str>)| !self.tags[..*i].contains(tag);
                let tags = self.tags.iter().enumerate().filter(is_first);
                tags.for_each(|(_, tag)| visit(Bucket::Word(tag.clone())));
            }
            Grouping::Agent | Grouping::Day | Grouping::Hour | Grouping::WeekdayHour | Grouping::Article => {}
        }
    }
}

/// What every walk needs to know.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub desk: &'a Desk,
    pub measure: &'a Measure,
    pub choice: &'a Choice<'a>,
    pub zone: Tz,
    pub by: Option<Grouping>,
    /// One, or for a grouping by day each day.
    pub periods: &'a [Period],
}

/// The sums of a part of the desk.
#[derive(Default)]
pub(super) struct Sums {
    pub total: Tally,
    pub groups: FxHashMap<Bucket, Tally>,
}

impl Sums {
    /// Of these conversations.
    pub fn of(frame: Frame<'_>, conversations: &[&Conversation]) -> Self {
        let mut sums = Self::default();
        sums.walk_each(frame, conversations);
        sums
    }

    /// Adds these conversations.
    pub fn walk_each(&mut self, frame: Frame<'_>, conversations: &[&Conversation]) {
        for one in conversations {
            self.walk(frame, one);
        }
    }

    /// Adds what another part of the desk came to.
    pub fn merge(&mut self, other: Self) {
        self.total.merge(other.total);
        for (bucket, tally) in other.groups {
            self.groups.entry(bucket).or_default().merge(tally);
        }
    }

    fn walk(&mut self, frame: Frame<'_>, one: &Conversation) {
        if self.pass_by(frame, one) {
            return;
        }
        let rules = frame.desk.rules(one.source);
        let log = one.log();
        let mut life = Life::new(&log, rules, frame.measure);
        let Some(begun_at) = life.next_at() else { return };
        let first = frame.periods.partition_point(|period| period.to <= begun_at);
        let mut is_begun = false;
        for (i, period) in frame.periods.iter().enumerate().skip(first) {
            life.walk(*period);
            is_begun = true;
            self.deliver(frame, i, &life, one.source);
            self.count_before(frame, i, &life, one.source);
            if life.is_over() {
                let later = i + 1..frame.periods.len();
                later.take(NEXT_PERIODS).for_each(|i| self.count_before(frame, i, &life, one.source));
                break;
            }
        }
        if is_begun {
            self.finish(frame, &life, one.source);
        }
    }

    /// Whether a conversation is done with, without a look at its log: it was over before the only period there is, so
    /// nothing of it can count but that it was new just before. In a report over a month of a year most are.
    fn pass_by(&mut self, frame: Frame<'_>, one: &Conversation) -> bool {
        let ([period], None | Some(Grouping::Agent)) = (frame.periods, frame.by) else { return false };
        let state = one.state();
        let is_over = one.last_at() < period.from
            && !state.is_active()
            && state.last_due.is_none_or(|due| due < period.from)
            && frame.choice.admits_all();
        if is_over && state.opened && state.direction == Direction::Inbound && period.is_before(state.started_at) {
            let at = state.started_at;
            self.total.add(&Moment { at, agent: None, keyword: None, what: What::NewBefore });
        }
        is_over
    }

    fn deliver(&mut self, frame: Frame<'_>, period: usize, life: &Life<'_>, source: SourceIx) {
        if life.moments.is_empty() {
            return;
        }
        let traits = Traits::of(life, source, frame.desk);
        if !frame.choice.admits(&traits) {
            return;
        }
        let mut worked = false;
        for moment in &life.moments {
            if frame.choice.admits_moment(moment, traits.keyword_of(moment)) {
                // Two agents at work on one conversation are one conversation, but to each of them.
                let again = matches!(moment.what, What::Worked) && std::mem::replace(&mut worked, true);
                self.add(frame, period, &traits, moment, again);
            }
        }
    }

    fn add(&mut self, frame: Frame<'_>, period: usize, traits: &Traits<'_>, moment: &Moment<'_>, again: bool) {
        if let (Some(Grouping::Agent), Some(agent)) = (frame.by, moment.agent) {
            self.groups.entry(Bucket::Agent(agent)).or_default().add(moment);
        }
        if again {
            return;
        }
        let mut group = |bucket| self.groups.entry(bucket).or_default().add(moment);
        match frame.by {
            None | Some(Grouping::Agent | Grouping::Article) => {}
            Some(Grouping::Day) => return group(Bucket::Number(period)),
            Some(Grouping::Hour) => group(Bucket::Number(hour(frame.zone, moment.at))),
            Some(Grouping::WeekdayHour) => group(Bucket::Number(weekday_hour(frame.zone, moment.at))),
            Some(Grouping::Keyword) => {
                traits.keyword_of(moment).map(|word| Bucket::Word(word.clone())).into_iter().for_each(group);
            }
            Some(by) => traits.each_bucket(by, group),
        }
        self.total.add(moment);
    }

    /// Counts a conversation that was new in the range just before a period, as it is at the end of that period.
    fn count_before(&mut self, frame: Frame<'_>, period: usize, life: &Life<'_>, source: SourceIx) {
        let (state, at) = (&life.state, life.state.started_at);
        if !state.opened || state.direction != Direction::Inbound || !frame.periods[period].is_before(at) {
            return;
        }
        let traits = Traits::of(life, source, frame.desk);
        let moment = Moment { at, agent: None, keyword: None, what: What::NewBefore };
        if frame.choice.admits(&traits) && frame.choice.admits_moment(&moment, traits.keyword) {
            self.add(frame, period, &traits, &moment, false);
        }
    }

    /// Counts a conversation of which only its opening is told among those new just before the periods.
    pub fn count_opening(&mut self, periods: &[Period], zone: Tz, by: Option<Grouping>, at: Timestamp) {
        let moment = Moment { at, agent: None, keyword: None, what: What::NewBefore };
        let before = periods.iter().take(1 + NEXT_PERIODS).enumerate().filter(|(_, period)| period.is_before(at));
        for (i, _) in before {
            let bucket = match by {
                Some(Grouping::Day) => Some(Bucket::Number(i)),
                Some(Grouping::Hour) => Some(Bucket::Number(hour(zone, at))),
                Some(Grouping::WeekdayHour) => Some(Bucket::Number(weekday_hour(zone, at))),
                _ => None,
            };
            if let Some(bucket) = bucket {
                self.groups.entry(bucket).or_default().add(&moment);
            }
            if by != Some(Grouping::Day) {
                self.total.add(&moment);
            }
        }
    }

    /// The groups that a conversation is in when all periods are walked, also with nothing to count.
    fn finish(&mut self, frame: Frame<'_>, life: &Life<'_>, source: SourceIx) {
        let traits = Traits::of(life, source, frame.desk);
        if !frame.choice.admits(&traits) {
            return;
        }
        if let Some(by) = frame.by.filter(|_| !frame.choice.has_agents()) {
            traits.each_bucket(by, |bucket| {
                self.groups.entry(bucket).or_default();
            });
        }
    }
}

/// The hour of the day, from 0 on.
fn hour(zone: Tz, at: Timestamp) -> usize {
    local(zone, at).hour() as usize
}

/// The hour of the week, from 0 on Monday at midnight.
fn weekday_hour(zone: Tz, at: Timestamp) -> usize {
    local(zone, at).weekday().num_days_from_monday() as usize * 24 + hour(zone, at)
}
