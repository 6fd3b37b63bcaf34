//! Tickets whose own requests fail while those of others go well.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Message};
use helptop::source::Source as _;
use serde_json::json;

use super::vendor::Zammad;
use super::{small, source};
use crate::agree::Watch;
use crate::server::{Fault, Reply, Simulator};

fn fault() -> Fault {
    Fault::Answer(Reply::json(500, &json!({"error": "Error ID 1"})))
}

/// Tickets on which a customer writes now, as the stream and as the source calls them.
fn asked(simulator: &Simulator, count: usize) -> Vec<(ConversationId, String)> {
    let world = &mut simulator.inside().world;
    let chats: Vec<_> = world.open().take(count).map(|chat| (chat.id.clone(), chat.number.to_string())).collect();
    for (id, _) in &chats {
        world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    chats
}

/// Half minutes go by in which nothing happens but that the source polls, which always goes well.
async fn half_minutes(watch: &mut Watch<'_>, count: usize) {
    for _ in 0..count {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

fn of_history(number: &str) -> &'static str {
    format!("ticket_history/{number}").leak()
}

#[tokio::test]
async fn it_is_named_once_tried_less_and_less_often_and_found_by_a_start_anew() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut first, &simulator);
    watch.settle().await;
    let (_, number) = asked(&simulator, 1).remove(0);
    let path = of_history(&number);
    simulator.fault(path, fault());
    let told = watch.of(&number).len();
    simulator.asked();
    half_minutes(&mut watch, 40).await;
    let tries = simulator.asked().iter().filter(|line| line.contains(path)).count();
    assert_eq!((tries, watch.skipped), (5, 1), "in twenty minutes: {:?}", watch.reasons);
    assert!(watch.reasons[0].contains(path) && watch.reasons[0].contains("Error ID 1"), "{:?}", watch.reasons);
    assert_eq!(watch.of(&number).len(), told);

    let cursor = watch.cursor.clone();
    simulator.mend();
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    second.remember(&[number.as_str().into()]);
    let mut next = Watch::new(&mut second, &simulator);
    next.cursor = cursor;
    next.settle().await;
    let says = |watch: &Watch<'_>| watch.of(&number).iter().any(|event| event["type"] == "message");
    assert!(says(&next), "what was not told is told by the next start");

    half_minutes(&mut watch, 40).await;
    assert!(watch.of(&number).len() > told, "and here once it can be read");
}

#[tokio::test]
async fn where_none_can_be_read_the_poll_fails_and_all_is_told_at_once_when_it_is_over() {
    for count in [1, 2, 6] {
        let simulator = Simulator::start(small(), Zammad::default()).await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(&mut source, &simulator);
        watch.settle().await;
        let chats = asked(&simulator, count);
        let before: Vec<usize> = chats.iter().map(|(_, number)| watch.of(number).len()).collect();
        simulator.fault("ticket_history", fault());
        for _ in 0..5 {
            assert_eq!(watch.poll().await.unwrap_err().word(), "failing");
        }
        simulator.mend();
        watch.settle().await;
        for ((_, number), before) in chats.iter().zip(before) {
            assert!(watch.of(number).len() > before, "{number} of {count}");
        }
        assert_eq!(watch.skipped, 0);
    }
}

#[tokio::test]
async fn a_look_for_a_missing_ticket_that_fails_holds_up_nothing() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let numbers: Vec<u64> = simulator.inside().world.open().map(|chat| chat.number).collect();
    simulator.inside().world.delete(numbers[0]);
    let path: &'static str = format!("/tickets/{}", numbers[0]).leak();
    simulator.fault(path, fault());
    half_minutes(&mut watch, 30).await;
    assert!(simulator.asked().iter().any(|line| line.contains(path)), "it is missed");
    assert_eq!(watch.skipped, 1);
    simulator.mend();
    half_minutes(&mut watch, 60).await;
    assert_eq!(watch.of(&numbers[0].to_string()).pop().unwrap()["by"], "system");
}

#[tokio::test]
async fn a_page_of_a_proxy_ends_no_ticket() {
    let page = |status: u16| Reply::text(status, "text/html", "<html><h1>403 Forbidden</h1></html>");
    for (reply, ends) in [
        (page(403), false),
        (Reply::text(403, "text/plain", "Forbidden"), false),
        (Reply::json(403, &json!({"error": "Not authorized", "error_human": "Not authorized"})), true),
    ] {
        let simulator = Simulator::start(small(), Zammad::default()).await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(&mut source, &simulator);
        watch.settle().await;
        let (_, number) = asked(&simulator, 1).remove(0);
        simulator.fault(of_history(&number), Fault::Answer(reply));
        for _ in 0..3 {
            drop(watch.poll().await);
        }
        let last = watch.of(&number).pop().unwrap();
        assert_eq!(last["by"] == "system", ends, "{last}");
    }
}
