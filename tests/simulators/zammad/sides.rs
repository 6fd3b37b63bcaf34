//! What the news can do without: the list of agents, which a search engine answers where there is one, and that of groups.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Event, EventKind, Message};
use serde_json::json;

use super::vendor::Zammad;
use super::{small, source};
use crate::agree::Watch;
use crate::server::{Fault, Reply, Simulator};

const AGENTS: &str = "/users/search";
const GROUPS: &str = "/groups";

fn said(status: u16, words: &str) -> Fault {
    Fault::Answer(Reply::json(status, &json!({"error": words})))
}

fn fault() -> Fault {
    said(500, "Error ID 1f2e: Please contact your administrator.")
}

async fn half_minutes(watch: &mut Watch<'_>, count: usize) {
    for _ in 0..count {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

/// How often a list was asked for since that was last asked.
fn tries(simulator: &Simulator, list: &str) -> usize {
    simulator.asked().iter().filter(|line| line.contains(list)).count()
}

#[tokio::test]
async fn agents_that_cannot_be_read_hold_up_no_news_and_are_named_once() {
    for from_the_start in [false, true] {
        let simulator = Simulator::start(small(), Zammad::default()).await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(&mut source, &simulator);
        if from_the_start {
            simulator.fault(AGENTS, fault());
        }
        watch.settle().await;
        simulator.fault(AGENTS, fault());
        simulator.asked();
        half_minutes(&mut watch, 50).await;
        let tried = tries(&simulator, AGENTS);
        assert!((3..=5).contains(&tried), "less and less often: {tried}");
        assert_eq!(watch.skipped, 1, "{:?}", watch.reasons);
        assert!(
            watch.reasons[0].contains("agents: ") && watch.reasons[0].contains("Error ID 1f2e"),
            "{:?}",
            watch.reasons
        );
        let (id, number) = {
            let world = &simulator.inside().world;
            world.open().next().map(|chat| (chat.id.clone(), chat.number.to_string())).unwrap()
        };
        let before = watch.of(&number).len();
        simulator.inside().world.happen(Message::public(id, Author::Customer, None));
        half_minutes(&mut watch, 1).await;
        assert!(watch.of(&number).len() > before);
        simulator.mend();
        half_minutes(&mut watch, 60).await;
        assert!(tries(&simulator, AGENTS) > 0);
        simulator.fault(AGENTS, fault());
        half_minutes(&mut watch, 30).await;
        assert_eq!(watch.skipped, 2, "it is named anew once it was read meanwhile");
    }
}

#[tokio::test]
async fn what_is_wrong_with_all_fails_the_poll() {
    for (fault, word) in [(said(401, "Invalid token"), "auth"), (said(429, "slow"), "throttled")] {
        let simulator = Simulator::start(small(), Zammad::default()).await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(&mut source, &simulator);
        watch.settle().await;
        simulator.fault(AGENTS, fault);
        simulator.inside().world.stand_still(TimeDelta::minutes(11));
        assert_eq!(watch.first_error().await.unwrap().word(), word);
    }
}

#[tokio::test]
async fn groups_that_cannot_be_read_at_the_start_hold_up_nothing_and_are_told_when_they_can() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    simulator.fault(GROUPS, fault());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(&mut source, &simulator);
    watch.settle().await;
    let teams = |watch: &Watch<'_>| {
        let team = |event: &Event| match &event.kind {
            EventKind::Team { name, .. } => Some(name.clone()),
            _ => None,
        };
        watch.told.iter().filter_map(team).collect::<BTreeSet<_>>()
    };
    let (open, named) = {
        let world = &simulator.inside().world;
        let open: Vec<_> = world.open().map(|chat| (chat.number.to_string(), chat.team.unwrap_or(0))).collect();
        let named: BTreeSet<String> = open.iter().map(|(_, team)| world.teams[*team].name.clone()).collect();
        (open, named)
    };
    assert!(open.iter().all(|(number, _)| !watch.of(number).is_empty()), "all that is open is told");
    assert_eq!(teams(&watch), named, "the tickets name their groups");
    half_minutes(&mut watch, 50).await;
    assert!((4..=6).contains(&tries(&simulator, GROUPS)), "less and less often");
    assert!(watch.skipped == 1 && watch.reasons[0].contains("groups: can't be read: "), "{:?}", watch.reasons);
    simulator.mend();
    half_minutes(&mut watch, 60).await;
    assert_eq!(tries(&simulator, GROUPS), 1, "once it is known there is nothing to ask for");
    let all: BTreeSet<String> = simulator.inside().world.teams.iter().map(|team| team.name.clone()).collect();
    assert_eq!(teams(&watch), all);
}

#[tokio::test]
async fn groups_that_the_config_names_are_needed() {
    let simulator = Simulator::start(small(), Zammad::default()).await;
    simulator.fault(GROUPS, fault());
    let mut source = source(&simulator, &json!({"groups": ["Billing"]}), Duration::ZERO);
    let error = Watch::new(&mut source, &simulator).first_error().await.unwrap();
    assert!(error.word() == "failing" && error.to_string().contains("Error ID 1f2e"), "{error}");
}
