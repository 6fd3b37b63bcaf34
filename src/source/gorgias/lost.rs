//! The rules that keep a customer who waits from being lost: tickets that are put away and come back, messages that move to
//! another ticket, and what happens in tickets that are not known.

use rstest::rstest;
use serde_json::{Value, json};

use super::heap::Pages;
use super::mark::Mark;
use super::rules::{ID, event, known, meet, message, record, shorts, time};
use super::state::{Access, Phase, State};
use super::story::{News, is_answer};
use super::threads::{Claim, Thread, are_all};
use super::wire::Message;
use crate::event::Timestamp;

fn said(id: i64, from_agent: bool, at: &str) -> Message {
    serde_json::from_value(message(id, from_agent, at)).unwrap()
}

/// A desk that knows the ticket, whose customer waits.
fn waiting() -> State {
    let mut state = State::begun(Phase::Steady);
    state.events = Access { is_given: true, is_typed: true };
    let news = News { messages: vec![said(1, false, "10:42:10.500")], events: Vec::new() };
    state.first(&record(json!({})), news, Timestamp::MIN, time("10:50:00"));
    state.outbox.clear();
    state
}

/// What is told where this happened, as the events show it.
fn happens(state: &mut State, events: Vec<Value>) -> Vec<String> {
    let events = events.into_iter().map(|one| serde_json::from_value(one).unwrap()).collect();
    state.keep_all(Pages { events, ..Pages::default() });
    state.tell(time("10:49:00"), time("12:00:00"), usize::MAX);
    shorts(state)
}

/// What is told where its record shows that, and is believed.
fn shows(state: &mut State, more: Value) -> Vec<String> {
    let mut told = meet(state, more, "11:30:00");
    state.judge_doubts(time("11:30:40"));
    told.extend(shorts(state));
    told
}

fn away() -> Value {
    json!({"spam": true, "updated_datetime": "2026-06-01T11:00:00"})
}

fn back() -> Value {
    json!({"updated_datetime": "2026-06-01T11:10:00"})
}

#[test]
fn a_wait_that_was_put_away_begins_anew_once_the_ticket_is_back() {
    let trashed = || json!({"trashed_datetime": "2026-06-01T11:00:00", "updated_datetime": "2026-06-01T11:00:00"});
    for put_away in [away(), trashed()] {
        let mut state = waiting();
        assert_eq!(shows(&mut state, put_away), ["11:00:00 status closed system"]);
        assert_eq!(shows(&mut state, back()), ["11:10:00 status open", "11:10:00 message"]);
    }
    // Gone, also for a moment.
    let mut state = waiting();
    state.vanish(ID, time("11:00:00"));
    assert_eq!(shorts(&mut state), ["11:00:00 status closed system"]);
    assert_eq!(shows(&mut state, back()), ["11:10:00 status open", "11:10:00 message"]);
}

#[test]
fn what_was_put_away_and_is_back_by_what_happened_waits_from_then_on() {
    let mut state = waiting();
    let events = vec![event(1, "ticket-trashed", "11:00:00"), event(2, "ticket-untrashed", "11:10:00")];
    let expected = ["11:00:00 status closed system", "11:10:00 status open system", "11:10:00 message"];
    assert_eq!(happens(&mut state, events), expected);
}

#[test]
fn nobody_waits_anew_who_was_answered_or_whose_ticket_had_ended() {
    let closed = || event(1, "ticket-closed", "10:55:00");
    let both = || [event(2, "ticket-trashed", "11:00:00"), event(3, "ticket-untrashed", "11:10:00")];
    let mut state = waiting();
    let told = happens(&mut state, std::iter::once(closed()).chain(both()).collect());
    assert_eq!(told, ["10:55:00 status closed 412 agent", "11:00:00 status closed system"], "it stays closed");
    let mut state = waiting();
    let told = happens(&mut state, vec![closed(), event(2, "ticket-reopened", "11:10:00")]);
    assert_eq!(told.len(), 2, "{told:?}");
    let mut state = known(json!({}), Vec::new());
    assert_eq!(happens(&mut state, both().to_vec()).len(), 2, "nobody had asked");
    // The team has answered meanwhile.
    let mut state = waiting();
    let _ = shows(&mut state, away());
    state.keep_all(Pages { messages: vec![said(2, true, "11:05:00")], ..Pages::default() });
    state.tell(time("10:49:00"), time("11:06:00"), usize::MAX);
    let _ = shorts(&mut state);
    assert_eq!(shows(&mut state, back()), ["11:10:00 status open"]);
}

