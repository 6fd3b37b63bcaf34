//! `helptop snapshot`: the live state once.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::cli::{self, Format};
use super::failure::Failure;
use super::{clock, once, recording};
use crate::board::{BoardSnapshot, Engine, Options};
use crate::config::Config;
use crate::event::Timestamp;
use crate::metrics::thresholds::Thresholds;
use crate::output::{SnapshotReport, write_csv, write_json, write_markdown, write_table};
use crate::source::Retry;
use crate::text::{Mask, harmless};

/// The state of a recording.
pub fn of_recording(path: &Path, flags: &cli::Snapshot, thresholds: Thresholds) -> Result<BoardSnapshot, Failure> {
    let until = flags.at.map(Timestamp::from);
    let mut engine = Engine::new(options(thresholds), until.unwrap_or_default());
    let name = recording::name(path);
    let input = recording::open(path)?.without_words();
    let at = recording::fold(&mut engine, input, &name, until, flags.strict, io::stderr())?;
    Ok(engine.snapshot(at))
}

/// The state of the configured sources, and whether any could not be read; that is told on standard error.
pub async fn of_sources(mut config: Config) -> Result<(BoardSnapshot, bool), Failure> {
    if config.sources.is_empty() {
        return Err(Failure::usage(
            "no source is configured, so there is nothing to read\n  `helptop init` connects a desk; \
             `helptop snapshot --events FILE` reads a recording",
        ));
    }
    // The live state needs no history, unless it is found by asking for that.
    for source in config.sources.iter_mut().filter(|source| source.kind.tells_now_without_backfill()) {
        source.spec.backfill = Duration::ZERO;
    }
    let sources = config.sources.len();
    let now = clock::real();
    let all = once::read_all(super::build(&config)?, &now).await;
    for (config, told) in &all {
        for complaint in told.complaints() {
            writeln!(io::stderr(), "helptop: source `{}`: {}", config.spec.name, harmless(&complaint))?;
        }
    }
    let mut engine = Engine::new(options(config.thresholds), now());
    let errors = once::fold(&mut engine, all, &now);
    for (name, error) in &errors {
        let text = harmless(&error.to_string()).into_owned();
        writeln!(io::stderr(), "helptop: source `{name}`: {text}\n  {}", error.hint(Retry::Never))?;
    }
    if errors.len() == sources && engine.desk().conversations().next().is_none() {
        // No source was read, so every figure would be a zero that nobody counted.
        return Err(Failure::silent());
    }
    let at = now();
    Ok((engine.snapshot(at), !errors.is_empty()))
}

fn options(thresholds: Thresholds) -> Options {
    Options { thresholds: Arc::new(thresholds), keep_text: false, midnight: Arc::new(clock::local_midnight) }
}

/// Writes a snapshot in the form that was asked for.
pub fn write(out: impl Write, snapshot: &BoardSnapshot, format: Format, mask: Mask) -> Result<(), Failure> {
    let mut out = BufWriter::new(out);
    let report = SnapshotReport::of(snapshot);
    match format {
        Format::Json => write_json(&mut out, &report)?,
        Format::Csv => write_csv(&mut out, &report, mask)?,
        Format::Markdown => write_markdown(&mut out, &report, mask)?,
        Format::Table => write_table(&mut out, &report, mask)?,
    }
    out.flush()?;
    Ok(())
}
