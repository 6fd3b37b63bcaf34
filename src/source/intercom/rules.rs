//! The rules by which fields and parts are told, one by one: each of these tests is of one that nothing else here shows.

use rstest::rstest;
use serde_json::{Value, json};

use super::ask::Whole;
use super::state::{Phase, State};
use super::tests::{LATER, body, lines, part, read, row, short, shorts, steady, told, whole};
use super::wire::Conversation;
use crate::event::{ConversationId, Timestamp};

/// So many seconds after the conversation began.
const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_772_441_000 + seconds) * 1000)
}

fn to(id: i64) -> Value {
    json!({"assigned_to": {"type": "admin", "id": id}})
}

#[test]
fn what_stands_in_the_fields_is_read_as_it_is_meant() {
    let fields: Conversation = read(row(json!({
        "contacts": {"contacts": [{"type": "contact", "id": "c1"}]}, "priority": "not_priority",
        "source": {"delivered_as": "customer_initiated", "author": {"type": "user", "id": "u1", "name": "Ana"}},
        "tags": {"tags": [{"name": "b", "applied_at": 1_772_441_100}, {"name": "a", "applied_at": 1_772_441_200}]},
    })));
    let (customer, name) = fields.customer().unwrap();
    assert_eq!((customer.as_str(), name), ("c1", None), "the name is that of another");
    assert_eq!(fields.tags(), (vec!["a".to_owned(), "b".to_owned()], Some(at(200))));
    assert_eq!(fields.opened().priority, None);
}

#[rstest]
#[case(json!({"admin_assignee_id": 81}))]
#[case(json!({"team_assignee_id": 55}))]
#[case(json!({"waiting_since": 1_772_441_300}))]
#[case(json!({"tags": {"tags": [{"name": "a"}]}}))]
#[case(json!({"title": "Another"}))]
#[case(json!({"conversation_rating": {"rating": 4}}))]
fn whatever_the_fields_say_anew_is_read_though_the_change_is_of_the_same_second(#[case] more: Value) {
    let mut state = steady();
    state.tell(&whole(row(json!({})), Vec::new()), LATER);
    state.note(&read(row(more.clone())), LATER);
    assert_eq!(state.queue.len(), 1, "{more}");
}

#[rstest]
#[case::before_what_is_told(5, "900 assigned 82/ by")]
#[case::between(300, "300 assigned 82/ by")]
#[case::behind_the_last_change(1000, "900 assigned 82/ by")]
fn an_assignment_is_dated_by_the_fields_where_that_can_be(#[case] since: i64, #[case] expected: &str) {
    let fields = json!({"admin_assignee_id": 82, "statistics": {"last_assignment_at": 1_772_441_000 + since}});
    assert_eq!(told(row(fields), vec![part(10, "assignment", "admin", to(81))]).last().unwrap(), expected);
}

#[rstest]
#[case::before_what_is_told("closed", 15, "900 status closed by")]
#[case::behind_the_last_change("closed", 1000, "900 status closed by")]
#[case::of_one_that_has_not_ended("open", 700, "900 status open by")]
fn an_ending_is_dated_by_the_fields_where_that_can_be(#[case] state: &str, #[case] close: i64, #[case] expected: &str) {
    let fields = json!({"state": state, "statistics": {"last_close_at": 1_772_441_000 + close}});
    let snoozed = part(20, "snoozed", "admin", json!({"state": "snoozed"}));
    assert_eq!(told(row(fields), vec![snoozed]).last().unwrap(), expected);
}

#[rstest]
#[case::answered("comment", 5, None)]
#[case::only_a_note("note", 20, None)]
#[case::ended("close", 20, Some("20 message customer"))]
fn a_wait_of_the_fields_is_told_where_it_is_one(
    #[case] kind: &str,
    #[case] since: i64,
    #[case] expected: Option<&str>,
) {
    let more = if kind == "close" { json!({}) } else { body() };
    let parts = vec![part(10, kind, "admin", more), part(15, "open", "admin", json!({}))];
    let told = told(row(json!({"waiting_since": 1_772_441_000 + since})), parts);
    let last = told.iter().rfind(|line| line.ends_with("message customer")).map(String::as_str);
    assert_eq!(last, Some(expected.unwrap_or("0 message customer")), "{told:?}");
}

#[test]
fn one_that_is_closed_waits_for_nobody() {
    let told = told(row(json!({"state": "closed", "waiting_since": 1_772_441_300, "source": null})), Vec::new());
    assert_eq!(told, ["0 opened inbound", "900 status closed by"]);
}

