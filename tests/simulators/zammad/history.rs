//! The history of ended tickets: in the background, and from where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::source;
use super::vendor::Zammad;
use crate::agree::{Watch, params, start};
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

#[tokio::test]
async fn history_is_read_in_the_background_and_goes_on_after_a_restart() {
    let simulator = Simulator::start(World::new(params(), start()), Zammad::default()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let ended = |simulator: &Simulator| {
        let inside = simulator.inside();
        let since = inside.world.now - TimeDelta::hours(8);
        let chats = inside.world.chats.iter().filter(|chat| chat.status.is_ended() && chat.updated_at >= since);
        chats.map(|chat| chat.number.to_string()).collect::<BTreeSet<_>>()
    };
    let wanted = ended(&simulator);
    assert!(wanted.len() > 40, "{}", wanted.len());
    let mut told = BTreeSet::new();
    let (mut cursor, mut pages) = (None, 0);
    // Ended after each page of history, and started again.
    for _ in 0..200 {
        let mut source = source(&simulator, &json!({}), Duration::from_hours(8));
        let mut watch = Watch::new(&mut source, &simulator);
        watch.cursor = cursor.take();
        let batch = loop {
            let batch = watch.poll().await.unwrap();
            if batch.history || !batch.more {
                break batch;
            }
        };
        cursor = watch.cursor.clone();
        if !batch.history {
            break;
        }
        pages += 1;
        for event in &watch.told {
            let event = serde_json::to_value(event).unwrap();
            if event["type"] == "opened" {
                told.insert(event["conversation"].as_str().unwrap().to_owned());
            }
        }
    }
    let missing: Vec<_> = wanted.difference(&told).collect();
    assert!(pages > 2 && missing.is_empty(), "{pages} pages, {} missing", missing.len());
    assert!(pages as usize <= wanted.len() / 15 + 2, "none twice: {pages} pages for {}", wanted.len());
}

/// A desk in the evening.
async fn evening() -> Simulator {
    let simulator = Simulator::start(World::new(params(), start()), Zammad::default()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    simulator
}

/// How often each ticket was read whole since that was last asked.
fn read_whole(simulator: &Simulator) -> BTreeMap<String, usize> {
    let mut read = BTreeMap::new();
    for line in simulator.asked() {
        if let Some((_, number)) = line.split_once("ticket_history/") {
            *read.entry(number.split([' ', '?']).next().unwrap().to_owned()).or_default() += 1;
        }
    }
    read
}

/// Tickets that were told.
fn told(watch: &Watch<'_>) -> BTreeSet<String> {
    let told = watch.told.iter().map(|event| serde_json::to_value(event).unwrap());
    let opened = told.filter(|event| event["type"] == "opened");
    opened.map(|event| event["conversation"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn on_a_slow_server_it_goes_on_poll_by_poll_and_reads_nothing_again() {
    let simulator = evening().await;
    let mut source = source(&simulator, &json!({}), Duration::from_hours(4));
    let mut watch = Watch::new(&mut source, &simulator);
    while watch.poll().await.unwrap().partial {}
    let before = told(&watch);
    read_whole(&simulator);
    simulator.fault("/ticket_history", Fault::Slow(Duration::from_secs(4)));
    let mut polls = 0;
    // Who polls gives up after a minute.
    while tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap().more {
        polls += 1;
        assert!(polls < 200);
    }
    let read = read_whole(&simulator);
    assert!(read.len() > 20 && read.values().all(|times| *times == 1), "{read:?}");
    assert!(told(&watch).difference(&before).count() > 20);
}

#[tokio::test]
async fn what_was_read_of_a_page_is_told_and_the_rest_goes_on_behind_it() {
    let simulator = evening().await;
    let order: Vec<String> = {
        let world = &simulator.inside().world;
        let until = world.now - TimeDelta::minutes(10);
        let mut ended: Vec<_> =
            world.chats.iter().filter(|chat| chat.status.is_ended() && chat.updated_at < until).collect();
        ended.sort_by_key(|chat| std::cmp::Reverse((chat.updated_at, chat.number)));
        ended.iter().map(|chat| chat.number.to_string()).collect()
    };
    let mut source = source(&simulator, &json!({}), Duration::from_hours(4));
    let mut watch = Watch::new(&mut source, &simulator);
    while watch.poll().await.unwrap().partial {}
    let told_from = |watch: &Watch<'_>| watch.cursor.as_ref().unwrap().0["told_from"].as_str().unwrap().to_owned();
    let begun = told_from(&watch);
    read_whole(&simulator);
    let path: &'static str = format!("ticket_history/{}", order[3]).leak();
    simulator.fault(path, Fault::Answer(Reply::json(500, &json!({"error": "Error ID 1"}))));
    assert_eq!(watch.first_error().await.unwrap().word(), "failing");
    watch.poll().await.unwrap();
    let first: BTreeSet<String> = order[..3].iter().cloned().collect();
    assert!(first.is_subset(&told(&watch)), "{order:?}");
    assert!(told_from(&watch) < begun, "a start anew goes on there, too");
    simulator.mend();
    simulator.inside().world.stand_still(TimeDelta::minutes(2));
    watch.settle().await;
    let read = read_whole(&simulator);
    assert!(first.iter().all(|number| read[number] == 1) && read[&order[3]] == 2, "{read:?}");
    assert!(order[3..20].iter().all(|number| told(&watch).contains(number)));
}

#[tokio::test]
async fn it_is_read_once_whatever_this_clock_shows_against_theirs() {
    for ahead in [-900, -5, 0, 5, 90, 900] {
        let simulator = evening().await;
        let mut source = source(&simulator, &json!({}), Duration::from_hours(4));
        let mut watch = Watch::new(&mut source, &simulator);
        watch.ahead = TimeDelta::seconds(ahead);
        watch.settle().await;
        assert!(told(&watch).len() > 20 && read_whole(&simulator).values().all(|times| *times == 1), "{ahead} s ahead");
        for _ in 0..4 {
            simulator.inside().world.stand_still(TimeDelta::seconds(15));
            assert_eq!(watch.settle().await.0, 1, "{ahead} s ahead: one look for what is new, and nothing else");
        }
    }
}
