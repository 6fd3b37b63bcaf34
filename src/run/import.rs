//! `helptop import`: a recorded stream into the store.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::cli;
use super::failure::Failure;
use super::past::kept;
use super::{progress, recording};
use crate::config::Config;
use crate::event::Event;
use crate::store::{Appended, Mark, SqliteStore, Store};
use crate::text::counted;

/// So many events are written at once: a program that is ended loses at most these, and takes them up again.
const AT_ONCE: usize = 100_000;

/// Reads the recording into the store and says what became of it.
pub fn run(flags: &cli::Import, config: &Config, mut out: impl Write) -> Result<(), Failure> {
    let name = recording::name(&flags.file);
    let source = source(flags)?;
    let input = recording::open(&flags.file)?;
    let input = if config.store.text { input } else { input.without_words() };
    let mut store = SqliteStore::open(kept::path(config)?, config.store.text)?;
    store.expect_many()?;
    let source = store.source(&source)?;
    let mut said = complaints(flags.rejects.as_deref())?;
    let mut progress = progress::begin(&name);
    let mut events: Vec<Event> = Vec::with_capacity(AT_ONCE);
    let mut appended = Appended::default();
    let mut keep = |events: &mut Vec<Event>| -> Result<(), Failure> {
        let more = store.append(source, events, &Mark::default())?;
        events.clear();
        appended.new += more.new;
        appended.repeats += more.repeats;
        Ok(())
    };
    let most = if flags.rejects.is_some() { usize::MAX } else { recording::SHOWN };
    let lines = recording::try_read(input, &name, flags.strict, &mut said, most, |event| {
        progress.step();
        events.push(event);
        if events.len() >= AT_ONCE {
            keep(&mut events)?;
        }
        Ok(true)
    });
    progress.end();
    let kept_rest = keep(&mut events);
    let lines = lines?;
    kept_rest?;
    said.flush()?;
    lines.check(&name)?;
    let Appended { new, repeats, .. } = appended;
    let skipped =
        if lines.skipped > 0 { format!(", {} skipped", counted(lines.skipped, "line")) } else { String::new() };
    tracing::info!(name, new, repeats, skipped = lines.skipped, "imported");
    writeln!(out, "{name}: {} new, {repeats} there already{skipped}", counted(new, "event"))?;
    Ok(())
}

/// The name that the source has in the store.
fn source(flags: &cli::Import) -> Result<String, Failure> {
    let name = match &flags.source {
        Some(name) => name.clone(),
        None => flags.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    if is_name && name != "-" {
        return Ok(name);
    }
    Err(Failure::usage(format!(
        "{}: which source is it of?\n  name it: --source NAME, of letters, digits, `_` and `-`, as in the config",
        recording::name(&flags.file)
    )))
}

fn complaints(path: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = path else { return Ok(Box::new(io::stderr())) };
    let file = File::create(path).map_err(|error| {
        Failure::failed(format!("{}: cannot be written: {error}\n  check --rejects", path.display()))
    })?;
    Ok(Box::new(BufWriter::new(file)))
}
