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
    let mut progress = Progress::new(&name);
    let counted = recording::read(input, &name, flags.strict, io::stderr(), |event: Event| {
        progress.step();
        let is_before = range.to().is_none_or(|to| event.at.is_none_or(|at| at < to));
        if is_before {
            history.take(source, event);
        }
        is_before
    });
    progress.end();
    counted?;
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
    let customers = || desk.customers().iter().flat_map(|one| [one.id.to_string(), one.name().to_string()]).collect();
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

/// Says on standard error how far a long read is, where a person sees it.
struct Progress<'a> {
    name: &'a str,
    events: u64,
    begun: Instant,
    said: Option<Instant>,
    is_seen: bool,
}

impl<'a> Progress<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, events: 0, begun: Instant::now(), said: None, is_seen: io::stderr().is_terminal() }
    }

    fn step(&mut self) {
        self.events += 1;
        if !self.is_seen || !self.events.is_multiple_of(EVENTS) || self.begun.elapsed() < PATIENCE {
            return;
        }
        if self.said.is_none_or(|said| said.elapsed() >= PACE) {
            self.said = Some(Instant::now());
            // With no standard error there is nobody to tell.
            let _ = write!(io::stderr(), "\r{}: {} events …", excerpt(self.name, QUOTED), self.events);
        }
    }

    /// Leaves the line empty again.
    fn end(&self) {
        if self.said.is_some() {
            let blank = " ".repeat(QUOTED + 40);
            let _ = write!(io::stderr(), "\r{blank}\r");
        }
    }
}
