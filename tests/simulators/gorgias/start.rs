//! A start and a start anew: what of the desk is told, and what is asked again for it.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::json;

use super::{Account, source};
use crate::agree::{Watch, start};
use crate::contract::agrees;
use crate::server::Simulator;
use crate::world::{Chat, World};

/// A desk in the morning.
fn morning() -> World {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    world
}

/// Whether its customer has had no answer.
fn waits(chat: &&Chat) -> bool {
    let last = chat.messages.iter().rev().find(|said| said.public);
    chat.status == Status::Open && last.is_some_and(|said| said.from == Author::Customer)
}

#[tokio::test]
async fn a_snooze_ends_no_wait_though_it_looks_like_a_closing() {
    let mut world = morning();
    let waiting: Vec<_> = world.open().filter(waits).map(|chat| chat.id.clone()).collect();
    assert!(waiting.len() > 5, "{}", waiting.len());
    for conversation in waiting {
        world.stand_still(TimeDelta::seconds(5));
        let agent = Some(world.agents[0].id.clone());
        world.happen(EventKind::Status { conversation, status: Status::Snoozed, by: Some(StatusBy::Agent), agent });
    }
    let stream = world.take_stream();
    // Small pages, so that the feeds are not read back to when the customers wrote.
    let simulator = Simulator::start(world, Account { page: 5, ..Account::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    agrees(&watch, &stream, &super::bench());
}
