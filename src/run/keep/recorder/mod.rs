//! The recorder: writes what the sources bring into the store, on a thread of its own, and tells the engine what was
//! kept. Neither the board nor a source ever waits for the disk.

mod queue;

use std::time::Duration;

use chrono::TimeDelta;
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Gap, Kin};
use crate::board::{StoreHealth, StoreState};
use crate::event::{Event, EventKind};
use crate::poll::Update;
use crate::run::clock::Now;
use crate::run::engine::Recall;
use crate::store::{self, Cursor, Mark, Selection, SourceNo, Store, StoreError};

pub use queue::{Inlet, Limits, Outlet, Reached, Record, queue};

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
/// What may wait for the disk. What is joined takes it half a second, and readers see progress. Three or four million
/// events have room; what is told above that is read from its source again at the next start.
pub const WAITING: Limits = Limits { joined: 50_000, bytes: 128 << 20, patience: Duration::from_secs(15) };
/// That all is well with a source that has nothing to say is written so often: a quiet board spares the disk.
const MARK_EVERY: Duration = Duration::from_secs(10);

/// Hands what the sources bring to the recorder and to the engine, and waits for the engine only.
pub async fn forward(mut from: mpsc::Receiver<Update>, to: mpsc::Sender<Update>, records: Inlet, mut gaps: Vec<Gap>) {
    let mut marked: FxHashMap<usize, Instant> = FxHashMap::default();
    while let Some(mut update) = from.recv().await {
        if let Ok(batch) = &mut update.outcome {
            if let Some(gap) = gaps.get_mut(update.source) {
                gap.close(batch, update.tried_at);
            }
            let is_marked = marked.get(&update.source).is_some_and(|at| at.elapsed() < MARK_EVERY);
            if !batch.events.is_empty() || batch.cursor.is_some() || !(batch.partial || is_marked) {
                if !batch.partial {
                    marked.insert(update.source, Instant::now());
                }
                let reached = Reached::of(batch, update.tried_at);
                records.put(update.source, &batch.events, batch.cursor.as_ref(), reached);
            }
        }
        if to.send(update).await.is_err() {
            return;
        }
    }
}

/// Writes into the store.
pub struct Recorder {
    /// Where.
    pub store: Box<dyn Store>,
    /// Whether that outlives the program: only then what still waits at the end is written.
    pub is_lasting: bool,
    /// The sources of the board.
    pub sources: Vec<Kin>,
    /// What the sources bring.
    pub records: Outlet,
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
        let mut run = Run { recorder: self, failed: None };
        if let Err(error) = run.recall_all() {
            run.fail(&error);
        }
        runtime.block_on(run.record());
    }
}

struct Run {
    recorder: Recorder,
    /// What could not be written, and when it is tried again.
    failed: Option<(Record, Instant)>,
}

impl Run {
    async fn record(mut self) {
        let mut chores = interval_at(Instant::now() + FIRST_CHORES, CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let retry_at = self.failed.as_ref().map(|(_, retry_at)| *retry_at);
            let records = &self.recorder.records;
            tokio::select! {
                biased;
                record = records.next(), if retry_at.is_none() => match record {
                    Some(record) if self.recorder.is_lasting || !records.is_over() => self.write(record).await,
                    _ => return,
                },
                () = records.over(), if retry_at.is_some() => break,
                () = tokio::time::sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                    self.write_failed().await;
                }
                _ = chores.tick() => self.chores(),
            }
        }
        // The last chance.
        self.write_failed().await;
        while self.failed.is_none()
            && let Some(record) = self.recorder.records.next().await
        {
            self.write(record).await;
        }
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

    async fn write_failed(&mut self) {
        if let Some((record, _)) = self.failed.take() {
            self.write(record).await;
        }
    }

    async fn write(&mut self, record: Record) {
        match write(&mut self.recorder, &record) {
            Ok(revived) => {
                self.recorder.records.done(&record);
                self.recover();
                for events in revived {
                    let recall = Recall { source: record.source, events, ..Recall::default() };
                    // With the engine gone there is nobody to tell.
                    let _ = self.recorder.recalls.send(recall).await;
                }
            }
            Err(error) => {
                if error.is_passing() {
                    self.failed = Some((record, Instant::now() + RETRY));
                } else {
                    self.recorder.records.lose_all();
                }
                self.fail(&error);
            }
        }
    }

    fn chores(&mut self) {
        let Recorder { store, keep: (keep, most_bytes), now, health, .. } = &mut self.recorder;
        let keep = TimeDelta::from_std(*keep).unwrap_or(TimeDelta::MAX);
        let limits = store::Limits { oldest: now() - keep, most_bytes: *most_bytes };
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
fn write(recorder: &mut Recorder, record: &Record) -> Result<Vec<Vec<Event>>, StoreError> {
    let kin = &recorder.sources[record.source];
    let cursor = record.cursor.as_ref();
    let mark = Mark {
        cursor: cursor.map(|cursor| Cursor { value: cursor.0.clone(), settings: kin.settings }),
        good_at: record.reached.good_at,
        history_told: record.reached.history_told,
        quiet_before: Some((recorder.now)() - QUIET),
    };
    let no = kin.no;
    let appended = recorder.store.append(no, &record.events.unpack()?, &mark)?;
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
