//! `helptop events`: the stream that the sources give.

use std::io::{self, BufWriter, Write};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::watch::{Watched, start_pollers};
use super::{Built, clock, once, signals};
use crate::event::Event;
use crate::output::events::write_line;
use crate::source::Retry;
use crate::text::harmless;

/// Prints what the sources tell at once; with `follow` goes on until it is interrupted.
pub async fn run(sources: Vec<Built>, follow: bool) -> Result<(), Failure> {
    if sources.is_empty() {
        return Err(Failure::usage("no source is configured\n  `helptop print config` shows how to connect a desk"));
    }
    if follow { follow_all(sources).await } else { print_once(sources).await }
}

async fn print_once(sources: Vec<Built>) -> Result<(), Failure> {
    let several = sources.len() > 1;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut failed = false;
    for (config, told) in once::read_all(sources, &clock::real()).await {
        let name = several.then_some(config.spec.name.as_str());
        for event in &told.events {
            write_line(&mut out, event, name)?;
        }
        for skipped in &told.skipped {
            say(&config.spec.name, skipped, "")?;
        }
        if let Some(error) = &told.error {
            say(&config.spec.name, &error.to_string(), &error.hint(Retry::Never))?;
            failed = true;
        }
    }
    out.flush()?;
    if failed { Err(Failure::silent()) } else { Ok(()) }
}

async fn follow_all(sources: Vec<Built>) -> Result<(), Failure> {
    let cancel = CancellationToken::new();
    signals::cancel_on_signals(&cancel)?;
    let names: Vec<String> = sources.iter().map(|built| built.config.spec.name.clone()).collect();
    let tasks = TaskTracker::new();
    let watched = sources.into_iter().map(Watched::from).collect();
    let (mut updates, _wakes) = start_pollers(watched, &clock::real(), &tasks, &cancel);
    tasks.close();
    let mut ended = Ok(());
    while let Some(update) = tokio::select! {
        () = cancel.cancelled() => None,
        update = updates.recv() => update,
    } {
        let name = &names[update.source];
        ended = match update.outcome {
            Ok(batch) => print_batch(&batch.events, (names.len() > 1).then_some(name)).and_then(|()| {
                batch.skipped.iter().try_for_each(|one| say(name, &format!("{}: {}", one.place, one.reason), ""))
            }),
            Err(error) => say(name, &error.to_string(), &error.hint(Retry::ByItself)),
        };
        if ended.is_err() {
            break;
        }
    }
    cancel.cancel();
    tasks.wait().await;
    ended
}

/// Each batch is flushed: a reader at the other end of a pipe sees it at once.
fn print_batch(events: &[Event], source: Option<&String>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    for event in events {
        write_line(&mut out, event, source.map(String::as_str))?;
    }
    Ok(out.flush()?)
}

fn say(source: &str, what: &str, hint: &str) -> Result<(), Failure> {
    let between = if hint.is_empty() { "" } else { "\n  " };
    Ok(writeln!(io::stderr(), "helptop: source `{source}`: {}{between}{hint}", harmless(what))?)
}