#[test]
fn a_customers_word_opens_what_was_closed_without_a_part_of_its_own() {
    let parts = vec![part(10, "close", "admin", json!({})), part(20, "comment", "user", body())];
    assert_eq!(told(row(json!({"waiting_since": 1_772_441_020})), parts).last().unwrap(), "20 message customer");
    // And with one it is told once.
    let parts = vec![part(10, "snoozed", "admin", json!({})), part(20, "open", "user", body())];
    let told = told(row(json!({})), parts);
    assert_eq!(told.iter().filter(|line| line.contains("status open")).count(), 1, "{told:?}");
}

#[test]
fn who_has_it_is_told_from_the_beginning_only_where_nothing_says_since_when() {
    let held = || json!({"admin_assignee_id": 81, "team_assignee_id": 55});
    assert_eq!(told(row(held()), Vec::new())[..], ["0 opened inbound 55", "0 message customer", "0 assigned 81/ by"]);
    let mut state = steady();
    state.tell(&Whole { row: read(row(held())), parts: Vec::new(), begins: false, merged: None }, LATER);
    let expected = ["0 opened inbound", "900 assigned /55 by", "900 assigned 81/ by"];
    assert_eq!(shorts(&mut state), expected, "the first parts are missing");
    let moved = part(10, "assignment", "bot", json!({"assigned_to": {"type": "team", "id": 55}}));
    assert_eq!(told(row(json!({"team_assignee_id": 55})), vec![moved])[0], "0 opened inbound");
}

#[test]
fn what_is_told_of_one_thing_never_goes_back_in_time() {
    let mut state = steady();
    state.tell(&whole(row(json!({"updated_at": 1_772_441_000})), vec![part(500, "comment", "user", body())]), LATER);
    state.outbox.clear();
    state.vanish(&"7".into(), at(400));
    assert_eq!(shorts(&mut state), ["500 status closed by system"]);
    state.vanish(&"7".into(), at(600));
    assert_eq!(shorts(&mut state), Vec::<String>::new(), "it is gone already");
    state.tell(&whole(row(json!({"title": "Another", "updated_at": 1_772_441_100})), Vec::new()), LATER);
    assert_eq!(shorts(&mut state)[0], "500 opened inbound");
}

#[test]
fn what_is_merged_into_itself_is_only_closed() {
    let linked = json!({"state": "closed", "linked_objects": {"data": [{"type": "conversation", "id": 7}]}});
    let merged = part(10, "merged_secondary_conversation", "admin", json!({}));
    assert_eq!(told(row(linked), vec![merged]).last().unwrap(), "900 status closed by");
}

#[test]
fn tags_are_told_where_they_change_and_are_dated_by_the_last_of_them() {
    let tagged = |updated_at: i64, applied_at: i64| {
        let tags = json!({"tags": [{"name": "a", "applied_at": 1_772_441_000 + applied_at}]});
        row(json!({"updated_at": 1_772_441_000 + updated_at, "tags": tags}))
    };
    let mut state = steady();
    state.tell(&whole(row(json!({})), Vec::new()), LATER);
    state.outbox.clear();
    state.tell(&whole(tagged(950, 920), Vec::new()), LATER);
    assert_eq!(shorts(&mut state), ["920 tagged [a]"]);
    state.tell(&whole(row(json!({"updated_at": 1_772_441_960})), Vec::new()), LATER);
    assert_eq!(shorts(&mut state), ["960 tagged []"]);
    state.tell(&whole(tagged(970, 30), Vec::new()), LATER);
    assert_eq!(shorts(&mut state), ["970 tagged [a]"], "of before the last change");
}

#[test]
fn an_older_answer_read_late_makes_nothing_older() {
    let mut state = steady();
    state.tell(&whole(row(json!({"updated_at": 1_772_441_950})), Vec::new()), LATER);
    state.tell(&whole(row(json!({})), Vec::new()), LATER);
    state.note(&read(row(json!({"updated_at": 1_772_441_940, "admin_assignee_id": 81}))), LATER);
    assert!(state.is_idle());
}

#[test]
fn a_satisfaction_answer_of_the_fields_waits_for_its_part() {
    let rated = || json!({"conversation_rating": {"rating": 4, "updated_at": 1_772_441_600}});
    let mut state = State::begun(Phase::Fill);
    state.note(&read(row(rated())), LATER);
    assert!(!shorts(&mut state).iter().any(|line| line.contains("rated")));
    state.tell(&whole(row(rated()), vec![part(550, "conversation_rating_changed", "user", json!({}))]), LATER);
    assert_eq!(shorts(&mut state).last().unwrap(), "550 rated 4.0");
}

