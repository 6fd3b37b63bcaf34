//! Parts of the account that fail by themselves: the rest goes on, and it is said.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, refused, source};
use crate::agree::{Watch, start};
use crate::contract::agrees;
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

/// A desk in the morning.
async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Account::usual()).await
}

/// Time goes on, a poll every so many minutes, and nothing happens.
async fn for_minutes(watch: &mut Watch<'_>, minutes: i64, every: i64) {
    for _ in 0..minutes / every {
        watch.simulator.inside().world.stand_still(TimeDelta::minutes(every));
        watch.settle().await;
    }
}

/// So many messages of customers were told of a chat.
fn asked_in(watch: &Watch<'_>, number: u64) -> usize {
    let is_asked = |event: &&Value| event["type"] == "message" && event["from"] == "customer";
    watch.of(&number.to_string()).iter().filter(is_asked).count()
}

/// A customer writes; whether that is told by the next look.
async fn news_come(watch: &mut Watch<'_>) -> bool {
    let (id, number) = watch.simulator.inside().world.open().last().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    let before = asked_in(watch, number);
    watch.simulator.inside().world.happen(Message::public(id, Author::Customer, None));
    for_minutes(watch, 1, 1).await;
    asked_in(watch, number) > before
}

const FAILED: &str = r#"{"error":{"msg":"Internal error"}}"#;

#[tokio::test]
async fn what_is_asked_for_besides_the_news_holds_them_up_at_no_time() {
    for (path, name, is_at_start) in [
        ("/api/satisfaction-surveys", "satisfaction ratings", false),
        ("/api/satisfaction-surveys", "satisfaction ratings", true),
        ("/api/teams", "teams", false),
        ("/api/teams", "teams", true),
        ("/api/users", "users", false),
        ("ticket_ids", "look for deleted tickets", false),
    ] {
        let simulator = desk().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        if !is_at_start {
            watch.settle().await;
        }
        simulator.fault(path, Fault::said(500, FAILED));
        watch.settle().await;
        simulator.asked();
        assert!(news_come(&mut watch).await, "{path}");
        for_minutes(&mut watch, 60, 2).await;
        assert!(news_come(&mut watch).await, "{path}");
        let tries = simulator.asked().iter().filter(|line| line.contains(path)).count();
        assert!((3..=7).contains(&tries), "{path}: asked {tries} times in an hour");
        let [reason] = &watch.reasons[..] else { panic!("{path}: {:?}", watch.reasons) };
        assert!(reason.starts_with(&format!("{name}: can't be read: GET ")), "{reason}");
        assert!(reason.contains("(500): Internal error"), "{reason}");
        let gone =
            |event: &&helptop::event::Event| matches!(&event.kind, EventKind::Agent(one) if one.active == Some(false));
        assert_eq!(watch.told.iter().filter(gone).count(), 0, "{path}: nobody has left");
        simulator.mend();
        for_minutes(&mut watch, 60, 10).await;
        assert_eq!(watch.skipped, 1, "{path}");
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &super::bench());
        // It can be read again, so it is said anew.
        simulator.fault(path, Fault::said(500, FAILED));
        for_minutes(&mut watch, 40, 10).await;
        assert_eq!(watch.skipped, 2, "{path}");
    }
}

#[tokio::test]
async fn what_is_about_all_fails_a_poll_wherever_it_is_met() {
    for path in ["satisfaction-surveys", "/api/teams", "/api/users", "ticket_ids"] {
        for (reply, word) in [
            (refused(429, "Too many requests").with("retry-after", 5), "throttled"),
            (Reply::json(401, &json!({"message": "Unauthorized"})), "auth"),
        ] {
            let simulator = desk().await;
            let mut source = source(&simulator, &json!({}), Duration::ZERO);
            let mut watch = Watch::new(source.as_mut(), &simulator);
            watch.settle().await;
            for_minutes(&mut watch, 20, 5).await;
            simulator.fault(path, Fault::Answer(reply));
            simulator.inside().world.stand_still(TimeDelta::minutes(11));
            for _ in 0..2 {
                let polled = watch.poll().await;
                assert!(polled.as_ref().is_err_and(|error| error.word() == word), "{path}: {polled:?}");
            }
            simulator.mend();
            watch.settle().await;
            assert_eq!(watch.reasons, Vec::<String>::new(), "{path}");
        }
    }
}

/// The ratings that were told.
fn ratings(watch: &Watch<'_>) -> usize {
    watch.told.iter().filter(|event| matches!(event.kind, EventKind::Rated { .. })).count()
}

#[tokio::test]
async fn what_a_page_of_ratings_brought_is_told_though_the_next_one_fails() {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Account { page: 3, ..Account::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    simulator.inside().world.stand_still(TimeDelta::seconds(1));
    let chats: Vec<_> = simulator.inside().world.open().take(6).map(|chat| chat.id.clone()).collect();
    for conversation in chats {
        let kind = EventKind::Rated { conversation, score: 4.0, scale: 5.0, comment: None };
        simulator.inside().world.happen(kind);
    }
    simulator.fault("cursor=c-3", Fault::said(500, FAILED));
    for_minutes(&mut watch, 15, 1).await;
    assert_eq!((ratings(&watch), watch.skipped), (3, 1));
    simulator.mend();
    for_minutes(&mut watch, 60, 10).await;
    assert_eq!(ratings(&watch), 6);
}
