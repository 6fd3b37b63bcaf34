//! A simulated day, restarts, and history.

use std::time::Duration;

use serde_json::json;

use super::{Workspace, shown, simulator, smallest, source};
use crate::agree::{Terms, agree, params};

pub fn terms() -> Terms {
    Terms { presence: Some(shown), ..Terms::exact() }
}

#[tokio::test]
async fn a_day_is_told_as_it_was_within_the_smallest_limit() {
    let simulator = simulator(params(), Workspace::usual()).await;
    simulator.inside().limiter = Some(smallest());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}
