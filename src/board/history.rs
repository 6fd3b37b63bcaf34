//! Builds the pages behind a row from the desk's logs.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::page::{AgentPage, AgentToday, ConversationPage, StateSpan, TimelineItem, What};
use crate::desk::entry::{By, Entry, Fact};
use crate::desk::fold::{State, Transition};
use crate::desk::people::Presence;
use crate::desk::{AgentIx, Conversation, ConversationIx, Desk};
use crate::event::{Author, Capability, Timestamp};
use crate::metrics::live::{ConversationRow, LiveIndex, conversation_row};
use crate::metrics::stats::{DurationFigure, ShareFigure};

const TIMELINE_MOST: usize = 5_000;
const ACTIVITY_MOST: usize = 500;

/// What pages are built from.
pub(super) struct History<'a> {
    pub(super) desk: &'a Desk,
    pub(super) live: &'a LiveIndex,
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

impl History<'_> {
    pub(super) fn conversation(&self, ix: ConversationIx) -> Option<ConversationPage> {
        let conversation = self.desk.conversation(ix)?;
        let row = Arc::new(conversation_row(self.desk, ix)?);
        let customer = row.customer.as_ref();
        let label: Arc<str> = conversation.id.as_str().into();
        let mut timeline = Vec::new();
        self.walk(conversation, |entry, state, transition| {
            self.items(entry, state, transition, |what| {
                timeline.push(TimelineItem {
                    at: entry.at,
                    source: conversation.source,
                    conversation: ix,
                    id: conversation.id.clone(),
                    label: label.clone(),
                    what,
                });
            });
        });
        let earlier = timeline.len().saturating_sub(TIMELINE_MOST);
        timeline.drain(..earlier);
        Some(ConversationPage {
            customer: customer.map(|one| (&*one.name).into()),
            segment: customer.and_then(|one| one.segment.clone()),
            first_response: conversation.state().first_response.map(|first| (first.agent, first.millis)),
            row,
            timeline,
            earlier,
        })
    }

    pub(super) fn agent(&self, ix: AgentIx) -> Option<AgentPage> {
        let agent = self.live.figures().agents.get(&ix)?.clone();
        let held = self.live.held_by(ix).filter_map(|row| conversation_row(self.desk, row.ix));
        let mut open: Vec<Arc<ConversationRow>> = held.map(Arc::new).collect();
        open.sort_by_key(|row| (row.waiting_since.unwrap_or(Timestamp::MAX), row.started_at, row.id.clone()));
        let mut day = Day::default();
        for (conversation_ix, conversation) in self.desk.conversations() {
            if conversation.source == agent.source && conversation.last_at() >= self.since {
                self.add_day(&mut day, ix, conversation_ix, conversation);
            }
        }
        let states = self.states(ix);
        let tells_presence = !states.is_empty() || self.desk.capabilities(agent.source).contains(&Capability::Presence);
        let online = states.iter().filter(|span| span.state.is_online());
        let online_seconds = online.map(|span| span.to.unwrap_or(self.now).seconds_since(span.from)).sum();
        day.first_responses.sort_unstable();
        day.responses.sort_unstable();
        day.activity.sort_by_key(|item| std::cmp::Reverse(item.at));
        day.activity.truncate(ACTIVITY_MOST);
        let tells_ratings = day.csat.of > 0 || self.desk.capabilities(agent.source).contains(&Capability::Ratings);
        Some(AgentPage {
            agent,
            open,
            states,
            today: AgentToday {
                worked: day.worked.len() as u64,
                replies: day.replies,
                closed: day.closed,
                first_response: DurationFigure::of_sorted_millis(&day.first_responses),
                response: DurationFigure::of_sorted_millis(&day.responses),
                online_seconds: tells_presence.then_some(online_seconds),
                csat: tells_ratings.then_some(day.csat),
            },
            activity: day.activity,
        })
    }

    fn walk(&self, conversation: &Conversation, visit: impl FnMut(&Entry, &State, Transition)) {
        conversation.walk(self.desk.rules(conversation.source), visit);
    }

    fn add_day(&self, day: &mut Day, agent: AgentIx, ix: ConversationIx, conversation: &Conversation) {
        let label = LazyCell::new(|| self.label(conversation));
        let mut last_holder = None;
        self.walk(conversation, |entry, state, transition| {
            last_holder = state.holder.or(last_holder);
            if entry.at < self.since {
                return;
            }
            let is_reply = matches!(&entry.fact,
                Fact::Message { from: Author::Agent, agent: Some(by), public: true, .. } if *by == agent);
            if is_reply {
                day.replies += 1;
                day.worked.insert(ix);
                let first = state.first_response.filter(|first| first.at == entry.at && first.agent == agent);
                day.first_responses.extend(first.filter(|_| day.first_seen.insert(ix)).map(|first| first.millis));
                day.responses.extend(transition.answered_since.map(|since| (entry.at - since).num_milliseconds()));
            }
            let closed = transition.ending.is_some_and(|ending| ending.by_agent && ending.agent == Some(agent));
            day.closed += u64::from(closed);
            if let (Fact::Rated(rating), true) = (&entry.fact, last_holder == Some(agent)) {
                day.csat.of += 1;
                day.csat.n += u64::from(rating.is_positive());
            }
            if is_reply || closed {
                self.items(entry, state, transition, |what| {
                    day.activity.push(TimelineItem {
                        at: entry.at,
                        source: conversation.source,
                        conversation: ix,
                        id: conversation.id.clone(),
                        label: Arc::clone(&label),
                        what,
                    });
                });
            }
        });
    }

    fn label(&self, conversation: &Conversation) -> Arc<str> {
        match conversation.state().customer {
            Some(ix) => (&*self.desk.customer(ix).name).into(),
            None => conversation.id.as_str().into(),
        }
    }

    /// The agent's states since midnight, the one that held then cut there.
    fn states(&self, ix: AgentIx) -> Vec<StateSpan> {
        let presence = self.desk.agent(ix).presence();
        let mut spans: Vec<StateSpan> = Vec::new();
        for Presence { at, state, .. } in presence {
            let from = (*at).max(self.since);
            match spans.last_mut() {
                Some(last) if last.state == *state => {}
                Some(last) if last.from == from => last.state = *state,
                last => {
                    if let Some(last) = last {
                        last.to = Some(from);
                    }
                    spans.push(StateSpan { state: *state, from, to: None });
                }
            }
        }
        spans
    }

    fn name(&self, ix: AgentIx) -> Arc<str> {
        self.desk.agent(ix).name()
    }

    /// What a timeline says of an entry: one line, or two where holder and team changed at once.
    fn items(&self, entry: &Entry, state: &State, transition: Transition, mut say: impl FnMut(What)) {
        let name = |ix: AgentIx| self.name(ix);
        match &entry.fact {
            Fact::Opened(_) => {
                say(What::Opened { inbound: state.direction == crate::event::Direction::Inbound });
            }
            Fact::Message { from, agent, public, text, .. } => {
                let customer = state.customer.map(|ix| (&*self.desk.customer(ix).name).into());
                say(What::Message {
                    from: *from,
                    name: if *from == Author::Customer { customer } else { agent.map(name) },
                    public: *public,
                    text: text.as_ref().map(|text| (**text).clone()),
                    answered_after: transition.answered_since.map(|since| (entry.at - since).num_milliseconds()),
                });
                if let Some(before) = transition.holder_before {
                    say(What::Holder { from: before.map(name), to: state.holder.map(name), by: agent.map(name) });
                }
            }
            Fact::Assigned { agent, team, by } => {
                let by: Option<Arc<str>> = match by {
                    By::Agent(ix) => Some(name(*ix)),
                    By::Bot => Some("bot".into()),
                    By::Unknown => None,
                };
                if agent.is_some() {
                    let before = transition.holder_before.unwrap_or(state.holder);
                    let by = by.clone();
                    say(What::Holder { from: before.map(name), to: state.holder.map(name), by });
                }
                if let Some(team) = team {
                    say(What::Team { to: team.map(|ix| self.desk.team(ix).name()), by });
                }
            }
            Fact::Status { status, by, agent } => say(What::Status {
                status: *status,
                by: *by,
                agent: agent.map(name),
                ending: transition.ending.is_some(),
                reopening: transition.reopened,
            }),
            Fact::Routed(keyword) => say(What::Routed { keyword: keyword.clone() }),
            Fact::ReturnedToBot(agent) => say(What::ReturnedToBot { agent: name(*agent) }),
            Fact::Tagged(tags) => say(What::Tagged { tags: tags.clone() }),
            Fact::Macro(by, used) => say(What::Macro { name: used.clone(), by: by.map(name) }),
            Fact::Sla(metric, due) => say(What::Sla { metric: *metric, due: *due }),
            Fact::Rated(rating) => say(What::Rated { score: rating.score, scale: rating.scale }),
            Fact::Nps(score) => say(What::Nps { score: *score }),
            Fact::Converted(sale) => {
                let currency = sale.1.clone().unwrap_or_default();
                say(What::Converted { amount: sale.0.map(|amount| (amount, currency)) });
            }
            Fact::Merged(into) => say(What::Merged { into: into.as_str().into() }),
        }
    }
}

/// What an agent did since midnight.
#[derive(Default)]
struct Day {
    worked: HashSet<ConversationIx>,
    first_seen: HashSet<ConversationIx>,
    replies: u64,
    closed: u64,
    first_responses: Vec<i64>,
    responses: Vec<i64>,
    csat: ShareFigure,
    activity: Vec<TimelineItem>,
}
