//! Keys, servers and records that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::EventKind;
use helptop::source::SourceError;
use helptop::source::callbell::Callbell;
use helptop::source::http::Limits;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Account, SMALL, TOKEN, simulator, source, spec, uuid};
use crate::agree::{Watch, start};
use crate::server::{Fault, Reply, Simulator};

pub async fn small(account: Account) -> Simulator {
    let simulator = simulator(SMALL, account).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

/// The error of a first read with these settings and this fault.
async fn error_of(settings: Value, fault: Option<(&'static str, Fault)>) -> SourceError {
    let simulator = small(Account::usual()).await;
    if let Some((words, fault)) = fault {
        simulator.fault(words, fault);
    }
    let mut source = source(&simulator, &settings, Duration::ZERO);
    Watch::new(source.as_mut(), &simulator).first_error().await
}

/// Changes each contact of a list, or each message of one.
fn each(list: &'static str, edit: impl Fn(&mut Value) + Send + 'static) -> Fault {
    Fault::edited(move |body| body[list].as_array_mut().into_iter().flatten().for_each(&edit))
}

#[rstest]
#[case::wrong_key(json!({"token": "wrong-key-0815"}), None, "auth", "Unauthorized")]
#[case::no_right(json!({}), Some(("/contacts", Fault::said(403, r#"{"message":"API not included in your plan"}"#))),
    "forbidden", "API not included in your plan")]
#[case::elsewhere(json!({}), Some(("/teams", Fault::said(404, "{}"))), "unsupported", "is base_url right?")]
#[case::login_page(json!({}), Some(("/teams", Fault::Answer(Reply::text(200, "text/html", "<!DOCTYPE html><title>Shop</title>")))),
    "schema", "a web page instead of JSON")]
#[case::throttled(json!({}), Some(("/contacts", Fault::Answer(crate::callbell::limiter().beyond))), "throttled", "too many requests")]
#[case::maintenance(json!({}), Some(("/contacts", Fault::Answer(Reply::maintenance()))), "failing", "the server failed (503)")]
#[case::broken(json!({}), Some(("/messages", Fault::said(500, ""))), "failing", "(500)")]
#[case::truncated(json!({}), Some(("/contacts", Fault::Truncated)), "schema", "ends too early")]
#[case::null(json!({}), Some(("/contacts?", Fault::edited(|body| body["contacts"] = Value::Null))), "schema", "contacts")]
#[case::renamed_list(json!({}), Some(("/contacts?", Fault::edited(|body| *body = json!({"people": []})))), "schema",
    "missing field `contacts`")]
#[case::renamed_field(json!({}), Some(("/contacts?", each("contacts", |row| { row.as_object_mut().unwrap().remove("uuid"); }))),
    "schema", "no record can be read; the first: missing field `uuid`")]
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
    assert!(text.contains(words) && !text.contains(TOKEN) && !text.contains("0815"), "{text}");
}

