//! What can go wrong with a Zendesk: each with its words, and nothing good lost with it.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message};
use helptop::source::demo::Params;
use helptop::source::{Source, SourceError};
use serde_json::{Value, json};

use super::{Role, SECRET, Vendors, begun, forbidden, source};
use crate::agree::{Watch, start};
use crate::bad::Line::{
    BadRecord, ListNull, ListRenamed, NovelWord, Own, Plan, Throttled, Twice, WeakKey, WrongAddress, WrongKey,
};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, WRONG_KEY, answer, edited, emptied, fails, fails_as, is_taken, loses, loses_it, one, renamed,
    reply, told,
};
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

/// Requests for agents, the first that are made.
const USERS: &str = "/api/v2/users?";

pub fn table() -> Bad {
    let nothing = |body: &mut Value| {
        for key in [
            "tickets",
            "results",
            "groups",
            "group_memberships",
            "survey_responses",
            "ticket_events",
            "users",
            "data",
            "included",
        ] {
            if body.get(key).is_some() {
                body[key] = json!([]);
            }
        }
        body["meta"] = json!({"has_more": false, "after_cursor": null, "before_cursor": null});
    };
    Bad {
        settings: |base| json!({"base_url": base, "client_id": "helptop", "client_secret": SECRET}),
        chats: ("/show_many", "/tickets", "id"),
        no_list: ["at `tickets`: a list is missing there"; 2],
        may_lack: &["subject", "brand_id", "priority", "tags", "via", "problem_id"],
        cases: [failures(), oddities()],
        empty: vec![("/api/v2", Fault::edited(nothing))],
        paged: |world| {
            let (mut vendor, _) = Vendors::new(Role::Admin);
            vendor.page = 50;
            Box::pin(Simulator::start(world, vendor))
        },
        missed: 8,
        looks: Looks::Own,
        weak: &[
            ("presence", None, "this key may not read agents' availability; make it with an admin"),
            ("history", None, "this key may not read the export of events, and so no history; make it with an admin"),
            ("ratings", None, "this key may not read satisfaction answers; make it with an admin"),
            ("sla", None, "no policies, or this key may not read them; make it with an admin"),
        ],
        refused: vec![(json!({"client_secret": null}), "client_secret: ")],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let of_ana = json!({"client_id": null, "client_secret": null, "email": "ana@acme.com", "token": WRONG_KEY});
    let no_desk = "<html><h1>No help desk at acmee.zendesk.com</h1></html>";
    let plan = r#"{"errors":[{"code":"Forbidden","title":"API access is not part of your plan"}]}"#;
    let login = Reply::text(302, "text/html", "").with("location", "https://acme.zendesk.com/auth/v3/signin");
    let throttled = |kind, body| {
        let reply = reply(USERS, Reply::text(429, kind, body).with("retry-after", 37));
        fails(
            Throttled,
            reply,
            "GET /api/v2/users (127.0.0.1): too many requests, it wants none before 2026-11-20T09:00:37Z",
        )
    };
    let elsewhere = |kind, body| fails(WrongAddress, reply(USERS, Reply::text(404, kind, body)), "not found (404)");
    vec![
        fails(WrongKey, Setting(json!({"client_secret": WRONG_KEY})), "Client authentication failed"),
        fails(WrongKey, Setting(of_ana), "Couldn't authenticate you"),
        // It goes on without what the key may not read.
        is_taken(WeakKey, reply("/incremental", forbidden())),
        is_taken(WeakKey, reply("/agent_availabilities", forbidden())),
        elsewhere("text/html", no_desk),
        elsewhere("text/plain", ""),
        fails(Plan, answer(USERS, 403, plan), "API access is not part of your plan"),
        throttled("text/plain", "Number of allowed API requests per minute exceeded"),
        throttled(
            "application/json",
            r#"{"error":"APIRateLimitExceeded","description":"Number of allowed API requests exceeded"}"#,
        ),
        throttled(
            "application/json",
            r#"{"errors":[{"code":"TooManyRequests","title":"Too Many Requests","status":"429"}]}"#,
        ),
        fails_as("auth", Own, reply(USERS, login), "login page"),
        fails(ListRenamed, answer(USERS, 200, r#"{"people":[]}"#), "at `users`: a list is missing there"),
        fails(ListNull, answer(USERS, 200, r#"{"users":null}"#), "at `users`: a list is missing there"),
        renamed("created_at", "no record can be read; the first: missing field `created_at`"),
        emptied("updated_at", "no record can be read; the first: at `updated_at`: expected a time, found null"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    vec![
        loses(NovelWord, one(|row| row["status"] = "frozen".into()), 0, 1, "at `status`: no status is called `frozen`"),
        loses_it(
            BadRecord,
            |row| drop(row.as_object_mut().unwrap().remove("created_at")),
            "GET /api/v2/tickets/show_many tickets[",
        ),
        loses_it(BadRecord, |row| row["updated_at"] = Value::Null, "at `updated_at`: expected a time, found null"),
        is_taken(
            Twice,
            edited("/search/export", |body| {
                let results = body["results"].as_array_mut().unwrap();
                results.extend(results.clone());
            }),
        ),
    ]
}

/// A small desk some hours into its day.
async fn desk(role: Role) -> Simulator {
    let (mut vendor, _) = Vendors::new(role);
    vendor.page = 7;
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, vendor).await
}

async fn first_poll(simulator: &Simulator, settings: Value) -> Result<(), SourceError> {
    let mut source = source(&simulator.base, &settings, TimeDelta::zero());
    let now = simulator.inside().world.now;
    source.poll(None, now).await.map(drop)
}

/// The numbers of active chats, by what was told.
fn active(watch: &Watch<'_>) -> Vec<u64> {
    told(watch, &super::bench()).into_iter().collect()
}

fn truth(simulator: &Simulator) -> Vec<u64> {
    simulator.inside().world.open().map(|chat| chat.number).collect()
}

#[tokio::test]
async fn a_token_of_an_account_is_taken() {
    let simulator = desk(Role::Admin).await;
    first_poll(&simulator, json!({"email": "ana@acme.com", "token": "a-key-of-ana"})).await.unwrap();
}

#[tokio::test]
async fn a_token_is_asked_for_anew_before_it_ends_and_when_it_is_refused() {
    let (vendor, tally) = Vendors::new(Role::Admin);
    let world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    let simulator = Simulator::start(world, vendor).await;
    let mut watch = begun(&simulator).await;
    assert_eq!(tally.tokens.load(Ordering::Relaxed), 1);
    watch.later(86_400 - 300).await;
    assert_eq!(tally.tokens.load(Ordering::Relaxed), 2, "minutes before its end");
}

#[tokio::test]
async fn what_fails_midway_is_done_again_and_nothing_is_lost() {
    let simulator = desk(Role::Admin).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    for words in ["/agent_availabilities", "/search/export", "/show_many", "/audits"] {
        simulator.fault(words, Fault::Truncated);
    }
    for _ in 0..8 {
        drop(watch.poll().await);
    }
    simulator.mend();
    watch.settle().await;
    assert_eq!(active(&watch), truth(&simulator));
}

#[tokio::test]
async fn the_rest_goes_on_where_a_part_fails() {
    let simulator = desk(Role::Admin).await;
    let mut watch = begun(&simulator).await;
    let body = json!({"error": "APIRateLimitExceeded", "description": "Number of allowed incremental ticket export API requests per minute exceeded"});
    simulator.fault("/incremental", Fault::Answer(Reply::json(429, &body).with("retry-after", 300)));
    simulator.fault("/agent_availabilities", Fault::Answer(Reply::maintenance()));
    simulator.asked();
    let mut named = Vec::new();
    for _ in 0..4 {
        named.extend(watch.later(61).await.1.skipped);
    }
    assert_eq!(active(&watch), truth(&simulator));
    let exports = simulator.asked().iter().filter(|line| line.contains("/incremental")).count();
    assert_eq!(exports, 1, "it comes back when it is told to");
    assert!(named.iter().any(|one| one.place.ends_with("/incremental/ticket_events")), "{named:?}");
}

#[tokio::test]
async fn a_right_that_is_given_later_is_found() {
    let simulator = desk(Role::Admin).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.fault("/agent_availabilities", Fault::Answer(super::forbidden()));
    watch.settle().await;
    let can = |watch: &Watch<'_>| {
        let hello = watch.told.iter().rev().find_map(|event| match &event.kind {
            EventKind::Hello { capabilities, .. } => Some(capabilities.clone()),
            _ => None,
        });
        hello.unwrap().contains(&helptop::event::Capability::Presence)
    };
    assert!(!can(&watch));
    simulator.mend();
    watch.later(3700).await;
    assert!(can(&watch));
}

#[tokio::test]
async fn a_start_anew_reads_what_changed_meanwhile_and_nothing_else() {
    let simulator = desk(Role::Admin).await;
    let mut watch = begun(&simulator).await;
    watch.later(30).await;
    let (told, cursor) = (watch.told.clone(), watch.cursor.clone());
    let open: Vec<ConversationId> = active(&watch).iter().map(|id| ConversationId::new(id.to_string())).collect();
    drop(watch);
    let now = simulator.inside().world.now + TimeDelta::minutes(20);
    simulator.advance(now);
    let asks = truth(&simulator)[0];
    let id = simulator.inside().world.chat(asks).unwrap().id.clone();
    simulator.inside().world.happen(Message::public(id, Author::Customer, None));
    let changed = simulator.inside().world.changed_since(now - TimeDelta::minutes(21)).len();
    let gone = truth(&simulator)[2];
    simulator.inside().world.delete(gone);
    let mut second = source(&simulator.base, &json!({}), TimeDelta::zero());
    second.remember(&open);
    let mut watch = Watch::new(&mut second, &simulator);
    (watch.told, watch.cursor) = (told, cursor);
    simulator.asked();
    watch.settle().await;
    assert_eq!(active(&watch), truth(&simulator));
    let looks = simulator.asked().iter().filter(|line| line.contains("/audits")).count();
    assert!(looks <= changed + 3, "{looks} looks for {changed} changes, {} open", open.len());
}

#[tokio::test]
async fn history_is_told_whole_and_once() {
    let (vendor, _) = Vendors::new(Role::Admin);
    let mut world = World::new(Params { seed: 1, agents: 12, chats: 150 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, vendor).await;
    let mut first = source(&simulator.base, &json!({}), TimeDelta::hours(8));
    let mut watch = Watch::new(&mut first, &simulator);
    let mut past = Vec::new();
    for _ in 0..400 {
        let batch = watch.poll().await.unwrap();
        if batch.history {
            past.extend(batch.events);
        } else if !batch.more && batch.progress.is_none() {
            break;
        }
        let now = simulator.inside().world.now + TimeDelta::seconds(5);
        simulator.advance(now);
    }
    let begun = start() + TimeDelta::hours(1);
    let inside = simulator.inside();
    let ended = inside.world.chats.iter().filter(|chat| {
        chat.opened_at > begun
            && chat.status.is_ended()
            && chat.status_at < start() + TimeDelta::hours(8)
            && chat.merged_into.is_none()
    });
    let ended: Vec<_> = ended.map(|chat| (chat.number.to_string(), chat.messages.len())).collect();
    drop(inside);
    assert!(ended.len() > 50, "{}", ended.len());
    for (id, messages) in ended {
        let told =
            past.iter().map(|event| serde_json::to_value(event).unwrap()).filter(|event| event["conversation"] == *id);
        let kinds: Vec<String> = told.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "opened").count(), 1, "{id}: {kinds:?}");
        assert_eq!(kinds.iter().filter(|kind| *kind == "message").count(), messages, "{id}: {kinds:?}");
        assert!(kinds.contains(&"status".to_owned()), "{id}: {kinds:?}");
    }
    let cursor = watch.cursor.clone().unwrap().0;
    assert_eq!(cursor["past"]["reading"], Value::Null, "it is read once: {cursor}");
    assert!(cursor["past"]["complete_since"].is_string());
}

#[tokio::test]
async fn two_changes_of_one_second_are_both_read() {
    let simulator = desk(Role::Agent).await;
    let mut watch = begun(&simulator).await;
    watch.later(60).await;
    let asks = truth(&simulator)[0];
    let id = simulator.inside().world.chat(asks).unwrap().id.clone();
    let say = |text: &str| {
        let message = Message { text: Some(text.into()), ..Message::public(id.clone(), Author::Customer, None) };
        simulator.inside().world.happen(message);
    };
    let now = simulator.inside().world.now + TimeDelta::milliseconds(500);
    simulator.advance(now);
    say("one");
    watch.settle().await;
    simulator.advance(now + TimeDelta::milliseconds(300));
    say("two");
    watch.later(15).await;
    let told: Vec<_> = watch.of(&asks.to_string()).into_iter().filter(|event| event["type"] == "message").collect();
    assert!(["one", "two"].iter().all(|word| told.iter().any(|event| event["text"] == *word)), "{told:?}");
}

#[tokio::test]
async fn what_comes_both_ways_is_told_once() {
    let simulator = desk(Role::Admin).await;
    let mut watch = begun(&simulator).await;
    let before = watch.told.len();
    for _ in 0..40 {
        watch.later(30).await;
    }
    let new: Vec<String> = watch.told[before..]
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Message(_) | EventKind::Assigned(_)))
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    let once: std::collections::BTreeSet<&String> = new.iter().collect();
    assert!(new.len() > 10 && once.len() == new.len(), "{} of {}", once.len(), new.len());
}

#[tokio::test]
async fn only_groups_that_are_watched_are_told() {
    let simulator = desk(Role::Admin).await;
    let name = simulator.inside().world.teams[0].name.to_uppercase();
    let mut watch =
        Watch::begun(Box::new(source(&simulator.base, &json!({"groups": [name]}), TimeDelta::zero())), &simulator)
            .await;
    for _ in 0..20 {
        watch.later(60).await;
    }
    let watched: Vec<u64> =
        simulator.inside().world.open().filter(|chat| chat.team == Some(0)).map(|chat| chat.number).collect();
    assert!(!watched.is_empty() && watched.len() < truth(&simulator).len());
    assert_eq!(active(&watch), watched);
    let error = first_poll(&simulator, json!({"groups": ["Nobody"]})).await.unwrap_err();
    assert_eq!(error.to_string(), "groups: no group is called `Nobody`");
}
