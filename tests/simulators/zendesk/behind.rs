//! A source that has more to read than it may, and answers that come slowly, or short.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message};
use helptop::source::Batch;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::desk::place;
use super::{Role, SMALL, desk_of, plan, source};
use crate::agree::Watch;
use crate::server::{Fault, Simulator};

fn open(simulator: &Simulator) -> Vec<(ConversationId, u64)> {
    simulator.inside().world.open().map(|chat| (chat.id.clone(), chat.number)).collect()
}

fn passes(simulator: &Simulator, seconds: i64) {
    simulator.inside().world.stand_still(TimeDelta::seconds(seconds));
}

/// A poll, which the poller ends after a minute.
async fn poll(watch: &mut Watch<'_>) -> Batch {
    tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap()
}

fn has_ended(watch: &Watch<'_>, number: u64) -> bool {
    watch.of(&number.to_string()).iter().any(|event| event["type"] == "status" && event["status"] == "closed")
}

#[tokio::test]
async fn with_a_backlog_a_question_is_read_first_and_the_source_grows_old() {
    let simulator = desk_of(Role::Agent, 100, Params { seed: 1, agents: 12, chats: 400 }).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    passes(&simulator, 60);
    simulator.inside().limiter = Some(plan(200));
    let chats = open(&simulator);
    assert!(chats.len() > 280, "{}", chats.len());
    for (id, _) in &chats {
        let kind = EventKind::Tagged { conversation: id.clone(), tags: vec!["sale".into()] };
        simulator.inside().world.happen(kind);
    }
    assert!(!poll(&mut watch).await.partial, "it is not behind for long");
    passes(&simulator, 15);
    let (asks, number) = chats[7].clone();
    simulator.inside().world.happen(Message::public(asks, Author::Customer, None));
    let messages =
        |watch: &Watch<'_>| watch.of(&number.to_string()).iter().filter(|event| event["type"] == "message").count();
    let before = messages(&watch);
    poll(&mut watch).await;
    assert!(messages(&watch) > before, "though hundreds were changed before it");
    let mut parts = Vec::new();
    for _ in 0..40 {
        passes(&simulator, 15);
        let batch = poll(&mut watch).await;
        parts.push(batch.partial);
        if !batch.more {
            break;
        }
    }
    let (young, old) =
        (parts.iter().take_while(|is_part| !**is_part).count(), parts.iter().filter(|is_part| **is_part).count());
    assert!((6..=10).contains(&young) && old > 0 && !parts.last().unwrap(), "{parts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_and_a_refresh_on_slow_answers_come_to_their_end() {
    let simulator = desk_of(Role::Admin, 5, Params { seed: 2, agents: 100, chats: 60 }).await;
    for path in ["/agent_availabilities", "/users?", "/audits"] {
        simulator.fault(path, Fault::Slow(Duration::from_secs(5)));
    }
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    let mut polls = 0;
    while poll(&mut watch).await.partial {
        passes(&simulator, 15);
        polls += 1;
        assert!(polls < 100);
    }
    let seen = |watch: &Watch<'_>| -> usize {
        let all = watch.told.iter().filter_map(|event| match &event.kind {
            EventKind::Presence { agent, .. } => Some(agent.clone()),
            _ => None,
        });
        all.collect::<BTreeSet<_>>().len()
    };
    assert_eq!(seen(&watch), 100, "the first figures know who is there");
    // Where there is always something to read, who is there is read all the same.
    simulator.asked();
    for _ in 0..20 {
        for (id, _) in open(&simulator).iter().take(20) {
            simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
        }
        passes(&simulator, 15);
        poll(&mut watch).await;
    }
    let asked = simulator.asked();
    let count = |words: &str| asked.iter().filter(|line| line.contains(words)).count();
    assert!(count("/agent_availabilities") >= 20 && count("/audits") >= 40, "{asked:?}");
}

#[tokio::test]
async fn a_short_answer_ends_no_ticket_and_one_that_is_gone_is_ended_within_a_few_minutes() {
    let simulator = desk_of(Role::Agent, 100, SMALL).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let chats = open(&simulator);
    let gone = chats[3].1;
    simulator.inside().world.deleted.insert(place(gone));
    simulator.fault("/show_many", Fault::edited(|body: &mut Value| body["tickets"] = json!([])));
    for _ in 0..40 {
        passes(&simulator, 15);
        poll(&mut watch).await;
    }
    let ended: Vec<u64> = chats.iter().map(|chat| chat.1).filter(|&number| has_ended(&watch, number)).collect();
    assert_eq!(ended, [gone]);
}

#[tokio::test]
async fn a_short_answer_at_a_start_anew_ends_no_ticket() {
    let simulator = desk_of(Role::Agent, 100, SMALL).await;
    let mut first = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut first, &simulator);
    watch.settle().await;
    let chats = open(&simulator);
    let (cursor, told) = (watch.cursor.clone(), watch.told.clone());
    let mut second = source(&simulator.base, &json!({}), TimeDelta::zero());
    helptop::source::Source::remember(&mut second, &crate::contract::active(&told));
    let gone = chats[3].1;
    simulator.inside().world.deleted.insert(place(gone));
    simulator.fault("/show_many", Fault::edited(|body: &mut Value| body["tickets"] = json!([])));
    let mut watch = Watch::new(&mut second, &simulator);
    watch.cursor = cursor;
    watch.settle().await;
    let ended: Vec<u64> = chats.iter().map(|chat| chat.1).filter(|&number| has_ended(&watch, number)).collect();
    assert_eq!(ended, [gone]);
}

#[tokio::test]
async fn a_group_that_is_made_later_is_told_with_its_first_ticket() {
    const LATER: u64 = 3399;
    let simulator = desk_of(Role::Agent, 100, SMALL).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let (id, number) = open(&simulator)[0].clone();
    simulator.fault(
        "/groups?",
        Fault::edited(|body| body["groups"].as_array_mut().unwrap().push(json!({"id": LATER, "name": "Later"}))),
    );
    let moved = move |body: &mut Value| {
        for ticket in body["tickets"].as_array_mut().unwrap().iter_mut().filter(|ticket| ticket["id"] == number) {
            ticket["group_id"] = LATER.into();
        }
    };
    simulator.fault("/tickets?", Fault::edited(moved));
    simulator.asked();
    simulator.inside().world.happen(Message::public(id, Author::Customer, None));
    for _ in 0..8 {
        passes(&simulator, 15);
        poll(&mut watch).await;
    }
    let id = LATER.to_string();
    let told =
        watch.told.iter().any(|event| matches!(&event.kind, EventKind::Team { id: one, .. } if one.as_str() == id));
    let readings = simulator.asked().iter().filter(|line| line.contains("/groups?")).count();
    assert_eq!((told, readings), (true, 1));
}
