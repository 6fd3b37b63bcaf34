//! The walk through one conversation's log: what the fold says of it, turned into moments.

use std::sync::Arc;

use super::moment::{Moment, Resolution, What};
use super::period::Period;
use super::sla::Targets;
use crate::desk::entry::{Entry, Fact};
use crate::desk::fold::{Ending, FirstResponse, Rules, State, Transition};
use crate::desk::{AgentIx, TeamIx};
use crate::event::{Author, Direction, SlaMetric, Timestamp};
use crate::metrics::calendar::Measure;

/// A purchase counts up to so long after the conversation was opened.
const CONVERSION_MILLIS: i64 = 5 * 86_400_000;

/// What has happened to a conversation as far as its log was walked.
pub(super) struct Life<'a> {
    /// The state, by the fold of the desk.
    pub state: State,
    /// The routing bot's last word.
    pub keyword: Option<&'a Arc<str>>,
    /// What completed in the period at hand.
    pub moments: Vec<Moment<'a>>,
    log: &'a [Entry],
    rules: Rules,
    measure: &'a Measure,
    /// How far the log was walked.
    next: usize,
    /// Up to when.
    until: Timestamp,
    /// Moments before it are of no interest.
    since: Timestamp,
    /// Who replied in the period at hand.
    workers: Vec<AgentIx>,
    replies: u64,
    /// Who held it from when on.
    holders: Vec<(Timestamp, Option<AgentIx>)>,
    first_held: Option<(Timestamp, AgentIx, Option<TeamIx>)>,
    last_agent: Option<AgentIx>,
    /// Since when the holder has had it in hand.
    received_at: Option<Timestamp>,
    reassigned: bool,
    reopened_at: Option<Timestamp>,
    returned_at: Option<Timestamp>,
    /// The first and the last public message of a customer or an agent.
    messages: Option<(Timestamp, Timestamp)>,
    bot_spoke_last: bool,
    ended: Option<Ended>,
    bought: Vec<Purchase<'a>>,
    targets: Targets,
}

/// When, for how much and in which currency.
type Purchase<'a> = (Timestamp, Option<f64>, Option<&'a Arc<str>>);

/// What was known at the last ending.
#[derive(Clone, Copy)]
struct Ended {
    at: Timestamp,
    by_agent: bool,
    holder: Option<AgentIx>,
    team: Option<TeamIx>,
    replies: u64,
    reopened: bool,
    reassigned: bool,
    messages: Option<(Timestamp, Timestamp)>,
}

impl<'a> Life<'a> {
    /// Before anything has happened.
    pub fn new(log: &'a [Entry], rules: Rules, measure: &'a Measure) -> Self {
        Self {
            state: State::default(),
            keyword: None,
            moments: Vec::new(),
            log,
            rules,
            measure,
            next: 0,
            until: Timestamp::MIN,
            since: Timestamp::MIN,
            workers: Vec::new(),
            replies: 0,
            holders: Vec::new(),
            first_held: None,
            last_agent: None,
            received_at: None,
            reassigned: false,
            reopened_at: None,
            returned_at: None,
            messages: None,
            bot_spoke_last: false,
            ended: None,
            bought: Vec::new(),
            targets: Targets::default(),
        }
    }

