//! The task that polls one source: never two polls at once, never in another source's way.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::schedule::{Next, Outcome, Schedule};
use crate::event::Timestamp;
use crate::source::{Batch, Cursor, Pace, Source, SourceError};

/// The clock that polls go by: the machine's, or a virtual one for a demo and a replay.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

tokio::task_local! {
    static POLLING: ();
}

/// Whether this is said from inside a poll: a panic there is caught, told as an error, and the program goes on.
pub fn is_polling() -> bool {
    POLLING.try_with(|()| ()).is_ok()
}

/// A poll that takes longer is given up.
pub const POLL_TIMEOUT: Duration = Duration::from_mins(1);
/// The most events one [`Update`] holds; a bigger batch comes in several, unless it is history, which is taken whole.
pub const MOST_EVENTS: usize = 10_000;
/// How often a push source that has nothing to say is reported as alive.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// The longest sleep before the clock is looked at again: it jumps when a machine wakes from suspend.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// What a push source is made to wait that returns nothing and did not wait itself.
const LEAST_PUSH: Duration = Duration::from_millis(50);

/// What became of one poll, or a part of it.
#[derive(Debug)]
pub struct Update {
    /// Which source: its place in the config.
    pub source: usize,
    /// When the poll began.
    pub tried_at: Timestamp,
    /// How long it took.
    pub latency: Duration,
    /// When the next is due; `None` when there is none, the source having come to its end.
    pub next_at: Option<Timestamp>,
    /// The interval the source is kept to at the moment: its data is stale after two of these.
    pub interval: Duration,
    /// What it brought, or why it failed. Of a batch in several parts, all but the last have `more` set and
    /// nothing but events.
    pub outcome: Result<Batch, SourceError>,
    /// What the source said aside, newest last.
    pub aside: Vec<String>,
}

/// One source, and what the task needs to poll it.
pub struct Poller {
    /// The source.
    pub source: Box<dyn Source>,
    /// Its place in the config; goes into each [`Update`].
    pub index: usize,
    /// How often it may be asked.
    pub interval: Duration,
    /// The share (0 to 1) of the vendor's quota it may use.
    pub quota_share: f64,
    /// Of the jitter; different for each source and each run.
    pub seed: u64,
    /// Where the last run came to.
    pub cursor: Option<Cursor>,
    /// The clock.
    pub now: Now,
    /// Where the updates go; while it is full, this source waits and no other.
    pub updates: mpsc::Sender<Update>,
    /// Notified when a person wants fresh figures now; the schedule may refuse.
    pub refresh: Arc<Notify>,
    /// Cancelled to end the task, in whatever it is doing.
    pub stop: CancellationToken,
}

impl Poller {
    /// Polls until it is stopped, nobody listens any more, or the source has come to its end.
    ///
    /// A source that fails, hangs or panics is tried again when the schedule says. The cursor moves only with
    /// events that were handed over, so nothing is lost between a poll and its listener.
    pub async fn run(self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = Run::new(self).run() => {}
        }
    }
}

struct Run {
    poller: Poller,
    schedule: Schedule,
    last_sent: Option<Instant>,
    was_good: bool,
    aside: Vec<String>,
}

impl Run {
    fn new(poller: Poller) -> Self {
        let schedule = Schedule::new(poller.source.pace(), poller.interval, poller.quota_share, poller.seed);
        Self { poller, schedule, last_sent: None, was_good: false, aside: Vec::new() }
    }

    async fn run(mut self) {
        loop {
            let (tried_at, begun) = ((self.poller.now)(), Instant::now());
            let outcome = self.poll(tried_at).await;
            let latency = begun.elapsed();
            let next = self.schedule.after((self.poller.now)(), Outcome::from(&outcome));
            let finished = outcome.as_ref().is_ok_and(|batch| batch.finished);
            let idle = outcome.as_ref().is_ok_and(|batch| batch.events.is_empty()) && latency < LEAST_PUSH;
            if self.is_news(&outcome) && !self.hand_over(tried_at, latency, next, outcome).await || finished {
                return;
            }
            if self.poller.source.pace() == Pace::Push && idle {
                tokio::time::sleep(LEAST_PUSH).await;
            }
            let Poller { now, refresh, .. } = &self.poller;
            wait(now, refresh, &self.schedule, next.at, tried_at).await;
        }
    }

