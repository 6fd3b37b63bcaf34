//! `helptop doctor`: asks every source what can be read.

use std::io;
use std::time::Duration;

use tokio::task::JoinSet;

use super::failure::Failure;
use super::{Built, clock};
use crate::config::{self, SourceConfig};
use crate::output::doctor::{Diagnosis, write_doctor, write_store};
use crate::source::{Finding, SourceError};
use crate::store::{Size, SqliteStore, Store, StoreError};
use crate::text::counted;

/// One source may take so long to answer.
const AT_MOST: Duration = Duration::from_mins(1);

/// Asks every source side by side, tells what was found, and fails when one can't be read. Of the store, which is read
/// whole, it tells whether it is sound.
pub async fn run(sources: Vec<Built>, store: config::Store) -> Result<(), Failure> {
    if !sources.is_empty()
        && let Ok(finding) = tokio::task::spawn_blocking(move || look_at(&store)).await
    {
        write_store(&mut io::stdout().lock(), &finding)?;
    }
    let diagnoses = ask(sources).await;
    if write_doctor(&mut io::stdout().lock(), &diagnoses)? { Ok(()) } else { Err(Failure::silent()) }
}

/// Asks every source side by side what can be read.
pub async fn ask(sources: Vec<Built>) -> Vec<Diagnosis> {
    let mut checks = JoinSet::new();
    let configs: Vec<SourceConfig> = sources.iter().map(|built| built.config.clone()).collect();
    for (i, built) in sources.into_iter().enumerate() {
        let remark = twice(&built.config, &configs[..i]);
        checks.spawn(async move {
            let Built { config, mut source } = built;
            let findings = tokio::time::timeout(AT_MOST, source.check(clock::real()())).await.unwrap_or_else(|_| {
                let what = format!("no answer for {} s", AT_MOST.as_secs());
                Err(SourceError::passing("doctor", what))
            });
            match &findings {
                Ok(findings) => tracing::info!(source = config.spec.name, findings = findings.len(), "asked"),
                Err(error) => tracing::warn!(source = config.spec.name, %error, "can't be read"),
            }
            let findings = findings.map(|findings| findings.into_iter().chain(remark).collect());
            let (kind, cannot_tell) = (config.kind.name, config.kind.cannot_tell);
            let capabilities = source.capabilities();
            (i, Diagnosis { name: config.spec.name, kind, findings, capabilities, cannot_tell })
        });
    }
    let mut diagnoses = Vec::new();
    while let Some(check) = checks.join_next().await {
        diagnoses.extend(check.ok());
    }
    diagnoses.sort_by_key(|(i, _)| *i);
    diagnoses.into_iter().map(|(_, diagnosis)| diagnosis).collect()
}

/// That one of the sources before it reads the same: with the same settings, secrets and all.
fn twice(config: &SourceConfig, before: &[SourceConfig]) -> Option<Finding> {
    let is_same =
        |other: &&SourceConfig| other.kind.name == config.kind.name && other.spec.settings == config.spec.settings;
    let other = before.iter().find(is_same)?;
    let says = format!("the same as `{}`: all of it counts twice", other.spec.name);
    Some(Finding { hint: Some("take one of them out of the config".to_owned()), ..Finding::fact("reads", says) })
}

fn look_at(config: &config::Store) -> Finding {
    let Some(path) = &config.path else {
        return Finding::bad("kept", "there is no place for it", "name a file: store.path in the config");
    };
    let look = || {
        let mut store = SqliteStore::open_to_read(path)?;
        store.check()?;
        store.size()
    };
    match look() {
        Ok(Size { events, bytes }) => {
            let says =
                format!("in {}, {}, {} MB, sound", path.display(), counted(events, "event"), bytes.div_ceil(1_000_000));
            Finding::good("kept", says)
        }
        Err(StoreError::Missing { .. }) => {
            Finding::fact("kept", format!("nothing yet, it will be in {}", path.display()))
        }
        Err(error) => Finding::bad("kept", error.to_string(), error.hint()),
    }
}
