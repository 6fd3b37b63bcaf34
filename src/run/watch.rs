//! Starts everything that keeps a board alive: a poller per source, and the engine they feed.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::{self, Now};
use super::engine::EngineTask;
use super::feed::{self, Around, Ends, Watched};
use super::keep::{Keeper, Kept, recorder};
use super::past::{self, HistoryTask, LastWeek, Memory};
use crate::board::{BoardSnapshot, Engine, Options, SourceHealth};
use crate::metrics::history::Terms;
use crate::metrics::thresholds::Thresholds;
use crate::source::Pace;
use crate::term::{Ask, Link};

/// Questions of viewers on their way to the engine.
const ASKS: usize = 64;
/// How long everything may take to end.
const FAREWELL: Duration = Duration::from_secs(3);

/// What keeps a board alive.
pub struct Watch {
    /// The viewers' end.
    pub link: Link,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Watch {
    /// Starts pollers, engine, what keeps their news and what answers questions about the past.
    pub fn start(
        sources: Vec<Watched>,
        thresholds: Thresholds,
        keeper: Keeper,
        (terms, zone): (Terms, Tz),
        now: Now,
        cancel: CancellationToken,
    ) -> Self {
        let keep_text = keeper.keep_text;
        let options =
            Options { thresholds: Arc::new(thresholds), keep_text, midnight: Arc::new(clock::local_midnight) };
        let mut engine = Engine::new(options, now());
        if !matches!(keeper.kept, Kept::Nowhere) {
            engine.forget_after(recorder::REMEMBERED);
        }
        for watched in &sources {
            engine.add_source(SourceHealth {
                name: watched.name.clone(),
                kind: watched.kind.name,
                pushes: watched.source.pace() == Pace::Push && !keeper.kept.is_elsewhere(),
                interval: watched.interval,
                quota_share: watched.quota_share,
                cannot_tell: watched.kind.cannot_tell,
                ..SourceHealth::default()
            });
        }
        engine.set_store_health(keeper.health.clone());
        let tasks = TaskTracker::new();
        let around = Around { now: now.clone(), tasks: tasks.clone(), cancel: cancel.clone() };
        let keep = (keeper.keep, keeper.most_bytes);
        let Ends { updates, recalls, store, wakes } = feed::start(sources, keeper.kept, keeper.health, keep, around);
        let (ask, asks) = mpsc::channel::<Ask>(ASKS);
        let (publish, board) = watch::channel(Arc::new(BoardSnapshot::default()));
        let engine = EngineTask {
            engine,
            updates,
            recalls,
            store,
            asks,
            publish,
            refresh: wakes,
            now: now.clone(),
            cancel: cancel.clone(),
        };
        tasks.spawn(engine.run());
        tasks.close();
        let (past, past_asks) = mpsc::channel(past::ASKS);
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
