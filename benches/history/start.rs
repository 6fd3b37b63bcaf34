//! Start of the real program with a store of size L to the first full frame.

use std::fs;
use std::io::{BufWriter, Write};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use helptop::event::write_event;
use helptop::source::demo::{Params, Simulation};

use super::watched::{HELPTOP, Watched};
use super::{child, helptop, now, recording, remove, runs};

const L: Params = Params { seed: 1, agents: 1_000, chats: 25_000 };
/// So much of the day was told before the start.
const TOLD: TimeDelta = TimeDelta::hours(6);

/// A first start settles.
const SETTLE: Duration = Duration::from_secs(3);

pub fn time() {
    let folder = recording::folder();
    let (told, store) = (folder.join("events-l.jsonl"), folder.join("store-l.db"));
    let mut out = BufWriter::new(fs::File::create(&told).unwrap());
    let until = now();
    let events = Simulation::new(L, until - TOLD).take_while(|event| event.at.is_none_or(|at| at < until));
    let mut count = 0;
    for event in events {
        write_event(&mut out, &event).unwrap();
        count += 1;
    }
    out.flush().unwrap();
    remove(&store);
    child::run(helptop(&store).arg("import").arg(&told).args(["--source", "desk"]));
    // A source that is there and says nothing: all that is shown comes from the store.
    let config = folder.join("start-l.toml");
    let source = "[[source]]\nname = \"desk\"\nkind = \"command\"\ncommand = [\"sleep\", \"1000\"]\n";
    fs::write(&config, format!("{source}[store]\npath = \"{}\"\n", store.display())).unwrap();
    // A store that was only imported into knows of no answer of the source; the first start shows nothing of it.
    let first = Watched::start("first", HELPTOP, &[], Some(&config));
    first.wait_for("helptop");
    thread::sleep(SETTLE);
    drop(first);
    println!("\nstart with a store of size L ({count} events) to the first full frame     ms   bytes   MiB");
    let mut times: Vec<f64> = (0..runs())
        .map(|i| {
            let begun = Instant::now();
            let board = Watched::start(&format!("start {}", i + 1), HELPTOP, &[], Some(&config));
            board.wait_for("online");
            let took = begun.elapsed().as_secs_f64() * 1e3;
            let (bytes, memory) = (board.bytes.load(Ordering::Relaxed), board.used().1);
            println!("{:<68} {took:>6.0} {bytes:>7} {memory:>5.0}", board.name);
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{:<68} {:>6.0}", "median", times[times.len() / 2]);
}
