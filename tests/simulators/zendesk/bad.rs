//! What can go wrong with a Zendesk: each with its words, and nothing good lost with it.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message};
use helptop::source::demo::Params;
use helptop::source::{Finding, Source, SourceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

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
    let mut desk = helptop::desk::Desk::new(false);
    let source = desk.add_source();
    watch.told.iter().for_each(|event| desk.apply(source, event.clone()));
    desk.settle();
    let active = desk.conversations().filter(|(_, chat)| chat.state().is_active());
    let mut active: Vec<u64> = active.map(|(_, chat)| chat.id.as_str().parse().unwrap()).collect();
    active.sort_unstable();
    active
}

fn truth(simulator: &Simulator) -> Vec<u64> {
    simulator.inside().world.open().map(|chat| chat.number).collect()
}

#[rstest]
#[case::wrong_secret(json!({"client_secret": "wrong-secret"}), "auth", "Client authentication failed")]
#[case::wrong_token(json!({"client_id": null, "client_secret": null, "email": "ana@acme.com", "token": "wrong-key"}), "auth", "Couldn't authenticate you")]
#[tokio::test]
async fn wrong_credentials(#[case] settings: Value, #[case] word: &str, #[case] says: &str) {
    let simulator = desk(Role::Admin).await;
    let mut settings = settings;
    settings.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let error = first_poll(&simulator, settings.clone()).await.unwrap_err();
    assert_eq!(error.word(), word);
    assert!(error.to_string().contains(says), "{error}");
    assert!(!error.to_string().contains("wrong-"), "a secret is told: {error}");
    let error = source(&simulator.base, &settings, TimeDelta::zero()).check(start()).await.unwrap_err();
    assert_eq!(error.word(), word, "nobody is not taken for somebody");
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
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    assert_eq!(tally.tokens.load(Ordering::Relaxed), 1);
    watch.later(86_400 - 300).await;
    assert_eq!(tally.tokens.load(Ordering::Relaxed), 2, "minutes before its end");
}

async fn findings(simulator: &Simulator) -> Vec<Finding> {
    let now = simulator.inside().world.now;
    source(&simulator.base, &json!({}), TimeDelta::zero()).check(now).await.unwrap()
}

#[tokio::test]
async fn what_a_key_may_read_is_told_in_words() {
    let strong = findings(&desk(Role::Admin).await).await;
    let bad: Vec<_> = strong.iter().filter(|finding| finding.good == Some(false)).collect();
    assert!(bad.is_empty(), "{bad:?}");
    let weak = findings(&desk(Role::Agent).await).await;
    for (what, words) in [
        ("presence", "this key may not read agents' availability; make it with an admin"),
        ("history", "this key may not read the export of events, and so no history; make it with an admin"),
        ("ratings", "this key may not read satisfaction answers; make it with an admin"),
        ("sla", "no policies, or this key may not read them; make it with an admin"),
    ] {
        let of = |all: &[Finding]| all.iter().find(|finding| finding.what == what).unwrap().clone();
        assert_eq!(of(&weak).says, words);
        assert_eq!((of(&strong).good, of(&weak).good), (Some(true), None), "{what}");
    }
    assert!(weak.iter().all(|finding| finding.good != Some(false)), "the rest goes on without: {weak:?}");
}

#[rstest]
#[case::text("text/plain", "Number of allowed API requests per minute exceeded")]
#[case::json(
    "application/json",
    r#"{"error":"APIRateLimitExceeded","description":"Number of allowed API requests exceeded"}"#
)]
#[case::list(
    "application/json",
    r#"{"errors":[{"code":"TooManyRequests","title":"Too Many Requests","status":"429"}]}"#
)]
#[tokio::test]
async fn throttled_in_each_form(#[case] kind: &str, #[case] body: &str) {
    let simulator = desk(Role::Admin).await;
    simulator.fault("/api/v2/users?", Fault::Answer(Reply::text(429, kind, body).with("retry-after", 37)));
    let error = first_poll(&simulator, json!({})).await.unwrap_err();
    let until = Some(simulator.inside().world.now + TimeDelta::seconds(37));
    assert_eq!(error, SourceError::RateLimited { place: "GET /api/v2/users (127.0.0.1)".into(), until });
}

