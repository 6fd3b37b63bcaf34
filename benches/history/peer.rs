//! `DuckDB`, by the program beside this one, and the comparison of its numbers with ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const DURATIONS: [&str; 4] = ["first_response_time", "response_time", "handling_time", "resolution_time"];

/// A Python that has `DuckDB`.
pub struct Peer {
    python: String,
    pub version: String,
}

impl Peer {
    /// `None`, and said so, where it is not installed; `HELPTOP_BENCH_PYTHON` names another Python.
    pub fn find() -> Option<Self> {
        let python = std::env::var("HELPTOP_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let asked = Command::new(&python).arg(program()).arg("version").stderr(Stdio::null()).output();
        let version = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
        let Some(version) = version.and_then(|version| String::from_utf8(version).ok()) else {
            println!("!! {python} has no duckdb: THE PEER IS LEFT OUT (pip install duckdb)\n");
            return None;
        };
        Some(Self { python, version: version.trim().to_owned() })
    }

    /// Makes the table where it is not there yet.
    pub fn table(&self, recording: &Path) -> PathBuf {
        let path = recording.with_extension("duckdb");
        if !path.exists() {
            let part = recording.with_extension("duckdb-part");
            super::child::run(self.command().arg("load").arg(recording).arg(&part));
            std::fs::rename(&part, &path).unwrap();
        }
        path
    }

    /// The command that makes the figures.
    pub fn report(&self, from: &Path, range: &[String; 2]) -> Command {
        let mut command = self.command();
        command.arg("report").arg(from).arg("--from").arg(&range[0]).arg("--to").arg(&range[1]);
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(program());
        command
    }
}

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/duckdb/figures.py")
}

/// Checks every number of ours against the peer's, and tells how many there were.
pub fn compare(ours: &str, theirs: &str) -> usize {
    let ours: Value = serde_json::from_str(ours).unwrap();
    let theirs: Value = serde_json::from_str(theirs).unwrap();
    let mut numbers = 0;
    for group in ours["groups"].as_array().unwrap() {
        let agent = group["key"].as_str().unwrap();
        // An agent with nothing to count has no row there.
        let other = &theirs[agent];
        let mut same = |what: &str, one: &Value, other: &Value| {
            let other = other.as_f64().or(one.is_number().then_some(0.0));
            let (one, other) = (one.as_f64().unwrap_or(-1.0), other.unwrap_or(-1.0));
            assert!((one - other).abs() <= 1e-9 * one.abs().max(1.0), "{agent} {what}: {one} here, {other} there");
            numbers += 1;
        };
        same("closed", &group["closed"], &other["closed"]);
        for key in DURATIONS {
            for part in ["n", "mean", "median", "p90"] {
                same(&format!("{key}.{part}"), &group[key][part], &other[key][part]);
            }
        }
    }
    numbers
}