/// A start that knows of the conversation, and that all up to an instant was told.
fn started(remembered: bool, told_to: i64) -> State {
    let mut state = State::begun(Phase::Fill);
    if remembered {
        state.remember(&[ConversationId::new("7")]);
    }
    state.resume(Some(at(told_to)), at(told_to));
    state
}

#[rstest]
#[case::changed_since(true, 800, "900", 1)]
#[case::changed_at_that_instant(true, 900, "900", 1)]
#[case::not_changed_since(true, 950, "950", 0)]
#[case::remembered_though_younger(true, -10, "900", 1)]
#[case::not_remembered_but_older(false, 950, "950", 0)]
fn what_an_earlier_run_told_is_told_whole_as_of_the_start(
    #[case] remembered: bool,
    #[case] told_to: i64,
    #[case] when: &str,
    #[case] queued: usize,
) {
    let mut state = started(remembered, told_to);
    let stands = json!({"statistics": {"last_assignment_at": 1_772_441_300, "last_close_at": 1_772_441_300}});
    state.note(&read(row(stands)), LATER);
    let expected = ["assigned /null by", "assigned null/ by", "status open by", "tagged []"];
    assert_eq!(shorts(&mut state)[1..], expected.map(|line| format!("{when} {line}")));
    assert_eq!(state.queue.len(), queued);
}

#[test]
fn one_that_is_new_or_has_ended_is_not_doubted() {
    let mut state = started(false, -10);
    state.note(&read(row(json!({}))), LATER);
    assert_eq!(shorts(&mut state), ["0 opened inbound"]);
    let mut state = started(true, 950);
    state.note(&read(row(json!({"state": "closed"}))), LATER);
    assert_eq!(shorts(&mut state), Vec::<String>::new());
    assert_eq!((state.queue.len(), state.later.len()), (1, 0), "it is on the board still");
    state.note(&read(row(json!({"state": "closed", "id": "8"}))), LATER);
    assert_eq!((state.queue.len(), state.later.len()), (1, 1), "it can wait");
    state.failed(&"7".into(), at(1000), at(1000));
    assert_eq!(shorts(&mut state), ["0 opened inbound", "950 status closed by"]);
}

#[test]
fn an_ending_waits_for_the_part_that_says_whose_it_is() {
    let closed = |id: &str, close: i64| {
        let statistics = json!({"last_close_at": 1_772_441_000 + close});
        row(json!({"id": id, "state": "closed", "statistics": statistics}))
    };
    for (others, is_told) in [(super::state::SOON - 1, false), (super::state::SOON, true)] {
        let mut state = steady();
        state.tell(&whole(row(json!({"updated_at": 1_772_441_100})), Vec::new()), LATER);
        (0..others).for_each(|nth| state.put(format!("o{nth}").into()));
        state.outbox.clear();
        state.note(&read(closed("7", 700)), LATER);
        assert_eq!(state.outbox.len(), usize::from(is_told), "{others}");
        assert!(state.next(others + 1).contains(&"7".into()));
        // Where it can't be read, its fields end it, a little behind the part that may come after all.
        state.failed(&"7".into(), at(1000), at(1000));
        assert_eq!(state.outbox.pop().unwrap().at, Some(at(700) + chrono::TimeDelta::milliseconds(1)));
        state.tell(&whole(closed("7", 700), vec![part(700, "close", "bot", json!({}))]), LATER);
        assert_eq!(shorts(&mut state), ["700 status closed by bot"]);
    }
}

/// What is told of one whose parts can't be read when its fields say so, after those that were told before.
fn of_unreadable(mut state: State, more: &Value) -> Vec<String> {
    state.phase = Phase::Steady;
    state.outbox.clear();
    let mut later = row(json!({"updated_at": 1_772_441_960, "admin_assignee_id": 81}));
    later.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    state.note(&read(later.clone()), LATER);
    state.failed(&"7".into(), LATER, LATER);
    let told: Vec<String> = shorts(&mut state).into_iter().filter(|line| line.contains("message")).collect();
    state.note(&read(later), LATER);
    assert_eq!(shorts(&mut state), Vec::<String>::new(), "once");
    told
}

#[rstest]
#[case::answered(json!({"statistics": {"last_admin_reply_at": 1_772_441_950}}), &["950 message agent 81"])]
#[case::in_the_second_of_the_wait(json!({"statistics": {"last_admin_reply_at": 1_772_441_300}}), &["300 message agent 81"])]
#[case::of_before_the_wait(json!({"statistics": {"last_admin_reply_at": 1_772_441_299}}), &[])]
#[case::it_is_not_said(json!({"statistics": null}), &[])]
#[case::held_by_nobody(json!({"admin_assignee_id": 0, "statistics": {"last_admin_reply_at": 1_772_441_950}}), &[])]
#[case::asked_again(
    json!({"statistics": {"last_admin_reply_at": 1_772_441_950, "last_contact_reply_at": 1_772_441_951}}), &[])]
