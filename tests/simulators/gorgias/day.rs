//! A simulated day, history and restarts.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::EventKind;
use serde_json::json;

use super::{Account, is_of_five, source};
use crate::agree::{Terms, Watch, agree, params, start};
use crate::server::{Limiter, Reply, Simulator};
use crate::world::World;

/// No presence.
pub fn terms() -> Terms {
    Terms { presence: None, ..Terms::exact() }
}

#[tokio::test]
async fn the_board_is_that_of_the_stream() {
    let simulator =
        Simulator::start(World::new(params(), start()), Account { limited: true, ..Account::usual() }).await;
    // The bucket of an API key, and the share of it that is kept in every window.
    let beyond = Reply::text(429, "text/plain", "the simulator's own bucket is full before");
    simulator.inside().limiter = Some(Limiter::new(40, TimeDelta::seconds(20), [None; 3], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}

#[tokio::test]
async fn a_key_that_may_not_read_what_happened_agrees_too() {
    let account = Account { role: "agent", ..Account::usual() };
    let simulator = Simulator::start(World::new(params(), start()), account).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let stream = simulator.inside().world.take_stream();
    let watch = super::watched(&simulator).await;
    let EventKind::Hello { capabilities, .. } = &watch.told[0].kind else { panic!("{:?}", watch.told[0]) };
    assert!(!capabilities.contains(&helptop::event::Capability::Ratings));
    let words = "users: this key may not read them: names come from tickets, and a program that writes or holds counts as an \
                 agent";
    assert_eq!(watch.reasons, [words]);
    let world = &simulator.inside().world;
    // Who closed without an answer and was written to again waits too long by that: only what happened tells it.
    let active = |told: &[helptop::event::Event]| {
        let mut desk = helptop::desk::Desk::new(false);
        let source = desk.add_source();
        for event in told {
            desk.apply(source, event.clone());
        }
        desk.settle();
        desk.conversations().filter(|(_, one)| one.state().is_active()).count()
    };
    assert_eq!(active(&watch.told), active(&stream));
    assert_eq!(active(&watch.told), world.open().count());
}

#[tokio::test]
async fn history_is_told_whole_and_dated_and_goes_on_after_a_restart() {
    let size = helptop::source::demo::Params { seed: 1, agents: 5, chats: 40 };
    let simulator = Simulator::start(World::new(size, start()), Account { page: 20, ..Account::usual() }).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let mut first = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(first.as_mut(), &simulator);
    let mut last = watch.poll().await.unwrap();
    let mut past = 0;
    for _ in 0..2000 {
        let batch = watch.poll().await.unwrap();
        assert!(!(last.history && batch.history), "the news never wait for the past");
        last = batch;
        past += usize::from(last.history);
        if past == 5 || !last.more {
            break;
        }
    }
    assert!(last.more, "there is more to tell");
    let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
    let mut second = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor = cursor;
    let (_, last) = watch.settle().await;
    assert!(last.progress.is_none());
    let lately: Vec<_> =
        watch.told.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).cloned().collect();
    watch.told.splice(0..0, told.clone());
    let world = &simulator.inside().world;
    let ended = world.changed_since(world.now - TimeDelta::hours(12));
    let ended: Vec<_> = ended.into_iter().filter(|chat| chat.status.is_ended() && chat.merged_into.is_none()).collect();
    assert!(ended.len() > 30, "{}", ended.len());
    for chat in &ended {
        if chat.status_at < world.now - TimeDelta::hours(12) {
            continue;
        }
        let mut events = watch.of(&chat.number.to_string());
        let mut seen = std::collections::BTreeSet::new();
        events.retain(|event| seen.insert(event.to_string()));
        let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).cloned().collect::<Vec<_>>();
        assert_eq!(of("message").len(), chat.messages.len(), "{events:?}");
        assert_eq!(of("opened")[0]["at"], chat.opened_at.to_string());
        assert!(of("status").iter().any(|event| event["status"] == "closed"), "{events:?}");
        let scored = chat.ratings.iter().filter(|rating| is_of_five(rating.scale)).count();
        assert_eq!(of("rated").len(), scored, "{events:?}");
    }
    let again = lately.iter().filter(|one| told.contains(one)).count();
    assert!(again <= 5 + world.open().count(), "{again} were told again");
    let first = told.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
    assert!(first + lately.len() > again + ended.len(), "{first} {again}");
}

#[tokio::test]
async fn history_tells_each_once_while_others_end() {
    let size = helptop::source::demo::Params { seed: 1, agents: 5, chats: 40 };
    let simulator = Simulator::start(World::new(size, start()), Account { page: 20, ..Account::usual() }).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(4));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let mut past = Vec::new();
    for nth in 0..2000 {
        let batch = watch.poll().await.unwrap();
        if batch.history {
            past.extend(batch.events);
        }
        if !batch.more {
            break;
        }
        // Some end while the history is read.
        if nth < 120 {
            let now = simulator.inside().world.now;
            simulator.advance(now + TimeDelta::seconds(30));
        }
    }
    let of_past: std::collections::BTreeSet<u64> = past
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Opened(opened) => opened.conversation.as_str().parse().ok(),
            _ => None,
        })
        .collect();
    let opened = past.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
    assert!(opened > 5 && opened == of_past.len(), "each once: {opened}");
}

#[tokio::test]
async fn a_long_pause_is_caught_up_with() {
    let simulator = Simulator::start(World::new(params(), start()), Account::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = super::watched(&simulator).await;
    let settled_at = simulator.inside().world.now;
    for (minutes, is_read_anew) in [(29, false), (31, true), (120, true)] {
        simulator.asked();
        watch.later(minutes * 60).await;
        let asked = simulator.asked();
        assert_eq!(asked.iter().any(|line| line.contains("/api/views/0")), is_read_anew, "{minutes}: {asked:#?}");
    }
    stream.extend(simulator.inside().world.take_stream());
    crate::agree::agree_now(&watch.told, &stream, &simulator.inside().world, &watch.source.capabilities(), &terms());
    super::reading::told_once(&watch, settled_at);
}
