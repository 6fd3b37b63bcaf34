//! How far a long read is, for who waits for it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::text::excerpt;

/// A read that takes longer says how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often.
const PACE: Duration = Duration::from_millis(200);
/// The clock is looked at every so many events.
const EVENTS: u64 = 4096;
/// Where a line is shown that is written over and over.
type Screen = Box<dyn Write + Send>;

/// Characters of a line that are shown.
const WIDTH: usize = 78;
/// Characters of a name that are shown.
const QUOTED: usize = 60;

/// The progress of a read that begins now, on standard error where a person sees it.
pub fn begin(name: &str) -> Progress<'_, Screen, impl Fn() -> Duration> {
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

/// What several reads are at, in one line that the latest to speak writes over; gone when it is let go.
pub struct Line<W: Write = Screen> {
    out: Mutex<(W, bool)>,
    begun: Instant,
    patience: Duration,
}

impl Line {
    /// On standard error where a person sees it, once the reads have taken longer than a moment.
    pub fn begin() -> Self {
        Self::new(screen(), PATIENCE)
    }
}

impl<W: Write> Line<W> {
    fn new(out: W, patience: Duration) -> Self {
        Self { out: Mutex::new((out, false)), begun: Instant::now(), patience }
    }

    /// Says what one is at.
    pub fn say(&self, doing: &str) {
        if self.begun.elapsed() < self.patience {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.1 = true;
        // With nobody to tell, the read goes on all the same.
        let _ = write!(out.0, "\r{:<WIDTH$}", excerpt(doing, WIDTH - 1)).and_then(|()| out.0.flush());
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        let (out, said) = self.out.get_mut().unwrap_or_else(PoisonError::into_inner);
        if *said {
            let _ = write!(out, "\r{:WIDTH$}\r", "").and_then(|()| out.flush());
        }
    }
}

/// Standard error where a person sees it; nothing elsewhere.
fn screen() -> Screen {
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
    fn several_reads_share_a_line_that_is_empty_again_at_the_end() {
        let mut out = Vec::new();
        let line = Line::new(&mut out, Duration::ZERO);
        line.say("rt: reads tickets, 34 %");
        line.say("desk: reads on");
        drop(line);
        let said = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = said.split('\r').map(str::trim_end).collect();
        assert_eq!(lines, ["", "rt: reads tickets, 34 %", "desk: reads on", "", ""]);
        let mut out = Vec::new();
        let line = Line::new(&mut out, Duration::MAX);
        line.say("rt: reads on");
        drop(line);
        assert!(out.is_empty());
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
