//! What is hard to see in a list without times: who moved, what changed without moving, what is past.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{AgentId, Assigned, Author, ConversationId, EventKind, Message, Status, StatusBy};
use rstest::rstest;
use serde_json::{Value, json};

use super::bad::small;
use super::{Account, Bumps, begun, seconds, simulator, source, uuid};
use crate::agree::{SMALL, Watch, start};
use crate::server::{Fault, Simulator};

/// The open chats, the most recent first, as the list has them.
fn top(simulator: &Simulator, count: usize) -> Vec<(ConversationId, String)> {
    let world = &simulator.inside().world;
    let open = world.changed_since(helptop::event::Timestamp::MIN).into_iter().filter(|chat| !chat.status.is_ended());
    let open = open.filter(|chat| chat.merged_into.is_none() && chat.holder.is_some());
    open.take(count).map(|chat| (chat.id.clone(), uuid(chat.number))).collect()
}

fn write(simulator: &Simulator, id: &ConversationId, from: Author, words: &str) {
    let world = &mut simulator.inside().world;
    let holder = world.chats.iter().find(|chat| chat.id == *id).unwrap().holder;
    let agent = holder.filter(|_| from == Author::Agent).map(|place| world.agents[place].id.clone());
    let message = Message { text: Some(words.into()), ..Message::public(id.clone(), from, agent) };
    world.happen(message);
}

