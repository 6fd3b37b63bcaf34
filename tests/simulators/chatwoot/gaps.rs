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

fn is_ending(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Status { status, .. } if status.is_ended())
}

/// Numbers of the chats that ended in a span, and have not come back.
fn ended(simulator: &Simulator, since: helptop::event::Timestamp) -> Vec<u64> {
    let world = &simulator.inside().world;
    let ended = world.changed_since(since).into_iter().filter(|chat| chat.status.is_ended());
    let lately = ended.filter(|chat| chat.log.iter().any(|logged| logged.at >= since && is_ending(&logged.kind)));
    lately.map(|chat| chat.number).collect()
}

/// Those that are not told to have ended when they last did.
fn untold(watch: &Watch<'_>, numbers: &[u64]) -> Vec<u64> {
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
async fn a_page_of_history_that_cannot_be_read_is_asked_for_until_it_comes_and_nothing_is_lost() {
    for is_restarted in [false, true] {
        let simulator = desk(20).await;
        let since = simulator.inside().world.now - TimeDelta::hours(12);
        let all = ended(&simulator, since);
        assert!(all.len() > 250, "so many that other pages begin with the same figure: {}", all.len());
        let page = "last_activity_at_desc&page=1";
        simulator.fault(page, Fault::Answer(Reply::json(500, &json!({"error": "boom"}))));
        let mut first = source(&simulator, &json!({}), Duration::from_hours(15));
        let mut watch = Watch::new(first.as_mut(), &simulator);
        simulator.asked();
        let mut tried = Vec::new();
        for minute in 0..=125 {
            let (_, last) = watch.settle().await;
            let times = simulator.asked().iter().filter(|line| line.contains("last_activity_at_desc")).count();
            tried.extend(vec![minute; times]);
            assert!(last.progress.is_some(), "it is not read to its end");
            simulator.inside().world.stand_still(TimeDelta::minutes(1));
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 123]);
        assert_eq!((watch.skipped, &watch.reasons[0][..8]), (1, "history:"), "{:?}", watch.reasons);
        let mut second = source(&simulator, &json!({}), Duration::from_hours(15));
        second.remember(&active(&watch.told));
        let mut after = Watch::new(second.as_mut(), &simulator);
        let watch = if is_restarted {
            (after.told, after.cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
            after.settle().await;
            &mut after
        } else {
            &mut watch
        };
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::hours(1));
        let (_, last) = watch.settle().await;
        assert!(last.progress.is_none(), "it is read to its end");
        assert_eq!(untold(watch, &all), Vec::<u64>::new(), "{is_restarted}");
    }
}

#[tokio::test]
async fn a_stop_whose_history_cannot_be_read_at_first_is_told_behind_another_stop() {
    let simulator = desk(8).await;
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    let (told, mut cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
    let off = simulator.inside().world.now;
    simulator.advance(off + TimeDelta::hours(3));
    let missed = ended(&simulator, off);
    let mut events = told;
    for is_well in [false, true] {
        simulator.mend();
        if !is_well {
            simulator.fault("last_activity_at_desc&page=1", Fault::Answer(Reply::json(500, &json!({"error": "boom"}))));
        }
        let mut next = source(&simulator, &json!({}), Duration::ZERO);
        next.remember(&active(&events));
        let mut watch = Watch::new(next.as_mut(), &simulator);
        watch.cursor = cursor;
        for _ in 0..8 {
            watch.settle().await;
            simulator.inside().world.stand_still(TimeDelta::minutes(1));
        }
        events.append(&mut watch.told);
        cursor = watch.cursor.take();
        watch.told.clone_from(&events);
        assert_eq!(untold(&watch, &missed).is_empty(), is_well);
    }
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
