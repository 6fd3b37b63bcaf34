//! Satisfaction answers: more surveys than one poll reads, places in their list that are good no more, and restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::EventKind;
use helptop::source::demo::Params;
use serde_json::json;

use super::{Account, source};
use crate::agree::{Watch, start};
use crate::server::{Fault, Simulator};
use crate::world::World;

/// Surveys of a page here, and of one poll.
const PAGE: usize = 3;
const POLL: usize = 5 * PAGE;

/// A desk in the morning.
async fn desk() -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, Account { page: PAGE, ..Account::usual() }).await
}

/// Customers of so many active chats answer, the first at `nth`.
fn answer(simulator: &Simulator, nth: usize, count: usize) {
    let world = &mut simulator.inside().world;
    world.stand_still(TimeDelta::seconds(1));
    let chats: Vec<_> = world.open().skip(nth).take(count).map(|chat| chat.id.clone()).collect();
    assert_eq!(chats.len(), count);
    for conversation in chats {
        world.happen(EventKind::Rated { conversation, score: 4.0, scale: 5.0, comment: None });
    }
}

/// Time goes on, and nothing happens.
async fn quietly(watch: &mut Watch<'_>, span: TimeDelta) {
    watch.simulator.inside().world.stand_still(span);
    watch.settle().await;
}

/// How often each answer was told, by its chat.
fn told(watch: &Watch<'_>) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for event in &watch.told {
        if let EventKind::Rated { conversation, .. } = &event.kind {
            *told.entry(conversation.to_string()).or_default() += 1;
        }
    }
    told
}

/// The pages of surveys that were asked for, by their cursors.
fn pages(simulator: &Simulator) -> Vec<String> {
    let of = |line: String| line.split_once("satisfaction-surveys?").map(|(_, query)| query.to_owned());
    let place = |query: String| query.split_once("cursor=").map_or_else(String::new, |(_, place)| place.to_owned());
    simulator.asked().into_iter().filter_map(of).map(place).collect()
}

#[tokio::test]
async fn a_look_goes_on_where_the_poll_before_has_stopped() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    answer(&simulator, 0, 3 * POLL);
    simulator.inside().world.stand_still(TimeDelta::minutes(11));
    pages(&simulator);
    let (mut polls, mut places) = (0, Vec::new());
    loop {
        let batch = watch.poll().await.unwrap();
        let some = pages(&simulator);
        assert!(some.len() <= 5, "{some:?}");
        polls += usize::from(!some.is_empty());
        places.extend(some);
        if !batch.more {
            break;
        }
    }
    assert!(polls >= 3, "{polls}");
    let distinct: std::collections::BTreeSet<_> = places.iter().collect();
    assert_eq!(distinct.len(), places.len(), "each page once");
    let all = told(&watch);
    assert_eq!((all.len(), all.values().sum::<usize>()), (3 * POLL, 3 * POLL));
    // The next look begins at the newest, and finds one that was made long ago and answered now.
    quietly(&mut watch, TimeDelta::seconds(60)).await;
    assert_eq!(pages(&simulator), Vec::<String>::new(), "every ten minutes");
    answer(&simulator, 3 * POLL, 1);
    quietly(&mut watch, TimeDelta::seconds(600)).await;
    assert_eq!(pages(&simulator).first().map(String::as_str), Some(""));
    assert_eq!(told(&watch).values().sum::<usize>(), 3 * POLL + 1);
}

#[tokio::test]
async fn an_answer_is_told_once_however_long_its_survey_is_shown() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    answer(&simulator, 0, 2);
    // Nobody else is asked for a week: these two stay on the first page.
    for _ in 0..8 {
        quietly(&mut watch, TimeDelta::days(1)).await;
    }
    assert_eq!(told(&watch).into_values().collect::<Vec<_>>(), [1, 1]);
    assert!(pages(&simulator).len() >= 8);
}

#[tokio::test]
async fn a_survey_of_more_than_three_days_ago_is_not_looked_at() {
    for (hours, expected) in [(71, 2), (73, 0)] {
        let simulator = desk().await;
        let mut watch = super::watched(&simulator).await;
        simulator.fault("satisfaction-surveys?", Fault::edited(|body| body["data"] = json!([])));
        answer(&simulator, 0, 2);
        quietly(&mut watch, TimeDelta::hours(hours)).await;
        simulator.mend();
        quietly(&mut watch, TimeDelta::minutes(10)).await;
        assert_eq!(told(&watch).len(), expected, "{hours} hours");
    }
}

