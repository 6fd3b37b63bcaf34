//! Readings that one poll does not bring to their end: after a start that took hours, and where much happens at once.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message, Opened, Status, StatusBy};
use helptop::source::Batch;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, source};
use crate::agree::{Watch, start};
use crate::contract::agrees;
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

/// Requests of a reading in one poll.
const MOST: u32 = 8;
/// And of what else a refresh may ask: two tickets one by one, a look at those that may be gone, teams, ratings.
const BESIDE: u32 = 4 + 1 + 2 + 5;

async fn desk(page: usize) -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(8));
    Simulator::start(world, Account { page, ..Account::usual() }).await
}

/// Each message was told once, of chats that began while it was watched, and of their endings none is missing.
pub fn told_once(watch: &Watch<'_>, since: helptop::event::Timestamp) {
    let mut told: BTreeMap<&ConversationId, (usize, usize)> = BTreeMap::new();
    for event in &watch.told {
        match &event.kind {
            EventKind::Message(said) => told.entry(&said.conversation).or_default().0 += 1,
            EventKind::Status { conversation, status, by: Some(StatusBy::Agent), .. } if status.is_ended() => {
                told.entry(conversation).or_default().1 += 1;
            }
            _ => {}
        }
    }
    let world = &watch.simulator.inside().world;
    let begun: Vec<_> = world.chats.iter().filter(|chat| chat.opened_at > since).collect();
    assert!(begun.len() > 10, "{}", begun.len());
    for chat in begun {
        let ended = |kind: &EventKind| matches!(kind, EventKind::Status { status, by: Some(StatusBy::Agent), .. } if status.is_ended());
        let endings = chat.log.iter().filter(|logged| ended(&logged.kind)).count();
        let id = ConversationId::new(chat.number.to_string());
        assert_eq!(told.get(&id), Some(&(chat.messages.len(), endings)), "{:#?}", lines(&watch.of(id.as_str())));
    }
}

/// What was told, in a line each.
fn lines(told: &[Value]) -> Vec<String> {
    told.iter().map(|event| format!("{} {}", event["at"], event["type"])).collect()
}

/// Polls until a poll tells something, or nothing is left; the batches.
async fn read(watch: &mut Watch<'_>) -> Vec<Batch> {
    let mut batches = Vec::new();
    loop {
        let batch = watch.poll().await.unwrap();
        let is_over = !batch.more || !batch.events.is_empty();
        batches.push(batch);
        if is_over {
            return batches;
        }
    }
}

#[tokio::test]
async fn a_start_that_took_hours_is_caught_up_with_in_parts() {
    let simulator = desk(10).await;
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    simulator.fault(
        "",
        Fault::Then(Box::new(|world| {
            let to = world.now + TimeDelta::minutes(4);
            world.advance(to);
        })),
    );
    watch.poll().await.unwrap();
    let begun_at = simulator.inside().world.now;
    // The last part of a start tells what was read, and asks nobody.
    loop {
        let batch = watch.poll().await.unwrap();
        if batch.requests == 0 && batch.progress.is_some_and(|(_, part)| part > 0.9) {
            break;
        }
    }
    simulator.mend();
    assert!(simulator.inside().world.now - begun_at > TimeDelta::hours(2));
    let batches = read(&mut watch).await;
    assert!(batches.len() >= 4, "{}", batches.len());
    for batch in &batches {
        assert!(batch.partial && batch.requests <= MOST + BESIDE, "{batch:?}");
        assert!(batch.progress.as_ref().is_some_and(|(words, _)| words.starts_with("reading ")), "{batch:?}");
    }
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream, &super::bench());
    told_once(&watch, begun_at);
}

#[tokio::test]
async fn a_reading_goes_on_where_it_was_whatever_fails_or_is_dropped() {
    let simulator = desk(3).await;
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = super::watched(&simulator).await;
    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::minutes(25));
    simulator.asked();
    let mut pages: BTreeMap<String, usize> = BTreeMap::new();
    let mut polls = 0;
    loop {
        let batch = watch.poll().await.unwrap();
        assert!(batch.requests <= MOST + BESIDE, "{batch:?}");
        for line in simulator.asked().into_iter().filter(|line| line.contains("order_by")) {
            *pages.entry(line).or_default() += 1;
        }
        if !batch.events.is_empty() {
            break;
        }
        assert!(batch.more && !batch.partial);
        polls += 1;
        // One fails after its first page, and one is dropped.
        let wrong =
            if polls % 2 == 0 { Fault::Answer(Reply::maintenance()) } else { Fault::Slow(Duration::from_secs(20)) };
        simulator.fault("cursor", wrong);
        let polled = tokio::time::timeout(Duration::from_millis(200), watch.poll()).await;
        assert!(!matches!(polled, Ok(Ok(_))), "{polled:?}");
        simulator.mend();
        simulator.asked();
        // The world goes on meanwhile.
        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::seconds(130));
    }
    assert!(polls >= 2, "{polls}");
    assert!(pages.values().all(|count| *count == 1), "{pages:#?}");
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream, &super::bench());
    told_once(&watch, now);
}

