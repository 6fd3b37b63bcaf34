//! Keys, servers and records that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::SourceError;
use helptop::source::http::Limits;
use helptop::source::intercom::Intercom;
use rstest::rstest;
use serde_json::{Value, json};

use super::{SMALL, TOKEN, Workspace, failed, simulator, source, spec};
use crate::agree::{Watch, start};
use crate::server::{Fault, Reply, Simulator};

async fn small() -> Simulator {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

/// The error of a first read with these settings and this fault.
async fn error_of(settings: Value, fault: Option<(&'static str, Fault)>) -> SourceError {
    let simulator = small().await;
    if let Some((words, fault)) = fault {
        simulator.fault(words, fault);
    }
    let mut source = source(&simulator, &settings, Duration::ZERO);
    Watch::new(source.as_mut(), &simulator).first_error().await
}

fn said(status: u16, code: &str, message: &str) -> Fault {
    Fault::Answer(Reply::json(status, &failed(code, message)))
}

fn throttled() -> Fault {
    let reply = Reply::json(429, &failed("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds"));
    let reset = (start() + TimeDelta::hours(9) + TimeDelta::seconds(10)).millis() / 1000;
    let reply = reply.with("x-ratelimit-limit", 167).with("x-ratelimit-remaining", 0);
    Fault::Answer(reply.with("x-ratelimit-reset", reset))
}

/// Whether it is the conversation of that number.
fn is(row: &Value, number: u64) -> bool {
    row["id"].as_str() == Some(&*number.to_string())
}

/// Changes each conversation of a list, and one by itself.
fn rows(edit: impl Fn(&mut Value) + Send + 'static) -> Fault {
    Fault::edited(move |body| {
        if let Some(list) = body.get_mut("conversations").and_then(Value::as_array_mut) {
            list.iter_mut().for_each(&edit);
        } else if body.get("created_at").is_some() {
            edit(body);
        }
    })
}

fn without(key: &'static str) -> Fault {
    rows(move |row| drop(row.as_object_mut().unwrap().remove(key)))
}

#[rstest]
#[case::wrong_key(json!({"token": "wrong"}), None, "auth", "Access Token Invalid")]
#[case::wrong_region(json!({"token": "wrong"}), None, "auth", "base_url that of the workspace's region?")]
#[case::null_words(json!({}), Some(("/admins", Fault::Answer(Reply::text(401, "application/json",
    r#"{"type":"error.list","errors":[{"code":"unauthorized","message":null}]}"#)))), "auth", "unauthorized")]
#[case::weak_key(json!({}), Some(("/admins", said(403, "forbidden", "Not authorized to access resource"))),
    "forbidden", "give the app the permissions Read admins")]
#[case::plan(json!({}), Some(("/search", said(403, "api_plan_restricted", "Active subscription needed."))),
    "forbidden", "plan does not include it")]
#[case::unpaid(json!({}), Some(("/search", said(402, "api_plan_restricted", "Active subscription needed."))),
    "forbidden", "Active subscription needed")]
#[case::wrong_address(json!({}), Some(("/admins", Fault::Answer(Reply::text(200, "text/html", "<!DOCTYPE html>Shop")))),
    "schema", "a web page instead of JSON")]
#[case::throttled(json!({}), Some(("/search", throttled())), "throttled", "it wants none before 2026-11-20T09:00:10Z")]
#[case::maintenance(json!({}), Some(("/search", Fault::Answer(Reply::maintenance()))), "failing", "the server failed (503)")]
#[case::truncated(json!({}), Some(("/search", Fault::Truncated)), "schema", "ends too early")]
#[case::refused(json!({}), Some(("/search", said(400, "parameter_invalid", "state is not a valid search field"))),
    "unsupported", "state is not a valid search field")]
#[case::null_list(json!({}), Some(("/search", Fault::edited(|body| body["conversations"] = Value::Null))), "schema", "conversations")]
#[case::renamed_list(json!({}), Some(("/search", Fault::edited(|body| *body = json!({"data": []})))),
    "schema", "missing field `conversations`")]
#[case::renamed_state(json!({}), Some(("/search", without("state"))), "schema", "the first: missing field `state`")]
#[case::renamed_holder(json!({}), Some(("/search", without("admin_assignee_id"))),
    "schema", "no record has the field `admin_assignee_id`")]
#[case::renamed_wait(json!({}), Some(("/search", without("waiting_since"))), "schema", "the field `waiting_since`")]
#[case::no_times(json!({}), Some(("/search", rows(|row| row["created_at"] = Value::Null))), "schema", "expected a time")]
#[case::loop_of_pages(json!({}), Some(("/search", Fault::edited(|body| {
    body["pages"]["next"] = json!({"per_page": 150, "starting_after": "[0,0]"});
    body["conversations"] = json!([{"id": 1, "created_at": 1, "state": "open"}]);
}))), "schema", "leads to the same page again")]
#[tokio::test]
async fn a_first_read_that_fails_says_why(
    #[case] settings: Value,
    #[case] fault: Option<(&'static str, Fault)>,
    #[case] word: &str,
    #[case] words: &str,
) {
    let error = error_of(settings, fault).await;
    let text = error.to_string();
    assert_eq!(error.word(), word, "{text}");
    assert!(text.contains(words) && !text.contains(TOKEN), "{text}");
}

