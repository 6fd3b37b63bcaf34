//! Recordings of the simulated desk, written once and kept: the same size gives the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use helptop::event::{Timestamp, write_event};
use helptop::source::demo::{Params, Simulation};

/// A recording of so many events, of a desk of a size at which they take about 70 days.
#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    pub events: usize,
    agents: usize,
    chats: usize,
}

pub const SIZES: [Size; 2] = [
    Size { name: "1m", events: 1_000_000, agents: 12, chats: 300 },
    Size { name: "10m", events: 10_000_000, agents: 120, chats: 3_000 },
];

/// Where recordings and stores are kept: `HELPTOP_BENCH_DATA`, else `target/bench-data`.
pub fn folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-data");
    let folder = std::env::var_os("HELPTOP_BENCH_DATA").map_or_else(default, PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    folder
}

impl Size {
    /// The recording, made where it is not there yet.
    pub fn recording(&self) -> PathBuf {
        let path = folder().join(format!("events-{}.jsonl", self.name));
        if !path.exists() {
            let part = path.with_extension("part");
            self.write(&part);
            fs::rename(&part, &path).unwrap();
        }
        path
    }

    /// Events in the order of time, from the beginning of September on.
    fn write(&self, path: &Path) {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
        let begin = Timestamp::parse("2026-09-01T00:00:00Z").unwrap();
        let simulation = Simulation::new(Params { seed: 1, agents: self.agents, chats: self.chats }, begin);
        for event in simulation.take(self.events) {
            write_event(&mut out, &event).unwrap();
        }
        out.flush().unwrap();
    }
}
