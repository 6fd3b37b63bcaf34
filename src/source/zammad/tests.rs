//! The mapping as a table: a ticket, its articles and its history, and what is told of them.

mod endings;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::ask::Place;
use super::book::Book;
use super::state::{Mark, Phase, State};
use super::story::{self, Story, Told};
use super::wire::{self, Article, Row, Ticket};
use crate::event::{Event, Timestamp};
use crate::source::{Cursor, fuzz};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_200_000_000 + second * 1000)
}

fn book() -> Book {
    let mut book = Book::of_states([(1, 1), (2, 2), (3, 3), (4, 5), (5, 6), (6, 7), (7, 4)]);
    book.meet(14);
    book.meet(15);
    book
}

/// A ticket of customer 903 in group 2, open since second 0.
fn ticket(fields: &Value) -> Ticket {
    let mut ticket = json!({"id": 4711, "title": "VAT", "group_id": 2, "owner_id": 1, "customer_id": 903, "state_id": 2,
        "created_at": at(0), "updated_at": at(1000), "last_contact_customer_at": null});
    for (key, value) in fields.as_object().unwrap() {
        ticket[key] = value.clone();
    }
    serde_json::from_value(ticket).unwrap()
}

fn article(id: u64, second: i64, sender: &str, fields: &Value) -> Article {
    let by = if sender == "Customer" { 903 } else { 14 };
    let mut article = json!({"id": id, "sender": sender, "type": "email", "internal": false, "created_by_id": by,
        "created_at": at(second)});
    for (key, value) in fields.as_object().unwrap() {
        article[key] = value.clone();
    }
    serde_json::from_value(article).unwrap()
}

fn change(id: u64, second: i64, attribute: &str, ids: (u64, u64), by: u64) -> Row {
    serde_json::from_value(json!({"id": id, "object": "Ticket", "type": "updated", "attribute": attribute,
        "id_from": ids.0, "id_to": ids.1, "created_by_id": by, "created_at": at(second)}))
    .unwrap()
}

/// What is told, a line an event: second, type, and what matters.
fn lines(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| {
        let value = serde_json::to_value(event).unwrap();
        let second = event.at.map_or(-1, |at| at.millis() / 1000 - 1_795_200_000);
        let mut line = format!("{second} {}", value["type"].as_str().unwrap());
        for key in ["from", "public", "agent", "team", "status", "by", "into", "metric"] {
            if let Some(value) = value.get(key) {
                line = format!("{line} {key}={}", value.to_string().replace('"', ""));
            }
        }
        line
    };
    events.iter().map(line).collect()
}

fn told(story: &Story) -> Vec<String> {
    let mut events = Vec::new();
    story.events(&book(), "https://desk", None, &mut events);
    lines(&events)
}

#[test]
fn a_story_is_told_from_its_beginning_in_its_order() {
    let story = Story {
        ticket: ticket(&json!({"owner_id": 15, "state_id": 4, "group_id": 3})),
        articles: vec![
            article(1, 0, "Customer", &json!({})),
            article(2, 50, "Agent", &json!({})),
            article(3, 60, "Customer", &json!({})),
        ],
        rows: vec![
            change(10, 20, "owner", (1, 14), 14),
            change(11, 30, "group", (2, 3), 14),
            change(12, 40, "owner", (14, 15), 14),
            change(13, 50, "state", (1, 2), 14),
            change(14, 55, "title", (0, 0), 14),
            change(15, 70, "state", (2, 4), 15),
        ],
    };
    let expected = [
        "0 opened team=2",
        "0 message from=customer",
        "20 assigned agent=14 by=14",
        "30 assigned team=3 by=14",
        "40 assigned agent=15 by=14",
        "50 message from=agent agent=14",
        "50 status agent=14 status=open by=agent",
        "60 message from=customer",
        "70 status agent=15 status=closed by=agent",
    ];
    assert_eq!(told(&story), expected);
    let mut events = Vec::new();
    story.events(&book(), "https://desk", Some(Told { article: 2, row: 14, counts: (2, 5) }), &mut events);
    assert_eq!(lines(&events), expected[7..], "and of what was told, nothing");
    for (counts, first) in [((1, 5), "0 message from=customer"), ((2, 4), "20 assigned agent=14 by=14")] {
        events.clear();
        story.events(&book(), "https://desk", Some(Told { article: 2, row: 14, counts }), &mut events);
        assert_eq!(lines(&events)[0], first, "one became visible late: {counts:?}");
    }
}

