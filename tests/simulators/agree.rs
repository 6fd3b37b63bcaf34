//! What each vendor has to pass: over a simulated day the board of what its source tells is that of the stream that its
//! simulator shows, as far as the vendor can tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::board::{Engine, Options, SourceHealth};
use helptop::desk::SourceIx;
use helptop::event::{Capability, Event, PresenceState, Timestamp};
use helptop::metrics::thresholds::Thresholds;
use helptop::output::SnapshotReport;
use helptop::poll::schedule::{Outcome, Schedule};
use helptop::source::demo::Params;
use helptop::source::{Batch, Cursor, Source, SourceError};
use rand::{RngExt, SeedableRng};

use crate::server::Simulator;
use crate::world::{FIRST_CHAT, World};

/// What the vendor's answers allow to be compared, and how exactly.
pub struct Terms {
    /// How often it is asked, at the quickest: seldom on the small desk, where it has to be soon over.
    pub interval: Duration,
    /// Waits are right to this.
    pub precision: TimeDelta,
    /// Chats that changed so shortly before are not compared: the vendor shows them late.
    pub lag: TimeDelta,
    /// How the vendor shows a state; `None` where it knows no presence.
    pub presence: Option<fn(PresenceState) -> PresenceState>,
    /// Chats that are pending, on hold or snoozed can be told from open ones.
    pub pending: bool,
    /// The number of a chat, from the source's id of it.
    pub chat: fn(&str) -> Option<u64>,
    /// The number of an agent, from the source's id of it.
    pub agent: fn(&str) -> Option<u64>,
}

impl Terms {
    /// A vendor that tells all, by numbers, to the second.
    pub fn exact() -> Self {
        Self {
            interval: if is_medium() { Duration::from_secs(30) } else { Duration::from_mins(3) },
            precision: TimeDelta::milliseconds(999),
            lag: TimeDelta::zero(),
            presence: Some(|state| state),
            pending: true,
            chat: |id| id.parse().ok(),
            agent: |id| id.parse().ok(),
        }
    }
}

/// Whether the big desk is asked for.
pub fn is_medium() -> bool {
    std::env::var("HELPTOP_SIM_SIZE").as_deref() == Ok("M")
}

/// The size of the desk that is simulated: S, or M where `HELPTOP_SIM_SIZE=M`.
pub fn params() -> Params {
    if is_medium() { Params { seed: 1, agents: 200, chats: 5_000 } } else { Params { seed: 1, agents: 12, chats: 300 } }
}

/// A desk so small that much can be tried with it.
pub const SMALL: Params = Params { seed: 1, agents: 5, chats: 40 };

/// When the simulated day begins.
pub fn start() -> Timestamp {
    Timestamp::parse("2026-11-20T00:00:00Z").unwrap()
}

/// A source that is polled, what it told, and the board of that.
pub struct Watch<'a> {
    pub source: &'a mut dyn Source,
    pub simulator: &'a Simulator,
    pub cursor: Option<Cursor>,
    pub told: Vec<Event>,
    pub requests: u64,
    /// So much ahead is the clock of this machine.
    pub ahead: TimeDelta,
    /// Records that could not be read, and the first few of each poll in words.
    pub skipped: u64,
    pub reasons: Vec<String>,
    board: Board,
}

impl<'a> Watch<'a> {
    pub fn new(source: &'a mut dyn Source, simulator: &'a Simulator) -> Self {
        let now = simulator.inside().world.now;
        let (told, reasons) = (Vec::new(), Vec::new());
        Self {
            source,
            simulator,
            cursor: None,
            told,
            requests: 0,
            ahead: TimeDelta::zero(),
            skipped: 0,
            reasons,
            board: Board::new(now),
        }
    }

    /// The same behind the first settling, of a source that is kept for as long as the test runs.
    pub async fn begun(source: Box<dyn Source>, simulator: &'a Simulator) -> Self {
        let mut watch = Self::new(Box::leak(source), simulator);
        watch.settle().await;
        watch
    }

