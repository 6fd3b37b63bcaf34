//! The recorder: writes what the sources bring into the store, on a thread of its own, and tells the engine what was
//! kept. Neither the board nor a source ever waits for the disk.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::TimeDelta;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::Kin;
use crate::board::{StoreHealth, StoreState};
use crate::event::{Event, EventKind, Timestamp};
use crate::poll::Update;
use crate::run::clock::Now;
use crate::run::engine::Recall;
use crate::source;
use crate::store::{Cursor, Limits, Mark, Selection, SourceNo, Store, StoreError};

/// Records on their way to the disk.
pub const RECORDS: usize = 256;
/// What is told to the engine on its way.
pub const RECALLS: usize = 8;
/// Of what was kept, the engine is told so many events at once.
const PART: usize = 5_000;
/// Conversations that have been quiet for longer are told to the engine when they are spoken of again.
pub const QUIET: TimeDelta = TimeDelta::days(2);
/// So long the engine remembers those that are quiet, at the least as long as they are not told again.
pub const REMEMBERED: TimeDelta = TimeDelta::days(3);
/// How often it is looked whether something has to be let go, and how much there is.
const CHORES: Duration = Duration::from_mins(10);
/// Not at once: at the start there is enough to do.
const FIRST_CHORES: Duration = Duration::from_secs(20);
/// How long to wait before what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Events that wait for a disk that can't be written; more are let go, and are read from their source again at the next
/// start.
const WAITING: usize = 200_000;
/// That all is well with a source that has nothing to say is written so often: a quiet board spares the disk.
const MARK_EVERY: Duration = Duration::from_secs(10);
/// How long a source waits for a disk that is too slow.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a source brought.
#[derive(Debug)]
pub struct Record {
    source: usize,
    events: Vec<Event>,
    cursor: Option<source::Cursor>,
    good_at: Option<Timestamp>,
    /// Something before it was lost: what it leads on from is not there.
    is_after_a_gap: bool,
}

/// Hands what the sources bring to the engine, and a copy of it to the recorder.
pub async fn forward(mut from: mpsc::Receiver<Update>, to: mpsc::Sender<Update>, records: mpsc::Sender<Record>) {
    let mut is_after_a_gap = false;
    let mut marked: FxHashMap<usize, Instant> = FxHashMap::default();
    while let Some(update) = from.recv().await {
        let record = update.outcome.as_ref().ok().and_then(|batch| {
            let is_marked = marked.get(&update.source).is_some_and(|at| at.elapsed() < MARK_EVERY);
            let is_news = !batch.events.is_empty() || batch.cursor.is_some() || !(batch.partial || is_marked);
            if is_news && !batch.partial {
                marked.insert(update.source, Instant::now());
            }
            is_news.then(|| Record {
                source: update.source,
                events: batch.events.clone(),
                cursor: batch.cursor.clone(),
                good_at: Some(update.tried_at).filter(|_| !batch.partial),
                is_after_a_gap,
            })
        });
        if to.send(update).await.is_err() {
            return;
        }
        let Some(record) = record else { continue };
        if !matches!(timeout(PATIENCE, records.send(record)).await, Ok(Ok(()))) {
            is_after_a_gap = true;
        }
    }
}

/// Writes into the store.
pub struct Recorder {
    /// Where.
    pub store: Box<dyn Store>,
    /// The sources of the board.
    pub sources: Vec<Kin>,
    /// What the sources bring.
    pub records: mpsc::Receiver<Record>,
    /// What the engine is told.
    pub recalls: mpsc::Sender<Recall>,
    /// Whether all is well.
    pub health: watch::Sender<StoreHealth>,
    /// How long conversations are kept, and in how many bytes.
    pub keep: (Duration, u64),
    /// The board's clock.
    pub now: Now,
}

impl Recorder {
    /// Tells the engine what was kept, then records until no source is left. To be called on a thread of its own.
    pub fn run(self, runtime: &Handle) {
        let lost = vec![false; self.sources.len()];
        let mut run = Run { recorder: self, waiting: VecDeque::new(), lost, retry_at: None };
        if let Err(error) = run.recall_all() {
            run.fail(&error);
        }
        runtime.block_on(run.record());
    }
}

struct Run {
    recorder: Recorder,
    /// What could not be written yet.
    waiting: VecDeque<Record>,
    /// Sources of which something was lost: their cursors stay where they are.
    lost: Vec<bool>,
    retry_at: Option<Instant>,
}