#[test]
fn it_begins_as_it_was_created() {
    let mut story = Story { ticket: ticket(&json!({"owner_id": 14, "state_id": 4})), articles: vec![], rows: vec![] };
    story.articles.push(article(1, 0, "Customer", &json!({})));
    let expected = ["0 opened team=2", "0 assigned agent=14", "0 message from=customer", "0 status status=closed"];
    assert_eq!(told(&story), expected, "created as closed: the message does not reopen it");
    let event = |story: &Story| {
        let mut events = Vec::new();
        story.events(&book(), "https://desk", None, &mut events);
        serde_json::to_value(&events[0]).unwrap()
    };
    let opened = event(&story);
    assert_eq!(
        (&opened["customer"], &opened["subject"], &opened["url"], &opened["direction"]),
        (&json!("903"), &json!("VAT"), &json!("https://desk/#ticket/zoom/4711"), &json!("inbound"))
    );
    story.ticket.create_article_sender_id = Some(1);
    assert_eq!(event(&story)["direction"], "outbound");
}

#[rstest]
#[case(json!({"type_id": 5}), json!("phone"))]
#[case(json!({"type_id": 77}), Value::Null)]
#[case(json!({"type_id": 77, "name": "whatsapp message"}), json!("whatsapp"))]
#[case(json!({}), Value::Null)]
fn the_channel_is_the_type_of_the_first_article(#[case] kind: Value, #[case] channel: Value) {
    let fields = json!({"create_article_type_id": kind.get("type_id"), "create_article_type": kind.get("name")});
    let opened = story::opened(&ticket(&fields), "");
    assert_eq!(serde_json::to_value(opened.channel).unwrap(), channel);
}

#[rstest]
#[case("Customer", json!({}), Some("message from=customer"))]
#[case("Customer", json!({"type": "note"}), None)]
#[case("Customer", json!({"internal": true}), None)]
#[case("Customer", json!({"type": "phone", "created_by_id": 14}), Some("message from=customer"))]
#[case("Agent", json!({}), Some("message from=agent agent=14"))]
#[case("Agent", json!({"type": "note"}), Some("message from=agent public=false agent=14"))]
#[case("Agent", json!({"type": "note", "internal": true}), Some("message from=agent public=false agent=14"))]
#[case("Agent", json!({"internal": true}), Some("message from=agent public=false agent=14"))]
#[case("Agent", json!({"created_by_id": 1}), Some("message from=bot"))]
#[case("System", json!({"created_by_id": 1}), Some("message from=bot"))]
#[case("System", json!({"type": "note"}), None)]
#[case("Robot", json!({}), Some("message from=bot"))]
#[case("", json!({"sender_id": "2"}), Some("message from=customer"))]
#[case("", json!({"sender_id": 1, "type": null, "type_id": 10}), Some("message from=agent public=false agent=14"))]
fn only_public_communication_is_a_message(#[case] sender: &str, #[case] fields: Value, #[case] line: Option<&str>) {
    let articles = vec![article(1, 9, sender, &fields)];
    let story = Story { ticket: ticket(&json!({})), articles, rows: vec![] };
    assert_eq!(told(&story).get(1).map(String::as_str), line.map(|line| format!("9 {line}")).as_deref());
}

#[rstest]
#[case(14, "agent=14 status=closed by=agent")]
#[case(903, "status=closed by=customer")]
#[case(1, "status=closed by=system")]
#[case(77, "status=closed")]
fn who_changed_a_state(#[case] by: u64, #[case] line: &str) {
    let rows = vec![change(9, 9, "state", (2, 4), by)];
    let story = Story { ticket: ticket(&json!({"state_id": 4})), articles: vec![], rows };
    assert_eq!(told(&story)[1], format!("9 status {line}"));
}

#[rstest]
#[case(1, "open")]
#[case(2, "open")]
#[case(3, "pending")]
#[case(7, "pending")]
#[case(4, "closed")]
#[case(5, "closed")]
#[case(6, "closed")]
#[case(99, "open")]
fn states_go_by_their_type(#[case] state: u64, #[case] status: &str) {
    assert_eq!(book().status(state).to_string(), status);
}

