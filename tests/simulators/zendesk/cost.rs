//! What it costs in requests: a start, and a refresh after 0, 10 and 500 changes.

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::json;

use super::{Role, Vendors, source};
use crate::agree::{Watch, is_medium, params, start};
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
        let open = if is_medium() { 5_000 } else { 300 };
        assert!(cold <= open / 4, "{role:?}: a start on a desk of {open} chats costs {cold}");
        assert!(costs[0].1 <= 2, "{role:?}: nothing changed: {costs:?}");
        assert!(costs[1].1 <= 13, "{role:?}: ten changes: {costs:?}");
    }
}

/// More satisfaction answers at once than one poll reads.
const ANSWERS: usize = 600;

#[tokio::test]
async fn many_answers_of_one_moment_are_all_told_and_the_reading_ends() {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Vendors::new(Role::Admin).0).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    watch.told.clear();
    {
        let world = &mut simulator.inside().world;
        let chats: Vec<_> = world.open().map(|chat| chat.id.clone()).collect();
        for (nth, conversation) in chats.into_iter().cycle().take(ANSWERS).enumerate() {
            let comment = Some(format!("answer {nth}").as_str().into());
            world.happen(EventKind::Rated { conversation, score: 4.0, scale: 5.0, comment });
        }
    }
    let now = simulator.inside().world.now;
    simulator.advance(now + TimeDelta::minutes(6));
    let mut polls = 0;
    while watch.poll().await.unwrap().more {
        polls += 1;
        assert!(polls < 200, "the same answers are read again and again");
    }
    let comments = watch.told.iter().filter_map(|event| match &event.kind {
        EventKind::Rated { comment, .. } => serde_json::to_string(comment).ok(),
        _ => None,
    });
    let comments: Vec<String> = comments.filter(|words| words.contains("answer ")).collect();
    let each: std::collections::BTreeSet<&String> = comments.iter().collect();
    assert_eq!((comments.len(), each.len()), (ANSWERS, ANSWERS), "each is told, and once");
    // The same answers are within the overlap of the next look, which ends, too.
    let (requests, _) = watch.later(6 * 60).await;
    assert!(requests < 100, "{requests} requests of a look that tells nothing new");
}
