//! The history where not all of it can be read, or much of it is of no use.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Event, EventKind};
use serde_json::{Value, json};

use super::{Account, source};
use crate::agree::{SMALL, Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

/// Requests of a list in one poll.
const MOST: usize = 8;
const FAILED: &str = r#"{"error":{"msg":"Internal error"}}"#;

async fn desk(page: usize) -> Simulator {
    let mut world = World::new(SMALL, start());
    world.advance(start() + TimeDelta::hours(20));
    Simulator::start(world, Account { page, ..Account::usual() }).await
}

/// The chats that ended within the last hours, in the order of their endings.
fn ended(simulator: &Simulator, hours: i64) -> Vec<u64> {
    let world = &simulator.inside().world;
    let since = world.now - TimeDelta::hours(hours);
    let all = world.chats.iter().filter(|chat| chat.status.is_ended() && chat.status_at >= since);
    let mut all: Vec<_> = all.filter(|chat| chat.merged_into.is_none()).collect();
    all.sort_by_key(|chat| (chat.status_at, chat.number));
    all.into_iter().map(|chat| chat.number).collect()
}

/// The chats that were told.
fn told(events: &[Event]) -> BTreeSet<u64> {
    let of = |event: &Event| match &event.kind {
        EventKind::Opened(opened) => opened.conversation.as_str().parse().ok(),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

async fn for_minutes(watch: &mut Watch<'_>, minutes: i64) {
    for _ in 0..minutes / 10 {
        watch.simulator.inside().world.stand_still(TimeDelta::minutes(10));
        watch.settle().await;
    }
}

#[tokio::test]
async fn a_ticket_of_the_past_whose_own_messages_fail_holds_up_no_other() {
    for count in [1, 3] {
        let simulator = desk(20).await;
        let numbers = ended(&simulator, 6);
        assert!(numbers.len() > 10, "{numbers:?}");
        let bad = &numbers[3..3 + count];
        for number in bad {
            simulator.fault(format!("ticket_id={number}&").leak(), Fault::said(500, FAILED));
        }
        let mut first = source(&simulator, &json!({}), Duration::from_hours(6));
        let mut watch = Watch::new(first.as_mut(), &simulator);
        let (_, last) = watch.settle().await;
        assert!(last.progress.is_none(), "{last:?}");
        let all = told(&watch.told);
        let missing: Vec<u64> = numbers.iter().filter(|number| !all.contains(number)).copied().collect();
        assert_eq!(missing, bad);
        assert_eq!(watch.skipped, count as u64, "{:?}", watch.reasons);
        for_minutes(&mut watch, 30).await;
        assert_eq!(watch.skipped, count as u64, "{:?}", watch.reasons);
        // They are remembered over a restart.
        let cursor = watch.cursor.take();
        let mut second = source(&simulator, &json!({}), Duration::from_hours(6));
        let mut watch = Watch::new(second.as_mut(), &simulator);
        watch.cursor = cursor;
        simulator.mend();
        watch.settle().await;
        let again = told(&watch.told);
        assert!(bad.iter().all(|number| again.contains(number)), "{again:?}");
        assert!(!again.contains(&numbers[0]), "what was told is not told again");
        watch.told.clear();
        for_minutes(&mut watch, 60).await;
        assert!(bad.iter().all(|number| !told(&watch.told).contains(number)), "each once");
    }
}

#[tokio::test]
async fn a_history_that_cannot_be_read_holds_up_no_news() {
    let simulator = desk(20).await;
    let numbers = ended(&simulator, 6);
    simulator.fault("closed_datetime:asc", Fault::said(500, FAILED));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(6));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    simulator.asked();
    for _ in 0..30 {
        simulator.inside().world.stand_still(TimeDelta::minutes(2));
        watch.settle().await;
    }
    let tries = simulator.asked().iter().filter(|line| line.contains("closed_datetime:asc")).count();
    assert!((3..=7).contains(&tries), "{tries}");
    let [reason] = &watch.reasons[..] else { panic!("{:?}", watch.reasons) };
    assert!(reason.starts_with("history: can't be read: PUT "), "{reason}");
    simulator.mend();
    for_minutes(&mut watch, 60).await;
    assert!(numbers.iter().all(|number| told(&watch.told).contains(number)));
}

#[tokio::test]
async fn pages_of_which_nothing_is_told_are_read_over_several_polls() {
    for is_one_instant in [false, true] {
        let simulator = desk(2).await;
        let (numbers, now) = (ended(&simulator, 12), simulator.inside().world.now);
        let useless = numbers.len() - 5;
        assert!(useless > 30, "{numbers:?}");
        let (spam, begin) = (numbers[..useless].to_vec(), super::written(now - TimeDelta::hours(12), "+00:00"));
        simulator.fault(
            "closed_datetime:asc",
            Fault::rows("/data", move |row| {
                if spam.iter().any(|number| row["id"] == *number) {
                    row["spam"] = true.into();
                    if is_one_instant {
                        row["closed_datetime"] = begin.clone().into();
                    }
                }
            }),
        );
        let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (mut parts, mut past) = (0, Vec::new());
        loop {
            let batch = watch.poll().await.unwrap();
            let asked = simulator.asked();
            let lists = asked.iter().filter(|line| line.contains("closed_datetime:asc")).count();
            assert!(lists <= MOST, "{is_one_instant}: {asked:#?}");
            if batch.history {
                parts += 1;
                past.extend(batch.events);
            }
            // A place in the list is good no more: from its beginning again.
            if is_one_instant && parts == 2 {
                simulator.fault("cursor", Fault::said(400, r#"{"error":{"msg":"Invalid cursor"}}"#));
            } else if parts == 3 {
                simulator.inside().faults.truncate(1);
            }
            if !batch.more {
                break;
            }
        }
        assert!(parts > 4, "{parts}");
        let all = told(&past);
        let is_told: Vec<u64> = numbers.iter().filter(|number| all.contains(number)).copied().collect();
        // Some ended so lately that the news have told them.
        assert!(!is_told.is_empty() && numbers[useless..].ends_with(&is_told), "{is_one_instant}: {is_told:?}");
        assert!(numbers[useless..].iter().all(|number| told(&watch.told).contains(number)), "{is_one_instant}");
    }
}

/// What the server's filter lets through beside what was asked for is not told.
#[tokio::test]
async fn what_had_ended_before_the_history_begins_is_not_told() {
    let simulator = desk(20).await;
    let now = simulator.inside().world.now;
    let numbers = ended(&simulator, 6);
    let (early, late) =
        (super::written(now - TimeDelta::hours(7), "+00:00"), super::written(now + TimeDelta::seconds(1), "+00:00"));
    let (before, after) = (numbers[2], numbers[4]);
    simulator.fault(
        "closed_datetime:asc",
        Fault::rows("/data", move |row| {
            for (number, at) in [(before, &early), (after, &late)] {
                if row["id"] == number {
                    row["closed_datetime"] = Value::from(at.as_str());
                }
            }
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::from_hours(6));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let all = told(&watch.told);
    let missing: Vec<u64> = numbers.into_iter().filter(|number| !all.contains(number)).collect();
    assert_eq!(missing, [before, after]);
}
