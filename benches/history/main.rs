//! How fast the past becomes figures, beside `DuckDB` on the same machine in the same run.
//!
//! `cargo bench --bench history`; a first word `generate`, `import`, `figures`, `pages` or `start` picks one part.
//! `HELPTOP_BENCH_RUNS` (5) sets how often each is run, by turns; `HELPTOP_BENCH_DATA` (`target/bench-data`) is where
//! recordings, stores and tables are kept: 4 GB. The peer needs a Python with `pip install duckdb`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench stops at the first surprise and prints figures")]

mod child;
mod peer;
mod recording;
mod start;
#[path = "../support/watched.rs"]
mod watched;

use std::fs;
use std::hint::black_box;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use chrono_tz::Tz;
use helptop::board::{PastQuery, Standpoint, Want};
use helptop::desk::SourceIx;
use helptop::event::{Reader, Timestamp};
use helptop::metrics::history::{Filter, Grouping, History, Query, Terms};
use helptop::store::{Selection, SqliteStore, Store};

use child::{Run, median};
use peer::Peer;
use recording::{SIZES, Size};
use watched::HELPTOP;

const ZONE: Tz = Tz::Europe__Berlin;

fn main() {
    // Cargo adds a flag of its own.
    let part = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let is_asked = |name| part.as_deref().is_none_or(|part| part == name);
    for size in SIZES {
        println!("{}", size.recording().display());
    }
    if is_asked("import") {
        imports();
    }
    if is_asked("figures") {
        figures();
    }
    if is_asked("pages") {
        for size in &SIZES {
            alone(size);
            pages(size);
        }
    }
    if is_asked("start") {
        start::time();
    }
}

