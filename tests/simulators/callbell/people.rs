//! Who is there: seen in as few teams as show everybody, and behind what is new in chats.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Agent, Assigned, Author, Capability, EventKind, Message, PresenceState, TeamId, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::bad::small;
use super::{Account, begun, email, number, source, uuid};
use crate::agree::Watch;
use crate::server::{Fault, Simulator};

/// The teams of each agent. The first two show everybody; the fourth is empty.
const TEAMS: [&[usize]; 5] = [&[0, 1], &[0, 2], &[0], &[1, 2], &[0]];

async fn desk() -> Simulator {
    let simulator = small(Account::usual()).await;
    for (agent, teams) in simulator.inside().world.agents.iter_mut().zip(TEAMS) {
        agent.teams = teams.to_vec();
    }
    simulator
}

/// The teams whose members were asked for since the last call, by their numbers from 1 on, a number for each page.
fn teams_read(simulator: &Simulator) -> Vec<u64> {
    let lines = simulator.asked().into_iter();
    let mut read: Vec<u64> =
        lines.filter_map(|line| number(line.split_once("/teams/")?.1.split('/').next()?)).collect();
    read.sort_unstable();
    read
}

fn team_id(place: usize) -> TeamId {
    TeamId::new(uuid(place as u64 + 1))
}

/// A refresh, half a minute later.
async fn refresh(watch: &mut Watch<'_>) {
    watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
    watch.settle().await;
}

/// An agent changes between online and away, now.
fn switch(simulator: &Simulator, place: usize) -> (PresenceState, Timestamp) {
    let world = &mut simulator.inside().world;
    let agent = &mut world.agents[place];
    let state = if agent.state.is_online() { PresenceState::Away } else { PresenceState::Online };
    (agent.state, agent.state_at) = (state, world.now);
    (state, world.now)
}

fn write(simulator: &Simulator) {
    let world = &mut simulator.inside().world;
    let id = world.open().next().unwrap().id.clone();
    world.happen(Message { text: Some("any news?".into()), ..Message::public(id, Author::Customer, None) });
    world.stand_still(TimeDelta::seconds(1));
}

/// What was told of an agent last.
fn told(watch: &Watch<'_>, place: usize) -> Option<Agent> {
    let agents = watch.told.iter().rev().filter_map(|event| match &event.kind {
        EventKind::Agent(agent) if agent.id.as_str() == email(place) => Some(agent.clone()),
        _ => None,
    });
    agents.into_iter().next()
}

/// The state that was told of an agent last, and since when.
fn state(watch: &Watch<'_>, place: usize) -> Option<(PresenceState, Timestamp)> {
    watch.told.iter().rev().find_map(|event| match &event.kind {
        EventKind::Presence { agent, state, .. } if agent.as_str() == email(place) => Some((*state, event.at?)),
        _ => None,
    })
}

fn news(watch: &Watch<'_>) -> usize {
    let texts = watch.told.iter().filter_map(|event| serde_json::to_value(event).ok());
    texts.filter(|event| event["text"] == "any news?").count()
}

#[tokio::test]
async fn at_rest_as_many_teams_are_read_as_show_everybody_and_all_of_them_every_ten_minutes() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    assert_eq!(teams_read(&simulator), [1, 1, 2, 2, 3, 4], "a start reads all, and the refresh behind it two");
    for nth in 1..=40 {
        refresh(&mut watch).await;
        let expected: &[u64] = if nth % 20 == 0 { &[1, 2, 3, 4] } else { &[1, 2] };
        assert_eq!(teams_read(&simulator), expected, "refresh {nth}");
    }
}

#[tokio::test]
async fn whoever_comes_or_goes_is_seen_by_the_next_refresh_whatever_the_team() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    for place in (0..TEAMS.len()).chain(0..TEAMS.len()) {
        let expected = switch(&simulator, place);
        refresh(&mut watch).await;
        assert_eq!(state(&watch, place), Some(expected), "agent {place}");
    }
    assert_eq!(told(&watch, 3).unwrap().teams.unwrap(), [team_id(1), team_id(2)], "also those not read");
}

