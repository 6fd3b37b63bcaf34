//! Reads every configured source once, side by side, until each has told all it has.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::clock::Now;
use crate::board::{Engine, SourceHealth};
use crate::config::SourceConfig;
use crate::desk::SourceIx;
use crate::event::Event;
use crate::source::{Pace, Source, SourceError};

/// One read of a source takes at most this long in all.
const AT_MOST: Duration = Duration::from_mins(5);
/// A source that pushes is read until it has said nothing for this long.
const QUIET: Duration = Duration::from_secs(2);
/// Nor longer than this, however much it says.
const PUSHED_AT_MOST: Duration = Duration::from_secs(20);

/// A source, built, with what the config says of it.
pub struct Built {
    /// What the config says.
    pub config: SourceConfig,
    /// The source.
    pub source: Box<dyn Source>,
}

/// What one source told.
pub struct Told {
    /// Its events, in order.
    pub events: Vec<Event>,
    /// What could not be read.
    pub skipped: Vec<String>,
    /// Requests it cost.
    pub requests: u64,
    /// Why it could not be read to the end.
    pub error: Option<SourceError>,
}

/// Reads every source, in the order of the config.
pub async fn read_all(sources: Vec<Built>, now: &Now) -> Vec<(SourceConfig, Told)> {
    let mut reads = JoinSet::new();
    for (i, built) in sources.into_iter().enumerate() {
        let now = now.clone();
        reads.spawn(async move {
            let Built { config, mut source } = built;
            let told = read(source.as_mut(), &now).await;
            (i, config, told)
        });
    }
    let mut all = Vec::new();
    while let Some(read) = reads.join_next().await {
        all.extend(read.ok());
    }
    all.sort_by_key(|(i, ..)| *i);
    all.into_iter().map(|(_, config, told)| (config, told)).collect()
}

async fn read(source: &mut dyn Source, now: &Now) -> Told {
    let mut told = Told { events: Vec::new(), skipped: Vec::new(), requests: 0, error: None };
    let begun = Instant::now();
    let mut heard = begun;
    let mut cursor = None;
    loop {
        let left = AT_MOST.saturating_sub(begun.elapsed());
        let batch = match timeout(left, source.poll(cursor.as_ref(), now())).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => {
                told.error = Some(error);
                return told;
            }
            Err(_) => {
                let what = format!("not read to the end after {} s", AT_MOST.as_secs());
                told.error = Some(SourceError::Transient { place: "snapshot".into(), what, until: None });
                return told;
            }
        };
        if !batch.events.is_empty() {
            heard = Instant::now();
        }
        told.events.extend(batch.events);
        told.skipped.extend(batch.skipped.into_iter().map(|one| format!("{}: {}", one.place, one.reason)));
        told.requests += u64::from(batch.requests);
        cursor = batch.cursor.or(cursor);
        let done = match source.pace() {
            Pace::Interval => !batch.more,
            Pace::Push => {
                let quiet = !batch.more && heard.elapsed() >= QUIET;
                batch.finished || quiet || begun.elapsed() >= PUSHED_AT_MOST
            }
        };
        if done {
            return told;
        }
        if source.pace() == Pace::Push && !batch.more {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Folds what the sources told into an engine; gives the errors.
pub fn fold(engine: &mut Engine, all: Vec<(SourceConfig, Told)>, now: &Now) -> Vec<(String, SourceError)> {
    let mut errors = Vec::new();
    for (config, told) in all {
        let name = config.spec.name.clone();
        let health = SourceHealth {
            name: name.clone(),
            kind: config.kind.name,
            interval: config.interval,
            cannot_tell: config.kind.cannot_tell,
            ..SourceHealth::default()
        };
        let source: SourceIx = engine.add_source(health);
        let events_total = told.events.len() as u64;
        let at = now();
        engine.take(source, told.events, at);
        engine.set_health(source, |health| {
            match &told.error {
                None => health.good(at, false),
                Some(error) => health.bad(at, error.to_string(), error.hint().to_owned()),
            }
            health.tried_at = Some(at);
            health.requests_total = told.requests;
            health.events_total = events_total;
            told.skipped.into_iter().for_each(|what| health.skip(what));
        });
        errors.extend(told.error.map(|error| (name, error)));
    }
    engine.settle(now());
    errors
}
