//! `helptop doctor`: asks every source what can be read.

use std::io;
use std::time::Duration;

use tokio::task::JoinSet;

use super::failure::Failure;
use super::{Built, clock};
use crate::output::doctor::{Diagnosis, write_doctor};
use crate::source::SourceError;

/// One source may take so long to answer.
const AT_MOST: Duration = Duration::from_mins(1);

/// Asks every source side by side, tells what was found, and fails when one can't be read.
pub async fn run(sources: Vec<Built>) -> Result<(), Failure> {
    let mut checks = JoinSet::new();
    for (i, built) in sources.into_iter().enumerate() {
        checks.spawn(async move {
            let Built { config, mut source } = built;
            let findings = tokio::time::timeout(AT_MOST, source.check(clock::real()())).await.unwrap_or_else(|_| {
                let what = format!("no answer for {} s", AT_MOST.as_secs());
                Err(SourceError::passing("doctor", what))
            });
            let (kind, cannot_tell) = (config.kind.name, config.kind.cannot_tell);
            (i, Diagnosis { name: config.spec.name, kind, findings, cannot_tell })
        });
    }
    let mut diagnoses = Vec::new();
    while let Some(check) = checks.join_next().await {
        diagnoses.extend(check.ok());
    }
    diagnoses.sort_by_key(|(i, _)| *i);
    let diagnoses: Vec<_> = diagnoses.into_iter().map(|(_, diagnosis)| diagnosis).collect();
    if write_doctor(&mut io::stdout().lock(), &diagnoses)? { Ok(()) } else { Err(Failure::silent()) }
}
