//! helptop is killed at random moments while it imports a recording and while it polls a desk, again and again: what
//! the store holds is always what was told so far, and in the end nothing is missing.
//!
//! `HELPTOP_KILLS` (20) sets how often. With `HELPTOP_RT_ENV` and `HELPTOP_RT_SEED` a running Request Tracker at which
//! people work is polled, otherwise a tiny one inside the test.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says why it fails")]

#[expect(dead_code, reason = "the watch over the fake is for other tests")]
mod fake_rt;

use std::collections::{BTreeMap, HashSet};
use std::env;
use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use helptop::event::{Event, EventKind, Timestamp};
use helptop::metrics::history::{Filter, Grouping, History, Query, Terms};
use helptop::output::history::JsonReport;
use helptop::source::demo::{Params, Simulation};
use helptop::source::http::Limits;
use helptop::source::rt::Rt;
use helptop::source::{Source, Spec};
use helptop::store::{Selection, SqliteStore, Store, StoreError};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::{Value, json};

const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");
/// A recording is written in parts of so many events.
const PART: usize = 100_000;
/// The board has so long to take up everything.
const CATCH_UP: Duration = Duration::from_mins(1);

fn kills() -> usize {
    env::var("HELPTOP_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

/// Random numbers from 0 to 1 that differ from run to run.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = chrono::Utc::now().timestamp_millis() as u64;
        eprintln!("seed {seed}");
        Self(seed)
    }

    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }
}

/// A store of its own, and the config that names it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        let config = format!("[store]\npath = \"{}\"\n{source}", place.store().display());
        fs::write(place.config(), config).unwrap();
        place
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("history.db")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn helptop(&self) -> Command {
        let mut command = Command::new(HELPTOP);
        command.arg("--config").arg(self.config()).stdin(Stdio::null());
        command
    }

    /// Everything that is kept.
    fn kept(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.store().exists() {
            let mut store = match SqliteStore::open_to_read(&self.store()) {
                // Killed while it made its store: nothing was kept yet.
                Err(StoreError::Corrupt { what, .. }) if what.contains("was not made to its end") => return events,
                opened => opened.unwrap(),
            };
            store
                .read(&Selection::All, &mut |_, event| {
                    // Where the stretch begins and ends of which anything is kept.
                    let is_mark = event.kind == EventKind::Clock {};
                    events.extend((!is_mark).then_some(event));
                    Ok(())
                })
                .unwrap();
        }
        events
    }
}

/// Every figure by agent of what these events say.
fn figures(events: impl IntoIterator<Item = Event>, (from, to): (Timestamp, Timestamp)) -> Value {
    let mut history = History::new();
    let source = history.add_source("desk");
    events.into_iter().filter(|event| event.at.is_none_or(|at| at < to)).for_each(|event| history.take(source, event));
    history.settle();
    let (zone, by) = (chrono_tz::Tz::Europe__Berlin, Some(Grouping::Agent));
    let query = Query { from, to, zone, by, filter: Filter::default() };
    serde_json::to_value(JsonReport::of(&history.report(&query, &Terms::default()))).unwrap()
}

