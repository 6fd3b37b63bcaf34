//! What could be lost between two looks: spam that no row names, messages that move to another ticket, and what happens in
//! tickets that were not active.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, source, written};
use crate::agree::{Watch, start};
use crate::contract::active;
use crate::server::{Fault, Simulator};
use crate::world::World;

async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Account::usual()).await
}

/// Time goes on, and nothing happens.
async fn quietly(watch: &mut Watch<'_>, minutes: i64) {
    for _ in 0..minutes {
        watch.simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
}

/// What was told of a ticket, in a word each.
fn words(watch: &Watch<'_>, number: u64) -> Vec<String> {
    let of = |event: &Value, key: &str| event[key].as_str().map(|word| format!(" {word}")).unwrap_or_default();
    let word = |event: &Value| format!("{}{}{}", of(event, "type").trim(), of(event, "from"), of(event, "status"));
    watch.of(&number.to_string()).iter().map(word).collect()
}

/// The number of an open chat, the last public word of which is theirs.
fn open_with(simulator: &Simulator, author: Author) -> u64 {
    let world = &simulator.inside().world;
    let last = |chat: &crate::world::Chat| chat.messages.iter().rev().find(|said| said.public).map(|said| said.from);
    world.open().find(|chat| chat.status == Status::Open && last(chat) == Some(author)).unwrap().number
}

/// The number of a chat that has ended.
fn ended(simulator: &Simulator) -> u64 {
    let world = &simulator.inside().world;
    let numbers = world.chats.iter().skip(1).map(|chat| chat.number);
    numbers.filter(|number| world.chat(*number).is_some_and(|chat| chat.status.is_ended())).min().unwrap()
}

/// The desk itself says that this ticket is spam.
fn mark(simulator: &Simulator, number: u64) {
    let edit = move |row: &mut Value| {
        if row["id"] == number {
            row["spam"] = true.into();
        }
    };
    simulator.fault("/api/tickets?", Fault::rows("/data", edit));
}

#[tokio::test]
async fn spam_is_not_told_by_a_start_though_no_row_of_its_list_names_it() {
    let simulator = desk().await;
    let number = open_with(&simulator, Author::Customer);
    mark(&simulator, number);
    let mut watch = super::watched(&simulator).await;
    quietly(&mut watch, 5).await;
    assert_eq!(words(&watch, number), Vec::<String>::new());
}

#[tokio::test]
async fn spam_of_the_past_is_not_told_either() {
    let simulator = desk().await;
    let number = ended(&simulator);
    mark(&simulator, number);
    let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    assert!(!words(&watch, number + 1).is_empty());
    assert_eq!(words(&watch, number), Vec::<String>::new());
}

#[tokio::test]
async fn a_ticket_that_is_spam_without_a_word_ends_and_waits_again_where_it_is_none() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    let number = open_with(&simulator, Author::Customer);
    let id = simulator.inside().world.chat(number).unwrap().id.clone();
    watch.told.clear();
    mark(&simulator, number);
    quietly(&mut watch, 10).await;
    assert_eq!(words(&watch, number), ["status closed"]);
    simulator.mend();
    simulator.inside().world.happen(EventKind::Tagged { conversation: id, tags: vec!["ham".into()] });
    quietly(&mut watch, 3).await;
    assert_eq!(words(&watch, number), ["status closed", "tagged", "status open", "message customer"]);
}

