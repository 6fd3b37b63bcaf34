//! Who waits where the fields told it before, where parts are missing, and after a merger.

use rstest::rstest;
use serde_json::{Value, json};

use super::ask::Whole;
use super::state::Phase;
use super::tests::{LATER, body, lines, part, read, row, short, shorts, steady, whole};
use crate::desk::Desk;
use crate::event::Event;

/// Whether its customer waits by what a board makes of it, in the order in which it was told; and since when.
fn waits_since(out: &[Event]) -> Option<i64> {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    out.iter().for_each(|event| desk.apply(source, event.clone()));
    desk.settle();
    let (_, seven) = desk.conversations().find(|(_, one)| one.id.as_str() == "7")?;
    let since = seven.state().waiting_since.filter(|_| seven.state().is_active())?;
    Some(since.millis() / 1000 - 1_772_441_000)
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

#[test]
fn a_question_on_one_that_was_merged_waits_in_the_other() {
    for (answered_at, expected) in [(200, vec!["300 message customer"]), (400, vec![])] {
        let mut state = steady();
        let answer = part(answered_at, "comment", "admin", body());
        state.tell(&whole(row(json!({"id": "9"})), vec![answer]), LATER);
        let data = [json!({"type": "conversation", "id": "9"})];
        let merged = row(json!({"state": "closed", "linked_objects": {"data": data}}));
        let parts = vec![
            part(100, "comment", "admin", body()),
            part(300, "comment", "user", body()),
            part(600, "close", "admin", json!({})),
            part(600, "merged_secondary_conversation", "admin", json!({})),
        ];
        state.outbox.clear();
        state.tell(&whole(merged, parts), LATER);
        let of_primary: Vec<String> =
            lines(&mut state.outbox).iter().filter(|line| line["conversation"] == "9").map(short).collect();
        assert_eq!(of_primary, expected);
    }
}
