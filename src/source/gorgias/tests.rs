//! The samples of the vendor's pages, stories that its feeds can tell in several ways, and JSON of any shape.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::heap::Pages;
use super::people::{People, Staff};
use super::state::State;
use super::story::{News, Teller};
use super::wire::{Happened, List, Message, Survey, Team, Ticket, User};
use crate::event::{Event, Timestamp};
use crate::source::fuzz;

pub(super) fn ticket() -> Value {
    json!({"id": 81_234_567, "uri": "/api/tickets/81234567/", "external_id": null, "status": "open", "priority": "normal",
        "channel": "chat", "via": "gorgias_chat", "from_agent": false, "is_unread": true, "spam": false, "language": "en",
        "subject": "Where is my parcel?", "excerpt": "Hello, any news…",
        "customer": {"id": 5501, "name": "Ines Duarte", "email": "ines@mail.example", "firstname": "Ines", "lastname": "Duarte", "meta": {}},
        "assignee_user": {"id": 412, "name": "Lia Prado", "email": "lia@shop.example", "firstname": "Lia", "lastname": "Prado", "meta": {}},
        "assignee_team": {"id": 9, "name": "Delivery", "decoration": {"emoji": "📦"}}, "tags": [{"id": 77, "name": "wismo"}], "messages_count": 3,
        "created_datetime": "2026-06-01T10:30:00.120000+00:00", "opened_datetime": "2026-06-01T10:31:12.004000+00:00",
        "last_received_message_datetime": "2026-06-01T10:42:10.500000+00:00",
        "last_message_datetime": "2026-06-01T10:42:10.500000+00:00", "updated_datetime": "2026-06-01T10:42:11.010000+00:00",
        "closed_datetime": null, "snooze_datetime": null, "trashed_datetime": null})
}

pub(super) fn happened(id: i64, kind: &str, at: &str, data: &Value) -> Value {
    json!({"id": id, "type": kind, "object_type": "Ticket", "object_id": 81_234_567, "user_id": 412, "data": data,
        "context": "0f9a1c34-0000-4000-8000-5d2b7c1e9a10", "created_datetime": at, "uri": "/api/events/1/"})
}

pub(super) fn said(id: i64, from_agent: bool, at: &str) -> Value {
    json!({"id": id, "ticket_id": 81_234_567, "from_agent": from_agent, "public": true, "sender": {"id": 412}, "created_datetime": at})
}

/// What is told of a ticket with these messages and events, of which all is known from then on.
pub(super) fn told(ticket: Value, messages: Vec<Value>, events: Vec<Value>, from: Timestamp) -> Vec<Value> {
    let mut people = People::default();
    let users = vec![serde_json::from_value(json!({"id": 900, "name": "Bot", "role": {"name": "bot"}})).unwrap()];
    people.take(Staff { users: Some(users), teams: None }, Timestamp::MIN, &mut Vec::new());
    let look = Timestamp::parse("2026-06-01T12:00:00Z").unwrap();
    let mut teller =
        Teller { people: &mut people, pages: "https://acme.gorgias.com/app/ticket/", look, out: Vec::new() };
    let news = News {
        messages: messages.into_iter().map(|one| serde_json::from_value(one).unwrap()).collect(),
        events: events.into_iter().map(|one| serde_json::from_value(one).unwrap()).collect(),
    };
    let ticket: Ticket = serde_json::from_value(ticket).unwrap();
    teller.first(&ticket, news, from, None);
    let lines = |event: &Event| serde_json::to_value(event).unwrap();
    teller.out.iter().map(lines).collect()
}

