//! Satisfaction answers: none is lost by a restart, nor where there are many.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{ConversationId, EventKind, Status, StatusBy, Timestamp};
use helptop::source::Cursor;
use serde_json::json;

use super::{Installation, simulator, source};
use crate::agree::{Watch, params, start};
use crate::contract::active;
use crate::server::Simulator;

async fn desk() -> Simulator {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    simulator
}

fn rate(simulator: &Simulator, conversation: &ConversationId) {
    let conversation = conversation.clone();
    simulator.inside().world.happen(EventKind::Rated { conversation, score: 4.0, scale: 5.0, comment: None });
}

fn resolve(simulator: &Simulator, conversation: &ConversationId) {
    let (conversation, by) = (conversation.clone(), Some(StatusBy::Agent));
    simulator.inside().world.happen(EventKind::Status { conversation, status: Status::Resolved, by, agent: None });
}

fn stand_still(simulator: &Simulator, minutes: i64) {
    simulator.inside().world.stand_still(TimeDelta::minutes(minutes));
}

/// Up to when a start anew would take answers as told.
fn rated_to(cursor: Option<&Cursor>) -> Timestamp {
    Timestamp::parse(cursor.unwrap().0["rated_to"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn what_was_answered_while_nobody_watched_is_told() {
    let simulator = desk().await;
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    watch.settle().await;
    // One of which was told, and one that ended long before anybody watched.
    let told = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    let old = {
        let world = &simulator.inside().world;
        world.chats.iter().find(|chat| chat.status.is_ended()).map(|chat| (chat.id.clone(), chat.number)).unwrap()
    };
    resolve(&simulator, &told.0);
    stand_still(&simulator, 1);
    watch.settle().await;
    let (events, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
    stand_still(&simulator, 1);
    rate(&simulator, &told.0);
    rate(&simulator, &old.0);
    let rated_at = Timestamp::from_millis(simulator.inside().world.now.millis() - 1);
    stand_still(&simulator, 1);

    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    second.remember(&active(&events));
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor.clone_from(&cursor);
    // As long as its chat is not told, an answer counts as untold.
    loop {
        let batch = watch.poll().await.unwrap();
        let rated = |number: u64| watch.of(&number.to_string()).iter().filter(|event| event["type"] == "rated").count();
        let all = rated(told.1) + rated(old.1);
        assert!(all == 2 || rated_to(watch.cursor.as_ref()) <= rated_at, "{all}");
        if !batch.more {
            break;
        }
    }
    for _ in 0..3 {
        stand_still(&simulator, 10);
        watch.settle().await;
    }
    for (_, number) in [told, old] {
        let events = watch.of(&number.to_string());
        let rated: Vec<_> = events.iter().filter(|event| event["type"] == "rated").collect();
        assert_eq!(rated.len(), 1, "{events:?}");
        assert!(events.iter().any(|event| event["status"] == "resolved"), "not as an open one: {events:?}");
    }
    assert!(rated_to(watch.cursor.as_ref()) >= rated_at - TimeDelta::seconds(1));
    simulator.asked();
    stand_still(&simulator, 10);
    watch.settle().await;
    assert!(!simulator.asked().iter().any(|line| line.contains("/messages")), "told once, and over");
}

#[tokio::test]
async fn many_answers_are_all_told() {
    let simulator = desk().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let before = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Rated { .. })).count();
    stand_still(&simulator, 1);
    let open: Vec<ConversationId> = simulator.inside().world.open().take(50).map(|chat| chat.id.clone()).collect();
    for _ in 0..7 {
        for id in &open {
            rate(&simulator, id);
        }
        simulator.inside().world.stand_still(TimeDelta::seconds(1));
    }
    stand_still(&simulator, 10);
    let to = rated_to(watch.cursor.as_ref());
    let mut polls = 0;
    loop {
        let batch = watch.poll().await.unwrap();
        let rated = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Rated { .. })).count() - before;
        if rated > 0 && rated < 350 {
            polls += 1;
            assert_eq!(rated_to(watch.cursor.as_ref()), to, "not before the last of them is told");
        }
        if !batch.more {
            assert_eq!(rated, 350);
            break;
        }
    }
    assert!(polls > 0, "they were told in one poll");
    let to = rated_to(watch.cursor.as_ref());
    assert!(to > start() + TimeDelta::hours(8));
    watch.told.clear();
    stand_still(&simulator, 10);
    watch.settle().await;
    assert!(!watch.told.iter().any(|event| matches!(event.kind, EventKind::Rated { .. })), "each once");
}
