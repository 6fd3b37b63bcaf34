//! `helptop doctor --trace`: one poll of one source, step by step.

use std::fmt;
use std::io::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event as Told, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use super::clock;
use super::failure::Failure;
use super::once::Built;
use crate::event::write_event;
use crate::source::http::Hidden;
use crate::source::{Retry, steps};
use crate::text::{excerpt, harmless};

/// Characters of an answer that are shown.
const SHOWN: usize = 4_000;

/// Polls once and shows each request, its answer, what was made of it, and the events that come of that.
pub async fn run(built: Built) -> Result<(), Failure> {
    // The program ends after this: there is no other listener.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(Steps));
    let Built { config, mut source } = built;
    let hidden = Hidden::of(config.kind.secrets, &config.spec.settings);
    let clean = |text: &str| harmless(&hidden.clean(text)).into_owned();
    let now = clock::real()();
    writeln!(io::stdout(), "{} ({}), one poll at {now}", config.spec.name, config.kind.name)?;
    let batch = match source.poll(None, now).await {
        Ok(batch) => batch,
        Err(error) => {
            let hint = error.hint(Retry::Never);
            return Err(Failure::failed(format!("{}\n  {hint}", clean(&error.to_string()))));
        }
    };
    let mut out = io::stdout().lock();
    for skipped in &batch.skipped {
        writeln!(out, "✗ skipped: {}: {}", clean(&skipped.place), clean(&skipped.reason))?;
    }
    writeln!(
        out,
        "→ {} events, {} requests, {} records skipped",
        batch.events.len(),
        batch.requests,
        batch.skipped_total
    )?;
    for event in &batch.events {
        let mut line = Vec::new();
        write_event(&mut line, event)?;
        writeln!(out, "  {}", clean(String::from_utf8_lossy(&line).trim_end()))?;
    }
    if batch.more {
        writeln!(out, "… and more with the next poll")?;
    }
    Ok(())
}

/// Prints the steps of a source as they are told.
struct Steps;

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, told: &Told<'_>, _: Context<'_, S>) {
        if told.metadata().target() != steps::TARGET {
            return;
        }
        let mut step = Step::default();
        told.record(&mut step);
        let mut out = io::stdout().lock();
        // With standard output gone there is nobody to show it to.
        let _ = writeln!(out, "\n• {}\n  {}", harmless(&step.message), excerpt(&step.json, SHOWN));
    }
}

#[derive(Default)]
struct Step {
    message: String,
    json: String,
}

impl Visit for Step {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "json" {
            value.clone_into(&mut self.json);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