#[tokio::test]
async fn messages_of_a_ticket_that_was_merged_into_another_wait_there() {
    for case in ["an event", "the number of messages", "the customer's last word"] {
        let simulator = desk().await;
        let mut watch = super::watched(&simulator).await;
        let into = open_with(&simulator, Author::Agent);
        quietly(&mut watch, 10).await;
        watch.told.clear();
        let (id, now) = {
            let world = &simulator.inside().world;
            (world.chat(into).unwrap().id.clone(), world.now)
        };
        let asked_at = written(now - TimeDelta::minutes(5), "+00:00");
        let moved =
            json!({"id": 7, "ticket_id": into, "from_agent": false, "public": true, "created_datetime": asked_at});
        let thread = format!("/api/messages?limit=100&ticket_id={into}&").leak();
        let push = move |body: &mut Value| body["data"].as_array_mut().unwrap().push(moved.clone());
        simulator.fault(thread, Fault::edited(push));
        let row = move |row: &mut Value| match case {
            "an event" => {}
            _ if row["id"] != into => {}
            "the number of messages" => row["messages_count"] = (row["messages_count"].as_i64().unwrap() + 1).into(),
            _ => row["last_received_message_datetime"] = asked_at.clone().into(),
        };
        simulator.fault("/api/tickets?", Fault::rows("/data", row));
        if case == "an event" {
            let merged = json!({"id": 9, "type": "ticket-merged", "object_type": "Ticket", "object_id": into,
                "user_id": null, "data": null, "created_datetime": written(now, "+00:00")});
            let insert = move |body: &mut Value| body["data"].as_array_mut().unwrap().insert(0, merged.clone());
            simulator.fault("types=ticket-merged", Fault::edited(insert));
        }
        simulator.inside().world.happen(EventKind::Tagged { conversation: id, tags: vec!["merged".into()] });
        simulator.asked();
        quietly(&mut watch, 3).await;
        assert_eq!(words(&watch, into), ["tagged", "message customer"], "{case}");
        let read = simulator.asked().iter().filter(|line| line.contains(&format!("ticket_id={into}&"))).count();
        assert_eq!(read, 1, "{case}: read by itself once");
    }
}

/// The customer comes back to a ticket that has ended long ago, is answered, and it is closed: all at once.
fn comes_back(simulator: &Simulator, number: u64) {
    let world = &mut simulator.inside().world;
    let (conversation, agent) = (world.chat(number).unwrap().id.clone(), world.agents[0].id.clone());
    world.stand_still(TimeDelta::seconds(5));
    world.happen(Message::public(conversation.clone(), Author::Customer, None));
    world.stand_still(TimeDelta::seconds(2));
    world.happen(Message::public(conversation.clone(), Author::Agent, Some(agent.clone())));
    let by = Some(StatusBy::Agent);
    world.happen(EventKind::Status { conversation, status: Status::Closed, by, agent: Some(agent) });
}

#[tokio::test]
async fn what_happens_between_two_looks_in_a_ticket_that_had_ended_is_told() {
    for is_stopped in [false, true] {
        let simulator = desk().await;
        let number = ended(&simulator);
        let mut earlier = super::watched(&simulator).await;
        quietly(&mut earlier, 5).await;
        assert_eq!(words(&earlier, number), Vec::<String>::new(), "that is history");
        let count = simulator.inside().world.chat(number).unwrap().messages.len();
        comes_back(&simulator, number);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        source.remember(&active(&earlier.told));
        let mut later = Watch::new(source.as_mut(), &simulator);
        later.cursor = earlier.cursor.clone();
        let watch = if is_stopped { &mut later } else { &mut earlier };
        simulator.asked();
        let mut is_history = false;
        loop {
            let batch = watch.poll().await.unwrap();
            is_history |= batch.history;
            if !batch.more {
                break;
            }
        }
        quietly(watch, 5).await;
        assert!(!is_history, "it is news");
        let mut told = words(watch, number);
        // A later run says in full how it stands.
        told.retain(|word| word.starts_with("message") || word.starts_with("status"));
        assert_eq!(told.iter().filter(|word| word.starts_with("message")).count(), count + 2, "{told:?}");
        let last = ["message customer", "status open", "message agent", "status closed"];
        assert_eq!(told[told.len() - 4..], last);
        let read = simulator.asked().iter().filter(|line| line.contains(&format!("ticket_id={number}&"))).count();
        assert_eq!(read, 1, "once");
    }
}
