//! Keys, servers and records that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message};
use helptop::source::{Source as _, SourceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::vendor::{KEY, Zammad};
use super::{small, source};
use crate::agree::Watch;
use crate::server::{Fault, Limiter, Reply, Simulator};

async fn desk(vendor: Zammad) -> Simulator {
    Simulator::start(small(), vendor).await
}

/// The error of a first read with these settings and this fault.
async fn error_of(settings: Value, vendor: Zammad, fault: Option<(&'static str, Fault)>) -> SourceError {
    let simulator = desk(vendor).await;
    simulator.inside().faults.extend(fault);
    let mut source = source(&simulator, &settings, Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    for _ in 0..50 {
        if let Err(error) = watch.poll().await {
            return error;
        }
    }
    panic!("no error")
}

fn usual() -> Zammad {
    Zammad::default()
}

fn weak() -> Zammad {
    Zammad { is_agent: false, ..usual() }
}

fn said(status: u16, body: &Value) -> Fault {
    Fault::Answer(Reply::json(status, body))
}

/// Changes the rows of a list, each with its place.
fn rows(edit: impl Fn(usize, &mut Value) + Send + 'static) -> Fault {
    Fault::Edited(Box::new(move |body| {
        body.as_array_mut().into_iter().flatten().enumerate().for_each(|(nth, row)| edit(nth, row));
    }))
}

fn without(key: &'static str) -> Fault {
    rows(move |_, row| {
        row.as_object_mut().unwrap().remove(key);
    })
}

#[rstest]
#[case::wrong_key(json!({"token": "wrong-key"}), usual(), None, "auth", "401")]
#[case::wrong_bearer(json!({"token": null, "oauth_token": "wrong-key"}), usual(), None, "auth", "401")]
#[case::wrong_password(json!({"token": null, "user": "ana", "password": "wrong-key"}), usual(), None, "auth", "401")]
#[case::no_key(json!({}), usual(), Some(("/users/me", said(403, &json!({"error": "Authentication required"})))), "auth",
    "no key reached it")]
#[case::switched_off(json!({}), usual(), Some(("/users/me", said(403, &json!({"error": "API token access disabled!"})))),
    "forbidden", "API token access disabled!")]
#[case::weak_key(json!({}), weak(), None, "forbidden", "Not authorized (user)!")]
#[case::wrong_address(json!({}), usual(), Some(("/users/me", said(404, &json!({})))), "unsupported", "is base_url right?")]
#[case::web_page(json!({}), usual(), Some(("/users/me", Fault::Answer(Reply::text(200, "text/html", "<!DOCTYPE html>")))),
    "schema", "a web page instead of JSON")]
#[case::maintenance(json!({}), usual(), Some(("/tickets/search", Fault::Answer(Reply::maintenance()))), "failing", "503")]
#[case::throttled(json!({}), usual(),
    Some(("/tickets/search", Fault::Answer(Reply::text(429, "text/html", "<html>").with("retry-after", 60)))), "throttled",
    "it wants none before 2026-11-20T10:01:00Z")]
#[case::fault(json!({}), usual(),
    Some(("/tickets/search", said(500, &json!({"error": "Error ID 1a2b: Please contact your administrator."})))), "failing",
    "Error ID 1a2b")]
#[case::cut_off(json!({}), usual(), Some(("/tickets/search", Fault::Truncated)), "schema", "ends too early")]
#[case::other_shape(json!({}), usual(), Some(("/tickets/search", said(200, &json!({"result": []})))), "schema",
    "has no list of records")]
#[case::renamed(json!({}), usual(), Some(("/tickets/search", without("state_id"))), "schema", "missing field `state_id`")]
#[case::missing_contact(json!({}), usual(), Some(("/tickets/search", without("last_contact_customer_at"))), "schema",
    "missing field `last_contact_customer_at`")]
#[case::null(json!({}), usual(), Some(("/tickets/search", rows(|_, row| row["updated_at"] = Value::Null))), "schema",
    "`[0].updated_at`")]
#[case::no_states(json!({}), usual(), Some(("/ticket_states", said(200, &json!([])))), "schema", "no state of tickets")]
#[case::unknown_group(json!({"groups": ["Nowhere"]}), usual(), None, "unsupported", "there is no group `Nowhere`")]
#[case::group_by_name(json!({"groups": ["Billing"]}), Zammad { lists_groups: false, ..usual() }, None, "unsupported",
    "give its number")]
