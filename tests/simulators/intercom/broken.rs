//! One thing that can't be read, for a while or for good: the rest is told all the same, and it is not forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, ConversationId, Event, EventKind, Message};
use helptop::source::Cursor;
use helptop::source::demo::Params;
use serde_json::json;

use super::{Workspace, day, failed, simulator, source};
use crate::agree::{Watch, agree_now, start};
use crate::contract::active;
use crate::server::{Fault, Reply, Simulator};

async fn small() -> Simulator {
    of(Workspace { bots_answer: true, ..Workspace::usual() }).await
}

async fn of(workspace: Workspace) -> Simulator {
    let simulator = simulator(Params { seed: 1, agents: 6, chats: 120 }, workspace).await;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

/// What a server can do instead of answering.
fn faults() -> Vec<(&'static str, Fault)> {
    let said = |status, code| Fault::Answer(Reply::json(status, &failed(code, "that one can't be shown")));
    vec![
        ("(500)", said(500, "server_error")),
        ("(400)", said(400, "parameter_invalid")),
        ("(403)", said(403, "forbidden")),
        ("(413)", said(413, "too_large")),
        ("ends too early", Fault::Truncated),
        ("expected a time", Fault::edited(|body| body["created_at"] = "soon".into())),
    ]
}

/// The line of a request for one conversation.
fn line(number: u64) -> &'static str {
    format!("GET /conversations/{number}?").leak()
}

/// Numbers of conversations that were asked for by themselves since the last call.
fn asked(simulator: &Simulator) -> Vec<u64> {
    let number = |line: &String| line.strip_prefix("GET /conversations/")?.split('?').next()?.parse().ok();
    simulator.asked().iter().filter_map(number).collect()
}

/// The board of what was told is that of the stream.
fn agrees(watch: &Watch<'_>, stream: &[Event]) {
    let world = &watch.simulator.inside().world;
    agree_now(&watch.told, stream, world, &watch.source.capabilities(), &day::terms());
}

