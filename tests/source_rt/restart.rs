//! A source that is ended at any moment and started again with its cursor tells what one that ran through tells.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{ConversationId, EventKind};
use helptop::source::{Cursor, Source, SourceError};
use serde_json::json;

use crate::fake_rt::watch::{Watch, waits};
use crate::fake_rt::{Desk, at};

const MONTH: Duration = Duration::from_hours(24 * 30);
/// The clock of the fake at the start of a watch, in seconds after noon.
const START: i64 = 6 * 3600;

/// 130 open tickets and 250 ended ones, with merges, reopenings and all that.
fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.now = Some(START);
    for id in 1..=380 {
        let (row, second) = (id * 10, id as i64 * 20);
        desk.create(id, row, second, "kim@x", "kim@x");
        desk.owner(row + 1, second + 1, id, "ana", "ana");
        desk.reply(row + 2, second + 2, id, "ana");
        if id % 3 > 0 && id <= 375 {
            desk.status(row + 3, second + 3, id, "ana", "resolved");
        }
    }
    desk.reply(4000, 9000, 4, "kim@x");
    desk.status(4001, 9000, 4, "RT_System", "open");
    desk.merge(4002, 9001, 6, 3, "ana");
    desk
}

/// What happens in the steps after the start.
fn happens(desk: &mut Desk, step: u64) {
    let (row, second) = (5000 + step * 20, START + step as i64 * 60);
    desk.now = Some(second);
    desk.reply(row, second, 9 + step * 3, "kim@x");
    desk.reply(row + 1, second + 1, 9 + step * 3, "bogdan");
    desk.status(row + 2, second + 2, 30 + step * 3, "bogdan", "resolved");
    desk.owner(row + 3, second + 3, 60 + step * 3, "ana", "bogdan");
    // Opened and ended between two looks.
    desk.create(1000 + step, row + 4, second + 4, "lee@x", "lee@x");
    desk.reply(row + 5, second + 5, 1000 + step, "bogdan");
    desk.status(row + 6, second + 6, 1000 + step, "bogdan", "resolved");
    // Ended long ago, and back.
    desk.reply(row + 7, second + 7, 100 + step * 3, "kim@x");
    desk.status(row + 8, second + 7, 100 + step * 3, "RT_System", "open");
    desk.merge(row + 9, second + 9, 90 + step * 3, 120 + step * 3, "ana");
    // One that is not read as history yet is touched and ended again.
    desk.status(row + 11, second + 11, 301 + step * 3, "kim@x", "open");
    desk.status(row + 12, second + 12, 301 + step * 3, "bogdan", "resolved");
}

/// A watch over all steps, with restarts after the polls of these numbers.
async fn run(restarts: &[usize]) -> Watch {
    let mut watch = Watch::with(desk(), json!({}), MONTH).await;
    let (mut polls, mut step) = (0, 0);
    while step < 5 {
        let more = watch.poll().await.unwrap().more;
        polls += 1;
        if restarts.contains(&polls) {
            watch.restart(MONTH);
        }
        if !more || polls % 2 == 0 {
            step += 1;
            happens(&mut watch.desk(), step);
            watch.now = watch.now + TimeDelta::seconds(60);
        }
    }
    watch.settle().await;
    watch
}

/// What a store would hold. How a ticket was opened that was merged since is known better to one who read it before.
fn kept(watch: &Watch) -> BTreeMap<String, Vec<String>> {
    let mut kept = watch.kept();
    let says = |lines: &[String], kind: &str| lines.iter().any(|line| line.contains(kind));
    for lines in kept.values_mut().filter(|lines| says(lines, "\"type\":\"merged\"")) {
        lines.retain(|line| !line.contains("\"type\":\"opened\""));
    }
    kept
}

#[tokio::test]
async fn a_restart_after_any_poll_changes_nothing() {
    let through = run(&[]).await;
    let (kept, board) = (kept(&through), through.board());
    assert!(kept.len() > 380 && board.0.len() > 5, "{} {board:?}", kept.len());
    for poll in 1..=9 {
        let watch = run(&[poll]).await;
        let other = self::kept(&watch);
        for (subject, events) in &kept {
            assert_eq!(other.get(subject), Some(events), "{subject} after a restart behind poll {poll}");
        }
        assert_eq!((other.len(), watch.board()), (kept.len(), board.clone()), "poll {poll}");
    }
    let often = run(&[1, 2, 4, 5, 7, 8, 11]).await;
    assert!(self::kept(&often) == kept && often.board() == board, "with many restarts");
}