    /// The next entry's instant.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.log.get(self.next).map(|entry| entry.at)
    }

    /// Whether no later period can hold anything of it.
    pub fn is_over(&self) -> bool {
        let has_response = self.state.first_response().is_some();
        self.next == self.log.len() && !self.state.is_active() && self.targets.is_over(has_response, self.until)
    }

    /// Walks through a period and leaves its moments in `moments`; periods come in the order of time.
    pub fn walk(&mut self, period: Period) {
        self.moments.clear();
        self.bought.clear();
        self.workers.clear();
        (self.since, self.until) = (period.from, period.to);
        let log = self.log;
        while let Some(entry) = log.get(self.next).filter(|entry| entry.at < period.to) {
            self.miss_targets(entry.at);
            self.step(entry);
            self.next += 1;
        }
        if self.next > 0 {
            self.miss_targets(period.to);
            self.complete();
        }
    }

    fn push(&mut self, at: Timestamp, agent: Option<AgentIx>, what: What<'a>) {
        if at >= self.since {
            self.moments.push(Moment { at, agent, keyword: self.keyword, what });
        }
    }

    fn step(&mut self, entry: &'a Entry) {
        let at = entry.at;
        let was_opened = self.state.opened;
        let change = self.state.step(self.log, self.next, self.rules);
        if self.state.opened && !was_opened {
            self.take_no_time();
        }
        if change.reopened {
            self.reopened_at = Some(at);
            self.received_at = self.state.holder.map(|_| at);
        }
        if change.holder_before.is_some() {
            self.hold(at);
        }
        match &entry.fact {
            Fact::Message { from, agent, public: true, .. } => self.message(at, *from, *agent, change),
            Fact::Routed(keyword) => {
                self.keyword = Some(keyword);
                self.push(at, None, What::Routed);
            }
            Fact::ReturnedToBot(agent) => self.return_to_bot(at, *agent),
            Fact::Macro(agent, name) => self.push(at, *agent, What::Macro(name)),
            Fact::Sla(metric, due) => self.set_target(*metric, *due),
            Fact::Rated(rating) => {
                let agent = self.state.holder.or(self.last_agent);
                self.push(at, agent, What::Rated(rating.is_positive()));
            }
            Fact::Nps(score) => self.push(at, None, What::Nps(*score)),
            Fact::Converted(bought) if at >= self.since => self.bought.push((at, bought.0, bought.1.as_ref())),
            _ => {}
        }
        if let Some(ending) = change.ending {
            self.end(ending);
        }
    }

    fn message(&mut self, at: Timestamp, from: Author, agent: Option<AgentIx>, change: Transition) {
        self.bot_spoke_last = from == Author::Bot || (from == Author::Agent && self.bot_spoke_last);
        if from == Author::Bot {
            return;
        }
        self.messages = Some((self.messages.map_or(at, |messages| messages.0), at));
        let Some(agent) = agent.filter(|_| from == Author::Agent) else { return };
        self.replies += 1;
        if at >= self.since && !self.workers.contains(&agent) {
            self.workers.push(agent);
            self.push(at, Some(agent), What::Worked);
        }
        let team = self.state.team;
        if let Some(since) = change.answered_since {
            self.push(at, Some(agent), What::Response(self.measure.millis(team, since, at)));
        }
        self.meet_targets(at, Some(agent), SlaMetric::NextResponse);
    }

    fn hold(&mut self, at: Timestamp) {
        self.received_at = None;
        self.holders.push((at, self.state.holder));
        let Some(agent) = self.state.holder else { return };
        if let Some(last) = self.last_agent.replace(agent).filter(|last| *last != agent) {
            self.reassigned = true;
            self.push(at, Some(last), What::Reassigned);
        }
        self.first_held.get_or_insert((at, agent, self.state.team));
        self.received_at = self.state.is_active().then_some(at);
    }

    /// What was given back before it was opened, by its line, took no time.
    fn take_no_time(&mut self) {
        for moment in &mut self.moments {
            if let What::Reroute(millis) = &mut moment.what {
                *millis = 0;
            }
        }
    }

    fn return_to_bot(&mut self, at: Timestamp, agent: AgentIx) {
        let latest = [Some(self.state.started_at), self.reopened_at, self.returned_at.replace(at)];
        let since = latest.into_iter().flatten().max().unwrap_or(at);
        self.push(at, Some(agent), What::Redirected);
        self.push(at, Some(agent), What::Reroute(self.measure.millis(self.state.team, since, at)));
    }

    fn end(&mut self, ending: Ending) {
        let (at, team, holder) = (ending.at, self.state.team, self.state.holder);
        if ending.by_agent {
            self.push(at, ending.agent, What::Closed);
            if self.keyword.is_some() {
                self.push(at, ending.agent, What::RoutedHandled);
            }
            if let (Some(_), Some(since)) = (holder, self.received_at) {
                self.push(at, holder, What::Handling(self.measure.millis(team, since, at)));
            }
        }
        self.received_at = None;
        self.meet_targets(at, holder, SlaMetric::Resolution);
        self.ended = Some(Ended {
            at,
            by_agent: ending.by_agent,
            holder,
            team,
            replies: self.replies,
            reopened: self.reopened_at.is_some(),
            reassigned: self.reassigned,
            messages: self.messages,
        });
    }

    /// What is known of the period only at its end.
    fn complete(&mut self) {
        let started_at = self.state.started_at;
        if self.state.opened && self.state.direction == Direction::Inbound {
            self.push(started_at, None, What::New);
        }
        let first = self.state.first_response();
        if let Some(FirstResponse { at, agent, team, millis }) = first {
            let since = at - chrono::TimeDelta::milliseconds(millis);
            self.push(at, Some(agent), What::FirstResponse(self.measure.millis(team, since, at)));
        }
        self.complete_first_targets(first);
        if let Some((at, agent, team)) = self.first_held {
            self.push(at, Some(agent), What::FirstAssign(self.measure.millis(team, started_at, at)));
        }
        self.complete_conversions();
        self.resolve();
        if self.state.is_active() {
            self.push(Timestamp::MAX, self.state.holder, What::Backlog);
        }
    }

    fn complete_conversions(&mut self) {
        let agent = self.state.holder.or(self.last_agent);
        let mut first = true;
        for (at, amount, currency) in std::mem::take(&mut self.bought) {
            if (at - self.state.started_at).num_milliseconds() <= CONVERSION_MILLIS {
                self.push(at, agent, What::Converted { first, amount, currency });
                first = false;
            }
        }
    }

    fn resolve(&mut self) {
        let Some(ended) = self.ended.filter(|_| self.state.status.is_ended() && !self.state.merged) else { return };
        let millis = |from, to| self.measure.millis(ended.team, from, to);
        let is_dealt_with = ended.replies > 0 || ended.by_agent;
        // Whether anybody ever dealt with it is seen up to the end of the range, also after the ending.
        let is_left = self.replies == 0 && !ended.by_agent;
        let automated = is_left && self.first_held.is_none() && self.bot_spoke_last;
        let inbound = self.state.direction == Direction::Inbound;
        let resolution = Resolution {
            millis: millis(self.state.started_at, ended.at),
            interaction: ended.messages.map(|(first, last)| millis(first, last)),
            replies: ended.replies,
            first_contact: is_dealt_with.then_some(!ended.reopened && !ended.reassigned),
            reopened: ended.reopened,
            abandoned: inbound.then_some(is_left && !automated),
            automated,
        };
        self.push(ended.at, ended.holder, What::Resolved(resolution));
    }

    fn set_target(&mut self, metric: SlaMetric, due: Timestamp) {
        // A resolution target told when it is ended is answered.
        let ended = self.ended.filter(|_| metric == SlaMetric::Resolution && self.state.status.is_ended());
        match ended {
            Some(ended) if ended.at <= due => self.push(ended.at, ended.holder, What::Sla(metric, true)),
            Some(_) => self.miss(metric, due),
            None => self.targets.set(metric, due),
        }
    }

    fn meet_targets(&mut self, at: Timestamp, agent: Option<AgentIx>, metric: SlaMetric) {
        for _ in 0..self.targets.meet(metric) {
            self.push(at, agent, What::Sla(metric, true));
        }
    }

    /// Those due before an instant at which nobody has answered yet.
    fn miss_targets(&mut self, before: Timestamp) {
        for (metric, due) in self.targets.take_due(before) {
            self.miss(metric, due);
        }
    }

    /// Targets for the first response, by what is known of it at the end of the period.
    fn complete_first_targets(&mut self, first: Option<FirstResponse>) {
        for i in 0..self.targets.first_dues().len() {
            let due = self.targets.first_dues()[i];
            match first.filter(|first| first.at <= due) {
                Some(first) => self.push(first.at, Some(first.agent), What::Sla(SlaMetric::FirstResponse, true)),
                None if due < self.until => self.miss(SlaMetric::FirstResponse, due),
                None => {}
            }
        }
    }

    fn miss(&mut self, metric: SlaMetric, due: Timestamp) {
        let before = self.holders.partition_point(|(at, _)| *at <= due);
        let holder = before.checked_sub(1).and_then(|i| self.holders[i].1);
        self.push(due, holder, What::Sla(metric, false));
    }
}
