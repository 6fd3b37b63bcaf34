//! `helptop snapshot`: the live state once.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::cli::{self, Format};
use super::failure::Failure;
use super::{clock, recording};
use crate::board::{BoardSnapshot, Engine, Options};
use crate::event::Timestamp;
use crate::metrics::thresholds::Thresholds;
use crate::output::{SnapshotReport, write_csv, write_json, write_markdown, write_table};
use crate::text::Mask;

/// The state of a recording.
pub fn of_recording(path: &Path, flags: &cli::Snapshot, thresholds: Thresholds) -> Result<BoardSnapshot, Failure> {
    let until = flags.at.map(Timestamp::from);
    let options =
        Options { thresholds: Arc::new(thresholds), keep_text: false, midnight: Arc::new(clock::local_midnight) };
    let mut engine = Engine::new(options, until.unwrap_or_default());
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let input = recording::open(path)?;
    let at = recording::fold(&mut engine, input, &name, until, flags.strict, io::stderr())?;
    Ok(engine.snapshot(at))
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
