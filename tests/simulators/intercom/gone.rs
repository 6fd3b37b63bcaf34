//! What is not there for once, and is there again.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::desk::Desk;
use helptop::event::{Author, Event, Message};
use serde_json::json;

use super::{Workspace, failed, simulator, source};
use crate::agree::{SMALL, Watch, start};
use crate::contract::active;
use crate::server::{Fault, Reply};

/// Whose customers wait, by what was told.
fn waiting(told: &[Event]) -> BTreeSet<String> {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for event in told {
        desk.apply(source, event.clone());
    }
    desk.settle();
    let waiting = desk.conversations().filter(|(_, one)| {
        let state = one.state();
        state.is_active() && state.waiting_since.is_some()
    });
    waiting.map(|(_, one)| one.id.to_string()).collect()
}

#[tokio::test]
async fn one_that_was_gone_and_is_there_again_is_on_the_board_and_waits_also_after_a_stop() {
    for is_restarted in [false, true] {
        let simulator = simulator(SMALL, Workspace::usual()).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
        let before = waiting(&watch.told);
        let (id, number) = {
            let inside = simulator.inside();
            let chat = inside.world.open().find(|chat| before.contains(&chat.number.to_string())).unwrap();
            (chat.id.clone(), chat.number)
        };
        let note = || Message { public: Some(false), ..Message::public(id.clone(), Author::Bot, None) };
        let gone = Fault::Answer(Reply::json(404, &failed("not_found", "Conversation not found")));
        simulator.fault(format!("GET /conversations/{number}?").leak(), gone);
        simulator.inside().world.happen(note());
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
        assert!(!active(&watch.told).iter().any(|id| id.as_str() == number.to_string()));
        simulator.mend();
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        let mut after = Watch::new(second.as_mut(), &simulator);
        if is_restarted {
            after.source.remember(&active(&watch.told));
            (after.told, after.cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        } else {
            simulator.inside().world.happen(note());
        }
        let watch = if is_restarted { &mut after } else { &mut watch };
        watch.settle().await;
        assert_eq!(waiting(&watch.told), before, "{is_restarted}");
        assert_eq!(active(&watch.told).len(), simulator.inside().world.open().count(), "{is_restarted}");
    }
}
