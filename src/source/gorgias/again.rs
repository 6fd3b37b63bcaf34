//! The rules of what is told again: of what an earlier run told, of tickets that were heard of, and of what could not be
//! delivered; and of those who are in no list.

use std::slice::from_ref;

use rstest::rstest;
use serde_json::{Value, json};

use super::before::Before;
use super::heap::Pages;
use super::mark::Mark;
use super::people::{People, Staff};
use super::rules::{ID, event, known, message, record, shorts, time};
use super::state::{Phase, State};
use super::story::News;
use super::wire::{Happened, Message, Ticket};
use crate::event::{Event, Timestamp};

fn said(id: i64, from_agent: bool, at: &str) -> Message {
    serde_json::from_value(message(id, from_agent, at)).unwrap()
}

fn happened(nth: i64, kind: &str, at: &str) -> Happened {
    serde_json::from_value(event(nth, kind, at)).unwrap()
}

/// A desk that an earlier run told up to 11:00.
fn resumed() -> State {
    let mut state = State::begun(Phase::Steady);
    state.before = Before::resumed(time("11:00:00"));
    state
}

/// What is told of the ticket, but for how it began and what was said.
fn stands(state: &mut State, ticket: &Ticket, news: News, from: &str) -> Vec<String> {
    let from = if from.is_empty() { Timestamp::MIN } else { time(from) };
    state.first(ticket, news, from, time("12:00:00"));
    let mut told = shorts(state);
    told.retain(|line| !line.starts_with(' ') && !line.ends_with("opened"));
    told
}

/// What an earlier run may have told otherwise is said in full, and never before that.
#[rstest]
#[case::all_of_it(json!({}), "", &["11:00:00 tagged", "11:00:00 assigned 412", "11:00:00 status open"])]
#[case::nobody_holds_it(json!({"assignee_user": null}), "", &["11:00:00 tagged", "11:00:00 assigned", "11:00:00 status open"])]
#[case::changed_since(json!({"updated_datetime": "2026-06-01T11:20:00"}), "10:35:00",
    &["11:20:00 tagged", "11:20:00 assigned 412", "11:20:00 status open"])]
#[case::ended_since(json!({"status": "closed", "closed_datetime": "2026-06-01T11:10:00"}), "10:35:00",
    &["11:10:00 tagged", "11:10:00 assigned 412", "11:10:00 status closed system"])]
#[case::not_read_that_far(json!({"updated_datetime": "2026-06-01T11:20:00"}), "11:05:00",
    &["11:05:00 assigned 412", "11:20:00 tagged", "11:20:00 assigned 412", "11:20:00 status open"])]
#[case::begun_later(json!({"created_datetime": "2026-06-01T11:05:00", "updated_datetime": "2026-06-01T11:06:00"}), "",
    &["11:06:00 assigned 412"])]
fn how_a_ticket_stands_that_may_have_been_told(#[case] more: Value, #[case] from: &str, #[case] expected: &[&str]) {
    let mut state = resumed();
    assert_eq!(stands(&mut state, &record(more), News::default(), from), expected);
    let known = &state.tickets[&ID];
    assert_eq!(known.told, known.record);
}

#[test]
fn of_a_ticket_that_may_have_been_told_its_beginning_names_no_team() {
    for (mut state, expected) in [(resumed(), None), (State::begun(Phase::Steady), Some("9"))] {
        let ticket = record(json!({}));
        state.first(&ticket, News::default(), Timestamp::MIN, time("12:00:00"));
        let told: Vec<Value> = state.outbox.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        let opened = told.iter().find(|event| event["type"] == "opened").unwrap();
        assert_eq!(opened["team"].as_str(), expected);
    }
}

#[test]
fn what_happened_after_its_record_has_the_last_word_also_where_it_may_have_been_told() {
    let news = News { events: vec![happened(1, "ticket-unassigned", "11:30:00")], ..News::default() };
    let told = stands(&mut resumed(), &record(json!({})), news, "10:35:00");
    assert_eq!(told, ["11:30:00 assigned 412", "11:30:00 tagged", "11:30:00 assigned", "11:30:00 status open"]);
}

