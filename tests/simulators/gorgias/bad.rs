//! Keys, servers and records of Gorgias that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Account, TOKEN, refused, source};
use crate::agree::{Watch, start};
use crate::bad::Line::{
    Absent, BadRecord, FieldNull, FieldRenamed, ListNull, ListRenamed, NovelField, NovelWord, Nulls, Own, Plan,
    Throttled, WeakKey, WrongAddress, WrongKey,
};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, WRONG_KEY, answer, edited, fails, is_taken, loses, lost, nulls, one, reply, rows, without,
};
use crate::server::{Fault, Simulator};
use crate::world::World;

const SMALL: Params = Params { seed: 1, agents: 5, chats: 40 };

pub fn table() -> Bad {
    Bad {
        settings: |base| json!({"base_url": base, "email": "ana@acme.com", "token": TOKEN}),
        chats: ("/api/views", "/data", "id"),
        cases: failures().into_iter().chain(oddities()).collect(),
        empty: vec![(
            "/api/",
            Fault::edited(|body| *body = json!({"data": [], "meta": {"prev_cursor": null, "next_cursor": null}})),
        )],
        paged: |world| Box::pin(Simulator::start(world, Account { page: 50, ..Account::usual() })),
        missed: 20,
        names_anew: false,
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
            (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
            (json!({"subdomain": "acme"}), "subdomain: give either"),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let throttled = refused(429, "Too many requests").with("retry-after", 7);
    let throttled = throttled.with("x-gorgias-account-api-call-limit", "40/40");
    let no_list = "a list, or an object with `data`";
    vec![
        fails(WrongKey, Setting(json!({"token": WRONG_KEY})), "auth", "Unauthorized"),
        fails(WrongKey, Setting(json!({"email": "ben@acme.com"})), "auth", "Unauthorized"),
        fails(
            WeakKey,
            reply("/api/views", refused(403, "Permission denied")),
            "forbidden",
            "Permission denied; make the key with an admin",
        ),
        // No plan without the API is documented; whatever one would say is told.
        fails(Plan, reply("", refused(403, "Not in your plan")), "forbidden", "Not in your plan"),
        fails(
            WrongAddress,
            answer("/api/users", 404, "<html>No such account</html>"),
            "unsupported",
            "is base_url right?",
        ),
        fails(Throttled, reply("/api/views", throttled), "throttled", "it wants none before 2026-11-20T09:00:07Z"),
        fails(ListNull, edited("/api/views", |body| body["data"] = Value::Null), "schema", no_list),
        fails(ListRenamed, edited("/api/views", |body| *body = json!({"items": []})), "schema", no_list),
        fails(FieldRenamed, without(&["status"]), "schema", "no record can be read; the first: missing field `status`"),
        fails(FieldNull, nulls(&["created_datetime"]), "schema", "`created_datetime`: expected a time, found null"),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let unknown = r#"{"error":{"msg":"Unknown field","data":{"types":["x"]}}}"#;
    vec![
        is_taken(
            Nulls,
            nulls(&[
                "priority",
                "channel",
                "assignee_user",
                "assignee_team",
                "customer",
                "subject",
                "tags",
                "updated_datetime",
                "from_agent",
            ]),
        ),
        is_taken(
            Absent,
            without(&[
                "priority",
                "channel",
                "assignee_team",
                "customer",
                "subject",
                "tags",
                "messages_count",
                "trashed_datetime",
            ]),
        ),
        is_taken(NovelField, rows("/api/", "/data", |row| row["novel"] = json!({"a": [1]}))),
        is_taken(NovelWord, rows("/api/events", "/data", |row| row["type"] = "ticket-teleported".into())),
        loses(
            NovelWord,
            one(|row| row["status"] = "parked".into()),
            1,
            1,
            "at `status`: `parked` is no status that is known",
        ),
        loses(
            BadRecord,
            one(|row| row["id"] = json!([1])),
            1,
            1,
            "data[0], id [1]: at `id`: expected an id, found a list",
        ),
        loses(
            BadRecord,
            edited("/api/messages", |body| body["data"][0]["created_datetime"] = "soon".into()),
            0,
            2,
            "expected a time",
        ),
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
    let mut world = World::new(SMALL, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Account { page: 3, ..Account::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    assert_eq!(lost(&mut watch, &super::bench()).await, 0);
}
