//! Who waits where the fields told it before, and where parts are missing.

use rstest::rstest;
use serde_json::{Value, json};

use super::ask::Whole;
use super::state::Phase;
use super::tests::{LATER, body, part, read, row, shorts, steady, whole};
use crate::event::{Author, Event, EventKind};

/// Since when its customer waits by what was told in that order: the same thing counts once, and what is told for an
/// earlier instant stands before what was told for a later one.
fn waits_since(out: &[Event]) -> Option<i64> {
    let mut told: Vec<&Event> = Vec::new();
    for event in out {
        if !told.contains(&event) {
            told.push(event);
        }
    }
    told.sort_by_key(|event| event.at);
    let (mut since, mut is_ended) = (None, false);
    for event in told {
        match &event.kind {
            EventKind::Message(message) if message.from == Author::Customer => {
                since = since.or(event.at);
                is_ended = false;
            }
            EventKind::Message(_) => since = None,
            EventKind::Status { status, .. } => {
                is_ended = status.is_ended();
                since = since.filter(|_| !is_ended);
            }
            _ => {}
        }
    }
    since.filter(|_| !is_ended).map(|since| since.millis() / 1000 - 1_772_441_000)
}

#[rstest]
#[case::answered(vec![part(300, "comment", "admin", body())])]
#[case::closed(vec![part(300, "close", "admin", json!({}))])]
#[case::closed_and_opened(vec![part(300, "close", "admin", json!({})), part(300, "open", "admin", json!({}))])]
fn who_asks_again_in_the_second_of_an_answer_waits_though_the_fields_told_it_before(#[case] before: Vec<Value>) {
    let mut state = steady();
    let fields = || row(json!({"waiting_since": 1_772_441_300}));
    state.phase = Phase::Fill;
    state.note(&read(fields()), LATER);
    assert_eq!(waits_since(&state.outbox), Some(300));
    let named = |id: &str| json!({"id": id, "body": "x"});
    let parts: Vec<Value> = before.into_iter().chain([part(300, "comment", "user", named("a"))]).collect();
    state.tell(&whole(fields(), parts.clone()), LATER);
    assert_eq!(waits_since(&state.outbox), Some(300));
    let answered = parts.into_iter().chain([part(300, "comment", "admin", named("b"))]).collect();
    state.tell(&whole(row(json!({})), answered), LATER);
    assert_eq!(waits_since(&state.outbox), None, "and once more answered in that second");
}

#[test]
fn of_parts_that_begin_later_the_first_message_waits_for_none() {
    let reply = json!({"first_admin_reply_at": 1_772_441_030, "last_admin_reply_at": 1_772_441_500});
    let fields = row(json!({"statistics": reply, "admin_assignee_id": 81, "waiting_since": 1_772_441_800}));
    let parts = vec![read(part(500, "comment", "admin", body())), read(part(800, "comment", "user", body()))];
    let mut state = steady();
    state.tell(&Whole { row: read(fields), parts, begins: false, merged: None }, LATER);
    let told: Vec<String> = shorts(&mut state).into_iter().filter(|line| line.contains("message")).collect();
    let expected = ["0 message customer", "30 message agent 81", "500 message agent 81", "800 message customer"];
    assert_eq!(told, expected);
}