/// A fault, given the number of the first open chat.
type Wrong = fn(u64) -> (&'static str, Fault);

/// Reads all with a fault, and gives how many active conversations are missing and what was skipped.
async fn told(fault: Wrong) -> (usize, u64, Vec<String>) {
    let simulator = small().await;
    let open: Vec<u64> = simulator.inside().world.open().map(|chat| chat.number).collect();
    let (words, fault) = fault(open[0]);
    simulator.fault(words, fault);
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (mut skipped, mut reasons) = (0, Vec::new());
    // As long as it takes to find out that a record is told once only.
    for _ in 0..60 {
        let batch = watch.poll().await.unwrap();
        skipped += batch.skipped_total;
        reasons.extend(batch.skipped.into_iter().map(|one| format!("{}: {}", one.place, one.reason)));
        let now = simulator.inside().world.now;
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        assert!(simulator.inside().world.now > now);
    }
    let is_told = |number: &&u64| watch.of(&number.to_string()).iter().any(|event| event["type"] == "opened");
    (open.iter().filter(|number| !is_told(number)).count(), skipped, reasons)
}

#[rstest]
#[case("ids as numbers", |_| ("conversations", rows(|row| {
    row["id"] = row["id"].as_str().unwrap().parse::<u64>().unwrap().into();
    row["admin_assignee_id"] = row["admin_assignee_id"].to_string().into();
})), 0, 0, "")]
#[case("nulls", |_| ("conversations", rows(|row| {
    for key in ["title", "contacts", "source", "tags", "statistics", "updated_at", "linked_objects", "priority"] {
        row[key] = Value::Null;
    }
})), 0, 0, "")]
#[case("absent", |_| ("conversations", rows(|row| {
    for key in ["title", "contacts", "source", "tags", "statistics", "conversation_rating", "linked_objects"] {
        row.as_object_mut().unwrap().remove(key);
    }
})), 0, 0, "")]
#[case("unknown fields", |_| ("conversations", rows(|row| row["novel"] = json!({"a": [1]}))), 0, 0, "")]
#[case("one bad record", |first: u64| ("conversations", rows(move |row| if is(row, first) { row["created_at"] = "soon".into(); })),
    1, 1, "expected a time")]
#[case("an unknown state", |first: u64| ("conversations", rows(move |row| if is(row, first) { row["state"] = "archived".into(); })),
    1, 1, "at `state`: `archived` is no state that is known")]
#[case("an admin without an id", |_| ("/admins", Fault::edited(|body| body["admins"][0] = json!({"name": "x"}))), 0, 1, "missing field `id`")]
#[case("no reasons for being away", |_| ("/away_status_reasons", said(404, "not_found", "Resource Not Found")), 0, 0, "")]
#[case("a slow server", |_| ("/admins", Fault::Slow(Duration::from_millis(20))), 0, 0, "")]
#[case("every page twice", |_| ("conversations", Fault::edited(|body| {
    if let Some(list) = body.get_mut("conversations").and_then(Value::as_array_mut) {
        list.extend(list.clone());
    }
})), 0, 0, "")]
#[tokio::test]
async fn odd_records_lose_nothing_but_themselves(
    #[case] what: &str,
    #[case] fault: Wrong,
    #[case] lost: usize,
    #[case] skipped: u64,
    #[case] words: &str,
) {
    let (missing, count, reasons) = told(fault).await;
    let reasons = reasons.join("\n");
    assert_eq!((missing, count), (lost, skipped), "{what}: {reasons}");
    assert!(reasons.contains(words) && !reasons.contains(TOKEN), "{what}: {reasons}");
}

#[tokio::test]
async fn a_part_that_cannot_be_read_costs_no_other() {
    let simulator = small().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let chat = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    simulator.fault(
        "GET /conversations/",
        Fault::edited(|body| {
            let odd = json!({"id": "77", "part_type": "comment", "created_at": "soon"});
            body["conversation_parts"]["conversation_parts"].as_array_mut().unwrap().insert(0, odd);
        }),
    );
    simulator.inside().world.happen(Message::public(chat.0, Author::Customer, None));
    let (_, batch) = watch.settle().await;
    assert_eq!(batch.skipped_total, 1, "{batch:?}");
    let asked = watch.of(&chat.1.to_string()).into_iter().rfind(|event| event["type"] == "message").unwrap();
    assert_eq!(asked["from"], "customer");
}

