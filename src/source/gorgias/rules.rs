//! The rules by which records and feeds are told, one by one: each of these tests is of one that nothing else here shows.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::heap::{Heap, Pages};
use super::past::Past;
use super::people::People;
use super::state::{Access, Phase, State};
use super::story::{News, is_answer};
use super::tests::{happened, of, said, statuses, ticket, told};
use super::walk::{Feed, Walk};
use super::wire::Ticket;
use crate::event::Timestamp;

pub(super) const ID: i64 = 81_234_567;

pub(super) fn time(words: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-06-01T{words}Z")).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "so that tests are short")]
fn with(more: Value) -> Value {
    let mut ticket = ticket();
    ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ticket
}

pub(super) fn event(nth: i64, kind: &str, at: &str) -> Value {
    happened(nth, kind, &format!("2026-06-01T{at}"), &json!({"assignee_user_id": 412, "assignee_team_id": 9}))
}

pub(super) fn message(id: i64, from_agent: bool, at: &str) -> Value {
    said(id, from_agent, &format!("2026-06-01T{at}"))
}

fn whole(ticket: Value, messages: Vec<Value>, events: Vec<Value>) -> Vec<Value> {
    told(ticket, messages, events, Timestamp::MIN)
}

#[test]
fn what_comes_twice_is_told_once() {
    let messages = vec![message(1, true, "10:41:00"), message(1, true, "10:41:00")];
    let events = vec![event(1, "ticket-assigned", "10:40:00"), event(1, "ticket-assigned", "10:40:00")];
    let told = whole(ticket(), messages, events);
    assert_eq!((of(&told, "message").len(), of(&told, "assigned").len()), (1, 1));
}

#[rstest]
#[case("11:00:02.900", &["snoozed"])]
#[case("11:00:04.000", &["closed", "snoozed"])]
fn only_a_closing_of_the_same_moment_is_a_snooze(#[case] at: &str, #[case] expected: &[&str]) {
    let snoozed = with(json!({"status": "closed", "snooze_datetime": "2026-06-02T08:00:00"}));
    let told = whole(snoozed, Vec::new(), vec![event(1, "ticket-closed", "11:00:00"), event(2, "ticket-snoozed", at)]);
    assert_eq!(statuses(&told).iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_record_that_says_snoozed_is_no_witness_of_what_happened_later() {
    let snoozed = json!({"status": "closed", "snooze_datetime": "2026-06-02T08:00:00", "updated_datetime": "2026-06-01T11:00:00"});
    for (at, expected) in [("11:00:02.900", "snoozed"), ("11:00:03", "closed")] {
        let told = whole(with(snoozed.clone()), Vec::new(), vec![event(1, "ticket-closed", at)]);
        assert_eq!(statuses(&told).last().unwrap().0, expected, "{at}: {told:?}");
    }
    // As for one that was told before: it woke up and was closed, and of that its record is not read yet.
    let mut state = known(snoozed, vec![event(1, "ticket-snoozed", "10:59:59")]);
    state.keep_all(Pages {
        events: vec![serde_json::from_value(event(2, "ticket-closed", "11:10:00")).unwrap()],
        ..Pages::default()
    });
    state.tell(time("10:49:00"), time("11:20:00"), usize::MAX);
    assert_eq!(shorts(&mut state), ["11:10:00 status closed 412 agent"]);
}

/// The last status, by whom, and when, of a record that no event explains.
#[rstest]
#[case::shown_late(json!({"status": "closed", "snooze_datetime": "2026-06-01T11:57:00"}), "snoozed", "10:42:11.010")]
#[case::trashed(json!({"trashed_datetime": "2026-06-01T11:00:00"}), "closed system", "11:00:00")]
#[case::spam(json!({"spam": true}), "closed system", "10:42:11.010")]
#[case::closed(json!({"status": "closed", "closed_datetime": "2026-06-01T10:35:00"}), "closed system", "10:35:00")]
fn a_record_says_how_its_ticket_stands(#[case] more: Value, #[case] expected: &str, #[case] at: &str) {
    let told = whole(with(more), Vec::new(), Vec::new());
    let last = *of(&told, "status").last().unwrap();
    let said = format!("{} {}", last["status"], last["by"]).replace('"', "").replace(" null", "");
    assert_eq!((said.as_str(), &last["at"]), (expected, &json!(time(at))));
}

#[test]
fn what_nobody_dated_is_of_the_last_change_and_never_before_what_was_told() {
    let reopened = with(json!({"closed_datetime": "2026-06-01T10:35:00"}));
    assert_eq!(of(&whole(reopened, Vec::new(), Vec::new()), "assigned")[0]["at"], json!(time("10:42:11.010")));
    let closed = with(json!({"status": "closed", "closed_datetime": "2026-06-01T10:40:00"}));
    let told = whole(closed, vec![message(1, true, "10:41:00")], Vec::new());
    assert_eq!(of(&told, "status")[0]["at"], json!(time("10:41:00")));
}

#[test]
fn only_a_public_word_of_the_team_answers() {
    let mut note = message(1, true, "10:41:00");
    note["public"] = false.into();
    for (message, expected) in
        [(message(1, true, "10:41:00"), true), (message(1, false, "10:41:00"), false), (note, false)]
    {
        assert_eq!(is_answer(&serde_json::from_value(message).unwrap(), &People::default()), expected);
    }
}

#[test]
fn who_speaks_and_who_is_introduced() {
    let mut unsigned = message(2, true, "10:41:00");
    unsigned["sender"] = Value::Null;
    let mut by_rule = message(3, true, "10:42:00");
    (by_rule["rule_id"], by_rule["sender"]) = (31.into(), json!({"id": 7, "name": "Rule"}));
    by_rule["stripped_text"] = "short".into();
    by_rule["body_text"] = "long".into();
    let told = whole(ticket(), vec![unsigned, by_rule], vec![event(1, "ticket-assigned", "10:40:00")]);
    assert_eq!(of(&told, "message")[0]["agent"], "412", "of whoever holds it");
    assert_eq!(of(&told, "message")[1]["text"], "short");
    assert_eq!(of(&told, "agent").len(), 1, "a rule is nobody");
    let mut older = with(json!({"requester": {"id": 5501, "name": "Ines"}}));
    older.as_object_mut().unwrap().remove("customer");
    let told = whole(older, Vec::new(), Vec::new());
    assert_eq!(
        (&of(&told, "opened")[0]["customer"], &of(&told, "customer")[0]["name"]),
        (&json!("5501"), &json!("Ines"))
    );
}

#[test]
fn what_happens_later_did_not_hold_before() {
    let from = time("10:35:00");
    let changes = || vec![event(1, "ticket-assigned", "10:40:00"), event(2, "ticket-team-assigned", "10:40:00")];
    let known = told(ticket(), Vec::new(), changes(), from);
    assert_eq!(of(&known, "opened")[0]["team"], Value::Null);
    assert!(of(&known, "assigned").iter().all(|one| one["at"] == json!(time("10:40:00"))), "{known:?}");
    let snoozed = json!({"status": "closed", "snooze_datetime": "2026-06-02T08:00:00", "updated_datetime": "2026-06-01T11:00:00"});
    let known = told(with(snoozed), Vec::new(), vec![event(1, "ticket-snoozed", "10:50:00")], from);
    assert_eq!(of(&known, "status").iter().map(|one| &one["at"]).collect::<Vec<_>>(), [&json!(time("10:50:00"))]);
    let closed = json!({"status": "closed", "closed_datetime": "2026-06-01T11:00:00"});
    let known = told(with(closed), Vec::new(), Vec::new(), from);
    assert_eq!(of(&known, "status").iter().map(|one| &one["at"]).collect::<Vec<_>>(), [&json!(time("11:00:00"))]);
}

#[test]
fn a_record_that_is_older_than_what_happened_is_no_witness() {
    let told = whole(ticket(), Vec::new(), vec![event(1, "ticket-unassigned", "10:50:00")]);
    assert_eq!(of(&told, "assigned").iter().map(|one| &one["agent"]).collect::<Vec<_>>(), [&Value::Null]);
}

#[test]
fn who_replies_and_closes_at_once_replies_first() {
    let closed = with(json!({"status": "closed"}));
    let told = whole(closed, vec![message(1, true, "10:41:00")], vec![event(1, "ticket-closed", "10:41:00")]);
    let kinds = ["message", "status"].map(|kind| told.iter().position(|event| event["type"] == kind).unwrap());
    assert!(kinds[0] < kinds[1], "{told:?}");
}

#[rstest]
#[case::public("open", true, "open")]
#[case::not_public("closed", false, "closed")]
fn a_customers_public_word_opens_what_was_closed(#[case] status: &str, #[case] public: bool, #[case] what: &str) {
    let mut word = message(1, false, "10:41:00");
    word["public"] = public.into();
    let told = whole(with(json!({"status": status})), vec![word], vec![event(1, "ticket-closed", "10:40:00")]);
    assert_eq!(statuses(&told).len(), 1, "{what} already: {told:?}");
}

#[test]
fn what_happened_names_who_did_it() {
    let of_bot = |mut event: Value| {
        event["user_id"] = 900.into();
        event
    };
    let mut by_itself = event(1, "ticket-assigned", "10:31:00");
    by_itself["data"]["auto_assigned"] = true.into();
    let events = vec![
        by_itself,
        event(2, "ticket-unassigned", "10:32:00"),
        event(3, "ticket-team-unassigned", "10:33:00"),
        of_bot(event(4, "ticket-closed", "10:34:00")),
        event(5, "ticket-reopened", "10:35:00"),
        event(6, "ticket-trashed", "10:36:00"),
    ];
    let told = whole(with(json!({"updated_datetime": "2026-06-01T10:30:10"})), Vec::new(), events);
    let moved: Vec<_> = of(&told, "assigned").iter().map(|one| (&one["agent"], &one["team"], &one["by"])).collect();
    let (none, jo) = (Value::Null, json!("412"));
    assert_eq!(moved, [(&jo, &none, &json!("bot")), (&none, &none, &jo), (&none, &none, &jo)]);
    assert_eq!(statuses(&told).iter().map(|(_, by)| by.as_str()).collect::<Vec<_>>(), ["bot", "agent", "system"]);
    assert_eq!(of(&told, "status")[2]["agent"], Value::Null);
}

pub(super) fn record(more: Value) -> Ticket {
    serde_json::from_value(with(more)).unwrap()
}

/// A desk that knows the ticket and what happened to it.
pub(super) fn known(more: Value, events: Vec<Value>) -> State {
    let mut state = State::begun(Phase::Steady);
    state.events = Access { is_given: true, is_typed: true };
    let events = events.into_iter().map(|one| serde_json::from_value(one).unwrap()).collect();
    state.first(&record(more), News { events, ..News::default() }, Timestamp::MIN, time("10:50:00"));
    state.outbox.clear();
    state
}

pub(super) fn shorts(state: &mut State) -> Vec<String> {
    let line = |event: crate::event::Event| {
        let event = serde_json::to_value(event).unwrap();
        let at = event["at"].as_str().unwrap_or_default().trim_start_matches("2026-06-01T").trim_end_matches('Z');
        let kind = event["type"].as_str().unwrap();
        let word = |key: &str| event[key].as_str().map(|word| format!(" {word}")).unwrap_or_default();
        format!("{at} {kind}{}{}{}", word("status"), word("agent"), word("by"))
    };
    state.outbox.drain(..).map(line).collect()
}

/// A record of the ticket is met.
pub(super) fn meet(state: &mut State, more: Value, look: &str) -> Vec<String> {
    state.heap.record(record(more));
    state.tell(time("10:49:00"), time(look), usize::MAX);
    let mut told = shorts(state);
    // But for who is introduced.
    told.retain(|line| !line.starts_with(' '));
    told
}

#[test]
fn a_record_is_believed_after_a_while_and_at_once_where_nothing_says_what_happened() {
    let other = || json!({"assignee_user": {"id": 413, "name": "Jo"}, "updated_datetime": "2026-06-01T11:00:00"});
    let mut state = known(json!({}), Vec::new());
    assert_eq!(meet(&mut state, other(), "11:00:10"), Vec::<String>::new());
    state.judge_doubts(time("11:00:39"));
    assert_eq!(shorts(&mut state), Vec::<String>::new());
    state.judge_doubts(time("11:00:40"));
    assert_eq!(shorts(&mut state), ["11:00:00 assigned 413"]);
    let mut state = known(json!({}), Vec::new());
    state.events.is_given = false;
    assert_eq!(meet(&mut state, other(), "11:00:10"), ["11:00:00 assigned 413"]);
    // What happened later than the record was written is no contradiction.
    let mut state = known(json!({}), vec![event(1, "ticket-unassigned", "10:45:00")]);
    state.judge_doubts(time("11:30:00"));
    assert_eq!(shorts(&mut state), Vec::<String>::new());
}

#[test]
fn a_record_that_opens_again_names_nobody() {
    let closed = json!({"status": "closed", "closed_datetime": "2026-06-01T10:41:00"});
    let mut state = known(closed, Vec::new());
    state.events.is_given = false;
    let open = json!({"updated_datetime": "2026-06-01T11:00:00"});
    assert_eq!(meet(&mut state, open, "11:00:10"), ["11:00:00 status open"]);
}

#[test]
fn what_is_said_of_a_ticket_anew_is_told() {
    let mut state = known(json!({}), Vec::new());
    let anew = json!({"subject": "Another", "tags": [], "updated_datetime": "2026-06-01T11:00:00"});
    assert_eq!(meet(&mut state, anew, "11:00:10"), ["11:00:00 opened", "11:00:00 tagged"]);
}

#[test]
fn a_ticket_that_is_put_away_or_gone_ends_once_and_never_before_what_was_told() {
    let late = || vec![event(1, "ticket-assigned", "10:48:00")];
    let mut state = known(json!({}), late());
    let away = || json!({"trashed_datetime": "2026-06-01T10:44:00", "updated_datetime": "2026-06-01T11:00:00"});
    assert_eq!(meet(&mut state, away(), "11:00:10"), ["10:48:00 status closed system"]);
    assert_eq!(meet(&mut state, away(), "11:00:20"), Vec::<String>::new());
    let mut state = known(json!({}), late());
    state.vanish(ID, time("10:47:00"));
    assert_eq!(shorts(&mut state), ["10:48:00 status closed system"]);
    state.judge_doubts(time("11:30:00"));
    state.vanish(ID, time("11:00:00"));
    assert_eq!(shorts(&mut state), Vec::<String>::new());
    state.remembered.insert(5);
    state.vanish(5, time("11:00:00"));
    state.vanish(6, time("11:00:00"));
    assert_eq!(shorts(&mut state), ["11:00:00 status closed system"], "of a stranger nothing is told");
}

#[test]
fn the_feeds_show_each_thing_once_from_their_begin_on() {
    let mut state = known(json!({}), Vec::new());
    for expected in [2, 0] {
        let mut pages = Pages::default();
        for at in ["10:48:59", "10:49:00"] {
            let nth = if at == "10:49:00" { 1 } else { 2 };
            pages.messages.push(serde_json::from_value(message(nth, true, at)).unwrap());
            pages.events.push(serde_json::from_value(event(nth, "ticket-assigned", at)).unwrap());
        }
        // Of another thing than a ticket.
        let mut other = event(9, "ticket-assigned", "10:50:00");
        other["object_type"] = "Customer".into();
        pages.events.push(serde_json::from_value(other).unwrap());
        state.keep_all(pages);
        state.tell(time("10:49:00"), time("10:50:00"), usize::MAX);
        assert_eq!(shorts(&mut state).len(), expected);
    }
}

#[test]
fn after_a_pause_nothing_is_told_again_that_was_told_before_it() {
    let mut state = known(json!({}), Vec::new());
    state.told_to = Some(time("10:50:00"));
    let mut pages = Pages::default();
    for (nth, at) in [(1, "10:48:59"), (2, "10:49:00"), (3, "11:20:00")] {
        pages.messages.push(serde_json::from_value(message(nth, true, at)).unwrap());
        pages.events.push(serde_json::from_value(event(nth, "ticket-assigned", at)).unwrap());
    }
    state.keep_active(pages);
    state.tell(Timestamp::MIN, time("11:30:00"), usize::MAX);
    let times: Vec<String> = shorts(&mut state).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["10:49:00", "10:49:00", "11:20:00", "11:20:00"]);
}

#[test]
fn what_was_answered_or_ended_last_settles_what_came_before() {
    let late = || serde_json::from_value(event(1, "ticket-closed", "10:50:00")).unwrap();
    let said = |id, from_agent, at| serde_json::from_value(message(id, from_agent, at)).unwrap();
    let heap = |messages, events| {
        let mut heap = Heap::default();
        heap.take(Pages { messages, events, ..Pages::default() }, &People::default(), |_, _| true);
        heap
    };
    let (open, look) = (record(json!({})), time("11:00:00"));
    let froms = ["10:39:00", "10:40:00", "10:50:00", "10:50:01"].map(time);
    let at = |heap: &Heap| froms.map(|from| heap.is_answered(&open, from, look));
    assert_eq!(at(&heap(vec![said(1, false, "10:50:00")], vec![])), [false; 4]);
    assert_eq!(at(&heap(vec![said(1, true, "10:40:00")], vec![])), [true, true, false, false]);
    assert_eq!(at(&heap(vec![said(1, true, "10:40:00")], vec![late()])), [true, true, true, false]);
    assert_eq!(
        at(&heap(vec![said(1, true, "10:50:00"), said(2, true, "10:40:00")], vec![])),
        [true, true, true, false]
    );
}

/// Whether a ticket that began at 10:30 is told, waits to be read by itself, or is passed over.
#[rstest]
#[case::not_whole(json!({}), None, false, "10:35:00", "queued")]
#[case::whole(json!({}), None, false, "10:30:00", "told")]
#[case::told_before(json!({}), Some("10:40:00"), true, "10:35:00", "told")]
#[case::told_before_and_read_less_far(json!({}), Some("10:34:00"), true, "10:35:00", "queued")]
#[case::not_told_before(json!({}), Some("10:40:00"), false, "10:35:00", "queued")]
#[case::it_was_active(json!({"status": "closed"}), None, true, "10:35:00", "queued")]
#[case::begun_and_ended(json!({"status": "closed"}), None, false, "10:30:00", "told")]
#[case::ended(json!({"status": "closed"}), None, false, "10:35:00", "passed over")]
#[case::spam(json!({"spam": true}), None, false, "10:30:00", "passed over")]
fn a_ticket_that_is_not_known_is_told_where_all_of_it_is_read(
    #[case] more: Value,
    #[case] told_to: Option<&str>,
    #[case] was_active: bool,
    #[case] from: &str,
    #[case] expected: &str,
) {
    let mut state = State::begun(Phase::Steady);
    state.told_to = told_to.map(time);
    state.remembered.extend(was_active.then_some(ID));
    let mut ticket = record(more);
    // Of its messages nothing is said.
    (ticket.messages_count, ticket.last_received_message_datetime) = (None, None);
    let from = if from == "10:30:00" { ticket.created_datetime } else { time(from) };
    state.heap.record(ticket.clone());
    state.tell(from, time("11:00:00"), usize::MAX);
    let word = |state: &State| match (state.tickets.contains_key(&ID), state.queue.contains_key(&ID)) {
        (true, false) => "told",
        (false, true) => "queued",
        (false, false) => "passed over",
        (true, true) => "told and queued",
    };
    assert_eq!(word(&state), expected);
    if expected == "queued" {
        // All of it is met later.
        state.heap.record(ticket.clone());
        state.tell(ticket.created_datetime, time("11:01:00"), usize::MAX);
        assert_eq!(word(&state), "told");
    }
}

#[test]
fn of_two_records_the_later_one_counts() {
    let mut heap = Heap::default();
    heap.record(record(json!({"subject": "new", "updated_datetime": "2026-06-01T11:00:00"})));
    heap.record(record(json!({"subject": "old"})));
    assert_eq!(heap.records[&ID].subject.as_deref(), Some("new"));
}

#[test]
fn a_feed_is_known_from_behind_the_oldest_that_was_read() {
    let next = || Some(vec![("cursor".to_owned(), "k".to_owned())]);
    let mut feed = Feed::default();
    assert_eq!(feed.from(), Timestamp::MAX);
    feed.read(Some(time("10:40:00")), next());
    assert_eq!(feed.from(), time("10:40:00.001"), "more of that instant may follow");
    feed.next = None;
    feed.read(Some(time("10:45:00")), next());
    assert_eq!(feed.from(), time("10:40:00.001"));
    let walk = Walk { messages: Feed::over(), events: feed.clone(), ..Walk::default() };
    assert_eq!(walk.from(), time("10:40:00.001"), "the feed that was read least far");
    feed.read(Some(time("10:30:00")), next());
    assert!(feed.is_over, "the same page again");
}

#[test]
fn what_matters_no_more_is_forgotten() {
    let closed = json!({"status": "closed", "closed_datetime": "2026-06-01T10:41:00"});
    for (more, days, is_kept) in [(json!({}), 9, true), (closed.clone(), 1, true), (closed, 3, false)] {
        let mut state = known(more, vec![event(1, "ticket-assigned", "10:40:00")]);
        state.mark = time("10:50:00") + TimeDelta::days(days);
        state.prune();
        assert_eq!(state.tickets.contains_key(&ID), is_kept, "{days} days");
    }
}

#[test]
fn active_tickets_are_looked_at_in_their_order() {
    let mut state = known(json!({}), Vec::new());
    for id in [7, 3, 9, 5] {
        let status = if id == 9 { "closed" } else { "open" };
        let ticket = record(json!({"id": id, "status": status}));
        state.first(&ticket, News::default(), Timestamp::MIN, time("10:50:00"));
    }
    assert_eq!((state.active_after(0, 2), state.active_after(5, 9)), (vec![3, 5], vec![7, ID]));
}

#[test]
fn an_earlier_history_goes_on_unless_it_begins_too_late() {
    let [early, late, now] = ["09:00:00", "10:00:00", "12:00:00"].map(time);
    let plan = |earlier: Option<Past>, begins_at| {
        let mut past = Past::default();
        past.plan(earlier, begins_at, now);
        past.reached()
    };
    assert_eq!((plan(None, early), plan(None, now)), (Some(early), None));
    let half: Past = serde_json::from_value(json!({"from": early, "reached": late, "to": time("11:00:00")})).unwrap();
    assert_eq!(plan(Some(half.clone()), late), Some(late));
    assert_eq!(plan(Some(half.clone()), early), Some(late));
    assert_eq!(plan(Some(half), time("08:00:00")), Some(time("08:00:00")), "more is asked for than it holds");
    let whole: Past = serde_json::from_value(json!({"from": early, "reached": late, "to": late})).unwrap();
    assert_eq!(plan(Some(whole), early), None, "all of it was told");
}

#[test]
fn it_is_told_up_to_where_the_first_reading_is_over() {
    let mark = time("10:50:00");
    for (phase, is_partial, expected) in
        [(Phase::Steady, false, Some(mark)), (Phase::Steady, true, None), (Phase::Recall, false, None)]
    {
        let mut state = State::begun(phase);
        (state.is_partial, state.mark) = (is_partial, mark);
        assert_eq!(state.cursor().unwrap().0["told_to"], json!(expected));
    }
    let mut state = State::begun(Phase::Cold);
    (state.remembered, state.strangers) = ([5].into(), vec!["x".into()]);
    state.forget();
    assert_eq!((state.remembered.len(), state.strangers.len()), (1, 1));
}
