//! Keys, servers and records of Intercom that are not as they should be.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message};
use serde_json::json;

use super::{TOKEN, Workspace, failed, seconds, source};
use crate::agree::{Watch, start};
use crate::bad::Line::{BadRecord, Own, Plan, Throttled, WeakKey, WrongAddress};
use crate::bad::Wrong::Setting;
use crate::bad::{
    Bad, Case, Looks, WRONG_KEY, Wrong, answer, edited, emptied, fails, fails_as, few, is_taken, loses, no_time,
    novel_word, renamed, reply, wrong_token,
};
use crate::server::{Fault, Reply, Simulator};

pub fn table() -> Bad {
    let empty = json!({"type": "conversation.list", "total_count": 0, "conversations": [], "pages": null});
    Bad {
        settings: |base| json!({"base_url": base, "token": TOKEN}),
        chats: ("/conversations", "/conversations", "id"),
        no_list: ["conversations", "missing field `conversations`"],
        may_lack: &[
            "title",
            "contacts",
            "source",
            "tags",
            "statistics",
            "updated_at",
            "linked_objects",
            "priority",
            "conversation_rating",
        ],
        cases: [failures(), oddities()],
        empty: vec![
            ("/search", Fault::edited(move |body| *body = empty.clone())),
            ("/admins", Fault::edited(|body| body["admins"] = json!([]))),
            ("/teams", Fault::edited(|body| body["teams"] = json!([]))),
        ],
        paged: |world| Box::pin(Simulator::start(world, Workspace { page: 50, ..Workspace::usual() })),
        missed: 25,
        looks: Looks::Server(None),
        weak: &[("tickets", Some(false), "Read tickets")],
        refused: vec![(json!({"token": ""}), "token: is missing"), (json!({"token": 5}), "token: ")],
    }
}

fn said(words: &'static str, status: u16, code: &str, message: &str) -> Wrong {
    reply(words, Reply::json(status, &failed(code, message)))
}

/// What fails a first read.
fn failures() -> Vec<Case> {
    let (unpaid, null_words) =
        ("Active subscription needed.", r#"{"type":"error.list","errors":[{"code":"unauthorized","message":null}]}"#);
    let throttled = Reply::json(429, &failed("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds"));
    let throttled = throttled.with("x-ratelimit-limit", 167).with("x-ratelimit-remaining", 0);
    let reset = seconds(start() + TimeDelta::hours(9) + TimeDelta::seconds(10));
    vec![
        wrong_token("Access Token Invalid"),
        fails_as(
            "auth",
            WrongAddress,
            Setting(json!({"token": WRONG_KEY})),
            "base_url that of the workspace's region?",
        ),
        fails_as("auth", Own, answer("/admins", 401, null_words), "unauthorized"),
        fails(
            WeakKey,
            said("/admins", 403, "forbidden", "Not authorized to access resource"),
            "give the app the permissions Read admins",
        ),
        fails(Plan, said("/search", 403, "api_plan_restricted", unpaid), "plan does not include it"),
        fails(Plan, said("/search", 402, "api_plan_restricted", unpaid), "Active subscription needed"),
        fails(
            Throttled,
            reply("/search", throttled.with("x-ratelimit-reset", reset)),
            "it wants none before 2026-11-20T09:00:10Z",
        ),
        fails_as(
            "unsupported",
            Own,
            said("/search", 400, "parameter_invalid", "state is not a valid search field"),
            "state is not a valid search field",
        ),
        renamed("state", "the first: missing field `state`"),
        // These may be null, but never lack in all.
        renamed("admin_assignee_id", "no record has the field `admin_assignee_id`"),
        renamed("waiting_since", "the field `waiting_since`"),
        emptied("created_at", "expected a time"),
        fails_as(
            "schema",
            Own,
            edited("/search", |body| {
                body["pages"]["next"] = json!({"per_page": 150, "starting_after": "[0,0]"});
                body["conversations"] = json!([{"id": 1, "created_at": 1, "state": "open"}]);
            }),
            "leads to the same page again",
        ),
    ]
}

/// What the rest is told beside.
fn oddities() -> Vec<Case> {
    let nameless = edited("/admins", |body| body["admins"][0] = json!({"name": "x"}));
    vec![
        no_time("created_at", "expected a time"),
        novel_word("state", "at `state`: `parked` is no state that is known"),
        loses(BadRecord, nameless, 0, 1, "missing field `id`"),
        is_taken(Own, said("/away_status_reasons", 404, "not_found", "Resource Not Found")),
    ]
}

async fn small() -> Simulator {
    few(Workspace::usual()).await
}

#[tokio::test]
async fn a_part_that_cannot_be_read_costs_no_other() {
    let simulator = small().await;
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
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
async fn a_teammate_that_cannot_be_read_for_a_while_has_not_left() {
    let simulator = small().await;
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    watch.told.clear();
    simulator.fault("/admins", Fault::edited(|body| body["admins"][1]["id"] = json!(null)));
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    watch.settle().await;
    assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
    let of_people =
        watch.told.iter().filter(|event| matches!(event.kind, EventKind::Agent(_) | EventKind::Presence { .. }));
    assert_eq!(of_people.count(), 0, "{:?}", watch.told);
}

#[tokio::test]
async fn the_version_is_asked_for_with_each_request() {
    let simulator = small().await;
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    watch.later(700).await;
    let inside = simulator.inside();
    assert!(inside.log.len() > 10);
    assert!(inside.log.iter().all(|asked| asked.header("intercom-version") == Some("2.16")));
}

#[tokio::test]
async fn a_vendor_that_refuses_a_question_about_ratings_or_the_past_is_asked_the_rest() {
    for refuses in ["statistics.last_close_at", "conversation_rating.replied_at"] {
        let simulator = few(Workspace { refuses, ..Workspace::usual() }).await;
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
