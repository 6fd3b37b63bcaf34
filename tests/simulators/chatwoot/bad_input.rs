//! Keys, servers and records that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Capability, EventKind, Status, StatusBy};
use helptop::source::SourceError;
use helptop::source::chatwoot::Chatwoot;
use helptop::source::http::Limits;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Installation, SMALL, TOKEN, simulator, source, spec, status_of};
use crate::agree::{Watch, start};
use crate::server::{Fault, Reply, Simulator};

async fn small() -> Simulator {
    let simulator = simulator(SMALL, Installation::usual()).await;
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

/// Changes each row of a list.
fn rows(edit: impl Fn(&mut Value) + Send + 'static) -> Fault {
    Fault::rows("/data/payload", edit)
}

#[rstest]
#[case(json!({"token": "wrong"}), None, "auth", "Invalid Access Token")]
#[case(json!({}), Some(("/agents", Fault::said(401, r#"{"error":"You are not authorized to do this action"}"#))),
    "forbidden", "make the key with an administrator")]
#[case(json!({}), Some(("/profile", Fault::said(401, r#"{"error":"Account is suspended"}"#))), "forbidden", "suspended")]
#[case(json!({}), Some(("/profile", Fault::said(404, "<html>"))), "unsupported", "is base_url right?")]
#[case(json!({}), Some(("/profile", Fault::Answer(Reply::text(200, "text/html", "<!DOCTYPE html><title>Shop</title>")))),
    "schema", "a web page instead of JSON")]
#[case(json!({"account": 7}), None, "unsupported", "does not see account 7, but 1 (ACME)")]
#[case(json!({"inboxes": ["phone", "fax"]}), None, "unsupported", "no inbox `fax`")]
#[case(json!({}), Some(("/profile", Fault::edited(|body| body["accounts"] = json!([])))), "unsupported", "sees no account")]
#[case(json!({}), Some(("/profile", Fault::edited(|body| body["accounts"] = json!([{"id": 1, "name": "A"}, {"id": "2"}])))),
    "unsupported", "set `account` to one of 1 (A), 2 ()")]
#[case(json!({}), Some(("/conversations", Fault::Answer(Reply::text(429, "text/plain", "Retry later\n")))),
    "throttled", "it wants none before 2026-11-20T09:01:00Z")]
#[case(json!({}), Some(("/conversations", Fault::Answer(Reply::maintenance()))), "failing", "the server failed (503)")]
#[case(json!({}), Some(("/conversations", Fault::said(500, ""))), "failing", "(500)")]
#[case(json!({}), Some(("/conversations", Fault::Truncated)), "schema", "ends too early")]
#[case(json!({}), Some(("/conversations", Fault::edited(|body| body["data"]["payload"] = Value::Null))), "schema", "data.payload")]
#[case(json!({}), Some(("/conversations", Fault::edited(|body| *body = json!({"payload": []})))), "schema", "missing field `data`")]
#[case(json!({}), Some(("/conversations", rows(|row| { row.as_object_mut().unwrap().remove("status"); }))),
    "schema", "no record can be read; the first: missing field `status`")]
#[case(json!({}), Some(("/conversations", rows(|row| row["created_at"] = Value::Null))), "schema", "`created_at`: is empty")]
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

/// Reads all, with a fault for a while, and gives the board's open chats and what was skipped.
async fn told(fault: Wrong) -> (usize, u64, Vec<String>) {
    let simulator = small().await;
    let open = simulator.inside().world.open().count();
    let first = simulator.inside().world.open().next().unwrap().number;
    let (words, fault) = fault(first);
    simulator.fault(words, fault);
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (mut skipped, mut reasons) = (0, Vec::new());
    for _ in 0..100 {
        let batch = watch.poll().await.unwrap();
        skipped += batch.skipped_total;
        reasons.extend(batch.skipped.into_iter().map(|one| format!("{}: {}", one.place, one.reason)));
        if !batch.more {
            break;
        }
    }
    let opened = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
    (open - opened, skipped, reasons)
}