    /// One poll at the simulator's instant.
    pub async fn poll(&mut self) -> Result<Batch, SourceError> {
        let now = self.simulator.inside().world.now;
        let batch = self.source.poll(self.cursor.as_ref(), now + self.ahead).await?;
        self.cursor = batch.cursor.clone().or(self.cursor.take());
        self.requests += u64::from(batch.requests);
        self.skipped += batch.skipped_total;
        self.reasons.extend(batch.skipped.iter().map(|one| format!("{}: {}", one.place, one.reason)));
        self.board.take(&batch.events, now);
        self.told.extend(batch.events.iter().cloned());
        Ok(batch)
    }

    /// Polls until one fails; its error, where it ever does.
    pub async fn first_error(&mut self) -> Option<SourceError> {
        for _ in 0..50 {
            if let Err(error) = self.poll().await {
                return Some(error);
            }
        }
        None
    }

    /// How many are online, by the board of what was told; nothing where that is not known.
    pub fn online(&self) -> Option<u32> {
        let now = self.simulator.inside().world.now;
        let mut board = Board::new(now);
        board.take(&self.told, now);
        board.figures(now, str::to_owned, str::to_owned).online
    }

    /// Polls until nothing is left to fetch at once; requests of all, and the last batch.
    pub async fn settle(&mut self) -> (u32, Batch) {
        let mut requests = 0;
        for _ in 0..10_000 {
            let batch = self.poll().await.unwrap();
            requests += batch.requests;
            if !batch.more {
                return (requests, batch);
            }
        }
        panic!("never settled");
    }

    /// Lets the world go on for so many seconds, then polls.
    pub async fn later(&mut self, seconds: i64) -> (u32, Batch) {
        let now = self.simulator.inside().world.now;
        self.simulator.advance(now + TimeDelta::seconds(seconds));
        self.settle().await
    }

    /// The events told of a conversation, as JSON.
    pub fn of(&self, id: &str) -> Vec<serde_json::Value> {
        let all = self.told.iter().map(|event| serde_json::to_value(event).unwrap());
        all.filter(|event| event["conversation"] == id).collect()
    }
}

/// The figures of a stream.
struct Board {
    engine: Engine,
    source: SourceIx,
}

/// What is compared, by the ids of the stream.
#[derive(Debug, Default, PartialEq)]
pub struct Figures {
    /// Of each agent who holds something: open, unanswered, pending.
    queues: BTreeMap<String, (u32, u32, u32)>,
    /// Of each chat whose customer waits: who holds it, since when.
    unanswered: BTreeMap<String, (Option<String>, Timestamp)>,
    unassigned: (u32, u32),
    active: u32,
    online: Option<u32>,
    states: BTreeMap<String, Option<PresenceState>>,
}

impl Board {
    fn new(now: Timestamp) -> Self {
        let options =
            Options { thresholds: Arc::new(Thresholds::default()), keep_text: false, midnight: Arc::new(|_| start()) };
        let mut engine = Engine::new(options, now);
        let source = engine.add_source(SourceHealth { good_at: Some(now), ..SourceHealth::default() });
        Self { engine, source }
    }

    fn take(&mut self, events: &[Event], now: Timestamp) {
        self.engine.take(self.source, events.iter().cloned(), now);
    }

    fn figures(&mut self, now: Timestamp, chat: impl Fn(&str) -> String, agent: impl Fn(&str) -> String) -> Figures {
        self.engine.settle(now);
        let snapshot = self.engine.snapshot(now);
        let report = SnapshotReport::of(&snapshot);
        let held = report.queues.iter().filter(|queue| queue.open > 0);
        let waits = report.unanswered.iter();
        Figures {
            queues: held.map(|q| (agent(q.agent), (q.open, q.unanswered, q.pending))).collect(),
            unanswered: waits.map(|w| (chat(w.conversation), (w.agent.map(&agent), w.waiting_since))).collect(),
            unassigned: (report.unassigned.open, report.unassigned.unanswered),
            active: report.totals.active,
            online: report.totals.online,
            states: report.agents.iter().map(|a| (agent(a.agent), a.state)).collect(),
        }
    }
}

