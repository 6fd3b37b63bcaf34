//! Keys, servers and records of Chatwoot that are not as they should be.

use std::time::Duration;

use helptop::event::{Capability, ConversationId, EventKind, Timestamp};
use serde_json::{Value, json};

use super::{Installation, TOKEN, source};
use crate::agree::Watch;
use crate::bad::Line::{Nulls, Own, Plan, Throttled, WeakKey};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, answer, each, edited, emptied, fails, fails_as, few, is_taken, no_id, no_time,
    no_time_of_message, novel_word, renamed, reply, wrong_address, wrong_token,
};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

pub fn table() -> Bad {
    let list = json!({"meta": {"all_count": 0}, "data": {"meta": {"all_count": 0}, "payload": []}});
    let nothing = |words| (words, Fault::edited(|body| *body = json!([])));
    Bad {
        settings: |base| json!({"base_url": base, "token": TOKEN}),
        chats: ("/conversations", "/data/payload", "id"),
        no_list: ["data.payload", "missing field `payload`"],
        may_lack: &[
            "labels",
            "priority",
            "additional_attributes",
            "messages",
            "last_non_activity_message",
            "updated_at",
        ],
        cases: [failures(), oddities()],
        empty: vec![
            ("conversations", Fault::edited(move |body| *body = list.clone())),
            nothing("/agents"),
            nothing("/teams"),
            nothing("csat"),
        ],
        paged: |world| Box::pin(Simulator::start(world, Installation::usual())),
        missed: 40,
        looks: Looks::Server(None),
        weak: &[("role", Some(false), ""), ("ratings", Some(false), "")],
        refused: vec![
            (json!({"token": ""}), "token: is missing"),
            (json!({"requests_per_minute": 5}), "requests_per_minute: is 5"),
            (json!({"account": "one"}), "account: "),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let key_less = r#"{"error":"You are not authorized to do this action"}"#;
    let unsupported = |wrong, words| fails_as("unsupported", Own, wrong, words);
    let accounts = |accounts: Value| edited("/profile", move |body| body["accounts"] = accounts.clone());
    vec![
        wrong_token("Invalid Access Token"),
        fails(WeakKey, answer("/agents", 401, key_less), "make the key with an administrator"),
        fails(Plan, answer("/profile", 401, r#"{"error":"Account is suspended"}"#), "suspended"),
        wrong_address("/profile", "<html>"),
        fails(
            Throttled,
            reply("/conversations", Reply::text(429, "text/plain", "Retry later\n")),
            "it wants none before 2026-11-20T09:01:00Z",
        ),
        unsupported(Setting(json!({"account": 7})), "does not see account 7, but 1 (ACME)"),
        unsupported(Setting(json!({"inboxes": ["phone", "fax"]})), "no inbox `fax`"),
        unsupported(accounts(json!([])), "sees no account"),
        unsupported(accounts(json!([{"id": 1, "name": "A"}, {"id": "2"}])), "set `account` to one of 1 (A), 2 ()"),
        fails_as(
            "schema",
            Own,
            edited("/conversations", |body| *body = json!({"payload": []})),
            "missing field `data`",
        ),
        renamed("status", "no record can be read; the first: missing field `status`"),
        emptied("created_at", "`created_at`: is empty"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let nobody = |row: &mut Value| ["sender", "assignee", "team"].iter().for_each(|key| row["meta"][key] = Value::Null);
    vec![
        is_taken(Nulls, each(nobody)),
        novel_word("status", "at `status`: `parked` is no status that is known"),
        no_id("data.payload[0], id [1]: at `id`: a number or text"),
        no_time("created_at", "`soon` is no time"),
        no_time_of_message("/messages", "/payload/0/created_at", "`soon` is no time"),
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
    few(Installation::usual()).await
}

#[tokio::test]
async fn a_key_without_rights_tells_what_it_may() {
    let simulator = few(Installation { role: "agent", ..Installation::usual() }).await;
    let watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
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
    let watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    let asked: Vec<String> = simulator.asked().into_iter().filter(|line| line.contains("/messages")).collect();
    let active = active(&watch.told);
    let is_asked = |id: &ConversationId| asked.iter().any(|line| line.contains(&format!("/{id}/messages")));
    assert!(!asked.is_empty() && !active.is_empty() && !active.iter().any(is_asked), "{asked:?} {active:?}");
}
