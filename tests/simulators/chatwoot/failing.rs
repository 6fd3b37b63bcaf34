//! Requests about one conversation that fail, or that something between answers: the rest of the desk goes on.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Message};
use serde_json::{Value, json};

use super::day::terms;
use super::{Installation, simulator, source};
use crate::agree::{SMALL, Watch, agree_now, params, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

/// A desk on which some customers wrote a moment ago: their ids, and the numbers of their chats.
async fn asked(count: usize) -> (Simulator, Vec<(ConversationId, u64)>) {
    let simulator = simulator(params(), Installation::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    let some: Vec<_> = simulator.inside().world.open().take(count).map(|chat| (chat.id.clone(), chat.number)).collect();
    for (id, _) in &some {
        write(&simulator, id);
    }
    (simulator, some)
}

fn write(simulator: &Simulator, id: &ConversationId) {
    simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
}

fn messages_of(number: u64) -> &'static str {
    format!("conversations/{number}/messages").leak()
}

fn broken() -> Fault {
    Fault::Answer(Reply::json(500, &json!({"status": 500, "error": "Internal Server Error"})))
}

/// A page of a proxy in front of the server.
fn page(status: u16) -> Fault {
    Fault::Answer(Reply::text(status, "text/html", "<html>default backend - 404</html>"))
}

fn agrees(watch: &Watch<'_>, stream: &[helptop::event::Event]) {
    let world = &watch.simulator.inside().world;
    agree_now(&watch.told, stream, world, &watch.source.capabilities(), &terms());
}

/// Whether it is active by what was told.
fn is_told(watch: &Watch<'_>, number: u64) -> bool {
    active(&watch.told).contains(&ConversationId::new(number.to_string()))
}

/// Polls as long as there is more; how often it asked for that.
async fn asked_of(watch: &mut Watch<'_>, path: &str) -> usize {
    watch.simulator.asked();
    watch.settle().await;
    watch.simulator.asked().iter().filter(|line| line.contains(path)).count()
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_is_named_and_holds_up_no_other() {
    for fault in [broken, || page(404), || page(403), || Fault::Truncated, || Fault::said(200, r#"{"payload": 7}"#)] {
        let (simulator, some) = asked(5).await;
        let mut stream = simulator.inside().world.take_stream();
        let (bad, path) = (some[1].1, messages_of(some[1].1));
        simulator.fault(path, fault());
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        assert_eq!(asked_of(&mut watch, path).await, 1, "it is left alone");
        assert!(watch.reasons[0].starts_with(&format!("conversation {bad}: ")), "{:?}", watch.reasons);
        assert_eq!(watch.skipped, 1);
        let told: Vec<bool> = some.iter().map(|(_, number)| is_told(&watch, *number)).collect();
        assert_eq!(told, [true, false, true, true, true], "left out as long as it is not known who waits");
        // Each pause is longer than the one before.
        let mut tried = Vec::new();
        for minute in 1..=16 {
            simulator.inside().world.stand_still(TimeDelta::minutes(1));
            if asked_of(&mut watch, path).await > 0 {
                tried.push(minute);
            }
        }
        assert_eq!(tried, [1, 3, 7, 15]);
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::minutes(16));
        watch.settle().await;
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn where_nothing_can_be_read_the_poll_fails_and_nothing_is_left_alone() {
    for fault in [broken, || page(404), || Fault::Truncated, || Fault::Answer(Reply::maintenance())] {
        let (simulator, _) = asked(5).await;
        let stream = simulator.inside().world.take_stream();
        simulator.fault("/messages", fault());
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        for _ in 0..3 {
            assert!(watch.first_error().await.is_some());
        }
        simulator.mend();
        watch.settle().await;
        assert_eq!(watch.skipped, 0);
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn where_there_is_no_other_a_few_that_cannot_be_read_hold_up_no_start() {
    for count in 1..=3 {
        let (simulator, some) = asked(count).await;
        let only: Vec<u64> = some.iter().map(|(_, number)| *number).collect();
        let few = move |body: &mut Value| {
            let Some(rows) = body.pointer_mut("/data/payload").and_then(Value::as_array_mut) else { return };
            rows.retain(|row| only.iter().any(|number| row["id"] == *number));
            body["data"]["meta"]["all_count"] = body["data"]["payload"].as_array().unwrap().len().into();
        };
        simulator.fault("/conversations?", Fault::edited(few));
        simulator.fault("/messages", broken());
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        if count == 3 {
            assert!(watch.first_error().await.is_some(), "so many are no fault of theirs");
            continue;
        }
        watch.settle().await;
        assert_eq!((watch.skipped, watch.reasons[0].starts_with("conversation ")), (count as u64, true));
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
        assert!(some.iter().all(|(_, number)| is_told(&watch, *number)));
    }
}

#[tokio::test]
async fn a_refusal_of_one_is_one_of_all() {
    let refused = |status, body: Value| Fault::Answer(Reply::json(status, &body));
    for (fault, word) in [
        (refused(401, json!({"error": "Invalid Access Token"})), "auth"),
        (Fault::Answer(Reply::text(429, "text/plain", "Retry later\n")), "throttled"),
    ] {
        let (simulator, some) = asked(5).await;
        simulator.fault(messages_of(some[1].1), fault);
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        assert_eq!(watch.first_error().await.map(|error| error.word()), Some(word));
    }
}

#[tokio::test]
async fn what_alone_has_changed_and_cannot_be_read_fails_no_poll() {
    let (simulator, some) = asked(2).await;
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    for (id, number) in &some {
        write(&simulator, id);
        simulator.fault(messages_of(*number), broken());
    }
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    watch.settle().await;
    assert_eq!(watch.skipped, 2, "{:?}", watch.reasons);
    // Neither do those that are tried again, nor what is counted and walked through meanwhile.
    for _ in 0..20 {
        simulator.inside().world.stand_still(TimeDelta::minutes(4));
        watch.settle().await;
    }
    simulator.mend();
    simulator.inside().world.stand_still(TimeDelta::minutes(59));
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream);
}

#[tokio::test]
async fn a_conversation_that_cannot_be_looked_up_is_not_ended_and_holds_up_no_other() {
    for fault in [broken, || page(404), || Fault::said(200, r#"{"id": "x"}"#)] {
        let (simulator, some) = asked(3).await;
        let stream = simulator.inside().world.take_stream();
        let mut first = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(first.as_mut(), &simulator);
        watch.settle().await;
        let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        // At the next start two of those that were active are in no list, and are looked up.
        let hidden: Vec<u64> = some[..2].iter().map(|(_, number)| *number).collect();
        let hide = hidden.clone();
        let without = move |body: &mut Value| {
            let Some(rows) = body.pointer_mut("/data/payload").and_then(Value::as_array_mut) else { return };
            rows.retain(|row| !hide.iter().any(|number| row["id"] == *number));
        };
        simulator.fault("/conversations?", Fault::edited(without));
        simulator.fault(format!("conversations/{}", hidden[0]).leak(), fault());
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        second.remember(&active(&told));
        let mut watch = Watch::new(second.as_mut(), &simulator);
        (watch.told, watch.cursor) = (told, cursor);
        watch.settle().await;
        assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
        assert!(hidden.iter().all(|number| is_told(&watch, *number)));
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::minutes(2));
        watch.settle().await;
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn history_goes_on_beside_what_cannot_be_read_and_tells_it_later_and_behind_a_stop() {
    for is_restarted in [false, true] {
        let simulator = simulator(SMALL, Installation::usual()).await;
        simulator.advance(start() + TimeDelta::hours(20));
        let ended = {
            let world = &simulator.inside().world;
            let chat = world.chats.iter().rev().find(|chat| chat.status.is_ended() && chat.messages.len() > 1).unwrap();
            (chat.number, chat.messages.len())
        };
        simulator.fault(messages_of(ended.0), broken());
        let mut first = source(&simulator, &json!({}), Duration::from_hours(12));
        let mut watch = Watch::new(first.as_mut(), &simulator);
        let (_, last) = watch.settle().await;
        assert!(last.progress.is_none(), "it is read to its end: {:?}", last.progress);
        assert!(watch.of(&ended.0.to_string()).is_empty());
        let mut second = source(&simulator, &json!({}), Duration::from_hours(12));
        second.remember(&active(&watch.told));
        let mut after = Watch::new(second.as_mut(), &simulator);
        after.cursor = watch.cursor.clone();
        let watch = if is_restarted { &mut after } else { &mut watch };
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
        let said = watch.of(&ended.0.to_string()).iter().filter(|event| event["type"] == "message").count();
        assert_eq!(said, ended.1, "{is_restarted}");
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_ends_no_conversation_and_hides_no_wait() {
    let (simulator, some) = asked(3).await;
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    write(&simulator, &some[0].0);
    simulator.fault(messages_of(some[0].1), page(404));
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    watch.settle().await;
    let closed =
        |watch: &Watch<'_>, number: u64| watch.of(&number.to_string()).iter().any(|event| event["status"] == "closed");
    assert!(!closed(&watch, some[0].1));
    stream.extend(simulator.inside().world.take_stream());
    agrees(&watch, &stream);

    // What the server itself said to be gone was ended; where it is there again, its customer waits again.
    simulator.mend();
    simulator.fault(messages_of(some[1].1), Fault::said(404, r#"{"error":"Resource could not be found"}"#));
    write(&simulator, &some[1].0);
    simulator.inside().world.stand_still(TimeDelta::minutes(2));
    watch.settle().await;
    assert!(closed(&watch, some[1].1));
    simulator.mend();
    write(&simulator, &some[2].0);
    simulator.inside().world.stand_still(TimeDelta::minutes(12));
    watch.settle().await;
    let back = watch.of(&some[1].1.to_string());
    let [.., status, message] = back.as_slice() else { panic!("{back:?}") };
    assert!(is_told(&watch, some[1].1) && status["type"] == "status", "{back:?}");
    assert_eq!(message["from"], "customer", "{back:?}");
}
