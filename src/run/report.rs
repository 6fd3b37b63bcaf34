//! `helptop report`: the figures of a range.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::cli::{self, Format};
use super::failure::Failure;
use super::past::kept;
use super::range::Range;
use super::{clock, progress, recording};
use crate::config::{Config, Environment, zone};
use crate::event::{Event, Timestamp};
use crate::metrics::history::{Filter, Grouping, History, MOST_DAYS, Query, Report};
use crate::output::history::{write_csv, write_json, write_markdown, write_table};
use crate::store::{Selection, Store};
use crate::text::{excerpt, harmless, nearest};

/// The change against the range before counts what was opened in that, too, and a day in the day before it.
const TWO_DAYS: TimeDelta = TimeDelta::days(2);
/// What to do where a source has not told all of its past.
const READ_ON: &str = "the board reads it while it runs; its page of sources shows how far it is";
/// Characters of a name that a message quotes.
const QUOTED: usize = 60;

/// Reads the events, makes the report and writes it.
pub fn run(flags: &cli::Report, config: &Config, out: impl Write) -> Result<(), Failure> {
    let zone = match &flags.tz {
        Some(name) => zone::parse(name).map_err(|error| Failure::usage(format!("--tz {error}")))?,
        None => zone::of_system(&Environment::of_process()),
    };
    let now = clock::real()();
    let range = Range::of(flags, zone, now)?;
    // A recording may be of any time; what is kept was watched until now.
    let range = if flags.events.is_none() { range.not_beyond(now) } else { range };
    let (history, span) = read(flags, range, zone, config)?;
    let (from, to) = range.ends(span, zone)?;
    let query = Query { from, to, zone, by: flags.by.and_then(grouping), filter: filter(flags) };
    if query.by == Some(Grouping::Day) && (to - from).num_days() > MOST_DAYS {
        return Err(Failure::usage(format!(
            "the range has {} days, a report by day at most {MOST_DAYS}\n  give a shorter one",
            (to - from).num_days()
        )));
    }
    check_names(&query.filter, &history)?;
    let report = history.report(&query, &config.terms);
    // The program ends here. Millions of events go faster with it than one by one.
    std::mem::forget(history);
    write(out, &report, flags.format, config)
}

/// Everything that happened before the range ends, with the first instant that is known and the last that was watched.
fn read(flags: &cli::Report, range: Range, zone: Tz, config: &Config) -> Result<(History, Span), Failure> {
    match &flags.events {
        Some(path) => read_recording(flags, path, range),
        None => read_store(flags, range, zone, config),
    }
}

type Span = Option<(Timestamp, Timestamp)>;

fn read_recording(flags: &cli::Report, path: &Path, range: Range) -> Result<(History, Span), Failure> {
    let name = recording::name(path);
    let input = recording::open(path)?;
    let (input, mut history) =
        if needs_all(flags) { (input.without_words(), History::new()) } else { (input.lean(), History::lean()) };
    let source = history.add_source(&*name);
    let mut progress = progress::begin(&name);
    let counted = history.load(|take| {
        recording::read(input, &name, flags.strict, io::stderr(), |event: Event| {
            progress.step();
            let is_before = range.to().is_none_or(|to| event.at.is_none_or(|at| at < to));
            if is_before {
                take(source, event);
            }
            is_before
        })
    });
    progress.end();
    counted??.check(&name)?;
    history.settle();
    let span = history.span();
    Ok((history, span))
}

/// What is kept of the desks; it was watched until now.
fn read_store(flags: &cli::Report, range: Range, zone: Tz, config: &Config) -> Result<(History, Span), Failure> {
    let mut store = kept::open_to_read(config)?;
    let kept = store.sources()?;
    for source in kept.iter().filter(|source| source.span.is_some() && !source.history_told) {
        let name = harmless(&source.name);
        writeln!(
            io::stderr(),
            "helptop: source `{name}`: its past is not read to the end: the rest of it is missing in these figures\n  {READ_ON}"
        )?;
    }
    let span = kept
        .iter()
        .filter_map(|source| source.span.map(|(first, _)| first))
        .min()
        .map(|first| (first, clock::real()()));
    let (from, to) = range.ends(span, zone)?;
    let selection = if needs_all(flags) { Selection::All } else { Selection::Since(from) };
    let passed_over = (selection != Selection::All).then(|| (from - (to - from).max(TWO_DAYS), from));
    let history = if passed_over.is_some() { History::lean() } else { History::new() };
    let mut progress = progress::begin("the store");
    let history = kept::load(&mut store, history, &[selection], passed_over, &[], to, &mut |_| progress.step());
    progress.end();
    Ok((history?, span))
}

/// Whether what ended long before the range counts, too: its tags, customers and other words are groups of their own
/// even with nothing to count, and may be filtered by.
fn needs_all(flags: &cli::Report) -> bool {
    use cli::By::{Agent, Day, Hour, WeekdayHour};
    filter(flags) != Filter::default() || !matches!(flags.by, None | Some(Agent | Day | Hour | WeekdayHour))
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
        // There is no grouping by source, and there are few.
        None if what == "source" && names.is_empty() => "there is none".to_owned(),
        None if what == "source" => {
            let names: Vec<_> = names.iter().map(|name| excerpt(name, QUOTED)).collect();
            format!("the sources: {}", names.join(", "))
        }
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