#[test]
fn what_is_merged_lives_on_elsewhere_and_brings_its_articles() {
    let merged = |id: u64, kind: &str| -> Row {
        serde_json::from_value(json!({"id": id, "object": "Ticket", "type": kind, "id_from": 4711, "id_to": 4800,
            "created_by_id": 14, "created_at": at(90)}))
        .unwrap()
    };
    let source =
        Story { ticket: ticket(&json!({"state_id": 5})), articles: vec![], rows: vec![merged(20, "merged_into")] };
    assert!(told(&source).contains(&"90 merged into=4800".to_owned()), "{:?}", told(&source));

    let articles = vec![article(3, 10, "Customer", &json!({})), article(8, 20, "Agent", &json!({}))];
    let target = Story { ticket: ticket(&json!({"id": 4800})), articles, rows: vec![merged(21, "received_merge")] };
    let mut events = Vec::new();
    target.events(&book(), "", Some(Told { article: 8, row: 19, counts: (2, 0) }), &mut events);
    assert_eq!(lines(&events), ["10 message from=customer", "20 message from=agent agent=14"]);
}

/// A ticket by its times of contact and closing, in seconds.
fn contact(customer: Option<f64>, agent: Option<f64>, last: Option<f64>, close: (Option<i64>, Option<i64>)) -> Ticket {
    let time =
        |second: Option<f64>| second.map(|second| Timestamp::from_millis(at(0).millis() + (second * 1000.0) as i64));
    ticket(&json!({"last_contact_customer_at": time(customer), "last_contact_agent_at": time(agent),
        "last_contact_at": time(last), "close_at": close.0.map(at), "last_close_at": close.1.map(at)}))
}

#[rstest]
#[case::nobody_wrote((None, None, None), (None, None), Some(false))]
#[case::never_answered((Some(10.0), None, Some(10.0)), (None, None), Some(true))]
#[case::asked_after_the_reply((Some(30.0), Some(20.0), Some(30.0)), (None, None), Some(true))]
#[case::answered((Some(10.0), Some(20.0), Some(20.0)), (None, None), Some(false))]
#[case::an_agent_began((None, Some(20.0), Some(20.0)), (None, None), Some(false))]
#[case::in_the_same_second((Some(10.1), Some(10.9), Some(10.9)), (None, None), None)]
#[case::in_the_same_second_before((Some(10.9), Some(10.1), Some(10.9)), (None, None), None)]
#[case::hidden_contact((Some(10.0), Some(20.0), Some(30.0)), (None, None), None)]
#[case::closed_unanswered_then_reopened((Some(10.0), None, Some(90.0)), (Some(50), Some(50)), None)]
#[case::asked_after_the_closing((Some(60.0), Some(20.0), Some(60.0)), (Some(50), Some(50)), Some(true))]
#[case::only_the_first_closing_is_told((Some(60.0), Some(20.0), Some(60.0)), (Some(50), None), None)]
#[case::closed_twice((Some(60.0), Some(20.0), Some(60.0)), (Some(50), Some(70)), None)]
fn whether_the_fields_say_who_waits(
    #[case] contacts: (Option<f64>, Option<f64>, Option<f64>),
    #[case] closes: (Option<i64>, Option<i64>),
    #[case] waits: Option<bool>,
) {
    assert_eq!(story::waits(&contact(contacts.0, contacts.1, contacts.2, closes)), waits);
}

#[test]
fn the_fields_tell_what_is_true_at_the_last_change() {
    let one = ticket(&json!({"owner_id": 14, "state_id": 3, "last_contact_customer_at": at(30)}));
    let mut events = Vec::new();
    story::cheap(&one, &book(), "", &mut events);
    let expected =
        ["0 opened team=2", "30 message from=customer", "1000 assigned agent=14", "1000 status status=pending"];
    assert_eq!(lines(&events), expected);
}

#[test]
fn since_when_it_is_held_is_a_guess_until_its_history_is_read() {
    let mut state = begun();
    let held = ticket(&json!({"owner_id": 14}));
    state.found(vec![held.clone()], "");
    let given = |state: &mut State| {
        let events = std::mem::take(&mut state.outbox);
        lines(&events).into_iter().filter(|line| line.contains("assigned")).collect::<Vec<_>>()
    };
    assert_eq!(given(&mut state), ["1000 assigned agent=14"], "its last change");
    state.told(
        &Story { ticket: held, articles: vec![], rows: vec![change(9, 20, "owner", (1, 14), 14)] },
        "",
        at(2000),
    );
    assert_eq!(given(&mut state), ["20 assigned agent=14 by=14"]);
}

fn begun() -> State {
    let mut state = State::begun(book(), None, at(0), std::collections::BTreeSet::new());
    state.phase = Phase::Open(Place::at(at(0)));
    state
}