#[tokio::test]
async fn an_empty_account_is_an_empty_board() {
    let simulator = small().await;
    simulator.fault(
        "/search",
        Fault::edited(|body| {
            *body = json!({"type": "conversation.list", "total_count": 0, "conversations": [], "pages": null});
        }),
    );
    simulator.fault("/admins", Fault::edited(|body| body["admins"] = json!([])));
    simulator.fault("/teams", Fault::edited(|body| body["teams"] = json!([])));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(24));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && batch.skipped_total == 0);
    assert_eq!(watch.told.len(), 1, "hello, and nothing else: {:?}", watch.told);
}

#[tokio::test]
async fn a_big_account_is_read_to_its_last_page_though_pages_shift() {
    let big = helptop::source::demo::Params { seed: 1, agents: 30, chats: 900 };
    let simulator = simulator(big, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let open: Vec<_> = simulator.inside().world.open().map(|chat| (chat.id.clone(), chat.number)).collect();
    assert!(open.len() > 300, "{}: of three pages at least", open.len());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.poll().await.unwrap();
    // While the first pages are read: one of the last page changes, one ends, one is deleted.
    simulator.fault("/search", Fault::Slow(Duration::from_millis(300)));
    let poll = tokio::time::timeout(Duration::from_millis(450), watch.poll()).await;
    assert!(poll.is_err(), "dropped in the middle");
    simulator.mend();
    let by = Some(StatusBy::System);
    let of = |nth: usize| open[nth].0.clone();
    simulator.inside().world.happen(Message::public(of(0), Author::Customer, None));
    simulator.inside().world.happen(EventKind::Status {
        conversation: of(1),
        status: Status::Resolved,
        by,
        agent: None,
    });
    simulator.inside().world.delete(open[2].1);
    watch.settle().await;
    for _ in 0..25 {
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
    let last = |number: u64| watch.of(&number.to_string()).into_iter().rfind(|event| event["type"] == "status");
    let is_told = |number: u64| watch.of(&number.to_string()).iter().any(|event| event["type"] == "opened");
    for (nth, (_, number)) in open.iter().enumerate() {
        let is_there = ![1, 2].contains(&nth);
        assert!(is_told(*number) || !is_there, "{number} was lost");
        let ended = last(*number).is_some_and(|event| event["status"] == "closed");
        assert!(ended != is_there || !is_told(*number), "{number}: {:?}", watch.of(&number.to_string()));
    }
}

#[tokio::test]
async fn what_is_deleted_later_is_ended_by_the_next_count() {
    let simulator = small().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let number = simulator.inside().world.open().nth(3).unwrap().number;
    simulator.inside().world.delete(number);
    for _ in 0..25 {
        watch.later(30).await;
    }
    let last = watch.of(&number.to_string()).pop().unwrap();
    assert_eq!((&last["status"], &last["by"]), (&json!("closed"), &json!("system")));
}

#[tokio::test]
async fn a_look_is_dated_by_the_clock_of_the_server() {
    for skew in [-90, 90] {
        let simulator = small().await;
        simulator.inside().skew = TimeDelta::seconds(skew);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let seen =
            watch.told.iter().filter(|event| matches!(event.kind, EventKind::Presence { .. })).filter_map(|e| e.at);
        assert_eq!(seen.max(), Some(simulator.inside().world.now + TimeDelta::seconds(skew)));
    }
}

#[tokio::test]
async fn a_key_without_tickets_is_told_so() {
    let simulator = simulator(SMALL, Workspace { reads_tickets: false, ..Workspace::usual() }).await;
    let findings = source(&simulator, &json!({}), Duration::ZERO).check(start()).await.unwrap();
    let bad: Vec<_> = findings.iter().filter(|finding| finding.good == Some(false)).collect();
    assert_eq!(bad.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>(), ["tickets"], "{findings:?}");
    assert!(bad[0].hint.as_ref().unwrap().contains("Read tickets"));
}

#[tokio::test]
async fn the_version_is_asked_for_with_each_request() {
    let simulator = small().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    watch.later(700).await;
    let inside = simulator.inside();
    assert!(inside.log.len() > 10);
    assert!(inside.log.iter().all(|asked| asked.header("intercom-version") == Some("2.16")));
}

#[tokio::test]
async fn a_vendor_that_refuses_a_question_about_ratings_or_the_past_is_asked_the_rest() {
    for refuses in ["statistics.last_close_at", "conversation_rating.replied_at"] {
        let simulator = simulator(SMALL, Workspace { refuses, ..Workspace::usual() }).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let mut source = source(&simulator, &json!({}), Duration::from_hours(6));
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let mut reasons = Vec::new();
        for _ in 0..90 {
            let now = simulator.inside().world.now;
            simulator.advance(now + TimeDelta::seconds(20));
            reasons.extend(watch.poll().await.unwrap().skipped);
        }
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].reason.contains("can't be asked"), "{reasons:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (settings, words) in [
        (json!({"token": ""}), "token: is missing"),
        (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
        (json!({"token": 5}), "token: "),
    ] {
        let error = Intercom::new(&spec("https://desk.example.com", &settings, Duration::ZERO), Limits::default());
        assert!(error.as_ref().is_err_and(|error| error.contains(words)), "{settings}: {error:?}");
    }
}