#[rstest]
#[case::new_in_one_that_is_read(5, &[1, 3], true, 6)]
#[case::gone_from_one_that_is_read_and_still_in_another(3, &[2], true, 6)]
#[case::gone(2, &[], true, 6)]
#[case::from_one_that_is_read_to_another(2, &[1], true, 6)]
#[case::to_one_that_is_not_read(2, &[0, 3], false, 2)]
#[case::gone_from_one_that_is_not_read(3, &[1], false, 2)]
#[case::new_in_one_that_is_not_read(5, &[3], false, 2)]
#[tokio::test]
async fn who_is_new_or_gone_is_told_by_a_reading_of_all_teams(
    #[case] place: usize,
    #[case] teams: &[usize],
    #[case] at_once: bool,
    #[case] pages: usize,
) {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    {
        let agents = &mut simulator.inside().world.agents;
        if place == agents.len() {
            agents.push(agents[0].clone());
        }
        agents[place].teams = teams.to_vec();
    }
    simulator.asked();
    watch.told.clear();
    refresh(&mut watch).await;
    assert_eq!(teams_read(&simulator).len(), pages);
    assert_eq!(told(&watch, place).is_some(), at_once);
    for _ in 0..20 {
        refresh(&mut watch).await;
    }
    let ids: Vec<_> = teams.iter().map(|team| team_id(*team)).collect();
    let agent = told(&watch, place).unwrap();
    assert_eq!(agent.active, Some(!teams.is_empty()));
    assert!(teams.is_empty() || agent.teams == Some(ids), "{agent:?}");
    let agents: Vec<_> = watch.told.iter().filter(|event| matches!(event.kind, EventKind::Agent(_))).collect();
    assert_eq!(agents.len(), 1, "nobody else changed: {agents:?}");
    // From now on as many are read as show everybody as it is now.
    let expected = switch(&simulator, place);
    refresh(&mut watch).await;
    assert_eq!(state(&watch, place) == Some(expected), !teams.is_empty());
}

#[tokio::test]
async fn somebody_unknown_who_is_given_a_chat_is_looked_for_at_once_and_one_time() {
    let simulator = desk().await;
    {
        let world = &mut simulator.inside().world;
        world.agents[4].teams.clear();
        world.chats.iter_mut().filter(|chat| chat.holder == Some(4)).for_each(|chat| chat.holder = None);
    }
    let give = |place: usize| {
        let world = &mut simulator.inside().world;
        let chat = world.open().filter(|chat| chat.holder != Some(place)).last().unwrap().id.clone();
        let to = world.agents[place].id.clone();
        world.happen(Assigned::to(chat, Some(to)));
    };
    let mut watch = begun(&simulator).await;
    for (expected, why) in [
        (&[1, 2, 3, 4][..], "nobody knows who it is"),
        (&[1, 2], "an agent in no team is in no answer, and not looked for again"),
    ] {
        give(4);
        simulator.asked();
        refresh(&mut watch).await;
        assert_eq!((teams_read(&simulator), told(&watch, 4)), (expected.to_vec(), None), "{why}");
    }
    // Once it was found, it is known; and as one that was known, looked for when it is gone.
    simulator.inside().world.agents[4].teams = vec![0];
    refresh(&mut watch).await;
    assert!(told(&watch, 4).is_some());
    simulator.inside().world.agents[4].teams.clear();
    refresh(&mut watch).await;
    assert_eq!(told(&watch, 4).unwrap().active, Some(false));
    simulator.inside().world.agents[4].teams = vec![3];
    refresh(&mut watch).await;
    assert_eq!(told(&watch, 4).unwrap().active, Some(false));
    give(4);
    refresh(&mut watch).await;
    assert_eq!(told(&watch, 4).unwrap().active, Some(true));
    assert!(state(&watch, 4).is_some_and(|(state, _)| state != PresenceState::Offline));
}

#[tokio::test]
async fn chats_are_read_before_people_and_told_also_where_people_can_not_be_read() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    write(&simulator);
    simulator.asked();
    watch.settle().await;
    let lines = simulator.asked();
    let people = lines.iter().position(|line| line.contains("/members")).unwrap();
    assert!(lines[..people].iter().filter(|line| line.contains("/contacts")).count() >= 2, "{lines:?}");
    assert!(lines[people..].iter().all(|line| line.contains("/members")), "{lines:?}");
    assert_eq!(news(&watch), 1);

    simulator.fault("/members", Fault::said(503, ""));
    let expected = switch(&simulator, 0);
    for round in 2..4 {
        write(&simulator);
        simulator.asked();
        refresh(&mut watch).await;
        assert_eq!(news(&watch), round);
        assert_eq!(teams_read(&simulator).is_empty(), round == 3, "they are left alone for a minute");
    }
    assert!(watch.reasons.len() == 1 && watch.reasons[0].starts_with("teams and presence: "), "{:?}", watch.reasons);
    assert_ne!(state(&watch, 0), Some(expected));
    simulator.mend();
    refresh(&mut watch).await;
    assert_eq!(state(&watch, 0), Some(expected));
}

