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
            let mut watch = super::watched(&simulator).await;
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
    let mut watch = super::watched(&simulator).await;
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

/// A desk that is read in small pages, so that many tickets are read one by one.
async fn paged() -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Account { page: 5, ..Account::usual() }).await
}

/// The numbers of the tickets that were asked for one by one, in order.
fn alone(simulator: &Simulator) -> Vec<u64> {
    let of = |line: String| line.split_once("&ticket_id=").map(|(_, rest)| rest.split('&').next().unwrap().to_owned());
    let mut numbers: Vec<u64> = simulator.asked().into_iter().filter_map(of).map(|id| id.parse().unwrap()).collect();
    // Page by page.
    numbers.dedup();
    numbers
}

/// Words of the requests for the messages of a ticket.
fn thread(number: u64) -> &'static str {
    format!("ticket_id={number}&").leak()
}

#[tokio::test]
async fn a_ticket_whose_own_messages_fail_holds_up_no_other() {
    let simulator = paged().await;
    let mut watch = super::watched(&simulator).await;
    let some = alone(&simulator);
    assert!(some.len() > 8, "{some:?}");
    watch.told.clear();
    // The first ones are as many as are read in one poll.
    for bad in [&some[..1], &some[..4]] {
        let simulator = paged().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        for number in bad {
            simulator.fault(thread(*number), Fault::said(500, FAILED));
        }
        let (_, batch) = watch.settle().await;
        assert!(!batch.partial);
        let is_told = |watch: &Watch<'_>, number: &u64| !watch.of(&number.to_string()).is_empty();
        let missing: Vec<&u64> = some.iter().filter(|number| !is_told(&watch, number)).collect();
        assert_eq!(missing, bad.iter().collect::<Vec<_>>());
        alone(&simulator);
        for_minutes(&mut watch, 60, 2).await;
        assert!(news_come(&mut watch).await);
        let tries = alone(&simulator).iter().filter(|number| **number == bad[0]).count();
        assert!((3..=7).contains(&tries), "asked {tries} times in an hour");
        assert_eq!(watch.skipped, bad.len() as u64, "{:?}", watch.reasons);
        let words = format!("ticket {}: can't be read: GET /api/messages", bad[0]);
        assert!(watch.reasons[0].starts_with(&words), "{:?}", watch.reasons);
        simulator.mend();
        for_minutes(&mut watch, 60, 10).await;
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &super::bench());
    }
}

#[tokio::test]
async fn where_no_ticket_can_be_read_by_itself_the_news_go_on_and_the_start_is_not_at_its_end() {
    let simulator = paged().await;
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    simulator.fault("&ticket_id=", Fault::said(500, FAILED));
    let (_, batch) = watch.settle().await;
    assert!(batch.partial);
    alone(&simulator);
    for_minutes(&mut watch, 20, 1).await;
    assert!(news_come(&mut watch).await);
    assert!(alone(&simulator).len() < 40, "all are left alone");
    let [reason] = &watch.reasons[..] else { panic!("{:?}", watch.reasons) };
    assert!(reason.starts_with("tickets one by one: can't be read: GET "), "{reason}");
    simulator.mend();
    for_minutes(&mut watch, 60, 10).await;
    assert!(!watch.poll().await.unwrap().partial);
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream, &super::bench());
}

/// A desk where each customer of some ended chats has answered a survey.
fn rate_ended(simulator: &Simulator, count: usize) -> Vec<u64> {
    let world = &mut simulator.inside().world;
    world.stand_still(TimeDelta::seconds(1));
    let before = world.now - TimeDelta::hours(2);
    let ended = world.chats.iter().filter(|chat| chat.status.is_ended() && chat.status_at < before);
    let ended = ended.filter(|chat| chat.merged_into.is_none()).take(count);
    let ended: Vec<_> = ended.map(|chat| (chat.id.clone(), chat.number)).collect();
    for (conversation, _) in &ended {
        let conversation = conversation.clone();
        world.happen(EventKind::Rated { conversation, score: 2.0, scale: 5.0, comment: None });
    }
    ended.into_iter().map(|(_, number)| number).collect()
}

/// The chats of which a rating was told.
fn rated(watch: &Watch<'_>) -> Vec<u64> {
    let of = |event: &helptop::event::Event| match &event.kind {
        EventKind::Rated { conversation, .. } => conversation.as_str().parse().ok(),
        _ => None,
    };
    watch.told.iter().filter_map(of).collect()
}

#[tokio::test]
async fn an_answer_whose_ticket_cannot_be_read_holds_up_no_other() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    let numbers = rate_ended(&simulator, 5);
    // The first two answers that are looked at are the oldest.
    simulator.fault(thread(numbers[0]), Fault::said(500, FAILED));
    for_minutes(&mut watch, 15, 1).await;
    assert_eq!((rated(&watch), watch.skipped), (numbers[1..].to_vec(), 1), "{:?}", watch.reasons);
    simulator.mend();
    for_minutes(&mut watch, 30, 10).await;
    assert_eq!(rated(&watch).last(), Some(&numbers[0]));
}

#[tokio::test]
async fn an_answer_that_waits_for_its_ticket_is_told_after_a_restart() {
    let simulator = desk().await;
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    watch.settle().await;
    let numbers = rate_ended(&simulator, 5);
    // They wait for longer than a restart looks back by itself.
    simulator.fault("&ticket_id=", Fault::said(500, FAILED));
    for_minutes(&mut watch, 40, 5).await;
    assert_eq!(rated(&watch), Vec::<u64>::new());
    simulator.mend();
    let cursor = watch.cursor.take();
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor = cursor;
    watch.settle().await;
    for_minutes(&mut watch, 5, 1).await;
    assert_eq!(rated(&watch), numbers);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_not_waited_for_in_every_poll() {
    for path in ["/api/satisfaction-surveys", "/api/users", "ticket_ids"] {
        let simulator = desk().await;
        let mut watch = super::watched(&simulator).await;
        for_minutes(&mut watch, 20, 10).await;
        simulator.fault(path, Fault::Slow(Duration::from_secs(20)));
        simulator.inside().world.stand_still(TimeDelta::minutes(11));
        // Whoever asks gives up.
        let polled = tokio::time::timeout(Duration::from_millis(500), watch.poll()).await;
        assert!(polled.is_err(), "{path}: {polled:?}");
        simulator.inside().world.stand_still(TimeDelta::seconds(10));
        let polled = tokio::time::timeout(Duration::from_secs(15), watch.poll()).await;
        assert!(matches!(polled, Ok(Ok(_))), "{path}: {polled:?}");
    }
}
