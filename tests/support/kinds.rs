//! Events of every kind, with texts of every sort.

use helptop::event::{
    Agent, AgentId, Assigned, Author, Capability, ConversationId, CustomerId, Direction, EventKind, Message, Opened,
    PresenceState, SlaMetric, Status, StatusBy, TeamId, Timestamp,
};
use proptest::prelude::*;

/// Any event's content.
pub(crate) fn kinds() -> impl Strategy<Value = EventKind> {
    let id = "[a-z0-9\"\\\\ü🎉]{1,30}";
    let text = ".{0,40}";
    let conversation = id.prop_map(ConversationId::new);
    let agent = id.prop_map(AgentId::new);
    let maybe_text = prop::option::of(text);
    let opened = (
        conversation.clone(),
        (maybe_text.clone(), maybe_text.clone(), maybe_text.clone(), maybe_text.clone()),
        prop::option::of(prop::collection::vec(text, 0..4)),
        prop::option::of(prop_oneof![Just(Direction::Inbound), Just(Direction::Outbound)]),
        (prop::option::of(id.prop_map(CustomerId::new)), prop::option::of(id.prop_map(TeamId::new))),
    )
        .prop_map(|(conversation, (channel, subject, url, priority), tags, direction, (customer, team))| {
            Opened { conversation, customer, channel, team, subject, url, direction, tags, priority }.into()
        });
    let author = prop_oneof![
        Just((Author::Customer, None)),
        Just((Author::Bot, None)),
        agent.clone().prop_map(|agent| (Author::Agent, Some(agent)))
    ];
    let message = (conversation.clone(), author, prop::option::of(any::<bool>()), maybe_text.clone()).prop_map(
        |(conversation, (from, agent), public, text)| {
            Message { conversation, from, agent, public, text: text.map(Into::into) }.into()
        },
    );
    let change = prop::option::of(prop::option::of(agent.clone()));
    let team = prop::option::of(prop::option::of(id.prop_map(TeamId::new)));
    let assigned = (conversation.clone(), change, team, prop::option::of(agent.clone()))
        .prop_map(|(conversation, agent, team, by)| Assigned { conversation, agent, team, by }.into());
    let status = (conversation.clone(), prop::option::of(agent.clone())).prop_map(|(conversation, agent)| {
        EventKind::Status { conversation, status: Status::OnHold, by: Some(StatusBy::System), agent }
    });
    let people = (agent.clone(), text, prop::option::of(1..9u32), prop::option::of(any::<bool>())).prop_map(
        |(id, name, capacity, active)| {
            Agent { teams: Some(vec!["t".into()]), capacity, active, ..Agent::new(id, name) }.into()
        },
    );
    let small = (conversation, agent, text, 1..=5u8, 0..100_000i64).prop_flat_map(|(c, a, text, score, ms)| {
        prop_oneof![
            Just(EventKind::Presence { agent: a.clone(), state: PresenceState::Away, reason: Some(text.clone()) }),
            Just(EventKind::Routed { conversation: c.clone(), keyword: text.clone() }),
            Just(EventKind::ReturnedToBot { conversation: c.clone(), agent: a.clone() }),
            Just(EventKind::Tagged { conversation: c.clone(), tags: vec![text.clone()] }),
            Just(EventKind::Macro { conversation: c.clone(), agent: Some(a), name: text.clone() }),
            Just(EventKind::Sla {
                conversation: c.clone(),
                metric: SlaMetric::NextResponse,
                due: Timestamp::from_millis(ms)
            }),
            Just(EventKind::Rated {
                conversation: c.clone(),
                score: score.into(),
                scale: 5.0,
                comment: Some(text.clone().into())
            }),
            Just(EventKind::Nps { customer: None, conversation: Some(c.clone()), score: score.into() }),
            Just(EventKind::ArticleVote { article: "x".into(), helpful: score > 3, customer: None }),
            Just(EventKind::Converted { conversation: c.clone(), amount: Some(12.5), currency: Some(text.clone()) }),
            Just(EventKind::Merged { conversation: c.clone(), into: "other".into() }),
            Just(EventKind::Team { id: "t".into(), name: text.clone() }),
            Just(EventKind::Customer { id: "k".into(), name: Some(text.clone()), segment: None }),
            Just(EventKind::Hello { version: 1, source: Some(text), capabilities: vec![Capability::Sla] }),
            Just(EventKind::Clock {}),
        ]
    });
    prop_oneof![opened, message, assigned, status, people, small]
}
