//! The poll task against sources that behave badly, on a paused clock.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use helptop::event::{Capability, Event, EventKind, Timestamp};
use helptop::poll::{Now, Poller, Update};
use helptop::source::{Batch, Cursor, Finding, Pace, Source, SourceError};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const EPOCH: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const INTERVAL: Duration = Duration::from_secs(15);

/// What a scripted source does at a poll.
enum Act {
    Bring(usize),
    Recount(usize),
    Cursor(u64),
    Finish,
    Fail(SourceError),
    Hang,
    Panic,
}

type Calls = Arc<Mutex<Vec<(Timestamp, Option<Cursor>)>>>;

struct Script {
    acts: VecDeque<Act>,
    pace: Pace,
    calls: Calls,
}

#[async_trait]
impl Source for Script {
    fn pace(&self) -> Pace {
        self.pace
    }

    fn capabilities(&self) -> Vec<Capability> {
        Vec::new()
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        self.calls.lock().unwrap().push((now, cursor.cloned()));
        let clock = || Event::new(now, EventKind::Clock {});
        match self.acts.pop_front() {
            Some(Act::Bring(n)) => Ok(Batch { events: (0..n).map(|_| clock()).collect(), ..Batch::default() }),
            Some(Act::Recount(n)) => {
                Ok(Batch { events: (0..n).map(|_| clock()).collect(), history: true, ..Batch::default() })
            }
            Some(Act::Cursor(n)) => {
                Ok(Batch { events: vec![clock()], cursor: Some(Cursor(n.into())), ..Batch::default() })
            }
            Some(Act::Finish) => Ok(Batch { finished: true, ..Batch::default() }),
            Some(Act::Fail(error)) => Err(error),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Panic) => panic!("index out of bounds"),
            None if self.pace == Pace::Push => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(Batch::default())
            }
            None => Ok(Batch::default()),
        }
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        Ok(Vec::new())
    }
}

struct Desk {
    updates: mpsc::Receiver<Update>,
    refresh: Arc<Notify>,
    stop: CancellationToken,
    calls: Calls,
    task: tokio::task::JoinHandle<()>,
}

/// A clock that goes with tokio's, which is paused.
fn clock() -> Now {
    let begun = Instant::now();
    Arc::new(move || EPOCH + TimeDelta::from_std(begun.elapsed()).unwrap())
}

fn start_with(room: usize, pace: Pace, now: Now, acts: impl IntoIterator<Item = Act>) -> Desk {
    let (sender, updates) = mpsc::channel(room);
    let (refresh, stop, calls) = (Arc::new(Notify::new()), CancellationToken::new(), Calls::default());
    let source = Script { acts: acts.into_iter().collect(), pace, calls: Arc::clone(&calls) };
    let poller = Poller {
        source: Box::new(source),
        index: 3,
        interval: INTERVAL,
        quota_share: 0.5,
        seed: 1,
        cursor: None,
        now,
        updates: sender,
        refresh: Arc::clone(&refresh),
        stop: stop.clone(),
    };
    Desk { updates, refresh, stop, calls, task: tokio::spawn(poller.run()) }
}

fn start(acts: impl IntoIterator<Item = Act>) -> Desk {
    start_with(64, Pace::Interval, clock(), acts)
}

impl Desk {
    async fn next(&mut self) -> Update {
        self.updates.recv().await.expect("the task goes on")
    }

    fn called_at(&self, nth: usize) -> TimeDelta {
        self.calls.lock().unwrap()[nth].0 - EPOCH
    }
}

fn transient(what: &str) -> SourceError {
    SourceError::passing("x", what)
}

