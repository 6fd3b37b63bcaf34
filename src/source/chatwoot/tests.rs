//! The mapping: documented answers without loss, and arbitrary ones without a panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::ask::Thread;
use super::map::Known;
use super::state::State;
use super::wire::{Csat, List, Message, Person, Row};
use crate::event::{Author, Direction, Event, EventKind, Status, StatusBy, Timestamp};
use crate::source::differ::Record;
use crate::source::roster::Roster;

/// A list of one conversation with its fields as documented.
const SAMPLE: &str = r#"{"data":{"meta":{"mine_count":0,"assigned_count":1,"unassigned_count":0,"all_count":1},"payload":[{
 "meta":{"sender":{"additional_attributes":{"city":"Porto"},"availability_status":"online","email":"rita@sardinha.example","id":77,"name":"Rita Alves",
   "phone_number":"+351911000111","blocked":false,"identifier":null,"thumbnail":"","custom_attributes":{"plan":"vip"},"last_activity_at":1772442904,"created_at":1769871000},
  "channel":"Channel::Whatsapp",
  "assignee":{"id":3,"account_id":1,"availability_status":"busy","auto_offline":true,"confirmed":true,"email":"jo@acme.example","provider":"email",
   "available_name":"Jo","name":"Jo Hale","role":"agent","thumbnail":"","custom_role_id":null},
  "assignee_type":"User","team":{"id":2,"name":"billing","description":"","allow_auto_assign":true,"account_id":1,"is_member":false},"hmac_verified":false},
 "id":4182,"messages":[],"account_id":1,"uuid":"6a1b0c4e-52a7-4a63-9a3e-0f9d1d1c77aa","additional_attributes":{},"agent_last_seen_at":1772442500,
 "assignee_last_seen_at":1772442500,"can_reply":true,"contact_last_seen_at":0,"custom_attributes":{},"inbox_id":9,"labels":["refund"],"muted":false,
 "snoozed_until":null,"status":"open","created_at":1772441100,"updated_at":1772442904.318,"timestamp":1772442904,"first_reply_created_at":1772441460,
 "unread_count":2,"last_non_activity_message":{"id":90311,"content":"any news?","account_id":1,"inbox_id":9,"conversation_id":4182,"message_type":0,
  "created_at":1772442904,"updated_at":"2026-03-02T09:15:04.318Z","private":false,"status":"sent","source_id":"wamid.X1","content_type":"text",
  "content_attributes":{},"sender_type":"Contact","sender_id":77,"external_source_ids":{},"additional_attributes":{},"processed_message_content":"any news?",
  "sentiment":{},"conversation":{"assignee_id":3,"unread_count":2,"last_activity_at":1772442904,"contact_inbox":{"source_id":"351911000111"}},
  "sender":{"id":77,"name":"Rita Alves","email":"rita@sardinha.example","phone_number":"+351911000111","identifier":null,"thumbnail":"","blocked":false,
   "custom_attributes":{},"additional_attributes":{},"type":"contact"}},
 "last_activity_at":1772442904,"priority":"high","waiting_since":1772442640,"sla_policy_id":null}]}}"#;

