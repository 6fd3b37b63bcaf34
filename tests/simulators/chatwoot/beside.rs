//! What fails beside the conversations holds up none of them, and what takes long is told as it comes.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Assigned, Author, ConversationId, EventKind, Message};
use helptop::source::SourceError;
use serde_json::{Value, json};

use super::{Installation, simulator, source};
use crate::agree::{SMALL, Watch, params, start};
use crate::contract::active;
use crate::server::{Fault, Limiter, Reply, Simulator};
use crate::world::Team;

async fn desk() -> Simulator {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    simulator
}

fn stand_still(simulator: &Simulator, minutes: i64) {
    simulator.inside().world.stand_still(TimeDelta::minutes(minutes));
}

fn broken() -> Fault {
    Fault::Answer(Reply::json(500, &json!({"status": 500, "error": "Internal Server Error"})))
}

fn beyond() -> Reply {
    Reply::text(429, "text/plain", "Retry later\n")
}

/// A customer writes in an open chat; which.
fn write(simulator: &Simulator) -> u64 {
    let mut inside = simulator.inside();
    let (id, number) = inside.world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    inside.world.happen(Message::public(id, Author::Customer, None));
    number
}

/// Whether the last message of a chat is told.
fn is_told(watch: &Watch<'_>, number: u64) -> bool {
    let last = watch.simulator.inside().world.chat(number).unwrap().messages.last().unwrap().at.millis() / 1000;
    watch.told.iter().any(|event| match &event.kind {
        EventKind::Message(said) => {
            said.conversation.as_str() == number.to_string() && event.at.is_some_and(|at| at.millis() / 1000 == last)
        }
        _ => false,
    })
}

#[tokio::test]
async fn what_fails_beside_the_conversations_is_named_once_and_they_are_told() {
    for (path, fault, name, from_the_start) in [
        ("/agents", broken(), "agents", true),
        ("/agents", broken(), "agents", false),
        ("/teams", broken(), "teams", true),
        ("/teams", broken(), "teams", false),
        ("csat", broken(), "satisfaction answers", true),
        ("csat", broken(), "satisfaction answers", false),
        ("/conversations/meta", broken(), "count of active conversations", true),
        ("/conversations/meta", Fault::Answer(beyond()), "count of active conversations", true),
        ("created_at_asc", broken(), "list of active conversations", false),
    ] {
        let simulator = desk().await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        if !from_the_start {
            watch.settle().await;
        }
        simulator.fault(path, fault);
        watch.settle().await;
        for _ in 0..8 {
            stand_still(&simulator, 11);
            let number = write(&simulator);
            watch.settle().await;
            assert!(is_told(&watch, number), "{name}");
        }
        let named: Vec<_> = watch.reasons.iter().filter(|reason| reason.starts_with(name)).collect();
        assert_eq!((named.len(), watch.reasons.len()), (1, 1), "{:?}", watch.reasons);
        simulator.mend();
        for _ in 0..6 {
            stand_still(&simulator, 11);
            watch.settle().await;
        }
        let agents = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Agent(_))).count();
        assert!(agents >= simulator.inside().world.agents.len(), "{name}");
    }
}

#[tokio::test]
async fn what_fails_beside_the_conversations_is_left_alone_for_longer_and_longer() {
    let simulator = desk().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    simulator.fault("/agents", broken());
    watch.settle().await;
    let mut tried = Vec::new();
    for minute in 1..=16 {
        stand_still(&simulator, 1);
        simulator.asked();
        watch.settle().await;
        if simulator.asked().iter().any(|line| line.ends_with("/agents")) {
            tried.push(minute);
        }
    }
    assert_eq!(tried, [1, 3, 7, 15]);
}

