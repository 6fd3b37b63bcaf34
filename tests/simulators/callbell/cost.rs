//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use std::io::Write;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use serde_json::json;

use super::{Account, begun, simulator, source, uuid};
use crate::agree::{Watch, params, start};
use crate::server::{Fault, Simulator};
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

/// Requests for contacts themselves since that was last asked.
fn looked_up(simulator: &Simulator) -> usize {
    let is_itself = |line: &&String| line.contains("/contacts/") && !line.contains("/messages");
    simulator.asked().iter().filter(is_itself).count()
}

/// A desk whose list leaves out what is closed, as the vendor's own example does.
async fn untold(meta: bool, cursors: bool) -> Simulator {
    let simulator = simulator(params(), Account { short_rows: true, meta, cursors, ..Account::usual() }).await;
    simulator.inside().limiter = None;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

#[tokio::test]
async fn where_the_list_leaves_out_what_is_closed_only_what_has_changed_is_looked_up() {
    for (meta, cursors) in [(true, true), (false, false)] {
        let simulator = untold(meta, cursors).await;
        let mut watch = begun(&simulator).await;
        // The contact that stands first is looked up besides.
        let quiet = 3 + pages(&simulator.inside().world).1;
        assert_eq!(watch.settle().await.0, quiet, "nothing is new");
        // Looking one up takes a second, so it is read later than the list was.
        simulator.fault("/contacts/", Fault::Then(Box::new(|world| world.stand_still(TimeDelta::seconds(1)))));
        assert_eq!(watch.settle().await.0, quiet, "nor is anything later");
        let chats: Vec<_> = {
            let world = &mut simulator.inside().world;
            let chats: Vec<_> = world.open().take(10).map(|chat| (chat.id.clone(), uuid(chat.number))).collect();
            for (id, _) in &chats {
                let words = Some("any news?".to_owned().into());
                world.happen(Message { text: words, ..Message::public(id.clone(), Author::Customer, None) });
            }
            chats
        };
        simulator.inside().world.stand_still(TimeDelta::seconds(1));
        let cost = watch.settle().await.0;
        assert!(cost <= 2 * quiet + 20, "each costs a look and its messages: {cost}");
        let heard = |id: &String| watch.of(id).iter().filter(|event| event["text"] == "any news?").count();
        assert!(chats.iter().all(|(_, id)| heard(id) == 1));
        // What was read later than the list is looked at once more.
        watch.settle().await;
        assert_eq!(watch.settle().await.0, quiet, "and all is quiet again");
    }
}

#[tokio::test]
async fn and_walks_that_find_nothing_new_come_seldomer() {
    let simulator = untold(true, true).await;
    let mut watch = begun(&simulator).await;
    let open = simulator.inside().world.open().count();
    let mut counts = Vec::new();
    for _ in 0..4 {
        looked_up(&simulator);
        for _ in 0..60 {
            simulator.inside().world.stand_still(TimeDelta::minutes(1));
            watch.settle().await;
        }
        counts.push(looked_up(&simulator) - 60);
    }
    assert!(counts[0] >= 4 * open && counts[3] <= 3 * open, "{counts:?} of {open} open ones");
}