#[rstest]
#[case("ids as text", |_| ("conversations", rows(|row| {
    row["id"] = row["id"].to_string().into();
    row["inbox_id"] = row["inbox_id"].to_string().into();
})), 0, 0, "")]
#[case("instants as text", |_| ("conversations", rows(|row| {
    row["created_at"] = row["created_at"].to_string().into();
    row["updated_at"] = "2026-11-20T08:00:00.5Z".into();
})), 0, 0, "")]
#[case("nulls", |_| ("conversations", rows(|row| {
    for key in ["labels", "priority", "additional_attributes", "messages", "last_non_activity_message", "updated_at"] {
        row[key] = Value::Null;
    }
    for key in ["sender", "assignee", "team"] {
        row["meta"][key] = Value::Null;
    }
})), 0, 0, "")]
#[case("unknown fields", |_| ("conversations", rows(|row| row["novel"] = json!({"a": [1]}))), 0, 0, "")]
#[case("one bad record", |first| ("conversations", rows(move |row| if row["id"] == first { row["id"] = json!([1]); })), 1, 1,
    "data.payload[0], id [1]: at `id`: a number or text")]
#[case("an unknown status", |first| ("conversations", rows(move |row| if row["id"] == first { row["status"] = "archived".into(); })),
    1, 1, "at `status`: `archived` is no status that is known")]
#[case("a message without a time", |_| ("/messages", Fault::edited(|body| {
    body["payload"][0]["created_at"] = "soon".into();
})), 0, 8, "`soon` is no time")]
#[case("a slow server", |_| ("/agents", Fault::Slow(Duration::from_millis(20))), 0, 0, "")]
#[case("no ratings", |_| ("csat", Fault::said(404, "{}")), 0, 0, "")]
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
    assert_eq!(missing, lost, "{what}: {reasons}");
    // How many threads are read depends on the desk; that each bad one is told is what counts.
    assert!(if skipped > 1 { count > 1 } else { count == skipped }, "{what}: {count} {reasons}");
    assert!(reasons.contains(words) && !reasons.contains(TOKEN), "{what}: {reasons}");
}

#[tokio::test]
async fn an_unreadable_record_is_told_once() {
    let simulator = small().await;
    let first = simulator.inside().world.open().next().unwrap().number;
    simulator.fault(
        "conversations",
        rows(move |row| {
            if row["id"] == first {
                row["created_at"] = "soon".into();
            }
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let mut skipped = 0;
    for _ in 0..60 {
        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::seconds(30));
        skipped += watch.poll().await.unwrap().skipped_total;
    }
    assert_eq!(skipped, 1);
}

#[tokio::test]
async fn an_empty_account_is_an_empty_board() {
    let simulator = small().await;
    simulator.fault(
        "conversations",
        Fault::edited(|body| {
            *body = json!({"meta": {"all_count": 0}, "data": {"meta": {"all_count": 0}, "payload": []}});
        }),
    );
    for words in ["/agents", "/teams", "csat"] {
        simulator.fault(words, Fault::edited(|body| *body = json!([])));
    }
    let mut source = source(&simulator, &json!({}), Duration::from_hours(24));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && batch.skipped_total == 0);
    assert_eq!(watch.told.len(), 1, "hello, and nothing else: {:?}", watch.told);
}

#[tokio::test]
async fn a_key_without_rights_tells_what_it_may() {
    let simulator = simulator(SMALL, Installation { role: "agent", ..Installation::usual() }).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut agents = source(&simulator, &json!({}), Duration::ZERO);
    let findings = agents.check(start()).await.unwrap();
    let bad: Vec<&str> = findings.iter().filter(|f| f.good == Some(false)).map(|f| f.what.as_str()).collect();
    assert_eq!(bad, ["role", "clock", "ratings"], "{findings:?}");
    assert!(findings.iter().all(|finding| !format!("{finding:?}").contains(TOKEN)));
    let mut watch = Watch::new(agents.as_mut(), &simulator);
    watch.settle().await;
    let EventKind::Hello { capabilities, .. } = &watch.told[0].kind else { panic!("{:?}", watch.told[0]) };
    assert!(!capabilities.contains(&Capability::Ratings) && capabilities.contains(&Capability::Presence));
}

#[tokio::test]
async fn a_good_key_is_told_so() {
    let simulator = small().await;
    let now = simulator.inside().world.now;
    let findings = source(&simulator, &json!({}), Duration::ZERO).check(now).await.unwrap();
    assert!(findings.iter().all(|finding| finding.good != Some(false)), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.what == "conversations" && finding.says.ends_with(" open")));
}