#[tokio::test]
async fn a_refused_key_fails_the_poll_wherever_it_is_refused() {
    for path in ["/agents", "/conversations/meta", "csat", "/teams", "/conversations?"] {
        let simulator = desk().await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        simulator.fault(path, Fault::said(401, r#"{"error":"Invalid Access Token"}"#));
        stand_still(&simulator, 11);
        let error = watch.first_error().await;
        assert!(matches!(error, Some(SourceError::Auth { .. })), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn what_a_key_may_not_see_any_more_is_gone_from_sight() {
    for path in ["", "/messages"] {
        let simulator = desk().await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let number = write(&simulator);
        let hidden = format!("conversations/{number}{path}").leak();
        simulator.fault(hidden, Fault::said(401, r#"{"error":"You are not authorized to do this action"}"#));
        if path.is_empty() {
            let without = move |body: &mut Value| {
                if let Some(rows) = body.pointer_mut("/data/payload").and_then(Value::as_array_mut) {
                    rows.retain(|row| row["id"] != number);
                }
            };
            simulator.fault("/conversations?", Fault::edited(without));
        }
        // It is missed by the walk once an hour, of which a refresh reads a page.
        let id = ConversationId::new(number.to_string());
        for _ in 0..60 {
            stand_still(&simulator, 10);
            watch.settle().await;
            if !active(&watch.told).contains(&id) {
                break;
            }
        }
        assert!(!active(&watch.told).contains(&id), "{path}");
        assert!(watch.reasons.is_empty(), "{:?}", watch.reasons);
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_slow_server_each_poll_tells_what_came() {
    let simulator = simulator(SMALL, Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    {
        let mut inside = simulator.inside();
        let open: Vec<_> = inside.world.open().map(|chat| chat.id.clone()).collect();
        for id in open {
            inside.world.happen(Message::public(id, Author::Customer, None));
        }
    }
    simulator.fault("/messages", Fault::Slow(Duration::from_secs(19)));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (mut polls, mut told) = (0, 0);
    while tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap().more {
        let now = active(&watch.told).len();
        polls += usize::from(now > told);
        told = now;
    }
    assert_eq!(told, simulator.inside().world.open().count());
    assert!(polls > 1, "in one poll");
}

#[tokio::test]
async fn a_low_limit_costs_nothing_of_what_came_before_it() {
    let simulator = desk().await;
    let settings = json!({"requests_per_minute": 60});
    let mut source = source(&simulator, &settings, Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    simulator.inside().limiter = Some(Limiter::new(20, TimeDelta::minutes(1), [None; 3], beyond()));
    let asked: Vec<_> = simulator.inside().world.open().take(40).map(|chat| (chat.id.clone(), chat.number)).collect();
    stand_still(&simulator, 1);
    for (id, _) in &asked {
        simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    for minute in 1..=8 {
        while watch.poll().await.is_ok_and(|batch| batch.more) {}
        let told = asked.iter().filter(|(_, number)| is_told(&watch, *number)).count();
        assert!(told >= (minute * 10).min(asked.len()), "{told} in minute {minute}");
        stand_still(&simulator, 1);
    }
}

#[tokio::test]
async fn all_inboxes_of_a_name_are_watched_and_a_name_that_is_not_there_is_found_by_a_check() {
    let simulator = desk().await;
    let rename = |inbox: &mut Value| {
        if inbox["name"] == "email" {
            inbox["name"] = "web".into();
        }
    };
    simulator.fault("/inboxes", Fault::rows("/payload", rename));
    let mut watched = source(&simulator, &json!({"inboxes": ["web"]}), Duration::ZERO);
    let mut watch = Watch::new(watched.as_mut(), &simulator);
    watch.settle().await;
    let channels = |word: &str| {
        watch
            .told
            .iter()
            .any(|event| matches!(&event.kind, EventKind::Opened(it) if it.channel.as_deref() == Some(word)))
    };
    assert_eq!(["web", "email", "sms"].map(channels), [true, true, false]);
    let now = simulator.inside().world.now;
    for (name, good) in [("web", true), ("Nope", false)] {
        let findings = source(&simulator, &json!({"inboxes": [name]}), Duration::ZERO).check(now).await.unwrap();
        let inboxes = findings.iter().find(|finding| finding.what == "inboxes").unwrap();
        assert_eq!(inboxes.good, Some(good), "{inboxes:?}");
    }
}

#[tokio::test]
async fn a_team_that_is_made_later_is_told_with_who_is_in_it() {
    let simulator = desk().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    watch.told.clear();
    let number = {
        let world = &mut simulator.inside().world;
        world.teams.push(Team { id: "returns".into(), name: "returns".into() });
        let place = world.teams.len() - 1;
        world.agents[0].teams.push(place);
        (place + 1).to_string()
    };
    for _ in 0..2 {
        stand_still(&simulator, 10);
        watch.settle().await;
    }
    let told: Vec<Value> = watch.told.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let team = json!({"type": "team", "id": number, "name": "returns"});
    assert!(told.contains(&team), "{told:?}");
    let is_in_it = |event: &Value| {
        event["type"] == "agent" && event["teams"].as_array().is_some_and(|teams| teams.contains(&json!(number)))
    };
    assert!(told.iter().any(is_in_it), "{told:?}");
}

#[tokio::test]
async fn what_an_agent_held_who_leaves_is_nobodys_at_the_next_look() {
    for holds in [true, false] {
        let simulator = desk().await;
        let (gone, theirs) = {
            let world = &mut simulator.inside().world;
            let place = world.open().find_map(|chat| chat.holder).unwrap();
            let held: Vec<_> =
                world.open().filter(|chat| chat.holder == Some(place)).map(|chat| chat.id.clone()).collect();
            if !holds {
                for id in &held {
                    world.happen(Assigned::to(id.clone(), None));
                }
            }
            (place + 1, held.iter().map(|id| world.chat_number(id.as_str()).unwrap()).collect::<Vec<_>>())
        };
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        stand_still(&simulator, 1);
        watch.settle().await;
        simulator
            .fault("/agents", Fault::edited(move |body| body.as_array_mut().unwrap().retain(|one| one["id"] != gone)));
        let without = move |row: &mut Value| {
            if row["meta"]["assignee_type"] == "User" && row["meta"]["assignee"]["id"] == gone {
                row["meta"].as_object_mut().unwrap().remove("assignee");
            }
        };
        simulator.fault("/conversations?", Fault::rows("/data/payload", without));
        simulator.asked();
        for _ in 0..3 {
            stand_still(&simulator, 1);
            watch.settle().await;
        }
        let last = |number: &u64| {
            let events = watch.of(&number.to_string());
            events.into_iter().rfind(|event| event["type"] == "assigned" && event.get("agent").is_some())
        };
        assert!(!theirs.is_empty());
        for number in &theirs {
            assert_eq!(last(number).map_or(Value::Null, |event| event["agent"].clone()), Value::Null, "{number}");
        }
        let is_walked = simulator.asked().iter().any(|line| line.contains("created_at_asc"));
        assert_eq!(is_walked, holds, "it costs something only where it is needed");
    }
}
