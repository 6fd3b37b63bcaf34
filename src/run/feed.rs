//! What brings events to the engine: pollers, what keeps their news, or another helptop that polls.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Now;
use super::engine::Recall;
use super::keep::recorder::{self, Recorder};
use super::keep::{Follower, Gap, Kept, Own};
use crate::board::{StoreHealth, StoreState};
use crate::poll::{Poller, Update};
use crate::source::{Cursor, Kind, Pace, Source};

/// Updates on their way to the engine; a source that is faster waits. Few, for each may hold thousands of events.
const UPDATES: usize = 8;

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

/// What every task here needs.
#[derive(Clone)]
pub struct Around {
    /// The clock.
    pub now: Now,
    /// Where tasks are counted.
    pub tasks: TaskTracker,
    /// Ends them.
    pub cancel: CancellationToken,
}

/// The engine's ends of the channels.
pub struct Ends {
    /// What the sources bring.
    pub updates: mpsc::Receiver<Update>,
    /// What was kept of them.
    pub recalls: mpsc::Receiver<Recall>,
    /// Whether what they bring is kept.
    pub store: watch::Receiver<StoreHealth>,
    /// Wakes each source for a refresh.
    pub wakes: Vec<Arc<Notify>>,
}

/// Starts the pollers, each with what wakes it; gives their updates.
pub fn start_pollers(sources: Vec<Watched>, wakes: &[Arc<Notify>], around: &Around) -> mpsc::Receiver<Update> {
    let (updates, received) = mpsc::channel(UPDATES);
    for (index, (watched, refresh)) in sources.into_iter().zip(wakes).enumerate() {
        let poller = Poller {
            source: watched.source,
            index,
            interval: watched.interval,
            quota_share: watched.quota_share,
            seed: RandomState::new().hash_one(index),
            cursor: watched.cursor,
            now: around.now.clone(),
            updates: updates.clone(),
            refresh: Arc::clone(refresh),
            stop: around.cancel.clone(),
        };
        around.tasks.spawn(poller.run());
    }
    received
}

/// What wakes each of so many sources.
pub fn wakes(sources: usize) -> Vec<Arc<Notify>> {
    (0..sources).map(|_| Arc::default()).collect()
}

/// Starts what brings events, by who keeps them.
pub fn start(sources: Vec<Watched>, kept: Kept, health: StoreHealth, keep: (Duration, u64), around: Around) -> Ends {
    let wakes = wakes(sources.len());
    let (told, recalls) = mpsc::channel(recorder::RECALLS);
    let (said, store) = watch::channel(health);
    let updates = match kept {
        Kept::Nowhere => start_pollers(sources, &wakes, &around),
        Kept::Here(own) => {
            let (forward, updates) = mpsc::channel(UPDATES);
            Feed { sources, wakes: wakes.clone(), forward, told, health: said, keep, around }.record(own);
            updates
        }
        Kept::Elsewhere { store, take_over } => {
            let (forward, updates) = mpsc::channel(UPDATES);
            let names = sources.iter().map(|watched| watched.name.clone()).collect();
            let (now, tasks) = (around.now.clone(), around.tasks.clone());
            let follower = Follower { store, names, take_over, recalls: told.clone(), health: said.clone(), now };
            let feed = Feed { sources, wakes: wakes.clone(), forward, told, health: said, keep, around };
            let followed = on_a_thread("follower", |runtime| runtime.block_on(follower.run()));
            tasks.spawn(async move {
                if let Ok(Some(own)) = followed.await {
                    feed.take_over(own).await;
                }
            });
            updates
        }
    };
    Ends { updates, recalls, store, wakes }
}

/// Does something that waits for a disk on a thread of its own, which ends with the program, whatever the disk does.
fn on_a_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&Handle) -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (done, end) = oneshot::channel();
    let runtime = Handle::current();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(move || drop(done.send(work(&runtime))));
    if let Err(error) = spawned {
        tracing::error!(%error, name, "no thread");
    }
    end
}

/// Everything that polling and recording needs.
struct Feed {
    sources: Vec<Watched>,
    wakes: Vec<Arc<Notify>>,
    forward: mpsc::Sender<Update>,
    told: mpsc::Sender<Recall>,
    health: watch::Sender<StoreHealth>,
    keep: (Duration, u64),
    around: Around,
}

impl Feed {
    /// Polls, and keeps what comes.
    fn record(mut self, own: Own) {
        let Own { store, mut sources, recording, keep_text } = own;
        for (watched, kin) in self.sources.iter_mut().zip(&mut sources) {
            watched.cursor.clone_from(&kin.cursor);
            watched.source.remember(&std::mem::take(&mut kin.active));
        }
        // Who speaks by itself tells what has happened in between.
        let is_asked = |watched: &Watched| watched.source.pace() == Pace::Interval;
        let gaps = self.sources.iter().zip(&mut sources);
        let gaps = gaps.map(|(watched, kin)| {
            let tells_everybody = watched.kind.tells_everybody_at_a_start();
            let gap = Gap { tells_everybody, ..std::mem::take(&mut kin.gap) };
            if is_asked(watched) { gap } else { Gap::default() }
        });
        let gaps = gaps.collect();
        let (record, records) = recorder::queue(sources.len(), recorder::WAITING, keep_text);
        let Self { told, health, keep, around, .. } = self;
        let recorder = Recorder {
            store,
            is_lasting: recording.is_some(),
            sources,
            records,
            recalls: told,
            health,
            keep,
            now: around.now.clone(),
        };
        let recorded = on_a_thread("recorder", |runtime| {
            recorder.run(runtime);
            drop(recording);
        });
        around.tasks.spawn(recorded);
        let brought = start_pollers(self.sources, &self.wakes, &around);
        around.tasks.spawn(recorder::forward(brought, self.forward, record, gaps));
    }

    /// Does what another helptop did until now.
    async fn take_over(self, own: Own) {
        tracing::info!("the helptop that polled has ended; this one polls from now on");
        let paces: Vec<_> = self.sources.iter().map(|watched| watched.source.pace()).collect();
        for (source, pace) in paces.into_iter().enumerate() {
            let pushes = Some(pace == Pace::Push);
            // With the engine gone there is nobody to tell.
            let _ = self.told.send(Recall { source, pushes, ..Recall::default() }).await;
        }
        self.health.send_modify(|health| health.state = StoreState::Keeping);
        self.record(own);
    }
}
