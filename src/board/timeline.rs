//! What happened in a conversation, as lines with names; from the desk of now or from a loaded past.

use std::sync::Arc;

use super::page::{ConversationPage, Person, TimelineItem, What};
use crate::desk::entry::{By, Entry, Fact};
use crate::desk::fold::{State, Transition};
use crate::desk::{AgentIx, Conversation, ConversationIx, Desk};
use crate::event::Author;
use crate::metrics::live::conversation_row;

/// Lines of a conversation are kept up to this many.
const TIMELINE_MOST: usize = 5_000;

/// The page of a conversation that a desk knows.
pub(super) fn conversation_page(desk: &Desk, ix: ConversationIx) -> Option<ConversationPage> {
    let conversation = desk.conversation(ix)?;
    let row = Arc::new(conversation_row(desk, ix)?);
    let customer = row.customer.as_ref();
    let label: Arc<str> = conversation.id.as_str().into();
    let mut timeline = Vec::new();
    conversation.walk(desk.rules(conversation.source), |entry, state, transition| {
        items(desk, entry, state, transition, |what| {
            timeline.push(item(conversation, ix, &label, entry, what));
        });
    });
    let earlier = timeline.len().saturating_sub(TIMELINE_MOST);
    timeline.drain(..earlier);
    Some(ConversationPage {
        customer: customer.map(|one| (&*one.name).into()),
        segment: customer.and_then(|one| one.segment.clone()),
        first_response: conversation.state().first_response().map(|first| first.millis),
        holder: row.holder.map(|ix| Person { id: desk.agent(ix).id.clone(), name: desk.agent(ix).name() }),
        team: row.team.map(|ix| desk.team(ix).name()),
        as_of: None,
        is_whole: conversation.is_whole(),
        row,
        timeline,
        earlier,
    })
}

/// A line about an entry of a conversation.
pub(super) fn item(
    conversation: &Conversation,
    ix: ConversationIx,
    label: &Arc<str>,
    entry: &Entry,
    what: What,
) -> TimelineItem {
    TimelineItem {
        at: entry.at,
        source: conversation.source,
        conversation: ix,
        id: conversation.id.clone(),
        label: Arc::clone(label),
        what,
    }
}

/// What a timeline says of an entry: one line, or two where holder and team changed at once.
pub(super) fn items(desk: &Desk, entry: &Entry, state: &State, transition: Transition, mut say: impl FnMut(What)) {
    let name = |ix: AgentIx| desk.agent(ix).name();
    match &entry.fact {
        Fact::Opened(_) => {
            say(What::Opened { inbound: state.direction == crate::event::Direction::Inbound });
        }
        Fact::Message { from, agent, public, text, .. } => {
            let customer = state.customer.map(|ix| (&*desk.customer(ix).name).into());
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
                say(What::Team { to: team.map(|ix| desk.team(ix).name()), by });
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