fn runs() -> usize {
    std::env::var("HELPTOP_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// helptop with a store of its own, that is kept as long as the recordings are.
fn helptop(store: &Path) -> Command {
    let config = store.with_extension("toml");
    fs::write(&config, format!("[store]\npath = \"{}\"\nkeep = \"4000d\"\n", store.display())).unwrap();
    let mut command = Command::new(HELPTOP);
    command.env("HELPTOP_CONFIG", config);
    command
}

fn store(size: &Size) -> PathBuf {
    recording::folder().join(format!("store-{}.db", size.name))
}

fn remove(store: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut path = store.as_os_str().to_owned();
        path.push(ending);
        let _ = fs::remove_file(path);
    }
}

fn import(size: &Size, into: &Path) -> Run {
    remove(into);
    child::run(helptop(into).arg("import").arg(size.recording()).args(["--source", "demo"]))
}

fn imports() {
    println!("\nimport into an empty store, median of {} runs      s   events/s   memory MiB   file MiB", runs());
    for size in &SIZES {
        let store = store(size);
        let taken: Vec<Run> = (0..runs()).map(|_| import(size, &store)).collect();
        let (seconds, memory) = median(&taken);
        let file = fs::metadata(&store).unwrap().len() as f64 / f64::from(1 << 20);
        let rate = size.events as f64 / seconds;
        println!("{:<44} {seconds:>8.2} {rate:>10.0} {memory:>12.0} {file:>10.0}", size.name);
    }
}

/// The last 30 days of a recording.
fn range(size: &Size) -> [String; 2] {
    let recording = fs::read(size.recording()).unwrap();
    let line = recording.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap();
    let to = helptop::event::parse_line(line).unwrap().at.unwrap() + TimeDelta::milliseconds(1);
    [to - TimeDelta::days(30), to].map(|at| at.to_string())
}

/// The report by agent of the last 30 days, ours with every key, the peer's with five.
fn figures() {
    let peer = Peer::find();
    let version = peer.as_ref().map_or("left out", |peer| &peer.version);
    println!("\nreport by agent of 30 days, DuckDB {version}, median of {} runs by turns", runs());
    println!("{:<24} helptop s   DuckDB s   ratio   helptop MiB   DuckDB MiB   numbers alike", "");
    for size in &SIZES {
        let (recording, store, range) = (size.recording(), store(size), range(size));
        if !store.exists() {
            import(size, &store);
        }
        let report = |events: Option<&Path>| {
            let mut command = helptop(&store);
            command.args(["report", "--by", "agent", "--format", "json", "--from", &range[0], "--to", &range[1]]);
            command.args(events.iter().flat_map(|path| [Path::new("--events"), path]));
            command
        };
        let table = peer.as_ref().map(|peer| peer.table(&recording));
        let rows = [("from the recording", Some(&*recording), Some(&*recording)), ("kept", None, table.as_deref())];
        for (name, events, other) in rows {
            let (mut ours, mut theirs, mut alike) = (Vec::new(), Vec::new(), 0);
            for _ in 0..runs() {
                ours.push(child::run(&mut report(events)));
                if let (Some(peer), Some(other)) = (&peer, other) {
                    theirs.push(child::run(&mut peer.report(other, &range)));
                    alike = peer::compare(&ours[ours.len() - 1].output, &theirs[theirs.len() - 1].output);
                }
            }
            let (seconds, memory) = median(&ours);
            print!("{:<24} {seconds:>9.2}", format!("{} {name}", size.name));
            if theirs.is_empty() {
                println!("          –       – {memory:>13.0}            –               –");
            } else {
                let (other, other_memory) = median(&theirs);
                let ratio = other / seconds;
                println!(" {other:>10.2} {ratio:>7.2} {memory:>13.0} {other_memory:>12.0} {alike:>15}");
            }
        }
    }
}

/// What the fold and the figures cost alone, in this process.
fn alone(size: &Size) {
    let mut reader = Reader::new(BufReader::new(fs::File::open(size.recording()).unwrap())).without_words();
    let mut history = History::new();
    let source = history.add_source("demo");
    let mut fold = Duration::ZERO;
    while let Some(block) = reader.next_block().unwrap() {
        let lines = block.lines();
        let begun = Instant::now();
        for line in lines {
            history.take(source, line.event.unwrap());
        }
        fold += begun.elapsed();
    }
    history.settle();
    println!("\n{}: in this process", size.name);
    show("fold of all events, one core", fold.as_secs_f64());
    let to = history.span().unwrap().1 + TimeDelta::milliseconds(1);
    let (from, zone, by) = (to - TimeDelta::days(30), ZONE, Some(Grouping::Agent));
    let query = Query { from, to, zone, by, filter: Filter::default() };
    time("report by agent of 30 days from the fold", || history.report(&query, &Terms::default()));
}

/// Pages of the board from the store: what is read for them, and the page from that.
fn pages(size: &Size) {
    let path = store(size);
    if !path.exists() {
        import(size, &path);
    }
    let mut store = SqliteStore::open_to_read(&path).unwrap();
    let terms = Terms::default();
    let now = range(size)[1].parse::<chrono::DateTime<chrono::Utc>>().unwrap().into();
    let standpoint = Standpoint { now, zone: ZONE, terms: &terms, begins_at: None, is_told: true };
    for (name, query) in [
        ("an agent's page", PastQuery::Agent(SourceIx(0), "a1".into())),
        ("a customer's page", PastQuery::Customer(SourceIx(0), "u1".into())),
        ("history page of 7 days", PastQuery::Overview { days: 7, by: Some(Grouping::Team) }),
        ("history page of 30 days", PastQuery::Overview { days: 30, by: Some(Grouping::Team) }),
    ] {
        let want = query.want(now, ZONE);
        let history = time(&format!("{name}: read and fold, one core"), || load(&mut store, &want));
        time(&format!("{name}: from what is read"), || query.page(&history, &standpoint));
    }
}

fn load(store: &mut SqliteStore, want: &Want) -> History {
    let mut history = History::new();
    let source = history.add_source("demo");
    let no = store.source("demo").unwrap();
    let span = want.span.map(|span| Selection::Since(span.from));
    let customer = want.customer.iter().map(|(_, id)| Selection::Customer(no, id.clone()));
    for selection in span.into_iter().chain(customer) {
        let mut take = |_, event| {
            history.take(source, event);
            Ok(())
        };
        store.read(&selection, &mut take).unwrap();
    }
    history.settle();
    history
}

/// Says the median of some runs, and gives what the last came to.
fn time<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let mut took = Vec::new();
    loop {
        let begun = Instant::now();
        let made = black_box(work());
        took.push(begun.elapsed().as_secs_f64());
        if took.len() >= runs() {
            took.sort_by(f64::total_cmp);
            show(what, took[took.len() / 2]);
            return made;
        }
    }
}

fn show(what: &str, seconds: f64) {
    println!("{what:<60} {:>9.1} ms", seconds * 1e3);
}

/// By the clock of the machine.
fn now() -> Timestamp {
    chrono::Utc::now().into()
}
