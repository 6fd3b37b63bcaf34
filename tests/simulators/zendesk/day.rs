//! The source over a simulated day: the board is that of the stream, and the limits are kept.

use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Capability, EventKind};
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
    let terms = Terms { interval: Duration::from_secs(30), ..Terms::exact() };
    agree(&mut source, &simulator, &terms).await;
    assert_eq!(tally.throttled.load(Ordering::Relaxed), 0, "the limit of the exports is kept");
}
