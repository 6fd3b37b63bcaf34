//! The vendor's own examples, who wrote what, and answers of any shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fuzz::any_json;
use super::map::{Credit, Given, Held, Names, Thread, agent};
use super::state::{State, Waiting, Why};
use super::wire::{Closed, Contact, Contacts, Me, Member, Members, Message, Messages, Team};
use crate::event::{AgentId, Author, Timestamp};
use crate::source::skips;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-06-01T{text}Z")).unwrap()
}

fn names() -> Names {
    let people = [("Lia Prado", "lia@shop.example"), ("Rui", "rui@shop.example"), ("Ana", "a@x"), ("Ana", "b@x")];
    Names::of(people.into_iter().map(|(name, email)| (name, agent(email))))
}

fn contact(more: &Value) -> Contact {
    let mut all = json!({"uuid": "c1", "createdAt": "2026-06-01T10:00:00Z", "closedAt": null});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    skips::read(all).unwrap()
}

fn thread(whole: bool, messages: &[(&str, &str, &str)]) -> Thread {
    let read = |(time, status, text): &(&str, &str, &str)| {
        skips::read(json!({"text": text, "status": status, "createdAt": at(time)})).unwrap()
    };
    Thread { messages: messages.iter().map(read).collect(), whole }
}

/// Who said what, by the record: `c`, `bot`, or an agent.
fn said(contact: &Contact, thread: &Thread, held: Option<&Held>, unassigned_answers: bool) -> Vec<String> {
    let names = names();
    let credit = Credit { names: &names, unassigned_answers };
    let record = contact.record(thread, held, at("12:00:00"), credit);
    let who = record.messages.into_iter().map(|said| match (said.from, said.agent) {
        (Author::Customer, None) => "c".to_owned(),
        (Author::Bot, None) => "bot".to_owned(),
        (Author::Agent, Some(agent)) => agent.as_str().to_owned(),
        other => panic!("{other:?}"),
    });
    who.collect()
}

#[test]
fn the_contact_that_the_vendor_shows_is_read() {
    let page: Contacts = serde_json::from_value(json!({"contacts": [
        {"uuid": "9b1f0c2d7a3e4f5566778899aabbccdd", "name": "Ines Duarte", "phoneNumber": "+351 912 000 111",
         "avatarUrl": null, "createdAt": "2026-05-02T09:14:03Z", "blockedAt": null, "closedAt": null, "source": "facebook",
         "assignedUser": "Lia@shop.example",
         "team": {"uuid": "11aa", "name": "Support", "createdAt": "2024-01-10T08:00:00Z", "default": false, "members": 4},
         "channel": {"uuid": "aa00", "title": "Main number", "type": "whatsapp", "main": true}, "funnelId": null,
         "tags": ["refund"], "customFields": {"CSAT": "Promoter"}, "href": "https://dash.callbell.eu/contacts/9b1f",
         "conversationHref": "https://dash.callbell.eu/chat/0f1e"}],
        "meta": {"page": 1, "pages": 37, "next": "opaque-token"}}))
    .unwrap();
    assert_eq!((page.meta.pages, page.meta.next.as_deref()), (Some(37), Some("opaque-token")));
    let contact: Contact = skips::read(page.contacts[0].clone()).unwrap();
    assert_eq!((contact.closed_at, contact.blocked_at), (Closed::Never, false));
    let names = names();
    let credit = Credit { names: &names, unassigned_answers: false };
    let record = contact.record(&Thread::default(), None, at("12:00:00"), credit);
    assert_eq!(record.opened_at.to_string(), "2026-05-02T09:14:03Z");
    assert_eq!(record.holder.unwrap().value, Some(AgentId::new("lia@shop.example")));
    assert_eq!(record.team.unwrap().value.unwrap().as_str(), "11aa");
    assert_eq!(record.tags, Some(vec!["refund".to_owned()]));
    assert_eq!(record.opened.channel.as_deref(), Some("messenger"));
    assert_eq!(record.opened.url.as_deref(), Some("https://dash.callbell.eu/chat/0f1e"));
}