pub(super) fn of<'a>(told: &'a [Value], kind: &str) -> Vec<&'a Value> {
    told.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn the_samples_are_told_without_loss() {
    let list = json!({"object": "list", "uri": "/api/tickets", "data": [ticket()],
        "meta": {"prev_cursor": null, "next_cursor": "bmV4dA=="}});
    let List::Paged { data, meta } = serde_json::from_value(list).unwrap() else { panic!("no pages") };
    assert_eq!((data.len(), meta.next_cursor.as_deref()), (1, Some("bmV4dA==")));
    let event = json!({"id": 990_001, "type": "ticket-assigned", "object_type": "Ticket", "object_id": 81_234_567,
        "user_id": null, "context": "0f9a1c34-0000-4000-8000-5d2b7c1e9a10",
        "data": {"assignee_user_id": 412, "auto_assigned": true}, "created_datetime": "2026-06-01T10:30:02.300000+00:00",
        "uri": "/api/events/990001/"});
    let told = told(ticket(), vec![said(1, false, "2026-06-01T10:30:00.120000")], vec![event], Timestamp::MIN);
    let opened = of(&told, "opened")[0].clone();
    assert_eq!(
        opened,
        json!({"type": "opened", "at": "2026-06-01T10:30:00.120Z", "conversation": "81234567", "customer": "5501",
            "channel": "web", "team": "9", "subject": "Where is my parcel?", "direction": "inbound", "priority": "normal",
            "url": "https://acme.gorgias.com/app/ticket/81234567", "tags": ["wismo"]})
    );
    let assigned = json!({"type": "assigned", "at": "2026-06-01T10:30:02.300Z", "conversation": "81234567", "agent": "412", "by": "bot"});
    assert_eq!(of(&told, "assigned"), [&assigned]);
    assert_eq!(of(&told, "customer")[0]["name"], "Ines Duarte");
    assert_eq!((&of(&told, "agent")[0]["id"], &of(&told, "agent")[0]["name"]), (&json!("412"), &json!("Lia Prado")));
    assert_eq!(of(&told, "message")[0]["at"], "2026-06-01T10:30:00.120Z", "a time without a zone is of UTC");

    let user = json!({"id": 412, "active": true, "name": "Lia Prado", "email": "lia@shop.example", "role": {"name": "agent"},
        "timezone": "Europe/Lisbon", "created_datetime": "2024-01-10T08:00:00.000000+00:00"});
    let user: User = serde_json::from_value(user).unwrap();
    assert_eq!((user.person.id, user.active, user.role.name.as_deref()), (412, Some(true), Some("agent")));
    let survey = json!({"id": 3301, "ticket_id": 81_234_567, "customer_id": 5501, "score": 5, "body_text": "Quick!",
        "sent_datetime": "2026-06-02T11:00:00.000000+00:00", "scored_datetime": "2026-06-02T11:20:00.000000+00:00",
        "should_send_datetime": null, "created_datetime": "2026-06-01T11:05:45.000000+00:00"});
    let survey: Survey = serde_json::from_value(survey).unwrap();
    let rated = serde_json::to_value(super::ratings::rated(&survey).unwrap()).unwrap();
    let expected = json!({"type": "rated", "at": "2026-06-02T11:20:00Z", "conversation": "81234567", "score": 5.0,
        "scale": 5.0, "comment": "Quick!"});
    assert_eq!(rated["comment"], expected["comment"]);
    assert_eq!(
        (&rated["at"], rated["score"].as_f64(), rated["scale"].as_f64()),
        (&expected["at"], Some(5.0), Some(5.0))
    );
}

#[test]
fn a_bare_list_is_a_list() {
    let list: List = serde_json::from_value(json!([{"id": 1}])).unwrap();
    assert!(matches!(list, List::Bare(data) if data.len() == 1));
}

/// Statuses that are told, with who did it.
pub(super) fn statuses(told: &[Value]) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of(told, "status").iter().map(|event| (word(&event["status"]), word(&event["by"]))).collect()
}

#[rstest]
#[case("snoozed at once with its closing", &[("ticket-closed", "2026-06-01T11:00:00.100"), ("ticket-snoozed", "2026-06-01T11:00:00.900")], &["snoozed"])]
#[case("snoozed, and only the closing is told", &[("ticket-closed", "2026-06-01T11:00:00.100")], &["snoozed"])]
#[case("closed long before it was snoozed", &[("ticket-closed", "2026-06-01T10:40:00"), ("ticket-reopened", "2026-06-01T10:50:00"), ("ticket-snoozed", "2026-06-01T11:00:00")],
    &["closed", "open", "snoozed"])]
