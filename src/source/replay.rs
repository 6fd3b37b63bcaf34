//! A recorded event stream, told again at any speed. A start with a cursor goes on with the line where it was.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intake::Intake;
use super::{Batch, Cursor, Finding, Kind, Pace, Source, SourceError, Spec};
use crate::event::{Capability, Event, EventKind, Reader, Timestamp};
use crate::text::counted;

/// The row of the registry.
pub const KIND: Kind = Kind {
    name: "replay",
    title: "a recorded event file, told again as if it happened now",
    capabilities: &super::ALL_CAPABILITIES,
    cannot_tell: &[],
    secrets: &[],
    setup: None,
    schema: || schemars::schema_for!(Settings),
    build: |spec| Replay::from_spec(spec).map(|replay| Box::new(replay) as Box<dyn Source>),
};

/// Settings of a `replay` source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The recorded file, one event a line; relative to the config file.
    pub file: PathBuf,
    /// How many seconds of the recording pass in a second.
    pub speed: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { file: PathBuf::new(), speed: 1.0 }
    }
}

/// Lines that are read ahead: so far a line may be from its place in time.
const AHEAD: usize = 1024;
/// The most events one poll hands over.
const AT_MOST: usize = 10_000;
/// The most lines one poll passes over that were told before.
const AT_MOST_TOLD: u64 = 100_000;
/// How long a poll waits when nothing is due.
const IDLE: Duration = Duration::from_millis(100);

/// What becomes of the times of the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Times {
    /// They stay: the board's clock is virtual.
    Kept,
    /// The first event happens at the first poll, the others so much faster after it.
    Moved { speed: f64 },
}

/// A source that tells a recording again, event by event when each is due.
#[derive(Debug)]
pub struct Replay {
    file: PathBuf,
    times: Times,
    recording: Option<Recording>,
    /// The first instant of the recording and the moment it is moved to.
    moved: Option<(Timestamp, Timestamp)>,
    read_to: ReadTo,
    intake: Intake,
}

/// The latest instant that was read of a recording. A clock that follows the recording must not pass it, for nothing
/// is known of what comes then; after the last line it stays.
#[derive(Debug, Clone)]
pub struct ReadTo(Arc<AtomicI64>);

impl ReadTo {
    fn nothing() -> Self {
        Self(Arc::new(AtomicI64::new(Timestamp::MIN.millis())))
    }

    /// That instant; before the first line, the earliest there is.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn extend(&self, at: Timestamp) {
        self.0.fetch_max(at.millis(), Ordering::Relaxed);
    }
}

/// Where a recording stands whose times are moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Bytes of the file: one that has become shorter is another.
    size: u64,
    /// Lines that were read.
    lines: u64,
    /// Of those, the ones before this instant of the recording were told; without one, all.
    told_to: Option<Timestamp>,
    /// An instant of the recording, and the moment it was moved to.
    moved: (Timestamp, Timestamp),
}

impl Mark {
    /// Whether a line was told.
    fn covers(&self, number: u64, at: Option<Timestamp>) -> bool {
        number <= self.lines && at.is_none_or(|at| self.told_to.is_none_or(|to| at < to))
    }
}

/// A file that is being read, and the lines read ahead of their time.
#[derive(Debug)]
struct Recording {
    lines: Reader<BufReader<File>>,
    ahead: BinaryHeap<Reverse<Ahead>>,
    read: u64,
    ended: bool,
    size: u64,
    /// What was told of it in an earlier run.
    told: Option<Mark>,
}

impl Recording {
    /// All that was read so far was told in an earlier run.
    fn is_told(&self) -> bool {
        self.told.as_ref().is_some_and(|mark| self.read < mark.lines) && !self.ended
    }
}

/// An event whose time has not come; of one instant, in the order of the file.
#[derive(Debug)]
struct Ahead {
    at: Timestamp,
    nth: u64,
    event: Event,
}

