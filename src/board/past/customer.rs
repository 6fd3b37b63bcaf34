//! A customer: all its chats, who dealt with them and for how long, and what it answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Standpoint;
use crate::desk::{AgentIx, Customer, Desk, SourceIx};
use crate::event::{AgentId, ConversationId, CustomerId, Direction, Status, Timestamp};
use crate::metrics::calendar::Measure;
use crate::metrics::history::History;
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::metrics::story::{Answer, Story};

/// Chats are listed up to this many.
const CHATS_MOST: usize = 2_000;

/// A customer and everything that is kept of its chats.
#[derive(Debug, Clone)]
pub struct CustomerPage {
    /// The customer.
    pub customer: Arc<Customer>,
    /// As of when.
    pub at: Timestamp,
    /// The first instant of which anything is kept.
    pub begins_at: Option<Timestamp>,
    /// Its chats, newest first.
    pub chats: Vec<PastChat>,
    /// Who dealt with them, the most time first.
    pub dealt: Vec<Dealt>,
    /// Satisfaction answers, newest first.
    pub answers: Vec<CustomerAnswer>,
    /// Over all chats, listed or not.
    pub totals: CustomerTotals,
}

/// A chat of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct PastChat {
    /// The conversation.
    pub id: ConversationId,
    /// When it began.
    pub started_at: Timestamp,
    /// Who began.
    pub direction: Direction,
    /// By which way.
    pub channel: Option<Arc<str>>,
    /// Whose it is.
    pub team: Option<Arc<str>>,
    /// Everybody who held it, in the order of time, each once.
    pub holders: Vec<Arc<str>>,
    /// Where it stands.
    pub status: Status,
    /// It lives on in another.
    pub merged: bool,
    /// What it is about.
    pub subject: Option<Arc<str>>,
    /// Where a browser shows it.
    pub url: Option<Arc<str>>,
    /// How long the first reply took, in milliseconds.
    pub first_response: Option<i64>,
    /// The longest of the waits that a reply ended, in milliseconds.
    pub longest_wait: Option<i64>,
    /// Since when the customer waits, where it does.
    pub waiting_since: Option<Timestamp>,
    /// When it ended, where it has.
    pub ended_at: Option<Timestamp>,
    /// From opened to that, in milliseconds.
    pub resolution: Option<i64>,
    /// How often it was reopened.
    pub reopened: u32,
    /// Replies to it.
    pub replies: u64,
    /// The last satisfaction answer about it.
    pub answer: Option<Answer>,
}

impl PastChat {
    /// Not resolved, closed or merged.
    pub fn is_active(&self) -> bool {
        !self.merged && !self.status.is_ended()
    }
}

/// An agent who dealt with chats of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dealt {
    /// The agent.
    pub id: AgentId,
    /// Its display name.
    pub name: Arc<str>,
    /// Chats that it held or replied in.
    pub chats: u64,
    /// Replies that it sent.
    pub replies: u64,
    /// How long it held them while they were active, in milliseconds.
    pub held: i64,
}

/// A satisfaction answer of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerAnswer {
    /// About which conversation.
    pub id: ConversationId,
    /// The answer.
    pub answer: Answer,
    /// Who is meant: the holder then, else the last who held it.
    pub agent: Option<Arc<str>>,
}

/// Figures over all chats of a customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CustomerTotals {
    /// Its chats.
    pub chats: u64,
    /// Of them active.
    pub active: u64,
    /// Of them unanswered.
    pub unanswered: u64,
    /// Replies to it.
    pub replies: u64,
    /// First replies, in seconds.
    pub first_response: DurationFigure,
    /// Waits that a reply ended, in seconds.
    pub response: DurationFigure,
    /// From opened to the last ending, of those that are ended.
    pub resolution: DurationFigure,
    /// Of those: the share that had been reopened before that ending.
    pub reopened: ShareFigure,
    /// Answers that are positive.
    pub csat: ShareFigure,
    /// When the first chat began.
    pub first_at: Option<Timestamp>,
    /// When the newest began.
    pub last_at: Option<Timestamp>,
}

impl CustomerPage {
    /// From all of the customer's chats; `None` where the customer is not known.
    pub fn new(history: &History, source: SourceIx, id: &CustomerId, from: &Standpoint<'_>) -> Option<Self> {
        let desk = history.desk();
        let customer = desk.find_customer(source, id)?;
        let mut sums = Sums {
            desk,
            measure: from.measure(history),
            now: from.now,
            chats: Vec::new(),
            dealt: BTreeMap::new(),
            answers: Vec::new(),
            totals: CustomerTotals::default(),
            times: Times::default(),
        };
        for (_, conversation) in desk.conversations() {
            if conversation.source == source && conversation.state().customer == Some(customer) {
                let story = Story::of(conversation, desk.rules(source), from.now);
                if story.has_begun() {
                    sums.add(&conversation.id, &story);
                }
            }
        }
        Some(sums.page(Arc::clone(desk.customer(customer)), from))
    }
}

