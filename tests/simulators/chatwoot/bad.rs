//! Keys, servers and records of Chatwoot that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Capability, ConversationId, EventKind, Timestamp};
use serde_json::{Value, json};

use super::{Installation, SMALL, TOKEN, simulator, source};
use crate::agree::{Watch, start};
use crate::bad::Line::{
    Absent, BadRecord, FieldNull, FieldRenamed, ListNull, ListRenamed, NovelWord, Nulls, Own, Plan, Throttled, WeakKey,
    WrongAddress, WrongKey,
};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, WRONG_KEY, answer, each, edited, fails, is_taken, loses, nulls, one, reply, without,
};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

pub fn table() -> Bad {
    let list = json!({"meta": {"all_count": 0}, "data": {"meta": {"all_count": 0}, "payload": []}});
    let nothing = |words| (words, Fault::edited(|body| *body = json!([])));
    Bad {
        settings: |base| json!({"base_url": base, "token": TOKEN}),
        chats: ("/conversations", "/data/payload", "id"),
        cases: failures().into_iter().chain(oddities()).collect(),
        empty: vec![
            ("conversations", Fault::edited(move |body| *body = list.clone())),
            nothing("/agents"),
            nothing("/teams"),
            nothing("csat"),
        ],
        paged: |world| Box::pin(Simulator::start(world, Installation::usual())),
        missed: 40,
        names_anew: false,
        looks: Looks::Server(None),
        weak: &[("role", Some(false), ""), ("ratings", Some(false), "")],
        refused: vec![
            (json!({"token": ""}), "token: is missing"),
            (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
            (json!({"requests_per_minute": 5}), "requests_per_minute: is 5"),
            (json!({"account": "one"}), "account: "),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let key_less = r#"{"error":"You are not authorized to do this action"}"#;
    let accounts = |accounts: Value| edited("/profile", move |body| body["accounts"] = accounts.clone());
    vec![
        fails(WrongKey, Setting(json!({"token": WRONG_KEY})), "auth", "Invalid Access Token"),
        fails(WeakKey, answer("/agents", 401, key_less), "forbidden", "make the key with an administrator"),
        fails(Plan, answer("/profile", 401, r#"{"error":"Account is suspended"}"#), "forbidden", "suspended"),
        fails(WrongAddress, answer("/profile", 404, "<html>"), "unsupported", "is base_url right?"),
        fails(
            Throttled,
            reply("/conversations", Reply::text(429, "text/plain", "Retry later\n")),
            "throttled",
            "it wants none before 2026-11-20T09:01:00Z",
        ),
        fails(Own, Setting(json!({"account": 7})), "unsupported", "does not see account 7, but 1 (ACME)"),
        fails(Own, Setting(json!({"inboxes": ["phone", "fax"]})), "unsupported", "no inbox `fax`"),
        fails(Own, accounts(json!([])), "unsupported", "sees no account"),
        fails(
            Own,
            accounts(json!([{"id": 1, "name": "A"}, {"id": "2"}])),
            "unsupported",
            "set `account` to one of 1 (A), 2 ()",
        ),
        fails(
            ListNull,
            edited("/conversations", |body| body["data"]["payload"] = Value::Null),
            "schema",
            "data.payload",
        ),
        fails(
            ListRenamed,
            edited("/conversations", |body| *body = json!({"payload": []})),
            "schema",
            "missing field `data`",
        ),
        fails(FieldRenamed, without(&["status"]), "schema", "no record can be read; the first: missing field `status`"),
        fails(FieldNull, nulls(&["created_at"]), "schema", "`created_at`: is empty"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let people = |row: &mut Value| {
        for key in ["sender", "assignee", "team"] {
            row["meta"][key] = Value::Null;
        }
        for key in
            ["labels", "priority", "additional_attributes", "messages", "last_non_activity_message", "updated_at"]
        {
            row[key] = Value::Null;
        }
    };
    vec![
        is_taken(Nulls, each(people)),
        is_taken(
            Absent,
            without(&["labels", "priority", "additional_attributes", "messages", "last_non_activity_message"]),
        ),
        loses(
            NovelWord,
            one(|row| row["status"] = "archived".into()),
            1,
            1,
            "at `status`: `archived` is no status that is known",
        ),
        loses(BadRecord, one(|row| row["id"] = json!([1])), 1, 1, "data.payload[0], id [1]: at `id`: a number or text"),
        loses(BadRecord, one(|row| row["created_at"] = "soon".into()), 1, 1, "`soon` is no time"),
        loses(
            BadRecord,
            edited("/messages", |body| body["payload"][0]["created_at"] = "soon".into()),
            0,
            2,
            "`soon` is no time",
        ),
        is_taken(
            Own,
            each(|row| {
                row["created_at"] = row["created_at"].to_string().into();
                let at = row["updated_at"].as_f64().unwrap();
                row["updated_at"] = Timestamp::from_millis((at * 1000.0) as i64).to_string().into();
            }),
        ),
        is_taken(Own, answer("csat", 404, "{}")),
    ]
}

async fn small() -> Simulator {
    let simulator = simulator(SMALL, Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

#[tokio::test]
async fn a_key_without_rights_tells_what_it_may() {
    let simulator = simulator(SMALL, Installation { role: "agent", ..Installation::usual() }).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut agents = source(&simulator, &json!({}), Duration::ZERO);
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
async fn what_is_deleted_before_its_messages_are_read_is_not_there() {
    let simulator = small().await;
    simulator.fault("/messages", Fault::said(404, r#"{"error":"Resource could not be found"}"#));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let asked: Vec<String> = simulator.asked().into_iter().filter(|line| line.contains("/messages")).collect();
    let active = active(&watch.told);
    let is_asked = |id: &ConversationId| asked.iter().any(|line| line.contains(&format!("/{id}/messages")));
    assert!(!asked.is_empty() && !active.is_empty() && !active.iter().any(is_asked), "{asked:?} {active:?}");
}