#[test]
fn a_later_run_knows_whose_wait_was_put_away() {
    let mut state = waiting();
    let _ = shows(&mut state, away());
    let mark: Mark = state.cursor().unwrap().read().unwrap();
    assert_eq!(mark.away, [(time("11:00:00"), ID)]);
    let later = |messages: Vec<Message>, more: Value| {
        let mut state = State::begun(Phase::Steady);
        state.away = mark.away.iter().map(|(at, id)| (*id, *at)).collect();
        state.first(&record(more), News { messages, events: Vec::new() }, Timestamp::MIN, time("11:30:00"));
        let is_of_status =
            |line: &String| line.starts_with("11:") && !line.contains("assigned") && !line.contains("tagged");
        let told = shorts(&mut state).into_iter().filter(is_of_status);
        (told.collect::<Vec<_>>(), state.away.len())
    };
    let lines = |told: &[&str]| told.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let asked = || said(1, false, "10:42:10.500");
    assert_eq!(later(vec![asked()], back()), (lines(&["11:10:00 status open", "11:10:00 message"]), 0));
    assert_eq!(later(vec![asked(), said(2, true, "10:45:00")], back()), (lines(&["11:10:00 status open"]), 0));
    let again = vec![asked(), said(2, false, "11:05:00")];
    assert_eq!(later(again, back()).0, lines(&["11:05:00 message", "11:10:00 status open"]), "waits since that");
    assert_eq!(later(vec![asked()], away()), (lines(&["11:00:00 status closed system"]), 1), "it is away still");
}

#[test]
fn a_record_of_the_same_time_that_stands_otherwise_is_of_the_look() {
    let mut state = waiting();
    let (late, look) = (time("11:28:00"), time("11:30:00"));
    state.look_at(&record(json!({})), late, look);
    state.judge_doubts(look);
    state.look_at(&record(json!({"spam": true, "updated_datetime": "2026-06-01T11:29:00"})), late, look);
    state.judge_doubts(time("11:31:00"));
    assert_eq!(shorts(&mut state), Vec::<String>::new(), "nothing else, or that has just changed");
    state.look_at(&record(json!({"spam": true})), late, look);
    state.judge_doubts(look);
    state.judge_doubts(time("11:31:00"));
    assert_eq!(shorts(&mut state), ["11:30:00 status closed system"]);
}

#[test]
fn an_answer_that_could_not_be_delivered_answers_nobody() {
    let failed = |from_agent: bool| {
        let mut message = message(1, from_agent, "10:45:00");
        message["failed_datetime"] = "2026-06-01T10:45:01".into();
        serde_json::from_value::<Message>(message).unwrap()
    };
    assert!(!is_answer(&failed(true), &super::people::People::default()));
    assert!(!failed(true).is_public && failed(false).is_public);
}

/// What a record says of the messages at 10:31 and 10:40, the second of which is the team's.
#[rstest]
#[case(json!({}), true)]
#[case(json!({"messages_count": 2, "last_received_message_datetime": "2026-06-01T10:31:00.900"}), true)]
#[case(json!({"messages_count": 3}), false)]
#[case(json!({"last_received_message_datetime": "2026-06-01T10:31:01.100"}), false)]
fn a_record_may_speak_of_messages_that_were_not_met(#[case] says: Value, #[case] expected: bool) {
    let mut ticket = json!({"messages_count": null, "last_received_message_datetime": null});
    ticket.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
    let ticket = record(ticket);
    let messages = [said(1, false, "10:31:00"), said(2, true, "10:40:00")];
    assert_eq!(are_all(messages.iter(), Claim::of(&ticket)), expected);
    let twice = [said(1, false, "10:31:00"), said(2, true, "10:40:00"), said(2, true, "10:40:00")];
    assert_eq!(are_all(twice.iter(), Claim::of(&ticket)), expected, "the same one again is none more");
    let mut thread = Thread::default();
    for message in &messages {
        thread.tell(message);
    }
    thread.record(&ticket);
    assert_eq!(thread.is_short(), !expected);
    thread.settle();
    assert!(!thread.is_short(), "all was read");
    thread.tell(&said(3, true, "10:41:00"));
    assert!(!thread.is_short());
}

/// A ticket that is known is read again where messages may have come from another one.
#[rstest]
#[case::merged(Some("ticket-merged"), json!({}), true)]
#[case::split(Some("ticket-split"), json!({}), true)]
#[case::counted(None, json!({"messages_count": 4}), true)]
#[case::dated(None, json!({"last_received_message_datetime": "2026-06-01T10:45:00"}), true)]
#[case::as_it_was(None, json!({}), false)]
fn messages_that_came_from_another_ticket_are_told(
    #[case] kind: Option<&str>,
    #[case] more: Value,
    #[case] expected: bool,
) {
    let mut state = waiting();
    state.heap.record(record(more));
    assert_eq!(happens(&mut state, kind.map(|kind| event(1, kind, "11:00:00")).into_iter().collect()).len(), 0);
    assert_eq!(state.queue.contains_key(&ID), expected);
    let messages = vec![said(1, false, "10:42:10.500"), said(7, false, "10:35:00")];
    state.whole(ID, News { messages, events: Vec::new() }, time("11:01:00"));
    assert_eq!(shorts(&mut state), ["10:35:00 message"], "each once");
    assert!(state.queue.is_empty());
}

