//! Builds the pages behind a row from the desk's logs.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::page::{AgentPage, AgentToday, StateSpan, TimelineItem};
use super::{day, timeline};
use crate::desk::entry::Fact;
use crate::desk::people::Presence;
use crate::desk::{AgentIx, Conversation, ConversationIx, Desk};
use crate::event::{Author, Capability, Timestamp};
use crate::metrics::live::{ConversationRow, LiveIndex, conversation_row};
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::metrics::story::Teller;

const ACTIVITY_MOST: usize = 500;

/// What pages are built from.
pub(super) struct History<'a> {
    pub(super) desk: &'a Desk,
    pub(super) live: &'a LiveIndex,
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

impl History<'_> {
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
        // What nothing was said about today is not walked: it was held all day.
        let resting = self.live.held_by(ix).filter_map(|row| self.desk.conversation(row.ix));
        let resting = resting.filter(|one| one.last_at() < self.since);
        day.spells.extend(resting.map(|_| (self.since, None)));
        day.endings.sort_unstable();
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
            held: day::held(&day.spells, self.since),
            endings: day.endings,
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

    fn add_day(&self, day: &mut Day, agent: AgentIx, ix: ConversationIx, conversation: &Conversation) {
        let label = LazyCell::new(|| self.label(conversation));
        let mut last_holder = None;
        let mut teller = Teller::default();
        let first = conversation.state().first_response();
        let first = first.filter(|first| first.at >= self.since && first.agent == agent);
        day.first_responses.extend(first.map(|first| first.millis));
        let state = conversation.walk(self.desk.rules(conversation.source), |entry, state, transition| {
            teller.step(entry, state, transition);
            last_holder = state.holder.or(last_holder);
            if entry.at < self.since {
                return;
            }
            let is_reply = matches!(&entry.fact,
                Fact::Message { from: Author::Agent, agent: Some(by), public: true, .. } if *by == agent);
            if is_reply {
                day.replies += 1;
                day.worked.insert(ix);
                day.responses.extend(transition.answered_since.map(|since| (entry.at - since).num_milliseconds()));
            }
            let closed = transition.ending.is_some_and(|ending| ending.by_agent && ending.agent == Some(agent));
            day.closed += u64::from(closed);
            if let (Fact::Rated(rating), true) = (&entry.fact, last_holder == Some(agent)) {
                day.csat.of += 1;
                day.csat.n += u64::from(rating.is_positive());
            }
            if is_reply || closed {
                timeline::items(self.desk, entry, state, transition, |what| {
                    day.activity.push(timeline::item(conversation, ix, &label, entry, what));
                });
            }
        });
        let story = teller.story(state);
        let own = story.spells.iter().filter(|spell| spell.agent == agent);
        day.spells.extend(own.map(|spell| (spell.from, spell.to)));
        let ended = story.endings.iter().filter(|ending| ending.at >= self.since && ending.is_of(agent));
        day.endings.extend(ended.map(|ending| ending.at));
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
}

/// What an agent did since midnight.
#[derive(Default)]
struct Day {
    worked: HashSet<ConversationIx>,
    replies: u64,
    closed: u64,
    first_responses: Vec<i64>,
    responses: Vec<i64>,
    csat: ShareFigure,
    spells: Vec<(Timestamp, Option<Timestamp>)>,
    endings: Vec<Timestamp>,
    activity: Vec<TimelineItem>,
}