#[tokio::test]
async fn a_place_in_the_list_that_is_good_no_more_ends_the_look_and_the_next_begins_anew() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    answer(&simulator, 0, 2 * POLL);
    simulator.inside().world.stand_still(TimeDelta::minutes(11));
    while told(&watch).len() < POLL {
        assert!(watch.poll().await.unwrap().more);
    }
    simulator.fault("satisfaction-surveys?", Fault::said(400, r#"{"error":{"msg":"Invalid cursor"}}"#));
    watch.settle().await;
    assert_eq!(told(&watch).len(), POLL);
    simulator.mend();
    quietly(&mut watch, TimeDelta::seconds(300)).await;
    assert_eq!(told(&watch).len(), POLL, "not at once again");
    quietly(&mut watch, TimeDelta::seconds(301)).await;
    let all = told(&watch);
    assert_eq!((all.len(), all.values().max()), (2 * POLL, Some(&1)));
}

#[tokio::test]
async fn what_a_look_had_not_reached_is_told_after_a_restart() {
    let simulator = desk().await;
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    watch.settle().await;
    answer(&simulator, 0, 2 * POLL);
    // Longer than what a restart looks back.
    for _ in 0..3 {
        simulator.inside().world.stand_still(TimeDelta::minutes(9));
        simulator.fault("satisfaction-surveys?", Fault::edited(|body| body["data"] = json!([])));
        while told(&watch).is_empty() {
            let batch = watch.poll().await.unwrap();
            if !batch.more {
                break;
            }
        }
    }
    simulator.mend();
    simulator.inside().world.stand_still(TimeDelta::minutes(11));
    while told(&watch).len() < POLL {
        assert!(watch.poll().await.unwrap().more);
    }
    let (before, cursor) = (told(&watch), watch.cursor.take());
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor = cursor;
    watch.settle().await;
    let after = told(&watch);
    let all: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    assert_eq!(all.len(), 2 * POLL);
}

#[tokio::test]
async fn a_list_that_never_ends_is_left() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    answer(&simulator, 0, 1);
    let count = std::sync::atomic::AtomicUsize::new(0);
    simulator.fault(
        "satisfaction-surveys?",
        Fault::edited(move |body| {
            let row = json!({"id": 1, "ticket_id": 1, "created_datetime": "2026-12-01T00:00:00"});
            let nth = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            *body = json!({"data": [row], "meta": {"next_cursor": format!("c-{nth}")}});
        }),
    );
    pages(&simulator);
    quietly(&mut watch, TimeDelta::minutes(11)).await;
    assert_eq!(pages(&simulator).len(), 500);
}

/// A ticket that ended before the start and is known to nobody.
#[tokio::test]
async fn an_answer_about_a_ticket_that_is_not_known_is_told_behind_its_ticket() {
    let simulator = desk().await;
    let mut watch = super::watched(&simulator).await;
    let ended: Vec<_> = {
        let world = &mut simulator.inside().world;
        world.stand_still(TimeDelta::seconds(1));
        let before = world.now - TimeDelta::hours(2);
        let ended = world.chats.iter().filter(|chat| chat.status.is_ended() && chat.status_at < before);
        let ended: Vec<_> =
            ended.filter(|chat| chat.merged_into.is_none()).take(3).map(|chat| chat.id.clone()).collect();
        for conversation in &ended {
            let conversation = conversation.clone();
            world.happen(EventKind::Rated { conversation, score: 2.0, scale: 5.0, comment: None });
        }
        ended.iter().map(|id| world.chat_number(id.as_str()).unwrap().to_string()).collect()
    };
    assert_eq!(ended.len(), 3);
    quietly(&mut watch, TimeDelta::minutes(11)).await;
    quietly(&mut watch, TimeDelta::minutes(1)).await;
    for id in ended {
        let kinds: Vec<_> = watch.of(&id).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(
            (kinds.first().map(String::as_str), kinds.last().map(String::as_str)),
            (Some("opened"), Some("rated"))
        );
        assert_eq!(kinds.iter().filter(|kind| *kind == "rated").count(), 1);
    }
}

#[tokio::test]
async fn who_asks_for_more_history_gets_its_answers_too() {
    let simulator = desk().await;
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    watch.settle().await;
    assert!(told(&watch).is_empty());
    let cursor = watch.cursor.take();
    let mut second = source(&simulator, &json!({}), Duration::from_hours(8));
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor = cursor;
    watch.settle().await;
    let all = told(&watch);
    assert!(all.len() > 5 && all.values().all(|count| *count == 1), "{all:?}");
}