fn sample() -> Row {
    let list: List = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(list.data.meta.all_count, Some(1));
    serde_json::from_value(list.data.payload[0].clone()).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn what_waits_for_its_messages_is_kept_without_the_words_that_they_bring() {
    let (row, kept) = (sample(), sample().without_words());
    assert_eq!((kept.last_message(), kept.changed_at()), (row.last_message(), row.changed_at()));
    let last = kept.last_non_activity_message.unwrap();
    assert_eq!((last.content, last.sender.is_none()), (None, true));
}

#[test]
fn the_documented_conversation_is_read_without_loss() {
    let row = sample();
    assert_eq!(
        (row.id, row.status.as_str(), row.inbox_id, row.priority.as_deref()),
        (4182, "open", Some(9), Some("high"))
    );
    assert_eq!(row.created_at, at("2026-03-02T08:45:00Z"));
    assert_eq!(row.changed_at(), at("2026-03-02T09:15:04.318Z"));
    assert_eq!(row.last_activity_at, Some(at("2026-03-02T09:15:04Z")));
    assert!(row.is_doubtful(), "the customer's is the last word");
    let known = Known { pages: "https://desk.example.com/app/accounts/1/conversations/".into(), ..Known::default() };
    let last = row.last_non_activity_message.clone().unwrap();
    let record = row.record(&[*last], false, &known, None).unwrap();
    let Record { opened, opened_at, status, holder, team, tags, messages, .. } = record;
    let json = serde_json::to_value(&opened).unwrap();
    assert_eq!(
        json,
        json!({"conversation": "4182", "customer": "77", "channel": "whatsapp", "priority": "high",
        "url": "https://desk.example.com/app/accounts/1/conversations/4182"})
    );
    assert_eq!((opened_at, status.value, status.at), (row.created_at, Status::Open, None));
    assert_eq!(holder.unwrap().value.unwrap().as_str(), "3");
    assert_eq!(team.unwrap().value.unwrap().as_str(), "2");
    assert_eq!(tags.unwrap(), ["refund"]);
    assert_eq!((messages.len(), messages[0].from, messages[0].at), (1, Author::Customer, at("2026-03-02T09:15:04Z")));
    assert_eq!(messages[0].text.as_ref().and_then(|text| text.text()), Some("any news?"));
    let mut told = Vec::new();
    row.tell_customer(&mut Roster::default(), &mut told);
    let customer = json!([{"type": "customer", "id": "77", "name": "Rita Alves"}]);
    assert_eq!(serde_json::to_value(told).unwrap(), customer);
}

/// A message by its type, author and what else is said of it.
fn message(id: u64, kind: u64, more: &Value) -> Message {
    let mut all = json!({"id": id, "message_type": kind, "created_at": 1_772_441_000 + id, "content": "words"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

#[test]
fn each_message_has_its_author() {
    for (kind, more, author) in [
        (0, json!({"sender": {"id": 77, "type": "contact"}}), Some((Author::Customer, true))),
        (0, json!({}), Some((Author::Customer, true))),
        (1, json!({"sender": {"id": 3, "type": "user"}}), Some((Author::Agent, true))),
        (1, json!({"sender": {"id": 3, "type": "user"}, "private": true}), Some((Author::Agent, false))),
        (1, json!({"sender": {"id": 3, "type": "user"}, "status": "read"}), Some((Author::Agent, true))),
        (1, json!({"sender": {"id": 3, "type": "user"}, "status": "failed"}), Some((Author::Agent, false))),
        (1, json!({"sender": {"id": 3, "type": "agent_bot"}}), Some((Author::Bot, true))),
        (1, json!({"sender": {"id": 3, "type": "agent_bot"}, "status": "failed"}), Some((Author::Bot, false))),
        (0, json!({"status": "failed"}), Some((Author::Customer, true))),
        (1, json!({"sender": {"id": 3, "type": "captain_assistant"}}), Some((Author::Bot, true))),
        (1, json!({"content_attributes": {"external_echo": true}}), Some((Author::Agent, true))),
        (
            1,
            json!({"sender": {"id": 3, "type": "user"}, "content_attributes": {"automation_rule_id": 4}}),
            Some((Author::Bot, true)),
        ),
        (
            1,
            json!({"sender": {"id": 3, "type": "user"}, "additional_attributes": {"campaign_id": 9}}),
            Some((Author::Bot, true)),
        ),
        (1, json!({"sender": null, "content_attributes": null}), Some((Author::Bot, true))),
        (2, json!({}), None),
        (3, json!({}), Some((Author::Bot, true))),
        (9, json!({}), Some((Author::Bot, true))),
    ] {
        assert_eq!(message(1, kind, &more).author(), author, "{kind} {more}");
    }
}

#[test]
fn who_answers_in_the_channels_own_app_answers_for_the_holder_or_for_one_who_stands_for_all() {
    let asked = message(3, 0, &json!({}));
    let echo = message(4, 1, &json!({"content_attributes": {"external_echo": true}, "sender": null}));
    for (assignee, who) in [(true, "3"), (false, "channel-app")] {
        let mut row = sample();
        row.meta.assignee = row.meta.assignee.filter(|_| assignee);
        let record = row.record(&[asked.clone(), echo.clone()], true, &known(), None).unwrap();
        let said = &record.messages[1];
        assert_eq!((said.from, said.agent.as_ref().unwrap().as_str(), said.public), (Author::Agent, who, true));
        let mut state = State::default();
        let thread = || Thread { messages: vec![asked.clone(), echo.clone()], whole: true, is_long: false };
        state.tell(&row, thread(), at("2026-03-02T10:00:00Z"));
        state.tell(&row, thread(), at("2026-03-02T10:01:00Z"));
        state.people.take_agents(vec![], at("2026-03-02T10:02:00Z"), &mut state.outbox);
        let told: Vec<_> = state.outbox.iter().filter(|event| matches!(event.kind, EventKind::Agent(_))).collect();
        assert_eq!(told.len(), usize::from(!assignee), "introduced once, and does not leave: {told:?}");
    }
}

#[test]
fn a_bot_that_holds_a_chat_is_not_the_agent_of_that_number() {
    let mut row = sample();
    row.meta.assignee_type = Some("AgentBot".into());
    assert_eq!(row.holder(), None);
    row.meta.assignee_type = None;
    assert_eq!(row.holder().unwrap().as_str(), "3", "before 4.8 only people held chats");
}

fn known() -> Known {
    let person =
        |id, name: &str| -> (u64, Person) { (id, serde_json::from_value(json!({"id": id, "name": name})).unwrap()) };
    Known { agents: [person(3, "Jo Hale"), person(4, "Ana"), person(5, "Ana")].into(), ..Known::default() }
}

#[test]
fn an_ending_is_dated_by_the_note_of_the_desk() {
    let mut row = sample();
    row.status = "resolved".into();
    let note = |id, words: &str| message(id, 2, &json!({"content": words}));
    let asked = |id| message(id, 0, &json!({}));
    let last = at("2026-03-02T09:15:04Z");
    let second = |id: i64| Timestamp::from_millis((1_772_441_000 + id) * 1000);
    for (messages, since, expected) in [
        (vec![note(5, "Conversation was marked resolved by Jo Hale")], None, (second(5), Some(StatusBy::Agent))),
        (vec![note(5, "Conversation was marked resolved by Ana")], None, (second(5), Some(StatusBy::Agent))),
        (
            vec![note(5, "Conversation was marked resolved by system due to 3 days of inactivity")],
            None,
            (second(5), Some(StatusBy::System)),
        ),
        (vec![note(5, "Conversation was resolved by Rita")], None, (second(5), Some(StatusBy::Customer))),
        (vec![asked(3), note(5, "A conversa foi resolvida por Jo")], None, (second(5), None)),
        (vec![note(3, "Conversation was marked resolved by Jo Hale"), asked(5)], None, (last, None)),
        // It is news: the last change of the row dates it.
        (vec![note(3, "Conversation was marked resolved by Jo Hale")], Some(second(4)), (row.changed_at(), None)),
        (
            vec![note(3, "Conversation was marked resolved by Jo Hale"), note(6, "Ana added refund")],
            None,
            (second(3), Some(StatusBy::Agent)),
        ),
        (vec![], None, (last, None)),
    ] {
        let record = row.record(&messages, true, &known(), since).unwrap();
        assert_eq!((record.status.at.unwrap(), record.by), expected, "{messages:?}");
    }
}

#[test]
fn who_ended_it_is_named_in_each_form_of_the_note() {
    let mut row = sample();
    row.status = "resolved".into();
    let (jo, gone) = (Some("3"), Some("9"));
    let wrote = json!({"sender": {"id": 9, "name": "Lou", "type": "user"}});
    for (words, by, who) in [
        ("Conversation was marked resolved by Jo Hale", Some(StatusBy::Agent), jo),
        ("Conversation was marked resolved by Ana", Some(StatusBy::Agent), None),
        ("Conversation was marked resolved by Lou", Some(StatusBy::Agent), gone),
        ("Conversation was marked resolved by Automation System", Some(StatusBy::System), None),
        ("Conversation was marked resolved by system due to 2 days of inactivity", Some(StatusBy::System), None),
        ("Conversation was marked resolved by system due to 1 hours of inactivity", Some(StatusBy::System), None),
        ("Conversation was marked resolved by system due to 30 minutes of inactivity", Some(StatusBy::System), None),
        ("Conversation was marked resolved by Captain due to inactivity", Some(StatusBy::Bot), None),
        ("Conversation was marked resolved by Captain (no outstanding questions)", Some(StatusBy::Bot), None),
        ("Conversation was marked resolved by Captain: Possible spam", Some(StatusBy::Bot), None),
        ("Conversation was marked resolved by Jo Hale due to inactivity", Some(StatusBy::Bot), None),
        ("Conversation was marked resolved by Helper Bot", Some(StatusBy::Bot), None),
        ("Conversation was marked resolved by Jo Who Was Renamed", None, None),
        ("Conversation was resolved by Jo Hale", Some(StatusBy::Customer), None),
        ("Conversa marcada como resolvida por Jo Hale", None, None),
        ("Conversation was snoozed by Jo Hale", None, None),
    ] {
        let note = message(5, 2, &json!({"content": words, "sender": null}));
        let program = |id, name: &str, kind: &str| {
            message(id, 1, &json!({"content": "hello", "sender": {"id": 3, "name": name, "type": kind}}))
        };
        let programs = [program(2, "Helper Bot", "agent_bot"), program(3, "Captain", "captain_assistant")];
        let messages: Vec<_> = programs.into_iter().chain([message(4, 1, &wrote), note]).collect();
        let record = row.record(&messages, true, &known(), None).unwrap();
        let agent = record.by_agent.as_ref().map(crate::event::AgentId::as_str);
        assert_eq!((record.by, agent), (by, who), "{words}");
        let is_ending = by.is_some() || words.ends_with("Renamed");
        assert_eq!(record.endings.len(), usize::from(is_ending), "{words}");
    }
}

#[test]
fn an_assignment_is_dated_where_the_note_of_it_is_understood() {
    let row = sample();
    let note = |words: &str| vec![message(5, 2, &json!({"content": words}))];
    for (words, is_dated) in [
        ("Assigned to Jo Hale by Ops", true),
        ("Jo Hale self-assigned this conversation", true),
        ("Assigned to Jo Hale via billing by Ops", true),
        ("Assigned to Ana by Ops", false),
        ("Assigned to billing by Ops", false),
        ("Atribuído a Jo Hale por Ops", false),
    ] {
        let record = row.record(&note(words), true, &known(), None).unwrap();
        assert_eq!(record.holder.unwrap().at.is_some(), is_dated, "{words}");
    }
}

#[test]
fn who_wrote_first_gives_the_direction() {
    let (asked, answered) = (message(5, 0, &json!({})), message(4, 1, &json!({"sender": {"id": 3, "type": "user"}})));
    let greeted = message(3, 3, &json!({}));
    for (messages, whole, direction) in [
        (vec![asked.clone()], true, Some(Direction::Inbound)),
        (vec![answered.clone(), asked.clone()], true, Some(Direction::Outbound)),
        (vec![greeted, answered.clone()], true, Some(Direction::Inbound)),
        (vec![], true, Some(Direction::Inbound)),
        (vec![answered], false, None),
    ] {
        let record = sample().record(&messages, whole, &Known::default(), None).unwrap();
        assert_eq!(record.opened.direction, direction, "{messages:?}");
    }
}

/// Kinds and instants of what a state tells, and drops.
fn said(state: &mut State) -> Vec<(String, Option<Timestamp>)> {
    let told = std::mem::take(&mut state.outbox);
    told.iter().map(|event| (<&str>::from(&event.kind).to_owned(), event.at)).collect()
}

#[test]
fn an_ending_waits_for_its_note_for_a_refresh() {
    let second = |id: i64| Timestamp::from_millis((1_772_441_000 + id) * 1000);
    let asked = message(100, 0, &json!({}));
    let thread = |messages: &[Message]| Thread { messages: messages.to_vec(), whole: true, is_long: false };
    let row = |status: &str, last: u64, seconds: i64| {
        let mut row = sample();
        row.status = status.into();
        (row.last_non_activity_message, row.updated_at) = (None, Some(second(seconds)));
        row.messages = vec![serde_json::from_value(json!({"id": last, "created_at": 1_772_441_000 + last})).unwrap()];
        row
    };
    for comes in [true, false] {
        let mut state = State::default();
        state.people.known = known();
        state.tell(&row("open", 100, 100), thread(std::slice::from_ref(&asked)), second(200));
        said(&mut state);
        state.note(row("resolved", 100, 3_600), second(3_602), false);
        state.take_in(4182, thread(&[]), second(3_602));
        state.note(row("resolved", 100, 3_600), second(3_602), false);
        state.take_up(second(3_602));
        assert_eq!((said(&mut state), state.has_work(second(3_602))), (vec![], false), "put off");
        let note = message(3_601, 2, &json!({"content": "Conversation was marked resolved by Jo Hale"}));
        let notes = if comes { vec![note] } else { vec![] };
        if comes {
            state.note(row("resolved", 3_601, 3_601), second(3_605), false);
        }
        state.take_up(second(3_605));
        state.take_in(4182, thread(&notes), second(3_605));
        let ended = state.outbox.iter().find_map(|event| match &event.kind {
            EventKind::Status { by, agent, .. } => Some((event.at.unwrap(), *by, agent.clone())),
            _ => None,
        });
        let expected =
            if comes { (second(3_601), Some(StatusBy::Agent), Some("3".into())) } else { (second(3_600), None, None) };
        assert_eq!(ended, Some(expected));
    }
}

#[test]
fn answers_from_the_channels_own_app_that_an_earlier_run_told_are_not_told_as_the_holders_of_now() {
    let second = |id: i64| Timestamp::from_millis((1_772_441_000 + id) * 1000);
    let echo = |id| message(id, 1, &json!({"content_attributes": {"external_echo": true}, "sender": null}));
    let by_jo = message(7, 1, &json!({"sender": {"id": 3, "type": "user"}}));
    for (is_remembered, is_untold, count) in [(true, false, 3), (true, true, 4), (false, false, 4)] {
        let remembered = is_remembered.then(|| "4182".into());
        let mut state = State::default();
        state.resumed_at = Some(second(10));
        state.differ = crate::source::differ::Differ::resumed(state.resumed_at, remembered);
        state.untold.extend(is_untold.then_some(4182));
        let messages = vec![message(5, 0, &json!({})), echo(6), by_jo.clone(), echo(11)];
        state.tell(&sample(), Thread { messages, whole: true, is_long: false }, second(60));
        let told = said(&mut state).iter().filter(|(kind, _)| kind == "message").count();
        assert_eq!(told, count, "{is_remembered} {is_untold}");
    }
}

#[test]
fn a_campaign_is_known_by_the_copy_of_its_message_in_the_row() {
    let mut row = sample();
    let sender = json!({"sender": {"id": 3, "type": "user"}, "additional_attributes": {"campaign_id": 4}});
    row.last_non_activity_message = Some(Box::new(message(5, 1, &sender)));
    let mut messages = vec![message(4, 1, &json!({"sender": {"id": 3, "type": "user"}})), message(5, 1, &sender)];
    messages[1].additional_attributes.campaign_id = None;
    row.complete(&mut messages);
    let authors: Vec<_> = messages.iter().filter_map(Message::author).map(|author| author.0).collect();
    assert_eq!(authors, [Author::Agent, Author::Bot]);
}

#[test]
fn an_opening_anew_is_dated_by_the_note_of_the_desk() {
    let note = |id, words: &str| message(id, 2, &json!({"content": words}));
    let (ended, reopened) = ("Conversation was marked resolved by Jo Hale", "Conversation was reopened by Jo Hale");
    let second = |id: i64| Timestamp::from_millis((1_772_441_000 + id) * 1000);
    for (notes, status, at) in [
        (vec![note(5, ended), note(9, reopened)], "open", Some(second(9))),
        (vec![note(5, ended), note(9, reopened), note(12, ended)], "open", None),
        (vec![note(5, ended), note(9, reopened)], "snoozed", None),
        (vec![note(5, ended)], "open", None),
    ] {
        let mut row = sample();
        row.status = status.into();
        assert_eq!(row.record(&notes, true, &known(), None).unwrap().status.at, at, "{status}");
    }
}

/// Any JSON at all.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(
            &["open", "pending", "snoozed", "resolved", "User", "AgentBot", "user", "2026-03-02T09:15:04Z"][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The paths into a value.
fn paths(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(nth, value)| (nth.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        paths(value, &format!("{here}/{key}"), found);
    }
}

/// The documented conversation with a few of its values replaced.
fn twisted() -> impl Strategy<Value = Value> {
    let whole: Value = serde_json::from_str(SAMPLE).unwrap();
    let row = whole.pointer("/data/payload/0").unwrap().clone();
    let mut all = Vec::new();
    paths(&row, "", &mut all);
    prop::collection::vec((prop::sample::select(all), json()), 0..5).prop_map(move |changes| {
        let mut row = row.clone();
        for (path, value) in changes {
            if let Some(place) = row.pointer_mut(&path) {
                *place = value;
            }
        }
        row
    })
}

/// What is told of such answers; every instant and every id can be written and read again.
fn tell(rows: Vec<Value>, messages: Vec<Value>) -> Vec<Event> {
    let mut state = State::default();
    let messages: Vec<Message> = messages.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect();
    let look = at("2026-03-02T10:00:00Z");
    for row in rows.into_iter().filter_map(|row| serde_json::from_value::<Row>(row).ok()) {
        state.note(row.clone(), look, true);
        state.note(row.clone(), look, false);
        state.tell(&row, Thread { messages: messages.clone(), whole: true, is_long: false }, look);
        state.recount(&row, Thread { messages: messages.clone(), whole: true, is_long: false }, look);
        state.vanish(row.id, look);
    }
    state.prune();
    std::mem::take(&mut state.outbox)
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_tell_what_cannot_be_read(
        rows in prop::collection::vec(twisted(), 1..3), odd in json(),
        numbers in prop::collection::vec((0..9u64, 0..5u64, json()), 0..4),
    ) {
        let messages = numbers.into_iter().map(|(id, kind, odd)| {
            json!({"id": id, "message_type": kind, "created_at": 1_772_441_000 + id, "content": odd, "sender": odd,
                "content_attributes": odd})
        });
        let told = tell(rows.into_iter().chain([odd.clone()]).collect(), messages.chain([odd.clone()]).collect());
        for event in told {
            let line = serde_json::to_string(&event).unwrap();
            prop_assert!(crate::event::parse_line(line.as_bytes()).is_ok() || line.contains("\"\""), "{}", line);
        }
        for read in [serde_json::from_value::<Csat>(odd.clone()).is_ok(), serde_json::from_value::<List>(odd).is_ok()] {
            prop_assert!(!read, "arbitrary JSON is no answer");
        }
    }
}

#[test]
fn the_documented_conversation_is_told() {
    let list: Value = serde_json::from_str(SAMPLE).unwrap();
    let row = list.pointer("/data/payload/0").unwrap().clone();
    let message = row["last_non_activity_message"].clone();
    let told = tell(vec![row], vec![message]);
    let kinds: Vec<&str> = told.iter().map(|event| (&event.kind).into()).collect();
    // Told whole, twice: live and as history; then it is gone.
    assert_eq!(
        kinds,
        ["customer", "opened", "message", "assigned", "customer", "opened", "message", "assigned", "status"]
    );
    assert!(matches!(told.last().unwrap().kind, EventKind::Status { by: Some(StatusBy::System), .. }));
}

#[test]
fn a_chat_of_the_history_that_an_agent_opens_again_is_told_as_open() {
    let look = at("2026-03-02T10:00:00Z");
    let thread = |nth: u64| {
        let message = message(nth, 1, &json!({"created_at": look.millis() / 1000 - 10}));
        Thread { messages: vec![message], whole: false, is_long: false }
    };
    let mut state = State::default();
    let mut ended = sample();
    ended.status = "resolved".into();
    state.recount(&ended, thread(90_311), look);
    let told = std::mem::take(&mut state.outbox);
    assert!(
        told.iter()
            .any(|event| matches!(event.kind, EventKind::Status { status: Status::Closed | Status::Resolved, .. }))
    );
    state.tell(&sample(), thread(90_312), look);
    let opens = |event: &Event| matches!(event.kind, EventKind::Status { status: Status::Open, .. });
    assert!(state.outbox.iter().any(opens), "{:?}", state.outbox);
}
