//! Conversations and parts as they are documented, and what is told of them.

use serde_json::{Value, json};

use super::ask::Whole;
use super::state::{Phase, State};
use super::wire::{Admin, Conversation, Page, Part, Reason, Team};
use crate::event::{Event, Timestamp};
use crate::source::skips;

pub(super) const LATER: Timestamp = Timestamp::from_millis(1_772_450_000_000);

/// The list that the vendor's description shows, with one conversation.
fn listed() -> Value {
    serde_json::from_str(include_str!("samples/search.json")).unwrap()
}

fn sample() -> Value {
    listed()["conversations"][0].clone()
}

pub(super) fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    skips::read(value).unwrap()
}

pub(super) fn whole(row: Value, parts: Vec<Value>) -> Whole {
    let (row, parts) = (read(row), parts.into_iter().map(read).collect::<Vec<Part>>());
    let merged = super::merge::said(&row, &parts);
    Whole { row, parts, begins: true, merged }
}

pub(super) fn steady() -> State {
    State::begun(Phase::Steady)
}

pub(super) fn lines(out: &mut Vec<Event>) -> Vec<Value> {
    out.drain(..).map(|event| serde_json::to_value(event).unwrap()).collect()
}

/// What is told of a conversation read for the first time, in short: type, and what matters of it.
pub(super) fn told(row: Value, parts: Vec<Value>) -> Vec<String> {
    let mut state = steady();
    state.tell(&whole(row, parts), LATER);
    shorts(&mut state)
}

/// The same of all that waits, but for who is introduced.
pub(super) fn shorts(state: &mut State) -> Vec<String> {
    let introduces = |line: &&Value| ["agent", "customer"].iter().any(|kind| line["type"] == *kind);
    lines(&mut state.outbox).iter().filter(|line| !introduces(line)).map(short).collect()
}

pub(super) fn short(line: &Value) -> String {
    let word = |key: &str| line.get(key).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
    let at = line["at"].as_str().map(|at| Timestamp::parse(at).unwrap().millis() / 1000 - 1_772_441_000);
    let what = match line["type"].as_str().unwrap() {
        "message" => {
            format!("{} {}{}", word("from"), word("agent"), if line["public"] == false { " note" } else { "" })
        }
        "assigned" => format!("{}/{} by {}", word("agent"), word("team"), word("by")),
        "status" => format!("{} by {} {}", word("status"), word("by"), word("agent")),
        "opened" => format!("{} {}", word("direction"), word("team")),
        "rated" => word("score"),
        "tagged" => word("tags"),
        "merged" => word("into"),
        _ => word("name"),
    };
    format!("{} {} {what}", at.map(|at| at.to_string()).unwrap_or_default(), word("type")).trim().to_owned()
}

