//! `helptop report`: the figures of a range.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::cli::{self, Format};
use super::failure::Failure;
use super::range::Range;
use super::{clock, recording};
use crate::config::{Config, Environment, zone};
use crate::event::Event;
use crate::metrics::history::{Filter, Grouping, History, MOST_DAYS, Query, Report};
use crate::output::history::{write_csv, write_json, write_markdown, write_table};
use crate::text::{excerpt, nearest};

/// A read that takes longer says how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// So often.
const PACE: Duration = Duration::from_millis(200);
/// The clock is looked at every so many events.
const EVENTS: u64 = 4096;
/// Characters of a name that a message quotes.
const QUOTED: usize = 60;

/// Reads the events, makes the report and writes it.
pub fn run(flags: &cli::Report, config: &Config, out: impl Write) -> Result<(), Failure> {
    let zone = match &flags.tz {
        Some(name) => zone::parse(name).map_err(|error| Failure::usage(format!("--tz {error}")))?,
        None => zone::of_system(&Environment::of_process()),
    };
    let range = Range::of(flags, zone, clock::real()())?;
    let history = read(flags, range)?;
    let (from, to) = range.ends(history.span(), zone)?;
    let query = Query { from, to, zone, by: flags.by.and_then(grouping), filter: filter(flags) };
    if query.by == Some(Grouping::Day) && (to - from).num_days() > MOST_DAYS {
        return Err(Failure::usage(format!(
            "the range has {} days, a report by day at most {MOST_DAYS}\n  give a shorter one",
            (to - from).num_days()
        )));
    }
    check_names(&query.filter, &history)?;
    write(out, &history.report(&query, &config.terms), flags.format, config)
}

/// Everything that happened before the range ends.
fn read(flags: &cli::Report, range: Range) -> Result<History, Failure> {
    let Some(path) = &flags.events else {
        return Err(Failure::usage(
            "there is no store of past events yet\n  give a recorded event stream: helptop report --events FILE \
             (docs/events.md)",
        ));
    };
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let input = recording::open(path)?;
    let mut history = History::new();
    let source = history.add_source(&*name);
    let begun = Instant::now();
    let mut progress = Progress::new(&name, screen(), || begun.elapsed());
    let counted = recording::read(input, &name, flags.strict, io::stderr(), |event: Event| {
        progress.step();
        let is_before = range.to().is_none_or(|to| event.at.is_none_or(|at| at < to));
        if is_before {
            history.take(source, event);
        }
        is_before
    });
    progress.end();
    counted?.check(&name)?;
    history.settle();
    Ok(history)
}

fn grouping(by: cli::By) -> Option<Grouping> {
    let word = clap::ValueEnum::to_possible_value(&by)?;
    Grouping::from_str(word.get_name()).ok()
}

fn filter(flags: &cli::Report) -> Filter {
    Filter {
        source: flags.source.clone(),
        team: flags.team.clone(),
        agent: flags.agent.clone(),
        channel: flags.channel.clone(),
        customer: flags.customer.clone(),
        segment: flags.segment.clone(),
        tag: flags.tag.clone(),
        keyword: flags.keyword.clone(),
    }
}

/// A name that nobody has would give a report full of zeros.
fn check_names(filter: &Filter, history: &History) -> Result<(), Failure> {
    let desk = history.desk();
    let agents = || desk.agents().iter().flat_map(|one| [one.id.to_string(), one.name().to_string()]).collect();
    let teams = || desk.teams().iter().flat_map(|one| [one.id.to_string(), one.name().to_string()]).collect();
    let customers = || desk.customers().flat_map(|one| [one.id.to_string(), one.name.to_string()]).collect();
    check("source", &filter.source, || history.sources().to_vec())?;
    check("agent", &filter.agent, agents)?;
    check("team", &filter.team, teams)?;
    check("customer", &filter.customer, customers)
}

fn check(what: &str, words: &[String], names: impl Fn() -> Vec<String>) -> Result<(), Failure> {
    if words.is_empty() {
        return Ok(());
    }
    let names = names();
    let Some(word) = words.iter().find(|word| !names.contains(word)) else { return Ok(()) };
    let meant = nearest(word, names.iter().map(String::as_str));
    let hint = match meant {
        Some(meant) => format!("did you mean `{}`?", excerpt(meant, QUOTED)),
        None => format!("`helptop report --by {what}` lists those there are"),
    };
    Err(Failure::usage(format!(
        "--{what} {}: no {what} of that id or name before the end of the range\n  {hint}",
        excerpt(word, QUOTED)
    )))
}

fn write(out: impl Write, report: &Report, format: Format, config: &Config) -> Result<(), Failure> {
    let mut out = BufWriter::new(out);
    match format {
        Format::Json => write_json(&mut out, report)?,
        Format::Csv => write_csv(&mut out, report, config.mask)?,
        Format::Markdown => write_markdown(&mut out, report, config.mask)?,
        Format::Table => write_table(&mut out, report, config.mask)?,
    }
    out.flush()?;
    Ok(())
}

/// Says how far a long read is.
struct Progress<'a, W, E> {
    name: &'a str,
    out: W,
    /// The time since the read began.
    elapsed: E,
    events: u64,
    said: Option<Duration>,
}

impl<'a, W: Write, E: Fn() -> Duration> Progress<'a, W, E> {
    fn new(name: &'a str, out: W, elapsed: E) -> Self {
        Self { name, out, elapsed, events: 0, said: None }
    }

    fn step(&mut self) {
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
    fn end(&mut self) {
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
