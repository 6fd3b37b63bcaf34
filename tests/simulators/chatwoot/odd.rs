//! Answers of the server that are odd but may be: orders, counts, notes and authors.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use serde_json::{Value, json};

use super::{Installation, simulator, source};
use crate::agree::{Watch, params, start};
use crate::server::{Fault, Simulator};

async fn desk() -> Simulator {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    simulator
}

#[tokio::test]
async fn messages_beyond_a_page_are_all_told_in_whatever_order_their_numbers_are() {
    for count in [90, 150, 2_300] {
        let simulator = desk().await;
        let number = {
            let mut inside = simulator.inside();
            let world = &mut inside.world;
            let chat = world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
            for _ in 0..count {
                world.happen(Message::public(chat.0.clone(), Author::Customer, None));
                world.stand_still(TimeDelta::seconds(1));
            }
            let now = world.now;
            let chat = world.chats.iter_mut().find(|one| one.number == chat.1).unwrap();
            // The one with the least number came late by time: it was imported, or delayed on its way.
            let first = chat.messages.iter().position(|said| said.from == Author::Customer).unwrap();
            let numbered = chat.messages[first].number;
            chat.messages[first].at = now - TimeDelta::milliseconds(1);
            chat.log.iter_mut().find(|logged| logged.number == numbered).unwrap().at = now - TimeDelta::milliseconds(1);
            chat.number
        };
        let all = simulator.inside().world.chat(number).unwrap().messages.len();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let told = watch.of(&number.to_string()).iter().filter(|event| event["type"] == "message").count();
        assert_eq!(told, all, "of {count}");
    }
}

#[tokio::test]
async fn a_count_that_is_not_true_costs_a_few_requests_and_loses_nobody() {
    let simulator = desk().await;
    simulator.fault(
        "/conversations?",
        Fault::edited(|body| {
            if let Some(count) = body.pointer_mut("/data/meta/all_count") {
                *count = 4_000_000_000_u64.into();
            }
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    simulator.asked();
    watch.settle().await;
    let lists = simulator.asked().iter().filter(|line| line.contains("created_at_asc")).count();
    assert!(lists <= 150, "{lists} pages");
    assert_eq!(crate::contract::active(&watch.told).len(), simulator.inside().world.open().count());
}

#[tokio::test]
async fn an_answer_from_the_channels_own_app_ends_the_wait() {
    let simulator = desk().await;
    let chat = {
        let mut inside = simulator.inside();
        let found = inside.world.open().find(|chat| chat.holder.is_none()).map(|chat| (chat.id.clone(), chat.number));
        let chat = found.unwrap();
        inside.world.happen(Message::public(chat.0.clone(), Author::Customer, None));
        inside.world.stand_still(TimeDelta::seconds(5));
        inside.world.happen(Message::public(chat.0.clone(), Author::Bot, None));
        chat
    };
    let number = chat.1;
    let echo = move |message: &mut Value| {
        if message["conversation_id"] == number && message["sender"]["type"] == "captain_assistant" {
            message["sender"] = Value::Null;
            message["content_attributes"] = json!({"external_echo": true});
        }
    };
    simulator.fault("/messages", Fault::rows("/payload", echo));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let events = watch.of(&number.to_string());
    let last = events.iter().rfind(|event| event["type"] == "message").unwrap();
    assert_eq!((&last["from"], &last["agent"]), (&json!("agent"), &json!("channel-app")), "{events:?}");
}

#[tokio::test]
async fn a_reply_that_could_not_be_delivered_answers_nobody_unless_it_was_told_before() {
    for is_told_before in [false, true] {
        let simulator = desk().await;
        let (id, number, agent) = {
            let world = &simulator.inside().world;
            let waits = |chat: &&crate::world::Chat| chat.waiting_since.is_some() && chat.holder.is_some();
            let chat = world.open().find(waits).unwrap();
            (chat.id.clone(), chat.number, world.agents[chat.holder.unwrap()].id.clone())
        };
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let fails = |simulator: &Simulator| {
            let failed = move |message: &mut Value| {
                if message["conversation_id"] == number && message["sender"]["type"] == "user" {
                    message["status"] = "failed".into();
                }
            };
            simulator.fault("/messages", Fault::rows("/payload", failed));
        };
        if !is_told_before {
            fails(&simulator);
        }
        simulator.inside().world.happen(Message::public(id.clone(), Author::Agent, Some(agent)));
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
        fails(&simulator);
        // Something else changes.
        simulator.inside().world.happen(Message { public: Some(false), ..Message::public(id, Author::Bot, None) });
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
        let events = watch.of(&number.to_string());
        let reply = events.iter().rfind(|event| event["from"] == "agent").unwrap();
        assert_eq!(reply["public"], if is_told_before { Value::Null } else { json!(false) }, "{events:?}");
    }
}
