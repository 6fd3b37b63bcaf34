//! Keys, servers and records of Callbell that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::EventKind;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Account, TOKEN, limiter, source, uuid};
use crate::agree::Watch;
use crate::bad::Line::{Absent, NovelWord, OtherIds, Own, Plan, Throttled, WeakKey};
use crate::bad::{
    Bad, Case, Looks, answer, each, emptied, fails, fails_as, few, is_taken, loses, lost, never, no_time,
    no_time_of_message, renamed, reply, rows, wrong_address, wrong_token,
};
use crate::server::{Fault, Simulator};

pub fn table() -> Bad {
    let nothing = |words, list: &'static str| {
        (words, Fault::edited(move |body| *body = json!({list: [], "meta": {"page": 1, "pages": 0}})))
    };
    Bad {
        settings: |base| json!({"base_url": format!("{base}/v1"), "token": TOKEN}),
        chats: ("/contacts?", "/contacts", "uuid"),
        no_list: ["contacts", "missing field `contacts`"],
        may_lack: &["name", "phoneNumber", "source", "createdAt", "blockedAt", "assignedUser", "team", "tags", "href"],
        cases: [failures(), oddities()],
        empty: vec![nothing("/contacts", "contacts"), nothing("/teams?", "teams"), nothing("/members", "users")],
        paged: |world| Box::pin(Simulator::start(world, Account::usual())),
        missed: 10,
        looks: Looks::Server(Some(("/members", Fault::rows("/users", |one| one["lastUpdatedAt"] = Value::Null)))),
        weak: &[],
        refused: vec![(json!({"token": ""}), "token: is missing"), (json!({"unassigned": "nobody"}), "unassigned: ")],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let plan = r#"{"message":"API not included in your plan"}"#;
    vec![
        wrong_token("Unauthorized"),
        never(WeakKey, "there is one sort of keys", |bench| bench.weak.is_none()),
        fails(Plan, answer("/contacts", 403, plan), "API not included in your plan"),
        wrong_address("/contacts", "{}"),
        fails(Throttled, reply("/contacts", limiter().beyond), "too many requests"),
        fails_as("failing", Own, answer("/messages", 500, ""), "(500)"),
        renamed("uuid", "no record can be read; the first: missing field `uuid`"),
        emptied("uuid", "no record can be read"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    vec![
        is_taken(Absent, each(|row| *row = json!({"uuid": row["uuid"], "closedAt": row["closedAt"]}))),
        is_taken(NovelWord, rows("/messages", "/messages", |one| one["status"] = "reaction".into())),
        is_taken(NovelWord, each(|row| row["source"] = "tiktok".into())),
        no_time("closedAt", "at `closedAt`: expected a time or null"),
        no_time_of_message("/messages", "/messages/0/createdAt", "GET /v1/contacts/:uuid/messages"),
        never(OtherIds, "no id can be written as a number", |_| uuid(1).parse::<u64>().is_err()),
        is_taken(
            Own,
            each(|row| {
                row["tags"] = "refund vip".into();
                row["team"] = json!([1]);
                row["createdAt"] = "2024-11-22 21:29:43 +0100".into();
            }),
        ),
        is_taken(Own, rows("/messages", "/messages", |one| one["text"] = Value::Null)),
        loses(
            Own,
            rows("/members", "/users", |one| {
                *one = json!({"email": one["email"], "available": null, "lastUpdateAt": one["lastUpdatedAt"]});
            }),
            0,
            1,
            "at `available`: expected true or false",
        ),
        is_taken(Own, answer("after=", 400, r#"{"error":"Invalid pagination cursor"}"#)),
    ]
}

pub async fn small(account: Account) -> Simulator {
    let simulator = few(account).await;
    simulator.inside().limiter = Some(limiter());
    simulator
}

#[rstest]
#[case::no_tokens(Account { cursors: false, ..Account::usual() })]
#[case::no_word_of_pages(Account { cursors: false, meta: false, ..Account::usual() })]
#[case::rows_that_do_not_say_what_is_closed(Account { short_rows: true, ..Account::usual() })]
#[case::small_pages_of_messages(Account { messages: 2, ..Account::usual() })]
#[tokio::test]
async fn what_an_answer_may_lack_loses_nothing(#[case] account: Account) {
    let simulator = small(account).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    assert_eq!((lost(&mut watch, &super::bench()).await, watch.skipped), (0, 0));
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
        simulator.fault("/contacts", Fault::rows("/contacts", |row| row["assignedUser"] = Value::Null));
        let now = simulator.inside().world.now;
        let findings = source(&simulator, &settings, Duration::ZERO).check(now).await.unwrap();
        let assignment = findings.iter().find(|finding| finding.what == "assignment").unwrap();
        assert_eq!(assignment.hint.is_some(), is_asked, "{assignment:?}");
    }
}
