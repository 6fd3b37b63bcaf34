//! What is news, and what is remembered.

use std::sync::Arc;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::source::http::{Auth, Client, Limits};
use crate::source::zendesk::story::conversation;

const THERE: &str = "2026-11-22T09:00:00Z";

fn state(known: Option<Known>) -> State {
    State { tickets: known.map(|known| (5, known)).into_iter().collect(), ..State::default() }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn known(ended: bool, again_at: Option<&str>) -> Known {
    let (standing, updated_at) = (Standing::default(), at("2026-11-22T08:00:00Z"));
    Known {
        requester: None,
        standing,
        updated_at,
        again_at: again_at.map(at),
        last: 9,
        last_at: at("2026-11-22T08:30:00Z"),
        record_to: BEFORE_ALL,
        ended,
        targets: Targets::default(),
        recognised: None,
    }
}

#[rstest]
#[case::unknown(None, "open", "08:00:00", true)]
#[case::unknown_and_just_solved(None, "solved", "08:00:00", true)]
#[case::unknown_and_closed_by_an_automation(None, "closed", "08:00:00", false)]
#[case::changed(Some(known(false, None)), "open", "08:00:01", true)]
#[case::as_it_was(Some(known(false, None)), "open", "08:00:00", false)]
#[case::reopened(Some(known(true, None)), "open", "08:00:01", true)]
#[case::closed_by_an_automation(Some(known(true, None)), "closed", "08:00:01", false)]
#[case::closed_while_open(Some(known(false, None)), "closed", "08:00:01", true)]
#[case::read_in_that_second(Some(known(false, Some(THERE))), "open", "08:00:00", true)]
#[case::not_yet_again(Some(known(false, Some("2026-11-22T09:00:01Z"))), "open", "08:00:00", false)]
fn what_is_news(#[case] known: Option<Known>, #[case] status: &str, #[case] changed: &str, #[case] expected: bool) {
    let ticket = json!({"id": 5, "created_at": "2026-11-18T08:00:00Z", "updated_at": format!("2026-11-22T{changed}Z"), "status": status});
    let ticket: Ticket = serde_json::from_value(ticket).unwrap();
    assert_eq!(state(known).is_news(&ticket, at(THERE)), expected);
}

#[test]
fn answers_that_wait_for_their_ticket_are_asked_for_again_after_a_restart() {
    let mut state = State { rated_to: at(THERE), ..State::default() };
    assert_eq!(state.mark().rated_to, at(THERE));
    let kind = EventKind::Rated { conversation: conversation(5), score: 5.0, scale: 5.0, comment: None };
    state.rated_of.insert(5, vec![Event::new(at("2026-11-22T07:00:00Z"), kind)]);
    assert_eq!(state.mark().rated_to, at("2026-11-22T07:00:00Z"));
}

#[test]
fn a_ticket_that_left_is_ended_once() {
    let mut open = state(Some(known(false, None)));
    open.leave(5, at(THERE));
    open.leave(5, at(THERE));
    assert_eq!(open.outbox.len(), 1);
    let mut ended = state(Some(known(true, None)));
    ended.leave(5, at(THERE));
    assert_eq!(ended.outbox, [], "it had ended");
    let mut remembered = state(None);
    remembered.leave(5, at(THERE));
    assert_eq!(remembered.outbox, [], "it was never told");
    remembered.remembered.insert(5);
    remembered.leave(5, at(THERE));
    assert_eq!(remembered.outbox.len(), 1);
}

#[rstest]
#[case::later(THERE, THERE)]
#[case::not_before_what_was_told("2026-11-22T08:10:00Z", "2026-11-22T08:30:00Z")]
fn a_ticket_that_left_ends_after_what_was_told_of_it(#[case] there: &str, #[case] ended_at: &str) {
    let mut open = state(Some(known(false, None)));
    open.leave(5, at(there));
    assert_eq!(open.outbox[0].at, Some(at(ended_at)));
}

#[rstest]
#[case::told_before("09:30:00", false)]
#[case::not_told_yet("09:30:01", true)]
fn a_recognised_ticket_is_read_only_for_a_target_that_was_not_told(#[case] due: &str, #[case] is_kept: bool) {
    let target = json!({"metric": "next_reply_time", "stage": "active", "breach_at": format!("2026-11-22T{due}Z")});
    let ticket = json!({"id": 5, "created_at": THERE, "updated_at": THERE, "status": "open",
        "slas": {"policy_metrics": [target]}});
    let mut state = State { targets_to: at("2026-11-22T09:30:00Z"), ..State::default() };
    state.recognise(&serde_json::from_value(ticket).unwrap());
    assert_eq!(state.tickets[&5].recognised.is_some(), is_kept);
}

#[test]
fn what_the_export_told_is_not_read_but_its_targets_are_seen() {
    let mut state = state(Some(known(false, None)));
    let record = |updated: &str| -> Ticket {
        let target = json!({"metric": "next_reply_time", "stage": "active", "breach_at": "2026-11-22T09:30:00Z"});
        let record = json!({"id": 5, "created_at": "2026-11-18T08:00:00Z", "updated_at": updated, "status": "open",
            "slas": {"policy_metrics": [target]}});
        serde_json::from_value(record).unwrap()
    };
    state.position = at(THERE).millis() / 1000;
    for (updated, is_left) in [(THERE, true), ("2026-11-22T08:59:59Z", false)] {
        state.wanted.remove(5);
        state.wanted.want(record(updated));
        state.caught_up();
        let is_seen = state.tickets[&5].targets.is_ripe(at("2026-11-22T09:30:00Z"));
        assert_eq!((state.wanted.has(5), is_seen), (is_left, !is_left), "{updated}");
    }
}

#[test]
fn since_when_somebody_waits_is_a_guess_until_the_ticket_is_read() {
    let record = json!({"id": 5, "created_at": "2026-11-22T08:00:00Z", "updated_at": THERE, "status": "open",
        "requester_id": 9, "metric_set": {"requester_updated_at": THERE, "latest_comment_added_at": THERE}});
    let ticket: Ticket = serde_json::from_value(record).unwrap();
    let asks = json!({"id": 7, "ticket_id": 5, "created_at": "2026-11-22T08:00:00Z", "author_id": 9,
        "events": [{"type": "Comment", "author_id": 9, "public": true}]});
    let auth = Auth::Basic { user: String::new(), password: serde_json::from_value(json!("x")).unwrap() };
    let client = Client::new("http://127.0.0.1".parse().unwrap(), &auth, Limits::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let mut ask = Ask::new(Arc::new(client), at(THERE), "");
    let mut state = State::default();
    state.recognise(&ticket);
    assert_eq!(state.tickets[&5].targets.asked_at(), Some(at(THERE)));
    state.adopt(&ticket, &[Audit::of(&asks).unwrap()], "", &mut ask);
    assert_eq!(state.tickets[&5].targets.asked_at(), Some(at("2026-11-22T08:00:00Z")));
}

#[test]
fn those_who_wait_longest_are_looked_at_each_time_and_all_others_in_turn() {
    let mut state = State::default();
    for id in 1..=180 {
        let mut one = known(id == 7, None);
        // Sixty wait, the higher the number the longer.
        one.targets.guess((id > 120).then(|| at(THERE) - TimeDelta::minutes(id)));
        state.tickets.insert(id, one);
    }
    let mut looked_at = Vec::new();
    for _ in 0..3 {
        let sweep = state.next_sweep();
        assert_eq!(sweep.ids[..50], (131..=180).rev().collect::<Vec<_>>());
        looked_at.push(sweep.ids[50..].to_vec());
        state.sweep_after = sweep.after;
    }
    let turn = |from: Id, to: Id| (from..=to).filter(|id| *id != 7).collect::<Vec<_>>();
    assert_eq!(looked_at, [turn(1, 51), turn(52, 101), turn(102, 130)]);
    assert_eq!(state.sweep_after, 0, "and from the beginning");
    state.tickets.retain(|id, _| *id > 130);
    assert_eq!(state.next_sweep().ids.len(), 50);
}

#[test]
fn a_target_that_is_seen_only_now_is_told_and_that_of_a_recognised_ticket_read_first() {
    let record = |updated: &str, has_target: bool| -> Ticket {
        let target = json!({"metric": "first_reply_time", "stage": "active", "breach_at": "2026-11-22T09:30:00Z"});
        let slas = has_target.then(|| json!({"policy_metrics": [target]}));
        let record = json!({"id": 5, "created_at": "2026-11-18T08:00:00Z", "updated_at": updated, "status": "open", "slas": slas});
        serde_json::from_value(record).unwrap()
    };
    let eight = "2026-11-22T08:00:00Z";
    let is_ripe = |state: &State| state.tickets[&5].targets.is_ripe(at("2026-11-22T09:30:00Z"));
    let mut told = state(Some(known(false, None)));
    told.see_targets(&record(THERE, true));
    assert!(!is_ripe(&told), "what changed is read");
    for has_target in [true, false] {
        told.see_targets(&record(eight, has_target));
        assert!(is_ripe(&told) && told.tickets[&5].recognised.is_none(), "an answer without targets takes none back");
    }
    let mut recognised = state(None);
    recognised.recognise(&record(eight, false));
    recognised.see_targets(&record(eight, true));
    assert!(is_ripe(&recognised) && recognised.tickets[&5].recognised.is_some());
}

#[test]
fn those_on_whom_somebody_asked_since_they_were_told_are_read_first() {
    let record = |id: Id, asked_at: &str, commented_at: &str| -> Ticket {
        let metrics = json!({"requester_updated_at": asked_at, "latest_comment_added_at": commented_at});
        let record = json!({"id": id, "created_at": "2026-11-18T08:00:00Z", "updated_at": THERE, "status": "open", "metric_set": metrics});
        serde_json::from_value(record).unwrap()
    };
    let (before, since) = ("2026-11-22T07:00:00Z", "2026-11-22T08:40:00Z");
    let mut state = State::default();
    for id in 1..=4 {
        state.tickets.insert(id, known(false, None));
    }
    for (id, asked_at, commented_at) in
        [(1, before, since), (2, before, before), (3, since, THERE), (4, since, since), (5, before, since)]
    {
        state.wanted.want(record(id, asked_at, commented_at));
    }
    state.line_up();
    let order: Vec<Id> = state.wanted.queue().map(|ticket| ticket.id).collect();
    assert_eq!(order, [4, 5, 3, 1, 2]);
}

#[test]
fn what_waits_to_be_read_for_long_makes_the_source_no_younger_and_what_is_left_alone_does_not() {
    let record: Ticket =
        serde_json::from_value(json!({"id": 5, "created_at": THERE, "updated_at": THERE, "status": "open"})).unwrap();
    let mut state = State::default();
    state.wanted.want(record.clone());
    let later = |seconds| at(THERE) + TimeDelta::seconds(seconds);
    for (second, expected) in [(0, false), (150, false), (151, true)] {
        state.note_queue(later(second));
        assert_eq!(state.is_behind(later(second)), expected, "{second}");
    }
    let mut round = state.wanted.begin(later(151));
    let fault = crate::source::SourceError::passing("p", "w");
    state.wanted.failed(record, fault, &mut round).unwrap();
    round.is_good();
    state.wanted.end(round, later(151), &mut crate::source::skips::Skips::default()).unwrap();
    state.note_queue(later(151));
    assert!(state.wanted.has(5) && !state.is_behind(later(151)));
}

#[rstest]
#[case::asked_after_an_answer(json!([["agent", 1], ["customer", 2]]), true)]
#[case::answered(json!([["customer", 1], ["agent", 2]]), false)]
#[case::ended_without_an_answer(json!([["customer", 1], ["solved", 2], ["open", 3]]), false)]
#[case::asked_after_its_end(json!([["solved", 1], ["customer", 2]]), true)]
fn whoever_waits_on_a_ticket_that_comes_back_waits_from_then_on(#[case] story: serde_json::Value, #[case] waits: bool) {
    let event = |one: &serde_json::Value| {
        let at = at(THERE) + TimeDelta::minutes(one[1].as_i64().unwrap());
        let said = |from| EventKind::Message(crate::event::Message::public(conversation(5), from, None));
        let put = |status| EventKind::Status { conversation: conversation(5), status, by: None, agent: None };
        let kind = match one[0].as_str().unwrap() {
            "agent" => said(crate::event::Author::Agent),
            "customer" => said(crate::event::Author::Customer),
            "solved" => put(Status::Resolved),
            _ => put(Status::Open),
        };
        (at, 1, Event::new(at, kind))
    };
    let mut out: Vec<Placed> = story.as_array().unwrap().iter().map(event).collect();
    let before = out.len();
    gone::come_back(5, Standing::default(), &mut out, at(THERE) + TimeDelta::hours(1));
    assert_eq!(out.len() - before, if waits { 2 } else { 1 });
}
