//! What is wrong with one contact alone, and what takes long: the others are told.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message, Status};
use helptop::source::callbell::Callbell;
use helptop::source::http::Limits;
use helptop::source::{Source, SourceError};
use rstest::rstest;
use serde_json::json;

use super::bad::small;
use super::{Account, number, source, spec, uuid};
use crate::agree::Watch;
use crate::server::{Fault, Simulator};

/// Open chats: as the world and as the vendor names them.
fn open(simulator: &Simulator) -> Vec<(ConversationId, String)> {
    simulator.inside().world.open().map(|chat| (chat.id.clone(), uuid(chat.number))).collect()
}

fn opened(watch: &Watch<'_>) -> Vec<String> {
    let of = |kind: &EventKind| match kind {
        EventKind::Opened(opened) => Some(opened.conversation.to_string()),
        _ => None,
    };
    watch.told.iter().filter_map(|event| of(&event.kind)).collect()
}

fn write(simulator: &Simulator, id: &ConversationId, words: &str) {
    let world = &mut simulator.inside().world;
    world.happen(Message { text: Some(words.into()), ..Message::public(id.clone(), Author::Customer, None) });
    world.stand_still(TimeDelta::seconds(1));
}

/// How often those words were told of a chat.
fn heard(watch: &Watch<'_>, id: &str, words: &str) -> usize {
    watch.of(id).iter().filter(|event| event["text"] == words).count()
}

async fn later(watch: &mut Watch<'_>, span: TimeDelta) {
    watch.simulator.inside().world.stand_still(span);
    watch.settle().await;
}

#[rstest]
#[case::failing(|| Fault::said(500, ""))]
#[case::refused(|| Fault::said(400, r#"{"error":"Bad Request"}"#))]
#[case::forbidden(|| Fault::said(403, r#"{"error":"Forbidden"}"#))]
#[case::too_large(|| Fault::said(413, ""))]
#[case::cut_off(|| Fault::Truncated)]
#[tokio::test]
async fn one_whose_messages_can_not_be_read_holds_up_no_other(#[case] fault: fn() -> Fault) {
    let simulator = small(Account::usual()).await;
    let all = open(&simulator);
    let (bad, good) = (all[0].clone(), all[1].clone());
    simulator.fault(format!("{}/messages", bad.1).leak(), fault());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    assert_eq!(opened(&watch).len(), all.len() - 1, "all others are told at the start");
    assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
    assert!(watch.reasons[0].starts_with(&format!("contact {}: ", bad.1)), "{:?}", watch.reasons);
    // It stands at the top of the list, and is left alone; whoever writes below it is heard.
    simulator.asked();
    for round in 0..20 {
        write(&simulator, &good.0, &format!("round {round}"));
        write(&simulator, &bad.0, "can't be read");
        later(&mut watch, TimeDelta::seconds(28)).await;
        assert_eq!(heard(&watch, &good.1, &format!("round {round}")), 1);
    }
    let tries = simulator.asked().iter().filter(|line| line.contains(&format!("{}/messages", bad.1))).count();
    assert!((3..=4).contains(&tries), "after one, two, four minutes: {tries}");
    assert_eq!(watch.skipped, 1, "told once");
    simulator.mend();
    later(&mut watch, TimeDelta::hours(1)).await;
    assert!(heard(&watch, &bad.1, "can't be read") > 0);
}

