//! The log: to a file, never to the terminal; no text of strangers, no secret.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::config::Log;
use crate::config::file::Level;
use crate::source::steps;

/// Runs a command that shows no board: the log says when it begins, and what it failed of.
pub fn during(log: &Log, command: &str, run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let _log = begin(log, command)?;
    let ended = run();
    let what = ended.as_ref().map_or_else(ToString::to_string, |()| String::new());
    // A failure without words is that of the sources, each of which has been written down.
    if what.is_empty() {
        tracing::info!(command, "ends");
    } else {
        tracing::error!(command, what, "failed");
    }
    ended
}

/// Starts the log of a command that shows no board.
pub fn begin(log: &Log, command: &str) -> Result<Option<WorkerGuard>, Failure> {
    let guard = start(log)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), command, "begins");
    Ok(guard)
}

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