#[tokio::test]
async fn no_page_of_history_is_asked_for_twice() {
    let through = run(&[]).await.history_pages().len();
    assert!(through >= 3, "{through}");
    for restarts in [&[3][..], &[4], &[5], &[6], &[4, 6, 8, 10]] {
        let watch = run(restarts).await;
        let pages = watch.history_pages();
        let mut behind: Vec<&str> = pages.iter().filter_map(|page| page.rsplit(" > ").next()).collect();
        behind.sort_unstable();
        behind.dedup();
        assert_eq!((pages.len(), behind.len()), (through, through), "{restarts:?}: {pages:?}");
    }
}

#[tokio::test]
async fn history_that_is_told_is_not_asked_for_again_and_more_of_it_only_where_it_is_missing() {
    let mut desk = desk();
    for ended in [1, 2] {
        desk.create(2000 + ended, 1 + ended * 2, -(ended as i64) * 80_000, "kim@x", "kim@x");
        desk.status(2 + ended * 2, -(ended as i64) * 80_000, 2000 + ended, "ana", "resolved");
    }
    let day = Duration::from_hours(24);
    let mut watch = Watch::with(desk, json!({}), day).await;
    watch.settle().await;
    let tells = |watch: &Watch, ticket: &str| !watch.events(ticket).is_empty();
    assert!(!tells(&watch, "2001") && !tells(&watch, "2002"), "older than a day");
    let pages = watch.history_pages().len();
    watch.restart(day);
    watch.later(3600).await;
    assert_eq!(watch.history_pages().len(), pages);
    watch.restart(day * 3);
    watch.later(3600).await;
    let asked = watch.history_pages();
    assert_eq!(asked.len(), pages + 1, "only what is missing, in one page: {asked:?}");
    assert!(asked[pages].contains("LastUpdated > '72 hours ago' AND LastUpdated < '26 hours ago'"), "{asked:?}");
    assert!(tells(&watch, "2001") && tells(&watch, "2002"));
    watch.restart(Duration::ZERO);
    watch.later(3600).await;
    watch.restart(day * 3);
    watch.later(3600).await;
    assert_eq!(watch.history_pages().len(), pages + 1, "nothing was forgotten");
}

#[tokio::test]
async fn what_was_opened_and_ended_while_nobody_watched_for_days_is_told() {
    let mut watch = Watch::with(desk(), json!({}), MONTH).await;
    watch.settle().await;
    let pages = watch.history_pages().len();
    let days = 5 * 86_400;
    {
        let mut desk = watch.desk();
        for nth in 0..400 {
            let (id, row, second) = (10_000 + nth, 20_000 + nth * 3, START + nth as i64 * 1000);
            desk.create(id, row, second, "lee@x", "lee@x");
            desk.reply(row + 1, second + 30, id, "bogdan");
            desk.status(row + 2, second + 60, id, "bogdan", "resolved");
        }
        desk.now = Some(START + days);
    }
    watch.restart(MONTH);
    watch.later(days).await;
    let kept = watch.kept();
    for id in 10_000..10_400 {
        let events = &kept[&format!("{id} {id}")];
        assert!(events[0].contains("opened") && events.last().unwrap().contains("resolved"), "{events:?}");
    }
    assert_eq!(watch.history_pages().len(), pages, "the log tells it");
}

#[tokio::test]
async fn hidden_rows_of_a_long_absence_do_not_stop_the_feed() {
    let mut desk = Desk::new();
    desk.create(1, 100, 0, "kim@x", "kim@x");
    let mut watch = Watch::new(desk).await;
    watch.settle().await;
    watch.later(150).await;
    for row in 200..450 {
        watch.desk().reply(row, 50, 999, "lee@x");
        watch.desk().hidden.insert(row);
    }
    watch.desk().create(2, 600, 60, "kim@x", "kim@x");
    watch.desk().status(601, 70, 2, "ana", "resolved");
    watch.desk().changed = 1;
    watch.restart(Duration::ZERO);
    watch.later(86_400).await;
    let asked =
        watch.desk().asked.iter().rev().find(|asked| asked.starts_with("/tickets LastUpdated")).cloned().unwrap();
    assert!(asked.contains("LastUpdated > '25 hours ago'"), "since it was last listened to: {asked}");
    for _ in 0..5 {
        watch.later(15).await;
    }
    assert_eq!(watch.events("2").last().unwrap()["status"], "resolved");
}

