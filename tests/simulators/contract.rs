//! What every vendor's source owes to the rest, whatever the vendor: each against its simulator.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use helptop::desk::Desk;
use helptop::event::{Capability, ConversationId, Event, EventKind, parse_line};
use helptop::source::demo::Params;
use helptop::source::{Source, kind};
use serde_json::json;

use crate::agree::{Terms, Watch, agree_now, start};
use crate::server::{Fault, Reply, Simulator};
use crate::world::World;
use crate::{callbell, chatwoot, gorgias, intercom, zammad, zendesk};

/// A vendor that keeps the contract.
pub struct Bench {
    /// Its kind in the config.
    pub kind: &'static str,
    /// Its server over a world.
    pub serve: fn(World) -> BoxFuture<'static, Simulator>,
    /// The same with a key that may read less, where there are such keys.
    pub weak: Option<fn(World) -> BoxFuture<'static, Simulator>>,
    /// A source on that server, with a key that may read everything, and so much history.
    pub source: fn(&Simulator, Duration) -> Box<dyn Source>,
    /// The key, which no message may hold.
    pub secret: &'static str,
    /// The variable that people keep it in, an address as theirs, and what else `helptop init` is told.
    pub variable: &'static str,
    pub address: &'static str,
    pub flags: &'static str,
    /// What can be compared.
    pub terms: fn() -> Terms,
    /// Requests of a refresh when nothing happens, at most.
    pub quiet: u32,
}

/// Every vendor that does.
pub fn benches() -> [Bench; 6] {
    [callbell::bench(), chatwoot::bench(), gorgias::bench(), intercom::bench(), zammad::bench(), zendesk::bench()]
}

/// A small desk at nine in the morning.
pub async fn small(bench: &Bench) -> Simulator {
    let mut world = World::new(Params { seed: 1, agents: 6, chats: 120 }, start());
    world.advance(start() + TimeDelta::hours(9));
    (bench.serve)(world).await
}

fn no_history(bench: &Bench, simulator: &Simulator) -> Box<dyn Source> {
    (bench.source)(simulator, Duration::ZERO)
}

/// The capability under which an event is told; nothing where every source may tell it.
fn needs(event: &EventKind) -> Option<Capability> {
    Some(match event {
        EventKind::Presence { .. } => Capability::Presence,
        EventKind::Message(_) => Capability::Messages,
        EventKind::Assigned(_) => Capability::Assignments,
        EventKind::Status { .. } => Capability::Statuses,
        EventKind::Rated { .. } => Capability::Ratings,
        EventKind::Sla { .. } => Capability::Sla,
        _ => return None,
    })
}

/// Conversations that are active by what was told.
pub fn active(told: &[Event]) -> Vec<ConversationId> {
    let mut desk = Desk::new(false);
    let source = desk.add_source();
    for event in told {
        desk.apply(source, event.clone());
    }
    desk.settle();
    desk.conversations().filter(|(_, one)| one.state().is_active()).map(|(_, one)| one.id.clone()).collect()
}

/// The board of what was told is that of the stream.
pub fn agrees(watch: &Watch<'_>, stream: &[Event], bench: &Bench) {
    let world = &watch.simulator.inside().world;
    agree_now(&watch.told, stream, world, &watch.source.capabilities(), &(bench.terms)());
}

#[tokio::test]
async fn it_begins_with_hello_and_tells_what_it_claims_and_no_more() {
    for bench in benches() {
        let simulator = small(&bench).await;
        let mut watch = Watch::begun((bench.source)(&simulator, Duration::from_hours(6)), &simulator).await;
        for _ in 0..20 {
            watch.later(60).await;
        }
        let EventKind::Hello { capabilities, .. } = &watch.told[0].kind else {
            panic!("{}: begins with {:?}", bench.kind, watch.told[0]);
        };
        let claimed: BTreeSet<Capability> = capabilities.iter().copied().collect();
        let most: BTreeSet<Capability> = kind(bench.kind).unwrap().capabilities.iter().copied().collect();
        assert!(claimed.is_subset(&most), "{}: {claimed:?}, of its kind {most:?}", bench.kind);
        let now = simulator.inside().world.now;
        let mut told = BTreeSet::new();
        for event in &watch.told {
            let line = serde_json::to_string(event).unwrap();
            assert_eq!(parse_line(line.as_bytes()).as_ref(), Ok(event), "{}", bench.kind);
            assert!(event.at.is_none_or(|at| at <= now), "{}: in the future: {line}", bench.kind);
            told.extend(needs(&event.kind));
        }
        assert!(told.is_subset(&claimed), "{}: told {told:?}, claimed {claimed:?}", bench.kind);
        let usual = [Capability::Messages, Capability::Statuses];
        assert!(usual.iter().all(|one| told.contains(one)), "{}: {told:?}", bench.kind);
    }
}

