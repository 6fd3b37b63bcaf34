//! Keys, servers and records of Gorgias that are not as they should be.

use std::time::Duration;

use serde_json::json;

use super::{Account, TOKEN, refused, source};
use crate::agree::Watch;
use crate::bad::Line::{NovelField, NovelWord, Own, Plan, Throttled, WeakKey, WrongKey};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, answer, edited, emptied, fails, few, is_taken, lost, no_id, no_time_of_message, novel_word,
    renamed, reply, rows, wrong_address, wrong_token,
};
use crate::server::{Fault, Simulator};

pub fn table() -> Bad {
    Bad {
        settings: |base| json!({"base_url": base, "email": "ana@acme.com", "token": TOKEN}),
        chats: ("/api/views", "/data", "id"),
        no_list: ["a list, or an object with `data`"; 2],
        may_lack: &[
            "priority",
            "channel",
            "assignee_user",
            "assignee_team",
            "customer",
            "subject",
            "tags",
            "updated_datetime",
            "from_agent",
            "messages_count",
            "trashed_datetime",
        ],
        cases: [failures(), oddities()],
        empty: vec![(
            "/api/",
            Fault::edited(|body| *body = json!({"data": [], "meta": {"prev_cursor": null, "next_cursor": null}})),
        )],
        paged: |world| Box::pin(Simulator::start(world, Account { page: 50, ..Account::usual() })),
        missed: 20,
        looks: Looks::None,
        weak: &[
            ("role", Some(false), "admin"),
            ("agents", Some(false), "admin"),
            ("events", Some(false), "admin"),
            ("ratings", Some(false), "admin"),
        ],
        refused: vec![
            (json!({"token": ""}), "token: is missing"),
            (json!({"email": "ana"}), "email: is no address"),
            (json!({"subdomain": "acme"}), "subdomain: give either"),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let throttled = refused(429, "Too many requests").with("retry-after", 7);
    let throttled = throttled.with("x-gorgias-account-api-call-limit", "40/40");
    vec![
        wrong_token("Unauthorized"),
        fails(WrongKey, Setting(json!({"email": "ben@acme.com"})), "Unauthorized"),
        fails(
            WeakKey,
            reply("/api/views", refused(403, "Permission denied")),
            "Permission denied; make the key with an admin",
        ),
        // No plan without the API is documented; whatever one would say is told.
        fails(Plan, reply("", refused(403, "Not in your plan")), "Not in your plan"),
        wrong_address("/api/users", "<html>No such account</html>"),
        fails(Throttled, reply("/api/views", throttled), "it wants none before 2026-11-20T09:00:07Z"),
        renamed("status", "no record can be read; the first: missing field `status`"),
        emptied("created_datetime", "`created_datetime`: expected a time, found null"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let unknown = r#"{"error":{"msg":"Unknown field","data":{"types":["x"]}}}"#;
    vec![
        is_taken(NovelField, rows("/api/", "/data", |row| row["novel"] = json!({"a": [1]}))),
        is_taken(NovelWord, rows("/api/events", "/data", |row| row["type"] = "ticket-teleported".into())),
        novel_word("status", "at `status`: `parked` is no status that is known"),
        no_id("data[0], id [1]: at `id`: expected an id, found a list"),
        no_time_of_message("/api/messages", "/data/0/created_datetime", "expected a time"),
        // The older name of the customer.
        is_taken(
            Own,
            rows("/api/", "/data", |row| {
                if let Some(customer) = row.as_object_mut().unwrap().remove("customer") {
                    row["requester"] = customer;
                }
            }),
        ),
        is_taken(Own, edited("/api/users", |body| *body = body["data"].take())),
        // Pages that repeat themselves.
        is_taken(Own, edited("/api/messages", |body| body["meta"]["next_cursor"] = "k-9".into())),
        is_taken(Own, answer("types=", 400, unknown)),
        is_taken(Own, answer("satisfaction", 404, "{}")),
    ]
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end() {
    let simulator = few(Account { page: 3, ..Account::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    assert_eq!(lost(&mut watch, &super::bench()).await, 0);
}
