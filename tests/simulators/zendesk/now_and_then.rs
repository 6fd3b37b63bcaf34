//! What is asked for now and then: who is there.

use chrono::TimeDelta;
use helptop::event::EventKind;
use helptop::source::demo::Params;
use serde_json::json;

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Vendors::new(Role::Admin).0).await
}

#[tokio::test]
async fn who_leaves_the_list_of_agents_is_there_no_more() {
    let simulator = desk().await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let id = {
        let world = &mut simulator.inside().world;
        let agent = world.agents[0].id.clone();
        world.happen(EventKind::Presence { agent, state: helptop::event::PresenceState::Online, reason: None });
        1
    };
    watch.later(15).await;
    let state = |watch: &Watch<'_>| {
        let mut states = watch.told.iter().filter_map(|event| match &event.kind {
            EventKind::Presence { agent, state, .. } if agent.as_str() == "1" => Some(*state),
            _ => None,
        });
        states.next_back().unwrap().to_string()
    };
    assert_eq!(state(&watch), "online");
    let without = move |odd: bool| {
        Fault::edited(move |body| {
            let all = body["data"].as_array_mut().unwrap();
            all.retain(|one| one["attributes"]["agent_id"] != id);
            if odd {
                all.push(json!({"attributes": {"agent_id": null}}));
            }
        })
    };
    for (odd, looks, expected) in [(true, 5, "online"), (false, 1, "online"), (false, 3, "offline")] {
        simulator.mend();
        simulator.fault("/agent_availabilities", without(odd));
        for _ in 0..looks {
            simulator.inside().world.stand_still(TimeDelta::seconds(15));
            watch.settle().await;
        }
        assert_eq!(state(&watch), expected, "odd {odd}, {looks} looks");
    }
    simulator.mend();
    simulator.inside().world.stand_still(TimeDelta::seconds(15));
    watch.settle().await;
    assert_eq!(state(&watch), "online", "who comes back is told anew");
}
