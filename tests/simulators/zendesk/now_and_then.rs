//! What is asked for now and then: ratings, and who is there.

use chrono::TimeDelta;
use helptop::event::{EventKind, Status, StatusBy};
use helptop::source::demo::Params;
use serde_json::{Value, json};

use super::{Role, Vendors, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;

async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 2, agents: 3, chats: 20 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Vendors::new(Role::Admin).0).await
}

fn list(key: &str, items: &Value) -> Fault {
    Fault::Answer(Reply::json(200, &json!({key: items, "meta": {"has_more": false, "after_cursor": null}})))
}

fn asked(simulator: &Simulator, path: &str) -> usize {
    simulator.inside().log.iter().filter(|asked| asked.path.ends_with(path)).count()
}

#[tokio::test]
async fn ratings_of_before_are_read_where_the_list_of_now_is_empty() {
    let simulator = desk().await;
    let ticket = simulator.inside().world.open().next().unwrap().number;
    let rating = json!({"id": 8801, "ticket_id": ticket, "score": "good", "comment": "Thanks",
        "created_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:00:00Z"});
    let mut source = source(&simulator.base, &json!({}), TimeDelta::days(1));
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.fault("/guide/survey_responses", list("survey_responses", &json!([])));
    simulator.fault("/satisfaction_ratings", list("satisfaction_ratings", &json!([])));
    for _ in 0..20 {
        watch.later(360).await;
    }
    let (surveys, legacy) = (asked(&simulator, "/survey_responses"), asked(&simulator, "/satisfaction_ratings"));
    assert!((2..=7).contains(&legacy) && surveys > 15, "both are empty: {legacy} in two hours, {surveys} of now");
    simulator.mend();
    simulator.fault("/guide/survey_responses", list("survey_responses", &json!([])));
    simulator.fault("/satisfaction_ratings", list("satisfaction_ratings", &json!([rating])));
    for _ in 0..12 {
        watch.later(360).await;
    }
    let rated = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Rated { .. })).count();
    assert_eq!(rated, 1);
    assert!(asked(&simulator, "/satisfaction_ratings") > legacy + 5, "that is the list from now on");
    let before = asked(&simulator, "/survey_responses");
    watch.later(360).await;
    assert_eq!(asked(&simulator, "/survey_responses"), before);
}

#[tokio::test]
async fn an_agents_list_of_ratings_that_is_refused_does_no_harm_to_an_empty_one_of_now() {
    let simulator = desk().await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::days(1));
    let mut watch = Watch::new(&mut source, &simulator);
    simulator.fault("/guide/survey_responses", list("survey_responses", &json!([])));
    watch.settle().await;
    simulator.mend();
    let chat = simulator.inside().world.open().next().unwrap().id.clone();
    let kind = EventKind::Rated { conversation: chat, score: 5.0, scale: 5.0, comment: None };
    simulator.inside().world.happen(kind);
    watch.later(400).await;
    assert!(watch.told.iter().any(|event| matches!(event.kind, EventKind::Rated { .. })));
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

#[tokio::test]
async fn an_answer_that_is_given_hours_after_it_was_asked_for_is_told_within_an_hour_and_once() {
    let simulator = desk().await;
    let mut first = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut first, &simulator);
    watch.settle().await;
    let (chat, number) = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    let ends = EventKind::Status {
        conversation: chat.clone(),
        status: Status::Resolved,
        by: Some(StatusBy::System),
        agent: None,
    };
    simulator.inside().world.happen(ends);
    let wait = async |watch: &mut Watch<'_>, minutes: usize| {
        for _ in 0..minutes.div_ceil(5) {
            simulator.inside().world.stand_still(TimeDelta::minutes(5));
            watch.settle().await;
        }
    };
    wait(&mut watch, 180).await;
    let rates = |score: f64| {
        let kind = EventKind::Rated { conversation: chat.clone(), score, scale: 5.0, comment: None };
        simulator.inside().world.happen(kind);
    };
    rates(3.0);
    let scores = |watch: &Watch<'_>| -> Vec<f64> {
        let score = |event: &helptop::event::Event| match &event.kind {
            EventKind::Rated { conversation, score, .. } if conversation.as_str() == number.to_string() => Some(*score),
            _ => None,
        };
        watch.told.iter().filter_map(score).collect()
    };
    let asked_before = asked(&simulator, "/survey_responses");
    wait(&mut watch, 65).await;
    assert_eq!(scores(&watch), [3.0]);
    wait(&mut watch, 120).await;
    assert_eq!(scores(&watch), [3.0], "and not again");
    let looks = asked(&simulator, "/survey_responses") - asked_before;
    assert!((37..=46).contains(&looks), "{looks} requests in three hours: one a look, and one an hour");
    // A start anew passes over what was told, and finds what was not.
    let (cursor, told) = (watch.cursor.clone(), watch.told.clone());
    rates(4.0);
    let mut second = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut next = Watch::new(&mut second, &simulator);
    (next.cursor, next.told) = (cursor, told);
    next.settle().await;
    wait(&mut next, 65).await;
    assert_eq!(scores(&next), [3.0, 4.0]);
}

#[tokio::test]
async fn a_page_of_something_between_takes_no_right_away() {
    let simulator = desk().await;
    let mut source = source(&simulator.base, &json!({}), TimeDelta::zero());
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let page = Fault::Answer(Reply::text(403, "text/html", "<html><title>Attention required</title></html>"));
    simulator.fault("/agent_availabilities", page);
    watch.later(30).await;
    simulator.mend();
    let before = asked(&simulator, "/agent_availabilities");
    for _ in 0..5 {
        watch.later(30).await;
    }
    assert!(asked(&simulator, "/agent_availabilities") > before, "it is asked for again after a minute");
    let hellos = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Hello { .. }));
    let told = hellos.map(|event| serde_json::to_string(event).unwrap()).collect::<Vec<_>>();
    assert!(told.last().unwrap().contains("presence"), "{told:?}");
}
