//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use std::io::Write;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use serde_json::json;

use super::{Account, simulator, source};
use crate::agree::{Watch, params, start};
use crate::world::World;

/// Pages of the members of all teams, and of the teams that show everybody with the fewest, by trying all.
fn pages(world: &World) -> (u32, u32) {
    let of = |team| world.agents.iter().filter(|agent| agent.teams.contains(&team)).count().div_ceil(20).max(1);
    let pages: Vec<usize> = (0..world.teams.len()).map(of).collect();
    let all = pages.iter().sum::<usize>();
    let shows = |teams: u32| world.agents.iter().all(|agent| agent.teams.iter().any(|team| teams >> team & 1 == 1));
    let cost = |teams: u32| pages.iter().enumerate().filter(|(team, _)| teams >> team & 1 == 1).map(|(_, p)| p).sum();
    let fewest = (0..1u32 << pages.len()).filter(|teams| shows(*teams)).map(cost).min().unwrap_or(all);
    (all as u32, fewest as u32)
}

#[tokio::test]
async fn a_refresh_costs_what_has_changed_not_what_is_open() {
    let simulator = simulator(params(), Account::usual()).await;
    // All is asked at one instant here.
    simulator.inside().limiter = None;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let (cold, _) = watch.settle().await;
    let (contacts, open) = {
        let world = &simulator.inside().world;
        (world.chats.len(), world.open().count())
    };
    let (all, fewest) = pages(&simulator.inside().world);
    let mut costs = Vec::new();
    for count in [0, 10, 500] {
        let ids: Vec<_> = simulator.inside().world.open().take(count).map(|chat| chat.id.clone()).collect();
        for id in ids {
            simulator.inside().world.happen(Message::public(id, Author::Customer, None));
        }
        simulator.inside().world.stand_still(TimeDelta::seconds(1));
        costs.push(watch.settle().await.0);
    }
    writeln!(
        std::io::stderr(),
        "{contacts} contacts, {open} open, {fewest} of {all} pages of members: start {cold}, 0, 10 and 500: {costs:?}"
    )
    .unwrap();
    let quiet = 2 + fewest;
    assert!(fewest < all);
    assert_eq!(costs[0], quiet, "the top of the list, the messages of the first one there, and whoever is there");
    assert_eq!(costs[1], quiet + 10);
    let most = open.min(500) as u32;
    // Page by page down to where nothing moved; what was not drained by one poll is by others.
    assert!((most..=most + most.div_ceil(20) + 2 * quiet).contains(&costs[2]), "{costs:?}");
    let pages = contacts.div_ceil(20) as u32;
    assert!(cold <= pages + 2 * open as u32 + 3 * quiet + all, "{cold}");
}
