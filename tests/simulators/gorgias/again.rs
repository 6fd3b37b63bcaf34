//! What was told before: by an earlier run, of tickets that were heard of, and by those who are in no list of users.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Assigned, Author, ConversationId, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, source};
use crate::agree::{Watch, start};
use crate::contract::{active, agrees};
use crate::server::{Fault, Simulator};
use crate::world::World;

fn morning() -> World {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    world
}

/// Time goes on, and nothing happens.
async fn quietly(watch: &mut Watch<'_>, minutes: i64) {
    for _ in 0..minutes {
        watch.simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
}

/// Who holds a ticket, its team and its status, by what was told.
fn stands(watch: &Watch<'_>, number: u64) -> [Value; 3] {
    let mut told = watch.of(&number.to_string());
    told.sort_by_key(|event| event["at"].as_str().unwrap().to_owned());
    let last = |kind: &str, key: &str| {
        told.iter()
            .rev()
            .find_map(|event| event.get(key).filter(|_| event["type"] == kind))
            .cloned()
            .unwrap_or_default()
    };
    [last("assigned", "agent"), last("assigned", "team"), last("status", "status")]
}

fn give(world: &mut World, conversation: &ConversationId, agent: Option<usize>, team: usize) {
    let agent = Some(agent.map(|place| world.agents[place].id.clone()));
    let team = Some(Some(world.teams[team].id.clone()));
    world.happen(Assigned { conversation: conversation.clone(), agent, team, by: None });
}

#[tokio::test]
async fn what_changes_back_while_helptop_is_stopped_is_said_also_where_nothing_dates_it() {
    for role in ["admin", "agent"] {
        let simulator = Simulator::start(morning(), Account { role, ..Account::usual() }).await;
        let mut earlier = super::watched(&simulator).await;
        let (id, number) = {
            let world = &simulator.inside().world;
            world.open().find(|chat| chat.status == Status::Open).map(|chat| (chat.id.clone(), chat.number)).unwrap()
        };
        let status = |status, conversation: &ConversationId| {
            let (conversation, agent) = (conversation.clone(), Some(simulator.inside().world.agents[1].id.clone()));
            EventKind::Status { conversation, status, by: Some(StatusBy::Agent), agent }
        };
        give(&mut simulator.inside().world, &id, Some(1), 0);
        quietly(&mut earlier, 2).await;
        let closed = status(Status::Closed, &id);
        simulator.inside().world.happen(closed);
        quietly(&mut earlier, 2).await;
        assert_eq!(stands(&earlier, number), [json!("2"), json!("1"), json!("closed")], "{role}");
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        give(&mut simulator.inside().world, &id, None, 1);
        let open = status(Status::Open, &id);
        simulator.inside().world.happen(open);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        source.remember(&active(&earlier.told));
        let mut later = Watch::new(source.as_mut(), &simulator);
        (later.cursor, later.told) = (earlier.cursor.take(), earlier.told.clone());
        quietly(&mut later, 2).await;
        assert_eq!(stands(&later, number), [Value::Null, json!("2"), json!("open")], "{role}");
    }
}

#[tokio::test]
async fn a_program_that_is_added_after_the_start_answers_nobody() {
    let simulator = Simulator::start(morning(), Account::usual()).await;
    let mut watch = super::watched(&simulator).await;
    quietly(&mut watch, 3).await;
    watch.told.clear();
    let is_new = |row: &mut Value| {
        if row["from_agent"] == true && row["rule_id"].is_null() {
            row["sender"] = json!({"id": 901});
        }
    };
    simulator.fault("/api/messages", Fault::rows("/data", is_new));
    let add = |body: &mut Value| {
        body["data"].as_array_mut().unwrap().push(json!({"id": 901, "name": "Helper", "role": {"name": "bot"}}));
    };
    simulator.fault("/api/users", Fault::edited(add));
    simulator.asked();
    for _ in 0..5 {
        let world = &mut simulator.inside().world;
        let (conversation, agent) = (world.open().next().unwrap().id.clone(), Some(world.agents[0].id.clone()));
        world.stand_still(TimeDelta::seconds(5));
        world.happen(Message::public(conversation, Author::Agent, agent));
    }
    quietly(&mut watch, 3).await;
    let authors: Vec<Author> = watch
        .told
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Message(said) => Some(said.from),
            _ => None,
        })
        .collect();
    assert_eq!(authors, [Author::Bot; 5]);
    let read = simulator.asked().iter().filter(|line| line.contains("/api/users")).count();
    assert_eq!(read, 1, "the list of users");
}

#[tokio::test]
async fn of_a_ticket_with_more_messages_than_are_read_the_last_word_is_told() {
    let mut world = morning();
    let [long, other]: [ConversationId; 2] = world
        .open()
        .filter(|chat| chat.status == Status::Open)
        .map(|chat| chat.id.clone())
        .take(2)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let agent = Some(world.agents[0].id.clone());
    for _ in 0..120 {
        world.stand_still(TimeDelta::seconds(1));
        world.happen(Message::public(long.clone(), Author::Agent, agent.clone()));
    }
    world.happen(Message::public(long.clone(), Author::Customer, None));
    // So much is said meanwhile that the feeds are not read back to that.
    for _ in 0..200 {
        world.stand_still(TimeDelta::seconds(1));
        world.happen(Message::public(other.clone(), Author::Customer, None));
    }
    let stream = world.take_stream();
    let number = world.chat_number(long.as_str()).unwrap();
    let simulator = Simulator::start(world, Account { page: 5, ..Account::usual() }).await;
    let watch = super::watched(&simulator).await;
    let alone = simulator.asked().iter().filter(|line| line.contains(&format!("ticket_id={number}&"))).count();
    assert_eq!(alone, 20, "it is read by itself");
    agrees(&watch, &stream, &super::bench());
}

#[tokio::test]
async fn what_happens_is_asked_for_again_where_a_start_could_not_read_it() {
    let simulator = Simulator::start(morning(), Account::usual()).await;
    simulator.fault("/api/events", Fault::said(404, r#"{"error":{"msg":"Not found"}}"#));
    let mut watch = super::watched(&simulator).await;
    simulator.mend();
    quietly(&mut watch, 20).await;
    simulator.asked();
    quietly(&mut watch, 15).await;
    assert!(simulator.asked().iter().any(|line| line.contains("/api/events") && line.contains("types=")));
    let number = {
        let world = &mut simulator.inside().world;
        let (conversation, number) = world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
        let agent = Some(world.agents[0].id.clone());
        world.happen(EventKind::Status { conversation, status: Status::Closed, by: Some(StatusBy::Agent), agent });
        number
    };
    quietly(&mut watch, 2).await;
    let told = watch.of(&number.to_string());
    let closed = told.iter().find(|event| event["status"] == "closed").unwrap();
    assert_eq!((&closed["by"], &closed["agent"]), (&json!("agent"), &json!("1")));
}
