//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use serde_json::json;

use super::{Role, Vendors, source};
use crate::agree::{Watch, params, start};
use crate::server::Simulator;
use crate::world::World;

/// So many customers write, each on a chat of their own, and an agent ends the chat of every fifth.
fn change(world: &mut World, count: usize) {
    let chats: Vec<_> = world.open().map(|chat| (chat.id.clone(), world.agents[0].id.clone())).collect();
    for (nth, (id, agent)) in chats.into_iter().cycle().take(count).enumerate() {
        world.happen(Message::public(id.clone(), Author::Customer, None));
        if nth % 5 == 4 {
            let (status, by) = (Status::Resolved, Some(StatusBy::Agent));
            world.happen(EventKind::Status { conversation: id, status, by, agent: Some(agent) });
        }
    }
}

/// Requests of each refresh, without what goes by the clock.
async fn refreshes(role: Role) -> (u64, Vec<(usize, u32)>) {
    let (vendor, _) = Vendors::new(role);
    let mut world = World::new(params(), start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, vendor).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let cold = watch.requests;
    let mut costs = Vec::new();
    for count in [0, 10, 500] {
        // So that none of what comes once a minute is due.
        watch.later(70).await;
        watch.settle().await;
        change(&mut simulator.inside().world, count);
        let (requests, _) = watch.settle().await;
        costs.push((count, requests));
    }
    (cold, costs)
}

#[tokio::test]
async fn a_refresh_costs_what_has_changed_not_what_is_open() {
    for role in [Role::Admin, Role::Agent] {
        let (cold, costs) = refreshes(role).await;
        println!("{role:?}: start {cold}, refreshes {costs:?}");
        assert!(costs[0].1 <= 2, "{role:?}: nothing changed: {costs:?}");
        assert!(costs[1].1 <= 13, "{role:?}: ten changes: {costs:?}");
    }
}

#[tokio::test]
async fn tmp_shape_of_what_is_open() {
    let mut world = World::new(params(), start());
    world.advance(start() + TimeDelta::hours(9));
    let now = world.now;
    let mut rows: Vec<(f64, u32)> = Vec::new();
    let (mut cand, mut only_create, mut last_staff, mut last_cust_pub, mut last_other, mut waits) = (0, 0, 0, 0, 0, 0);
    for chat in world.open() {
        let replies = chat.messages.iter().filter(|m| m.from == Author::Agent && m.public).count();
        let cust: Vec<_> = chat.messages.iter().filter(|m| m.from == Author::Customer).collect();
        let quiet = cust.last().is_some_and(|m| m.at <= chat.opened_at + TimeDelta::seconds(10));
        if chat.messages.iter().all(|m| !m.public) { continue; }
        if replies > 0 && quiet { continue; }
        cand += 1;
        let last_at = chat.log.last().map_or(chat.opened_at, |l| l.at);
        if chat.waiting_since.is_some() { waits += 1; }
        let group: Vec<_> = chat.log.iter().filter(|l| l.at == last_at).collect();
        if chat.log.is_empty() || last_at - chat.opened_at < TimeDelta::seconds(1) { only_create += 1; }
        else if group.iter().any(|l| matches!(&l.kind, EventKind::Message(m) if m.from == Author::Agent && m.public != Some(false))) { last_staff += 1; }
        else if group.iter().any(|l| matches!(&l.kind, EventKind::Message(m) if m.from == Author::Customer)) { last_cust_pub += 1; }
        else { last_other += 1; }
        // when the story is known from
        let since = chat.messages.iter().rev().find(|m| m.from == Author::Agent && m.public).map_or(chat.opened_at, |m| m.at);
        rows.push(((now - since).num_seconds() as f64 / 3600.0, 1));
    }
    let audits = |h: i64| world.chats.iter().flat_map(|c| c.log.iter().map(|l| l.at)).filter(|at| *at >= now - TimeDelta::hours(h)).count();
    println!("open {} cand {cand} waits {waits} create {only_create} staff {last_staff} cust {last_cust_pub} other {last_other}", world.open().count());
    for h in [1, 2, 3, 6, 9, 12, 24, 48] {
        println!("{h} h: log {} cand known {}", audits(h), rows.iter().filter(|(age, _)| *age <= h as f64).count());
    }
}