#[tokio::test]
async fn a_first_read_that_fails_says_why(
    #[case] settings: Value,
    #[case] vendor: Zammad,
    #[case] fault: Option<(&'static str, Fault)>,
    #[case] word: &str,
    #[case] words: &str,
) {
    let error = error_of(settings, vendor, fault).await;
    let text = error.to_string();
    assert_eq!(error.word(), word, "{text}");
    assert!(text.contains(words) && !text.contains("wrong-key") && !text.contains(KEY), "{text}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_loses_no_other() {
    let simulator = desk(usual()).await;
    simulator.fault(
        "/tickets/search",
        rows(|nth, row| {
            if nth == 1 {
                row["state_id"] = json!({"is": "odd"});
            }
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    let batch = loop {
        let batch = watch.poll().await.unwrap();
        if batch.skipped_total > 0 {
            break batch;
        }
    };
    let (place, reason) = (&batch.skipped[0].place, &batch.skipped[0].reason);
    assert!(place.starts_with("POST /api/v1/tickets/search [1], id 1"), "{place}");
    assert!(reason.starts_with("at `state_id`: "), "{reason}");
    let opened = batch.events.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
    assert_eq!((opened, batch.skipped_total), (simulator.inside().world.open().count() - 1, 1));
}

#[tokio::test]
async fn an_unknown_state_hides_nobody() {
    let simulator = desk(usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let chat = simulator.inside().world.open().next().unwrap().clone();
    simulator.fault("/tickets/search", rows(|_, row| row["state_id"] = json!(99)));
    simulator.fault("/ticket_history", Fault::Edited(Box::new(|body| body["history"] = json!([]))));
    simulator.inside().world.happen(Message::public(chat.id.clone(), Author::Customer, None));
    simulator.asked();
    watch.settle().await;
    assert!(watch.of(&chat.number.to_string()).iter().all(|event| event["status"] != "closed"));
    assert!(simulator.asked().iter().any(|line| line.contains("ticket_states")), "states are read again");
}

#[tokio::test]
async fn pages_that_repeat_records_tell_them_once() {
    let simulator = desk(usual()).await;
    let twice = |body: &mut Value| {
        if let Some(list) = body.as_array_mut() {
            list.extend(list.clone());
        }
    };
    simulator.fault("/tickets/search", Fault::Edited(Box::new(twice)));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let opened = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Opened(_)));
    let mut ids: Vec<_> = opened.map(|event| event.kind.conversation().unwrap().clone()).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert!(count <= ids.len() * 2 && ids.len() >= simulator.inside().world.open().count());
}

#[tokio::test]
async fn what_is_deleted_between_two_requests_is_ended() {
    let simulator = desk(usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let chat = simulator.inside().world.open().next().unwrap().clone();
    simulator.inside().world.happen(Message::public(chat.id.clone(), Author::Customer, None));
    let gone = || said(404, &json!({"error": "Couldn't find Ticket"}));
    simulator.fault("/ticket_history", gone());
    watch.settle().await;
    let last = watch.of(&chat.number.to_string()).pop().unwrap();
    assert_eq!((&last["status"], &last["by"]), (&json!("closed"), &json!("system")));
}

#[tokio::test]
async fn a_ticket_that_cannot_be_read_holds_up_no_other() {
    let simulator = desk(usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let chats: Vec<_> = simulator.inside().world.open().take(2).map(|chat| (chat.id.clone(), chat.number)).collect();
    for (id, _) in &chats {
        simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    let path: &'static str = format!("ticket_history/{}", chats[0].1).leak();
    simulator.fault(path, said(500, &json!({"error": "Error ID 1"})));
    let before = watch.of(&chats[1].1.to_string()).len();
    assert!(watch.poll().await.is_err());
    let _ = watch.poll().await;
    simulator.mend();
    watch.settle().await;
    assert!(watch.of(&chats[1].1.to_string()).len() > before);
}

#[tokio::test]
async fn a_clock_that_is_ahead_loses_nothing_and_is_told() {
    for skew in [90, -90] {
        let simulator = desk(usual()).await;
        simulator.inside().skew = TimeDelta::seconds(skew);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let now = simulator.inside().world.now;
        let clock = source.check(now).await.unwrap().into_iter().find(|finding| finding.what == "clock").unwrap();
        assert_eq!((clock.good, clock.says), (Some(false), format!("{skew:+} s against this machine")));
        let mut watch = Watch::new(&mut source, &simulator);
        watch.settle().await;
        let chat = simulator.inside().world.open().next().unwrap().clone();
        simulator.inside().world.happen(Message::public(chat.id.clone(), Author::Agent, Some("a1".into())));
        let before = watch.of(&chat.number.to_string()).len();
        watch.settle().await;
        assert!(watch.of(&chat.number.to_string()).len() > before, "{skew}");
    }
}

#[tokio::test]
async fn an_empty_account_is_no_error() {
    let simulator = desk(usual()).await;
    simulator.fault("/tickets/search", said(200, &json!([])));
    simulator.fault("/groups", said(200, &json!([])));
    simulator.fault("/users/search", said(200, &json!([])));
    let mut source = source(&simulator, &json!({}), Duration::from_hours(24));
    let mut watch = Watch::new(&mut source, &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && watch.told.len() == 1, "{:?}", watch.told);
    assert_eq!(watch.later(30).await.0, 1);
}

#[tokio::test]
async fn a_limit_of_a_proxy_is_waited_for_and_nothing_is_lost() {
    let simulator = desk(usual()).await;
    let beyond = Reply::text(429, "text/html", "<html><h1>429 Too Many Requests</h1></html>").with("retry-after", 60);
    simulator.inside().limiter = Some(Limiter::new(5, TimeDelta::minutes(1), [None, None, None], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    let mut throttled = 0;
    let batch = loop {
        match watch.poll().await {
            Ok(batch) if !batch.more => break batch,
            Ok(_) => {}
            Err(SourceError::RateLimited { until, .. }) => {
                throttled += 1;
                simulator.advance(until.unwrap());
            }
            Err(error) => panic!("{error}"),
        }
        assert!(throttled < 200);
    };
    assert!(throttled > 0 && !batch.partial);
}

#[tokio::test]
async fn the_check_says_what_a_key_may_not_read() {
    let find = async |vendor: Zammad| {
        let simulator = desk(vendor).await;
        let now = simulator.inside().world.now;
        let findings = source(&simulator, &json!({}), Duration::ZERO).check(now).await.unwrap();
        let line = |finding: &helptop::source::Finding| format!("{} {:?} {}", finding.what, finding.good, finding.says);
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let good = find(usual()).await;
    for line in
        ["authorised Some(true) token as Wall Board", "tickets Some(true)", "history Some(true)", "presence None"]
    {
        assert!(good.contains(line), "{good}");
    }
    assert!(!good.contains("Some(false)"), "{good}");
    let blind = find(Zammad { lists_groups: false, ..usual() }).await;
    assert!(blind.contains("groups None this key may not list groups (that needs admin.group)"), "{blind}");
    assert!(!blind.contains("Some(false)"), "it goes on without: {blind}");
    let weak = find(weak()).await;
    assert!(weak.contains("agents Some(false)") && weak.contains("Not authorized"), "{weak}");
    let simulator = desk(usual()).await;
    let now = simulator.inside().world.now;
    let error = source(&simulator, &json!({"token": "wrong-key"}), Duration::ZERO).check(now).await.unwrap_err();
    assert_eq!(error.word(), "auth");
}

#[rstest]
#[case(json!({"token": null}), "token: is missing")]
#[case(json!({"token": " "}), "token: is empty")]
#[case(json!({"user": "ana"}), "token: give one of")]
#[case(json!({"token": null, "user": "ana"}), "password: is missing")]
#[case(json!({"token": null, "password": "pw"}), "user: is missing")]
#[case(json!({"token": null, "user": "", "password": "pw"}), "user, password: one of them is empty")]
#[case(json!({"base_url": "http://desk.example.com"}), "base_url: http://")]
#[case(json!({"groups": "Billing"}), "groups: ")]
fn settings_that_cannot_be_are_named(#[case] settings: Value, #[case] words: &str) {
    let mut all = json!({"base_url": "https://desk.example.com", "token": KEY});
    for (key, value) in settings.as_object().unwrap() {
        all[key] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let spec = helptop::source::Spec { name: "desk".into(), backfill: Duration::ZERO, settings: all, base: "".into() };
    let error = super::Source::new(&spec, helptop::source::http::Limits::default()).err().unwrap();
    assert!(error.starts_with(words) && !error.contains("pw"), "{error}");
}
