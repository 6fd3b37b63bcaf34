//! The source over a simulated day: the board is that of the stream, and the limits are kept.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use helptop::event::Capability;
use helptop::source::Source;
use serde_json::json;

use super::{Role, Vendors, plan, source};
use crate::agree::{Terms, Watch, agree, params, start};
use crate::server::Simulator;
use crate::world::World;

#[tokio::test]
async fn the_board_is_that_of_the_stream_with_an_admins_key() {
    let (vendor, tally) = Vendors::new(Role::Admin);
    let simulator = Simulator::start(World::new(params(), start()), vendor).await;
    // The smallest plan that has the API.
    simulator.inside().limiter = Some(plan(200));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::hours(2));
    agree(&mut source, &simulator, &Terms::exact()).await;
    assert_eq!(tally.throttled.load(Ordering::Relaxed), 0, "the limit of the exports is kept");
    assert!(tally.tokens.load(Ordering::Relaxed) <= 3, "a token is used for a day");
}

#[tokio::test]
async fn the_board_is_that_of_the_stream_but_for_presence_with_an_agents_key() {
    let (vendor, _) = Vendors::new(Role::Agent);
    let simulator = Simulator::start(World::new(params(), start()), vendor).await;
    simulator.inside().limiter = Some(plan(200));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::hours(2));
    // What the key may read is found out by the first poll.
    Watch::new(&mut source, &simulator).poll().await.unwrap();
    assert!(!source.capabilities().contains(&Capability::Ratings));
    agree(&mut source, &simulator, &Terms { presence: None, ..Terms::exact() }).await;
}