/// A fault, given the id of the first open chat.
type Wrong = fn(String) -> (&'static str, Fault);

/// Reads all with a fault; gives how many open chats were not told, how many records were skipped, and why.
async fn told(account: Account, fault: Option<Wrong>) -> (usize, u64, String) {
    let simulator = small(account).await;
    let open: Vec<String> = simulator.inside().world.open().map(|chat| uuid(chat.number)).collect();
    if let Some(fault) = fault {
        let (words, fault) = fault(open[0].clone());
        simulator.fault(words, fault);
    }
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (mut skipped, mut reasons) = (0, String::new());
    for _ in 0..100 {
        let batch = watch.poll().await.unwrap();
        skipped += batch.skipped_total;
        reasons.extend(batch.skipped.into_iter().map(|one| format!("{}: {}\n", one.place, one.reason)));
        if !batch.more {
            break;
        }
    }
    let opened = |id: &String| watch.of(id).iter().any(|event| event["type"] == "opened");
    (open.iter().filter(|id| !opened(id)).count(), skipped, reasons)
}

#[rstest]
#[case::nulls(|_| ("/contacts?", each("contacts", |row| {
    for key in ["name", "phoneNumber", "source", "createdAt", "blockedAt", "assignedUser", "team", "tags", "href"] {
        row[key] = Value::Null;
    }
})), 0, 0, "")]
#[case::absent(|_| ("/contacts?", each("contacts", |row| {
    *row = json!({"uuid": row["uuid"], "closedAt": row["closedAt"]});
})), 0, 0, "")]
#[case::other_shapes(|_| ("/contacts?", each("contacts", |row| {
    row["tags"] = "refund vip".into();
    row["team"] = json!([1]);
    row["createdAt"] = "2024-11-22 21:29:43 +0100".into();
    row["novel"] = json!({"a": [1]});
    row["source"] = "tiktok".into();
})), 0, 0, "")]
#[case::one_bad_record(|first: String| ("/contacts?", each("contacts", move |row| if row["uuid"] == *first {
    row["closedAt"] = "soon".into();
})), 1, 1, "at `closedAt`: expected a time or null")]
#[case::a_message_without_a_time(|_| ("/messages", Fault::edited(|body| body["messages"][0]["createdAt"] = "soon".into())), 0, 2,
    "GET /v1/contacts/:uuid/messages")]
#[case::words_of_messages_that_are_not_known(|_| ("/messages", each("messages", |one| one["status"] = "reaction".into())),
    0, 0, "")]
#[case::no_words(|_| ("/messages", each("messages", |one| one["text"] = Value::Null)), 0, 0, "")]
#[case::members_without_a_state(|_| ("/members", each("users", |one| {
    *one = json!({"email": one["email"], "available": null, "lastUpdateAt": one["lastUpdatedAt"]});
})), 0, 0, "")]
#[case::a_token_that_is_refused(|_| ("after=", Fault::said(400, r#"{"error":"Invalid pagination cursor"}"#)), 0, 0, "")]
#[case::a_slow_server(|_| ("/teams", Fault::Slow(Duration::from_millis(20))), 0, 0, "")]
#[tokio::test]
async fn odd_records_lose_nothing_but_themselves(
    #[case] fault: Wrong,
    #[case] lost: usize,
    #[case] skipped: u64,
    #[case] words: &str,
) {
    let (missing, count, reasons) = told(Account::usual(), Some(fault)).await;
    // How many chats are read depends on the desk; that each bad message is told is what counts.
    assert!(missing == lost && count.min(2) == skipped, "{missing} {count} {reasons}");
    assert!(reasons.contains(words) && !reasons.contains(TOKEN), "{reasons}");
}

#[rstest]
#[case::no_tokens(Account { cursors: false, ..Account::usual() })]
#[case::no_word_of_pages(Account { cursors: false, meta: false, ..Account::usual() })]
#[case::rows_that_do_not_say_what_is_closed(Account { short_rows: true, ..Account::usual() })]
#[case::small_pages_of_messages(Account { messages: 2, ..Account::usual() })]
#[tokio::test]
async fn what_an_answer_may_lack_loses_nothing(#[case] account: Account) {
    assert_eq!(told(account, None).await, (0, 0, String::new()));
}

