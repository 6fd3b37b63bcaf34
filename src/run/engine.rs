//! The engine task: takes updates of the sources in, answers viewers, and publishes pictures of the board.

use std::sync::Arc;
use std::time::Duration;

use super::clock::Now;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::board::{BoardSnapshot, Engine, SourceState, StoreHealth};
use crate::desk::SourceIx;
use crate::event::{Event, Timestamp};
use crate::poll::Update;
use crate::source::Retry;
use crate::term::Ask;

/// Pictures are published at most this often, however fast events come.
const PUBLISH_EVERY: Duration = Duration::from_millis(50);

/// The engine and its ends of the channels.
pub struct EngineTask {
    /// The owner of the desk.
    pub engine: Engine,
    /// What the sources bring.
    pub updates: mpsc::Receiver<Update>,
    /// What was kept of them.
    pub recalls: mpsc::Receiver<Recall>,
    /// Whether what they bring is kept.
    pub store: watch::Receiver<StoreHealth>,
    /// What viewers ask.
    pub asks: mpsc::Receiver<Ask>,
    /// Where pictures go.
    pub publish: watch::Sender<Arc<BoardSnapshot>>,
    /// Wakes each source for a refresh.
    pub refresh: Vec<Arc<Notify>>,
    /// The board's clock.
    pub now: Now,
    /// Ends the task.
    pub cancel: CancellationToken,
}

impl EngineTask {
    /// Runs until it is cancelled.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The first picture waits for the first whole answer, unless that takes longer than a frame.
        let mut published = Instant::now();
        let (mut due, mut is_first) = (false, true);
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                Some(ask) = self.asks.recv() => self.answer(ask),
                () = tokio::time::sleep_until(published + PUBLISH_EVERY), if due => {
                    due = false;
                    published = Instant::now();
                    self.publish();
                }
                Some(recall) = self.recalls.recv() => {
                    let is_whole = recall.good_at.is_some();
                    take_recall(&mut self.engine, recall, (self.now)());
                    due = true;
                    if is_first && is_whole {
                        published = Instant::now().checked_sub(PUBLISH_EVERY).unwrap_or(published);
                    }
                }
                Ok(()) = self.store.changed() => {
                    let health = self.store.borrow_and_update().clone();
                    self.engine.set_store_health(health);
                    due = true;
                }
                Some(update) = self.updates.recv() => {
                    let is_whole = update.outcome.as_ref().map_or(true, |batch| !batch.partial);
                    self.take(update);
                    due = true;
                    if is_first && is_whole {
                        is_first = false;
                        published = Instant::now().checked_sub(PUBLISH_EVERY).unwrap_or(published);
                    }
                }
                _ = tick.tick() => due |= self.engine.settle((self.now)()),
            }
        }
    }

    fn publish(&mut self) {
        let now = (self.now)();
        if self.engine.settle(now) {
            let snapshot = Arc::new(self.engine.snapshot(now));
            self.publish.send_replace(snapshot);
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Refresh => self.refresh.iter().for_each(|source| source.notify_one()),
            Ask::Page { query, reply } => {
                // A viewer that has gone away needs no answer.
                let _ = reply.send(self.engine.page(query, (self.now)()));
            }
        }
    }

    fn take(&mut self, update: Update) {
        let now = (self.now)();
        take_update(&mut self.engine, update, now);
    }
}

/// What was kept of a source, or a part of it.
#[derive(Debug, Default)]
pub struct Recall {
    /// Which source: its place in the config.
    pub source: usize,
    /// What happened.
    pub events: Vec<Event>,
    /// Everything was told that is going on, as of a good answer then.
    pub good_at: Option<Timestamp>,
    /// Another helptop goes on asking it.
    pub is_followed: bool,
    /// From now on it is asked from here; whether it speaks by itself.
    pub pushes: Option<bool>,
}

