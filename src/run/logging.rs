//! The log: to a file, never to the terminal; no text of strangers, no secret.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::config::Log;
use crate::config::file::Level;
use crate::source::steps;

/// Starts the log; it is written out when the guard is dropped.
pub fn start(log: &Log) -> Result<Option<WorkerGuard>, Failure> {
    if log.level == Level::Off {
        return Ok(None);
    }
    let Some(path) = &log.file else { return Ok(None) };
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|error| {
        Failure::failed(format!(
            "{}: cannot write the log: {error}\n  set log.file to a file that can be written",
            path.display()
        ))
    })?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    // Only what this program says itself: a library might say what was on the wire, and so do the steps of a source.
    let level: &str = log.level.into();
    let filter = EnvFilter::new(format!("helptop={level},{}=off", steps::TARGET));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).finish();
    // A second start in one process (a test) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(Some(guard))
}