#[tokio::test]
async fn what_left_while_nobody_watched_is_ended_and_what_comes_back_is_open_again() {
    let mut desk = Desk::new();
    for id in 1..=4 {
        desk.create(id, 100 + id, id as i64, "kim@x", "kim@x");
    }
    let mut watch = Watch::with(desk, json!({"queues": ["support"]}), Duration::ZERO).await;
    watch.settle().await;
    watch.desk().ticket(1).gone = true;
    watch.desk().ticket(2).queue = 4;
    // The row of its ending is lost: it was written and hidden.
    watch.desk().ticket(3).status = "resolved".into();
    watch.restart(Duration::ZERO);
    watch.rt.remember(&["1", "2", "3", "4", "of an import"].map(ConversationId::from));
    watch.later(86_400).await;
    assert_eq!(watch.board().0, waits(&[("4 -", 4)]));
    let ended = watch.events("1").pop().unwrap();
    assert_eq!((&ended["status"], &ended["by"], &ended["at"]), (&json!("closed"), &json!("system"), &json!(watch.now)));

    watch.restart(Duration::ZERO);
    watch.desk().ticket(2).queue = 3;
    watch.later(60).await;
    let board = watch.board().0;
    assert_eq!(board, [format!("4 - {}", at(4)), format!("2 - {}", watch.now)], "it had left, as the cursor knows");
}

#[tokio::test]
async fn a_cursor_of_another_shape_is_none() {
    let mut through = Watch::with(desk(), json!({}), MONTH).await;
    through.settle().await;
    for shape in [json!({"last": 17}), json!(null), json!({"last": "x", "past": {}}), json!(["a"]), json!({"line": 7})]
    {
        let mut watch = Watch::with(desk(), json!({}), MONTH).await;
        watch.cursor = Some(Cursor(shape.clone()));
        watch.settle().await;
        assert!(watch.kept() == through.kept(), "{shape}");
    }
}

#[tokio::test]
async fn history_that_cannot_be_read_does_not_hold_up_the_news() {
    let mut watch = Watch::with(desk(), json!({}), MONTH).await;
    while watch.history_pages().is_empty() {
        watch.poll().await.unwrap();
    }
    watch.desk().refuses_history = true;
    let mut errors = Vec::new();
    for step in 1..=40 {
        happens(&mut watch.desk(), 1);
        watch.desk().now = Some(START + step * 15);
        watch.now = watch.now + TimeDelta::seconds(15);
        loop {
            match watch.poll().await {
                Ok(batch) if batch.more => {}
                Ok(batch) => {
                    let (what, part) = batch.progress.unwrap();
                    assert_eq!((what.as_str(), part > 0.0), ("reading history", true));
                    break;
                }
                Err(error) => errors.push((step, error)),
            }
        }
    }
    assert!(errors.iter().all(|(_, error)| matches!(error, SourceError::Transient { .. })));
    let steps: Vec<i64> = errors.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [1, 5, 13, 29], "tried again after 1, 2, 4 minutes; every other refresh was good");
}

#[tokio::test]
async fn batches_of_history_are_marked_and_whole() {
    let mut watch = Watch::with(desk(), json!({}), MONTH).await;
    let mut marked = 0;
    loop {
        let before = watch.told.len();
        let batch = watch.poll().await.unwrap();
        if batch.history {
            marked += 1;
            assert!(!batch.partial);
            let told = &watch.told[before..];
            let (mut open, mut customers) = (BTreeSet::new(), BTreeSet::new());
            for event in told {
                match &event.kind {
                    EventKind::Customer { id, .. } => {
                        customers.insert(id.clone());
                    }
                    EventKind::Opened(opened) => {
                        assert!(customers.contains(opened.customer.as_ref().unwrap()), "each with its customer");
                        open.insert(opened.conversation.clone());
                    }
                    EventKind::Status { conversation, status, .. } if status.is_ended() => {
                        open.remove(conversation);
                    }
                    _ => {}
                }
            }
            assert_eq!(open.len(), 0, "everything that is begun is ended");
        }
        if !batch.more {
            break;
        }
    }
    assert_eq!(marked, 3);
}
