//! A simulated day, history and restarts.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::EventKind;
use serde_json::json;

use super::{Account, is_of_five, source};
use crate::agree::{Terms, Watch, agree, params, start};
use crate::server::{Limiter, Reply, Simulator};
use crate::world::World;

/// No presence.
pub fn terms() -> Terms {
    Terms { presence: None, ..Terms::exact() }
}

#[tokio::test]
async fn the_board_is_that_of_the_stream() {
    let simulator = Simulator::start(World::new(params(), start()), Account { limited: true, ..Account::usual() }).await;
    // The bucket of an API key, and the share of it that is kept in every window.
    let beyond = Reply::text(429, "text/plain", "the simulator's own bucket is full before");
    simulator.inside().limiter = Some(Limiter::new(40, TimeDelta::seconds(20), [None; 3], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}