#[test]
fn the_messages_members_teams_and_key_that_the_vendor_shows_are_read() {
    let Messages { messages } = serde_json::from_value(json!({"messages": [
        {"uuid": "c0ff", "text": "Any news on my parcel?", "status": "received", "channel": "whatsapp",
         "from": "351912000111", "to": "351210000222", "createdAt": "2026-06-01T10:42:10Z"},
        {"text": "Conversation was assigned to Lia Prado", "status": "note", "channel": "whatsapp", "from": "351912000111",
         "to": "351912000111", "createdAt": "2026-06-01T10:31:00Z"},
        {"uuid": "beef", "text": "Hi, one moment", "status": "sent", "channel": "whatsapp", "from": "351210000222",
         "to": "351912000111", "createdAt": "2026-06-01T10:30:40Z"}]}))
    .unwrap();
    let messages: Vec<Message> = messages.into_iter().map(|one| skips::read(one).unwrap()).collect();
    assert_eq!(messages[1].assigned(&names()), Some(Given::To(AgentId::new("lia@shop.example"))));
    assert!(messages[0].is_received() && messages[2].is_sent());
    assert_eq!(messages[0].created_at, at("10:42:10"));

    let Members { users, meta } = serde_json::from_value(json!({"users": [
        {"email": "lia@shop.example", "name": "Lia Prado", "available": true, "lastUpdatedAt": "2026-06-01T08:58:12Z",
         "userCustomStatus": {"id": "3f0c", "name": "Lunch", "emoji": "🍙", "updatedAt": "2026-06-01T12:00:04Z"}}],
        "meta": {"page": 1, "pages": 1}}))
    .unwrap();
    let member: Member = skips::read(users[0].clone()).unwrap();
    assert_eq!((member.is_available(), member.custom_status(), meta.pages), (Some(true), Some("Lunch"), Some(1)));
    assert_eq!(member.last_updated_at, Some(at("08:58:12")));
    let as_in_its_webhook: Member =
        skips::read(json!({"email": "x@y", "lastUpdateAt": "2022-10-18T12:06:29.000+02:00"})).unwrap();
    for (said, expected) in [(json!(false), Some(false)), (json!(null), None), (json!("true"), None), (json!(1), None)]
    {
        let member: Member = skips::read(json!({"email": "x@y", "available": said})).unwrap();
        assert_eq!(member.is_available(), expected, "{said}");
    }
    assert_eq!(as_in_its_webhook.is_available(), None, "it does not say");
    assert_eq!(as_in_its_webhook.last_updated_at.unwrap().to_string(), "2022-10-18T10:06:29Z");

    let team: Team = skips::read(json!({"uuid": 11, "name": "Support", "default": true, "members": 4})).unwrap();
    assert_eq!(team.uuid, "11", "ids as numbers");
    let me: Me =
        serde_json::from_value(json!({"status": "ok", "user_email": "o@x", "user_name": "Ops", "api_key": "k"}))
            .unwrap();
    assert_eq!((me.user_name.as_deref(), me.user_email.as_deref()), (Some("Ops"), Some("o@x")));
}

#[test]
fn a_list_without_the_closing_is_not_a_list_of_open_chats() {
    let untold: Contact = skips::read(json!({"uuid": "c1"})).unwrap();
    assert_eq!(untold.closed_at, Closed::Untold);
    let mut state = State::default();
    assert!(!state.note(untold.clone(), at("12:00:00"), Why::Fill));
    assert!(state.waiting.is_empty() && state.lookups.contains_key("c1"), "it has to be looked up");
    assert!(state.take(untold, at("12:00:00"), Why::Fill), "one that is looked up and says nothing is open");
    assert!(matches!(state.waiting["c1"], Waiting { first: None, .. }));
}