impl PartialEq for Ahead {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Ahead {}
impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ahead {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

impl Replay {
    /// Tells a file with its own times: `now` is the clock of the recording.
    pub fn kept(file: impl Into<PathBuf>) -> Self {
        Self::new(file.into(), Times::Kept)
    }

    /// Tells a file as if it began at the first poll, so many times faster.
    pub fn moved(file: impl Into<PathBuf>, speed: f64) -> Result<Self, String> {
        if !(speed.is_finite() && (0.001..=1_000_000.0).contains(&speed)) {
            return Err(format!("speed is {speed}, must be from 0.001 to 1000000"));
        }
        Ok(Self::new(file.into(), Times::Moved { speed }))
    }

    fn new(file: PathBuf, times: Times) -> Self {
        Self { file, times, recording: None, moved: None, read_to: ReadTo::nothing(), intake: Intake::default() }
    }

    /// How far it has read, now and later: ahead of what it has told.
    pub fn read_to(&self) -> ReadTo {
        self.read_to.clone()
    }

    fn from_spec(spec: &Spec) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        if settings.file.as_os_str().is_empty() {
            return Err("file is missing: name the recorded event file".to_owned());
        }
        Self::moved(spec.base.join(settings.file), settings.speed)
    }

    fn open(&mut self, cursor: Option<&Cursor>) -> Result<Recording, SourceError> {
        let failed = |error: io::Error| SourceError::Unsupported {
            place: self.file.display().to_string(),
            what: format!("can't be opened: {error}"),
        };
        let file = open(&self.file).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let told = cursor.and_then(Cursor::read::<Mark>);
        let told = told.filter(|mark| self.times != Times::Kept && mark.size <= size);
        self.moved = told.as_ref().map(|mark| mark.moved);
        let lines = Reader::new(BufReader::new(file));
        Ok(Recording { lines, ahead: BinaryHeap::new(), read: 0, ended: false, size, told })
    }

    /// Where it stands; only where times are moved does it go on there.
    fn mark(&self, recording: &Recording) -> Option<Cursor> {
        let told_to = recording.ahead.peek().map(|Reverse(next)| next.at);
        let mark = Mark { size: recording.size, lines: recording.read, told_to, moved: self.moved? };
        serde_json::to_value(mark).ok().map(Cursor)
    }

    /// When an instant of the recording happens for the board.
    fn date(&self, at: Timestamp) -> Timestamp {
        match (self.times, self.moved) {
            (Times::Moved { speed }, Some((first, to))) => {
                let span = (at - first).num_milliseconds() as f64 / speed;
                to + TimeDelta::milliseconds(span as i64)
            }
            _ => at,
        }
    }

    fn re_date(&self, mut event: Event) -> Event {
        event.at = event.at.map(|at| self.date(at));
        if let EventKind::Sla { due, .. } = &mut event.kind {
            *due = self.date(*due);
        }
        event
    }

    /// Reads so far ahead that the next event in time is known; undated ones are told at once.
    fn read_ahead(&mut self, recording: &mut Recording, batch: &mut Batch) -> Result<(), SourceError> {
        let mut passed = 0;
        while !recording.ended && recording.ahead.len() < AHEAD && batch.events.len() < AT_MOST {
            if passed >= AT_MOST_TOLD {
                break;
            }
            let line = recording.lines.next_line().map_err(|error| {
                let place = format!("{}:{}", self.file.display(), recording.read + 1);
                SourceError::passing(place, format!("can't be read: {error}"))
            })?;
            let Some(line) = line else {
                recording.ended = true;
                break;
            };
            recording.read = line.number;
            let place = || format!("{}:{}", self.file.display(), line.number);
            match self.intake.sort(line.event, batch, place) {
                Some(event) if recording.told.as_ref().is_some_and(|mark| mark.covers(line.number, event.at)) => {
                    passed += 1;
                }
                Some(event) => match event.at {
                    Some(at) => {
                        self.read_to.extend(at);
                        recording.ahead.push(Reverse(Ahead { at, nth: line.number, event }));
                    }
                    None => batch.events.push(event),
                },
                None if batch.skipped_total as usize >= AT_MOST => break,
                None => {}
            }
        }
        Ok(())
    }

    /// Adds what is due by `now`; true when there is more.
    fn tell(&mut self, recording: &mut Recording, now: Timestamp, batch: &mut Batch) -> Result<bool, SourceError> {
        loop {
            self.read_ahead(recording, batch)?;
            if recording.is_told() {
                return Ok(true);
            }
            if self.times != Times::Kept && self.moved.is_none() {
                self.moved = recording.ahead.peek().map(|Reverse(first)| (first.at, now));
            }
            let due = recording.ahead.peek().is_some_and(|Reverse(next)| self.date(next.at) <= now);
            if batch.events.len() >= AT_MOST || batch.skipped_total as usize >= AT_MOST {
                return Ok(due || !recording.ended);
            }
            if !due {
                return Ok(false);
            }
            if let Some(Reverse(next)) = recording.ahead.pop() {
                batch.events.push(self.re_date(next.event));
            }
        }
    }
}

#[async_trait]
impl Source for Replay {
    fn pace(&self) -> Pace {
        Pace::Push
    }

