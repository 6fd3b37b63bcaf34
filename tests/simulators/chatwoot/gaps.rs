//! What ended while nobody watched, and a history that can't be read straight on.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{EventKind, Status};
use serde_json::json;

use super::{Installation, simulator, source};
use crate::agree::{SMALL, Watch, params, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

async fn desk(hours: i64) -> Simulator {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(hours));
    simulator
}

/// Numbers of the chats that ended and were last touched in a span.
fn ended(simulator: &Simulator, since: helptop::event::Timestamp) -> Vec<u64> {
    let world = &simulator.inside().world;
    let ended = world.changed_since(since).into_iter().filter(|chat| chat.status.is_ended());
    ended.filter(|chat| chat.updated_at >= since).map(|chat| chat.number).collect()
}

/// Those that are not told to have ended as often as they did since then.
fn untold(watch: &Watch<'_>, numbers: &[u64]) -> Vec<u64> {
    let is_ending = |kind: &EventKind| matches!(kind, EventKind::Status { status, .. } if status.is_ended());
    let world = &watch.simulator.inside().world;
    let is_told = |number: &u64| {
        let chat = world.chat(*number).unwrap();
        let last = chat.log.iter().rev().find(|logged| is_ending(&logged.kind)).map(|logged| logged.at.millis() / 1000);
        let told = watch.told.iter().filter(|event| match &event.kind {
            EventKind::Status { conversation, status, .. } => {
                conversation.as_str() == number.to_string() && status.is_ended()
            }
            _ => false,
        });
        last.is_none() || told.into_iter().any(|event| event.at.map(|at| at.millis() / 1000) == last)
    };
    numbers.iter().copied().filter(|number| !is_told(number)).collect()
}

#[tokio::test]
async fn what_opened_and_ended_while_nobody_watched_is_told() {
    for (minutes, stops_at_first) in [(40, false), (40, true), (180, false), (180, true)] {
        let simulator = desk(8).await;
        let mut first = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(first.as_mut(), &simulator);
        watch.settle().await;
        let (told, mut cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        let off = simulator.inside().world.now;
        simulator.advance(off + TimeDelta::minutes(minutes));
        let missed = ended(&simulator, off);
        assert!(missed.len() > 10, "{}", missed.len());
        let mut events = told.clone();
        if stops_at_first {
            // It is stopped before it has read what it missed.
            let mut second = source(&simulator, &json!({}), Duration::ZERO);
            second.remember(&active(&events));
            let mut watch = Watch::new(second.as_mut(), &simulator);
            watch.cursor = cursor;
            for _ in 0..2 {
                watch.poll().await.unwrap();
            }
            events.append(&mut watch.told);
            cursor = watch.cursor.take();
        }
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        second.remember(&active(&events));
        let mut watch = Watch::new(second.as_mut(), &simulator);
        (watch.told, watch.cursor) = (events, cursor);
        watch.settle().await;
        assert_eq!(untold(&watch, &missed), Vec::<u64>::new(), "{minutes} min, {stops_at_first}");
        // The next start does not read it again.
        simulator.asked();
        let mut third = source(&simulator, &json!({}), Duration::ZERO);
        third.remember(&active(&watch.told));
        let cursor = watch.cursor.take();
        let mut watch = Watch::new(third.as_mut(), &simulator);
        watch.cursor = cursor;
        watch.settle().await;
        assert!(!simulator.asked().iter().any(|line| line.contains("status=resolved")));
    }
}

#[tokio::test]
async fn what_opened_and_ended_in_an_outage_is_told() {
    let simulator = desk(8).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let off = simulator.inside().world.now;
    simulator.advance(off + TimeDelta::hours(3));
    let missed = ended(&simulator, off);
    watch.settle().await;
    assert_eq!(untold(&watch, &missed), Vec::<u64>::new());
}

#[tokio::test]
async fn a_page_of_history_that_cannot_be_read_is_passed_over_in_the_end() {
    let simulator = simulator(SMALL, Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let since = simulator.inside().world.now - TimeDelta::hours(12);
    let all = ended(&simulator, since);
    let page = "last_activity_at_desc&page=1";
    simulator.fault(page, Fault::Answer(Reply::json(500, &json!({"error": "boom"}))));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    simulator.asked();
    let mut tried = Vec::new();
    for minute in 0..8 {
        let (_, last) = watch.settle().await;
        let times = simulator.asked().iter().filter(|line| line.ends_with(page)).count();
        tried.extend(vec![minute; times]);
        if last.progress.is_none() {
            break;
        }
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
    }
    assert_eq!(tried, [0, 1, 3]);
    let left = untold(&watch, &all).len();
    assert!(left <= 25 && left < all.len(), "what is behind it is told: {left} of {}", all.len());
    assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
}

#[tokio::test]
async fn a_chat_that_is_opened_again_while_the_history_is_read_hides_no_other() {
    let simulator = simulator(SMALL, Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let since = simulator.inside().world.now - TimeDelta::hours(12);
    let mut all = ended(&simulator, since);
    let first = all.remove(0);
    let mut is_done = false;
    simulator.fault(
        "last_activity_at_desc&page=1",
        Fault::Then(Box::new(move |world| {
            if !std::mem::replace(&mut is_done, true) {
                let conversation = world.chat(first).unwrap().id.clone();
                world.happen(EventKind::Status { conversation, status: Status::Open, by: None, agent: None });
            }
        })),
    );
    let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    assert!(all.len() > 30, "{}", all.len());
    assert_eq!(untold(&watch, &all), Vec::<u64>::new());
    for number in all {
        let opened = watch.of(&number.to_string()).iter().filter(|event| event["type"] == "opened").count();
        assert_eq!(opened, 1, "told once");
    }
}
