//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use super::Account;
use crate::agree::{params, start};
use crate::server::Simulator;
use crate::world::World;
use helptop::event::{Author, Message};
use helptop::source::demo::Params;

/// So many customers write.
fn change(world: &mut World, count: usize) {
    let chats: Vec<_> = world.open().map(|chat| chat.id.clone()).collect();
    for id in chats.into_iter().cycle().take(count) {
        world.happen(Message::public(id, Author::Customer, None));
    }
}

#[tokio::test]
async fn a_refresh_costs_pages_of_what_has_changed_not_what_is_open() {
    let mut world = World::new(params(), start());
    world.advance(start() + chrono::TimeDelta::hours(9));
    let open = world.open().count();
    let simulator = Simulator::start(world, Account::usual()).await;
    let mut watch = super::watched(&simulator).await;
    let cold = watch.requests;
    let mut costs = Vec::new();
    for count in [0, 10, 500] {
        watch.later(70).await;
        watch.settle().await;
        change(&mut simulator.inside().world, count);
        let (requests, _) = watch.settle().await;
        costs.push((count, requests));
    }
    println!("{open} open: start {cold}, refreshes {costs:?}");
    // One, and now and then one more that looks for deleted tickets.
    assert!(costs[0].1 <= 2, "nothing changed: {costs:?}");
    assert!(costs[1].1 <= 6, "ten changes: {costs:?}");
    assert!(costs[2].1 <= 25, "500 changes: {costs:?}");
    assert!(cold * 3 < 2 * open as u64, "the feeds tell most: {cold} requests for {open} tickets");
}

#[tokio::test]
async fn a_minute_of_which_there_is_more_than_one_poll_reads_is_not_read_without_end() {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + chrono::TimeDelta::hours(9));
    change(&mut world, 60);
    let (open, page) = (world.open().count() as u64, 5);
    let simulator = Simulator::start(world, Account { page, ..Account::usual() }).await;
    let mut watch = super::watched(&simulator).await;
    let is_of_one = |line: &String| line.contains("ticket_id=") || line.contains("object_id=");
    let alone = simulator.asked().iter().filter(|line| is_of_one(line)).count() as u64;
    let minute = 3 * 60 / page as u64;
    println!("{open} open: start {}, {alone} of them alone", watch.requests);
    assert!(watch.requests - alone <= 4 * minute + 3 * open / page as u64, "start: {}, {alone} alone", watch.requests);
    let (again, _) = watch.settle().await;
    assert!(u64::from(again) <= 2 * minute + 4, "again at once: {again}");
}
