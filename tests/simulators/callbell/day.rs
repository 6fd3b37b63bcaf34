//! A simulated day, restarts, and the history.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{Account, Bumps, agent_number, number, shown, simulator, source};
use crate::agree::{Terms, agree, is_medium, params};

pub fn terms() -> Terms {
    Terms { presence: Some(shown), pending: false, chat: number, agent: agent_number, ..Terms::exact() }
}

#[tokio::test]
async fn a_day_is_told_as_it_was() {
    let simulator = simulator(params(), Account::usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}

#[tokio::test]
async fn and_so_it_is_where_the_list_leaves_out_what_is_closed() {
    let simulator = simulator(params(), Account { short_rows: true, ..Account::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}

#[tokio::test]
async fn where_only_messages_move_a_chat_up_the_rest_is_told_some_minutes_later() {
    let odd = Account { bumps: Bumps::Messages, cursors: false, messages: 7, ..Account::usual() };
    let simulator = simulator(params(), odd).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    // A walk reads ten pages a refresh, and begins two minutes after the last one.
    let lag = TimeDelta::minutes(if is_medium() { 30 } else { 15 });
    agree(source.as_mut(), &simulator, &Terms { lag, ..terms() }).await;
}
