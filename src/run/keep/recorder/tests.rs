//! What becomes of what the sources bring, on a disk that is well, full, slow or broken.

use std::sync::{Arc, Mutex};

use super::*;
use crate::event::{ConversationId, parse_line};
use crate::source::{Batch, SourceError};
use crate::store::{Appended, KeptSource, Pruned, Sink, Size, SqliteStore};

/// A store that can be made to fail, and looked into meanwhile.
#[derive(Clone)]
struct Flaky {
    store: Arc<Mutex<SqliteStore>>,
    fault: Arc<Mutex<Option<StoreError>>>,
}

impl Flaky {
    fn new() -> Self {
        let store = Arc::new(Mutex::new(SqliteStore::temporary(false).unwrap()));
        Self { store, fault: Arc::default() }
    }

    fn set(&self, fault: Option<StoreError>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn events(&self) -> u64 {
        self.store.lock().unwrap().size().unwrap().events
    }

    fn cursor(&self, source: usize) -> Option<serde_json::Value> {
        self.store.lock().unwrap().sources().unwrap()[source].cursor.clone().map(|cursor| cursor.value)
    }
}

impl Store for Flaky {
    fn source(&mut self, name: &str) -> Result<SourceNo, StoreError> {
        self.store.lock().unwrap().source(name)
    }
    fn sources(&mut self) -> Result<Vec<KeptSource>, StoreError> {
        self.store.lock().unwrap().sources()
    }
    fn active(&mut self, source: SourceNo) -> Result<Vec<ConversationId>, StoreError> {
        self.store.lock().unwrap().active(source)
    }

    fn whole_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.store.lock().unwrap().whole_from()
    }
    fn append(&mut self, source: SourceNo, events: &[Event], mark: &Mark) -> Result<Appended, StoreError> {
        match self.fault.lock().unwrap().clone() {
            Some(fault) => Err(fault),
            None => self.store.lock().unwrap().append(source, events, mark),
        }
    }
    fn appends(&mut self) -> Result<i64, StoreError> {
        self.store.lock().unwrap().appends()
    }
    fn read(&mut self, selection: &Selection, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        self.store.lock().unwrap().read(selection, sink)
    }
    fn openings(&mut self, from: Timestamp, quiet_before: Timestamp) -> Result<Vec<(SourceNo, Timestamp)>, StoreError> {
        self.store.lock().unwrap().openings(from, quiet_before)
    }
    fn count(&mut self, selection: &Selection) -> Result<u64, StoreError> {
        self.store.lock().unwrap().count(selection)
    }
    fn prune(&mut self, limits: &Limits) -> Result<Pruned, StoreError> {
        self.store.lock().unwrap().prune(limits)
    }
    fn size(&mut self) -> Result<Size, StoreError> {
        self.store.lock().unwrap().size()
    }
}

/// Two sources, their recorder, and what it tells.
struct Rig {
    store: Flaky,
    records: mpsc::Sender<Record>,
    recalls: mpsc::Receiver<Recall>,
    health: watch::Receiver<StoreHealth>,
}

const NOW: &str = "2026-03-10T12:00:00Z";

fn full() -> StoreError {
    StoreError::Full { path: "history.db".into() }
}

/// Starts a recorder.
fn start(store: &Flaky) -> Rig {
    let mut kept = store.clone();
    let kin = ["one", "two"].map(|name| Kin {
        no: kept.source(name).unwrap(),
        settings: 7,
        cursor: None,
        active: Vec::new(),
    });
    let (records, received) = mpsc::channel(RECORDS);
    let (told, recalls) = mpsc::channel(RECALLS);
    let health = StoreHealth { place: "history.db".into(), state: StoreState::Keeping, ..StoreHealth::default() };
    let (sender, health) = watch::channel(health);
    let now = Timestamp::parse(NOW).unwrap();
    let recorder = Recorder {
        store: Box::new(kept),
        sources: kin.to_vec(),
        records: received,
        recalls: told,
        health: sender,
        keep: (Duration::from_hours(24 * 400), u64::MAX),
        now: Arc::new(move || now),
    };
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || recorder.run(&runtime));
    Rig { store: store.clone(), records, recalls, health }
}

