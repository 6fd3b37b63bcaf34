//! What becomes of what the sources bring, on a disk that is well, full, slow or broken.

use std::sync::{Arc, Condvar, Mutex};

use super::*;
use crate::event::{AgentId, ConversationId, Timestamp, parse_line};
use crate::source::{self, Batch, SourceError};
use crate::store::{Appended, KeptSource, Pruned, Sink, Size, SqliteStore};

/// How many events were appended at once, and the cursor that went with them.
type Append = (usize, Option<u64>);

/// A store that can be made to fail or to hang, and looked into meanwhile.
#[derive(Clone)]
struct Flaky {
    store: Arc<Mutex<SqliteStore>>,
    fault: Arc<Mutex<Option<StoreError>>>,
    /// Whether an append hangs, and how many do.
    held: Arc<(Mutex<(bool, usize)>, Condvar)>,
    /// Of each append the events and the cursor.
    appended: Arc<Mutex<Vec<Append>>>,
}

impl Flaky {
    fn new() -> Self {
        let store = Arc::new(Mutex::new(SqliteStore::temporary(false).unwrap()));
        Self { store, fault: Arc::default(), held: Arc::default(), appended: Arc::default() }
    }

    fn hold(&self, held: bool) {
        self.held.0.lock().unwrap().0 = held;
        self.held.1.notify_all();
    }

