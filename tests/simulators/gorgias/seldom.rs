//! What is looked at seldom: tickets that are gone, changes without a word, and who there is.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Assigned, EventKind, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

/// A desk of more active tickets than are looked at at once.
async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 12, chats: 300 }, start());
    world.advance(start() + TimeDelta::hours(9));
    assert!(world.open().count() > 200);
    Simulator::start(world, Account::usual()).await
}

/// Time goes on, and nothing happens.
async fn quietly(watch: &mut Watch<'_>, minutes: i64) {
    watch.simulator.inside().world.stand_still(TimeDelta::minutes(minutes));
    watch.settle().await;
}

#[tokio::test]
async fn deleted_tickets_are_missed_after_some_looks_wherever_they_are() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    for nth in [0, 110, 190, 2] {
        let number = simulator.inside().world.open().nth(nth).unwrap().number;
        simulator.inside().world.delete(number);
        let id = number.to_string();
        for _ in 0..4 {
            quietly(&mut watch, 2).await;
        }
        let told = watch.of(&id);
        let closed: Vec<&Value> = told.iter().filter(|event| event["status"] == "closed").collect();
        assert_eq!((closed.len(), &closed[0]["by"]), (1, &json!("system")), "the {nth}th: {told:#?}");
    }
}

#[tokio::test]
async fn a_change_without_a_word_is_found_and_believed() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    let (number, agent) = {
        let world = &mut simulator.inside().world;
        let chat = world.open().find(|chat| chat.holder.is_some_and(|holder| holder != 3)).unwrap();
        let (conversation, number) = (chat.id.clone(), chat.number);
        let agent = Some(Some(world.agents[3].id.clone()));
        world.stand_still(TimeDelta::seconds(1));
        world.happen(EventKind::Assigned(Assigned { conversation, agent, team: None, by: None }));
        (number, "4")
    };
    for (path, key) in [("order_by=updated", "id"), ("/api/events", "object_id")] {
        let without = move |body: &mut Value| {
            if let Some(list) = body["data"].as_array_mut() {
                list.retain(|row| row[key] != number);
            }
        };
        simulator.fault(path, Fault::edited(without));
    }
    watch.told.clear();
    for _ in 0..10 {
        quietly(&mut watch, 1).await;
    }
    let told = watch.of(&number.to_string());
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!((&told[0]["type"], &told[0]["agent"]), (&json!("assigned"), &json!(agent)));
}

#[tokio::test]
async fn what_has_just_changed_is_left_to_what_tells_who_did_it() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    // The first hundred were looked at at the start, these are the next.
    let (id, number) = simulator.inside().world.open().nth(150).map(|chat| (chat.id.clone(), chat.number)).unwrap();
    // It is closed between the list of changes and the look at a hundred.
    let mut is_over = false;
    let closes = move |world: &mut World| {
        if !std::mem::replace(&mut is_over, true) {
            world.stand_still(TimeDelta::seconds(3));
            let (conversation, agent) = (id.clone(), Some(world.agents[0].id.clone()));
            world.happen(EventKind::Status { conversation, status: Status::Closed, by: Some(StatusBy::Agent), agent });
            world.stand_still(TimeDelta::seconds(1));
        }
    };
    simulator.inside().world.stand_still(TimeDelta::minutes(4));
    simulator.fault("/api/events", Fault::Then(Box::new(closes)));
    watch.settle().await;
    assert!(simulator.asked().iter().any(|line| line.contains("ticket_ids")));
    for _ in 0..3 {
        simulator.inside().world.stand_still(TimeDelta::seconds(40));
        watch.settle().await;
    }
    let told = watch.of(&number.to_string());
    let closed: Vec<&Value> = told.iter().filter(|event| event["status"] == "closed").collect();
    assert_eq!((closed.len(), &closed[0]["by"], &closed[0]["agent"]), (1, &json!("agent"), &json!("1")), "{told:#?}");
}

#[tokio::test]
async fn what_was_active_and_is_gone_at_a_start_is_closed() {
    let simulator = desk().await;
    let number = simulator.inside().world.open().nth(5).unwrap().number;
    simulator.inside().world.delete(number);
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    source.remember(&[number.to_string().as_str().into()]);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let told = watch.of(&number.to_string());
    assert_eq!((told.len(), &told[0]["status"], &told[0]["by"]), (1, &json!("closed"), &json!("system")), "{told:#?}");
}

#[tokio::test]
async fn who_there_is_is_read_every_half_an_hour() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    simulator.inside().world.agents[0].name = "Zoe Zimmer".into();
    let named = |watch: &Watch<'_>| {
        watch.told.iter().any(|event| matches!(&event.kind, EventKind::Agent(agent) if agent.name == "Zoe Zimmer"))
    };
    quietly(&mut watch, 15).await;
    assert!(!named(&watch), "not so soon");
    quietly(&mut watch, 15).await;
    assert!(named(&watch));
}

#[tokio::test]
async fn a_look_at_a_hundred_that_fails_keeps_from_no_others() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    let numbers: Vec<u64> = simulator.inside().world.open().map(|chat| chat.number).collect();
    let first = format!("ticket_ids={}&", numbers[0]).leak();
    simulator.fault(first, Fault::said(500, r#"{"error":{"msg":"Internal error"}}"#));
    simulator.inside().world.delete(numbers[150]);
    for _ in 0..12 {
        quietly(&mut watch, 2).await;
    }
    let told = watch.of(&numbers[150].to_string());
    assert!(told.iter().any(|event| event["status"] == "closed"), "{told:#?}");
}
