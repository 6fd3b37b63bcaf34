//! Targets that are set while a ticket is followed.

use chrono::TimeDelta;
use helptop::event::{Author, Message};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

#[tokio::test]
async fn each_next_reply_that_is_due_is_told_once_and_not_again_when_it_is_moved() {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Vendors::new(Role::Admin).0).await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.later(60).await;
    let (id, number, agent) = {
        let world = &simulator.inside().world;
        let chat = world.open().next().unwrap();
        (chat.id.clone(), chat.number, world.agents[0].id.clone())
    };
    // Who writes, when the next reply is due then, and the dues that are told by then.
    let steps = [
        (Author::Customer, None, vec![]),
        (Author::Customer, Some("10:00"), vec!["10:00"]),
        (Author::Customer, Some("10:30"), vec!["10:00"]),
        (Author::Agent, None, vec!["10:00"]),
        (Author::Customer, Some("11:00"), vec!["10:00", "11:00"]),
    ];
    let at = |due: &str| format!("2026-11-20T{due}:00Z");
    for (from, due, expected) in steps {
        simulator.mend();
        let target = due.map(|due| json!({"metric": "next_reply_time", "stage": "active", "breach_at": at(due)}));
        let shown: Vec<Value> = target.into_iter().collect();
        let edit = move |ticket: &mut Value| {
            if ticket["id"] == number {
                ticket["slas"] = json!({"policy_metrics": shown});
            }
        };
        simulator.fault("/tickets?", Fault::rows("/tickets", edit));
        let by = (from == Author::Agent).then(|| agent.clone());
        simulator.inside().world.stand_still(TimeDelta::seconds(20));
        simulator.inside().world.happen(Message::public(id.clone(), from, by));
        watch.settle().await;
        let events = watch.of(&number.to_string()).into_iter();
        let next = events.filter(|event| event["type"] == "sla" && event["metric"] == "next_response");
        let told: Vec<String> = next.map(|event| event["due"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, expected.into_iter().map(at).collect::<Vec<_>>(), "{due:?}");
    }
}