    /// Waits until an append hangs.
    async fn hangs(&self) {
        while self.held.0.lock().unwrap().1 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn set(&self, fault: Option<StoreError>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn events(&self) -> u64 {
        self.store.lock().unwrap().size().unwrap().events
    }

    /// Waits until it has so many events.
    async fn wait_for(&self, events: u64) {
        for _ in 0..600 {
            if self.events() == events {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} events, not {events}", self.events());
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
    fn present(&mut self, source: SourceNo) -> Result<Vec<AgentId>, StoreError> {
        self.store.lock().unwrap().present(source)
    }
    fn whole_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.store.lock().unwrap().whole_from()
    }
    fn append(&mut self, source: SourceNo, events: &[Event], mark: &Mark) -> Result<Appended, StoreError> {
        let mut held = self.held.0.lock().unwrap();
        held.1 += 1;
        held = self.held.1.wait_while(held, |held| held.0).unwrap();
        held.1 -= 1;
        drop(held);
        if let Some(fault) = self.fault.lock().unwrap().clone() {
            return Err(fault);
        }
        let cursor = mark.cursor.as_ref().and_then(|cursor| cursor.value.as_u64());
        self.appended.lock().unwrap().push((events.len(), cursor));
        self.store.lock().unwrap().append(source, events, mark)
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
    fn prune(&mut self, limits: &store::Limits) -> Result<Pruned, StoreError> {
        self.store.lock().unwrap().prune(limits)
    }
    fn size(&mut self) -> Result<Size, StoreError> {
        self.store.lock().unwrap().size()
    }
}

/// Two sources, their recorder, and what it tells.
struct Rig {
    records: Inlet,
    recalls: mpsc::Receiver<Recall>,
    health: watch::Receiver<StoreHealth>,
    ended: tokio::task::JoinHandle<()>,
}

const NOW: &str = "2026-03-10T12:00:00Z";

fn full() -> StoreError {
    StoreError::Full { path: "history.db".into() }
}

/// Starts a recorder into a file.
fn start(store: &Flaky) -> Rig {
    start_with(store, WAITING, true)
}

fn start_with(store: &Flaky, limits: Limits, is_lasting: bool) -> Rig {
    let mut kept = store.clone();
    let kin = ["one", "two"].map(|name| Kin {
        no: kept.source(name).unwrap(),
        settings: 7,
        cursor: None,
        active: Vec::new(),
        gap: Gap::default(),
    });
    let (records, received) = queue(kin.len(), limits, false);
    let (told, recalls) = mpsc::channel(RECALLS);
    let health = StoreHealth { place: "history.db".into(), state: StoreState::Keeping, ..StoreHealth::default() };
    let (sender, health) = watch::channel(health);
    let now = Timestamp::parse(NOW).unwrap();
    let recorder = Recorder {
        store: Box::new(kept),
        is_lasting,
        sources: kin.to_vec(),
        records: received,
        recalls: told,
        health: sender,
        keep: (Duration::from_hours(24 * 400), u64::MAX),
        now: Arc::new(move || now),
    };
    let runtime = Handle::current();
    let ended = tokio::task::spawn_blocking(move || recorder.run(&runtime));
    Rig { records, recalls, health, ended }
}

fn opened(id: usize, at: &str) -> Event {
    parse_line(format!(r#"{{"type":"opened","conversation":"{id}","at":"{at}"}}"#).as_bytes()).unwrap()
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

fn good() -> Reached {
    Reached { good_at: Timestamp::parse(NOW).ok(), ..Reached::default() }
}

impl Rig {
    fn put(&self, source: usize, events: &[Event], last: u64) {
        let cursor = source::Cursor(last.into());
        self.records.put(source, events, Some(&cursor), good());
    }

    async fn wait_until(&mut self, state: StoreState) {
        let seen = self.health.wait_for(|health| health.state == state);
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_was_kept_is_told_at_the_next_start_with_its_age() {
    let store = Flaky::new();
    let rig = start(&store);
    rig.put(1, &[opened(1, NOW)], 5);
    store.wait_for(1).await;
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
        rig.put(0, &[opened(i, NOW)], i as u64);
    }
    rig.wait_until(StoreState::Failing).await;
    let said = rig.health.borrow().error.clone().unwrap();
    assert_eq!(said.0, "history.db: the disk is full");
    assert_eq!((store.events(), store.cursor(0)), (0, None));
    store.set(None);
    store.wait_for(3).await;
    rig.wait_until(StoreState::Keeping).await;
    assert_eq!((store.cursor(0), rig.health.borrow().error.clone()), (Some(2.into()), None));
}

#[tokio::test]
async fn what_had_to_be_let_go_is_asked_for_again_at_the_next_start() {
    let store = Flaky::new();
    let rig = start_with(&store, Limits { joined: 10, bytes: 2_000, ..WAITING }, true);
    store.hold(true);
    rig.put(0, &[opened(0, NOW)], 1);
    store.hangs().await;
    for i in 1..=1000 {
        rig.put(0, &[opened(i, NOW)], 1 + i as u64);
    }
    rig.put(1, &[opened(1, NOW)], 9);
    store.hold(false);
    drop(rig.records);
    rig.ended.await.unwrap();
    let kept = store.events() - 1;
    assert!((20..1000).contains(&kept), "{kept}");
    let before = store.cursor(0).unwrap().as_u64().unwrap();
    assert!((1..=kept).contains(&before), "the cursor {before} stays before what was lost: {kept} were kept");
    assert_eq!(store.cursor(1), Some(9.into()));
}

#[tokio::test]
async fn a_store_that_broke_keeps_no_cursor_any_more() {
    let store = Flaky::new();
    let mut rig = start(&store);
    store.set(Some(StoreError::Corrupt { path: "history.db".into(), what: "page 7".into() }));
    rig.put(0, &[opened(0, NOW)], 1);
    rig.wait_until(StoreState::Failing).await;
    store.set(None);
    rig.put(0, &[opened(1, NOW)], 2);
    store.wait_for(1).await;
    assert_eq!(store.cursor(0), None);
}

#[tokio::test]
async fn a_conversation_that_was_forgotten_is_told_whole_when_it_is_spoken_of_again() {
    let store = Flaky::new();
    let mut rig = start(&store);
    let ended = parse_line(br#"{"type":"status","conversation":"1","status":"closed","at":"2026-03-01T10:00:00Z"}"#);
    let old = vec![opened(1, "2026-03-01T09:00:00Z"), ended.unwrap()];
    rig.put(0, &old, 1);
    store.wait_for(2).await;
    for _ in 0..2 {
        assert!(rig.recalls.recv().await.unwrap().events.is_empty());
    }
    let asks =
        parse_line(format!(r#"{{"type":"message","conversation":"1","from":"customer","at":"{NOW}"}}"#).as_bytes());
    rig.put(0, &[asks.unwrap()], 2);
    let told = rig.recalls.recv().await.unwrap();
    assert_eq!((told.source, told.events.len(), told.good_at), (0, 3, None));
}

#[tokio::test(start_paused = true)]
async fn a_source_with_nothing_to_say_is_noted_every_ten_seconds() {
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(64);
    // Nothing is joined, not even what says no more than that all is well.
    let (records, written) = queue(1, Limits { joined: 0, ..WAITING }, false);
    tokio::spawn(forward(from, to, records, Vec::new()));
    for _ in 0..11 {
        brought.send(update(Ok(Batch::default()))).await.unwrap();
        board.recv().await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    brought.send(update(Ok(Batch { events: vec![opened(1, NOW)], ..Batch::default() }))).await.unwrap();
    board.recv().await.unwrap();
    drop(brought);
    let mut records = Vec::new();
    while let Some(record) = written.next().await {
        records.push(record.events.unpack().unwrap().len());
    }
    assert_eq!(records, [0, 0, 0, 1], "at 0, 10 and 20 s; what happened at once");
}

fn said(by: &str) -> Event {
    let line = format!(r#"{{"type":"message","conversation":"0","from":"agent","agent":"{by}","at":"{NOW}"}}"#);
    parse_line(line.as_bytes()).unwrap()
}

#[tokio::test]
async fn what_waits_is_joined_in_its_order_with_the_last_cursor() {
    let store = Flaky::new();
    let rig = start(&store);
    store.hold(true);
    rig.put(0, &[opened(0, NOW)], 1);
    store.hangs().await;
    for (i, by) in ["d", "a", "c"].into_iter().enumerate() {
        rig.put(0, &[said(by)], 2 + i as u64);
        rig.put(1, &[opened(i, NOW)], 20 + i as u64);
    }
    rig.records.put(0, &[said("b")], None, good());
    store.hold(false);
    store.wait_for(8).await;
    assert_eq!(*store.appended.lock().unwrap(), [(1, Some(1)), (3, Some(22)), (4, Some(4))]);
    let mut found = Vec::new();
    let mut sink = |no, event: Event| {
        found.extend((no == SourceNo(1) && matches!(event.kind, EventKind::Message(_))).then_some(event));
        Ok(())
    };
    store.store.lock().unwrap().read(&Selection::All, &mut sink).unwrap();
    assert_eq!(found, ["d", "a", "c", "b"].map(said));
}

#[tokio::test]
async fn what_waits_at_the_end_is_written_where_that_outlives_the_program() {
    for (is_lasting, kept) in [(true, 2), (false, 1)] {
        let store = Flaky::new();
        let rig = start_with(&store, Limits { joined: 1, ..WAITING }, is_lasting);
        store.hold(true);
        rig.put(0, &[opened(0, NOW)], 1);
        store.hangs().await;
        rig.put(0, &[opened(1, NOW)], 2);
        drop(rig.records);
        store.hold(false);
        rig.ended.await.unwrap();
        assert_eq!((store.events(), store.cursor(0)), (kept, Some(kept.into())));
    }
}

#[tokio::test]
async fn who_was_there_when_nobody_watched_any_more_is_told_to_have_gone_to_board_and_store() {
    let now = Timestamp::parse(NOW).unwrap();
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(8);
    let (records, written) = queue(1, Limits { joined: 0, ..WAITING }, false);
    let present = [AgentId::new("ana")].into();
    let gap = Gap { present, seen_at: Some(now - TimeDelta::hours(14)), ..Gap::default() };
    tokio::spawn(forward(from, to, records, vec![gap]));
    let online = parse_line(format!(r#"{{"type":"presence","agent":"ana","state":"online","at":"{NOW}"}}"#).as_bytes());
    let batch = Batch { events: vec![online.unwrap()], ..Batch::default() };
    brought.send(Update { tried_at: now, ..update(Ok(batch)) }).await.unwrap();
    let told = board.recv().await.unwrap().outcome.unwrap().events;
    assert_eq!(told[1].at, Some(now - TimeDelta::hours(14)));
    assert_eq!(written.next().await.unwrap().events.unpack().unwrap(), told);
}

#[tokio::test]
async fn who_is_not_spoken_of_in_any_part_of_a_start_is_told_to_have_gone() {
    let now = Timestamp::parse(NOW).unwrap();
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(8);
    let (records, written) = queue(1, Limits { joined: 0, ..WAITING }, false);
    let present = ["ana", "ben"].map(AgentId::new).into();
    let seen_at = now - TimeDelta::minutes(1);
    let gap = Gap { present, seen_at: Some(seen_at), tells_everybody: true, ..Gap::default() };
    tokio::spawn(forward(from, to, records, vec![gap]));
    let online = parse_line(format!(r#"{{"type":"presence","agent":"ana","state":"online","at":"{NOW}"}}"#).as_bytes());
    for (events, partial) in [(vec![online.unwrap()], true), (vec![], true), (vec![], false)] {
        brought
            .send(Update { tried_at: now, ..update(Ok(Batch { events, partial, ..Batch::default() })) })
            .await
            .unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(board.recv().await.unwrap().outcome.unwrap().events);
    }
    assert_eq!((told[0].len(), told[1].len(), told[2].len()), (1, 0, 1));
    let EventKind::Presence { agent, state, .. } = &told[2][0].kind else { panic!("{:?}", told[2]) };
    assert_eq!((agent.as_str(), state.is_online(), told[2][0].at), ("ben", false, Some(seen_at)));
    drop(brought);
    let mut kept = Vec::new();
    while let Some(record) = written.next().await {
        kept.extend(record.events.unpack().unwrap());
    }
    assert_eq!(kept, told.concat());
}

#[tokio::test]
async fn a_disk_that_hangs_holds_up_neither_the_board_nor_a_source() {
    let store = Flaky::new();
    let rig = start(&store);
    store.hold(true);
    let (brought, from) = mpsc::channel(8);
    let (to, mut board) = mpsc::channel(8);
    tokio::spawn(forward(from, to, rig.records, Vec::new()));
    let parts = 3_000;
    let source = tokio::spawn(async move {
        for i in 0..parts {
            let cursor = Some(source::Cursor((i as u64).into()));
            let partial = i + 1 < parts;
            let batch = Batch { events: vec![opened(i, NOW)], cursor, partial, ..Batch::default() };
            brought.send(update(Ok(batch))).await.unwrap();
        }
        brought
    });
    for i in 0..parts {
        let update = tokio::time::timeout(Duration::from_secs(20), board.recv()).await.expect("held up").unwrap();
        assert_eq!(update.outcome.unwrap().events, [opened(i, NOW)]);
    }
    assert_eq!(store.events(), 0);
    let _brought = source.await.unwrap();
    store.hold(false);
    store.wait_for(parts as u64).await;
    assert_eq!(store.cursor(0), Some((parts as u64 - 1).into()));
}