#[case::waits_again(
    json!({"waiting_since": 1_772_441_955, "statistics": {"last_admin_reply_at": 1_772_441_950}}), &[])]
fn an_answer_of_the_fields_is_told_where_the_parts_cannot_be_read(#[case] more: Value, #[case] expected: &[&str]) {
    let waiting = || row(json!({"waiting_since": 1_772_441_300, "source": null, "admin_assignee_id": 81}));
    let mut outlined = State::begun(Phase::Fill);
    outlined.note(&read(waiting()), LATER);
    let mut told = steady();
    told.tell(&whole(waiting(), vec![part(300, "comment", "user", body())]), LATER);
    assert_eq!(of_unreadable(outlined, &more), expected);
    assert_eq!(of_unreadable(told, &more), expected);
}

#[rstest]
#[case::after_an_earlier_run(940, &["950 message agent 81"])]
#[case::before_its_end(951, &[])]
fn an_answer_after_an_earlier_run_is_told_though_its_wait_is_not_known(
    #[case] told_to: i64,
    #[case] expected: &[&str],
) {
    let answered = json!({"statistics": {"last_admin_reply_at": 1_772_441_950}});
    assert_eq!(of_unreadable(started(true, told_to), &answered), expected);
}

#[test]
fn while_the_parts_are_still_to_be_read_no_answer_of_the_fields_is_told() {
    let mut state = steady();
    state.tell(&whole(row(json!({})), Vec::new()), LATER);
    (0..super::state::PATIENCE).for_each(|nth| state.put(format!("o{nth}").into()));
    state.outbox.clear();
    let statistics = json!({"last_admin_reply_at": 1_772_441_950});
    state.note(
        &read(row(json!({"updated_at": 1_772_441_960, "admin_assignee_id": 81, "statistics": statistics}))),
        LATER,
    );
    assert_eq!(shorts(&mut state), ["960 assigned 81/ by"]);
}

#[test]
fn what_was_opened_again_in_the_second_of_its_ending_is_open() {
    let mut state = State::begun(Phase::Steady);
    state.note(&read(row(json!({"state": "closed", "updated_at": 1_772_441_700}))), LATER);
    state.failed(&"7".into(), at(800), at(800));
    state.outbox.clear();
    let parts = vec![part(700, "close", "admin", json!({})), part(700, "open", "admin", json!({"id": "701"}))];
    state.tell(&whole(row(json!({"updated_at": 1_772_441_700})), parts), LATER);
    let last = state.outbox.last().unwrap();
    assert_eq!(short(&serde_json::to_value(last).unwrap()), "700 status open by");
    assert_eq!(last.at, Some(at(700) + chrono::TimeDelta::milliseconds(1)));
}

#[test]
fn of_many_that_wait_the_fields_are_told_at_once() {
    let mut state = steady();
    for nth in 0..=super::state::PATIENCE {
        state.note(&read(row(json!({"id": nth.to_string()}))), LATER);
        let is_told = nth == super::state::PATIENCE;
        assert_eq!(shorts(&mut state), if is_told { vec!["0 opened inbound".to_owned()] } else { Vec::new() });
    }
}

#[test]
fn what_is_remembered_and_not_met_is_looked_up_and_ended_where_it_is_gone() {
    let mut state = started(true, 950);
    state.look_up_missing(&super::state::Walk::default());
    assert_eq!(state.queue, ["7"]);
    state.vanish(&"7".into(), at(1000));
    assert_eq!(shorts(&mut state), ["1000 status closed by system"]);
    state.vanish(&"8".into(), at(1000));
    assert_eq!(shorts(&mut state), Vec::<String>::new(), "of a stranger nothing is told");
    state.forget();
    let mut state = started(true, 950);
    state.forget();
    assert_eq!(state.remembered.len(), 1);
}

#[test]
fn whoever_changed_while_all_was_walked_through_was_met() {
    for is_read in [false, true] {
        let mut state = steady();
        state.walk = Some(super::state::Walk::default());
        if is_read {
            state.tell(&whole(row(json!({})), Vec::new()), LATER);
        } else {
            state.note(&read(row(json!({}))), LATER);
        }
        assert_eq!(state.walk.unwrap().met.len(), 1);
    }
}