#[test]
fn who_waits_is_read_whole_where_nothing_proves_since_when() {
    let waits = |id: u64, last: i64| {
        let fields =
            json!({"id": id, "article_count": 2, "last_contact_customer_at": at(30), "last_contact_at": at(last)});
        ticket(&fields)
    };
    for (last, wanted) in [([30, 30], 2), ([30, 40], 0)] {
        let mut state = begun();
        state.found(vec![waits(1, last[0]), waits(2, last[1])], "");
        state.all_found();
        assert_eq!(state.wanted.queue().len(), wanted, "{last:?}");
    }
    let mut state = begun();
    state.found(
        vec![ticket(&json!({"article_count": 1, "last_contact_customer_at": at(30), "last_contact_at": at(30)}))],
        "",
    );
    state.all_found();
    assert_eq!(state.wanted.queue().len(), 0, "of one message there is no doubt");
}

#[test]
fn a_target_is_told_when_it_is_certain_what_became_of_it() {
    let due = |changed: i64, due: Option<i64>| {
        ticket(&json!({"close_escalation_at": due.map(at), "updated_at": at(changed)}))
    };
    let told = |state: &mut State| {
        let events = std::mem::take(&mut state.outbox);
        lines(&events).into_iter().filter(|line| line.contains("sla")).collect::<Vec<_>>()
    };
    let mut state = begun();
    state.found(vec![due(1000, Some(1500))], "");
    state.tell_missed(at(1400));
    assert_eq!(told(&mut state), [""; 0], "it is not due yet");
    // An agent sets it pending, and it is due much later then.
    let rows = vec![change(9, 1450, "state", (2, 3), 14), change(10, 1700, "state", (3, 2), 14)];
    let story = Story { ticket: due(1700, Some(9000)), articles: vec![], rows };
    state.told(&story, "", at(2000));
    state.tell_missed(at(2000));
    assert_eq!(told(&mut state), [""; 0], "it was not missed");
    state.want(due(9500, None));
    state.tell_missed(at(9600));
    assert_eq!(told(&mut state), [""; 0], "what is still to be read may have moved it");
    state.wanted.remove(4711);
    state.tell_missed(at(9600));
    assert_eq!(told(&mut state), ["9000 sla metric=resolution"]);
    let mut state = begun();
    state.found(vec![due(1000, Some(1500))], "");
    let rows = vec![change(9, 1450, "state", (2, 4), 14)];
    state.told(&Story { ticket: due(1450, None), articles: vec![], rows }, "", at(1500));
    assert_eq!(told(&mut state), ["1000 sla metric=resolution"], "it was met");
}

#[test]
fn a_ticket_that_left_and_comes_back_waits_from_then_on() {
    let mut state = begun();
    let one = ticket(&json!({"last_contact_customer_at": at(30)}));
    state.found(vec![one.clone()], "");
    state.end(one.id, at(1100));
    state.outbox.clear();
    let mark = state.cursor().unwrap().read::<Mark>().unwrap();
    assert_eq!(mark.left, [one.id], "also over a restart");
    let mut state = State::begun(book(), Some(mark), at(2000), std::collections::BTreeSet::new());
    state.found(vec![one.clone()], "");
    assert_eq!(
        (state.outbox.len(), state.wanted.queue().len()),
        (1, 1),
        "nothing but its customer before it is read whole"
    );
    state.told(
        &Story { ticket: one, articles: vec![article(1, 30, "Customer", &json!({}))], rows: vec![] },
        "",
        at(2000),
    );
    let told = lines(&state.outbox);
    assert_eq!(told[told.len() - 2..], ["2000 status status=open by=system", "2000 message from=customer"]);
}

#[test]
fn what_was_found_but_not_read_is_found_again_after_a_restart() {
    let mut state = begun();
    state.phase = Phase::Steady;
    state.heard_to = at(5000);
    state.want(ticket(&json!({"updated_at": at(4000)})));
    assert_eq!(state.cursor().unwrap().read::<Mark>().unwrap().heard_to, at(4000));
    state.wanted.remove(4711);
    let cursor = state.cursor().unwrap();
    assert_eq!(cursor.read::<Mark>().unwrap().heard_to, at(5000));
    for other in [json!(null), json!({"last": 7}), json!([1])] {
        assert_eq!(Cursor(other).read::<Mark>(), None);
    }
}

const WORDS: &str = "id type sender attribute id_from id_to created_at updated_at state_id owner_id customer_id group_id \
     title last_contact_customer_at last_contact_agent_at close_at history tickets assets Ticket \
     record_ids internal object article_count group_ids created_by_id updated owner state merged_into \
     Agent Customer note";

