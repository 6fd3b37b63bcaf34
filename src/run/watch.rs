//! Starts everything that keeps a board alive: a poller per source, and the engine they feed.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::{self, Now};
use super::engine::EngineTask;
use super::follow::Follower;
use super::history::{self, HistoryTask, Memory};
use super::keeper::{Keeper, Kept};
use super::last_week::LastWeek;
use super::recorder::{self, Recorder};
use crate::board::{BoardSnapshot, Engine, Options, SourceHealth};
use crate::metrics::history::Terms;
use crate::metrics::thresholds::Thresholds;
use crate::poll::{Poller, Update};
use crate::source::{Cursor, Kind, Pace, Source};
use crate::term::{Ask, Link};

/// Updates on their way to the engine; a source that is faster waits. Few, for each may hold thousands of events.
const UPDATES: usize = 8;
/// Questions of viewers on their way to the engine.
const ASKS: usize = 64;
/// How long everything may take to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// A source to be watched.
pub struct Watched {
    /// Its name on the board.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// The source.
    pub source: Box<dyn Source>,
    /// The quickest that it is asked.
    pub interval: Duration,
    /// How much of the vendor's limit may be used.
    pub quota_share: f64,
    /// Where it goes on; from its start when `None`.
    pub cursor: Option<Cursor>,
}

/// What keeps a board alive.
pub struct Watch {
    /// The viewers' end.
    pub link: Link,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// Starts the pollers; gives their updates and what wakes each of them.
pub fn start_pollers(
    sources: Vec<Watched>,
    now: &Now,
    tasks: &TaskTracker,
    cancel: &CancellationToken,
) -> (mpsc::Receiver<Update>, Vec<Arc<Notify>>) {
    let (updates, received) = mpsc::channel(UPDATES);
    let mut wakes = Vec::new();
    for (index, watched) in sources.into_iter().enumerate() {
        let refresh = Arc::new(Notify::new());
        wakes.push(refresh.clone());
        let poller = Poller {
            source: watched.source,
            index,
            interval: watched.interval,
            quota_share: watched.quota_share,
            seed: RandomState::new().hash_one(index),
            cursor: watched.cursor,
            now: now.clone(),
            updates: updates.clone(),
            refresh,
            stop: cancel.clone(),
        };
        tasks.spawn(poller.run());
    }
    (received, wakes)
}

impl Watch {
    /// Starts pollers, engine, what keeps their news and what answers questions about the past.
    pub fn start(
        mut sources: Vec<Watched>,
        thresholds: Thresholds,
        keeper: Keeper,
        (terms, zone): (Terms, Tz),
        now: Now,
        cancel: CancellationToken,
    ) -> Self {
        let options =
            Options { thresholds: Arc::new(thresholds), keep_text: false, midnight: Arc::new(clock::local_midnight) };
        let mut engine = Engine::new(options, now());
        for watched in &sources {
            engine.add_source(SourceHealth {
                name: watched.name.clone(),
                kind: watched.kind.name,
                pushes: watched.source.pace() == Pace::Push && !keeper.kept.is_elsewhere(),
                interval: watched.interval,
                cannot_tell: watched.kind.cannot_tell,
                ..SourceHealth::default()
            });
        }
        engine.set_store_health(keeper.health.clone());
        let tasks = TaskTracker::new();
        let (told, recalls) = mpsc::channel(recorder::RECALLS);
        let (health, store) = watch::channel(keeper.health);
        let mut refresh = Vec::new();
        let updates = match keeper.kept {
            Kept::Nowhere => {
                let (updates, wakes) = start_pollers(sources, &now, &tasks, &cancel);
                refresh = wakes;
                updates
            }
            Kept::Here { store, sources: mut kin, recording } => {
                for (watched, kin) in sources.iter_mut().zip(&mut kin) {
                    watched.cursor.clone_from(&kin.cursor);
                    watched.source.remember(&std::mem::take(&mut kin.active));
                }
                let (record, records) = mpsc::channel(recorder::RECORDS);
                let (forward, updates) = mpsc::channel(UPDATES);
                let keep = (keeper.keep, keeper.most_bytes);
                let recorder = Recorder { store, sources: kin, records, recalls: told, health, keep, now: now.clone() };
                let runtime = Handle::current();
                tasks.spawn_blocking(move || {
                    recorder.run(&runtime);
                    drop(recording);
                });
                let (brought, wakes) = start_pollers(sources, &now, &tasks, &cancel);
                refresh = wakes;
                tasks.spawn(recorder::forward(brought, forward, record));
                updates
            }
            Kept::Elsewhere(store) => {
                let names = sources.into_iter().map(|watched| watched.name).collect();
                let follower = Follower { store, names, recalls: told, health, now: now.clone() };
                let runtime = Handle::current();
                tasks.spawn_blocking(move || runtime.block_on(follower.run()));
                mpsc::channel(1).1
            }
        };
        let (ask, asks) = mpsc::channel::<Ask>(ASKS);
        let (publish, board) = watch::channel(Arc::new(BoardSnapshot::default()));
        let engine = EngineTask {
            engine,
            updates,
            recalls,
            store,
            asks,
            publish,
            refresh,
            now: now.clone(),
            cancel: cancel.clone(),
        };
        tasks.spawn(engine.run());
        tasks.close();
        let (past, past_asks) = mpsc::channel(history::ASKS);
        let memory = Memory { past: keeper.past, terms, zone };
        let (publish, last_week) = watch::channel(None);
        HistoryTask::new(memory, LastWeek::new(publish), now.clone()).start(past_asks, cancel.clone());
        Self { link: Link { board, ask, past, last_week, now }, tasks, cancel }
    }

    /// Ends pollers and engine, and the programs they started.
    pub async fn end(self) {
        self.cancel.cancel();
        // What does not end in time ends with the program.
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
    }
}