#[tokio::test]
async fn behind_the_last_page_that_numbers_reach_nothing_is_read_and_the_rest_goes_on() {
    let simulator = small(Account { cursors: false, ..Account::usual() }).await;
    simulator.fault("page=3", Fault::said(400, r#"{"error":"Pagination limit exceeded"}"#));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && watch.told.iter().any(|event| matches!(event.kind, EventKind::Opened(_))));
}

#[tokio::test]
async fn a_server_that_gives_the_same_page_again_and_again_comes_to_an_end() {
    let simulator = small(Account::usual()).await;
    let rows: Vec<Value> = (1..=20).map(|nth| json!({"uuid": uuid(nth), "closedAt": "2026-11-19T08:00:00Z"})).collect();
    simulator.fault("/contacts?", Fault::edited(move |body| *body = json!({"contacts": rows})));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (requests, batch) = watch.settle().await;
    assert!(!batch.partial && requests < 100, "{requests}");
}

#[tokio::test]
async fn an_unreadable_record_is_told_once() {
    let simulator = small(Account::usual()).await;
    let first = uuid(simulator.inside().world.open().next().unwrap().number);
    simulator.fault(
        "/contacts?",
        each("contacts", move |row| {
            if row["uuid"] == *first {
                row["closedAt"] = "soon".into();
            }
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let mut skipped = 0;
    for _ in 0..40 {
        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::seconds(60));
        skipped += watch.poll().await.unwrap().skipped_total;
    }
    assert_eq!(skipped, 1);
}

#[tokio::test]
async fn an_empty_account_is_an_empty_board() {
    let simulator = small(Account::usual()).await;
    for (words, list) in [("/contacts", "contacts"), ("/teams?", "teams"), ("/members", "users")] {
        simulator.fault(words, Fault::edited(move |body| *body = json!({list: [], "meta": {"page": 1, "pages": 0}})));
    }
    let mut source = source(&simulator, &json!({}), Duration::from_hours(24));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial && batch.skipped_total == 0);
    assert_eq!(watch.told.len(), 1, "hello, and nothing else: {:?}", watch.told);
    simulator.mend();
    watch.later(60).await;
    let opened = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
    assert!(opened > 5, "the first ones that come are seen");
}

#[tokio::test]
async fn a_look_is_dated_by_the_clock_of_the_server() {
    for skew in [-90, 90] {
        let simulator = small(Account::usual()).await;
        simulator.inside().skew = TimeDelta::seconds(skew);
        simulator.fault("/members", each("users", |one| one["lastUpdatedAt"] = Value::Null));
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let at = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Presence { .. }));
        let expected = simulator.inside().world.now + TimeDelta::seconds(skew);
        assert_eq!(at.filter_map(|event| event.at).max(), Some(expected));
    }
}

#[tokio::test]
async fn a_check_names_what_is_not_as_it_should_be() {
    let simulator = small(Account { short_rows: true, ..Account::usual() }).await;
    simulator.inside().skew = TimeDelta::seconds(90);
    simulator.fault("/members", Fault::said(403, r#"{"message":"not in your plan"}"#));
    let now = simulator.inside().world.now;
    let findings = source(&simulator, &json!({}), Duration::ZERO).check(now).await.unwrap();
    let bad: Vec<&str> = findings.iter().filter(|f| f.good == Some(false)).map(|f| f.what.as_str()).collect();
    assert_eq!(bad, ["clock", "teams and presence"], "{findings:?}");
    let contacts = findings.iter().find(|finding| finding.what == "contacts").unwrap();
    assert!(contacts.says.contains("does not say which are closed"), "{contacts:?}");
    assert!(!format!("{findings:?}").contains(TOKEN), "the answer about the key echoes it");
}

#[tokio::test]
async fn a_check_asks_whether_agents_answer_without_assigning() {
    for (settings, is_asked) in [(json!({}), true), (json!({"unassigned": "answers"}), false)] {
        let simulator = small(Account::usual()).await;
        simulator.fault("/contacts", each("contacts", |row| row["assignedUser"] = Value::Null));
        let now = simulator.inside().world.now;
        let findings = source(&simulator, &settings, Duration::ZERO).check(now).await.unwrap();
        let assignment = findings.iter().find(|finding| finding.what == "assignment").unwrap();
        assert_eq!(assignment.hint.is_some(), is_asked, "{assignment:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    for (settings, words) in [
        (json!({"token": ""}), "token: is missing"),
        (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
        (json!({"unassigned": "nobody"}), "unassigned: "),
    ] {
        let error = Callbell::new(&spec("https://api.example.com", &settings, Duration::ZERO), Limits::default());
        assert!(error.as_ref().is_err_and(|error| error.contains(words)), "{settings}: {error:?}");
    }
}