/// Lengths of time in milliseconds.
#[derive(Default)]
struct Times {
    first: Vec<i64>,
    waits: Vec<i64>,
    resolutions: Vec<i64>,
}

/// What a customer's chats come to, chat by chat.
struct Sums<'a> {
    desk: &'a Desk,
    measure: Measure,
    now: Timestamp,
    chats: Vec<PastChat>,
    dealt: BTreeMap<AgentIx, Dealt>,
    answers: Vec<CustomerAnswer>,
    totals: CustomerTotals,
    times: Times,
}

impl Sums<'_> {
    fn add(&mut self, id: &ConversationId, story: &Story) {
        let state = &story.state;
        let lengths: Vec<i64> =
            story.waits.iter().map(|wait| self.measure.millis(wait.team, wait.since, wait.at)).collect();
        let first = story.first_response.map(|first| self.measure.millis(first.team, first.since, first.at));
        let ended = story.resolution(&self.measure);
        let totals = &mut self.totals;
        totals.chats += 1;
        totals.active += u64::from(state.is_active());
        totals.unanswered += u64::from(state.is_unanswered());
        totals.replies += story.replies.len() as u64;
        totals.first_at = Some(totals.first_at.map_or(state.started_at, |at| at.min(state.started_at)));
        totals.last_at = totals.last_at.max(Some(state.started_at));
        if let Some((ending, millis)) = ended {
            self.times.resolutions.push(millis);
            totals.reopened.add(ending.reopened);
        }
        for answer in &story.answers {
            totals.csat.add(answer.rating.is_positive());
            let agent = answer.agent.map(|agent| self.desk.agent(agent).name());
            self.answers.push(CustomerAnswer { id: id.clone(), answer: answer.clone(), agent });
        }
        self.times.first.extend(first);
        self.times.waits.extend(&lengths);
        self.deal(story);
        self.chats.push(PastChat {
            id: id.clone(),
            started_at: state.started_at,
            direction: state.direction,
            channel: state.channel.clone(),
            team: state.team.map(|team| self.desk.team(team).name()),
            holders: story.holders().into_iter().map(|agent| self.desk.agent(agent).name()).collect(),
            status: state.status,
            merged: state.merged,
            subject: state.subject.clone(),
            url: state.url.clone(),
            first_response: first,
            longest_wait: lengths.into_iter().max(),
            waiting_since: state.waiting_since.filter(|_| state.is_active()),
            ended_at: story.ended_at,
            resolution: ended.map(|(_, millis)| millis),
            reopened: story.reopened.len() as u32,
            replies: story.replies.len() as u64,
            answer: story.answers.last().cloned(),
        });
    }

    /// Adds what each agent did in a chat.
    fn deal(&mut self, story: &Story) {
        let replied = story.replies.iter().map(|(_, agent)| *agent);
        let mut seen: Vec<AgentIx> = Vec::new();
        for agent in story.holders().into_iter().chain(replied.clone()) {
            if !seen.contains(&agent) {
                seen.push(agent);
                self.dealt_of(agent).chats += 1;
            }
        }
        for agent in replied {
            self.dealt_of(agent).replies += 1;
        }
        for spell in &story.spells {
            let millis = self.measure.millis(spell.team, spell.from, spell.to.unwrap_or(self.now));
            self.dealt_of(spell.agent).held += millis;
        }
    }

    fn dealt_of(&mut self, ix: AgentIx) -> &mut Dealt {
        let agent = self.desk.agent(ix);
        let none = || Dealt { id: agent.id.clone(), name: agent.name(), chats: 0, replies: 0, held: 0 };
        self.dealt.entry(ix).or_insert_with(none)
    }

    fn page(mut self, customer: Arc<Customer>, from: &Standpoint<'_>) -> CustomerPage {
        self.chats.sort_by(|one, other| (other.started_at, &other.id).cmp(&(one.started_at, &one.id)));
        self.chats.truncate(CHATS_MOST);
        self.answers.sort_by(|one, other| (other.answer.at, &other.id).cmp(&(one.answer.at, &one.id)));
        let mut dealt: Vec<Dealt> = self.dealt.into_values().collect();
        dealt.sort_by(|one, other| (other.held, other.replies, &one.name).cmp(&(one.held, one.replies, &other.name)));
        let figure = |mut times: Vec<i64>| {
            times.sort_unstable();
            DurationFigure::of_sorted_millis(&times)
        };
        let Times { first, waits, resolutions } = self.times;
        let totals = CustomerTotals {
            first_response: figure(first),
            response: figure(waits),
            resolution: figure(resolutions),
            ..self.totals
        };
        let (chats, answers) = (self.chats, self.answers);
        CustomerPage { customer, at: from.now, begins_at: from.begins_at, chats, dealt, answers, totals }
    }
}