#[tokio::test]
async fn a_place_in_a_feed_that_is_good_no_more_lets_the_reading_begin_anew() {
    let simulator = desk(5).await;
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = super::watched(&simulator).await;
    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::minutes(25));
    assert!(watch.poll().await.unwrap().more);
    simulator.fault("cursor", Fault::said(400, r#"{"error":{"msg":"Invalid cursor"}}"#));
    assert!(watch.poll().await.unwrap().more);
    assert!(watch.poll().await.is_err(), "where it begins with that, it is said");
    simulator.mend();
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream, &super::bench());
    told_once(&watch, now);
}

/// A reading of a quarter of an hour, of a desk on which this happens once, behind the first answer of that path.
async fn meanwhile(path: &'static str, happens: impl Fn(&mut World) + Send + 'static) -> Vec<Value> {
    let simulator = desk(4).await;
    let mut watch = super::watched(&simulator).await;
    let id = ConversationId::new("told");
    {
        let world = &mut simulator.inside().world;
        world.happen(Opened::new(id.clone()));
        world.happen(Message::public(id.clone(), Author::Customer, None));
        let to = world.now + TimeDelta::minutes(1);
        world.advance(to);
    }
    if path == "/api/messages" {
        watch.settle().await;
    }
    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::minutes(15));
    let mut is_over = false;
    simulator.fault(
        path,
        Fault::Then(Box::new(move |world| {
            if !std::mem::replace(&mut is_over, true) {
                world.stand_still(TimeDelta::seconds(3));
                happens(world);
                world.stand_still(TimeDelta::seconds(3));
            }
        })),
    );
    let batches = read(&mut watch).await;
    assert!(batches.len() > 2, "{}", batches.len());
    let number = simulator.inside().world.chat_number("told").unwrap();
    watch.settle().await;
    watch.of(&number.to_string())
}

fn closes(world: &mut World) {
    let conversation = ConversationId::new("told");
    let agent = world.agents[0].id.clone();
    world.happen(Message::public(conversation.clone(), Author::Agent, Some(agent.clone())));
    world.happen(EventKind::Status {
        conversation,
        status: Status::Closed,
        by: Some(StatusBy::Agent),
        agent: Some(agent),
    });
}

/// What was told, in a word each.
fn words(told: &[Value]) -> Vec<String> {
    let word = |event: &Value| {
        let of = |key: &str| event[key].as_str().map(|word| format!(" {word}")).unwrap_or_default();
        format!("{}{}{}{}", event["type"].as_str().unwrap(), of("from"), of("status"), of("by"))
    };
    told.iter().map(word).collect()
}

#[tokio::test]
async fn a_ticket_that_moves_past_the_pages_to_come_is_told_whole() {
    let told = meanwhile("/api/tickets?", closes).await;
    assert_eq!(words(&told), ["opened", "message customer", "message agent", "status closed agent"], "{told:#?}");
}

#[tokio::test]
async fn what_happens_while_it_is_read_is_told_in_its_order_by_the_next_reading() {
    let told = meanwhile("/api/messages", closes).await;
    assert_eq!(words(&told), ["opened", "message customer", "message agent", "status closed agent"], "{told:#?}");
    let times: Vec<&Value> = told.iter().map(|event| &event["at"]).collect();
    assert!(times.is_sorted_by_key(|at| at.as_str()), "{times:?}");
}

/// Nothing is told of what is gone before it was told.
#[tokio::test]
async fn a_ticket_that_is_gone_before_it_is_looked_up_is_not_told() {
    let told = meanwhile("/api/tickets?", |world| {
        let number = world.chat_number("told").unwrap();
        world.delete(number);
    })
    .await;
    assert_eq!(words(&told), Vec::<String>::new(), "{told:#?}");
}