#[tokio::test]
async fn where_nothing_happens_nothing_is_told_and_it_costs_next_to_nothing() {
    for bench in benches() {
        let simulator = small(&bench).await;
        let mut watch = Watch::begun(no_history(&bench, &simulator), &simulator).await;
        // What was late or is asked for now and then is over.
        for _ in 0..12 {
            simulator.inside().world.stand_still(TimeDelta::minutes(5));
            watch.settle().await;
        }
        watch.told.clear();
        let mut costs = Vec::new();
        for _ in 0..5 {
            simulator.inside().world.stand_still(TimeDelta::seconds(30));
            costs.push(watch.settle().await.0);
        }
        let told: Vec<&Event> = watch.told.iter().filter(|event| !matches!(event.kind, EventKind::Clock {})).collect();
        assert_eq!(told, Vec::<&Event>::new(), "{}", bench.kind);
        costs.sort_unstable();
        assert!(costs[2] <= bench.quiet, "{}: {costs:?} requests", bench.kind);
    }
}

/// The requests of a start and of a refresh, by their paths without numbers: what can go wrong by itself.
async fn paths(bench: &Bench) -> BTreeSet<&'static str> {
    let simulator = small(bench).await;
    let mut watch = Watch::begun(no_history(bench, &simulator), &simulator).await;
    watch.later(600).await;
    let inside = simulator.inside();
    let paths = inside.log.iter().map(|asked| {
        let mut parts = asked.path.rsplit('/');
        let named = parts.find(|part| !part.is_empty() && !part.contains(|c: char| c.is_ascii_digit()));
        named.unwrap_or_default().to_owned()
    });
    let paths: BTreeSet<String> = paths.collect();
    paths.into_iter().map(|path| &*path.leak()).collect()
}

#[tokio::test]
async fn whatever_fails_or_is_dropped_is_done_again_and_nothing_is_lost() {
    for bench in benches() {
        for (place, path) in paths(&bench).await.into_iter().enumerate() {
            // Each is dropped, and fails in one of the ways by turns.
            for nth in [place % 3, 3] {
                let fault = |nth| match nth {
                    0 => Fault::Answer(Reply::maintenance()),
                    1 => Fault::Truncated,
                    2 => Fault::Answer(Reply::json(429, &json!({"error": "too many"})).with("retry-after", 5)),
                    _ => Fault::Slow(Duration::from_secs(20)),
                };
                let simulator = small(&bench).await;
                let mut stream = simulator.inside().world.take_stream();
                let mut source = no_history(&bench, &simulator);
                let mut watch = Watch::new(source.as_mut(), &simulator);
                for _ in 0..2 {
                    simulator.fault(path, fault(nth));
                    for _ in 0..3 {
                        // A poll of the real task is dropped after a while, too.
                        let polled = tokio::time::timeout(Duration::from_millis(200), watch.poll()).await;
                        if let Ok(Err(error)) = polled {
                            assert!(!error.to_string().contains(bench.secret), "{}: {error}", bench.kind);
                        }
                        let now = simulator.inside().world.now;
                        simulator.advance(now + TimeDelta::seconds(20));
                    }
                    simulator.mend();
                    // Whoever was told to wait has waited.
                    let now = simulator.inside().world.now;
                    simulator.advance(now + TimeDelta::minutes(10));
                    watch.settle().await;
                    stream.extend(simulator.inside().world.take_stream());
                    agrees(&watch, &stream, &bench);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refused_key_is_said_in_words_without_the_key() {
    for bench in benches() {
        let simulator = small(&bench).await;
        let mut source = no_history(&bench, &simulator);
        simulator.fault("", Fault::Answer(Reply::json(401, &json!({"error": format!("bad key {}", bench.secret)}))));
        let now = simulator.inside().world.now;
        let error = source.poll(None, now).await.unwrap_err();
        assert_eq!(error.word(), "auth", "{}: {error}", bench.kind);
        assert!(!error.to_string().contains(bench.secret), "{}: {error}", bench.kind);
        match source.check(now).await {
            Err(error) => assert!(!error.to_string().contains(bench.secret), "{}: {error}", bench.kind),
            Ok(findings) => {
                assert!(findings.iter().any(|one| one.good == Some(false)), "{}: {findings:?}", bench.kind);
                assert!(!format!("{findings:?}").contains(bench.secret), "{}: {findings:?}", bench.kind);
            }
        }
    }
}

#[tokio::test]
async fn a_check_of_a_good_key_finds_all_good_with_few_requests() {
    for bench in benches() {
        let simulator = small(&bench).await;
        let mut source = no_history(&bench, &simulator);
        let now = simulator.inside().world.now;
        let findings = source.check(now).await.unwrap();
        let bad: Vec<_> = findings.iter().filter(|one| one.good == Some(false)).collect();
        assert!(bad.is_empty() && findings.len() >= 3, "{}: {findings:?}", bench.kind);
        let requests = simulator.inside().log.len();
        assert!(requests <= 20, "{}: {requests} requests", bench.kind);
    }
}

#[tokio::test]
async fn a_start_anew_knows_what_became_of_what_was_active() {
    for bench in benches() {
        let simulator = small(&bench).await;
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun(no_history(&bench, &simulator), &simulator).await;
        watch.later(300).await;
        let (told, cursor) = (std::mem::take(&mut watch.told), watch.cursor.take());
        let now = simulator.inside().world.now;
        simulator.advance(now + TimeDelta::hours(2));

        let mut second = no_history(&bench, &simulator);
        second.remember(&active(&told));
        let mut watch = Watch::new(second.as_mut(), &simulator);
        (watch.told, watch.cursor) = (told, cursor);
        watch.settle().await;
        watch.later(300).await;
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
    }
}
