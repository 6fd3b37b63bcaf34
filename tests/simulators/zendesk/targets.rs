//! Targets that are set while a ticket is followed.

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Message, Timestamp};
use helptop::source::Source;
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

#[tokio::test]
async fn each_target_is_told_once_when_it_is_certain_and_not_where_it_was_moved() {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    let simulator = Simulator::start(world, Vendors::new(Role::Admin).0).await;
    let mut first = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut first, &simulator);
    watch.later(60).await;
    let (id, number, agent) = {
        let world = &simulator.inside().world;
        let chat = world.open().next().unwrap();
        (chat.id.clone(), chat.number, world.agents[0].id.clone())
    };
    let begun = simulator.inside().world.now;
    let minutes = |event: &Value| {
        let due = Timestamp::parse(event["due"].as_str().unwrap()).unwrap();
        (due - begun).num_minutes()
    };
    let told = |watch: &Watch<'_>| -> Vec<i64> {
        let events = watch.of(&number.to_string()).into_iter();
        events
            .filter(|event| event["type"] == "sla" && event["metric"] == "next_response")
            .map(|event| minutes(&event))
            .collect()
    };
    let shows = |due: Option<i64>| {
        simulator.mend();
        let breach = due.map(|due| (begun + TimeDelta::minutes(due)).to_string());
        let target = breach.map(|at| json!({"metric": "next_reply_time", "stage": "active", "breach_at": at}));
        let shown: Vec<Value> = target.into_iter().collect();
        let edit = move |ticket: &mut Value| {
            if ticket["id"] == number {
                ticket["slas"] = json!({"policy_metrics": shown});
            }
        };
        for list in ["/tickets?", "/show_many"] {
            simulator.fault(list, Fault::rows("/tickets", edit.clone()));
        }
    };
    // How many minutes pass, who writes then, when the next reply is due by then, and the dues that are told.
    let steps = [
        (1, Author::Customer, None, vec![]),
        (1, Author::Customer, Some(90), vec![]),
        (1, Author::Customer, Some(120), vec![]),
        (1, Author::Agent, None, vec![120]),
        (1, Author::Customer, Some(150), vec![120]),
        (1, Author::Customer, None, vec![120]),
        (1, Author::Customer, Some(200), vec![120]),
    ];
    for (pass, from, due, expected) in steps {
        shows(due);
        let by = (from == Author::Agent).then(|| agent.clone());
        simulator.inside().world.stand_still(TimeDelta::minutes(pass));
        simulator.inside().world.happen(Message::public(id.clone(), from, by));
        watch.settle().await;
        assert_eq!(told(&watch), expected, "{due:?}");
    }
    // Another ticket is the one that changed last.
    let other = simulator.inside().world.open().nth(1).unwrap().id.clone();
    simulator.inside().world.stand_still(TimeDelta::minutes(1));
    simulator.inside().world.happen(Message::public(other, Author::Customer, None));
    watch.settle().await;
    // A start anew knows the one that was not told, and nobody writes any more.
    let (before, cursor) = (watch.told.clone(), watch.cursor.clone());
    let open: Vec<ConversationId> = crate::contract::active(&before);
    let mut second = source(&simulator.base, &json!({}), TimeDelta::zero());
    second.remember(&open);
    let mut watch = Watch::new(&mut second, &simulator);
    (watch.told, watch.cursor) = (before, cursor);
    for (passed, expected) in [(160, vec![120]), (175, vec![120, 200]), (210, vec![120, 200])] {
        let past = simulator.inside().world.now - begun;
        simulator.inside().world.stand_still(TimeDelta::minutes(passed) - past);
        watch.settle().await;
        watch.settle().await;
        assert_eq!(told(&watch), expected, "{passed}");
    }
    let events = watch.of(&number.to_string());
    let set = events.iter().find(|event| event["type"] == "sla" && minutes(event) == 200).unwrap();
    let set_at = Timestamp::parse(set["at"].as_str().unwrap()).unwrap() - begun;
    assert!((298..=300).contains(&set_at.num_seconds()), "from when the customer waits: {set_at}");
}
