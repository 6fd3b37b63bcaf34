//! Reads a recorded event stream into an engine, as of an instant.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::ahead::Lines;
use super::failure::Failure;
use crate::board::{Engine, SourceHealth};
use crate::event::{Event, Reader, Reject, Timestamp};
use crate::text::{counted, excerpt};

/// Bytes of a recording that are read at once.
const BUFFER: usize = 1 << 16;
/// Characters of a reject that are shown: it may quote a megabyte.
const QUOTED: usize = 200;
/// Rejects shown one by one where people read them; the others are counted.
pub const SHOWN: usize = 20;

/// Opens a recording; `-` is standard input.
pub fn open(path: &Path) -> Result<Reader<Box<dyn BufRead + Send>>, Failure> {
    if path == Path::new("-") {
        return Ok(Reader::new(Box::new(BufReader::with_capacity(BUFFER, io::stdin()))));
    }
    let what = |error: io::Error| {
        Failure::failed(format!("{}: cannot read the recording: {error}\n  check the path", path.display()))
    };
    let file = File::open(path).map_err(what)?;
    if file.metadata().map_err(what)?.is_dir() {
        return Err(what(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok(Reader::new(Box::new(BufReader::with_capacity(BUFFER, file))))
}

/// What a recording is called in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// What could not be read, told as it comes and summed up at the end.
struct Rejects<'a, W> {
    name: &'a str,
    total: u64,
    told: u64,
    shown: usize,
    most: usize,
    unknown_types: HashSet<String>,
    said: W,
}

impl<W: io::Write> Rejects<'_, W> {
    fn note(&mut self, line: u64, reject: &Reject) -> io::Result<()> {
        self.total += 1;
        if let Reject::UnknownType(name) = reject {
            // Reported once per type; the set is bounded, for a broken file may hold a new type a line.
            if self.unknown_types.len() >= self.most || !self.unknown_types.insert(name.clone()) {
                return Ok(());
            }
        } else if self.shown >= self.most {
            return Ok(());
        } else {
            self.shown += 1;
        }
        self.told += 1;
        writeln!(self.said, "{}:{line}: {}: skipped", self.name, excerpt(&reject.to_string(), QUOTED))
    }

    fn sum_up(&mut self, events: u64) -> io::Result<()> {
        let (name, total, more) = (self.name, self.total, self.total - self.told);
        match (total, more) {
            (0, _) => Ok(()),
            (_, 0) => writeln!(self.said, "{name}: skipped {total} of its lines, read {}", counted(events, "event")),
            _ => writeln!(
                self.said,
                "{name}: and {more} more not shown; skipped {total} of its lines, read {}",
                counted(events, "event")
            ),
        }
    }
}

/// How much of a recording could be read.
pub struct Counted {
    /// Events that were taken.
    pub events: u64,
    /// Events that were not.
    pub others: u64,
    /// Lines that were skipped.
    pub skipped: u64,
}

impl Counted {
    /// A recording with lines none of which is an event is no quiet desk.
    pub fn check(&self, name: &str) -> Result<(), Failure> {
        if self.skipped == 0 || self.events + self.others > 0 {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "{name}: no line of it is an event, so there is nothing to look at\n  see docs/events.md for what a line has to \
             hold; or is it another file?"
        )))
    }
}

/// Hands every event of a recording to `take`, which tells whether it took it, and says what could not be read.
pub fn read(
    input: Reader<impl BufRead + Send + 'static>,
    name: &str,
    strict: bool,
    said: impl io::Write,
    mut take: impl FnMut(Event) -> bool,
) -> Result<Counted, Failure> {
    try_read(input, name, strict, said, SHOWN, |event| Ok(take(event)))
}

/// As [`read`], with a `take` that may fail, and with so many complaints at most.
pub fn try_read(
    input: Reader<impl BufRead + Send + 'static>,
    name: &str,
    strict: bool,
    said: impl io::Write,
    most: usize,
    mut take: impl FnMut(Event) -> Result<bool, Failure>,
) -> Result<Counted, Failure> {
    let mut rejects = Rejects { name, total: 0, told: 0, shown: 0, most, unknown_types: HashSet::new(), said };
    let failed = |error: io::Error| Failure::failed(format!("{name}: cannot read on: {error}"));
    let mut batches = Lines::of(input).map_err(failed)?;
    let (mut events, mut others) = (0, 0);
    while let Some(batch) = batches.next().map_err(failed)? {
        for line in batch {
            match line.event {
                Ok(event) => *if take(event)? { &mut events } else { &mut others } += 1,
                Err(reject) if strict && !matches!(reject, Reject::UnknownType(_)) => {
                    return Err(Failure::failed(format!(
                        "{name}:{}: {}\n  mend the line, or leave --strict out to skip it",
                        line.number,
                        excerpt(&reject.to_string(), QUOTED)
                    )));
                }
                Err(reject) => rejects.note(line.number, &reject)?,
            }
        }
    }
    rejects.sum_up(events)?;
    Ok(Counted { events, others, skipped: rejects.total })
}

/// Folds the events before `until` in, tells what could not be read, and gives the instant that the recording is
/// looked at: `until`, else its last event.
pub fn fold(
    engine: &mut Engine,
    input: Reader<impl BufRead + Send + 'static>,
    name: &str,
    until: Option<Timestamp>,
    strict: bool,
    said: impl io::Write,
) -> Result<Timestamp, Failure> {
    let source = engine.add_source(SourceHealth { name: name.to_owned(), kind: "replay", ..SourceHealth::default() });
    let counted = read(input, name, strict, said, |event| {
        let is_before = until.is_none_or(|until| event.at.is_none_or(|at| at < until));
        if is_before {
            engine.take(source, [event], until.unwrap_or(Timestamp::MAX));
        }
        is_before
    })?;
    let last_at = engine.desk().last_at();
    if until.is_none() && last_at == Timestamp::default() {
        return Err(Failure::failed(format!(
            "{name}: no line of it is an event with an instant, so there is none to look at\n  name one: --at TIME; or is it \
             another file?"
        )));
    }
    counted.check(name)?;
    let at = until.unwrap_or(last_at);
    engine.set_health(source, |health| {
        health.alive(at, true);
        // Where nothing dated was told before the instant, nothing is known of how old it is.
        health.good_at = (last_at > Timestamp::default()).then_some(last_at);
        health.events_total = counted.events;
        health.skipped_total = counted.skipped;
    });
    engine.settle(at);
    Ok(at)
}