/// The share of the vendor's quota that a source may use unless the config says otherwise.
const SHARE: f64 = 0.5;
/// Polls that may pass until one leaves nothing to fetch; after so many the source can't follow within its share.
const MOST_POLLS: usize = 20_000;

/// A source that is asked when the poller would ask it: the world goes on between two polls as the schedule says, so a
/// quota that the vendor tells is kept, or is not.
pub struct Drive<'a> {
    pub watch: Watch<'a>,
    schedule: Schedule,
    next_at: Timestamp,
    polled_at: Option<Timestamp>,
    /// When the polls began that follow each other because there is more to fetch.
    began_at: Option<Timestamp>,
    dearest: u32,
}

impl<'a> Drive<'a> {
    pub fn new(source: &'a mut dyn Source, simulator: &'a Simulator, interval: Duration) -> Self {
        let schedule = Schedule::new(source.pace(), interval, SHARE, 1);
        let watch = Watch::new(source, simulator);
        let next_at = simulator.inside().world.now;
        Self { watch, schedule, next_at, polled_at: None, began_at: None, dearest: 0 }
    }

    /// The next poll, when it is due. Whether it left nothing to fetch though all of it was asked at one instant: then
    /// the board is that of this instant.
    pub async fn poll(&mut self) -> bool {
        let at = self.next_at;
        self.watch.simulator.advance(at);
        let outcome = self.watch.poll().await;
        assert!(outcome.as_ref().is_ok_and(|batch| batch.skipped_total == 0), "at {at}: {outcome:?}");
        self.next_at = self.schedule.after(at, Outcome::from(&outcome)).at;
        self.polled_at = Some(at);
        let Ok(batch) = outcome else { return false };
        self.dearest = self.dearest.max(batch.requests);
        let began_at = *self.began_at.get_or_insert(at);
        if batch.more || batch.partial {
            return false;
        }
        self.began_at = None;
        began_at == at
    }

    /// Polls until then, and on until a poll leaves nothing to fetch; gives the instant of that one.
    pub async fn settle_at(&mut self, instant: Timestamp) -> Timestamp {
        while self.next_at < instant {
            self.poll().await;
        }
        // As where a person asks for fresh figures: what the vendor said holds.
        self.next_at = self.next_at.min(self.schedule.refresh(instant, self.polled_at));
        for _ in 0..MOST_POLLS {
            let at = self.next_at;
            if self.poll().await {
                return at;
            }
        }
        panic!("nothing is ever left to fetch within the share of the quota");
    }

    /// The share was kept in every window, give or take the last poll in it.
    pub fn assert_share_was_kept(&self) {
        let inside = self.watch.simulator.inside();
        let Some(limiter) = &inside.limiter else { return };
        let ours = (limiter.limit as f64 * SHARE) as u64;
        let (most, dearest) = (limiter.most, u64::from(self.dearest));
        assert!(most <= ours + dearest, "{most} requests in a window, a poll costs at most {dearest}, ours are {ours}");
        assert!(most <= limiter.limit, "it was asked beyond its limit");
    }
}

