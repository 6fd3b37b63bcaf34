//! Who is there: withdrawn where it can't be read for long, and not claimed before it was.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use helptop::event::{AgentId, Capability, EventKind, PresenceState, Timestamp};
use helptop::store::{SqliteStore, Store};

use crate::agree::{SMALL, Watch};
use crate::callbell;
use crate::contract::{Bench, agrees, benches, small};
use crate::server::{Fault, Simulator};
use crate::terminal::Terminal;
use crate::world::World;

/// Vendors that tell who is there, and words of the requests for that.
fn watched() -> impl Iterator<Item = (Bench, &'static str)> {
    benches().into_iter().filter(|bench| (bench.terms)().presence.is_some()).map(|bench| {
        let words = match bench.kind {
            "callbell" => "/members",
            "chatwoot" => "/agents",
            "intercom" => "/admins",
            "zendesk" => "/agent_availabilities",
            other => panic!("where does {other} tell who is there?"),
        };
        (bench, words)
    })
}

fn break_off(simulator: &Simulator, words: &'static str) {
    simulator.fault(words, Fault::said(500, "{}"));
}

async fn stand_still(watch: &mut Watch<'_>, minutes: usize) {
    for _ in 0..2 * minutes {
        watch.simulator.inside().world.stand_still(TimeDelta::seconds(30));
        watch.settle().await;
    }
}

/// Whether presence is claimed, by the last `hello` and by the source.
fn is_claimed(watch: &Watch<'_>) -> bool {
    let hello = watch.told.iter().rev().find_map(|event| match &event.kind {
        EventKind::Hello { capabilities, .. } => Some(capabilities),
        _ => None,
    });
    assert_eq!(hello, Some(&watch.source.capabilities()));
    hello.is_some_and(|can| can.contains(&Capability::Presence))
}

#[tokio::test]
async fn it_is_withdrawn_where_it_can_not_be_read_for_five_minutes_and_true_again_once_it_can() {
    for (bench, words) in watched() {
        let simulator = small(&bench).await;
        let mut stream = simulator.inside().world.take_stream();
        let mut watch = Watch::begun((bench.source)(&simulator, Duration::ZERO), &simulator).await;
        assert!(watch.online() > Some(0), "{}", bench.kind);
        break_off(&simulator, words);
        for (minutes, is_known) in [(4, true), (2, false), (9, false)] {
            stand_still(&mut watch, minutes).await;
            assert_eq!((watch.online().is_some(), is_claimed(&watch)), (is_known, is_known), "{}", bench.kind);
        }
        simulator.mend();
        stand_still(&mut watch, 20).await;
        assert!(is_claimed(&watch), "{}", bench.kind);
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
        assert_eq!(watch.reasons.len(), 1, "{}: {:?}", bench.kind, watch.reasons);
    }
}

#[tokio::test]
async fn it_is_not_claimed_before_it_was_read() {
    for (bench, words) in watched() {
        let simulator = small(&bench).await;
        let mut stream = simulator.inside().world.take_stream();
        break_off(&simulator, words);
        let mut watch = Watch::begun((bench.source)(&simulator, Duration::ZERO), &simulator).await;
        assert!(matches!(watch.told[0].kind, EventKind::Hello { .. }), "{}", bench.kind);
        assert_eq!((watch.online(), is_claimed(&watch)), (None, false), "{}", bench.kind);
        simulator.mend();
        stand_still(&mut watch, 4).await;
        assert!(is_claimed(&watch), "{}", bench.kind);
        stream.extend(simulator.inside().world.take_stream());
        agrees(&watch, &stream, &bench);
    }
}

/// Who is there by the store of a board with one source.
fn present(store: &Path) -> BTreeSet<AgentId> {
    let read = || {
        let mut store = SqliteStore::open_to_read(store).ok()?;
        let no = store.sources().ok()?.first()?.no;
        store.present(no).ok()
    };
    read().unwrap_or_default().into_iter().collect()
}

/// Runs a board until its store says that those are there.
fn runs_until(home: &Arc<tempfile::TempDir>, expected: &BTreeSet<AgentId>) {
    let store = home.path().join("helptop/history.db");
    let mut terminal = Terminal::start_at(Arc::clone(home), &[], env!("CARGO_BIN_EXE_helptop"), &[], (120, 36));
    let begun = Instant::now();
    while present(&store) != *expected {
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}\n{}", present(&store), terminal.contents());
        std::thread::sleep(Duration::from_millis(100));
    }
    terminal.keys("q");
    assert_eq!(terminal.end().exit_code(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_left_the_account_while_nobody_watched_is_gone_at_the_next_start() {
    let bench = callbell::bench();
    let now = Timestamp::from(Utc::now());
    let mut world = World::new(SMALL, now - TimeDelta::hours(1));
    world.advance(now);
    for (place, agent) in world.agents.iter_mut().enumerate() {
        agent.state = if place < 3 { PresenceState::Online } else { PresenceState::Away };
    }
    let simulator = (bench.serve)(world).await;
    let home = Arc::new(tempfile::tempdir().unwrap());
    let folder = home.path().join("helptop");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    let (base, key) = (&simulator.base, bench.secret);
    let config = format!(
        "[[source]]\nkind = \"callbell\"\ninterval = \"2s\"\nbase_url = \"{base}\"\ntoken = \"{key}\"\n\
         [store]\npath = \"history.db\"\n"
    );
    std::fs::write(&file, config).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let those = |places: &[usize]| places.iter().map(|place| AgentId::new(callbell::email(*place))).collect();
    let story = |expected: BTreeSet<AgentId>| {
        let home = Arc::clone(&home);
        tokio::task::spawn_blocking(move || runs_until(&home, &expected))
    };
    story(those(&[0, 1, 2])).await.unwrap();
    simulator.inside().world.agents[1].teams.clear();
    story(those(&[0, 2])).await.unwrap();
}