/// Any JSON, its keys mostly such that are read.
fn any_json() -> impl Strategy<Value = Value> {
    let texts = || fuzz::texts(&["2026-03-02T09:14:05.120Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "x", "7"]);
    let record =
        |(closed, asked, number)| json!({"close_at": closed, "last_contact_customer_at": asked, "id_to": number});
    fuzz::any_json(WORDS, texts(), (texts(), texts(), 0..30u64).prop_map(record))
}

/// A record with some of its fields changed; those that it can't be read with are left as they were.
fn patched<T: serde::de::DeserializeOwned>(mut record: Value, patch: &Value) -> T {
    for (key, value) in patch.as_object().into_iter().flatten() {
        let mut changed = record.clone();
        changed[key] = value.clone();
        if serde_json::from_value::<T>(changed.clone()).is_ok() {
            record = changed;
        }
    }
    serde_json::from_value(record).unwrap()
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(answer in any_json(), patch in any_json(), articles in prop::collection::vec(any_json(), 0..5),
        rows in prop::collection::vec(any_json(), 0..6)) {
        let _ = (wire::records(answer.clone(), "Ticket"), wire::history(answer.clone()));
        let user: wire::User = patched(json!({"id": 3}), &answer);
        let _ = (user.name(), user.groups());
        let ticket: Ticket = patched(json!({"id": 4711, "group_id": 2, "owner_id": 14, "state_id": 2, "created_at": at(0),
            "updated_at": at(1000), "last_contact_customer_at": null}), &patch);
        let base = json!({"id": 1, "type": "updated", "sender": "Agent", "attribute": "state", "created_at": at(1)});
        let articles: Vec<Article> = articles.iter().map(|patch| patched(base.clone(), patch)).collect();
        let rows: Vec<Row> = rows.iter().map(|patch| patched(base.clone(), patch)).collect();
        let mut state = begun();
        state.found(vec![ticket.clone()], "https://desk");
        state.all_found();
        let story = Story { ticket, articles, rows };
        for _ in 0..2 {
            state.told(&story, "https://desk", at(3000));
            state.recount(&story, "https://desk");
            state.end(story.ticket.id, at(3000));
        }
        prop_assert!(state.cursor().is_some());
        prop_assert!(state.outbox.iter().all(|event| serde_json::to_string(event).is_ok()));
    }
}

#[test]
fn whether_articles_are_missing_is_known_by_their_numbers_or_their_count() {
    let is_whole = |fields: &Value, kind: &str| {
        let articles = vec![article(1, 0, "Customer", &json!({})), article(2, 1, "System", &json!({}))];
        let rows = vec![Row { kind: kind.to_owned(), ..change(20, 9, "", (0, 0), 14) }];
        Story { ticket: ticket(fields), articles, rows }.has_all_articles()
    };
    assert!(is_whole(&json!({"article_ids": [1, "2"]}), "created"));
    assert!(is_whole(&json!({"article_ids": [1, 2]}), "received_merge"));
    assert!(!is_whole(&json!({"article_ids": [1, 2, 3]}), "created"));
    assert!(is_whole(&json!({"article_count": 1}), "created"), "one of the system is not counted");
    assert!(!is_whole(&json!({"article_count": 2}), "created"));
    assert!(!is_whole(&json!({"article_count": 1}), "received_merge"), "what came with a merge is not counted");
    assert!(!is_whole(&json!({"article_count": 0}), "created") && !is_whole(&json!({}), "created"));
    assert!(!is_whole(&json!({"article_ids": ["x"], "article_count": 3}), "created"));
}

#[test]
fn a_look_for_changes_reaches_back_until_nothing_newer_was_found_for_so_long() {
    let mut state = begun();
    state.heard_to = at(0);
    // When a look begins by this machine's clock, the newest change that it finds, and how far before the newest one known
    // it reaches.
    let looks = [
        (0, None, 30),
        (10, None, 30),
        (20, None, 20),
        (29, None, 10),
        (40, None, 1),
        (50, None, 0),
        // A change: it was made at any time up to the next look.
        (60, Some(7), 0),
        (70, None, 30),
        (75, None, 30),
        (80, None, 25),
        // This machine's clock was set back, then on.
        (10, None, 20),
        (11, None, 30),
        (9999, None, 30),
        (9999, None, 0),
    ];
    for (nth, (begun, newest, back)) in looks.into_iter().enumerate() {
        let look = state.look_anew(at(begun));
        assert_eq!(state.heard_to - look.place.at, chrono::TimeDelta::seconds(back), "look {nth}");
        // A look that is given up tells nothing of what was quiet.
        let _ = state.look_anew(at(begun + 1000));
        state.hear(newest.map_or(at(-5), at));
        state.looked(&look);
    }
}
