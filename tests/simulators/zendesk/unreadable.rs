//! Tickets whose own requests fail while those of others go well, and an API that is slow.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Message};
use helptop::source::Source;
use helptop::source::demo::Params;
use serde_json::json;
use tokio::sync::Barrier;

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

/// A small desk some hours into its day, whose tickets are all read one by one.
async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Vendors::new(Role::Agent).0).await;
    one_by_one(&simulator);
    simulator
}

fn one_by_one(simulator: &Simulator) {
    let without = |body: &mut serde_json::Value| drop(body.as_object_mut().unwrap().remove("last_audits"));
    simulator.fault("/show_many", Fault::edited(without));
}

fn fault() -> Fault {
    Fault::Answer(Reply::json(500, &json!({"error": "InternalError"})))
}

fn new(simulator: &Simulator) -> impl Source {
    source(&simulator.base, &json!({}), TimeDelta::zero())
}

/// The numbers of active tickets, by what was told and in truth.
fn told(watch: &Watch<'_>) -> Vec<String> {
    let mut told: Vec<String> = active(&watch.told).iter().map(|id| id.as_str().to_owned()).collect();
    told.sort();
    told
}

fn truth(simulator: &Simulator) -> Vec<String> {
    let mut truth: Vec<String> = simulator.inside().world.open().map(|chat| chat.number.to_string()).collect();
    truth.sort();
    truth
}

/// The tickets that a start reads one by one, in its order.
async fn read_by_a_start(simulator: &Simulator) -> Vec<String> {
    let mut source = new(simulator);
    Watch::new(&mut source, simulator).settle().await;
    let numbers: Vec<String> =
        simulator.asked().iter().filter(|line| line.contains("/audits")).map(|line| number(line)).collect();
    assert!(numbers.len() > 6, "{numbers:?}");
    numbers
}

/// The ticket of a request for its updates.
fn number(line: &str) -> String {
    line.split('/').nth(4).unwrap().to_owned()
}

fn of_audits(number: &str) -> &'static str {
    format!("/tickets/{number}/audits").leak()
}

#[tokio::test]
async fn a_start_tells_all_but_the_ticket_that_cannot_be_read_and_ends() {
    let simulator = desk().await;
    let bad = read_by_a_start(&simulator).await.remove(0);
    simulator.fault(of_audits(&bad), fault());
    let mut first = new(&simulator);
    let mut watch = Watch::new(&mut first, &simulator);
    let mut is_over = false;
    for _ in 0..20 {
        is_over = watch.poll().await.is_ok_and(|batch| !batch.partial && !batch.more);
        if is_over {
            break;
        }
    }
    let others: Vec<String> = truth(&simulator).into_iter().filter(|number| *number != bad).collect();
    assert!(is_over, "the start ends");
    assert_eq!((told(&watch), watch.skipped), (others.clone(), 1), "{:?}", watch.reasons);

    let cursor = watch.cursor.clone();
    let remembered: Vec<ConversationId> = others.iter().map(|number| ConversationId::new(number.as_str())).collect();
    simulator.mend();
    let mut second = new(&simulator);
    second.remember(&remembered);
    let mut next = Watch::new(&mut second, &simulator);
    (next.told, next.cursor) = (watch.told.clone(), cursor);
    next.settle().await;
    assert_eq!(told(&next), truth(&simulator), "a start anew finds it");

    simulator.inside().world.stand_still(TimeDelta::seconds(61));
    watch.settle().await;
    assert_eq!(told(&watch), truth(&simulator), "and this one when it can be read");
}