fn snoozing_is_no_ending(#[case] what: &str, #[case] events: &[(&str, &str)], #[case] expected: &[&str]) {
    let mut snoozed = ticket();
    snoozed["status"] = "closed".into();
    snoozed["closed_datetime"] = "2026-06-01T11:00:00.100000+00:00".into();
    snoozed["snooze_datetime"] = "2026-06-02T08:00:00.000000+00:00".into();
    snoozed["updated_datetime"] = "2026-06-01T11:00:01.000000+00:00".into();
    let events =
        events.iter().enumerate().map(|(nth, (kind, at))| happened(nth as i64, kind, at, &Value::Null)).collect();
    let told = told(snoozed, Vec::new(), events, Timestamp::MIN);
    assert_eq!(statuses(&told).iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>(), expected, "{what}");
}

/// Whether a ticket that is not wholly read is told, as nobody waits since before, or is to be read by itself.
#[rstest]
#[case("an ending", json!({}), &[("ticket-closed", "10:40:00")], true)]
#[case("snoozed at once with its closing", json!({}), &[("ticket-snoozed", "10:40:00.900"), ("ticket-closed", "10:40:00.100")], false)]
#[case("an ending before", json!({}), &[("ticket-snoozed", "10:41:00"), ("ticket-closed", "10:41:00"), ("ticket-closed", "10:40:00")], true)]
#[case("snoozed, and only the closing is told", json!({"status": "closed", "snooze_datetime": "2026-06-02T08:00:00"}), &[("ticket-closed", "10:40:00")], false)]
#[case("the closing of an earlier snooze", json!({"status": "closed", "snooze_datetime": "2026-06-02T08:00:00"}),
    &[("ticket-closed", "10:40:00"), ("ticket-reopened", "10:38:00"), ("ticket-closed", "10:37:00")], true)]
#[case("an ending that was not read", json!({}), &[("ticket-closed", "10:34:00")], false)]
fn only_an_ending_settles_what_came_before(
    #[case] what: &str,
    #[case] more: Value,
    #[case] events: &[(&str, &str)],
    #[case] expected: bool,
) {
    let mut one = ticket();
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let event = |(nth, (kind, at)): (usize, &(&str, &str))| {
        serde_json::from_value(happened(nth as i64, kind, &format!("2026-06-01T{at}"), &Value::Null)).unwrap()
    };
    // The feeds come the newest first.
    let events = events.iter().enumerate().map(event).collect();
    let mut state = State::default();
    let tickets = vec![serde_json::from_value(one).unwrap()];
    state.keep_active(Pages { tickets, events, ..Pages::default() });
    let (from, look) = (at("2026-06-01T10:35:00Z"), at("2026-06-01T12:00:00Z"));
    assert_eq!(state.settled(from, look), usize::from(expected), "{what}");
    state.tell(from, look, usize::MAX);
    assert_eq!((state.tickets.len(), state.queue.len()), (usize::from(expected), usize::from(!expected)), "{what}");
}

#[test]
fn a_snooze_that_is_over_is_an_ending_and_an_agent_ends_it() {
    let mut closed = ticket();
    closed["status"] = "closed".into();
    closed["closed_datetime"] = "2026-06-01T11:00:00+00:00".into();
    closed["snooze_datetime"] = "2026-06-01T11:30:00+00:00".into();
    let events = vec![happened(1, "ticket-closed", "2026-06-01T11:00:00", &Value::Null)];
    let told = told(closed, Vec::new(), events, Timestamp::MIN);
    assert_eq!(statuses(&told), [("closed".to_owned(), "agent".to_owned())]);
}