#[test]
fn what_happened_since_an_earlier_run_speaks_for_itself() {
    let closed = record(json!({"status": "closed", "closed_datetime": "2026-06-01T11:10:00"}));
    let news = News { events: vec![happened(1, "ticket-closed", "11:10:00")], ..News::default() };
    let told = stands(&mut resumed(), &closed, news, "");
    assert_eq!(told, ["11:10:00 status closed 412 agent", "11:10:00 tagged", "11:10:00 assigned 412"]);
}

#[test]
fn what_this_run_told_and_forgot_is_said_in_full() {
    let closed = || json!({"status": "closed", "closed_datetime": "2026-06-01T10:41:00"});
    let full = ["10:42:11.010 tagged", "10:42:11.010 assigned", "10:42:11.010 status open"];
    let back = || record(json!({"assignee_user": null}));
    // As history.
    let mut state = State::begun(Phase::Steady);
    state.recount(&record(closed()), News::default(), time("10:50:00"));
    let told = shorts(&mut state);
    assert_eq!(told.last().unwrap(), "10:41:00 status closed system", "for the first time: {told:?}");
    assert_eq!(stands(&mut state, &back(), News::default(), ""), full);
    // As news, long ago.
    let mut state = known(closed(), Vec::new());
    state.mark = time("10:50:00") + chrono::TimeDelta::days(3);
    state.prune();
    assert_eq!(stands(&mut state, &back(), News::default(), ""), full);
    // As active, by an earlier run.
    let mut state = State::begun(Phase::Steady);
    state.remembered.insert(ID);
    assert_eq!(stands(&mut state, &back(), News::default(), ""), full);
}

/// A record and a message of it are met.
fn meets(state: &mut State, status: &str, messages: Vec<Message>, from: &str) {
    state
        .heap
        .record(record(json!({"status": status, "messages_count": null, "last_received_message_datetime": null})));
    state.keep_all(Pages { messages, ..Pages::default() });
    state.tell(time(from), time("11:30:00"), usize::MAX);
}

#[test]
fn what_was_heard_of_and_is_active_is_read_whole_before_it_is_told() {
    let all = || vec![said(1, true, "10:50:00"), said(2, true, "10:52:30"), said(3, false, "10:53:00")];
    for is_told_first in [false, true] {
        let mut state = State::begun(Phase::Steady);
        meets(&mut state, "closed", vec![said(1, true, "10:50:00")], "10:49:00");
        assert!(state.past.has_heard_of(ID));
        if is_told_first {
            // Its turn has come in the history.
            state.recount(
                &record(json!({"status": "closed"})),
                News { messages: all(), ..News::default() },
                time("10:55:00"),
            );
            state.past.heard(ID);
            state.outbox.clear();
            meets(&mut state, "closed", all(), "10:52:00");
            assert!(!state.past.has_heard_of(ID), "that was told");
            continue;
        }
        meets(&mut state, "open", all().split_off(1), "10:52:00");
        assert!(state.queue.contains_key(&ID) && state.outbox.is_empty());
        state.whole(ID, News { messages: all(), ..News::default() }, time("11:30:00"));
        let told = shorts(&mut state);
        assert_eq!(told.iter().filter(|line| line.contains("message")).count(), 3, "{told:?}");
        assert!(!state.past.has_heard_of(ID));
    }
}

fn failed(is_failed: bool) -> Message {
    let mut answer = message(2, true, "10:45:00");
    answer["failed_datetime"] = if is_failed { "2026-06-01T10:45:01".into() } else { Value::Null };
    serde_json::from_value(answer).unwrap()
}

/// A desk that told an answer that could not be delivered.
fn undelivered() -> State {
    let mut state = known(json!({}), Vec::new());
    state.keep_all(Pages { messages: vec![said(1, false, "10:40:00"), failed(true)], ..Pages::default() });
    state.tell(time("10:30:00"), time("10:50:00"), usize::MAX);
    state.outbox.clear();
    state
}

