//! How far a long read is, for who waits for it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::text::excerpt;

/// A read that takes longer says how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often.
const PACE: Duration = Duration::from_millis(200);
/// The clock is looked at every so many events.
const EVENTS: u64 = 4096;
/// Characters of a name that are shown.
const QUOTED: usize = 60;

/// The progress of a read that begins now, on standard error where a person sees it.
pub fn begin(name: &str) -> Progress<'_, Box<dyn Write>, impl Fn() -> Duration> {
    let begun = Instant::now();
    Progress::new(name, screen(), move || begun.elapsed())
}

/// Says how far a long read is.
pub struct Progress<'a, W, E> {
    name: &'a str,
    out: W,
    /// The time since the read began.
    elapsed: E,
    events: u64,
    said: Option<Duration>,
}

impl<'a, W: Write, E: Fn() -> Duration> Progress<'a, W, E> {
    /// Of a read of what is named so.
    pub fn new(name: &'a str, out: W, elapsed: E) -> Self {
        Self { name, out, elapsed, events: 0, said: None }
    }

    /// Counts an event.
    pub fn step(&mut self) {
        self.events += 1;
        if !self.events.is_multiple_of(EVENTS) {
            return;
        }
        let now = (self.elapsed)();
        if now >= PATIENCE && self.said.is_none_or(|said| now >= said + PACE) {
            self.said = Some(now);
            // With nobody to tell, the read goes on all the same.
            let _ = write!(self.out, "\r{}: {} events …", excerpt(self.name, QUOTED), self.events);
        }
    }

    /// Leaves the line empty again.
    pub fn end(&mut self) {
        if self.said.is_some() {
            let blank = " ".repeat(QUOTED + 40);
            let _ = write!(self.out, "\r{blank}\r");
        }
    }
}

/// Standard error where a person sees it; nothing elsewhere.
fn screen() -> Box<dyn Write> {
    if io::stderr().is_terminal() { Box::new(io::stderr()) } else { Box::new(io::sink()) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_read_of_more_than_a_second_says_how_far_it_is_and_cleans_up() {
        let now = Cell::new(Duration::ZERO);
        let mut out = Vec::new();
        let mut progress = Progress::new("day.jsonl", &mut out, || now.get());
        for millis in [400, 900, 1000, 1100, 1250] {
            now.set(Duration::from_millis(millis));
            (0..EVENTS).for_each(|_| progress.step());
        }
        progress.end();
        let said = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = said.split('\r').map(str::trim_end).collect();
        assert_eq!(lines, ["", "day.jsonl: 12288 events …", "day.jsonl: 20480 events …", "", ""]);
    }

    #[test]
    fn a_short_read_says_nothing() {
        let mut out = Vec::new();
        let mut progress = Progress::new("day.jsonl", &mut out, || Duration::from_millis(999));
        (0..3 * EVENTS).for_each(|_| progress.step());
        progress.end();
        assert!(out.is_empty());
    }
}