    fn capabilities(&self) -> Vec<Capability> {
        self.intake.capabilities()
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        let mut batch = Batch::default();
        let mut recording = match self.recording.take() {
            Some(recording) => recording,
            None => self.open(cursor)?,
        };
        let told = self.tell(&mut recording, now, &mut batch);
        if !batch.events.is_empty() && !recording.is_told() {
            batch.cursor = self.mark(&recording);
        }
        batch.finished = recording.ended && recording.ahead.is_empty();
        self.recording = Some(recording);
        match told {
            Ok(more) => (batch.more, batch.partial) = (more, more),
            // What was read before the fault is not lost with it: the fault comes again at the next poll.
            Err(error) if batch.events.is_empty() => return Err(error),
            Err(_) => {}
        }
        if batch.events.is_empty() && batch.skipped_total == 0 && !batch.finished {
            tokio::time::sleep(IDLE).await;
        }
        Ok(batch)
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let place = self.file.display().to_string();
        let failed = |error: io::Error| SourceError::Unsupported {
            place: place.clone(),
            what: format!("can't be read: {error}"),
        };
        let span = span(&self.file).map_err(failed)?;
        let says = match span.times {
            Some((first, last)) => format!("{} from {first} to {last}", counted(span.events, "event")),
            None => format!("{}, none of them dated", counted(span.events, "event")),
        };
        let reachable = if span.events > 0 {
            Finding::good("reachable", format!("{place}: {says}"))
        } else {
            Finding::bad("reachable", format!("{place}: {says}"), "is it a recording, one event a line?")
        };
        let mut findings = vec![reachable];
        if span.rejected > 0 {
            let hint = "`helptop snapshot --events FILE` names them";
            findings.push(Finding::bad("lines that can't be read", span.rejected.to_string(), hint));
        }
        Ok(findings)
    }
}

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its earliest and its latest instant.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Its events.
    pub events: u64,
    /// Its lines that can't be read, unknown types among them.
    pub rejected: u64,
}

/// Reads a whole recording for its first and last instant.
pub fn span(file: &Path) -> io::Result<Span> {
    span_of(BufReader::new(open(file)?), u64::MAX)
}

/// The earliest instant among the first lines of a recording: where a clock that follows it begins.
pub fn first_at(file: &Path) -> io::Result<Option<Timestamp>> {
    let span = span_of(BufReader::new(open(file)?), AHEAD as u64)?;
    Ok(span.times.map(|(first, _)| first))
}

fn span_of(input: impl BufRead, most: u64) -> io::Result<Span> {
    let (mut lines, mut span) = (Reader::new(input), Span::default());
    while span.events + span.rejected < most || (span.times.is_none() && span.events > 0) {
        let Some(line) = lines.next_line()? else { break };
        let Ok(event) = line.event else {
            span.rejected += 1;
            continue;
        };
        span.events += 1;
        if let Some(at) = event.at {
            span.times = Some(span.times.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
    }
    Ok(span)
}

/// Opens a regular file: a pipe or a terminal would block whoever reads it.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
}

#[cfg(test)]
mod tests;