/// Messages that are told, and whether each is for the customer.
fn messages(state: &mut State) -> Vec<(Timestamp, bool)> {
    let of = |event: Event| match event.kind {
        crate::event::EventKind::Message(said) => Some((event.at?, said.public != Some(false))),
        _ => None,
    };
    state.outbox.drain(..).filter_map(of).collect()
}

#[test]
fn an_answer_that_is_delivered_after_all_is_told() {
    let answer = (time("10:45:00"), true);
    // A feed shows it again.
    let mut state = undelivered();
    for (message, expected) in [(failed(true), vec![]), (failed(false), vec![answer]), (failed(false), vec![])] {
        state.keep_all(Pages { messages: vec![message], ..Pages::default() });
        state.tell(time("10:30:00"), time("10:51:00"), usize::MAX);
        assert_eq!(messages(&mut state), expected);
    }
    // Its ticket changes.
    let mut state = undelivered();
    for (at, expected) in [("10:42:11.010", false), ("11:20:00", true)] {
        state.heap.record(record(json!({"updated_datetime": format!("2026-06-01T{at}")})));
        state.tell(time("11:19:00"), time("11:20:10"), usize::MAX);
        assert_eq!(state.queue.contains_key(&ID), expected, "{at}");
    }
    let all = vec![said(1, false, "10:40:00"), failed(false)];
    state.whole(ID, News { messages: all, events: Vec::new() }, time("11:20:20"));
    assert_eq!(messages(&mut state), [answer]);
    assert!(state.failed.is_empty());
    // Helptop was stopped meanwhile.
    let mark: Mark = undelivered().cursor().unwrap().read().unwrap();
    for failed in [Vec::new(), mark.failed] {
        let mut state = resumed();
        let expected = failed.contains(&ID);
        state.failed.extend(failed);
        state.remembered.insert(ID);
        state.told_to = Some(time("11:00:00"));
        state.heap.record(record(json!({})));
        state.tell(time("10:55:00"), time("11:20:10"), usize::MAX);
        assert_eq!(state.queue.contains_key(&ID), expected, "it is read whole");
    }
}

#[rstest]
#[case::a_user(412, "11:30:00", false)]
#[case::a_program(900, "11:30:00", false)]
#[case::who_was_there_before(7, "10:59:59", false)]
#[case::who_came_since(7, "11:00:00", true)]
fn the_list_of_users_may_miss_who_came_since(#[case] id: i64, #[case] at: &str, #[case] expected: bool) {
    let mut people = People::default();
    let user = |id: i64, role: &str| serde_json::from_value(json!({"id": id, "role": {"name": role}})).unwrap();
    let [mut sent, mut done, mut given] =
        [message(1, true, at), event(1, "ticket-closed", at), event(2, "ticket-assigned", at)];
    (sent["sender"]["id"], done["user_id"], given["data"]["assignee_user_id"]) = (id.into(), id.into(), id.into());
    let held = record(json!({"assignee_user": {"id": id}, "updated_datetime": format!("2026-06-01T{at}")}));
    let sent: Message = serde_json::from_value(sent).unwrap();
    let [done, given]: [Happened; 2] = [done, given].map(|one| serde_json::from_value(one).unwrap());
    assert!(people.missed(from_ref(&held), from_ref(&sent), &[]).is_empty(), "there is no list");
    let users = Some(vec![user(412, "agent"), user(900, "bot")]);
    people.take(Staff { users, teams: None }, time("11:00:00"), &mut Vec::new());
    let missed = |people: &People| {
        let [held, sent] = [people.missed(from_ref(&held), &[], &[]), people.missed(&[], from_ref(&sent), &[])];
        let [done, given] = [&done, &given].map(|one| people.missed(&[], &[], from_ref(one)));
        [held, sent, done, given].map(|ids| !ids.is_empty())
    };
    assert_eq!(missed(&people), [expected; 4]);
    people.sought.insert(id);
    assert_eq!(missed(&people), [false; 4], "once");
}