#[test]
fn a_message_that_moved_is_told_of_both_tickets() {
    let mut state = waiting();
    state.first(&record(json!({"id": 5})), News::default(), Timestamp::MIN, time("10:50:00"));
    state.outbox.clear();
    for (ticket, expected) in [(ID, 1), (5, 1), (5, 0)] {
        let message = Message { ticket_id: ticket, ..said(3, false, "10:49:30") };
        state.keep_all(Pages { messages: vec![message], ..Pages::default() });
        state.tell(time("10:49:00"), time("10:51:00"), usize::MAX);
        assert_eq!(shorts(&mut state).len(), expected, "of {ticket}");
    }
}

#[test]
fn records_that_count_what_is_in_no_answer_are_not_believed_for_long() {
    let mut state = State::begun(Phase::Steady);
    let ticket = |id: i64| record(json!({"id": id}));
    let queued = |state: &mut State, id: i64| {
        state.heap.record(ticket(id));
        state.tell(ticket(id).created_datetime, time("11:00:00"), usize::MAX);
        state.queue.contains_key(&id)
    };
    for id in 1..=5 {
        assert!(queued(&mut state, id), "{id}");
        state.whole(id, News::default(), time("11:00:00"));
    }
    assert!(!queued(&mut state, 6));
}

/// Whether something of a ticket that is not known, and is not active, is to be told.
#[rstest]
#[case::said(json!({"status": "closed"}), "10:50:00", None, true)]
#[case::before_an_earlier_run_ended(json!({"status": "closed"}), "10:50:00", Some("10:52:00"), false)]
#[case::spam(json!({"spam": true}), "10:50:00", None, false)]
#[case::nothing(json!({"status": "closed"}), "10:30:00", None, false)]
fn what_is_said_in_an_ended_ticket_is_heard(
    #[case] more: Value,
    #[case] at: &str,
    #[case] told_to: Option<&str>,
    #[case] expected: bool,
) {
    let mut state = State::begun(Phase::Steady);
    (state.told_to, state.mark) = (told_to.map(time), time("10:51:00"));
    for _ in 0..2 {
        state.heap.record(record(more.clone()));
        state.keep_all(Pages { messages: vec![said(1, true, at)], ..Pages::default() });
        state.tell(time("10:49:00"), time("11:00:00"), usize::MAX);
    }
    let heard_of = |state: &State| state.cursor().unwrap().0["past"]["heard_of"].clone();
    assert_eq!(heard_of(&state), if expected { json!([ID]) } else { json!([]) });
    assert_eq!(state.outbox.len(), 0);
    let cursor = state.cursor().unwrap().read::<Mark>().unwrap();
    state.past.plan(Some(cursor.past), time("12:00:00"), time("11:00:00"));
    assert_eq!(heard_of(&state), if expected { json!([ID]) } else { json!([]) }, "a later run goes on");
}

#[test]
fn a_start_waits_for_the_messages_that_a_record_speaks_of() {
    let mut state = State::begun(Phase::Steady);
    let (from, look) = (time("10:00:00"), time("11:00:00"));
    let ticket = json!({"messages_count": 1, "last_received_message_datetime": null});
    state.heap.record(record(ticket));
    assert_eq!((state.tell_whole(from, look), state.heap.records.len()), (0, 1), "it may come with an older page");
    state.keep_active(Pages { messages: vec![said(1, false, "09:30:00")], ..Pages::default() });
    assert_eq!(state.tell_whole(from, look), 0, "what is older than what is known is not told");
    assert_eq!(state.tell_whole(time("09:00:00"), look), 1);
}

#[test]
fn after_a_pause_what_moved_meanwhile_is_read_again_and_what_the_feeds_do_not_reach() {
    for (merged_at, from, expected) in
        [(None, "10:45:00", false), (Some("10:55:00"), "10:45:00", true), (None, "10:55:00", true)]
    {
        let mut known = waiting();
        let mut remembered = State::begun(Phase::Steady);
        remembered.remembered.insert(ID);
        for state in [&mut known, &mut remembered] {
            state.told_to = Some(time("10:50:00"));
            state.heap.record(record(json!({})));
            let events = merged_at.map(|at| serde_json::from_value(event(1, "ticket-merged", at)).unwrap());
            state.keep_active(Pages { events: events.into_iter().collect(), ..Pages::default() });
            state.tell(time(from), time("11:00:00"), usize::MAX);
            assert_eq!(state.queue.contains_key(&ID), expected, "{merged_at:?} {from}");
        }
    }
}
