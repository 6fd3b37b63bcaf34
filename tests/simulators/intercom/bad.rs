//! Keys, servers and records of Intercom that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use serde_json::{Value, json};

use super::{SMALL, TOKEN, Workspace, failed, seconds, simulator, source};
use crate::agree::{Watch, start};
use crate::bad::Line::{
    Absent, BadRecord, FieldNull, FieldRenamed, ListNull, ListRenamed, NovelWord, Nulls, Own, Plan, Throttled, WeakKey,
    WrongAddress, WrongKey,
};
use crate::bad::Wrong::Setting;
use crate::bad::{Bad, Case, Looks, WRONG_KEY, answer, edited, fails, is_taken, loses, nulls, one, reply, without};
use crate::server::{Fault, Reply, Simulator};

pub fn table() -> Bad {
    let empty = json!({"type": "conversation.list", "total_count": 0, "conversations": [], "pages": null});
    Bad {
        settings: |base| json!({"base_url": base, "token": TOKEN}),
        chats: ("/conversations", "/conversations", "id"),
        cases: failures().into_iter().chain(oddities()).collect(),
        empty: vec![
            ("/search", Fault::edited(move |body| *body = empty.clone())),
            ("/admins", Fault::edited(|body| body["admins"] = json!([]))),
            ("/teams", Fault::edited(|body| body["teams"] = json!([]))),
        ],
        paged: |world| Box::pin(Simulator::start(world, Workspace { page: 50, ..Workspace::usual() })),
        missed: 25,
        names_anew: false,
        looks: Looks::Server(None),
        weak: &[("tickets", Some(false), "Read tickets")],
        refused: vec![
            (json!({"token": ""}), "token: is missing"),
            (json!({"base_url": "http://desk.example.com"}), "base_url: http://"),
            (json!({"token": 5}), "token: "),
        ],
    }
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let said = |words, status, code, message| reply(words, Reply::json(status, &failed(code, message)));
    let (unpaid, null_words) =
        ("Active subscription needed.", r#"{"type":"error.list","errors":[{"code":"unauthorized","message":null}]}"#);
    let throttled = Reply::json(429, &failed("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds"));
    let throttled = throttled.with("x-ratelimit-limit", 167).with("x-ratelimit-remaining", 0);
    let reset = seconds(start() + TimeDelta::hours(9) + TimeDelta::seconds(10));
    vec![
        fails(WrongKey, Setting(json!({"token": WRONG_KEY})), "auth", "Access Token Invalid"),
        fails(WrongAddress, Setting(json!({"token": WRONG_KEY})), "auth", "base_url that of the workspace's region?"),
        fails(Own, answer("/admins", 401, null_words), "auth", "unauthorized"),
        fails(
            WeakKey,
            said("/admins", 403, "forbidden", "Not authorized to access resource"),
            "forbidden",
            "give the app the permissions Read admins",
        ),
        fails(Plan, said("/search", 403, "api_plan_restricted", unpaid), "forbidden", "plan does not include it"),
        fails(Plan, said("/search", 402, "api_plan_restricted", unpaid), "forbidden", "Active subscription needed"),
        fails(
            Throttled,
            reply("/search", throttled.with("x-ratelimit-reset", reset)),
            "throttled",
            "it wants none before 2026-11-20T09:00:10Z",
        ),
        fails(
            Own,
            said("/search", 400, "parameter_invalid", "state is not a valid search field"),
            "unsupported",
            "state is not a valid search field",
        ),
        fails(ListNull, edited("/search", |body| body["conversations"] = Value::Null), "schema", "conversations"),
        fails(
            ListRenamed,
            edited("/search", |body| *body = json!({"data": []})),
            "schema",
            "missing field `conversations`",
        ),
        fails(FieldRenamed, without(&["state"]), "schema", "the first: missing field `state`"),
        // These may be null, but never lack in all.
        fails(FieldRenamed, without(&["admin_assignee_id"]), "schema", "no record has the field `admin_assignee_id`"),
        fails(FieldRenamed, without(&["waiting_since"]), "schema", "the field `waiting_since`"),
        fails(FieldNull, nulls(&["created_at"]), "schema", "expected a time"),
        fails(
            Own,
            edited("/search", |body| {
                body["pages"]["next"] = json!({"per_page": 150, "starting_after": "[0,0]"});
                body["conversations"] = json!([{"id": 1, "created_at": 1, "state": "open"}]);
            }),
            "schema",
            "leads to the same page again",
        ),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let said = |words, status, code, message| reply(words, Reply::json(status, &failed(code, message)));
    vec![
        is_taken(
            Nulls,
            nulls(&["title", "contacts", "source", "tags", "statistics", "updated_at", "linked_objects", "priority"]),
        ),
        is_taken(
            Absent,
            without(&["title", "contacts", "source", "tags", "statistics", "conversation_rating", "linked_objects"]),
        ),
        loses(BadRecord, one(|row| row["created_at"] = "soon".into()), 1, 1, "expected a time"),
        loses(
            NovelWord,
            one(|row| row["state"] = "archived".into()),
            1,
            1,
            "at `state`: `archived` is no state that is known",
        ),
        loses(
            BadRecord,
            edited("/admins", |body| body["admins"][0] = json!({"name": "x"})),
            0,
            1,
            "missing field `id`",
        ),
        is_taken(Own, said("/away_status_reasons", 404, "not_found", "Resource Not Found")),
    ]
}

async fn small() -> Simulator {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
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
