//! Reads a recorded event stream into an engine, as of an instant.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::failure::Failure;
use crate::board::{Engine, SourceHealth};
use crate::event::{Event, Reader, Reject, Timestamp};
use crate::text::excerpt;

/// Characters of a reject that are shown: it may quote a megabyte.
const QUOTED: usize = 200;
/// Rejects shown one by one; the others are counted.
const SHOWN: usize = 20;

/// Opens a recording; `-` is standard input.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let what = |error: io::Error| {
        Failure::failed(format!(
            "{}: cannot read the recording: {error}\n  check the path given to --events",
            path.display()
        ))
    };
    let file = File::open(path).map_err(what)?;
    if file.metadata().map_err(what)?.is_dir() {
        return Err(what(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// What could not be read, told as it comes and summed up at the end.
struct Rejects<'a, W> {
    name: &'a str,
    total: u64,
    unknown_types: HashSet<String>,
    said: W,
}

impl<W: io::Write> Rejects<'_, W> {
    fn note(&mut self, line: u64, reject: &Reject) -> io::Result<()> {
        if let Reject::UnknownType(name) = reject {
            self.total += 1;
            // Reported once per type; the set is bounded, for a broken file may hold a new type a line.
            if self.unknown_types.len() >= SHOWN || !self.unknown_types.insert(name.clone()) {
                return Ok(());
            }
        } else {
            self.total += 1;
            if self.total > SHOWN as u64 {
                return Ok(());
            }
        }
        writeln!(self.said, "{}:{line}: {}: skipped", self.name, excerpt(&reject.to_string(), QUOTED))
    }
}

/// How much of a recording could be read.
pub struct Counted {
    /// Events that were taken.
    pub events: u64,
    /// Lines that were skipped.
    pub skipped: u64,
}

/// Hands every event of a recording to `take`, which tells whether it took it, and says what could not be read.
pub fn read(
    input: impl BufRead,
    name: &str,
    strict: bool,
    said: impl io::Write,
    mut take: impl FnMut(Event) -> bool,
) -> Result<Counted, Failure> {
    let mut rejects = Rejects { name, total: 0, unknown_types: HashSet::new(), said };
    let mut reader = Reader::new(input);
    let mut events = 0;
    while let Some(line) =
        reader.next_line().map_err(|error| Failure::failed(format!("{name}: cannot read on: {error}")))?
    {
        match line.event {
            Ok(event) => events += u64::from(take(event)),
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
    if rejects.total > 0 {
        writeln!(rejects.said, "{name}: skipped {} of its lines, read {events} events", rejects.total)?;
    }
    Ok(Counted { events, skipped: rejects.total })
}

/// Folds the events before `until` in, tells what could not be read, and gives the instant that the recording is
/// looked at: `until`, else its last event.
pub fn fold(
    engine: &mut Engine,
    input: impl BufRead,
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
    let at = until.unwrap_or(last_at);
    engine.set_health(source, |health| {
        health.good(if last_at > Timestamp::default() { last_at } else { at }, true);
        health.events_total = counted.events;
        health.skipped_total = counted.skipped;
    });
    engine.settle(at);
    Ok(at)
}