impl Run {
    async fn record(mut self) {
        let mut chores = interval_at(Instant::now() + FIRST_CHORES, CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let retry_at = self.retry_at;
            tokio::select! {
                biased;
                record = self.recorder.records.recv() => match record {
                    Some(record) => self.take(record).await,
                    None => break,
                },
                () = tokio::time::sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                    self.write_waiting().await;
                }
                _ = chores.tick() => self.chores(),
            }
        }
        self.write_waiting().await;
    }

    /// Tells the engine everything that is going on, and what has ended lately.
    fn recall_all(&mut self) -> Result<(), StoreError> {
        let since = (self.recorder.now)() - QUIET;
        let mut told: Vec<Vec<Event>> = self.recorder.sources.iter().map(|_| Vec::new()).collect();
        let places: Vec<SourceNo> = self.recorder.sources.iter().map(|kin| kin.no).collect();
        let recalls = self.recorder.recalls.clone();
        // With the engine gone there is nobody to tell.
        let tell = |recall| drop(recalls.blocking_send(recall));
        self.recorder.store.read(&Selection::Since(since), &mut |no, event| {
            let Some(source) = places.iter().position(|place| *place == no) else { return Ok(()) };
            if !matches!(event.kind, EventKind::Clock {}) {
                told[source].push(event);
            }
            if told[source].len() == PART {
                let events = std::mem::take(&mut told[source]);
                tell(Recall { source, events, ..Recall::default() });
            }
            Ok(())
        })?;
        let kept = self.recorder.store.sources()?;
        for (source, events) in told.into_iter().enumerate() {
            let good_at = kept.iter().find(|kept| kept.no == places[source]).and_then(|kept| kept.good_at);
            tell(Recall { source, events, good_at, ..Recall::default() });
        }
        Ok(())
    }

    async fn take(&mut self, record: Record) {
        self.waiting.push_back(record);
        if self.retry_at.is_none() {
            self.write_waiting().await;
        }
        while self.waiting.iter().map(|record| record.events.len()).sum::<usize>() > WAITING {
            if let Some(gone) = self.waiting.pop_front() {
                self.lost[gone.source] = true;
            }
        }
    }

    async fn write_waiting(&mut self) {
        while let Some(record) = self.waiting.front() {
            match write(&mut self.recorder, record, &mut self.lost) {
                Ok(revived) => {
                    let source = record.source;
                    self.waiting.pop_front();
                    self.retry_at = None;
                    self.recover();
                    for events in revived {
                        let _ = self.recorder.recalls.send(Recall { source, events, ..Recall::default() }).await;
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    if error.is_passing() {
                        self.retry_at = Some(Instant::now() + RETRY);
                    } else {
                        self.lost.fill(true);
                        self.waiting.clear();
                    }
                    return;
                }
            }
        }
    }

    fn chores(&mut self) {
        let Recorder { store, keep: (keep, most_bytes), now, health, .. } = &mut self.recorder;
        let keep = TimeDelta::from_std(*keep).unwrap_or(TimeDelta::MAX);
        let limits = Limits { oldest: now() - keep, most_bytes: *most_bytes };
        match store.prune(&limits).and_then(|pruned| Ok((pruned, store.size()?))) {
            Ok((pruned, size)) => {
                if pruned.conversations > 0 {
                    tracing::info!(conversations = pruned.conversations, before = ?pruned.before, "let go of the oldest");
                }
                health.send_modify(|health| health.size = Some((size.events, size.bytes)));
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &StoreError) {
        tracing::error!(%error, "the store");
        let said = (error.to_string(), error.hint().to_owned());
        self.recorder.health.send_if_modified(|health| {
            let is_new = health.error.as_ref() != Some(&said);
            health.error = Some(said);
            health.state = StoreState::Failing;
            is_new
        });
    }

    fn recover(&mut self) {
        self.recorder.health.send_if_modified(|health| {
            let was_failing = health.state == StoreState::Failing && !health.place.is_empty();
            if was_failing {
                health.state = StoreState::Keeping;
                health.error = None;
            }
            was_failing
        });
    }
}

/// Writes one record; gives the conversations that had been quiet for long and are spoken of again, whole.
fn write(recorder: &mut Recorder, record: &Record, lost: &mut [bool]) -> Result<Vec<Vec<Event>>, StoreError> {
    let kin = &recorder.sources[record.source];
    lost[record.source] |= record.is_after_a_gap;
    let mark = Mark {
        // Behind a gap the cursor stays: at the next start the source is asked again for what was lost.
        cursor: record
            .cursor
            .as_ref()
            .filter(|_| !lost[record.source])
            .map(|cursor| Cursor { value: cursor.0.clone(), settings: kin.settings }),
        good_at: record.good_at,
        quiet_before: Some((recorder.now)() - QUIET),
    };
    let no = kin.no;
    let appended = recorder.store.append(no, &record.events, &mark)?;
    let mut revived = Vec::new();
    for id in appended.revived {
        let mut events = Vec::new();
        recorder.store.read(&Selection::Conversation(no, id), &mut |source, event| {
            if source == no {
                events.push(event);
            }
            Ok(())
        })?;
        revived.push(events);
    }
    Ok(revived)
}

#[cfg(test)]
mod tests;