#[rstest]
#[case::forbidden("/teams", 403, false)]
#[case::failing("/teams", 500, false)]
#[case::their_members("/members", 403, true)]
#[tokio::test]
async fn chats_are_told_also_where_agents_can_not_be_read_at_a_start(
    #[case] words: &'static str,
    #[case] status: u16,
    #[case] has_teams: bool,
) {
    let simulator = desk().await;
    simulator.fault(words, Fault::said(status, r#"{"message":"not in your plan"}"#));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let count =
        |watch: &Watch<'_>, kind: fn(&EventKind) -> bool| watch.told.iter().filter(|one| kind(&one.kind)).count();
    let open = simulator.inside().world.open().count();
    assert_eq!(count(&watch, |kind| matches!(kind, EventKind::Opened(_))), open);
    assert_eq!(count(&watch, |kind| matches!(kind, EventKind::Team { .. })) > 0, has_teams);
    assert!(watch.reasons.len() == 1 && watch.reasons[0].contains("not in your plan"), "{:?}", watch.reasons);
    assert_eq!((told(&watch, 0), watch.skipped), (None, 1));
    simulator.mend();
    refresh(&mut watch).await;
    refresh(&mut watch).await;
    assert!(told(&watch, 0).is_some() && state(&watch, 0).is_some());
}

#[tokio::test]
async fn a_state_that_is_not_told_is_no_state() {
    let simulator = desk().await;
    simulator.fault("/members", Fault::rows("/users", |one| one["available"] = Value::Null));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    refresh(&mut watch).await;
    assert!(told(&watch, 0).is_some());
    assert_eq!((state(&watch, 0), watch.skipped), (None, 1), "{:?}", watch.reasons);
    assert!(watch.reasons[0].contains("at `available`: expected true or false"), "{:?}", watch.reasons);
}

#[tokio::test]
async fn where_one_team_can_not_be_read_who_is_in_others_is_told_and_nobody_as_gone() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    watch.told.clear();
    let others = switch(&simulator, 0);
    simulator.inside().world.agents[2].teams.clear();
    simulator.fault(uuid(4).leak(), Fault::said(503, ""));
    for _ in 0..2 {
        refresh(&mut watch).await;
    }
    assert_eq!((told(&watch, 2), state(&watch, 0)), (None, Some(others)));
    simulator.mend();
    refresh(&mut watch).await;
    refresh(&mut watch).await;
    assert_eq!(told(&watch, 2).unwrap().active, Some(false));
}

#[tokio::test]
async fn who_is_only_in_a_team_that_can_not_be_read_is_not_known_after_five_minutes() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    let before = state(&watch, 4).unwrap();
    assert!(before.0.is_online());
    // Of those in the first team, two are in another one, too.
    simulator.fault(format!("teams/{}/", uuid(1)).leak(), Fault::said(500, "{}"));
    for nth in 1..=20 {
        let (seen, online) = (switch(&simulator, 1), watch.online());
        refresh(&mut watch).await;
        assert_eq!(state(&watch, 1), Some(seen), "refresh {nth}");
        assert!(online.is_some() && watch.source.capabilities().contains(&Capability::Presence));
        assert_eq!(state(&watch, 4).unwrap().0 == PresenceState::Offline, nth >= 10, "refresh {nth}");
    }
    let lost = state(&watch, 4).unwrap().1;
    let reasons: Vec<_> = watch.told.iter().filter_map(|event| serde_json::to_value(event).ok()).collect();
    let is_said = |event: &&Value| event["agent"] == email(4) && event["reason"] == "can't be read any more";
    assert_eq!(reasons.iter().filter(is_said).count(), 1);
    assert_eq!(watch.reasons.len(), 1, "{:?}", watch.reasons);
    simulator.mend();
    refresh(&mut watch).await;
    refresh(&mut watch).await;
    assert_eq!(state(&watch, 4), Some((before.0, lost)), "it has lasted");
}

#[tokio::test]
async fn a_team_that_was_deleted_is_nothing_wrong_and_one_that_is_listed_and_not_there_is_said() {
    let simulator = desk().await;
    let mut watch = begun(&simulator).await;
    simulator.fault(uuid(2).leak(), Fault::said(404, "{}"));
    refresh(&mut watch).await;
    assert!(watch.reasons.len() == 1 && watch.reasons[0].contains("not found (404)"), "{:?}", watch.reasons);
    let drop_it = |body: &mut Value| {
        body["teams"].as_array_mut().unwrap().remove(1);
    };
    simulator.fault("/teams?", Fault::edited(drop_it));
    simulator.asked();
    refresh(&mut watch).await;
    refresh(&mut watch).await;
    assert_eq!(teams_read(&simulator), [1, 1, 3, 3, 4], "without it everybody is seen meanwhile");
    assert_eq!(told(&watch, 3).unwrap().teams.unwrap(), [team_id(2)]);
    refresh(&mut watch).await;
    assert_eq!(teams_read(&simulator), [1, 3], "others show everybody now");
}