#[test]
fn who_writes_is_customer_agent_or_bot() {
    let at = "2026-06-01T10:41:00";
    let mut by_rule = said(2, true, at);
    by_rule["rule_id"] = 31.into();
    let mut by_program = said(3, true, at);
    by_program["sender"] = json!({"id": "900"});
    let mut unsigned = said(4, true, at);
    unsigned["sender"] = Value::Null;
    let mut note = said(5, true, at);
    note["channel"] = "internal-note".into();
    let messages = vec![said(1, false, at), by_rule, by_program, unsigned, note, said(6, true, at)];
    let told = told(ticket(), messages, Vec::new(), Timestamp::MIN);
    let word = |event: &&Value| format!("{} {} {}", event["from"], event["agent"], event["public"]).replace('"', "");
    let messages: Vec<String> = of(&told, "message").iter().map(word).collect();
    let expected =
        ["customer null null", "bot null null", "bot null null", "bot null null", "agent 412 false", "agent 412 null"];
    assert_eq!(messages, expected);
}

#[test]
fn what_held_before_the_feeds_begin_is_told_where_they_begin() {
    let from = Timestamp::parse("2026-06-01T10:35:00Z").unwrap();
    let told = told(ticket(), vec![said(1, true, "2026-06-01T10:41:00")], Vec::new(), from);
    assert_eq!(of(&told, "assigned")[0]["at"], "2026-06-01T10:35:00Z");
    assert_eq!(of(&told, "assigned")[0]["agent"], "412");
}

#[test]
fn what_a_program_holds_nobody_holds() {
    let mut held = ticket();
    held["assignee_user"] = json!({"id": 900, "name": "Bot"});
    let events = vec![happened(1, "ticket-assigned", "2026-06-01T10:40:00", &json!({"assignee_user_id": 900}))];
    let told = told(held, Vec::new(), events, Timestamp::MIN);
    assert_eq!(of(&told, "assigned")[0]["agent"], Value::Null);
    assert!(of(&told, "agent").is_empty());
}

const WORDS: &str = "id ticket_id status open closed created_datetime updated_datetime closed_datetime snooze_datetime \
     trashed_datetime customer assignee_user assignee_team tags name type data object_id object_type \
     Ticket ticket-closed ticket-assigned assignee_user_id from_agent public sender rule_id score \
     scored_datetime meta";
const AT: &str = "2026-06-01T10:30:00.120000+00:00";

fn any_json() -> impl Strategy<Value = Value> {
    let record = json!({"id": 9, "ticket_id": 5, "object_id": 5, "type": "ticket-closed", "from_agent": true,
        "created_datetime": AT, "status": "open"});
    fuzz::any_json(WORDS, fuzz::texts(&[AT]), Just(record))
}

proptest! {
    #[test]
    fn nothing_that_a_server_says_makes_it_panic(ticket in any_json(), message in any_json(), event in any_json()) {
        drop(serde_json::from_value::<User>(ticket.clone()));
        drop(serde_json::from_value::<Team>(ticket.clone()));
        drop(serde_json::from_value::<List>(ticket.clone()));
        if let Ok(survey) = serde_json::from_value::<Survey>(ticket.clone()) {
            super::ratings::rated(&survey);
        }
        let is_message = serde_json::from_value::<Message>(message.clone()).is_ok();
        let is_event = serde_json::from_value::<Happened>(event.clone()).is_ok();
        if serde_json::from_value::<Ticket>(ticket.clone()).is_ok() {
            let messages = if is_message { vec![message] } else { Vec::new() };
            let events = if is_event { vec![event] } else { Vec::new() };
            let told = told(ticket, messages, events, Timestamp::MIN);
            prop_assert!(told.iter().any(|event| event["type"] == "opened"));
        }
    }
}

