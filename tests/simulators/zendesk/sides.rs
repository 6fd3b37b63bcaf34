//! Requests beside the news that fail alone, or take several polls: the news go on.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Capability, ConversationId, EventKind, Message};
use helptop::source::Source;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::desk::FIRST_CUSTOMER;
use super::{Role, SMALL, desk_of, source};
use crate::agree::Watch;
use crate::server::{Fault, Reply, Simulator};

fn new(simulator: &Simulator) -> impl Source {
    source(&simulator.base, &json!({}), TimeDelta::zero())
}

fn fault() -> Fault {
    Fault::Answer(Reply::json(500, &json!({"error": "InternalError"})))
}

fn open(simulator: &Simulator) -> Vec<(ConversationId, String)> {
    simulator.inside().world.open().map(|chat| (chat.id.clone(), chat.number.to_string())).collect()
}

fn asks(simulator: &Simulator, id: &ConversationId) {
    simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
}

/// Lets a minute go by in which nothing happens, so many times, and polls after each.
async fn minutes(watch: &mut Watch<'_>, count: usize) {
    for _ in 0..count {
        watch.simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
}

#[tokio::test]
async fn a_request_beside_the_news_that_fails_holds_up_none_and_is_named_once() {
    for path in ["/users?", "/groups?", "/group_memberships", "/custom_statuses", "/tickets/show_many"] {
        let simulator = desk_of(Role::Admin, 100, SMALL).await;
        let mut source = new(&simulator);
        let mut watch = Watch::new(&mut source, &simulator);
        watch.settle().await;
        simulator.fault(path, fault());
        minutes(&mut watch, 40).await;
        let named = watch.reasons.iter().filter(|reason| reason.contains(path.trim_end_matches('?'))).count();
        assert_eq!((named, watch.reasons.len()), (1, 1), "{path}: {:?}", watch.reasons);
        let (id, number) = open(&simulator).remove(0);
        let before = watch.of(&number).len();
        asks(&simulator, &id);
        watch.settle().await;
        assert!(watch.of(&number).len() > before, "{path}");
    }
}

#[tokio::test]
async fn a_list_beside_the_tickets_that_fails_at_the_start_holds_up_none_and_is_asked_for_again() {
    for path in ["/groups?", "/slas/policies", "/group_memberships", "/custom_statuses"] {
        let simulator = desk_of(Role::Admin, 100, SMALL).await;
        simulator.fault(path, fault());
        let mut source = new(&simulator);
        let mut watch = Watch::new(&mut source, &simulator);
        minutes(&mut watch, 1).await;
        for (_, number) in open(&simulator) {
            assert!(watch.of(&number).iter().any(|event| event["type"] == "opened"), "{path}: {number}");
        }
        let named = watch.reasons.iter().filter(|reason| reason.contains(path.trim_end_matches('?'))).count();
        assert_eq!((named, watch.reasons.len()), (1, 1), "{path}: {:?}", watch.reasons);
        simulator.mend();
        minutes(&mut watch, 6).await;
        let told = |is: fn(&EventKind) -> bool| watch.told.iter().any(|event| is(&event.kind));
        assert!(told(|kind| matches!(kind, EventKind::Team { .. })), "{path}");
        assert!(told(
            |kind| matches!(kind, EventKind::Agent(agent) if agent.teams.as_ref().is_some_and(|of| !of.is_empty()))
        ));
        assert!(watch.source.capabilities().contains(&Capability::Sla), "{path}");
        assert!(told(|kind| matches!(kind, EventKind::Sla { .. })), "{path}: of tickets that have not changed");
        assert_eq!(watch.reasons.len(), 1, "{path}");
    }
}

#[tokio::test]
async fn policies_that_an_account_gets_later_are_found() {
    let simulator = desk_of(Role::Admin, 100, SMALL).await;
    simulator.fault("/slas/policies", Fault::Answer(Reply::json(200, &json!({"sla_policies": []}))));
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    minutes(&mut watch, 1).await;
    simulator.mend();
    for (count, is_known) in [(28, false), (2, true)] {
        minutes(&mut watch, count).await;
        assert_eq!(watch.source.capabilities().contains(&Capability::Sla), is_known);
    }
}

#[tokio::test]
async fn groups_that_are_named_in_the_config_have_to_be_found_at_the_start() {
    let simulator = desk_of(Role::Admin, 100, SMALL).await;
    let team = simulator.inside().world.teams[0].name.clone();
    let mut source = source(&simulator.base, &json!({"groups": [team]}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.fault("/groups?", fault());
    assert!(watch.poll().await.is_err() && watch.told.is_empty());
    simulator.mend();
    watch.settle().await;
    simulator.fault("/groups?", fault());
    minutes(&mut watch, 40).await;
    assert_eq!(watch.reasons.len(), 1, "{:?}", watch.reasons);
}

/// A stranger, whom nobody can look up, writes on the first ticket, and the customer of another on the second; whether
/// each was told, at once and after so many minutes.
async fn told_of_a_stranger(minutes_of_failing: usize, minutes_after: usize) -> [(bool, bool); 2] {
    let simulator = desk_of(Role::Agent, 100, SMALL).await;
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let chats = open(&simulator);
    let [(stranger, number), (other, another)] = [chats[0].clone(), chats[1].clone()];
    let audits = format!("/tickets/{number}/audits").leak();
    // Whoever is in no list.
    let edit = |audit: &mut Value| {
        for event in audit["events"].as_array_mut().unwrap() {
            if event["body"] == "from a stranger" {
                event["author_id"] = (FIRST_CUSTOMER + 90_000).into();
            }
        }
    };
    simulator.fault(audits, Fault::rows("/audits", edit));
    simulator.fault("/users/show_many", fault());
    let before = [watch.of(&number).len(), watch.of(&another).len()];
    let told = |watch: &Watch<'_>| {
        let now = [watch.of(&number).len(), watch.of(&another).len()];
        [now[0] > before[0], now[1] > before[1]]
    };
    {
        let world = &mut simulator.inside().world;
        let words =
            Message { text: Some("from a stranger".into()), ..Message::public(stranger, Author::Customer, None) };
        world.happen(words);
        world.happen(Message::public(other, Author::Customer, None));
    }
    watch.settle().await;
    let at_once = told(&watch);
    minutes(&mut watch, minutes_of_failing).await;
    simulator.mend();
    simulator.fault(audits, Fault::rows("/audits", edit));
    minutes(&mut watch, minutes_after).await;
    let then = told(&watch);
    let mut said = watch.of(&number).into_iter().filter(|event| event["text"] == "from a stranger");
    assert!(said.all(|event| event["from"] == "customer"));
    [(at_once[0], then[0]), (at_once[1], then[1])]
}

#[tokio::test]
async fn where_nobody_says_who_wrote_that_ticket_waits_and_no_other() {
    for (failing, after, expected) in [(3, 0, false), (2, 2, true), (8, 0, true)] {
        let told = told_of_a_stranger(failing, after).await;
        assert_eq!(told, [(false, expected), (true, true)], "{failing} minutes, and {after} more");
    }
}

#[tokio::test]
async fn presence_that_can_not_be_read_for_long_is_withdrawn_until_it_can() {
    let simulator = desk_of(Role::Admin, 100, SMALL).await;
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    for (is_bad, count, is_told) in [(true, 4, true), (true, 3, false), (false, 2, true), (true, 4, true)] {
        simulator.mend();
        if is_bad {
            simulator.fault("/agent_availabilities", fault());
        }
        minutes(&mut watch, count).await;
        let last =
            watch.told.iter().rev().find_map(|event| serde_json::to_value(event).ok().filter(|e| e["type"] == "hello"));
        let said = last.unwrap()["capabilities"].as_array().unwrap().contains(&json!("presence"));
        let states = watch.told.iter().rev().filter_map(|event| match &event.kind {
            EventKind::Presence { agent, state, .. } => Some((agent, *state)),
            _ => None,
        });
        let mut last = BTreeMap::new();
        for (agent, state) in states {
            last.entry(agent).or_insert(state);
        }
        let online = last.values().filter(|state| state.is_online()).count();
        assert_eq!(online > 0, is_told, "{is_bad} for {count} minutes: {last:?}");
        let can = watch.source.capabilities().contains(&Capability::Presence);
        assert_eq!((said, can), (is_told, is_told), "{is_bad} for {count} minutes");
    }
    assert_eq!(watch.reasons.len(), 2, "named once each time: {:?}", watch.reasons);
}

#[tokio::test(start_paused = true)]
async fn a_large_team_is_read_over_several_polls_each_page_once() {
    let simulator = desk_of(Role::Agent, 5, Params { seed: 2, agents: 200, chats: 200 }).await;
    simulator.fault("/users?", Fault::Slow(Duration::from_secs(3)));
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    let mut polls = 0;
    while tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap().more {
        polls += 1;
    }
    assert!(polls > 3);
    let pages = || simulator.asked().iter().filter(|line| line.contains("/users?")).count();
    assert_eq!(pages(), 40);
    // Read anew, it takes a few pages a refresh.
    let mut each = Vec::new();
    for _ in 0..40 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap();
        each.push(pages());
    }
    assert_eq!((each.iter().max(), each.iter().sum::<usize>()), (Some(&10), 40), "{each:?}");
}

#[tokio::test]
async fn a_place_in_the_list_of_changes_that_is_refused_is_given_up() {
    let simulator = desk_of(Role::Agent, 20, Params { seed: 2, agents: 20, chats: 400 }).await;
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.later(70).await;
    let chats = open(&simulator);
    assert!(chats.len() > 130, "{}", chats.len());
    for (id, _) in &chats[1..130] {
        asks(&simulator, id);
    }
    assert!(watch.poll().await.unwrap().more);
    let refused = json!({"errors": [{"code": "InvalidPaginationParameter", "title": "page[after] is not valid"}]});
    simulator.fault("page[after]", Fault::Answer(Reply::json(400, &refused)));
    // The newest of all.
    simulator.inside().world.stand_still(TimeDelta::seconds(15));
    asks(&simulator, &chats[0].0);
    let before = watch.of(&chats[0].1).len();
    for _ in 0..12 {
        simulator.inside().world.stand_still(TimeDelta::seconds(15));
        watch.poll().await.unwrap();
    }
    assert!(watch.of(&chats[0].1).len() > before);
}
