//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use std::io::Write;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use serde_json::json;

use super::{Workspace, simulator, source};
use crate::agree::{SMALL, Watch, params, start};
use crate::server::Simulator;

/// So many customers write at once.
fn write(simulator: &Simulator, count: usize) {
    let mut inside = simulator.inside();
    let open: Vec<_> = inside.world.open().take(count).map(|chat| chat.id.clone()).collect();
    for id in open {
        inside.world.happen(Message::public(id, Author::Customer, None));
    }
}

#[tokio::test]
async fn a_refresh_costs_what_has_changed_and_not_what_is_open() {
    for (size, name) in [(SMALL, "40 chats"), (params(), "the desk of that size")] {
        let simulator = simulator(size, Workspace::usual()).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        let (cold, _) = watch.settle().await;
        let open = simulator.inside().world.open().count();
        let quiet = watch.poll().await.unwrap().requests;
        write(&simulator, 10);
        let (ten, _) = watch.settle().await;
        simulator.inside().world.stand_still(TimeDelta::seconds(2));
        write(&simulator, 500);
        let (many, _) = watch.settle().await;
        let changed = open.min(500) as u32;
        writeln!(std::io::stderr(), "{name}: {open} open, cold {cold}, quiet {quiet}, 10: {ten}, {changed}: {many}")
            .unwrap();
        // What changed in the two minutes before is shown again: on a big desk that is more than a page.
        let overlap = u32::from(open > 1000);
        assert_eq!(quiet, 2 + overlap);
        assert!(ten <= 10 + 2 * (2 + overlap), "{ten}");
        // Each once, and pages of changes in each of the polls that read them.
        let polls = changed.div_ceil(40) + 1;
        assert!((changed..=changed + polls * (changed.div_ceil(150) + 1 + overlap)).contains(&many), "{many}");
        assert!(cold <= 12 + (open as u32).div_ceil(150) + open as u32 / 8, "{cold}");
    }
}