#[test]
fn only_what_ended_long_ago_is_forgotten() {
    let mut state = steady();
    state.tell(&whole(row(json!({"id": "1"})), Vec::new()), LATER);
    state.tell(&whole(row(json!({"id": "2", "state": "closed"})), Vec::new()), LATER);
    state.tell(&whole(row(json!({"id": "3", "state": "closed", "updated_at": 1_772_541_000})), Vec::new()), LATER);
    state.heard_to = at(200_000);
    state.prune();
    assert_eq!(["1", "2", "3"].map(|id| state.knows(&id.into())), [true, false, true]);
}

#[test]
fn a_part_that_is_there_no_more_costs_no_other_of_its_second() {
    let mut state = steady();
    let first = || part(10, "comment", "user", body());
    state.tell(&whole(row(json!({})), vec![first()]), LATER);
    state.outbox.clear();
    let other = part(10, "comment", "admin", json!({"id": "11", "body": "x"}));
    state.tell(&whole(row(json!({"updated_at": 1_772_441_950})), vec![other]), LATER);
    assert_eq!(shorts(&mut state), ["10 message agent 81"]);
    // Of none at all, the last that was told stays.
    state.tell(&whole(row(json!({"updated_at": 1_772_441_960})), Vec::new()), LATER);
    let again = vec![part(10, "comment", "admin", json!({"id": "11", "body": "x"}))];
    state.tell(&whole(row(json!({"updated_at": 1_772_441_970})), again), LATER);
    assert_eq!(lines(&mut state.outbox).iter().map(short).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn whoever_has_a_seat_is_introduced_by_the_list() {
    let mut state = steady();
    let admin = read(json!({"id": 81, "name": "Jo Hale"}));
    state.people.take_admins((vec![admin], true), at(0), &mut state.outbox);
    state.outbox.clear();
    state.tell(&whole(row(json!({})), vec![part(5, "comment", "admin", body())]), LATER);
    assert!(!lines(&mut state.outbox).iter().any(|line| line["type"] == "agent"));
}

#[test]
fn it_is_told_up_to_where_nothing_waits() {
    let told_to = |state: &mut State| state.cursor().unwrap().0["told_to"].clone();
    let mut state = started(false, 100);
    state.heard_to = at(200);
    assert_eq!(told_to(&mut state), json!(at(100)), "all is not read yet");
    state.phase = Phase::Steady;
    state.put("7".into());
    assert_eq!(told_to(&mut state), json!(at(100)), "one waits");
    state.done(&["7".into()]);
    assert_eq!(told_to(&mut state), json!(at(200)));
}

#[test]
fn without_a_mark_what_is_remembered_is_told_as_of_now() {
    let mut state = State::begun(Phase::Fill);
    state.remember(&[ConversationId::new("7")]);
    state.resume(None, at(950));
    state.note(&read(row(json!({}))), LATER);
    assert_eq!(shorts(&mut state)[1], "950 assigned /null by");
}

#[test]
fn who_was_closed_after_the_last_word_waits_for_nobody() {
    let statistics = |close: i64| {
        let all = json!({"last_contact_reply_at": 1_772_441_050, "last_close_at": 1_772_441_000 + close});
        read::<Conversation>(row(json!({"statistics": all})))
    };
    assert_eq!([40, 60].map(|close| statistics(close).is_doubtful()), [true, false]);
}

#[test]
fn what_the_fields_told_is_not_forgotten_when_the_parts_are_read() {
    let mut state = State::begun(Phase::Fill);
    let held = || row(json!({"admin_assignee_id": 81}));
    state.note(&read(held()), LATER);
    state.tell(&whole(held(), vec![part(10, "assignment", "admin", to(81))]), LATER);
    state.outbox.clear();
    state.vanish(&"7".into(), at(400));
    assert_eq!(shorts(&mut state), ["900 status closed by system"]);
}

#[test]
fn an_empty_list_of_teammates_ends_nobody() {
    let (mut state, mut out) = (steady(), Vec::new());
    let admin = json!({"id": "81", "name": "Ana", "has_inbox_seat": true, "away_mode_enabled": false});
    state.people.take_admins((vec![read(admin)], true), at(0), &mut out);
    assert_eq!(out.len(), 2);
    state.people.take_admins((Vec::new(), true), at(60), &mut out);
    assert_eq!(out.len(), 2, "whoever asks is in the list");
}

#[test]
fn a_subject_is_the_same_in_html_and_as_plain_text() {
    let of = |subject: &str| {
        let source = json!({"type": "email", "subject": subject, "author": {"type": "user", "id": "u1"}});
        read::<Conversation>(row(json!({"source": source}))).opened().subject
    };
    assert_eq!(of("<p>Q&amp;A &gt; &quot;x&quot;</p>"), of("Q&A > \"x\""));
}