/// The desk with 40 more agents in the first team: three pages.
async fn big() -> Simulator {
    let simulator = desk().await;
    {
        let agents = &mut simulator.inside().world.agents;
        let one = agents[2].clone();
        agents.extend(std::iter::repeat_n(one, 40));
    }
    simulator
}

#[rstest]
#[case::as_they_are("/teams/none", || Fault::edited(|_| {}), &[1, 1, 1, 2, 3, 4])]
#[case::one_more_page_than_the_first_one_says("members?page=1", || Fault::edited(|body| body["meta"]["pages"] = 2.into()),
    &[1, 1, 1, 2, 2, 3, 3, 4])]
#[case::the_same_agent_on_two_pages("members?page=2", || Fault::edited(|body| {
    let again = body["users"][0].clone();
    body["users"].as_array_mut().unwrap().push(again);
}), &[1, 1, 1, 2, 3, 4])]
#[case::nothing_behind_an_empty_page("members?page=1", || Fault::edited(|body| if body["users"] == json!([]) {
    body["meta"]["pages"] = 9.into();
}), &[1, 1, 1, 2, 3, 4])]
#[case::pages_as_text("members?page=1", || Fault::edited(|body| {
    body["meta"]["pages"] = body["meta"]["pages"].to_string().into();
}), &[1, 1, 1, 2, 3, 4])]
#[tokio::test]
async fn all_pages_of_a_team_are_read(
    #[case] words: &'static str,
    #[case] fault: fn() -> Fault,
    #[case] pages: &[u64],
) {
    let simulator = big().await;
    simulator.fault(words, fault());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.poll().await.unwrap();
    assert_eq!(teams_read(&simulator), pages);
    for place in 0..45 {
        let teams: Vec<_> = TEAMS.get(place).unwrap_or(&TEAMS[2]).iter().map(|team| team_id(*team)).collect();
        assert_eq!(told(&watch, place).unwrap().teams, Some(teams), "agent {place}");
    }
}

#[tokio::test]
async fn an_agent_whom_a_page_leaves_out_as_it_shifts_is_not_gone() {
    let simulator = big().await;
    let mut watch = begun(&simulator).await;
    watch.told.clear();
    // Somebody of the first page leaves between the first and the second one: the next is on neither.
    let shifted = std::sync::atomic::AtomicBool::new(false);
    simulator.fault(
        "members?page=2",
        Fault::edited(move |body| {
            if !shifted.swap(true, std::sync::atomic::Ordering::Relaxed) {
                body["users"].as_array_mut().unwrap().remove(0);
            }
        }),
    );
    refresh(&mut watch).await;
    assert_eq!(watch.told, []);
}

#[tokio::test]
async fn members_are_read_several_pages_at_once() {
    let simulator = big().await;
    // Four teams, and then two more pages of the first one.
    simulator.fault("members?page=1", Fault::Together(Arc::new(Barrier::new(4))));
    let pair = Arc::new(Barrier::new(2));
    for words in ["members?page=2", "members?page=3"] {
        simulator.fault(words, Fault::Together(pair.clone()));
    }
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let polled = Watch::new(source.as_mut(), &simulator).poll().await;
    assert!(polled.is_ok_and(|batch| !batch.events.is_empty()));
}

#[tokio::test]
async fn a_state_has_its_own_time_and_the_accounts_word_for_it() {
    let simulator = desk().await;
    let at = {
        let world = &mut simulator.inside().world;
        world.stand_still(TimeDelta::seconds(30));
        let at = world.now;
        // One by the clock of somebody who is ahead: it can't have been later than the look.
        let states = [PresenceState::Busy, PresenceState::Away];
        for ((agent, state), at) in world.agents.iter_mut().zip(states).zip([at, at + TimeDelta::seconds(90)]) {
            (agent.state, agent.state_at) = (state, at);
        }
        world.stand_still(TimeDelta::seconds(30));
        at
    };
    let watch = Watch::begun(source(&simulator, &json!({"unassigned": "answers"}), Duration::ZERO), &simulator).await;
    assert_eq!(state(&watch, 0), Some((PresenceState::Online, at)));
    assert_eq!(state(&watch, 1), Some((PresenceState::Away, at + TimeDelta::seconds(30))));
    let told: Vec<Value> = watch.told.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let reasons = told.iter().filter(|event| event["type"] == "presence" && event["agent"] == email(0));
    assert_eq!(reasons.map(|event| event["reason"].clone()).collect::<Vec<_>>(), ["Focus"]);
    assert!(told.iter().any(|event| event["type"] == "agent" && event["id"] == "unassigned"), "who answers for nobody");
}
