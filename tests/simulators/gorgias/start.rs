//! A start and a start anew: what of the desk is told, and what is asked again for it.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message, Status, StatusBy};
use helptop::source::Batch;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::reading::told_once;
use super::{Account, source};
use crate::agree::{Watch, start};
use crate::contract::{active, agrees};
use crate::server::{Fault, Simulator};
use crate::world::{Chat, World};

/// A desk in the morning.
fn morning() -> World {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    world
}

/// Time goes on, and nothing happens.
async fn quietly(watch: &mut Watch<'_>, minutes: i64) {
    watch.simulator.inside().world.stand_still(TimeDelta::minutes(minutes));
    watch.settle().await;
}

/// Whether its customer has had no answer.
fn waits(chat: &Chat) -> bool {
    let last = chat.messages.iter().rev().find(|said| said.public);
    chat.status == Status::Open && last.is_some_and(|said| said.from == Author::Customer)
}

#[tokio::test]
async fn a_snooze_ends_no_wait_though_it_looks_like_a_closing() {
    let mut world = morning();
    let waiting: Vec<_> = world.open().filter(|chat| waits(chat)).map(|chat| chat.id.clone()).collect();
    assert!(waiting.len() > 5, "{}", waiting.len());
    // So much is said meanwhile that the feeds are not read back to when the customers wrote.
    let other = world.open().find(|chat| !waiting.contains(&chat.id)).map(|chat| chat.id.clone()).unwrap();
    for _ in 0..200 {
        world.stand_still(TimeDelta::seconds(1));
        world.happen(Message::public(other.clone(), Author::Customer, None));
    }
    for conversation in waiting {
        world.stand_still(TimeDelta::seconds(5));
        let agent = Some(world.agents[0].id.clone());
        world.happen(EventKind::Status { conversation, status: Status::Snoozed, by: Some(StatusBy::Agent), agent });
    }
    let stream = world.take_stream();
    let simulator = Simulator::start(world, Account { page: 5, ..Account::usual() }).await;
    let watch = super::watched(&simulator).await;
    agrees(&watch, &stream, &super::bench());
}

/// Numbers of open chats whose customer has had no answer.
fn waiting(simulator: &Simulator, count: usize) -> Vec<u64> {
    let numbers: Vec<u64> =
        simulator.inside().world.open().filter(|chat| waits(chat)).map(|chat| chat.number).take(count).collect();
    assert_eq!(numbers.len(), count);
    numbers
}

/// How a record is made one that can't be read.
type Edit = fn(&mut Value);

/// What is wrong with it, and how that is named.
const WRONG: [(&str, Edit, &str); 3] = [
    ("a time that is none", |row| row["created_datetime"] = "soon".into(), "expected a time"),
    ("no status", |row| row["status"] = Value::Null, "status"),
    ("an unknown status", |row| row["status"] = "parked".into(), "`parked` is no status that is known"),
];

/// These tickets can't be read in answers to requests with these words.
fn spoil(simulator: &Simulator, words: &'static str, numbers: Vec<u64>, wrong: Edit) {
    let is_of_them = move |row: &Value| row.get("object_id").is_none() && numbers.iter().any(|id| row["id"] == *id);
    simulator.fault(
        words,
        Fault::rows("/data", move |row| {
            if is_of_them(row) {
                wrong(row);
            }
        }),
    );
}

/// By whom a ticket was closed, by what was told.
fn endings(watch: &Watch<'_>, number: u64) -> Vec<String> {
    let told = watch.of(&number.to_string()).into_iter().filter(|event| event["status"] == "closed");
    told.map(|event| event["by"].as_str().unwrap().to_owned()).collect()
}

fn closes(simulator: &Simulator, number: u64) {
    let world = &mut simulator.inside().world;
    let (conversation, agent) = (world.chat(number).unwrap().id.clone(), Some(world.agents[0].id.clone()));
    world.stand_still(TimeDelta::seconds(5));
    world.happen(EventKind::Status { conversation, status: Status::Closed, by: Some(StatusBy::Agent), agent });
}

#[tokio::test]
async fn a_ticket_that_cannot_be_read_is_not_gone_until_it_is() {
    for (what, wrong, words) in WRONG {
        let simulator = Simulator::start(morning(), Account::usual()).await;
        let mut watch = super::watched(&simulator).await;
        let numbers = waiting(&simulator, 2);
        spoil(&simulator, "ticket_ids", numbers.clone(), wrong);
        for _ in 0..4 {
            quietly(&mut watch, 2).await;
        }
        for number in &numbers {
            assert_eq!(endings(&watch, *number), Vec::<String>::new(), "{what}");
        }
        assert_eq!((watch.skipped, watch.reasons[0].contains(words)), (2, true), "{what}: {:?}", watch.reasons);
        simulator.inside().world.delete(numbers[0]);
        for _ in 0..4 {
            quietly(&mut watch, 2).await;
        }
        assert_eq!(endings(&watch, numbers[0]), ["system"], "{what}");
        assert_eq!(endings(&watch, numbers[1]), Vec::<String>::new(), "{what}");
    }
}

