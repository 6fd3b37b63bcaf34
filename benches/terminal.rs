//! What an untouched board costs a terminal and its machine, beside `htop` and `btm` in the same run.
//!
//! `cargo bench --bench terminal`; peers that are not installed are left out. `HELPTOP_BENCH_SECONDS` (60) sets how
//! long each is watched. All are watched at once, in pseudo-terminals of 200×50; starts are timed before, one by one.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench stops at the first surprise and prints figures")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

const HELPTOP: &str = env!("CARGO_BIN_EXE_helptop");
const ROWS: u16 = 50;
const COLUMNS: u16 = 200;
/// Programs settle before they are watched.
const SETTLE: Duration = Duration::from_secs(8);
const STARTS: usize = 10;

/// A program in a terminal that nobody touches.
struct Watched {
    name: String,
    child: Box<dyn Child + Send + Sync>,
    bytes: Arc<AtomicU64>,
    screen: Arc<Mutex<vt100::Parser>>,
    heard: Receiver<()>,
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
}

impl Watched {
    fn start(name: &str, program: &str, arguments: &[&str]) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("HELPTOP_CONFIG", "");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let bytes = Arc::new(AtomicU64::new(0));
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let (told, heard) = channel();
        let (counter, shown) = (bytes.clone(), screen.clone());
        thread::spawn(move || {
            let mut chunk = [0; 65536];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                counter.fetch_add(read as u64, Ordering::Relaxed);
                shown.lock().unwrap().process(&chunk[..read]);
                let _ = told.send(());
            }
        });
        Self { name: name.to_owned(), child, bytes, screen, heard, _terminal: pair.master }
    }

    fn wait_for(&self, text: &str) {
        while !self.screen.lock().unwrap().screen().contents().contains(text) {
            self.heard.recv_timeout(Duration::from_secs(60)).unwrap();
        }
    }

    /// CPU time so far, in clock ticks of 10 ms, and resident memory in MiB.
    fn used(&self) -> (u64, f64) {
        let process = format!("/proc/{}", self.child.process_id().unwrap());
        let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        (ticks, resident.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Start of the process to the first frame that shows an agent's state.
fn time_starts(name: &str, arguments: &[&str]) {
    let mut times: Vec<f64> = (0..STARTS)
        .map(|_| {
            let begun = Instant::now();
            let board = Watched::start(name, HELPTOP, arguments);
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
    let mut watched: Vec<_> = sizes.iter().map(|(name, arguments)| Watched::start(name, HELPTOP, arguments)).collect();
    for peer in ["htop", "btm"].into_iter().filter(|peer| on_path(peer)) {
        watched.push(Watched::start(peer, peer, &[]));
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
