//! The source over a simulated day: the board is that of the stream, and the limits are kept.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use helptop::event::Capability;
use helptop::source::Source;
use serde_json::{Value, json};

use super::{Role, Vendors, begun, plan, source};
use crate::agree::{Terms, Watch, agree, agree_now, params, start};
use crate::server::{Fault, Simulator};
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
    // What the key may read is found out by the first two polls.
    let mut watch = Watch::new(&mut source, &simulator);
    watch.poll().await.unwrap();
    watch.poll().await.unwrap();
    assert!(!source.capabilities().contains(&Capability::Ratings));
    agree(&mut source, &simulator, &Terms { presence: None, ..Terms::exact() }).await;
}

/// Requests for the updates of single tickets, of a start on a desk at noon; the board after it is that of the stream.
async fn read_one_by_one(fault: Option<Fault>) -> usize {
    let (vendor, _) = Vendors::new(Role::Agent);
    let mut world = World::new(params(), start());
    world.advance(start() + TimeDelta::hours(12));
    let stream = world.take_stream();
    let simulator = Simulator::start(world, vendor).await;
    if let Some(fault) = fault {
        simulator.fault("/show_many", fault);
    }
    let watch = begun(&simulator).await;
    let terms = Terms { presence: None, ..Terms::exact() };
    agree_now(&watch.told, &stream, &simulator.inside().world, &watch.source.capabilities(), &terms);
    simulator.asked().iter().filter(|line| line.contains("/audits")).count()
}

#[tokio::test]
async fn a_start_reads_one_by_one_only_what_its_last_update_does_not_tell() {
    let without = |body: &mut Value| drop(body.as_object_mut().unwrap().remove("last_audits"));
    let stale = |body: &mut Value| {
        for audit in body["last_audits"].as_array_mut().into_iter().flatten() {
            audit["created_at"] = "2026-11-19T00:00:00Z".into();
        }
    };
    let odd = |body: &mut Value| {
        for audit in body["last_audits"].as_array_mut().into_iter().flatten() {
            *audit = json!({"id": "x", "events": 7});
        }
    };
    let few = read_one_by_one(None).await;
    let many = read_one_by_one(Some(Fault::Edited(Box::new(without)))).await;
    assert!(few * 2 < many, "{few} with the last updates, {many} without");
    assert_eq!(
        read_one_by_one(Some(Fault::Edited(Box::new(stale)))).await,
        many,
        "what is not the last is not trusted"
    );
    assert_eq!(read_one_by_one(Some(Fault::Edited(Box::new(odd)))).await, many);
    let of_a_colleague = |body: &mut Value| {
        for audit in body["last_audits"].as_array_mut().into_iter().flatten() {
            audit["events"] = json!([{"type": "Comment", "author_id": 190_000, "public": true, "body": "and?"}]);
        }
    };
    let all = read_one_by_one(Some(Fault::Edited(Box::new(of_a_colleague)))).await;
    assert!(all > many, "{all}: also those of which the metrics say that nobody can wait");
}