/// Folds what was kept of a source: it is as old as the last good answer then.
pub fn take_recall(engine: &mut Engine, recall: Recall, now: Timestamp) {
    let source = SourceIx(recall.source as u32);
    engine.take(source, recall.events, now);
    if let Some(pushes) = recall.pushes {
        engine.set_health(source, |health| health.pushes = pushes);
    }
    // One in the future was written by a clock that has been set back since.
    let Some(good_at) = recall.good_at.map(|at| at.min(now)) else { return };
    engine.set_health(source, |health| {
        if health.good_at.is_none_or(|at| at < good_at) {
            health.is_recalled = !recall.is_followed;
            health.recall(good_at);
        }
    });
    if !engine.trend_is_recalled() {
        engine.settle(now);
        engine.recall_trend(now);
    }
}

/// Folds what a source brought and notes its health.
pub fn take_update(engine: &mut Engine, update: Update, now: Timestamp) {
    let source = SourceIx(update.source as u32);
    let Update { tried_at, latency, next_at, interval, outcome, aside, .. } = update;
    let mut settled = false;
    match outcome {
        Ok(batch) => {
            let events_total = batch.events.len() as u64;
            let silent = batch.events.is_empty() && batch.skipped_total == 0 && !batch.finished;
            let has_events = !batch.events.is_empty();
            let (partial, history) = (batch.partial, batch.history);
            let as_of = batch.as_of.map_or(tried_at, |at| at.min(tried_at));
            if history {
                engine.take_history(source, batch.events, now);
            } else {
                engine.take(source, batch.events, now);
            }
            engine.set_health(source, |health| {
                // Who is asked goes on with its history when all that goes on now is told.
                settled = has_events && !partial && (!batch.more || !health.pushes);
                let unheard = health.events_total + events_total == 0 && health.skipped_total + batch.skipped_total > 0;
                if unheard {
                    let hint = "see docs/events.md for the lines that it has to print";
                    health.bad(tried_at, "nothing that it said is an event".into(), hint.into());
                } else if partial && (health.good_at.is_none() || health.is_recalled) {
                    // Figures of a part are wrong figures: the source is starting until it has told the rest.
                } else if (partial || history) && health.good_at.is_some() {
                    health.answered();
                    health.latency = Some(latency);
                } else if !health.pushes {
                    health.good(as_of, batch.finished);
                    health.latency = Some(latency);
                } else if !silent {
                    health.good(now, batch.finished);
                } else if matches!(health.state, SourceState::Fresh | SourceState::Finished) {
                    // Silence mends nothing: one that failed or never spoke is well when it speaks.
                    health.alive(now, false);
                }
                health.requests = batch.requests;
                health.requests_total += u64::from(batch.requests);
                health.events_total += events_total;
                if let Some(quota) = batch.quota {
                    health.quota = Some((quota.remaining, quota.limit));
                    health.quota_resets_at = quota.resets_at;
                }
                health.progress = batch.progress;
                for skipped in &batch.skipped {
                    tracing::warn!(source = health.name, place = skipped.place, reason = skipped.reason, "skipped");
                    health.skip(format!("{}: {}", skipped.place, skipped.reason));
                }
                health.is_recalled &= partial || health.pushes && silent;
                let requests = batch.requests;
                tracing::debug!(source = health.name, ?latency, requests, events_total, "polled");
                health.skipped_total += batch.skipped_total.saturating_sub(batch.skipped.len() as u64);
            });
        }
        Err(error) => engine.set_health(source, |health| {
            tracing::warn!(source = health.name, %error, "poll failed");
            health.bad(tried_at, error.to_string(), error.hint(Retry::Board));
        }),
    }
    engine.set_health(source, |health| {
        health.tried_at = Some(tried_at);
        health.next_at = next_at;
        health.interval = interval;
        health.aside = aside;
    });
    if settled && !engine.trend_is_recalled() {
        engine.settle(now);
        engine.recall_trend(now);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::board::{Options, SourceHealth};
    use crate::event::EventKind;
    use crate::source::{Batch, SourceError};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + TimeDelta::seconds(seconds)
    }

    fn engine(pushes: bool) -> Engine {
        let options =
            Options { thresholds: Arc::default(), keep_text: false, midnight: Arc::new(|_| Timestamp::default()) };
        let mut engine = Engine::new(options, at(0));
        engine.add_source(SourceHealth { pushes, ..SourceHealth::default() });
        engine
    }

    /// The health at the second of a poll that began a second before.
    fn told(engine: &mut Engine, second: i64, outcome: Result<Batch, SourceError>) -> SourceHealth {
        let update = Update {
            source: 0,
            tried_at: at(second - 1),
            latency: Duration::from_millis(900),
            next_at: None,
            interval: Duration::from_secs(5),
            outcome,
            aside: Vec::new(),
        };
        take_update(engine, update, at(second));
        engine.snapshot(at(second)).sources[0].clone()
    }

    #[test]
    fn a_part_of_the_first_answer_is_no_answer_and_a_later_part_is() {
        let mut engine = engine(false);
        let opened =
            crate::event::parse_line(br#"{"at":"2027-01-15T08:00:00Z","type":"opened","conversation":"1"}"#).unwrap();
        let part = |partial| Batch { events: vec![opened.clone()], more: partial, partial, ..Batch::default() };
        let health = told(&mut engine, 1, Ok(part(true)));
        engine.settle(at(1));
        let active = |engine: &mut Engine| engine.snapshot(at(1)).live.totals.active;
        assert_eq!((health.good_at, health.state_at(at(1)), active(&mut engine)), (None, SourceState::Starting, 0));
        assert_eq!(told(&mut engine, 2, Ok(part(false))).good_at, Some(at(1)));
        engine.settle(at(2));
        assert_eq!(active(&mut engine), 1);
        assert_eq!(told(&mut engine, 9, Ok(part(true))).good_at, Some(at(1)), "what is shown is no younger by it");
    }

    #[test]
    fn what_took_several_polls_is_as_old_as_the_first_of_them() {
        let mut engine = engine(false);
        let long = |as_of| Batch { as_of: Some(as_of), ..Batch::default() };
        assert_eq!(told(&mut engine, 100, Ok(long(at(40)))).good_at, Some(at(40)));
        assert_eq!(
            told(&mut engine, 101, Ok(long(at(400)))).good_at,
            Some(at(100)),
            "never later than it was asked for"
        );
    }

    fn line() -> Batch {
        Batch { events: vec![Event::new(at(0), EventKind::Clock {})], ..Batch::default() }
    }

    fn fault() -> SourceError {
        SourceError::Unsupported { place: "x".into(), what: "y".into() }
    }

    #[test]
    fn what_pushes_is_as_old_as_its_last_line_and_fresh_while_it_is_there() {
        let mut engine = engine(true);
        let unheard = told(&mut engine, 1, Ok(Batch::default()));
        assert_eq!((unheard.state_at(at(1)), unheard.good_at), (SourceState::Starting, None));
        assert_eq!(told(&mut engine, 2, Ok(line())).good_at, Some(at(2)));
        let silent = told(&mut engine, 300, Ok(Batch::default()));
        assert_eq!((silent.state_at(at(300)), silent.good_at), (SourceState::Fresh, Some(at(2))));
        assert_eq!(silent.latency, None, "nobody asked it, so nothing took its time");
        assert_eq!(silent.state_at(at(311)), SourceState::Stale, "no heartbeat, no trust");
        let skipped = Batch { skipped_total: 1, ..Batch::default() };
        assert_eq!(told(&mut engine, 320, Ok(skipped)).good_at, Some(at(320)), "a bad line is a line, too");
    }

    #[test]
    fn what_pushes_and_failed_is_well_when_it_speaks_again() {
        let mut engine = engine(true);
        told(&mut engine, 1, Ok(line()));
        told(&mut engine, 2, Err(fault()));
        let silent = told(&mut engine, 4, Ok(Batch::default()));
        assert_eq!((silent.state_at(at(4)), silent.error.is_some()), (SourceState::Failing, true));
        let heard = told(&mut engine, 5, Ok(line()));
        assert_eq!((heard.state_at(at(5)), heard.error), (SourceState::Fresh, None));
    }

    #[test]
    fn history_is_counted_and_passed_by_and_the_trend_does_not_wait_for_it() {
        let mut engine = engine(false);
        let lines = [
            r#"{"type":"opened","conversation":"1","at":"2026-11-01T00:00:00Z"}"#,
            r#"{"type":"status","conversation":"1","status":"resolved","at":"2026-11-02T00:00:00Z"}"#,
            r#"{"type":"opened","conversation":"2","at":"2026-11-01T00:00:00Z"}"#,
            r#"{"type":"status","conversation":"2","status":"resolved","at":"2027-01-15T06:00:00Z"}"#,
        ];
        let events = || lines.iter().map(|line| crate::event::parse_line(line.as_bytes()).unwrap()).collect();
        let history = Batch { events: events(), history: true, more: true, ..Batch::default() };
        assert_eq!(told(&mut engine, 2, Ok(history)).events_total, 4);
        engine.settle(at(2));
        let held: Vec<_> = engine.desk().conversations().map(|(_, one)| one.id.as_str().to_owned()).collect();
        assert_eq!(held, ["2"], "what was spoken of two hours ago, not what has been quiet for two months");
        assert!(engine.trend_is_recalled());
    }

    #[test]
    fn what_is_left_of_a_quota_is_known_until_the_vendor_says_otherwise() {
        let mut engine = engine(false);
        let quota = |remaining, resets_at| Some(crate::source::Quota { limit: 200, remaining, resets_at });
        told(&mut engine, 1, Ok(Batch { quota: quota(150, Some(at(60))), ..Batch::default() }));
        let silent = told(&mut engine, 2, Ok(Batch::default()));
        assert_eq!((silent.quota, silent.quota_resets_at), (Some((150, 200)), Some(at(60))));
        let later = told(&mut engine, 3, Ok(Batch { quota: quota(149, None), ..Batch::default() }));
        assert_eq!((later.quota, later.quota_resets_at), (Some((149, 200)), None));
    }

    #[test]
    fn what_is_asked_is_as_old_as_its_last_answer_even_an_empty_one() {
        let mut engine = engine(false);
        let asked = told(&mut engine, 10, Ok(Batch::default()));
        assert_eq!((asked.good_at, asked.latency), (Some(at(9)), Some(Duration::from_millis(900))));
        assert_eq!(asked.state_at(at(10)), SourceState::Fresh);
    }

    #[test]
    fn what_was_kept_is_as_old_as_it_was_until_the_source_has_told_all_anew() {
        let mut engine = engine(false);
        let opened =
            crate::event::parse_line(br#"{"at":"2027-01-15T08:00:00Z","type":"opened","conversation":"1"}"#).unwrap();
        let recall = |good_at| Recall { events: vec![opened.clone()], good_at, ..Recall::default() };
        take_recall(&mut engine, recall(None), at(10));
        assert!(!engine.snapshot(at(10)).knows_anything(), "a part of what was kept is no picture");
        take_recall(&mut engine, recall(Some(at(3))), at(10));
        engine.settle(at(10));
        assert_eq!(engine.snapshot(at(10)).live.totals.active, 1);
        let part = |partial| Batch { events: vec![opened.clone()], more: partial, partial, ..Batch::default() };
        assert_eq!(told(&mut engine, 20, Ok(part(true))).good_at, Some(at(3)));
        assert_eq!(told(&mut engine, 21, Ok(part(false))).good_at, Some(at(20)));
        let history = || Batch { history: true, more: true, ..Batch::default() };
        assert_eq!(told(&mut engine, 22, Ok(history())).good_at, Some(at(20)), "the past says nothing of now");
        assert_eq!(told(&mut engine, 23, Ok(part(false))).good_at, Some(at(22)));
    }

    #[test]
    fn a_failure_is_still_told_when_what_was_kept_comes_after_it() {
        let mut engine = engine(false);
        told(&mut engine, 5, Err(fault()));
        take_recall(&mut engine, Recall { good_at: Some(at(3)), ..Recall::default() }, at(6));
        let health = engine.snapshot(at(6)).sources[0].clone();
        assert_eq!((health.good_at, health.state_at(at(6))), (Some(at(3)), SourceState::Failing));
        assert!(health.error.is_some());
    }

    #[test]
    fn what_a_fast_clock_dated_is_no_younger_than_now() {
        let mut engine = engine(false);
        take_recall(&mut engine, Recall { good_at: Some(at(86_400)), ..Recall::default() }, at(10));
        let health = engine.snapshot(at(10)).sources[0].clone();
        assert_eq!((health.good_at, health.state_at(at(21))), (Some(at(10)), SourceState::Stale));
    }
}