#[tokio::test]
async fn one_that_is_known_and_can_not_be_read_any_more_is_closed_all_the_same() {
    let simulator = small(Account::usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let (id, shown) = open(&simulator)[0].clone();
    simulator.fault(format!("{shown}/messages").leak(), Fault::said(500, ""));
    let status = EventKind::Status { conversation: id, status: Status::Closed, by: None, agent: None };
    simulator.inside().world.happen(status);
    later(&mut watch, TimeDelta::seconds(30)).await;
    assert_eq!(watch.of(&shown).last().unwrap()["status"], "closed");
}

#[tokio::test]
async fn where_no_messages_can_be_read_that_is_the_error_and_what_waits_is_told_when_they_can() {
    let simulator = small(Account::usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let some = open(&simulator);
    simulator.fault("/messages", Fault::said(500, ""));
    for count in [1, 2] {
        some.iter().take(count).for_each(|(id, _)| write(&simulator, id, "any news?"));
        assert!(matches!(watch.first_error().await, Some(SourceError::Transient { .. })), "{count} that wrote");
    }
    simulator.mend();
    later(&mut watch, TimeDelta::seconds(30)).await;
    assert_eq!((heard(&watch, &some[0].1, "any news?"), heard(&watch, &some[1].1, "any news?")), (2, 1));
    assert_eq!(watch.reasons, Vec::<String>::new());
}

#[rstest]
#[case::the_key(401, true)]
#[case::the_limit(429, true)]
#[case::it_alone(403, false)]
#[tokio::test]
async fn what_is_wrong_with_all_that_is_asked_is_an_error_and_no_trouble_of_a_contact(
    #[case] status: u16,
    #[case] is_general: bool,
) {
    let simulator = small(Account::usual()).await;
    let bad = open(&simulator)[0].1.clone();
    simulator.fault(format!("{bad}/messages").leak(), Fault::said(status, ""));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    assert_eq!(watch.first_error().await.is_some(), is_general);
    assert_eq!(watch.reasons.is_empty(), is_general);
}

#[rstest]
#[case::no_record(|| Fault::edited(|body| body["contact"][0] = json!({"uuid": 7, "closedAt": "soon"})), false)]
#[case::a_web_page(|| Fault::said(404, "<!DOCTYPE html><title>Not found</title>"), false)]
#[case::failing(|| Fault::said(500, ""), false)]
#[case::not_there_without_a_word(|| Fault::said(404, ""), true)]
#[case::not_there(|| Fault::said(404, r#"{"error":"Not Found"}"#), true)]
#[tokio::test]
async fn only_one_that_is_not_there_is_ended(#[case] fault: fn() -> Fault, #[case] is_ended: bool) {
    let simulator = small(Account::usual()).await;
    let it = open(&simulator)[0].1.clone();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    // The list does not show it any more, so that it is looked up.
    let hidden = it.clone();
    simulator.fault(
        "/contacts?",
        Fault::edited(move |body| {
            if let Some(rows) = body["contacts"].as_array_mut() {
                rows.retain(|row| row["uuid"] != *hidden);
            }
        }),
    );
    simulator.fault(format!("/contacts/{it}").leak(), fault());
    for _ in 0..6 {
        later(&mut watch, TimeDelta::minutes(1)).await;
    }
    let is_closed = watch.of(&it).iter().any(|event| event["status"] == "closed");
    assert_eq!((is_closed, watch.skipped), (is_ended, u64::from(!is_ended)), "{:?}", watch.reasons);
    if !is_ended {
        simulator.mend();
        later(&mut watch, TimeDelta::hours(1)).await;
        assert_ne!(watch.of(&it).last().unwrap()["status"], "closed", "nor later");
    }
}

#[tokio::test]
async fn one_whose_past_can_not_be_read_holds_up_no_other_and_is_given_up() {
    let simulator = small(Account::usual()).await;
    let span = TimeDelta::hours(9);
    let mut closed: Vec<(helptop::event::Timestamp, String)> = {
        let world = &simulator.inside().world;
        let ended = world.chats.iter().filter(|chat| chat.status.is_ended() && chat.status_at >= world.now - span);
        ended.map(|chat| (chat.status_at, uuid(chat.number))).collect()
    };
    closed.sort();
    let bad = closed.pop().unwrap().1;
    assert!(closed.len() > 5 && number(&bad).is_some());
    simulator.fault(format!("{bad}/messages").leak(), Fault::said(500, ""));
    let mut source = source(&simulator, &json!({}), span.to_std().unwrap());
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let told = opened(&watch);
    assert!(closed.iter().all(|(_, id)| told.contains(id)), "the last one that was closed is the first one to be read");
    assert_eq!((told.contains(&bad), watch.skipped), (false, 1));
    simulator.asked();
    let mut last = None;
    for _ in 0..90 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        last = Some(watch.settle().await.1);
    }
    let tries = simulator.asked().iter().filter(|line| line.contains(&bad)).count();
    assert_eq!((tries, last.unwrap().progress), (5, None), "six tries, and it is over");
}

#[tokio::test]
async fn a_poll_that_has_read_for_long_enough_tells_what_it_has() {
    let simulator = small(Account { messages: 2, ..Account::usual() }).await;
    // All is asked at one instant here.
    simulator.inside().limiter = None;
    let count = open(&simulator).len();
    let spec = spec(&simulator.base, &json!({}), Duration::from_hours(9));
    let mut source = Callbell::new(&spec, Limits::default()).unwrap().reading_for(Duration::ZERO);
    let mut watch = Watch::new(&mut source as &mut dyn Source, &simulator);
    let mut told = Vec::new();
    loop {
        let before = opened(&watch).len();
        let batch = watch.poll().await.unwrap();
        told.push(opened(&watch).len() - before);
        assert!(batch.more || !batch.partial);
        if !batch.more {
            break;
        }
    }
    assert!(told.iter().all(|count| *count <= 1), "a thread a poll: {told:?}");
    assert!(told.iter().sum::<usize>() > count, "all that is open, and the past");
}

#[tokio::test]
async fn where_too_many_moved_for_one_poll_all_is_read_anew_in_parts() {
    let simulator = small(Account::usual()).await;
    simulator.inside().limiter = None;
    let spec = spec(&simulator.base, &json!({}), Duration::ZERO);
    let mut source = Callbell::new(&spec, Limits::default()).unwrap().reading_for(Duration::ZERO);
    let mut watch = Watch::new(&mut source as &mut dyn Source, &simulator);
    watch.settle().await;
    // Some pages of them write while nobody asks.
    let some: Vec<_> = {
        let chats = &simulator.inside().world.chats;
        chats.iter().take(70).map(|chat| (chat.id.clone(), uuid(chat.number))).collect()
    };
    assert!(some.len() > 60, "{}", some.len());
    for (id, _) in &some {
        write(&simulator, id, "any news?");
    }
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    simulator.asked();
    let mut lists = Vec::new();
    while watch.poll().await.unwrap().more {
        lists.push(simulator.asked().iter().filter(|line| line.contains("/contacts?")).count());
    }
    assert!(lists.iter().all(|pages| *pages <= 2), "pages of the list a poll: {lists:?}");
    assert!(some.iter().all(|(_, id)| heard(&watch, id, "any news?") == 1), "and each is told");
}