#[tokio::test]
async fn an_answer_of_a_few_records_none_of_which_can_be_read_holds_up_nothing() {
    let (mut vendor, _) = Vendors::new(Role::Agent);
    vendor.page = 7;
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, vendor).await;
    let mut first = new(&simulator);
    Watch::new(&mut first, &simulator).settle().await;
    let named = |line: &String| -> Option<Vec<u64>> {
        let ids = line.split("ids=").nth(1)?.split('&').next()?.replace("%2C", ",");
        Some(ids.split(',').map(|id| id.parse().unwrap()).collect())
    };
    let asked = simulator.asked();
    let bad = asked.iter().filter(|line| line.contains("/tickets/show_many")).find_map(named).unwrap();
    assert!((2..=7).contains(&bad.len()), "{bad:?}");
    for list in ["/show_many", "/tickets?"] {
        let bad = bad.clone();
        let edit = move |row: &mut serde_json::Value| {
            if bad.iter().any(|id| row["id"] == *id) {
                row["updated_at"] = serde_json::Value::Null;
            }
        };
        simulator.fault(list, Fault::rows("/tickets", edit));
    }
    let mut second = new(&simulator);
    let mut watch = Watch::new(&mut second, &simulator);
    watch.settle().await;
    let others: Vec<String> =
        truth(&simulator).into_iter().filter(|number| !bad.contains(&number.parse().unwrap())).collect();
    assert_eq!(told(&watch), others, "{:?}", watch.reasons);
    for id in bad {
        let is_named = |reason: &String| reason.contains("/show_many") && reason.contains(&format!("id {id}:"));
        assert!(watch.reasons.iter().any(is_named), "{id}: {:?}", watch.reasons);
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_read_holds_up_no_other_and_is_not_lost_by_a_stop() {
    let simulator = desk().await;
    let mut first = new(&simulator);
    let mut watch = Watch::new(&mut first, &simulator);
    watch.later(60).await;
    let chats: Vec<_> =
        simulator.inside().world.open().take(2).map(|chat| (chat.id.clone(), chat.number.to_string())).collect();
    simulator.fault(of_audits(&chats[0].1), fault());
    for (id, _) in &chats {
        simulator.inside().world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    let before: Vec<usize> = chats.iter().map(|(_, number)| watch.of(number).len()).collect();
    for _ in 0..3 {
        drop(watch.poll().await);
    }
    let now_told: Vec<usize> = chats.iter().map(|(_, number)| watch.of(number).len()).collect();
    assert!(now_told[1] > before[1] && now_told[0] == before[0], "{before:?} {now_told:?}");

    let remembered = active(&watch.told);
    simulator.mend();
    let mut second = new(&simulator);
    second.remember(&remembered);
    let mut next = Watch::new(&mut second, &simulator);
    (next.told, next.cursor) = (watch.told.clone(), watch.cursor.clone());
    next.settle().await;
    assert!(next.of(&chats[0].1).len() > before[0], "a start anew finds it");
}

#[tokio::test]
async fn where_none_can_be_read_the_poll_fails() {
    let simulator = desk().await;
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.fault("/audits", fault());
    let mut failures = 0;
    for _ in 0..12 {
        failures += usize::from(watch.poll().await.is_err());
    }
    assert!(failures >= 8, "{failures}");
    simulator.mend();
    watch.settle().await;
    assert_eq!((told(&watch), watch.skipped), (truth(&simulator), 0));
}

#[tokio::test]
async fn what_was_read_before_a_poll_was_given_up_is_not_read_again() {
    let simulator = desk().await;
    let order = read_by_a_start(&simulator).await;
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    let barrier = Arc::new(Barrier::new(2));
    simulator.fault(of_audits(&order[4]), Fault::Together(Arc::clone(&barrier)));
    tokio::select! {
        () = async { while watch.poll().await.unwrap().more {} } => panic!("it has not waited"),
        _ = barrier.wait() => {}
    }
    simulator.mend();
    one_by_one(&simulator);
    let first: Vec<String> =
        simulator.asked().iter().filter(|line| line.contains("/audits")).map(|line| number(line)).collect();
    assert_eq!(first, order[..5]);
    watch.settle().await;
    let then: Vec<String> =
        simulator.asked().iter().filter(|line| line.contains("/audits")).map(|line| number(line)).collect();
    assert!(order[..4].iter().all(|number| !then.contains(number)), "{order:?}, then {then:?}");
    assert_eq!(told(&watch), truth(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_start_on_a_slow_api_goes_on_poll_by_poll() {
    let simulator = desk().await;
    simulator.fault("/audits", Fault::Slow(Duration::from_secs(9)));
    let mut source = new(&simulator);
    let mut watch = Watch::new(&mut source, &simulator);
    let mut polls = 0;
    // Who polls gives up after a minute.
    while tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap().more {
        polls += 1;
        assert!(polls < 30);
    }
    assert_eq!(told(&watch), truth(&simulator));
}