async fn for_minutes(watch: &mut Watch<'_>, minutes: usize) {
    for _ in 0..2 * minutes {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_at_a_start_holds_up_no_other_and_is_told_after_all() {
    for (words, fault) in faults() {
        let simulator = small().await;
        // A bot has the last word: then the parts are asked for.
        let (id, broken) = simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
        for from in [Author::Customer, Author::Bot] {
            simulator.inside().world.happen(Message::public(id.clone(), from, None));
        }
        let mut stream = simulator.inside().world.take_stream();
        simulator.fault(line(broken), fault);

        let mut first = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(first.as_mut(), &simulator);
        let (_, batch) = watch.settle().await;
        assert!(!batch.partial, "{words}");
        let told: BTreeSet<String> = active(&watch.told).iter().map(ToString::to_string).collect();
        let open = simulator.inside().world.open().map(|chat| chat.number.to_string()).collect();
        assert_eq!(told, open, "{words}: what its fields say is told");
        assert_eq!((watch.reasons.len(), watch.reasons[0].contains(words)), (1, true), "{:?}", watch.reasons);
        assert!(watch.reasons[0].contains(&broken.to_string()), "{:?}", watch.reasons);

        asked(&simulator);
        for_minutes(&mut watch, 60).await;
        let tries = asked(&simulator).iter().filter(|number| **number == broken).count();
        assert!((4..=6).contains(&tries), "{words}: asked {tries} times in an hour");
        assert_eq!(watch.skipped, 1, "{words}: it is named once: {:?}", watch.reasons);

        // It goes on after a stop where it can be read by then.
        let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        simulator.mend();
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        second.remember(&active(&told));
        let mut watch = Watch::new(second.as_mut(), &simulator);
        (watch.told, watch.cursor) = (told, cursor);
        watch.settle().await;
        assert_eq!(asked(&simulator).iter().filter(|number| **number == broken).count(), 1, "{words}");
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_any_more_holds_up_no_news() {
    for (words, fault) in faults() {
        let simulator = small().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        let chats: Vec<(ConversationId, u64)> =
            simulator.inside().world.open().take(3).map(|chat| (chat.id.clone(), chat.number)).collect();
        let write = |nth: usize| {
            let id = chats[nth].0.clone();
            simulator.inside().world.happen(Message::public(id, Author::Customer, None));
        };
        simulator.fault(line(chats[0].1), fault);
        // Alone, so that nothing else shows that the server is well.
        write(0);
        for_minutes(&mut watch, 1).await;
        write(0);
        write(1);
        for_minutes(&mut watch, 1).await;
        let words_of = |watch: &Watch<'_>, nth: usize| {
            let all = watch.of(&chats[nth].1.to_string());
            all.iter().filter(|event| event["type"] == "message" && event["from"] == "customer").count()
        };
        let before = (words_of(&watch, 0), words_of(&watch, 1));
        assert!(before.1 > 0, "{words}");
        assert_eq!((watch.skipped, watch.reasons[0].contains(words)), (1, true), "{:?}", watch.reasons);
        simulator.mend();
        for_minutes(&mut watch, 8).await;
        assert!(words_of(&watch, 0) >= before.0.max(2), "{words}");
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn who_was_answered_in_one_that_cannot_be_read_waits_no_more() {
    for is_restarted in [false, true] {
        let simulator = small().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun(source(&simulator, &json!({}), Duration::ZERO), &simulator).await;
        let (id, broken, agent) = {
            let inside = simulator.inside();
            let waits = |chat: &&crate::world::Chat| chat.waiting_since.is_some() && chat.holder.is_some();
            let chat = inside.world.open().find(waits).unwrap();
            (chat.id.clone(), chat.number, inside.world.agents[chat.holder.unwrap()].id.clone())
        };
        simulator.fault(line(broken), Fault::Answer(Reply::json(500, &failed("server_error", "no"))));
        let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        let mut second = source(&simulator, &json!({}), Duration::ZERO);
        let mut after = Watch::new(second.as_mut(), &simulator);
        if is_restarted {
            after.source.remember(&active(&told));
            (after.told, after.cursor) = (told, cursor);
        } else {
            (watch.told, watch.cursor) = (told, cursor);
        }
        let watch = if is_restarted { &mut after } else { &mut watch };
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        simulator.inside().world.happen(Message::public(id, Author::Agent, Some(agent)));
        for_minutes(watch, 3).await;
        assert!(asked(&simulator).contains(&broken));
        stream.extend(simulator.inside().world.take_stream());
        agrees(watch, &stream);
    }
}

#[tokio::test]
async fn where_none_can_be_read_the_source_fails() {
    for (words, fault) in faults() {
        let simulator = small().await;
        let mut stream = simulator.inside().world.take_stream();
        let mut source = source(&simulator, &json!({}), Duration::ZERO);
        let mut watch = Watch::new(source.as_mut(), &simulator);
        watch.settle().await;
        simulator.fault("GET /conversations/", fault);
        let chats: Vec<ConversationId> = simulator.inside().world.open().take(2).map(|chat| chat.id.clone()).collect();
        for id in chats {
            simulator.inside().world.happen(Message::public(id, Author::Customer, None));
        }
        for _ in 0..3 {
            let error = watch.poll().await.unwrap_err();
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
        simulator.mend();
        watch.later(30).await;
        assert_eq!(watch.skipped, 0, "{:?}", watch.reasons);
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream);
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_holds_up_no_history_and_is_told_after_a_stop() {
    let simulator = small().await;
    let backfill = Duration::from_hours(9);
    let mut scout = source(&simulator, &json!({}), backfill);
    let mut watch = Watch::new(scout.as_mut(), &simulator);
    watch.settle().await;
    let all: BTreeSet<u64> = asked(&simulator).into_iter().collect();
    let is_ended = |number: &&u64| simulator.inside().world.chat(**number).unwrap().status.is_ended();
    let broken = *all.iter().find(is_ended).unwrap();
    for (words, fault) in faults() {
        simulator.mend();
        simulator.fault(line(broken), fault);
        let mut told: BTreeSet<u64> = BTreeSet::new();
        let mut cursor: Option<Cursor> = None;
        for nth in 0..2 {
            let mut one = source(&simulator, &json!({}), backfill);
            let mut watch = Watch::new(one.as_mut(), &simulator);
            watch.cursor = cursor.take();
            watch.settle().await;
            told.extend(watch.told.iter().filter_map(|event| event.kind.conversation()?.as_str().parse::<u64>().ok()));
            assert_eq!(told.contains(&broken), nth == 1, "{words}");
            assert_eq!(told.len(), all.iter().filter(|number| is_ended(number)).count() - 1 + nth + open(&simulator));
            cursor = watch.cursor.take();
            simulator.mend();
        }
    }
}

fn open(simulator: &Simulator) -> usize {
    simulator.inside().world.open().count()
}

/// So many customer's messages are told of a conversation.
fn asked_in(watch: &Watch<'_>, number: u64) -> usize {
    let is_asked = |event: &&serde_json::Value| event["type"] == "message" && event["from"] == "customer";
    watch.of(&number.to_string()).iter().filter(is_asked).count()
}

/// A customer writes; whether that is told by the next look.
async fn news_come(watch: &mut Watch<'_>) -> bool {
    let chat = watch.simulator.inside().world.open().next().map(|chat| (chat.id.clone(), chat.number)).unwrap();
    let before = asked_in(watch, chat.1);
    watch.simulator.inside().world.happen(Message::public(chat.0, Author::Customer, None));
    for_minutes(watch, 1).await;
    asked_in(watch, chat.1) > before
}

#[tokio::test]
async fn what_is_asked_for_besides_the_news_holds_them_up_at_no_time() {
    for path in ["/admins", "/teams", "/away_status_reasons"] {
        for is_at_start in [false, true] {
            let simulator = small().await;
            let mut stream = simulator.inside().world.take_stream();
            let mut source = source(&simulator, &json!({}), Duration::ZERO);
            let mut watch = Watch::new(source.as_mut(), &simulator);
            if !is_at_start {
                watch.settle().await;
            }
            simulator.fault(path, Fault::Answer(Reply::json(500, &failed("server_error", "no"))));
            watch.settle().await;
            simulator.asked();
            assert!(news_come(&mut watch).await, "{path}");
            for_minutes(&mut watch, 60).await;
            assert!(news_come(&mut watch).await, "{path}");
            let tries = simulator.asked().iter().filter(|line| line.contains(path)).count();
            assert!((3..=7).contains(&tries), "{path}: asked {tries} times in an hour");
            assert_eq!((watch.skipped, watch.reasons[0].contains("(500)")), (1, true), "{:?}", watch.reasons);
            let gone = watch.told.iter().filter(|event| {
                matches!(&event.kind, EventKind::Agent(agent) if agent.active == Some(false) && agent.name != "Finance")
            });
            assert_eq!(gone.count(), 0, "{path}: nobody has left");
            simulator.mend();
            for_minutes(&mut watch, 60).await;
            stream.extend(simulator.inside().world.take_stream());
            agrees(&watch, &stream);
        }
    }
}

#[tokio::test]
async fn a_search_besides_that_of_news_holds_them_up_at_no_time() {
    let count: &[&str] = &["\"per_page\":1}", "\"OR\""];
    let walk: &[&str] = &["\"per_page\":150", "\"OR\""];
    for fails in [count, walk, &["conversation_rating.replied_at"], &["statistics.last_close_at"]] {
        let simulator = of(Workspace { fails, ..Workspace::usual() }).await;
        let mut source = source(&simulator, &json!({}), Duration::from_hours(100));
        let mut watch = Watch::new(source.as_mut(), &simulator);
        for _ in 0..8 {
            watch.poll().await.unwrap();
        }
        // So that the count does not fit.
        let gone = simulator.inside().world.open().last().map(|chat| chat.number).unwrap();
        simulator.inside().world.delete(gone);
        let now = simulator.inside().world.now;
        simulator.inside().world.stand_still(start() + TimeDelta::minutes(546) - now);
        assert!(news_come(&mut watch).await, "{fails:?}");
        for_minutes(&mut watch, 30).await;
        assert!(news_come(&mut watch).await, "{fails:?}");
        assert_eq!((watch.skipped, watch.reasons[0].contains("(500)")), (1, true), "{:?}", watch.reasons);
    }
}
