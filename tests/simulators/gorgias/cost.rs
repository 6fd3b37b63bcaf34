//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use super::Account;
use crate::agree::{params, start};
use crate::server::Simulator;
use crate::world::World;
use helptop::event::{Author, Message};

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
