//! The list of contacts, read page by page: how far, how often, and what waits for it.

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, Message};
use helptop::source::SourceError;
use rstest::rstest;
use serde_json::json;

use super::bad::small;
use super::{Account, begun, simulator, source, uuid};
use crate::agree::{Watch, params, start};
use crate::server::{Fault, Simulator};

/// Many chats, and no limit: all is asked at one instant here.
async fn many(account: Account) -> Simulator {
    let simulator = simulator(params(), account).await;
    simulator.inside().limiter = None;
    simulator.advance(start() + TimeDelta::hours(9));
    simulator
}

fn lists(simulator: &Simulator) -> usize {
    simulator.asked().iter().filter(|line| line.contains("/contacts?")).count()
}

#[rstest]
#[case::messages_to_read(Account::usual())]
#[case::contacts_to_look_up(Account { short_rows: true, ..Account::usual() })]
#[tokio::test]
async fn the_first_figures_wait_for_all_that_is_open(#[case] account: Account) {
    let simulator = many(account).await;
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    while watch.poll().await.unwrap().partial {}
    let open: Vec<String> = simulator.inside().world.open().map(|chat| uuid(chat.number)).collect();
    let is_told = |id: &String| {
        let is_it = |kind: &EventKind| matches!(kind, EventKind::Opened(opened) if opened.conversation.as_str() == id);
        watch.told.iter().any(|event| is_it(&event.kind))
    };
    assert!(open.len() > 100 && open.iter().all(is_told));
}

#[tokio::test]
async fn a_first_page_that_is_behind_the_last_one_is_an_error() {
    let simulator = small(Account::usual()).await;
    simulator.fault("/contacts?page=1", Fault::said(400, r#"{"error":"Pagination limit exceeded"}"#));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let error = Watch::new(source.as_mut(), &simulator).first_error().await;
    assert!(matches!(error, Some(SourceError::Unsupported { .. })), "{error:?}");
}

#[tokio::test]
async fn behind_a_token_that_is_refused_pages_are_read_by_number() {
    let simulator = small(Account::usual()).await;
    simulator.fault("after=", Fault::said(400, r#"{"error":"Invalid pagination cursor"}"#));
    let mut source = source(&simulator, &json!({}), Duration::ZERO);
    let mut watch = Watch::new(source.as_mut(), &simulator);
    watch.poll().await.unwrap();
    watch.poll().await.unwrap();
    let lines = simulator.asked();
    let pages: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once("/contacts?page=")).map(|two| two.1).collect();
    let expected: Vec<String> = (1..=pages.len()).map(|page| page.to_string()).collect();
    assert!(pages.len() > 2 && pages == expected, "{pages:?}");
}

#[tokio::test]
async fn a_walk_of_several_refreshes_asks_for_nobody_whom_it_met() {
    let simulator = many(Account::usual()).await;
    let mut watch = begun(&simulator).await;
    simulator.asked();
    let mut read = Vec::new();
    for _ in 0..10 {
        simulator.inside().world.stand_still(TimeDelta::minutes(1));
        watch.settle().await;
        let lines = simulator.asked();
        read.push(lines.iter().filter(|line| line.contains("/contacts?")).count());
        assert!(lines.iter().all(|line| line.contains('?')), "a contact by itself: {lines:?}");
    }
    assert!(read.iter().filter(|count| **count > 5).count() > 2, "{read:?}");
    assert!(read.iter().all(|count| *count <= 11), "ten pages a refresh, and the top of the list: {read:?}");
}

#[tokio::test]
async fn while_much_is_to_be_read_the_top_of_the_list_is_looked_at_now_and_then() {
    let simulator = many(Account::usual()).await;
    let mut source = source(&simulator, &json!({}), Duration::from_hours(12));
    let mut watch = Watch::new(source.as_mut(), &simulator);
    while watch.poll().await.unwrap().partial {}
    {
        let world = &mut simulator.inside().world;
        let ids: Vec<_> = world.open().map(|chat| chat.id.clone()).collect();
        for id in ids {
            world.happen(Message::public(id, Author::Customer, None));
        }
    }
    let mut looks = Vec::new();
    // In three minutes a walk is due, and history is from the first: both wait.
    for seconds in [1, 5, 180] {
        simulator.inside().world.stand_still(TimeDelta::seconds(seconds));
        simulator.asked();
        assert!(!watch.poll().await.unwrap().history);
        let lines = simulator.asked();
        let pages = lines.iter().filter(|line| line.contains("/contacts?")).count();
        assert_eq!(pages > 0, lines.iter().any(|line| line.contains("/members")), "both or neither");
        looks.push(pages);
    }
    assert!(matches!(looks[..], [10..=30, 0, 1..=9]), "a walk would read ten more: {looks:?}");
}

#[tokio::test]
async fn where_more_moved_than_is_looked_through_all_is_read_anew() {
    let simulator = many(Account::usual()).await;
    let mut watch = begun(&simulator).await;
    // Pages without end, of contacts that nobody knows.
    let count = std::sync::atomic::AtomicU64::new(0);
    simulator.fault(
        "/contacts?page=",
        Fault::edited(move |body| {
            let from = count.fetch_add(20, std::sync::atomic::Ordering::Relaxed) + 500_000;
            let row = |nth| json!({"uuid": uuid(nth), "closedAt": "2026-11-19T08:00:00Z"});
            *body = json!({"contacts": (from..from + 20).map(row).collect::<Vec<_>>()});
        }),
    );
    simulator.inside().world.stand_still(TimeDelta::seconds(30));
    simulator.asked();
    let batch = watch.poll().await.unwrap();
    let read = lists(&simulator);
    assert!(batch.partial && batch.more && (30..=50).contains(&read), "{read}");
    simulator.mend();
    let (_, batch) = watch.settle().await;
    assert!(!batch.partial);
    assert!(lists(&simulator) > 20, "the whole list");
}
