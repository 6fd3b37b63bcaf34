//! A simulated day, what a refresh costs, and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::desk::Desk;
use helptop::event::{Author, EventKind, Message, Timestamp};
use serde_json::json;

use super::{Installation, shown, simulator, source};
use crate::agree::{SMALL, Terms, Watch, agree, agree_now, params, start};
use crate::server::{Limiter, Reply};

pub fn terms() -> Terms {
    Terms { presence: Some(shown), ..Terms::exact() }
}

#[tokio::test]
async fn a_day_is_told_as_it_was() {
    let simulator = simulator(params(), Installation::usual()).await;
    let beyond = Reply::text(429, "text/plain", "Retry later\n");
    simulator.inside().limiter = Some(Limiter::new(3000, TimeDelta::minutes(1), [None; 3], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
    let mut a_minute = BTreeMap::<i64, usize>::new();
    for asked in &simulator.inside().log {
        *a_minute.entry(asked.at.millis().div_euclid(60_000)).or_default() += 1;
    }
    let most = a_minute.values().max().unwrap();
    assert!(*most <= 1500, "{most} requests in a minute are more than half of what is allowed");
}

#[tokio::test]
async fn an_old_installation_with_translated_notes_agrees_too() {
    let odd = Installation { is_old: true, is_translated: true, drops_underscores: true, ..Installation::usual() };
    let simulator = simulator(params(), odd).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}

/// Conversations that are active by what was told.
fn active(told: &[helptop::event::Event]) -> Vec<helptop::event::ConversationId> {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for event in told {
        desk.apply(source, event.clone());
    }
    desk.settle();
    let active = desk.conversations().filter(|(_, one)| one.state().is_active());
    active.map(|(_, one)| one.id.clone()).collect()
}

#[tokio::test]
async fn a_start_anew_ends_what_ended_meanwhile_and_agrees() {
    let simulator = simulator(crate::agree::params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    watch.later(60).await;
    let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());

    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::hours(2));
    let gone = active(&told)[0].as_str().parse().unwrap();
    simulator.inside().world.delete(gone);
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    second.remember(&active(&told));
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.told.clone_from(&told);
    watch.cursor = cursor;
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    agree_now(&watch.told, &stream, &simulator.inside().world, &watch.source.capabilities(), &terms());
}

#[tokio::test]
async fn history_is_told_whole_and_dated() {
    let simulator = simulator(SMALL, Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let mut last = watch.poll().await.unwrap();
    for _ in 0..200 {
        let batch = watch.poll().await.unwrap();
        assert!(!(last.history && batch.history), "the news never wait for the past");
        last = batch;
        if !last.more {
            break;
        }
    }
    assert!(!last.more && last.progress.is_none());
    let world = &simulator.inside().world;
    let floor = |at: Timestamp| Timestamp::from_millis(at.millis().div_euclid(1000) * 1000);
    let ended: Vec<_> = world.changed_since(world.now - TimeDelta::hours(12));
    let ended: Vec<_> = ended.into_iter().filter(|chat| chat.status.is_ended()).collect();
    assert!(ended.len() > 30, "{}", ended.len());
    for chat in ended {
        let events = watch.of(&chat.number.to_string());
        let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).cloned().collect::<Vec<_>>();
        assert_eq!(of("message").len(), chat.messages.len(), "{events:?}");
        assert_eq!(of("opened")[0]["at"], floor(chat.opened_at).to_string());
        let is_ending = |kind: &EventKind| matches!(kind, EventKind::Status { status, .. } if status.is_ended());
        let notes = chat.log.iter().filter(|logged| is_ending(&logged.kind));
        let told: Vec<_> = of("status").iter().map(|event| event["at"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, notes.map(|logged| floor(logged.at).to_string()).collect::<Vec<_>>(), "{events:?}");
        let scored = chat.ratings.iter().filter(|rating| super::is_of_five(rating.scale)).count();
        assert_eq!(of("rated").len(), scored, "{events:?}");
    }
    drop(watch);
}

/// So many customers write at once.
fn write(simulator: &crate::server::Simulator, count: usize) {
    let mut inside = simulator.inside();
    let open: Vec<_> = inside.world.open().take(count).map(|chat| chat.id.clone()).collect();
    for id in &open {
        inside.world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    // Of a desk with fewer open chats, some write more often.
    assert!(!open.is_empty());
}

#[tokio::test]
async fn what_a_refresh_costs_grows_with_changes_and_not_with_what_is_open() {
    for size in [SMALL, params()] {
        let simulator = simulator(size, Installation::usual()).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (cold, _) = watch.settle().await;
        let open = simulator.inside().world.open().count();
        // Nothing happens from here on but what is made to: the world's clock stands still.
        let quiet = watch.poll().await.unwrap().requests;
        write(&simulator, 10);
        let (ten, _) = watch.settle().await;
        write(&simulator, 500);
        let (many, _) = watch.settle().await;
        let changed = open.min(500) as u32;
        assert_eq!(quiet, 2);
        assert_eq!(ten, 12);
        let polls = changed.div_ceil(60);
        assert!((changed..=changed + 2 * polls + 2).contains(&many), "{many}");
        let pages = (open as u32).div_ceil(25) + 6;
        assert!(cold <= 30 + pages + open as u32, "{cold}");
    }
}

#[tokio::test]
async fn a_start_knows_since_when_each_customer_waits() {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    // Who asks twice waits since the first time, and a bot's or a private word answers nobody.
    let asked: Vec<_> = simulator.inside().world.open().take(30).map(|chat| chat.id.clone()).collect();
    for (minutes, from, public) in [(1, Author::Customer, true), (5, Author::Customer, true), (9, Author::Agent, false)]
    {
        simulator.advance(start() + TimeDelta::hours(8) + TimeDelta::minutes(minutes));
        for (nth, id) in asked.iter().enumerate() {
            let (from, public) = if minutes == 9 && nth % 2 == 0 { (Author::Bot, true) } else { (from, public) };
            let agent = (from == Author::Agent).then(|| simulator.inside().world.agents[0].id.clone());
            let message = Message { public: Some(public), ..Message::public(id.clone(), from, agent) };
            simulator.inside().world.happen(message);
        }
    }
    let stream = simulator.inside().world.take_stream();
    let watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    agree_now(&watch.told, &stream, &simulator.inside().world, &watch.source.capabilities(), &terms());
}
