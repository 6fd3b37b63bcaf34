//! Who left, and what left: agents, and tickets.

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::desk::place;
use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

async fn desk(role: Role) -> Simulator {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 30 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Vendors::new(role).0).await
}

/// What was said and ended, and by whom, of each ticket.
fn said(watch: &Watch<'_>) -> Vec<String> {
    let of = |event: &Value| {
        format!("{} {} {} {} {}", event["at"], event["conversation"], event["from"], event["by"], event["agent"])
    };
    let all = watch.told.iter().map(|event| serde_json::to_value(event).unwrap());
    let mut said: Vec<String> =
        all.filter(|event| event["type"] == "message" || event["type"] == "status").map(|event| of(&event)).collect();
    said.sort();
    said.dedup();
    said
}

#[tokio::test]
async fn answers_of_an_agent_who_has_left_are_still_an_agents() {
    let simulator = desk(Role::Admin).await;
    let mut first = source(&simulator.base, &json!({}), TimeDelta::hours(8));
    let mut before = Watch::new(&mut first, &simulator);
    before.settle().await;
    let told = said(&before);
    assert!(told.iter().filter(|one| one.ends_with(r#""2""#)).count() > 2, "{told:?}");
    let leave = |list: &'static str| {
        move |body: &mut Value| {
            for user in body[list].as_array_mut().into_iter().flatten().filter(|user| user["id"] == 2) {
                (user["role"], user["active"]) = ("end-user".into(), false.into());
            }
        }
    };
    simulator.fault("/api/v2/users", Fault::edited(leave("users")));
    simulator.fault("/api/v2/tickets", Fault::edited(leave("users")));
    let mut second = source(&simulator.base, &json!({}), TimeDelta::hours(8));
    let mut after = Watch::new(&mut second, &simulator);
    after.settle().await;
    assert_eq!(said(&after), told);
    let name = after
        .told
        .iter()
        .rev()
        .map(|event| serde_json::to_value(event).unwrap())
        .find(|event| event["type"] == "agent" && event["id"] == "2");
    assert_eq!(name.map(|line| (line["name"] == "2", line["active"].clone())), Some((false, json!(false))));
}

#[tokio::test]
async fn a_ticket_that_vanishes_ends_after_what_was_told_of_it_though_this_clock_is_slow() {
    let simulator = desk(Role::Agent).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.ahead = TimeDelta::seconds(-90);
    watch.settle().await;
    let (id, number) = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    simulator.inside().world.stand_still(TimeDelta::minutes(2) - TimeDelta::seconds(10));
    simulator.inside().world.happen(Message::public(id, Author::Customer, None));
    watch.settle().await;
    simulator.inside().world.deleted.insert(place(number));
    simulator.inside().world.stand_still(TimeDelta::seconds(20));
    watch.settle().await;
    let told = watch.of(&number.to_string());
    let last = told.iter().rev().find(|event| event["type"] == "status").unwrap();
    let message = told.iter().rev().find(|event| event["type"] == "message").unwrap();
    assert_eq!((&last["status"], &last["by"]), (&json!("closed"), &json!("system")), "{told:?}");
    assert!(last["at"].as_str() > message["at"].as_str(), "{last} {message}");
}

#[tokio::test]
async fn a_ticket_that_was_never_told_is_not_ended_when_it_is_rated_or_deleted() {
    let simulator = desk(Role::Admin).await;
    let (team, rated, spam) = {
        let mut inside = simulator.inside();
        let world = &mut inside.world;
        let chats: Vec<_> = world.open().map(|chat| (chat.id.clone(), chat.number, chat.team)).collect();
        let team = chats.iter().find_map(|chat| chat.2).unwrap();
        let rated = chats.iter().find(|chat| chat.2.is_some_and(|other| other != team)).unwrap().clone();
        let spam = chats.iter().rev().find(|chat| chat.2 == Some(team)).unwrap().clone();
        (world.teams[team].name.clone(), rated, spam)
    };
    let mut source = source(&simulator.base, &json!({"groups": [team]}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    // Deleted between the list and its updates.
    let spams = format!("/tickets/{}/audits", spam.1).leak();
    let gone = json!({"error": "RecordNotFound", "description": "Not found"});
    simulator.fault(spams, Fault::Answer(crate::server::Reply::json(404, &gone)));
    watch.settle().await;
    let before = watch.cursor.as_ref().unwrap().0["rated_to"].clone();
    {
        let world = &mut simulator.inside().world;
        world.stand_still(TimeDelta::minutes(1));
        let (status, by) = (Status::Resolved, Some(StatusBy::Agent));
        world.happen(EventKind::Status { conversation: rated.0.clone(), status, by, agent: None });
        world.happen(EventKind::Rated { conversation: rated.0.clone(), score: 5.0, scale: 5.0, comment: None });
    }
    for _ in 0..7 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
    assert_eq!(watch.of(&rated.1.to_string()), Vec::<Value>::new());
    let of_spam = watch.of(&spam.1.to_string());
    assert!(of_spam.is_empty() || of_spam.iter().any(|event| event["type"] == "opened"), "{of_spam:?}");
    assert!(watch.cursor.as_ref().unwrap().0["rated_to"].as_str() > before.as_str(), "the place moves on");
}