#[tokio::test(start_paused = true)]
async fn polls_at_its_interval_and_says_when_the_next_is_due() {
    let mut desk = start([Act::Bring(2), Act::Bring(1)]);
    let first = desk.next().await;
    assert_eq!((first.source, first.tried_at, first.interval), (3, EPOCH, INTERVAL));
    assert_eq!(first.outcome.unwrap().events.len(), 2);
    let second = desk.next().await;
    let gap = second.tried_at - EPOCH;
    assert!((15_000..=15_760).contains(&gap.num_milliseconds()), "{gap}");
    assert!((first.next_at.unwrap() - second.tried_at).abs() <= TimeDelta::milliseconds(2));
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_an_error_after_a_minute_and_not_the_end() {
    let mut desk = start([Act::Hang, Act::Bring(1)]);
    let hung = desk.next().await;
    assert_eq!(hung.outcome.unwrap_err().to_string(), "poll: no answer for 60 s");
    assert_eq!(hung.latency.as_secs(), 60);
    assert_eq!(desk.next().await.outcome.unwrap().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_and_not_the_end() {
    let mut desk = start([Act::Panic, Act::Bring(1)]);
    let error = desk.next().await.outcome.unwrap_err();
    assert_eq!(error.to_string(), "poll: a fault inside helptop: index out of bounds");
    assert_eq!(desk.next().await.outcome.unwrap().events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_also_when_a_refresh_is_asked_for() {
    let until = EPOCH + TimeDelta::seconds(90);
    let limited = SourceError::RateLimited { place: "x".into(), until: Some(until) };
    let mut desk = start([Act::Fail(limited), Act::Bring(1)]);
    assert!(desk.next().await.outcome.is_err());
    desk.refresh.notify_one();
    let next = desk.next().await;
    assert!(next.tried_at >= until, "{}", next.tried_at);
    assert!(next.tried_at - until < TimeDelta::seconds(2), "{}", next.tried_at);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_brings_the_next_poll_forward() {
    let auth = SourceError::Auth { place: "x".into(), what: "401".into() };
    let mut desk = start([Act::Fail(auth), Act::Bring(1)]);
    let refused = desk.next().await;
    assert!(refused.next_at.unwrap() >= EPOCH + TimeDelta::minutes(5));
    tokio::time::sleep(Duration::from_secs(7)).await;
    desk.refresh.notify_one();
    let next = desk.next().await;
    assert_eq!((next.tried_at - EPOCH).num_seconds(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_comes_back_by_itself_and_the_updates_tell() {
    let mut desk = start([Act::Bring(1), Act::Fail(transient("reset")), Act::Fail(transient("reset"))]);
    let good_at = desk.next().await.tried_at;
    desk.next().await;
    let second = desk.next().await;
    let stale_after = TimeDelta::from_std(second.interval * 2).unwrap();
    assert_eq!(second.interval, INTERVAL, "failing makes nothing look fresher");
    let recovered = desk.next().await;
    assert!(recovered.outcome.is_ok());
    assert!(recovered.tried_at - good_at > stale_after, "the listener could tell that the data was stale");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_moves_only_with_what_was_handed_over() {
    let mut desk = start_with(1, Pace::Interval, clock(), [Act::Cursor(1), Act::Fail(transient("x")), Act::Cursor(2)]);
    for _ in 0..4 {
        let _update = desk.next().await;
    }
    let calls = desk.calls.lock().unwrap();
    let cursors: Vec<Option<u64>> =
        calls.iter().map(|(_, cursor)| cursor.as_ref().and_then(|cursor| cursor.0.as_u64())).collect();
    assert_eq!(cursors[..4], [None, Some(1), Some(1), Some(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_big_batch_comes_in_parts_and_a_full_channel_only_waits() {
    let mut desk = start_with(1, Pace::Interval, clock(), [Act::Bring(25_000)]);
    let mut parts = Vec::new();
    for _ in 0..3 {
        let batch = desk.next().await.outcome.unwrap();
        parts.push((batch.events.len(), batch.more));
    }
    assert_eq!(parts, [(10_000, true), (10_000, true), (5_000, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_big_batch_of_history_comes_whole() {
    let mut desk = start_with(1, Pace::Interval, clock(), [Act::Recount(25_000)]);
    let batch = desk.next().await.outcome.unwrap();
    assert_eq!((batch.events.len(), batch.history), (25_000, true), "each conversation is judged as a whole");
}

#[tokio::test(start_paused = true)]
async fn a_push_source_is_polled_at_once_and_its_silence_told_now_and_then() {
    let mut desk = start_with(64, Pace::Push, clock(), [Act::Bring(1), Act::Bring(1)]);
    desk.next().await;
    assert_eq!(desk.next().await.tried_at, EPOCH, "no interval between two");
    let (from, mut silent) = (Instant::now(), 0);
    while from.elapsed() < Duration::from_secs(20) {
        assert!(desk.next().await.outcome.unwrap().events.is_empty());
        silent += 1;
    }
    assert!((8..=11).contains(&silent), "{silent} reports of nothing in 20 s");
}

#[tokio::test(start_paused = true)]
async fn a_source_at_its_end_is_not_polled_again() {
    let mut desk = start_with(64, Pace::Push, clock(), [Act::Finish]);
    let last = desk.next().await;
    assert!(last.outcome.unwrap().finished);
    assert_eq!(last.next_at, None);
    assert!(desk.updates.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_it_in_the_middle_of_a_poll() {
    let desk = start([Act::Hang]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let from = Instant::now();
    desk.stop.cancel();
    desk.task.await.unwrap();
    assert_eq!(from.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_of_one_source_does_not_delay_another() {
    let blocked = start_with(1, Pace::Interval, clock(), (0..50).map(|_| Act::Bring(1)));
    let mut free = start_with(64, Pace::Interval, clock(), (0..50).map(|_| Act::Bring(1)));
    for _ in 0..4 {
        free.next().await;
    }
    assert!(free.called_at(3) <= TimeDelta::seconds(48), "{}", free.called_at(3));
    assert!(blocked.calls.lock().unwrap().len() <= 2, "nobody took what it brought");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_in_suspend_causes_one_poll_soon() {
    let begun = Instant::now();
    let jump: Now = Arc::new(move || {
        let spent = TimeDelta::from_std(begun.elapsed()).unwrap();
        let slept = if spent >= TimeDelta::seconds(4) { TimeDelta::hours(8) } else { TimeDelta::zero() };
        EPOCH + spent + slept
    });
    let mut desk = start_with(64, Pace::Interval, jump, []);
    desk.next().await;
    let woken = desk.next().await;
    assert!(begun.elapsed() <= Duration::from_secs(6), "{:?}", begun.elapsed());
    let after = desk.next().await;
    assert!(after.tried_at - woken.tried_at >= TimeDelta::seconds(15), "no burst for what was missed");
}
