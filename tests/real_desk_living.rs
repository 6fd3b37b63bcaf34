//! The whole program against a running Request Tracker while people work at it: a board that polls, a recording of
//! what it polled, and a fresh snapshot must all equal the known truth in the end.
//!
//! Skipped unless `HELPTOP_RT_ENV` names the env file of the desk and `HELPTOP_RT_SEED` the program that seeded it;
//! `HELPTOP_RT_SECONDS` (30) sets how long people work. Runs after `real_desk`, whose truth it outdates.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test says why it fails or is skipped")]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use helptop::event::Timestamp;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");
/// The board has so long to show the last thing that happened.
const CATCH_UP: Duration = Duration::from_mins(1);

struct Desk {
    folder: tempfile::TempDir,
    config: PathBuf,
    env: BTreeMap<String, String>,
}

/// Ends a program when a test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn desk(env_file: &str) -> Desk {
    let text = fs::read_to_string(env_file).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let env: BTreeMap<_, _> = lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let source = format!(
        "[[source]]\nname = \"desk\"\nkind = \"rt\"\ninterval = \"2s\"\nbase_url = \"{}\"\ntoken = {{ env = \"RT5_WALLBOARD_TOKEN\" }}\n",
        env["RT5_URL"]
    );
    fs::write(&config, source).unwrap();
    Desk { folder, config, env }
}

impl Desk {
    fn helptop(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(HELPTOP);
        command.arg("--config").arg(&self.config).args(arguments);
        command.env("RT5_WALLBOARD_TOKEN", &self.env["RT5_WALLBOARD_TOKEN"]);
        command.env("XDG_DATA_HOME", self.folder.path());
        command
    }

