//! A simulated day, what a refresh costs, and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{Installation, shown, simulator, source};
use crate::agree::{Terms, agree, params};
use crate::server::{Limiter, Reply};

fn terms() -> Terms {
    Terms { presence: Some(shown), ..Terms::exact() }
}

#[tokio::test]
async fn a_day_is_told_as_it_was() {
    let simulator = simulator(params(), Installation::usual()).await;
    let beyond = Reply::text(429, "text/plain", "Retry later\n");
    simulator.inside().limiter = Some(Limiter::new(3000, TimeDelta::minutes(1), [None; 3], beyond));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
    let mut a_minute = BTreeMap::<i64, usize>::new();
    for asked in &simulator.inside().log {
        *a_minute.entry(asked.at.millis().div_euclid(60_000)).or_default() += 1;
    }
    let most = a_minute.values().max().unwrap();
    assert!(*most <= 1500, "{most} requests in a minute are more than half of what is allowed");
}

#[tokio::test]
async fn an_old_installation_with_translated_notes_agrees_too() {
    let odd = Installation { is_old: true, is_translated: true, drops_underscores: true, ..Installation::usual() };
    let simulator = simulator(params(), odd).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}