/// Polls the source over a simulated day (the small desk: over the busiest hours of one) as the poller would, and
/// compares at 24 instants, after the cold start. An instant is put off until a poll leaves nothing to fetch: within the
/// share of the quota a source may have to spread what it fetches.
pub async fn agree(source: &mut dyn Source, simulator: &Simulator, terms: &Terms) {
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (first, hours) = if is_medium() { (1, 23) } else { (7, 5) };
    let begin = start() + TimeDelta::hours(first);
    simulator.advance(begin);
    let capabilities = source.capabilities();
    let mut drive = Drive::new(source, simulator, terms.interval);
    let mut stream = Board::new(begin);
    let settled_at = drive.settle_at(begin).await;
    let end = begin + TimeDelta::hours(hours);
    let mut instants: BTreeSet<i64> = BTreeSet::new();
    while instants.len() < 24 {
        instants.insert(dice.random_range(settled_at.millis() + 1..end.millis()));
    }
    for (nth, instant) in instants.into_iter().map(Timestamp::from_millis).enumerate() {
        let now = drive.settle_at(instant).await;
        let (told, world) = (&mut drive.watch.board, &mut simulator.inside().world);
        stream.take(&world.take_stream(), now);
        compare(nth, told, &mut stream, world, now, &capabilities, terms);
    }
    drive.assert_share_was_kept();
}

/// Compares the board of all that was told with that of the whole stream, at the world's instant.
pub fn agree_now(told: &[Event], stream: &[Event], world: &World, capabilities: &[Capability], terms: &Terms) {
    let [mut left, mut right] = [told, stream].map(|events| {
        let mut board = Board::new(world.now);
        board.take(events, world.now);
        board
    });
    compare(0, &mut left, &mut right, world, world.now, capabilities, terms);
}

fn compare(
    nth: usize,
    told: &mut Board,
    stream: &mut Board,
    world: &World,
    now: Timestamp,
    capabilities: &[Capability],
    terms: &Terms,
) {
    let chat = |id: &str| match (terms.chat)(id).and_then(|number| world.chats.get((number - FIRST_CHAT) as usize)) {
        Some(chat) => chat.id.to_string(),
        None => format!("unknown {id}"),
    };
    let agent = |id: &str| match (terms.agent)(id).and_then(|number| world.agents.get(number as usize - 1)) {
        Some(agent) => agent.id.to_string(),
        None => format!("unknown {id}"),
    };
    let mut told = told.figures(now, chat, agent);
    let mut truth = stream.figures(now, str::to_owned, str::to_owned);
    assert!(truth.active > 50 && !truth.unanswered.is_empty(), "a desk on which nothing goes on proves nothing: {now}");
    if !terms.pending {
        for queue in told.queues.values_mut().chain(truth.queues.values_mut()) {
            queue.2 = 0;
        }
    }
    if let Some(shown) = terms.presence {
        assert!(capabilities.contains(&Capability::Presence));
        truth.states.values_mut().flatten().for_each(|state| *state = shown(*state));
        truth.online = Some(truth.states.values().flatten().filter(|state| state.is_online()).count() as u32);
    } else {
        assert!(!capabilities.contains(&Capability::Presence));
        (truth.online, truth.states) = (None, truth.states.into_keys().map(|agent| (agent, None)).collect());
    }
    for (chat, (_, since)) in &mut told.unanswered {
        // As exact as the vendor is: then it is the same.
        if let Some((_, exact)) = truth.unanswered.get(chat)
            && (*exact - *since).abs() <= terms.precision
        {
            *since = *exact;
        }
    }
    if terms.lag > TimeDelta::zero() {
        let lately: BTreeSet<String> = world.changed_since(now - terms.lag).iter().map(|c| c.id.to_string()).collect();
        told.unanswered.retain(|chat, _| !lately.contains(chat));
        truth.unanswered.retain(|chat, _| !lately.contains(chat));
        for figures in [&mut told, &mut truth] {
            (figures.queues, figures.unassigned, figures.active) = (BTreeMap::new(), (0, 0), 0);
        }
    }
    assert_eq!(told.unanswered, truth.unanswered, "the unanswered, instant {nth}, {now}");
    assert_eq!(told.queues, truth.queues, "queues, instant {nth}, {now}");
    assert_eq!(told.states, truth.states, "states of agents, instant {nth}, {now}");
    assert_eq!((told.active, told.unassigned), (truth.active, truth.unassigned), "sums, instant {nth}, {now}");
    assert_eq!(told.online, truth.online, "online, instant {nth}, {now}");
}