    /// One poll, whatever it does.
    async fn poll(&mut self, now: Timestamp) -> Result<Batch, SourceError> {
        let Poller { source, cursor, .. } = &mut self.poller;
        let poll = AssertUnwindSafe(source.poll(cursor.as_ref(), now)).catch_unwind();
        match POLLING.scope((), timeout(POLL_TIMEOUT, poll)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(SourceError::Transient {
                place: "poll".to_owned(),
                what: format!("a fault inside helptop: {}", message(panic.as_ref())),
                until: None,
                todo: Some("please report it with the log"),
            }),
            Err(_) => Err(SourceError::passing("poll", format!("no answer for {} s", POLL_TIMEOUT.as_secs()))),
        }
    }

    /// Whether an update is worth waking anybody: a push source has nothing to say most of the time.
    fn is_news(&mut self, outcome: &Result<Batch, SourceError>) -> bool {
        let aside = self.poller.source.aside();
        let said = aside != self.aside;
        self.aside = aside;
        let good_before = std::mem::replace(&mut self.was_good, outcome.is_ok());
        let Ok(batch) = outcome else { return true };
        let silent = batch.events.is_empty()
            && batch.skipped_total == 0
            && batch.cursor.is_none()
            && batch.progress.is_none()
            && !batch.finished;
        let due = self.last_sent.is_none_or(|sent| sent.elapsed() >= HEARTBEAT);
        self.poller.source.pace() == Pace::Interval || !silent || said || !good_before || due
    }

    /// Sends a batch, in parts where it is big; false when nobody listens.
    async fn hand_over(
        &mut self,
        tried_at: Timestamp,
        latency: Duration,
        next: Next,
        outcome: Result<Batch, SourceError>,
    ) -> bool {
        let update = |outcome: Result<Batch, SourceError>, next_at| Update {
            source: self.poller.index,
            tried_at,
            latency,
            next_at,
            interval: next.interval,
            outcome,
            aside: Vec::new(),
        };
        self.last_sent = Some(Instant::now());
        let mut outcome = outcome;
        let mut last = Vec::new();
        if let Ok(batch) = &mut outcome {
            let mut events = std::mem::take(&mut batch.events).into_iter();
            while !batch.history && events.len() > MOST_EVENTS {
                let part = events.by_ref().take(MOST_EVENTS).collect();
                let part =
                    update(Ok(Batch { events: part, more: true, partial: true, ..Batch::default() }), Some(tried_at));
                if self.poller.updates.send(part).await.is_err() {
                    return false;
                }
            }
            last = events.collect();
        }
        let (mut cursor, mut next_at) = (None, Some(next.at));
        if let Ok(batch) = &mut outcome {
            batch.events = last;
            cursor.clone_from(&batch.cursor);
            next_at = next_at.filter(|_| !batch.finished);
        }
        let update = Update { aside: self.aside.clone(), ..update(outcome, next_at) };
        if self.poller.updates.send(update).await.is_err() {
            return false;
        }
        if cursor.is_some() {
            self.poller.cursor = cursor;
        }
        true
    }
}

/// Waits for the next poll, or for one asked for by hand as soon as the schedule allows it.
async fn wait(now: &Now, refresh: &Notify, schedule: &Schedule, at: Timestamp, last: Timestamp) {
    let asked = async {
        refresh.notified().await;
        sleep_until(now, schedule.refresh(now(), Some(last))).await;
    };
    tokio::select! {
        () = sleep_until(now, at) => {}
        () = asked => {}
    }
}

/// Sleeps until the clock shows `at`, or as long as it would have taken: the clock may be set back.
async fn sleep_until(now: &Now, at: Timestamp) {
    let left = (at - now()).to_std().unwrap_or_default();
    let deadline = Instant::now().checked_add(left);
    while now() < at && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let wake = Instant::now() + LONGEST_SLEEP;
        tokio::time::sleep_until(deadline.map_or(wake, |deadline| deadline.min(wake))).await;
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}