#[rstest]
#[case::maintenance(Reply::maintenance(), "failing", "503")]
#[case::wrong_subdomain(
    Reply::text(404, "text/html", "<html><h1>No help desk at acmee.zendesk.com</h1></html>"),
    "unsupported",
    "not found (404)"
)]
#[case::plan_without_the_api(Reply::json(403, &json!({"errors": [{"code": "Forbidden", "title": "API access is not part of your plan"}]})), "forbidden", "API access is not part of your plan")]
#[case::sent_to_the_login(Reply::text(302, "text/html", "").with("location", "https://acme.zendesk.com/auth/v3/signin"), "auth", "login page")]
#[case::a_web_page(Reply::text(200, "text/html", "<!DOCTYPE html><html>"), "schema", "a web page instead of JSON")]
#[case::no_list(Reply::json(200, &json!({"people": []})), "schema", "at `users`: a list is missing there")]
#[case::null_list(Reply::json(200, &json!({"users": null})), "schema", "at `users`: a list is missing there")]
#[case::an_empty_404(Reply::text(404, "text/plain", ""), "unsupported", "not found (404)")]
#[tokio::test]
async fn answers_that_are_none(#[case] reply: Reply, #[case] word: &str, #[case] says: &str) {
    let simulator = desk(Role::Admin).await;
    simulator.fault("/api/v2/users?", Fault::Answer(reply));
    let error = first_poll(&simulator, json!({})).await.unwrap_err();
    assert_eq!(error.word(), word, "{error}");
    assert!(error.to_string().contains(says), "{error}");
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

#[rstest]
#[case::renamed("/show_many", "subject", "title", 0)]
#[case::missing("/show_many", "created_at", "made_at", 1)]
#[case::unknown_fields("/show_many", "brand_id", "brand", 0)]
#[tokio::test]
async fn a_field_is_renamed(
    #[case] place: &'static str,
    #[case] field: &'static str,
    #[case] name: &'static str,
    #[case] skipped: u64,
) {
    let simulator = desk(Role::Admin).await;
    let edit = move |body: &mut Value| {
        let ticket = body["tickets"][0].as_object_mut().unwrap();
        let value = ticket.remove(field).unwrap();
        ticket.insert(name.to_owned(), value);
    };
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.poll().await.unwrap();
    simulator.fault(place, Fault::Edited(Box::new(edit)));
    let batch = watch.poll().await.unwrap();
    assert_eq!(batch.skipped_total, skipped, "{:?}", batch.skipped);
    if skipped > 0 {
        let one = &batch.skipped[0];
        let expected = "GET /api/v2/tickets/show_many tickets[0], id ";
        assert!(one.place.starts_with(expected) && one.reason.contains("created_at"), "{one:?}");
    }
}

#[rstest]
#[case::a_status_nobody_knows(|ticket: &mut Value| ticket["status"] = json!("frozen"), "at `status`: no status is called `frozen`")]
#[case::null_where_a_time_was(|ticket: &mut Value| ticket["updated_at"] = Value::Null, "at `updated_at`: expected a time, found null")]
#[tokio::test]
async fn one_bad_record_loses_no_other(#[case] edit: fn(&mut Value), #[case] reason: &str) {
    let simulator = desk(Role::Admin).await;
    simulator.fault("/show_many", Fault::Edited(Box::new(move |body| edit(&mut body["tickets"][0]))));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    let mut reasons = Vec::new();
    loop {
        let batch = watch.poll().await.unwrap();
        reasons.extend(batch.skipped.into_iter().map(|one| one.reason));
        if !batch.more {
            break;
        }
    }
    assert!(!reasons.is_empty() && reasons.iter().all(|one| one == reason), "{reasons:?}");
    assert!(active(&watch).len() + 4 >= truth(&simulator).len(), "a record of each page at most");
}

#[tokio::test]
async fn ids_as_texts_pages_that_repeat_and_a_clock_that_is_ahead() {
    fn texts(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if value.is_i64() && (key == "id" || key.ends_with("_id")) {
                        *value = value.to_string().into();
                    }
                    texts(value);
                }
            }
            Value::Array(values) => values.iter_mut().for_each(texts),
            _ => {}
        }
    }
    let simulator = desk(Role::Admin).await;
    simulator.inside().skew = TimeDelta::seconds(90);
    for words in ["/api/v2/tickets", "/api/v2/search", "/incremental"] {
        simulator.fault(words, Fault::Edited(Box::new(texts)));
    }
    // The pages of the search shift by one: a record comes twice.
    let twice = |body: &mut Value| {
        let results = body["results"].as_array_mut().unwrap();
        results.extend(results.first().cloned());
    };
    simulator.fault("/search/export", Fault::Edited(Box::new(twice)));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::hours(2));
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    assert_eq!(active(&watch), truth(&simulator));
    for _ in 0..10 {
        let (_, batch) = watch.later(30).await;
        assert_eq!(batch.skipped, [], "a start of the export that is too late would be refused");
    }
    assert_eq!(active(&watch), truth(&simulator));
}

#[tokio::test]
async fn a_ticket_deleted_between_two_pages_and_one_deleted_later() {
    let simulator = desk(Role::Admin).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.poll().await.unwrap();
    watch.poll().await.unwrap();
    let gone = truth(&simulator)[0];
    simulator.inside().world.delete(gone);
    watch.settle().await;
    assert!(!active(&watch).contains(&gone));
    let gone = truth(&simulator)[1];
    simulator.inside().world.delete(gone);
    for _ in 0..3 {
        watch.later(61).await;
    }
    assert!(!active(&watch).contains(&gone), "nothing tells it, but it is missed");
    let told = watch.of(&gone.to_string());
    let last = told.last().unwrap();
    assert_eq!((&last["status"], &last["by"]), (&json!("closed"), &json!("system")));
}

#[tokio::test]
async fn an_empty_account_is_no_fault_and_its_first_ticket_is_seen() {
    let (vendor, _) = Vendors::new(Role::Admin);
    let world = World::new(Params { seed: 2, agents: 1, chats: 1 }, start());
    let simulator = Simulator::start(world, vendor).await;
    let nothing = |body: &mut Value| {
        for key in [
            "tickets",
            "results",
            "groups",
            "group_memberships",
            "survey_responses",
            "ticket_events",
            "data",
            "included",
        ] {
            if body.get(key).is_some() {
                body[key] = json!([]);
            }
        }
        body["meta"] = json!({"has_more": false, "after_cursor": null, "before_cursor": null});
    };
    simulator.fault("/api/v2", Fault::Edited(Box::new(nothing)));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::hours(1));
    let mut watch = Watch::new(&mut source, &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && batch.skipped.is_empty());
    assert_eq!(active(&watch), Vec::<u64>::new());
    simulator.mend();
    watch.later(60).await;
    assert_eq!(active(&watch), truth(&simulator));
}

#[tokio::test]
async fn the_rest_goes_on_where_a_part_fails() {
    let simulator = desk(Role::Admin).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
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
    let mut first = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut first, &simulator);
    watch.settle().await;
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
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
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
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
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
    let mut source = source(&simulator.base, &json!({"groups": [name]}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
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