fn opened(id: usize, at: &str) -> Event {
    parse_line(format!(r#"{{"type":"opened","conversation":"{id}","at":"{at}"}}"#).as_bytes()).unwrap()
}

fn record(source: usize, events: Vec<Event>, last: u64) -> Record {
    let cursor = Some(source::Cursor(serde_json::json!(last)));
    Record { source, events, cursor, good_at: Timestamp::parse(NOW).ok(), is_after_a_gap: false }
}

fn update(outcome: Result<Batch, SourceError>) -> Update {
    Update {
        source: 0,
        tried_at: Timestamp::default(),
        latency: Duration::ZERO,
        next_at: None,
        interval: Duration::ZERO,
        outcome,
        aside: Vec::new(),
    }
}

impl Rig {
    /// Waits until all is written or given up: the store has so many events.
    async fn wait_for(&mut self, events: u64) {
        for _ in 0..600 {
            if self.store.events() == events {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} events, not {events}", self.store.events());
    }

    async fn wait_until(&mut self, state: StoreState) {
        let seen = self.health.wait_for(|health| health.state == state);
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_was_kept_is_told_at_the_next_start_with_its_age() {
    let store = Flaky::new();
    let mut rig = start(&store);
    rig.records.send(record(1, vec![opened(1, NOW)], 5)).await.unwrap();
    rig.wait_for(1).await;
    assert_eq!(store.cursor(1), Some(5.into()));
    drop(rig.records);
    let mut rig = start(&store);
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(rig.recalls.recv().await.unwrap());
    }
    assert_eq!((told[0].events.len(), told[0].good_at), (0, None));
    assert_eq!((told[1].events.len(), told[1].good_at), (1, Timestamp::parse(NOW).ok()));
}

#[tokio::test]
async fn a_full_disk_is_told_and_once_there_is_room_nothing_is_missing() {
    let store = Flaky::new();
    let mut rig = start(&store);
    store.set(Some(full()));
    for i in 0..3 {
        rig.records.send(record(0, vec![opened(i, NOW)], i as u64)).await.unwrap();
    }
    rig.wait_until(StoreState::Failing).await;
    let said = rig.health.borrow().error.clone().unwrap();
    assert_eq!(said.0, "history.db: the disk is full");
    assert_eq!((store.events(), store.cursor(0)), (0, None));
    store.set(None);
    rig.wait_for(3).await;
    rig.wait_until(StoreState::Keeping).await;
    assert_eq!((store.cursor(0), rig.health.borrow().error.clone()), (Some(2.into()), None));
}

#[tokio::test]
async fn what_had_to_be_let_go_is_asked_for_again_at_the_next_start() {
    let store = Flaky::new();
    let mut rig = start(&store);
    rig.records.send(record(0, vec![opened(0, NOW)], 1)).await.unwrap();
    rig.wait_for(1).await;
    store.set(Some(full()));
    let many = |from: usize| (from..=from + WAITING / 2).map(|i| opened(i, NOW)).collect();
    rig.records.send(record(0, many(1), 2)).await.unwrap();
    rig.records.send(record(1, many(1), 2)).await.unwrap();
    rig.wait_until(StoreState::Failing).await;
    store.set(None);
    rig.wait_for(1 + WAITING as u64 / 2 + 1).await;
    rig.records.send(record(0, vec![opened(900_000, NOW)], 3)).await.unwrap();
    rig.wait_for(2 + WAITING as u64 / 2 + 1).await;
    assert_eq!(store.cursor(0), Some(1.into()), "the cursor stays before what was lost");
    assert_eq!(store.cursor(1), Some(2.into()));
}

#[tokio::test]
async fn a_store_that_broke_keeps_no_cursor_any_more() {
    let store = Flaky::new();
    let mut rig = start(&store);
    store.set(Some(StoreError::Corrupt { path: "history.db".into(), what: "page 7".into() }));
    rig.records.send(record(0, vec![opened(0, NOW)], 1)).await.unwrap();
    rig.wait_until(StoreState::Failing).await;
    store.set(None);
    rig.records.send(record(0, vec![opened(1, NOW)], 2)).await.unwrap();
    rig.wait_for(1).await;
    assert_eq!(store.cursor(0), None);
}

#[tokio::test]
async fn a_conversation_that_was_forgotten_is_told_whole_when_it_is_spoken_of_again() {
    let store = Flaky::new();
    let mut rig = start(&store);
    let ended = parse_line(br#"{"type":"status","conversation":"1","status":"closed","at":"2026-03-01T10:00:00Z"}"#);
    let old = vec![opened(1, "2026-03-01T09:00:00Z"), ended.unwrap()];
    rig.records.send(record(0, old, 1)).await.unwrap();
    rig.wait_for(2).await;
    for _ in 0..2 {
        assert!(rig.recalls.recv().await.unwrap().events.is_empty());
    }
    let asks =
        parse_line(format!(r#"{{"type":"message","conversation":"1","from":"customer","at":"{NOW}"}}"#).as_bytes());
    rig.records.send(record(0, vec![asks.unwrap()], 2)).await.unwrap();
    let told = rig.recalls.recv().await.unwrap();
    assert_eq!((told.source, told.events.len(), told.good_at), (0, 3, None));
}

#[tokio::test(start_paused = true)]
async fn a_source_with_nothing_to_say_is_noted_every_ten_seconds() {
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(64);
    let (records, mut written) = mpsc::channel(64);
    tokio::spawn(forward(from, to, records));
    for _ in 0..11 {
        brought.send(update(Ok(Batch::default()))).await.unwrap();
        board.recv().await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    brought.send(update(Ok(Batch { events: vec![opened(1, NOW)], ..Batch::default() }))).await.unwrap();
    board.recv().await.unwrap();
    drop(brought);
    let mut records = Vec::new();
    while let Some(record) = written.recv().await {
        records.push(record.events.len());
    }
    assert_eq!(records, [0, 0, 0, 1], "at 0, 10 and 20 s; what happened at once");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_holds_up_neither_the_board_nor_for_ever_a_source() {
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(64);
    let (records, mut slow) = mpsc::channel(1);
    tokio::spawn(forward(from, to, records));
    let batch = || Ok(Batch { events: vec![opened(1, NOW)], ..Batch::default() });
    for _ in 0..3 {
        brought.send(update(batch())).await.unwrap();
    }
    brought.send(update(Err(SourceError::passing("x", "y")))).await.unwrap();
    for _ in 0..4 {
        board.recv().await.unwrap();
    }
    assert!(!slow.recv().await.unwrap().is_after_a_gap);
    brought.send(update(batch())).await.unwrap();
    assert!(slow.recv().await.unwrap().is_after_a_gap, "two were let go in between");
}
