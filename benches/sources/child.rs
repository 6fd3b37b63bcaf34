//! The process that a source runs in: its processor time and memory are its own. It reads instants, a line each, polls
//! until nothing is left to fetch, tells what the source told, a line each, and says what that came to.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufWriter, Write};
use std::process::Stdio;
use std::time::Duration;

use helptop::desk::{Desk, SourceIx};
use helptop::event::{EventKind, Timestamp, parse_line};
use helptop::source::Source;
use helptop::source::demo::Params;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::agree::start;
use crate::contract::benches;
use crate::world::World;

/// The first word of the command line of that process.
pub const WORD: &str = "child";
/// What the line of the cost begins with; other lines are events.
const COST: &str = "= ";
/// A poll that tells fewer conversations a request reads no pages of them.
const FEW: usize = 20;

/// What it took to read all that is new.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    pub requests: u32,
    /// Of the processor.
    pub cpu: Duration,
    /// The median of the polls that told whole pages of conversations, for a hundred of them.
    pub hundred: Duration,
    /// The most memory so far, in KiB.
    pub peak: u64,
}

/// The other side of that process.
pub struct Child {
    /// Ends with this.
    _process: tokio::process::Child,
    asks: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    peak: u64,
    /// What was told so far, as a board has it.
    desk: Desk,
    source: SourceIx,
}

impl Child {
    pub fn start(kind: &str, base: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([WORD, kind, base]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let asks = process.stdin.take().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut desk = Desk::new(false);
        let source = desk.add_source();
        Self { _process: process, asks, says, peak: 0, desk, source }
    }

    pub async fn settle(&mut self, now: Timestamp) -> Cost {
        self.asks.write_all(format!("{}\n", now.millis()).as_bytes()).await.unwrap();
        let cost = loop {
            let line = self.says.next_line().await.unwrap().unwrap();
            match line.strip_prefix(COST) {
                Some(cost) => break serde_json::from_str::<Cost>(cost).unwrap(),
                None => self.desk.apply(self.source, parse_line(line.as_bytes()).unwrap()),
            }
        };
        self.desk.settle();
        self.peak = cost.peak;
        cost
    }

    /// The numbers of the chats that are open by what was told.
    pub fn open(&self, number: fn(&str) -> Option<u64>) -> BTreeSet<u64> {
        let open = self.desk.conversations().filter(|(_, one)| one.state().is_active());
        open.map(|(_, one)| number(one.id.as_str()).unwrap()).collect()
    }

    /// The most memory that it took, in MiB.
    pub fn peak(&self) -> f64 {
        self.peak as f64 / 1024.0
    }
}

/// The process itself; it ends with its input.
pub fn run(kind: &str, base: &str) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let bench = benches().into_iter().find(|bench| bench.kind == kind).unwrap();
        // For its address only.
        let mut simulator = (bench.serve)(World::new(Params { seed: 1, agents: 1, chats: 1 }, start())).await;
        base.clone_into(&mut simulator.base);
        let mut source = (bench.source)(&simulator, Duration::ZERO);
        let mut cursor = None;
        let mut out = BufWriter::new(std::io::stdout().lock());
        for line in std::io::stdin().lock().lines() {
            let now = Timestamp::from_millis(line.unwrap().parse().unwrap());
            let cost = settle(source.as_mut(), &mut cursor, now, &mut out).await;
            writeln!(out, "{COST}{}", serde_json::to_string(&cost).unwrap()).unwrap();
            out.flush().unwrap();
        }
    });
}

async fn settle(
    source: &mut dyn Source,
    cursor: &mut Option<helptop::source::Cursor>,
    now: Timestamp,
    out: &mut impl Write,
) -> Cost {
    let mut cost = Cost::default();
    let mut pages = Vec::new();
    loop {
        let before = cpu();
        let batch = source.poll(cursor.as_ref(), now).await.unwrap();
        let took = cpu().saturating_sub(before);
        cost.cpu += took;
        cost.requests += batch.requests;
        assert_eq!(batch.skipped_total, 0, "{:?}", batch.skipped);
        let told = batch.events.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).count();
        if batch.requests > 0 && told >= FEW * batch.requests as usize {
            pages.push(took.mul_f64(100.0 / told as f64));
        }
        for event in &batch.events {
            serde_json::to_writer(&mut *out, event).unwrap();
            out.write_all(b"\n").unwrap();
        }
        *cursor = batch.cursor.or(cursor.take());
        if !batch.more {
            break;
        }
    }
    pages.sort_unstable();
    cost.hundred = pages.get(pages.len() / 2).copied().unwrap_or_default();
    cost.peak = peak();
    cost
}

/// What this thread, the only one that works here, has had of the processor.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// The most memory that was ever resident, in KiB.
fn peak() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
