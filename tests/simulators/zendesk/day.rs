//! The source over a simulated day: the board is that of the stream, and the limits are kept.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::Capability;
use helptop::source::Source;
use serde_json::json;

use super::{Role, Vendors, plan, source};
use crate::agree::{Terms, Watch, agree, params, start};
use crate::server::Simulator;
use crate::world::World;

/// How often it is asked: three minutes, so that the day is over soon; `HELPTOP_SIM_INTERVAL=15` for the default.
fn interval() -> Duration {
    let seconds = std::env::var("HELPTOP_SIM_INTERVAL").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(180))
}

#[tokio::test]
async fn the_board_is_that_of_the_stream_with_an_admins_key() {
    let (vendor, tally) = Vendors::new(Role::Admin);
    let simulator = Simulator::start(World::new(params(), start()), vendor).await;
    // The smallest plan that has the API.
    simulator.inside().limiter = Some(plan(200));
    let mut source = source(&simulator.base, &json!({}), TimeDelta::hours(2));
    agree(&mut source, &simulator, &Terms { interval: interval(), ..Terms::exact() }).await;
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
    agree(&mut source, &simulator, &Terms { interval: interval(), presence: None, ..Terms::exact() }).await;
}