    fn snapshot(&self, arguments: &[&str]) -> Value {
        let output = self.helptop(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Conversation, agent and since of every wait; what each agent holds; how many are open.
type Told = (Vec<[String; 3]>, BTreeMap<String, u64>, u64);

/// The figures of a snapshot that the truth knows: who waits since when at whom, and what each agent holds.
fn told(snapshot: &Value) -> Told {
    let text = |value: &Value| value.as_str().unwrap_or("Nobody").to_owned();
    let rows = snapshot["unanswered"].as_array().unwrap().iter();
    let mut waits: Vec<_> =
        rows.map(|row| [text(&row["conversation"]), text(&row["agent"]), text(&row["waiting_since"])]).collect();
    waits.sort();
    let queues = snapshot["queues"].as_array().unwrap().iter();
    let mut held: BTreeMap<_, _> = queues.map(|row| (text(&row["agent"]), row["open"].as_u64().unwrap())).collect();
    held.insert("Nobody".to_owned(), snapshot["unassigned"]["open"].as_u64().unwrap());
    held.retain(|_, open| *open > 0);
    (waits, held, snapshot["totals"]["active"].as_u64().unwrap())
}

/// The seeder notes live events by its own clock, after the answer came: RT's own instant is up to so much earlier.
const SLACK: TimeDelta = TimeDelta::seconds(5);

/// Takes the truth's instants over where they are within the slack, so that what is left to differ is wrong.
fn forgive_clocks(mut told: Told, wanted: &Told) -> Told {
    for row in &mut told.0 {
        let same = wanted.0.iter().find(|other| other[..2] == row[..2]);
        let off = same.map(|other| Timestamp::parse(&other[2]).unwrap() - Timestamp::parse(&row[2]).unwrap());
        if let (Some(other), Some(off)) = (same, off)
            && off.abs() <= SLACK
        {
            row[2].clone_from(&other[2]);
        }
    }
    told
}

fn expected(truth: &Value) -> Told {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = truth["unanswered"].as_array().unwrap().iter();
    let mut waits: Vec<_> =
        rows.map(|row| [row["ticket"].to_string(), text(&row["owner"]), text(&row["since"])]).collect();
    waits.sort();
    let mut held: BTreeMap<String, u64> = serde_json::from_value(truth["open"]["by_owner"].clone()).unwrap();
    held.retain(|_, open| *open > 0);
    (waits, held, truth["open"]["total"].as_u64().unwrap())
}

/// The board in a terminal; gives what it shows at the moment.
fn board(desk: &Desk) -> (Box<dyn portable_pty::Child + Send + Sync>, impl Fn() -> String) {
    let pair = native_pty_system().openpty(PtySize { rows: 36, cols: 120, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(HELPTOP);
    command.args(["--config", &desk.config.to_string_lossy()]);
    command.env("RT5_WALLBOARD_TOKEN", &desk.env["RT5_WALLBOARD_TOKEN"]);
    command.env("TERM", "xterm-256color");
    // What this machine keeps may be of another desk at the same address.
    command.env("XDG_DATA_HOME", desk.folder.path());
    let child = pair.slave.spawn_command(command).unwrap();
    let mut output = pair.master.try_clone_reader().unwrap();
    let screen = Arc::new(Mutex::new(vt100::Parser::new(36.try_into().unwrap(), 120.try_into().unwrap(), 0)));
    let shown = screen.clone();
    thread::spawn(move || {
        let _terminal = pair.master;
        let mut chunk = vec![0; 65536];
        while let Ok(read @ 1..) = output.read(&mut chunk) {
            shown.lock().unwrap().process(&chunk[..read]);
        }
    });
    (child, move || screen.lock().unwrap().screen().contents())
}

/// The numbers of the first row of tiles: `│ 46 ▁▂ +1 │` gives 46.
fn tiles(screen: &str) -> Vec<u64> {
    let row = screen.lines().skip_while(|line| !line.contains("Waiting")).nth(1).unwrap_or_default();
    let first_word = |cell: &str| cell.split_whitespace().next().and_then(|word| word.parse().ok());
    row.split('│').filter_map(first_word).collect()
}

fn until<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, look: impl Fn() -> T) {
    let begun = Instant::now();
    loop {
        let seen = look();
        if seen == *wanted {
            eprintln!("{what}: equal after {:.1} s", begun.elapsed().as_secs_f64());
            return;
        }
        assert!(begun.elapsed() < CATCH_UP, "{what}:\nseen   {seen:?}\nwanted {wanted:?}");
        thread::sleep(Duration::from_millis(500));
    }
}

fn work_at(desk: &Desk, seeder: &str, seconds: &str, truth: &Path) -> String {
    let output = Command::new("python3")
        .args([seeder, "--dir", &desk.env["RT5_DIR"], "--trickle", "1", "--duration", seconds, "--truth"])
        .arg(truth)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_board_that_polls_follows_a_desk_where_people_work() {
    let (Ok(env_file), Ok(seeder)) = (env::var("HELPTOP_RT_ENV"), env::var("HELPTOP_RT_SEED")) else {
        // Past the test runner, which keeps what a passing test prints.
        writeln!(std::io::stderr(), "SKIPPED: needs a running Request Tracker, HELPTOP_RT_ENV and HELPTOP_RT_SEED")
            .unwrap();
        return;
    };
    let seconds = env::var("HELPTOP_RT_SECONDS").unwrap_or_else(|_| "30".to_owned());
    let desk = desk(&env_file);
    let recording = desk.folder.path().join("recording.jsonl");
    let followed = File::create(&recording).unwrap();
    let _recorder =
        Running(desk.helptop(&["events", "--follow"]).stdout(followed).stdin(Stdio::null()).spawn().unwrap());
    let (mut child, screen) = board(&desk);
    until("first data", &true, || !tiles(&screen()).is_empty());

    let truth_file = desk.folder.path().join("truth.json");
    let happened = work_at(&desk, &seeder, &seconds, &truth_file);
    assert!(happened.lines().count() > 5, "hardly anything happened:\n{happened}");
    eprintln!("{} things happened in {seconds} s", happened.lines().count());

    let truth: Value = serde_json::from_str(&fs::read_to_string(&truth_file).unwrap()).unwrap();
    let wanted = expected(&truth);
    let recorded = recording.to_string_lossy().into_owned();
    until("recording of what was polled", &wanted, || {
        forgive_clocks(told(&desk.snapshot(&["snapshot", "--format", "json", "--events", &recorded])), &wanted)
    });
    let fresh = told(&desk.snapshot(&["snapshot", "--format", "json"]));
    assert_eq!(forgive_clocks(fresh.clone(), &wanted), wanted, "fresh snapshot");
    let followed = told(&desk.snapshot(&["snapshot", "--format", "json", "--events", &recorded]));
    assert_eq!(followed, fresh, "polled bit by bit and read at once, to the second");
    let (waits, held, open) = &wanted;
    let unassigned = held.get("Nobody").copied().unwrap_or_default();
    until("tiles of the board", &vec![waits.len() as u64, *open, unassigned], || {
        let tiles = tiles(&screen());
        // Waiting, Open and Unassigned; Longest is a duration and no number.
        tiles.into_iter().take(3).collect::<Vec<_>>()
    });
    child.kill().unwrap();
    child.wait().unwrap();
}