#[tokio::test]
async fn records_that_move_or_go_while_they_are_read_are_neither_lost_nor_doubled() {
    let simulator = simulator(crate::agree::params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.poll().await.unwrap();
    // Between two parts of the walk, one of the first page ends and one is deleted.
    watch.poll().await.unwrap();
    let (ended, deleted) = {
        let inside = simulator.inside();
        let mut open =
            inside.world.open().filter(|chat| status_of(chat) == "open").map(|chat| (chat.number, chat.id.clone()));
        (open.next().unwrap(), open.next().unwrap())
    };
    simulator.inside().world.delete(deleted.0);
    let by = Some(StatusBy::System);
    simulator.inside().world.happen(EventKind::Status {
        conversation: ended.1,
        status: Status::Resolved,
        by,
        agent: None,
    });
    watch.settle().await;
    let is_open: Vec<u64> = simulator.inside().world.open().map(|chat| chat.number).collect();
    for number in &is_open {
        let opened = watch.of(&number.to_string()).iter().filter(|event| event["type"] == "opened").count();
        assert!(opened >= 1, "{number} was lost");
    }
    watch.later(30).await;
    for number in [ended.0, deleted.0] {
        let status = watch.of(&number.to_string()).iter().rev().find(|e| e["type"] == "status").cloned();
        let told = watch.of(&number.to_string()).iter().any(|event| event["type"] == "opened");
        assert!(
            !told || status.is_some_and(|e| ["resolved", "closed"].contains(&e["status"].as_str().unwrap())),
            "{number}"
        );
    }
}

#[tokio::test]
async fn what_is_deleted_later_is_ended_by_the_next_walk() {
    let simulator = small().await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let number = simulator.inside().world.open().nth(3).unwrap().number;
    simulator.inside().world.delete(number);
    let ended = |watch: &Watch<'_>| {
        watch
            .of(&number.to_string())
            .iter()
            .any(|e| e["type"] == "status" && e["status"] == "closed" && e["by"] == "system")
    };
    for _ in 0..40 {
        watch.later(30).await;
    }
    assert!(ended(&watch), "{:?}", watch.of(&number.to_string()));
}

#[tokio::test]
async fn a_look_is_dated_by_the_clock_of_the_server() {
    for skew in [-90, 90] {
        let simulator = small().await;
        simulator.inside().skew = TimeDelta::seconds(skew);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let looked_at =
            watch.told.iter().filter(|event| matches!(event.kind, EventKind::Presence { .. })).filter_map(|e| e.at);
        let expected = simulator.inside().world.now + TimeDelta::seconds(skew);
        assert_eq!(looked_at.max(), Some(expected));
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (settings, words) in [
        (json!({"token": ""}), "token: is missing"),
        (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
        (json!({"requests_per_minute": 5}), "requests_per_minute: is 5"),
        (json!({"account": "one"}), "account: "),
    ] {
        let error = Chatwoot::new(&spec("https://desk.example.com", &settings, Duration::ZERO), Limits::default());
        assert!(error.as_ref().is_err_and(|error| error.contains(words)), "{settings}: {error:?}");
    }
}
