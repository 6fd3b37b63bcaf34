//! A long stop, and a change of so many that one poll can't read them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, EventKind, Message};
use helptop::source::demo::Params;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{Workspace, day, failed, show, simulator, source};
use crate::agree::{SMALL, Watch, agree_now, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

#[tokio::test]
async fn what_opened_and_ended_while_nobody_watched_is_told_however_long_that_was() {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(8));
    let mut first = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    watch.settle().await;
    let (told, mut cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
    let stopped_at = simulator.inside().world.now;
    simulator.advance(stopped_at + TimeDelta::hours(40));
    // The second is stopped before it has read all of that.
    let mut seen = BTreeSet::new();
    for (nth, most) in [7, 400].into_iter().enumerate() {
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        source.remember(&active(&told));
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.cursor = cursor.take();
        let mut is_read = false;
        for _ in 0..most {
            is_read = !watch.poll().await.unwrap().more;
        }
        assert_eq!(is_read, nth == 1, "stopped in the middle, then read to its end");
        seen.extend(watch.told.iter().filter_map(|event| event.kind.conversation().map(ToString::to_string)));
        cursor = watch.cursor.take();
    }
    let world = &simulator.inside().world;
    // What was only merged has no time of closing here.
    let ended = world.chats.iter().filter(|chat| {
        chat.opened_at > stopped_at && show::state(chat) == "closed" && show::last_close(chat).is_some()
    });
    let missed: Vec<u64> = ended.map(|chat| chat.number).filter(|number| !seen.contains(&number.to_string())).collect();
    assert_eq!(missed, Vec::<u64>::new());
}

/// Where the pages begin of which changes were asked for, since the last call.
fn pages(simulator: &Simulator) -> Vec<Option<String>> {
    let log = std::mem::take(&mut simulator.inside().log);
    let of_changes = log.into_iter().filter(|asked| asked.body["query"]["field"] == "updated_at");
    of_changes.map(|asked| asked.body["pagination"]["starting_after"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn changes_of_more_than_a_poll_can_read_are_read_by_several() {
    let few = Workspace { page: 4, ..Workspace::usual() };
    let simulator = simulator(Params { seed: 1, agents: 6, chats: 120 }, few).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    simulator.inside().world.stand_still(TimeDelta::minutes(5));
    watch.settle().await;
    let chats: Vec<ConversationId> = simulator.inside().world.open().map(|chat| chat.id.clone()).collect();
    assert!(chats.len() > 60, "{}", chats.len());
    for id in chats {
        simulator.inside().world.happen(Message::public(id, Author::Customer, None));
    }
    simulator.inside().world.stand_still(TimeDelta::seconds(5));
    pages(&simulator);
    let batch = watch.poll().await.unwrap();
    let mut read = pages(&simulator);
    assert!(batch.more && read.len() <= 8 && read[0].is_none(), "{read:?}");
    // One that fails loses nothing of what was read.
    simulator.fault("/search", Fault::Answer(Reply::json(500, &failed("server_error", "no"))));
    watch.poll().await.unwrap_err();
    simulator.mend();
    pages(&simulator);
    watch.poll().await.unwrap();
    let next = pages(&simulator);
    assert!(next[0].is_some(), "it goes on where it was: {next:?}");
    read.extend(next);
    let once: BTreeSet<&Option<String>> = read.iter().collect();
    assert_eq!(once.len(), read.len(), "no page is read twice: {read:?}");
    watch.settle().await;
    stream.extend(simulator.inside().world.take_stream());
    let world = &simulator.inside().world;
    agree_now(&watch.told, &stream, world, &watch.source.capabilities(), &day::terms());
}

/// So many customers of open chats write; the numbers of those chats.
fn write(simulator: &Simulator, most: usize) -> Vec<u64> {
    let mut inside = simulator.inside();
    let open: Vec<_> = inside.world.open().take(most).map(|chat| (chat.id.clone(), chat.number)).collect();
    for (id, _) in &open {
        inside.world.happen(Message::public(id.clone(), Author::Customer, None));
    }
    inside.world.stand_still(TimeDelta::seconds(5));
    open.into_iter().map(|(_, number)| number).collect()
}

/// Conversations that were asked for by themselves since the last call, in order.
fn read(simulator: &Simulator) -> Vec<u64> {
    let number = |line: &String| line.strip_prefix("GET /conversations/")?.split('?').next()?.parse().ok();
    simulator.asked().iter().filter_map(number).collect()
}

async fn desk() -> Simulator {
    let simulator = simulator(Params { seed: 1, agents: 6, chats: 120 }, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

#[tokio::test]
async fn what_was_read_before_a_poll_was_given_up_is_told_and_not_read_again() {
    let simulator = desk().await;
    let mut stream = simulator.inside().world.take_stream();
    let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
    simulator.inside().world.stand_still(TimeDelta::minutes(5));
    watch.settle().await;
    // The last in the list of changes, which is by time and number.
    let last = write(&simulator, 12).into_iter().min().unwrap();
    read(&simulator);
    let barrier = Arc::new(Barrier::new(2));
    simulator.fault(format!("GET /conversations/{last}?").leak(), Fault::Together(Arc::clone(&barrier)));
    tokio::select! {
        _ = watch.poll() => panic!("it has not waited"),
        _ = barrier.wait() => {}
    }
    simulator.mend();
    let first = read(&simulator);
    watch.settle().await;
    let then = read(&simulator);
    assert!(first.len() > 8 && first[..8].iter().all(|number| !then.contains(number)), "{first:?}, then {then:?}");
    stream.extend(simulator.inside().world.take_stream());
    let world = &simulator.inside().world;
    agree_now(&watch.told, &stream, world, &watch.source.capabilities(), &day::terms());
}

#[tokio::test(start_paused = true)]
async fn on_a_slow_api_news_and_history_go_on_poll_by_poll() {
    let simulator = desk().await;
    let mut stream = simulator.inside().world.take_stream();
    let mut source = source(&simulator, &json!({}), Duration::from_hours(3));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    simulator.fault("GET /conversations/", Fault::Slow(Duration::from_secs(9)));
    let mut polls = 0;
    for is_news in [false, true] {
        if is_news {
            assert!(write(&simulator, 60).len() > 50);
        }
        // Who polls gives up after a minute.
        while tokio::time::timeout(Duration::from_mins(1), watch.poll()).await.unwrap().unwrap().more {
            polls += 1;
            assert!(polls < 100);
        }
    }
    stream.extend(simulator.inside().world.take_stream());
    let world = &simulator.inside().world;
    agree_now(&watch.told, &stream, world, &watch.source.capabilities(), &day::terms());
}

#[tokio::test]
async fn of_many_ratings_none_is_lost_however_many_pages_they_are() {
    for is_stopped in [false, true] {
        let few = Workspace { page: 3, ratings_are_silent: true, ..Workspace::usual() };
        let simulator = simulator(Params { seed: 1, agents: 6, chats: 120 }, few).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
        let ended: Vec<_> = {
            let inside = simulator.inside();
            let ended = inside.world.chats.iter().filter(|chat| chat.status.is_ended() && chat.merged_into.is_none());
            ended.filter(|chat| chat.ratings.is_empty()).take(40).map(|chat| (chat.id.clone(), chat.number)).collect()
        };
        assert_eq!(ended.len(), 40);
        for (conversation, _) in &ended {
            let conversation = conversation.clone();
            let rated = EventKind::Rated { conversation, score: 2.0, scale: 5.0, comment: None };
            simulator.inside().world.happen(rated);
        }
        if is_stopped {
            simulator.inside().world.stand_still(TimeDelta::minutes(5));
            watch.settle().await;
        }
        let mut told = std::mem::take(&mut watch.told);
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        let mut after = Watch::new(second.as_mut(), &simulator);
        if is_stopped {
            after.source.remember(&active(&told));
            after.cursor = watch.cursor.take();
        }
        let watch = if is_stopped { &mut after } else { &mut watch };
        for _ in 0..2 {
            simulator.inside().world.stand_still(TimeDelta::minutes(11));
            watch.settle().await;
        }
        told.append(&mut watch.told);
        let rated: BTreeSet<String> = told
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Rated { .. }))
            .filter_map(|event| event.kind.conversation().map(ToString::to_string))
            .collect();
        assert!(ended.iter().all(|(_, number)| rated.contains(&number.to_string())), "{is_stopped}: {}", rated.len());
    }
}

#[tokio::test]
async fn of_whom_it_is_not_said_whether_they_are_away_is_named() {
    let simulator = simulator(SMALL, Workspace::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator.fault(
        "/admins",
        Fault::rows("/admins", |row: &mut Value| {
            row.as_object_mut().unwrap().remove("away_mode_enabled");
        }),
    );
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.settle().await;
    watch.later(30).await;
    assert_eq!(watch.reasons.len(), 1, "{:?}", watch.reasons);
    assert!(watch.reasons[0].contains("at `admins[].away_mode_enabled`"), "{:?}", watch.reasons);
    assert!(!watch.told.iter().any(|event| matches!(event.kind, EventKind::Presence { .. })));
}

#[tokio::test]
async fn a_place_in_the_first_list_that_is_good_no_more_is_given_up() {
    for fault in [
        Fault::Answer(Reply::json(400, &failed("parameter_invalid", "starting_after is not valid"))),
        Fault::Answer(Reply::json(500, &failed("server_error", "no"))),
    ] {
        let few = Workspace { page: 4, ..Workspace::usual() };
        let simulator = simulator(Params { seed: 1, agents: 6, chats: 120 }, few).await;
        simulator.advance(start() + TimeDelta::hours(9));
        let stream = simulator.inside().world.take_stream();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.poll().await.unwrap();
        watch.poll().await.unwrap();
        let is_refusal = matches!(&fault, Fault::Answer(reply) if reply.status == 400);
        simulator.fault("/search", fault);
        let error = watch.poll().await.unwrap_err();
        assert_eq!(error.word(), "failing", "no setting is wrong: {error}");
        simulator.mend();
        simulator.inside().log.clear();
        watch.poll().await.unwrap();
        let first = simulator.inside().log.first().unwrap().body["pagination"]["starting_after"].clone();
        assert_eq!(first.is_null(), is_refusal, "{first}");
        watch.settle().await;
        let world = &simulator.inside().world;
        agree_now(&watch.told, &stream, world, &watch.source.capabilities(), &day::terms());
    }
}