#[test]
fn what_is_sent_is_credited_to_the_assignee_by_the_notes_of_the_desk() {
    let all = [
        ("10:00:00", "received", "hello?"),
        ("10:00:01", "sent", "I am a bot"),
        ("10:05:00", "note", "Conversation was assigned to Rui"),
        ("10:06:00", "sent", "hi"),
        ("10:06:30", "note", "customer is angry"),
        ("10:07:00", "note", "Conversation was assigned to Lia Prado."),
        ("10:07:00", "sent", "hi again"),
        ("10:08:00", "note", "Conversation was assigned to Ana"),
        ("10:09:00", "sent", "somebody with a name that two have"),
        ("10:10:00", "reaction", "+1"),
    ];
    let lia = contact(&json!({"assignedUser": "lia@shop.example"}));
    let whole = ["c", "bot", "rui@shop.example", "lia@shop.example", "lia@shop.example"];
    assert_eq!(said(&lia, &thread(true, &all), None, false), whole);
    // What came before the first note that was read may have been anybody's: it is taken to be an answer.
    assert_eq!(said(&lia, &thread(false, &all), None, false)[1], "lia@shop.example");
    let assigned_at = |upto| {
        let names = names();
        let credit = Credit { names: &names, unassigned_answers: false };
        lia.record(&thread(true, &all[..upto]), None, at("12:00:00"), credit).holder.unwrap().at
    };
    assert_eq!((assigned_at(6), assigned_at(4)), (Some(at("10:07:00")), None), "the last note is of another");
}

#[test]
fn without_notes_who_held_it_when_it_was_looked_at_counts() {
    let (lia, nobody) =
        (contact(&json!({"assignedUser": "lia@shop.example"})), contact(&json!({"assignedUser": null})));
    let all = thread(true, &[("10:00:00", "received", "hello?"), ("10:10:00", "sent", "hi")]);
    let held = |by: Option<&str>, time| Held { by: by.map(agent), at: at(time) };
    for (contact, held, answers, expected) in [
        (&lia, None, false, "lia@shop.example"),
        (&nobody, None, false, "bot"),
        (&nobody, None, true, "unassigned"),
        (&lia, Some(held(None, "10:05:00")), false, "bot"),
        (&lia, Some(held(Some("rui@shop.example"), "10:05:00")), false, "rui@shop.example"),
        (&lia, Some(held(Some("rui@shop.example"), "10:15:00")), false, "rui@shop.example"),
        (&nobody, Some(held(Some("rui@shop.example"), "10:05:00")), false, "rui@shop.example"),
    ] {
        assert_eq!(said(contact, &all, held.as_ref(), answers)[1], expected, "{held:?}");
    }
}

#[test]
fn what_is_later_than_the_look_is_left_for_the_next_one() {
    let mut state = State::default();
    let all = thread(true, &[("10:00:00", "received", "hello?"), ("10:00:09", "sent", "hi")]);
    let messages = |state: &mut State| {
        let told: Vec<_> = state.outbox.drain(..).map(|event| serde_json::to_value(event).unwrap()).collect();
        told.iter().filter(|event| event["type"] == "message").map(|event| event["from"].clone()).collect::<Vec<_>>()
    };
    // Nobody held it at the look; whoever sends later is known by the next one.
    state.tell(&contact(&json!({})), all.clone(), at("10:00:05"));
    assert_eq!(messages(&mut state), ["customer"]);
    assert!(state.has_news(&contact(&json!({})), &all.messages));
    state.tell(&contact(&json!({"assignedUser": "lia@shop.example"})), all, at("10:00:20"));
    assert_eq!(messages(&mut state), ["bot"], "without a note, who held it at the look before");
}

#[test]
fn whoever_comes_back_waits_since_that_and_not_since_before_the_closing_that_was_seen() {
    let closed_at = "2026-06-01T10:30:00Z";
    let mut state = State::default();
    assert!(!state.note(contact(&json!({"closedAt": closed_at})), at("11:00:00"), Why::Fill));
    let all =
        [("10:00:00", "sent", "here you are"), ("10:01:00", "received", "thanks!"), ("11:59:00", "received", "hi")];
    let back = contact(&json!({"assignedUser": "lia@shop.example"}));
    state.tell(&back, thread(true, &all), at("12:00:00"));
    let told = |state: &mut State| {
        let told = state.outbox.drain(..).map(|event| serde_json::to_value(event).unwrap());
        let word = |event: &Value| event["text"].as_str().or(event["status"].as_str()).map(str::to_owned);
        told.filter_map(|event| Some(format!("{} {}", &event["at"].as_str()?[11..19], word(&event)?)))
            .collect::<Vec<_>>()
    };
    let expected = ["10:00:00 here you are", "10:01:00 thanks!", "10:30:00 resolved", "11:59:00 hi", "12:00:00 open"];
    assert_eq!(told(&mut state), expected);
    state.tell(&back, thread(true, &all), at("12:01:00"));
    assert_eq!(told(&mut state), Vec::<String>::new(), "the closing is told once");
    // Closed again: by that closing, and no other is told.
    state.tell(&contact(&json!({"closedAt": "2026-06-01T12:05:00Z"})), thread(true, &all), at("12:06:00"));
    assert_eq!(told(&mut state), ["12:05:00 closed"]);
}

