//! What an untouched board costs a terminal and its machine, beside `htop` and `btm` in the same run.
//!
//! `cargo bench --bench terminal`; peers that are not installed are left out. `HELPTOP_BENCH_SECONDS` (60) sets how
//! long each is watched. All are watched at once, in pseudo-terminals of 200×50; starts are timed before, one by one.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench stops at the first surprise and prints figures")]

#[path = "support/watched.rs"]
mod watched;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use watched::{COLUMNS, HELPTOP, ROWS, Watched};

/// Programs settle before they are watched.
const SETTLE: Duration = Duration::from_secs(8);
const STARTS: usize = 10;

/// Start of the process to the first frame that shows an agent's state.
fn time_starts(name: &str, arguments: &[&str]) {
    let mut times: Vec<f64> = (0..STARTS)
        .map(|_| {
            let begun = Instant::now();
            let board = Watched::start(name, HELPTOP, arguments, None);
            board.wait_for("online");
            begun.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<24} {:>9.1} {:>9.1} {:>9.1}", times[0], times[STARTS / 2], times[STARTS - 1]);
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
}

fn main() {
    let seconds = std::env::var("HELPTOP_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let size = |agents, chats| vec!["demo", "--agents", agents, "--chats", chats];
    let sizes = [
        ("helptop demo S", size("12", "300")),
        ("helptop demo M", size("200", "5000")),
        ("helptop demo L", size("1000", "25000")),
        ("helptop demo XL", size("5000", "100000")),
    ];
    assert!(Path::new(HELPTOP).exists());
    println!("start to first full frame, ms  min    median       max   ({STARTS} starts)");
    for (name, arguments) in &sizes {
        time_starts(name, arguments);
    }
    let mut watched: Vec<_> =
        sizes.iter().map(|(name, arguments)| Watched::start(name, HELPTOP, arguments, None)).collect();
    for peer in ["htop", "btm"].into_iter().filter(|peer| on_path(peer)) {
        watched.push(Watched::start(peer, peer, &[], None));
    }
    thread::sleep(SETTLE);
    let before: Vec<_> = watched.iter().map(|one| (one.bytes.load(Ordering::Relaxed), one.used().0)).collect();
    thread::sleep(Duration::from_secs(seconds));
    println!("\nuntouched for {seconds} s at {COLUMNS}×{ROWS}   bytes/s    CPU %   memory MiB");
    for (one, (bytes, ticks)) in watched.iter().zip(before) {
        let (now_ticks, memory) = one.used();
        let bytes = (one.bytes.load(Ordering::Relaxed) - bytes) as f64 / seconds as f64;
        let cpu = (now_ticks - ticks) as f64 / seconds as f64;
        println!("{:<28} {bytes:>9.0} {cpu:>8.2} {memory:>12.1}", one.name);
    }
}