#[test]
fn an_import_that_is_killed_is_taken_up_again() {
    let mut dice = Dice::new();
    let from = Timestamp::parse("2026-03-02T00:00:00Z").unwrap();
    let to = from + TimeDelta::days(38);
    let mut events = Vec::new();
    Simulation::new(Params { seed: 9, agents: 12, chats: 130 }, from).advance_to(to, &mut events);
    assert!(events.len() > 2 * PART, "{} events", events.len());
    let mut place = Place::new("");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.jsonl");
    write_lines(&file, &events);
    let ends: Vec<usize> = (0..events.len()).step_by(PART).chain([events.len()]).collect();
    let expected: Vec<Value> = ends.iter().map(|end| figures(events[..*end].iter().cloned(), (from, to))).collect();

    let import = |place: &Place| {
        let mut command = place.helptop();
        command.arg("import").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    // How long it takes when nobody kills it, in another place.
    let (begun, undisturbed) = (Instant::now(), Place::new(""));
    assert!(import(&undisturbed).status().unwrap().success());
    let takes = begun.elapsed();
    let (mut reached, mut seen) = (0, BTreeMap::<usize, usize>::new());
    for kill in 0..kills() * 2 / 5 {
        let mut child = import(&place).spawn().unwrap();
        thread::sleep(takes.mul_f64(dice.unit() * 1.6));
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = figures(place.kept(), (from, to));
        let part = expected.iter().position(|figures| *figures == kept);
        let part =
            part.unwrap_or_else(|| panic!("kill {kill}: what is kept is no part of what was read, from the start"));
        assert!(part >= reached, "kill {kill}: {part} after {reached}");
        reached = part;
        *seen.entry(part).or_default() += 1;
        if part + 1 == ends.len() {
            (place, reached) = (Place::new(""), 0);
        }
    }
    eprintln!("an import of {:.1} s was killed; parts kept, and how often: {seen:?}", takes.as_secs_f64());
    assert!(import(&place).status().unwrap().success());
    assert!(figures(place.kept(), (from, to)) == expected[ends.len() - 1]);
    let report = |arguments: &[&str]| {
        let (from, to) = (from.to_string(), to.to_string());
        let mut command = place.helptop();
        command.args(["report", "--format", "json", "--by", "agent", "--from", &from, "--to", &to]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert!(report(&[]) == report(&["--events", &file.to_string_lossy()]), "by the commands, too");
}

/// A desk that can be polled, and at which something happens.
struct Polled {
    url: String,
    token: String,
    /// Goes on with the work for a moment; nothing where others work by themselves.
    work: Box<dyn FnMut()>,
    /// Ends the work.
    rest: Box<dyn FnMut()>,
}

impl Polled {
    fn source(&self) -> String {
        format!(
            "[[source]]\nname = \"desk\"\nkind = \"rt\"\ninterval = \"1s\"\nbackfill = \"60d\"\nbase_url = \"{}\"\n\
             token = {{ env = \"DESK_TOKEN\" }}\n",
            self.url
        )
    }

    /// What one who reads it at once is told, history and all.
    async fn read(&self) -> Vec<Event> {
        let settings = json!({"base_url": self.url, "token": self.token});
        let backfill = Duration::from_hours(24 * 60);
        let spec = Spec { name: "desk".into(), backfill, settings, base: ".".into() };
        let mut rt = Rt::new(&spec, Limits::default()).unwrap();
        let (mut events, mut cursor) = (Vec::new(), None);
        loop {
            let batch = rt.poll(cursor.as_ref(), Timestamp::from(chrono::Utc::now())).await.unwrap();
            events.extend(batch.events);
            cursor = batch.cursor.or(cursor);
            if !batch.more {
                return events;
            }
        }
    }
}

/// A board in a terminal that nobody looks at.
fn board(place: &Place, token: &str) -> Box<dyn portable_pty::Child + Send + Sync> {
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(HELPTOP);
    command.args(["--config", &place.config().to_string_lossy()]);
    command.env("DESK_TOKEN", token);
    command.env("TERM", "xterm-256color");
    command.env("HOME", place.folder.path());
    let child = pair.slave.spawn_command(command).unwrap();
    let mut output = pair.master.try_clone_reader().unwrap();
    thread::spawn(move || {
        let _terminal = pair.master;
        let mut chunk = vec![0; 65536];
        while let Ok(1..) = output.read(&mut chunk) {}
    });
    child
}

/// Ends it at once, without a chance to do anything about it.
fn kill(child: &mut Box<dyn portable_pty::Child + Send + Sync>) {
    let pid = i32::try_from(child.process_id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    child.wait().unwrap();
}

/// 400 tickets, most of them ended, and people who go on working.
async fn tiny_desk() -> (Polled, wiremock::MockServer) {
    let mut desk = fake_rt::Desk::new();
    for id in 1..=400_u64 {
        let (row, second) = (id * 10, id as i64 * 60);
        desk.create(id, row, second, "kim@x", "kim@x");
        desk.owner(row + 1, second + 1, id, "ana", "ana");
        desk.reply(row + 2, second + 2, id, "ana");
        if id % 3 > 0 {
            desk.status(row + 3, second + 3, id, "ana", "resolved");
        }
    }
    let (server, desk) = fake_rt::serve(desk).await;
    let done = Arc::new(Mutex::new(0_u64));
    let work = move || {
        let mut done = done.lock().unwrap();
        *done += 1;
        let (row, second) = (5_000 + *done * 10, 30_000 + *done as i64 * 60);
        let mut desk = desk.lock().unwrap();
        let (new, open) = (1_000 + *done, 3 * (1 + *done % 130));
        desk.create(new, row, second, "lee@x", "lee@x");
        desk.owner(row + 1, second + 5, new, "bogdan", "bogdan");
        desk.reply(row + 2, second + 9, new, "bogdan");
        if done.is_multiple_of(2) {
            desk.status(row + 3, second + 10, new, "bogdan", "resolved");
        }
        desk.reply(row + 4, second + 20, open, "kim@x");
        desk.owner(row + 5, second + 21, open, "bogdan", if done.is_multiple_of(3) { "ana" } else { "bogdan" });
    };
    let (url, token) = (server.uri(), "1-29-secret".to_owned());
    (Polled { url, token, work: Box::new(work), rest: Box::new(|| {}) }, server)
}

/// A real desk at which people work.
fn real_desk(env_file: &str, seeder: &str) -> Polled {
    let text = fs::read_to_string(env_file).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let env: BTreeMap<_, _> = lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect();
    let people = Command::new("python3")
        .args([seeder, "--dir", &env["RT5_DIR"], "--trickle", "0.3"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut people = Working(people);
    let rest = move || people.end();
    let (url, token) = (env["RT5_URL"].clone(), env["RT5_WALLBOARD_TOKEN"].clone());
    Polled { url, token, work: Box::new(|| {}), rest: Box::new(rest) }
}

/// People at work, who finish what they are at.
struct Working(Child);

impl Working {
    fn end(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.end();
    }
}

/// Dated events, as lines.
fn dated(events: &[Event]) -> HashSet<String> {
    let dated = events.iter().filter(|event| event.at.is_some());
    dated.map(|event| serde_json::to_string(event).unwrap()).collect()
}

/// Waits until the store has everything that one who reads the desk at once is told.
async fn settles(polled: &Polled, place: &Place, range: (Timestamp, Timestamp), kill: usize) {
    let told = figures(polled.read().await, range);
    let begun = Instant::now();
    while figures(place.kept(), range) != told {
        if begun.elapsed() > CATCH_UP {
            let (kept, told) = (dated(&place.kept()), dated(&polled.read().await));
            let missing: Vec<_> = told.difference(&kept).take(5).collect();
            let more: Vec<_> = kept.difference(&told).take(5).collect();
            panic!("after {kill} kills it never has all: missing {missing:#?}, too much {more:#?}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_is_killed_while_it_polls_misses_nothing() {
    let (mut polled, server) =
        if let (Ok(env_file), Ok(seeder)) = (env::var("HELPTOP_RT_ENV"), env::var("HELPTOP_RT_SEED")) {
            (real_desk(&env_file, &seeder), None)
        } else {
            let (polled, server) = tiny_desk().await;
            (polled, Some(server))
        };
    let mut dice = Dice::new();
    let place = Place::new(&polled.source());
    let to = Timestamp::from(chrono::Utc::now()) + TimeDelta::days(1);
    let range = (to - TimeDelta::days(60), to);
    let (mut events, mut grown) = (0, 0);
    let times = kills() - kills() * 2 / 5;
    for nth in 1..=times {
        let mut child = board(&place, &polled.token);
        (polled.work)();
        // Now before the first answer, now in the middle of the history, now long after it.
        let most = if server.is_some() { 2.5 } else { 8.0 };
        tokio::time::sleep(Duration::from_secs_f64(0.1 + most * dice.unit().powi(2))).await;
        (polled.work)();
        if nth % 10 == 0 && server.is_some() {
            settles(&polled, &place, range, nth).await;
        }
        kill(&mut child);
        let kept = place.kept();
        // A real desk takes its time to tell everything.
        if nth % 5 == 0 || server.is_some() {
            let invented: Vec<_> = dated(&kept).difference(&dated(&polled.read().await)).take(5).cloned().collect();
            assert_eq!(invented, Vec::<String>::new(), "kill {nth}: the desk never told that");
        }
        assert!(kept.len() >= events, "kill {nth}: {} events after {events}", kept.len());
        grown += usize::from(kept.len() > events);
        events = kept.len();
    }
    (polled.rest)();
    let mut child = board(&place, &polled.token);
    settles(&polled, &place, range, times).await;
    kill(&mut child);
    assert!(figures(place.kept(), range) == figures(polled.read().await, range));
    eprintln!("killed {times} times, {grown} of them with more than before; {} events kept", place.kept().len());
    assert!(grown > 0, "it was always killed before it had kept anything");
    report_is_the_same(&polled, &place, range).await;
}

/// `report` from the store is `report` of a fresh recording.
async fn report_is_the_same(polled: &Polled, place: &Place, (from, to): (Timestamp, Timestamp)) {
    let fresh = place.folder.path().join("fresh.jsonl");
    write_lines(&fresh, &polled.read().await);
    let began_at = Timestamp::from(chrono::Utc::now());
    let report = |arguments: &[&str]| {
        // One of the store ends now.
        let (from, to) = (from.to_string(), to.min(began_at).to_string());
        let mut command = place.helptop();
        command.env("DESK_TOKEN", &polled.token);
        command.args(["report", "--format", "json", "--by", "agent", "--from", &from, "--to", &to]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert!(report(&[]) == report(&["--events", &fresh.to_string_lossy()]), "by the commands, too");
}

fn write_lines(file: &Path, events: &[Event]) {
    let mut lines = std::io::BufWriter::new(fs::File::create(file).unwrap());
    for event in events {
        serde_json::to_writer(&mut lines, event).unwrap();
        lines.write_all(b"\n").unwrap();
    }
    lines.flush().unwrap();
}
