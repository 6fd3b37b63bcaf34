//! Whose an ending is: of many at once, of what ended while nobody watched, of what could not be read at first.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::desk::Desk;
use helptop::event::{ConversationId, Event, EventKind, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::json;

use super::{Workspace, failed, seconds, simulator, source};
use crate::agree::{Watch, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

/// Of each chat that has ended: in which second, and by which agent, by the numbers of the world.
type Endings = BTreeMap<u64, (i64, Option<u64>)>;

fn endings(events: &[Event], chat: impl Fn(&str) -> Option<u64>, agent: impl Fn(&str) -> Option<u64>) -> Endings {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for event in events {
        desk.apply(source, event.clone());
    }
    desk.settle();
    let ended = desk.conversations().filter(|(_, one)| !one.state().is_active() && !one.state().merged);
    let ended = ended.filter_map(|(_, one)| {
        let ending = one.state().ending?;
        let by = ending.agent.filter(|_| ending.by_agent).and_then(|ix| agent(desk.agent(ix).id.as_str()));
        Some((chat(one.id.as_str())?, (seconds(ending.at), by)))
    });
    ended.collect()
}

/// What was told of endings is what happened; how many they are. When a deleted one ended, only a look shows.
pub fn agree_on_endings(told: &[Event], stream: &[Event], world: &World) -> usize {
    let mut told = endings(told, |id| id.parse().ok(), |id| id.parse().ok());
    told.retain(|chat, _| world.chat(*chat).is_some());
    let mut truth = endings(stream, |id| world.chat_number(id), |id| world.agent_number(id));
    truth.retain(|chat, _| told.contains_key(chat));
    assert_eq!(told, truth);
    told.len()
}

async fn desk() -> Simulator {
    let simulator = simulator(Params { seed: 1, agents: 6, chats: 160 }, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

/// So many chats that are held are closed: by somebody else of the team, by a bot, by whoever holds them, in turns.
fn close(simulator: &Simulator, most: usize) -> usize {
    let mut inside = simulator.inside();
    let agents: Vec<_> = inside.world.agents.iter().map(|agent| agent.id.clone()).collect();
    let held: Vec<(ConversationId, usize)> =
        inside.world.open().filter_map(|chat| Some((chat.id.clone(), chat.holder?))).take(most).collect();
    for (nth, (conversation, holder)) in held.iter().enumerate() {
        let (by, agent) = match nth % 3 {
            0 => (StatusBy::Agent, Some(agents[(holder + 1) % agents.len()].clone())),
            1 => (StatusBy::Bot, None),
            _ => (StatusBy::Agent, Some(agents[*holder].clone())),
        };
        let status = Status::Closed;
        inside.world.happen(EventKind::Status { conversation: conversation.clone(), status, by: Some(by), agent });
    }
    inside.world.stand_still(TimeDelta::seconds(5));
    held.len()
}

#[tokio::test]
async fn of_many_that_are_closed_at_once_each_is_whose_it_is() {
    // With fewer at once than may wait, and with more.
    for most in [70, 150] {
        let simulator = desk().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
        let closed = close(&simulator, most);
        assert!(closed > 45, "{closed}");
        watch.poll().await.unwrap();
        watch.settle().await;
        stream.extend(simulator.inside().world.take_stream());
        assert!(agree_on_endings(&watch.told, &stream, &simulator.inside().world) >= closed);
    }
}

#[tokio::test]
async fn what_was_closed_during_a_short_stop_is_whose_it_is() {
    let simulator = desk().await;
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
    let closed = close(&simulator, 12);
    simulator.inside().world.stand_still(TimeDelta::minutes(20));
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    second.remember(&active(&told));
    let mut watch = Watch::new(second.as_mut(), &simulator);
    (watch.told, watch.cursor) = (told, cursor);
    // The board is whole only when they are told.
    while watch.poll().await.unwrap().partial {}
    stream.extend(simulator.inside().world.take_stream());
    assert!(agree_on_endings(&watch.told, &stream, &simulator.inside().world) >= closed);
    assert_eq!(active(&watch.told).len(), simulator.inside().world.open().count());
}

#[tokio::test]
async fn what_is_closed_and_cannot_be_read_ends_at_once_and_is_whose_it_is_once_it_can() {
    let simulator = desk().await;
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    let said = |status, code| Fault::Answer(Reply::json(status, &failed(code, "that one can't be shown")));
    let numbers: Vec<u64> = {
        let inside = simulator.inside();
        inside.world.open().filter(|chat| chat.holder.is_some()).take(3).map(|chat| chat.number).collect()
    };
    for number in &numbers {
        simulator.fault(format!("GET /conversations/{number}?").leak(), said(500, "server_error"));
    }
    assert_eq!(close(&simulator, 6), 6);
    watch.settle().await;
    assert_eq!(watch.skipped, 3, "{:?}", watch.reasons);
    assert_eq!(active(&watch.told).len(), simulator.inside().world.open().count(), "by its fields it has ended");
    simulator.mend();
    for _ in 0..4 {
        simulator.inside().world.stand_still(TimeDelta::minutes(2));
        watch.settle().await;
    }
    stream.extend(simulator.inside().world.take_stream());
    assert!(agree_on_endings(&watch.told, &stream, &simulator.inside().world) >= 6);
}