#[tokio::test]
async fn what_was_active_and_cannot_be_read_at_a_start_is_told_when_it_can() {
    for (what, wrong, words) in WRONG {
        let simulator = Simulator::start(morning(), Account::usual()).await;
        let numbers = waiting(&simulator, 2);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let ids: Vec<ConversationId> = numbers.iter().map(|number| number.to_string().as_str().into()).collect();
        source.remember(&ids);
        spoil(&simulator, "/api/", numbers.clone(), wrong);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (_, batch) = watch.settle().await;
        assert!(!batch.partial, "{what}");
        closes(&simulator, numbers[0]);
        for _ in 0..5 {
            quietly(&mut watch, 2).await;
        }
        assert!(watch.reasons.iter().any(|reason| reason.contains(words)), "{what}: {:?}", watch.reasons);
        for number in &numbers {
            assert_eq!(watch.of(&number.to_string()), Vec::<Value>::new(), "{what}");
        }
        simulator.mend();
        for _ in 0..4 {
            quietly(&mut watch, 2).await;
        }
        let told = watch.of(&numbers[0].to_string());
        assert_eq!(told.iter().filter(|event| event["type"] == "opened").count(), 1, "{what}");
        assert_eq!(endings(&watch, numbers[0]), ["agent"], "{what}");
        assert!(watch.of(&numbers[1].to_string()).iter().any(|event| event["type"] == "message"), "{what}");
    }
}

/// The tickets that were asked for by number, in order.
fn looked_up(simulator: &Simulator) -> Vec<u64> {
    let inside = simulator.inside();
    let asked = inside.log.iter().flat_map(|asked| asked.query.iter()).filter(|(key, _)| key == "ticket_ids");
    asked.map(|(_, id)| id.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_start_asks_again_only_for_what_was_active_and_is_not_met() {
    let simulator = Simulator::start(morning(), Account::usual()).await;
    // Rows that say whether they are spam need no second look.
    simulator.fault("/api/views/0/items", Fault::rows("/data", |row| row["spam"] = false.into()));
    let numbers = waiting(&simulator, 3);
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    closes(&simulator, numbers[0]);
    simulator.inside().world.delete(numbers[1]);
    let ids = numbers.iter().map(ToString::to_string).chain(["stranger".to_owned()]);
    source.remember(&ids.map(|id| id.as_str().into()).collect::<Vec<ConversationId>>());
    let mut watch = Watch::new(source.as_mut(), &simulator);
    // The look at what is active comes later, and asks for others.
    while !watch.poll().await.unwrap().progress.is_some_and(|(_, part)| part > 0.0) {}
    assert_eq!(looked_up(&simulator), numbers[..2], "but not for the one that is still open");
    watch.settle().await;
    assert_eq!(
        (endings(&watch, numbers[0]), endings(&watch, numbers[1])),
        (vec!["agent".to_owned()], vec!["system".to_owned()])
    );
    assert_eq!(watch.of("stranger").len(), 1);
    simulator.asked();
    // After a long pause, of what was told before it.
    let other = waiting(&simulator, 2)[1];
    closes(&simulator, other);
    simulator.inside().world.stand_still(TimeDelta::minutes(31));
    while !watch.poll().await.unwrap().progress.is_some_and(|(_, part)| part > 0.0) {}
    assert_eq!(looked_up(&simulator), [other], "nor for those that had ended before");
}

/// A start anew after some hours, on its way through the feeds: places in them are good no more for a poll, or for good.
async fn where_places_are_refused(for_good: bool) {
    let simulator = Simulator::start(morning(), Account { page: 5, ..Account::usual() }).await;
    let mut stream = simulator.inside().world.take_stream();
    let earlier = super::watched(&simulator).await;
    let begun_at = simulator.inside().world.now;
    simulator.advance(begun_at + TimeDelta::hours(2));
    stream.extend(simulator.inside().world.take_stream());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    source.remember(&active(&earlier.told));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    (watch.cursor, watch.told) = (earlier.cursor, earlier.told);
    let is_walking = |batch: &Batch| batch.progress.as_ref().is_some_and(|(_, part)| *part > 0.0);
    while !is_walking(&watch.poll().await.unwrap()) {}
    simulator.asked();
    for feed in ["updated_datetime:desc&cursor=", "created_datetime:desc&cursor="] {
        simulator.fault(feed, Fault::said(400, r#"{"error":{"msg":"Invalid cursor"}}"#));
    }
    let batch = watch.poll().await.unwrap();
    assert!(batch.more && batch.partial, "{batch:?}");
    if !for_good {
        simulator.mend();
    }
    let mut polls = 0;
    while watch.poll().await.unwrap().partial {
        polls += 1;
        assert!(polls < 300, "it never ends");
    }
    simulator.mend();
    watch.settle().await;
    agrees(&watch, &stream, &super::bench());
    if !for_good {
        told_once(&watch, begun_at);
    }
}

#[tokio::test]
async fn a_place_in_a_feed_that_is_good_no_more_lets_a_start_go_on() {
    where_places_are_refused(false).await;
}

#[tokio::test]
async fn a_start_that_is_given_no_place_in_a_feed_reads_the_tickets_one_by_one() {
    where_places_are_refused(true).await;
}
