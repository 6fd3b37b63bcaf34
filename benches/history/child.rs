//! A program that is run to its end: how long it took, and the most memory it had.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run cost.
pub struct Run {
    pub seconds: f64,
    /// The most resident memory, in MiB.
    pub memory: f64,
    pub output: String,
}

/// How often a program's memory is looked at; its peak is the kernel's own, so only the last moments can be missed.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a program; it must succeed.
pub fn run(command: &mut Command) -> Run {
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let waiting = thread::spawn(move || {
        let output = child.wait_with_output().unwrap();
        (output, begun.elapsed())
    });
    let mut peak = 0.0_f64;
    while !waiting.is_finished() {
        let shown = fs::read_to_string(&status).unwrap_or_default();
        let high = shown.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = high.and_then(|high| high.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
        thread::sleep(LOOK);
    }
    let (output, took) = waiting.join().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    Run { seconds: took.as_secs_f64(), memory: peak, output: String::from_utf8(output.stdout).unwrap() }
}

/// Medians of several runs: seconds and MiB.
pub fn median(runs: &[Run]) -> (f64, f64) {
    let middle = |value: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (middle(|run| run.seconds), middle(|run| run.memory))
}