/// A conversation that began at 0, with nothing special.
#[expect(clippy::needless_pass_by_value, reason = "so that tests are short")]
pub(super) fn row(more: Value) -> Value {
    let mut row = json!({"id": "7", "created_at": 1_772_441_000, "updated_at": 1_772_441_900, "state": "open",
        "waiting_since": null, "admin_assignee_id": null, "team_assignee_id": null,
        "source": {"type": "conversation", "delivered_as": "customer_initiated", "author": {"type": "user", "id": "u1"}}});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[expect(clippy::needless_pass_by_value, reason = "so that tests are short")]
pub(super) fn part(nth: i64, kind: &str, author: &str, more: Value) -> Value {
    let mut part = json!({"id": nth.to_string(), "part_type": kind, "body": null, "created_at": 1_772_441_000 + nth,
        "assigned_to": null, "author": {"type": author, "id": "81", "name": "Jo"}, "state": "open"});
    part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    part
}

pub(super) fn body() -> Value {
    json!({"body": "x"})
}

#[test]
fn the_samples_are_told_without_loss() {
    let page: Page = read(listed());
    assert_eq!((page.total_count, page.pages.map(|pages| pages.next.is_none())), (Some(1), Some(true)));
    let part = serde_json::from_str(include_str!("samples/part.json")).unwrap();
    let mut state = steady();
    state.tell(&whole(sample(), vec![part]), LATER);
    let told = lines(&mut state.outbox);
    let expected: Value = serde_json::from_str(include_str!("samples/events.json")).unwrap();
    assert_eq!(Value::from(told), expected);
    let admin: Admin = read(json!({"type": "admin", "id": "8123401", "name": "Jo Hale", "email": "jo@acme.example",
        "job_title": "Support", "away_mode_enabled": true, "away_mode_reassign": false, "away_status_reason_id": 71,
        "has_inbox_seat": true, "team_ids": [5_510_020]}));
    let team: Team = read(json!({"type": "team", "id": "5510020", "name": "Billing", "admin_ids": [8_123_401],
        "assignment_limit": 10, "distribution_method": "load_balanced"}));
    // Joined as text, whatever either side is.
    let reason: Reason = read(json!({"id": "71", "label": "On a break", "order": 1, "deleted": false}));
    let mut out = Vec::new();
    state.people.take_teams(vec![team], &mut out);
    state.people.take_reasons(vec![reason]);
    state.people.take_admins(vec![admin], Timestamp::from_millis(0), &mut out);
    let expected = json!([
        {"type": "team", "id": "5510020", "name": "Billing"},
        {"type": "agent", "id": "8123401", "name": "Jo Hale", "email": "jo@acme.example", "teams": ["5510020"], "active": true},
        {"type": "presence", "agent": "8123401", "state": "away", "reason": "On a break", "at": "1970-01-01T00:00:00Z"},
    ]);
    assert_eq!(Value::from(lines(&mut out)), expected);
}

#[test]
fn who_has_no_seat_is_no_agent() {
    let mut state = steady();
    let admin = |more: Value| {
        let mut admin = json!({"id": 5, "name": "Jo", "away_mode_enabled": false});
        admin.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read::<Admin>(admin)
    };
    let people = vec![admin(json!({"id": 6, "has_inbox_seat": false})), admin(json!({"has_inbox_seat": null}))];
    state.people.take_admins(people, Timestamp::from_millis(0), &mut state.outbox);
    let told: Vec<String> = lines(&mut state.outbox).iter().map(short).collect();
    assert_eq!(told, ["agent Jo", "0 presence"].map(|line| line.replace("0 p", "-1772441000 p")));
    // Whoever of them answers all the same gets a name, once.
    let answer = || {
        whole(
            row(json!({})),
            vec![part(
                5,
                "comment",
                "admin",
                json!({"body": "x", "author": {"type": "admin", "id": 6, "name": "Finance"}}),
            )],
        )
    };
    state.tell(&answer(), LATER);
    let told: Vec<String> = lines(&mut state.outbox).iter().map(short).collect();
    assert_eq!(told[0], "agent Finance");
    state.tell(&answer(), LATER);
    assert_eq!(lines(&mut state.outbox), Vec::<Value>::new());
}

#[test]
fn of_whom_it_is_not_said_whether_they_are_away_no_state_is_told() {
    let mut state = steady();
    let admin = |id: u64, away: Value| read::<Admin>(json!({"id": id, "name": "Jo", "away_mode_enabled": away}));
    let people = vec![admin(5, json!(null)), admin(6, json!("no")), admin(7, json!(false))];
    let unknown = state.people.take_admins(people, Timestamp::from_millis(0), &mut state.outbox);
    assert_eq!(unknown, ["5", "6"]);
    let told = lines(&mut state.outbox);
    let of = |kind: &str| told.iter().filter(|line| line["type"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!((of("agent").len(), of("presence").len()), (3, 1), "{told:?}");
    assert_eq!(of("presence")[0]["agent"], "7");
}

#[test]
fn parts_are_what_they_say_by_pattern() {
    let admin = |id: &str| json!({"assigned_to": {"type": "admin", "id": id}});
    for (kind, author, more, expected) in [
        ("comment", "admin", body(), vec!["5 message agent 81"]),
        ("comment", "user", body(), vec!["5 message customer"]),
        ("comment", "lead", json!({"attachments": [{"url": "x"}]}), vec!["5 message customer"]),
        ("comment", "contact", json!({"redacted": true}), vec!["5 message customer"]),
        ("comment", "admin", json!({}), vec![]),
        ("comment", "bot", body(), vec!["5 message bot"]),
        (
            "comment",
            "admin",
            json!({"body": "x", "author": {"type": "admin", "id": 81, "from_ai_agent": true}}),
            vec!["5 message bot"],
        ),
        // Of comments it says who holds it, not who gets it.
        (
            "comment",
            "user",
            json!({"body": "x", "assigned_to": {"type": "admin", "id": "82"}}),
            vec!["5 message customer"],
        ),
        ("quick_reply", "user", body(), vec!["5 message customer"]),
        ("note", "admin", body(), vec!["5 message agent 81 note"]),
        ("note_and_reopen", "admin", body(), vec!["5 message agent 81 note", "5 status open by agent 81"]),
        ("assignment", "admin", admin("82"), vec!["5 assigned 82/ by 81"]),
        (
            "assignment",
            "bot",
            json!({"assigned_to": {"type": "admin", "id": 82}, "body": "x"}),
            vec!["5 message bot", "5 assigned 82/ by bot"],
        ),
        (
            "away_mode_assignment",
            "bot",
            json!({"assigned_to": {"type": "nobody_admin", "id": null}}),
            vec!["5 assigned null/ by bot"],
        ),
        (
            "balanced_assignment",
            "bot",
            json!({"assigned_to": {"type": "team", "id": "55"}}),
            vec!["5 assigned /55 by bot"],
        ),
        ("assign_and_reopen", "admin", admin("82"), vec!["5 assigned 82/ by 81", "5 status open by agent 81"]),
        ("assign_and_unsnooze", "admin", admin("82"), vec!["5 assigned 82/ by 81", "5 status open by agent 81"]),
        ("timer_unsnooze", "bot", json!({}), vec!["5 status open by system"]),
        ("conversation_attribute_updated_by_admin", "admin", body(), vec![]),
        ("ticket_assignment_updated_by_admin", "admin", admin("82"), vec![]),
        ("participant_added", "admin", body(), vec![]),
        ("something_new", "user", body(), vec![]),
    ] {
        let mut state = steady();
        let all = whole(row(json!({})), vec![part(5, kind, author, more)]);
        state.tell(&all, LATER);
        let mut told: Vec<String> = lines(&mut state.outbox).iter().map(short).collect();
        told.retain(|line| line.starts_with("5 "));
        assert_eq!(told, expected, "{kind} {author}");
    }
}

#[test]
fn a_reply_to_what_is_closed_is_a_message_and_an_opening() {
    let parts =
        vec![part(10, "close", "admin", body()), part(20, "open", "user", json!({"body": "again", "state": "open"}))];
    let told = told(row(json!({"waiting_since": 1_772_441_020})), parts);
    let expected = [
        "0 opened inbound",
        "0 message customer",
        "10 message agent 81",
        "10 status closed by agent 81",
        "20 message customer",
        "20 status open by customer",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_customers_word_brings_back_what_was_put_off() {
    let parts = |state: &str| {
        vec![
            part(10, "snoozed", "admin", json!({"state": "snoozed"})),
            part(20, "comment", "user", json!({"body": "x", "state": state})),
        ]
    };
    let comes_back = told(row(json!({})), parts("open"));
    assert_eq!(comes_back.last().unwrap(), "20 status open by customer");
    let stays = told(row(json!({"state": "snoozed"})), parts("snoozed"));
    assert_eq!(stays.last().unwrap(), "20 message customer");
}

#[test]
fn the_first_message_is_of_whoever_spoke_first() {
    for (delivered, author, direction, expected) in [
        ("customer_initiated", json!({"type": "user", "id": "u"}), "inbound", Some("0 message customer")),
        ("customer_initiated", json!(null), "inbound", Some("0 message customer")),
        ("operator_initiated", json!({"type": "admin", "id": 81}), "inbound", Some("0 message bot")),
        ("automated", json!({"type": "admin", "id": 81}), "outbound", Some("0 message bot")),
        ("campaigns_initiated", json!({"type": "admin", "id": 81}), "outbound", Some("0 message bot")),
        ("admin_initiated", json!({"type": "admin", "id": 81}), "outbound", Some("0 message agent 81")),
        ("something_new", json!(null), "inbound", None),
    ] {
        let source = json!({"source": {"type": "email", "delivered_as": delivered, "author": author, "id": null}});
        let told = told(row(source), Vec::new());
        assert_eq!(told[0], format!("0 opened {direction}"), "{delivered}");
        assert_eq!(told.get(1).map(String::as_str), expected, "{delivered}");
    }
}

#[test]
fn fields_alone_say_who_waits_who_holds_it_and_how_it_stands() {
    let outline = |more: Value| {
        let mut state = State::begun(Phase::Fill);
        state.note(&read(row(more)), LATER);
        (shorts(&mut state), state.queue.len())
    };
    let held =
        json!({"waiting_since": 1_772_441_300, "admin_assignee_id": "81", "team_assignee_id": 55, "state": "snoozed"});
    let expected = [
        "0 opened inbound",
        "300 message customer",
        "900 assigned /55 by",
        "900 assigned 81/ by",
        "900 status snoozed by",
    ];
    assert_eq!(outline(held), (expected.map(str::to_owned).to_vec(), 0));
    // Nobody is 0 or null, and a far future is no wait.
    let nobody = json!({"waiting_since": 64_654_125_776_i64, "admin_assignee_id": 0, "team_assignee_id": "0"});
    assert_eq!(outline(nobody), (vec!["0 opened inbound".to_owned()], 0));
    // The last word may be a bot's: then the parts are read.
    let last_word = |asked: i64, replied: Value| {
        outline(json!({"statistics": {"last_contact_reply_at": 1_772_441_000 + asked, "last_admin_reply_at": replied}}))
            .1
    };
    assert_eq!(
        (last_word(50, json!(null)), last_word(50, json!(1_772_441_020)), last_word(50, json!(1_772_441_060))),
        (1, 1, 0)
    );
    let young = json!({"statistics": null, "first_contact_reply": {"created_at": 1_772_441_000}});
    assert_eq!(outline(young).1, 1);
}

#[test]
fn what_parts_miss_the_fields_say_as_of_the_last_change() {
    let fields = json!({"admin_assignee_id": 82, "state": "closed", "statistics": {"last_close_at": 1_772_441_700}});
    let told =
        told(row(fields), vec![part(10, "assignment", "admin", json!({"assigned_to": {"type": "admin", "id": 81}}))]);
    assert_eq!(told[2..], ["10 assigned 81/ by 81", "900 assigned 82/ by", "700 status closed by"]);
}

#[test]
fn of_parts_that_begin_later_than_the_wait_the_fields_say_when_it_began() {
    let fields = row(json!({"waiting_since": 1_772_441_100}));
    let mut state = steady();
    let begins = false;
    let source = json!({"source": {"delivered_as": "automated", "author": null}});
    let mut fields = fields;
    fields.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
    state.tell(
        &Whole { row: read(fields), parts: vec![read(part(500, "comment", "user", body()))], begins, merged: None },
        LATER,
    );
    let told: Vec<String> = lines(&mut state.outbox).iter().map(short).collect();
    assert_eq!(told.last().unwrap(), "100 message customer");
}

#[test]
fn a_merged_conversation_lives_on_where_it_is_linked_to() {
    let merged = || vec![part(10, "merged_secondary_conversation", "admin", json!({}))];
    let linked = json!({"state": "closed", "linked_objects": {"data": [{"type": "ticket", "id": "1"}, {"type": "conversation", "id": 9}]}});
    assert_eq!(told(row(linked), merged()).last().unwrap(), "10 merged 9");
    assert_eq!(told(row(json!({"state": "closed"})), merged()).last().unwrap(), "900 status closed by");
    // The closing that comes with it is nobody's ending, whatever the other part is called.
    let mut all = whole(row(json!({"state": "closed"})), vec![part(10, "close", "admin", body())]);
    all.merged = Some((all.parts[0].created_at, crate::event::ConversationId::new("9")));
    let mut state = steady();
    state.tell(&all, LATER);
    assert_eq!(shorts(&mut state)[2..], ["10 message agent 81", "10 merged 9"]);
    state.tell(&all, LATER);
    assert_eq!(shorts(&mut state), Vec::<String>::new());
}

#[test]
fn an_answer_of_the_customer_is_told_once_and_dated_by_its_part() {
    let rating = |score: Value| json!({"conversation_rating": {"rating": score, "remark": null, "created_at": 1_772_441_500, "updated_at": 1_772_441_600}});
    let changed = || vec![part(550, "conversation_rating_changed", "user", json!({}))];
    assert_eq!(told(row(rating(json!(4))), changed()).last().unwrap(), "550 rated 4.0");
    assert_eq!(told(row(rating(json!(4))), Vec::new()).last().unwrap(), "600 rated 4.0");
    for none in [json!(null), json!(0), json!(9), json!("x")] {
        assert!(!told(row(rating(none.clone())), changed()).iter().any(|line| line.contains("rated")), "{none}");
    }
    let mut state = steady();
    state.tell(&whole(row(rating(json!(4))), changed()), LATER);
    state.outbox.clear();
    let mut later = row(rating(json!(2)));
    later["updated_at"] = 1_772_441_950.into();
    state.tell(&whole(later, changed()), LATER);
    assert_eq!(lines(&mut state.outbox), Vec::<Value>::new());
}

#[test]
fn only_what_is_new_is_told_and_parts_of_one_second_keep_their_order() {
    let first = part(10, "comment", "user", body());
    let mut state = steady();
    state.tell(&whole(row(json!({})), vec![first.clone()]), LATER);
    state.outbox.clear();
    let of_the_same = |id: i64, author: &str| part(10, "comment", author, json!({"id": id, "body": "x"}));
    let parts = vec![first, of_the_same(12, "admin"), of_the_same(11, "user")];
    let later = row(json!({"updated_at": 1_772_441_950, "waiting_since": 1_772_441_010}));
    state.tell(&whole(later, parts), LATER);
    assert_eq!(shorts(&mut state), ["10 message agent 81", "10 message customer"]);
}

#[test]
fn an_older_state_of_a_search_changes_nothing_and_the_same_asks_for_nothing() {
    let mut state = steady();
    state.tell(&whole(row(json!({"admin_assignee_id": 81})), Vec::new()), LATER);
    state.outbox.clear();
    state.note(&read(row(json!({"updated_at": 1_772_441_800}))), LATER);
    state.note(&read(row(json!({"admin_assignee_id": "81"}))), LATER);
    assert!(state.is_idle() && state.outbox.is_empty());
    state.note(&read(row(json!({"admin_assignee_id": 82}))), LATER);
    assert_eq!(state.queue.len(), 1);
}

#[test]
fn what_changed_in_the_second_of_the_look_is_read_again() {
    for (after, is_read_again) in [(-1500, true), (999, true), (1000, false)] {
        let mut state = steady();
        state.tell(&whole(row(json!({})), Vec::new()), Timestamp::from_millis(1_772_441_900_000 + after));
        state.note(&read(row(json!({}))), LATER);
        assert_eq!(!state.is_idle(), is_read_again, "{after} ms after the change");
    }
}

#[test]
fn what_vanished_and_is_shown_again_is_active_again_and_waits_from_then_on() {
    // What is known of it: its fields, all of it, nothing but that an earlier run told that it is gone.
    for known in ["fields", "parts", "nothing"] {
        for waits in [true, false] {
            let waiting_since = if waits { json!(1_772_441_000) } else { json!(null) };
            let shown =
                || row(json!({"waiting_since": waiting_since, "statistics": {"last_admin_reply_at": 1_772_441_010}}));
            let parts = || if waits { Vec::new() } else { vec![part(10, "comment", "admin", body())] };
            let mut state = steady();
            match known {
                "parts" => state.tell(&whole(shown(), parts()), LATER),
                "fields" => {
                    state.phase = Phase::Fill;
                    state.note(&read(shown()), LATER);
                }
                _ => state.remember(&[crate::event::ConversationId::new("7")]),
            }
            let gone = Timestamp::from_millis(1_772_442_000_000);
            state.vanish(&"7".into(), gone);
            assert_eq!(short(&lines(&mut state.outbox).pop().unwrap()), "1000 status closed by system");
            assert_eq!(state.active(), 0);
            state.phase = Phase::Steady;
            state.note(&read(shown()), LATER);
            assert_eq!(state.queue.len(), 1, "though it is as it was");
            state.tell(&whole(shown(), parts()), LATER);
            let told = shorts(&mut state);
            let expected = ["9000 status open by", "9000 message customer"];
            let expected = &expected[..if waits { 2 } else { 1 }];
            let last: Vec<&String> = told.iter().filter(|line| line.starts_with("9000")).collect();
            assert_eq!(last, expected, "{known} {waits}: {told:?}");
            assert_eq!((state.active(), state.gone.len()), (1, 0));
            state.note(&read(row(json!({"updated_at": 1_772_441_950, "waiting_since": waiting_since}))), LATER);
            state.failed(&"7".into(), LATER, LATER);
            assert_eq!(shorts(&mut state), Vec::<String>::new(), "once");
        }
    }
}

#[test]
fn who_waits_by_the_parts_alone_waits_again_where_it_is_back() {
    // A bot's answer has ended the vendor's wait.
    let shown = || row(json!({"waiting_since": null}));
    for is_whole in [true, false] {
        let mut state = State::begun(if is_whole { Phase::Steady } else { Phase::Fill });
        if is_whole {
            state.tell(&whole(shown(), Vec::new()), LATER);
        } else {
            state.note(&read(shown()), LATER);
        }
        state.vanish(&"7".into(), Timestamp::from_millis(1_772_442_000_000));
        state.outbox.clear();
        state.tell(&whole(shown(), Vec::new()), LATER);
        assert_eq!(shorts(&mut state).last().unwrap(), "9000 message customer", "{is_whole}");
        state.tell(&whole(row(json!({"updated_at": 1_772_441_950})), Vec::new()), LATER);
        assert_eq!(shorts(&mut state), Vec::<String>::new(), "once");
    }
}

#[test]
fn markup_of_a_subject_is_left_out() {
    let source =
        |subject: &str| json!({"source": {"delivered_as": "customer_initiated", "subject": subject, "author": null}});
    for (given, expected) in
        [("<p>Where is <b>it</b>?</p>", Some("Where is it?")), ("a > b", Some("a > b")), ("<p></p>", None)]
    {
        let row: Conversation = read(row(source(given)));
        assert_eq!(row.opened().subject.as_deref(), expected, "{given}");
    }
}