/// A ticket of that number, which began then.
fn begun(id: i64, at: &str) -> Ticket {
    let mut one = ticket();
    (one["id"], one["created_datetime"]) = (id.into(), at.into());
    (one["messages_count"], one["last_received_message_datetime"]) = (1.into(), Value::Null);
    serde_json::from_value(one).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Two tickets with a message each, and one message of a ticket that is not active.
fn heaped() -> State {
    let mut state = State::default();
    let said = |id: i64, ticket: i64, at: &str| {
        let mut one = said(id, false, at);
        one["ticket_id"] = ticket.into();
        serde_json::from_value(one).unwrap()
    };
    let closed = happened(1, "ticket-closed", "2026-06-01T10:50:00", &Value::Null);
    state.keep_active(Pages {
        tickets: vec![begun(5, "2026-06-01T09:00:00Z"), begun(7, "2026-06-01T10:45:00Z")],
        messages: vec![
            said(1, 5, "2026-06-01T10:46:00Z"),
            said(2, 6, "2026-06-01T10:46:00Z"),
            said(3, 7, "2026-06-01T10:45:00Z"),
        ],
        events: vec![serde_json::from_value(closed).unwrap()],
    });
    state
}

fn opened(state: &mut State) -> Vec<String> {
    let lines = state.outbox.drain(..).map(|event| serde_json::to_value(event).unwrap());
    let of = |line: Value| (line["type"] == "opened").then(|| line["conversation"].as_str().unwrap().to_owned());
    lines.filter_map(of).collect()
}

#[test]
fn a_start_keeps_nothing_of_tickets_that_are_not_active() {
    let mut heap = heaped().heap;
    for expected in [Some(5), Some(7), None] {
        assert_eq!(heap.first(), expected);
        heap.remove(expected.unwrap_or_default(), Timestamp::MIN);
    }
    let mut state = State::default();
    state.keep_all(Pages {
        messages: vec![serde_json::from_value(said(1, false, "2026-06-01T10:46:00Z")).unwrap()],
        ..Pages::default()
    });
    assert_eq!(state.heap.first(), Some(81_234_567), "a refresh keeps all: whose it is may be read after it");
}

#[test]
fn a_start_tells_a_ticket_as_soon_as_all_of_it_is_known() {
    let mut state = heaped();
    let look = at("2026-06-01T12:00:00Z");
    assert_eq!(
        state.tell_whole(at("2026-06-01T10:44:30Z"), look),
        0,
        "its first message may be a little older than it"
    );
    assert_eq!(state.tell_whole(at("2026-06-01T10:44:00Z"), look), 1);
    assert_eq!(opened(&mut state), ["7"]);
    assert_eq!(state.tell_whole(at("2026-06-01T10:44:00Z"), look), 0, "told once");
    assert!(state.tell(at("2026-06-01T08:00:00Z"), look, usize::MAX));
    assert_eq!(opened(&mut state), ["5"]);
}

#[test]
fn what_a_start_has_read_is_told_in_parts() {
    let mut state = heaped();
    let (from, look) = (at("2026-06-01T08:00:00Z"), at("2026-06-01T12:00:00Z"));
    assert!(!state.tell(from, look, 1));
    assert_eq!(opened(&mut state), ["5"]);
    assert!(state.tell(from, look, 1));
    assert_eq!(opened(&mut state), ["7"]);
    assert!(state.tell(from, look, 1), "nothing is left");
    assert!(state.outbox.is_empty());
}

#[test]
fn what_a_message_is_told_as_does_not_depend_on_what_else_it_holds() {
    let mut by_customer = said(1, false, "2026-06-01T10:46:00Z");
    (by_customer["body_text"], by_customer["stripped_text"]) = ("with a quotation".into(), "the words".into());
    let read: Message = serde_json::from_value(by_customer.clone()).unwrap();
    assert_eq!((read.text.as_deref(), read.sender), (Some("the words"), None));
    by_customer["stripped_text"] = Value::Null;
    let read: Message = serde_json::from_value(by_customer).unwrap();
    assert_eq!(read.text.as_deref(), Some("with a quotation"));
    let mut tagged = ticket();
    tagged["tags"] = json!([{"name": "wismo"}, {"id": 7}, null, {"id": [], "name": "vip"}, 5]);
    assert_eq!(serde_json::from_value::<Ticket>(tagged).unwrap().tags, ["wismo", "vip"]);
    let named = json!({"id": 5, "firstname": "Ines", "lastname": "Duarte", "email": "ines@mail.example"});
    let person: super::wire::Person = serde_json::from_value(named).unwrap();
    assert_eq!(person.called(), Some("Ines Duarte"));
}
