//! A simulated day, workspaces of several kinds, restarts, and history.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{EventKind, Timestamp};
use helptop::source::Cursor;
use serde_json::json;

use super::endings::agree_on_endings;
use super::{Workspace, seconds, show, shown, simulator, smallest, source};
use crate::agree::{SMALL, Terms, Watch, agree, agree_now, params, start};

pub fn terms() -> Terms {
    Terms { presence: Some(shown), ..Terms::exact() }
}

#[tokio::test]
async fn a_day_is_told_as_it_was_within_the_smallest_limit() {
    let simulator = simulator(params(), Workspace::usual()).await;
    simulator.inside().limiter = Some(smallest());
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &terms()).await;
}

#[tokio::test]
async fn it_is_the_same_where_bots_end_the_vendors_wait_and_answers_hold_few_parts() {
    let odd = Workspace { bots_answer: true, most_parts: 6, ..Workspace::usual() };
    for odd in [Workspace { most_parts: 500, ..odd }, Workspace { bots_answer: false, ..odd }] {
        let simulator = simulator(params(), odd).await;
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        agree(source.as_mut(), &simulator, &terms()).await;
    }
}

#[tokio::test]
async fn a_search_that_lags_is_late_and_loses_nothing() {
    let lag = TimeDelta::seconds(60);
    let simulator = simulator(params(), Workspace { lag, ..Workspace::usual() }).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    agree(source.as_mut(), &simulator, &Terms { lag: lag + TimeDelta::seconds(1), ..terms() }).await;
}

#[tokio::test]
async fn a_start_anew_after_a_short_and_a_long_pause_agrees() {
    for hours in [2, 9] {
        let simulator = simulator(params(), Workspace::usual()).await;
        simulator.advance(start() + TimeDelta::hours(8));
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
        watch.later(60).await;
        let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());

        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::hours(hours));
        let active = crate::contract::active(&told);
        let gone = active[0].as_str().parse().unwrap();
        simulator.inside().world.delete(gone);
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        second.remember(&active);
        let mut watch = Watch::new(second.as_mut(), &simulator);
        watch.told.clone_from(&told);
        watch.cursor = cursor;
        watch.settle().await;
        stream.extend(simulator.inside().world.take_stream());
        agree_now(&watch.told, &stream, &simulator.inside().world, &watch.source.capabilities(), &terms());
        assert!(agree_on_endings(&watch.told, &stream, &simulator.inside().world) > 30);
    }
}

/// Reads the history to its end, from a cursor on; the news never wait for it.
async fn read_history(watch: &mut Watch<'_>, most: usize) -> usize {
    let mut was_history = false;
    for nth in 0..most {
        let batch = watch.poll().await.unwrap();
        assert!(!(was_history && batch.history), "the news never wait for the past");
        was_history = batch.history;
        if !batch.more {
            return nth;
        }
    }
    most
}

#[tokio::test]
async fn history_is_told_whole_and_dated_and_goes_on_after_a_stop() {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(20));
    let mut told = Vec::new();
    let mut cursor: Option<Cursor> = None;
    let mut asked = Vec::new();
    for most in [14, 500] {
        let mut source = source(&simulator, &json!({}), Duration::from_hours(18));
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.cursor = cursor.take();
        assert_eq!(
            read_history(&mut watch, most).await == most,
            most == 14,
            "stopped in the middle, then read to its end"
        );
        told.append(&mut watch.told);
        cursor = watch.cursor.take();
        asked.push(simulator.asked().len());
    }
    let mut source = source(&simulator, &json!({}), Duration::from_hours(18));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.cursor = cursor;
    read_history(&mut watch, 500).await;
    assert!(simulator.asked().len() < 20, "what was told is not read again");
    watch.told = told;
    let world = &simulator.inside().world;
    let ended = world.changed_since(world.now - TimeDelta::hours(18));
    let ended: Vec<_> = ended
        .into_iter()
        .filter(|chat| {
            let closed_at = show::last_close(chat);
            show::state(chat) == "closed" && closed_at.is_some_and(|at| at >= world.now - TimeDelta::hours(18))
        })
        .collect();
    assert!(ended.len() > 30, "{}", ended.len());
    for chat in ended {
        let mut events = watch.of(&chat.number.to_string());
        // What is told again is the same.
        let mut once = Vec::new();
        events.retain(|event| {
            !once.contains(event) && {
                once.push(event.clone());
                true
            }
        });
        let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).cloned().collect::<Vec<_>>();
        let floor = |at: Timestamp| Timestamp::from_millis(seconds(at) * 1000).to_string();
        // Where nobody spoke at the begin, a bot did.
        let messages = of("message").into_iter().filter(|event| event["from"] != "bot").count();
        let said = chat.messages.iter().filter(|said| said.from != helptop::event::Author::Bot).count();
        assert_eq!(messages, said, "{events:?}");
        assert_eq!(of("opened")[0]["at"], floor(chat.opened_at));
        let closed_at = of("status").last().map(|event| event["at"].as_str().unwrap().to_owned());
        assert_eq!(closed_at, show::last_close(chat).map(floor), "{events:?}");
        let assigned = chat.log.iter().filter(|logged| matches!(logged.kind, EventKind::Assigned(_))).count();
        assert!(of("assigned").len() >= assigned, "{events:?}");
        assert_eq!(of("rated").len(), usize::from(show::rating(chat).is_some()), "{events:?}");
    }
    drop(watch);
}

#[tokio::test]
async fn a_merger_is_nobodys_ending_whatever_its_part_is_called() {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    let chats: Vec<_> = simulator.inside().world.open().map(|chat| (chat.id.clone(), chat.number)).collect();
    for rest in [0, 1] {
        let [one, other] = [0, 1].map(|nth| chats.iter().filter(|(_, number)| number % 2 == rest).nth(nth).unwrap());
        let (conversation, into) = (one.0.clone(), other.0.clone());
        simulator.inside().world.happen(EventKind::Merged { conversation, into });
        watch.later(30).await;
        let told = watch.of(&one.1.to_string());
        let last = told.last().unwrap();
        assert_eq!((&last["type"], &last["into"]), (&json!("merged"), &json!(other.1.to_string())), "{told:?}");
        assert!(!told.iter().any(|event| event["status"] == "closed"), "{told:?}");
    }
}

#[tokio::test]
async fn a_rating_of_what_ended_long_ago_is_found() {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let chat = {
        let world = &simulator.inside().world;
        let ended = world.chats.iter().find(|chat| chat.status.is_ended() && chat.ratings.is_empty());
        ended.map(|chat| (chat.id.clone(), chat.number)).unwrap()
    };
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    simulator.inside().world.happen(EventKind::Rated { conversation: chat.0, score: 2.0, scale: 5.0, comment: None });
    let before = watch.requests;
    for _ in 0..25 {
        watch.later(30).await;
    }
    let rated = watch.of(&chat.1.to_string()).into_iter().filter(|event| event["type"] == "rated").count();
    assert_eq!(rated, 1);
    assert!(watch.requests > before);
}