#[test]
fn what_a_walk_told_first_does_not_hide_what_moved_below_it() {
    let mut state = State::default();
    state.heard_at = at("10:00:00");
    let hello = thread(true, &[("09:00:00", "received", "hello?")]);
    let news = |state: &State, contact: &Contact| state.has_news(contact, &hello.messages);
    let read = |state: &mut State, contact: &Contact, time: &str, why: Why| {
        state.note(contact.clone(), at(time), why);
        state.tell(contact, hello.clone(), at(time));
    };
    read(&mut state, &contact(&json!({})), "10:00:00", Why::Fill);
    assert!(!news(&state, &contact(&json!({}))));
    // It was closed and seen by a walk after the top of the list was read.
    let closed = contact(&json!({"closedAt": "2026-06-01T10:00:05Z"}));
    assert!(news(&state, &closed));
    read(&mut state, &closed, "10:00:10", Why::Walk);
    assert!(news(&state, &closed), "as seen from the top of the list it has moved");
    state.heard_at = at("10:00:20");
    assert!(!news(&state, &closed));
    // It is read a moment after the list, and says what it said before.
    read(&mut state, &closed, "10:00:21", Why::Moved);
    assert!(!news(&state, &closed), "else it would be read again and again");
}

#[test]
fn what_an_earlier_run_told_is_not_told_again_as_somebody_elses() {
    let all = [("10:00:00", "received", "help!"), ("10:00:05", "sent", "Bem-vindo!"), ("11:30:00", "received", "hi?")];
    let held = contact(&json!({"assignedUser": "lia@shop.example"}));
    for (could_be_read, expected) in [(true, "hi?"), (false, "help! Bem-vindo! hi?")] {
        let mut state = State::default();
        state.recalled_to = Some(at("11:00:00"));
        state.recalled.insert(super::map::conversation("c1"));
        if !could_be_read {
            state.left.insert("c1".into());
        }
        state.tell(&held, thread(true, &all), at("12:00:00"));
        let told = state.outbox.drain(..).map(|event| serde_json::to_value(event).unwrap());
        let texts: Vec<String> = told.filter_map(|event| event["text"].as_str().map(str::to_owned)).collect();
        assert_eq!(texts.join(" "), expected);
    }
}

proptest! {
    #[test]
    fn answers_of_any_shape_are_read_or_skipped(values in prop::collection::vec(any_json(), 1..6)) {
        let (mut state, names) = (State::default(), names());
        let messages: Vec<Message> = values.iter().filter_map(|value| skips::read(value.clone()).ok()).collect();
        for (nth, value) in values.iter().enumerate() {
            let look = Timestamp::from_millis(1_795_338_843_000 + nth as i64);
            drop((skips::read::<Member>(value.clone()), skips::read::<Team>(value.clone()), skips::read::<Me>(value.clone())));
            drop((skips::read::<Contacts>(value.clone()), skips::read::<Members>(value.clone())));
            let Ok(contact) = skips::read::<Contact>(value.clone()) else { continue };
            for why in [Why::Fill, Why::Moved, Why::Walk] {
                state.note(contact.clone(), look, why);
                state.take(contact.clone(), look, why);
            }
            let credit = Credit { names: &names, unassigned_answers: nth % 2 == 0 };
            let thread = Thread { messages: messages.clone(), whole: nth % 3 == 0 };
            contact.record(&thread, None, look, credit);
            state.recount(&contact, &thread, look);
            state.tell(&contact, thread, look);
            prop_assert!(state.differ.knows(&super::map::conversation(&contact.uuid)));
        }
    }
}