fn texts(watch: &Watch<'_>, id: &str) -> Vec<String> {
    let messages = watch.of(id).into_iter().filter(|event| event["type"] == "message");
    messages.map(|event| event["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[rstest]
#[case::in_a_list_that_tells_all(Account::usual())]
#[case::in_one_that_leaves_out_what_is_closed(Account { short_rows: true, ..Account::usual() })]
#[tokio::test]
async fn whoever_writes_again_without_moving_is_heard(#[case] account: Account) {
    let simulator = small(account).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let some = top(&simulator, 3);
    // They stand at the top in this order, and then write again in the same order.
    for round in ["one", "two"] {
        for (id, _) in some.iter().rev() {
            write(&simulator, id, Author::Customer, round);
            let now = simulator.inside().world.now;
            simulator.inside().world.stand_still(TimeDelta::seconds(1));
            assert!(simulator.inside().world.now > now);
        }
        watch.settle().await;
        for (_, id) in &some {
            assert_eq!(texts(&watch, id).iter().filter(|text| *text == round).count(), 1, "{round}");
        }
    }
}

/// They write one after the other, a second apart, and all is read.
async fn write_all(watch: &mut Watch<'_>, ids: &[&ConversationId], words: &str) {
    for id in ids {
        write(watch.simulator, id, Author::Customer, words);
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(1));
    }
    watch.settle().await;
}

#[tokio::test]
async fn whoever_moved_far_down_does_not_mix_up_those_above_who_wrote_in_their_order() {
    let simulator = simulator(crate::agree::params(), Account::usual()).await;
    simulator.advance(start() + TimeDelta::hours(9));
    let mut watch = begun(&simulator).await;
    let some = top(&simulator, 24);
    let ids: Vec<&ConversationId> = some.iter().rev().map(|(id, _)| id).collect();
    write_all(&mut watch, &ids, "in order").await;
    // Those of the first page write in their order once more, and before them two of the second page in theirs.
    let mut again = ids[2..].to_vec();
    again.swap(0, 1);
    write_all(&mut watch, &again, "again").await;
    for (id, shown) in &some {
        let expected = usize::from(again.contains(&id));
        assert_eq!(texts(&watch, shown).iter().filter(|text| *text == "again").count(), expected, "{shown}");
        assert_eq!(texts(&watch, shown).iter().filter(|text| *text == "in order").count(), 1, "{shown}");
    }
}

#[tokio::test]
async fn what_hides_those_who_wrote_below_it_is_passed_over() {
    for is_gone in [true, false] {
        let simulator = small(Account::usual()).await;
        let mut watch = begun(&simulator).await;
        let some = top(&simulator, 4);
        let ids: Vec<&ConversationId> = some.iter().rev().map(|(id, _)| id).collect();
        write_all(&mut watch, &ids, "in order").await;
        let first = if is_gone {
            // The first one goes away between the list and its messages; the next one wrote once more before it.
            simulator.fault(format!("{}/messages", some[0].1).leak(), Fault::said(404, "{}"));
            write(&simulator, &some[1].0, Author::Customer, "again");
            simulator.inside().world.stand_still(TimeDelta::seconds(1));
            write(&simulator, &some[0].0, Author::Customer, "again");
            some[1].1.clone()
        } else {
            // The first one moved up by something that can be read nowhere.
            let hidden = some[2].1.clone();
            let raise = move |body: &mut Value| {
                let Some(rows) = body["contacts"].as_array_mut() else { return };
                if let Some(place) = rows.iter().position(|row| row["uuid"] == *hidden) {
                    let row = rows.remove(place);
                    rows.insert(0, row);
                }
            };
            simulator.fault("/contacts?page=1", Fault::edited(raise));
            write(&simulator, &some[1].0, Author::Customer, "again");
            some[1].1.clone()
        };
        simulator.inside().world.stand_still(TimeDelta::seconds(1));
        watch.settle().await;
        assert_eq!(texts(&watch, &first).last().unwrap(), "again", "gone: {is_gone}");
    }
}

#[tokio::test]
async fn one_that_is_not_blocked_any_more_is_seen_where_it_stands() {
    let simulator = small(Account::usual()).await;
    let it = top(&simulator, 3).pop().unwrap().1;
    let blocked = it.clone();
    let block = move |body: &mut Value| {
        for row in body["contacts"].as_array_mut().into_iter().flatten().filter(|row| row["uuid"] == *blocked) {
            row["blockedAt"] = "2026-11-20T09:00:00Z".into();
        }
    };
    simulator.fault("/contacts?", Fault::edited(block));
    let mut watch = begun(&simulator).await;
    assert_eq!(watch.of(&it), Vec::<Value>::new());
    simulator.mend();
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    watch.settle().await;
    assert!(watch.of(&it).iter().any(|event| event["type"] == "opened"));
}

#[rstest]
#[case::the_first_one(0)]
#[case::further_down(4)]
#[tokio::test]
async fn a_blocked_one_is_ended_by_the_next_refresh_and_costs_nothing_where_it_stands(#[case] place: usize) {
    let simulator = small(Account::usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    let some = top(&simulator, 5);
    for (id, _) in some.iter().rev() {
        write(&simulator, id, Author::Customer, "hello");
        simulator.inside().world.stand_still(TimeDelta::seconds(1));
    }
    watch.settle().await;
    let (it, is_it) = (some[place].1.clone(), some[place].1.clone());
    let block = move |body: &mut Value| {
        for row in body["contacts"].as_array_mut().into_iter().flatten().filter(|row| row["uuid"] == *is_it) {
            row["blockedAt"] = "2026-11-20T09:00:00Z".into();
        }
    };
    simulator.fault("/contacts?", Fault::edited(block));
    for _ in 0..3 {
        simulator.inside().world.stand_still(TimeDelta::seconds(30));
        simulator.asked();
        watch.settle().await;
        let read = simulator.asked().iter().filter(|line| line.contains("/messages")).count();
        assert_eq!(read, 1, "those of the first one that is not blocked");
        assert_eq!(watch.of(&it).last().unwrap()["status"], "closed");
    }
}

#[tokio::test]
async fn history_that_was_told_is_not_read_again_after_a_start_anew() {
    let simulator = small(Account::usual()).await;
    let span = Duration::from_hours(3);
    let mut watch = Watch::begun(source(&simulator, &json!({}), span), &simulator).await;
    let cursor = watch.cursor.take();
    for (span, is_read) in [(span, false), (3 * span, true)] {
        let mut second = source(&simulator, &json!({}), span);
        let mut watch = Watch::new(second.as_mut(), &simulator);
        watch.cursor.clone_from(&cursor);
        let (mut more, mut histories) = (true, 0);
        while more {
            let batch = watch.poll().await.unwrap();
            more = batch.more;
            histories += usize::from(batch.history);
        }
        assert_eq!(histories > 0, is_read, "of a longer span only what was before");
        let closed = |id: &str| watch.of(id).iter().any(|event| event["status"] == "closed");
        let world = &simulator.inside().world;
        let lately = world
            .chats
            .iter()
            .filter(|chat| chat.status.is_ended() && chat.status_at >= world.now - TimeDelta::hours(3));
        assert!(lately.map(|chat| uuid(chat.number)).all(|id| !closed(&id)), "what was told");
    }
}

#[tokio::test]
async fn what_changes_without_moving_is_found_by_a_walk_that_comes_seldomer_when_it_finds_nothing() {
    let simulator = small(Account { bumps: Bumps::Messages, ..Account::usual() }).await;
    let mut watch = begun(&simulator).await;
    let (closed, given) = {
        let mut some = top(&simulator, 9);
        (some.pop().unwrap(), some.pop().unwrap())
    };
    let to: AgentId = simulator.inside().world.agents[0].id.clone();
    {
        let world = &mut simulator.inside().world;
        let (conversation, status, by) = (closed.0.clone(), Status::Closed, Some(StatusBy::Agent));
        world.happen(EventKind::Status { conversation, status, by, agent: None });
        world.happen(Assigned::to(given.0.clone(), Some(to)));
    }
    let ended_at = seconds(simulator.inside().world.chats.iter().find(|chat| chat.id == closed.0).unwrap().status_at);
    for _ in 0..3 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
    let last = |id: &str, kind: &str| watch.of(id).into_iter().rev().find(|event| event["type"] == kind).unwrap();
    let status = last(&closed.1, "status");
    assert_eq!((&status["status"], &status["at"]), (&"closed".into(), &Value::from(ended_at)));
    assert_eq!(last(&given.1, "assigned")["agent"], "agent1@shop.example");

    let mut pages = Vec::new();
    for _ in 0..8 {
        simulator.asked();
        for _ in 0..30 {
            simulator.inside().world.stand_still(TimeDelta::minutes(1));
            watch.settle().await;
        }
        // The walk begins at the top of the list as each refresh does.
        pages.push(simulator.asked().iter().filter(|line| line.contains("/contacts?")).count() - 30);
    }
    assert!(pages[0] > 2 * pages[7] && pages[7] > 0, "{pages:?}");
}

#[tokio::test]
async fn one_that_is_deleted_or_blocked_is_ended() {
    let simulator = small(Account::usual()).await;
    let mut watch = begun(&simulator).await;
    let open: Vec<u64> = simulator.inside().world.open().map(|chat| chat.number).collect();
    let (deleted, blocked) = (open[0], uuid(open[1]));
    simulator.inside().world.delete(deleted);
    let is_it = blocked.clone();
    let block = move |body: &mut Value| {
        for row in body["contacts"].as_array_mut().into_iter().flatten().filter(|row| row["uuid"] == *is_it) {
            row["blockedAt"] = "2026-11-20T09:00:00Z".into();
        }
    };
    simulator.fault("/contacts?", Fault::Edited(Box::new(block)));
    for _ in 0..5 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
    }
    for id in [uuid(deleted), blocked] {
        let status = watch.of(&id).into_iter().rev().find(|event| event["type"] == "status");
        assert!(status.is_some_and(|one| one["status"] == "closed" && one["by"] == "system"), "{:?}", watch.of(&id));
    }
}

/// What is told of who sent the last message of a chat whose holder is taken away before it is sent.
async fn sent_by_nobody(settings: Value) -> Value {
    let simulator = small(Account::usual()).await;
    let mut watch = Watch::begun(source(&simulator, &settings, Duration::ZERO), &simulator).await;
    let (id, shown) = top(&simulator, 1).pop().unwrap();
    simulator.inside().world.happen(Assigned::to(id.clone(), None));
    simulator.inside().world.stand_still(TimeDelta::seconds(5));
    watch.settle().await;
    simulator.inside().world.stand_still(TimeDelta::seconds(5));
    write(&simulator, &id, Author::Bot, "hello");
    simulator.inside().world.stand_still(TimeDelta::seconds(5));
    watch.settle().await;
    watch.of(&shown).into_iter().rev().find(|event| event["type"] == "message").unwrap()
}

#[tokio::test]
async fn what_is_sent_while_nobody_is_assigned_is_a_bots_or_an_answer_as_is_set() {
    assert_eq!(sent_by_nobody(json!({})).await["from"], "bot");
    let answer = sent_by_nobody(json!({"unassigned": "answers"})).await;
    assert_eq!((&answer["from"], &answer["agent"]), (&"agent".into(), &"unassigned".into()));
}

#[rstest]
#[case::in_one_go(None)]
#[case::stopped_and_gone_on(Some(3))]
#[tokio::test]
async fn history_is_told_whole_and_once_and_the_news_never_wait_for_it(#[case] stops_after: Option<usize>) {
    let simulator = simulator(SMALL, Account { messages: 10, ..Account::usual() }).await;
    // All is asked at one instant here.
    simulator.inside().limiter = None;
    simulator.advance(start() + TimeDelta::hours(20));
    let day = Duration::from_hours(12);
    let mut first = source(&simulator, &json!({}), day);
    let mut watch = Watch::new(first.as_mut(), &simulator);
    let (mut was_history, mut told) = (false, 0);
    let mut second = source(&simulator, &json!({}), day);
    loop {
        let batch = watch.poll().await.unwrap();
        assert!(!(was_history && batch.history), "the news never wait for the past");
        was_history = batch.history;
        told += usize::from(batch.history);
        if !batch.more {
            assert_eq!(batch.progress, None);
            break;
        }
        if stops_after == Some(told) && was_history {
            let (events, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
            watch = Watch::new(second.as_mut(), &simulator);
            (watch.told, watch.cursor) = (events, cursor);
            (was_history, told) = (false, 100);
        }
    }
    let world = &simulator.inside().world;
    let since = world.now - TimeDelta::hours(12);
    let ended = |chat: &&crate::world::Chat| {
        chat.status.is_ended() && chat.merged_into.is_none() && chat.status_at >= since && chat.opened_at >= since
    };
    let ended: Vec<_> = world.chats.iter().filter(ended).collect();
    assert!(ended.len() > 30, "{}", ended.len());
    for chat in ended {
        let events = watch.of(&uuid(chat.number));
        let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).cloned().collect::<Vec<_>>();
        let public = chat.messages.iter().filter(|said| said.public).count();
        assert_eq!(of("message").len(), public, "{events:?}");
        assert_eq!(of("opened")[0]["at"], seconds(chat.opened_at));
        assert_eq!(of("status").last().unwrap()["at"], seconds(chat.status_at), "{events:?}");
        let replies = |event: &&Value| event["from"] == "agent";
        let by_agents = chat.messages.iter().filter(|said| said.from == Author::Agent && said.public).count();
        assert_eq!(of("message").iter().filter(replies).count(), by_agents, "{events:?}");
    }
    let again = told >= 100;
    assert_eq!(again, stops_after.is_some());
}

#[tokio::test]
async fn what_was_opened_and_closed_while_nobody_watched_is_told() {
    let simulator = small(Account::usual()).await;
    let mut watch = begun(&simulator).await;
    let (stopped_at, cursor) = (simulator.inside().world.now, watch.cursor.take());
    simulator.advance(stopped_at + TimeDelta::hours(3));
    let mut second = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(second.as_mut(), &simulator);
    watch.cursor = cursor;
    watch.settle().await;
    let world = &simulator.inside().world;
    let missed = world.chats.iter().filter(|chat| chat.opened_at > stopped_at && chat.status.is_ended());
    let missed: Vec<String> = missed.map(|chat| uuid(chat.number)).collect();
    assert!(missed.len() > 3);
    for id in missed {
        assert!(watch.of(&id).iter().any(|event| event["status"] == "closed"), "{id}");
    }
}
