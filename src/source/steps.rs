//! The steps of a poll, for whoever wants to see them: `doctor --trace` does.

use std::fmt;

use serde::Serialize;

/// Where they are told, at the level `trace`. No secret is in them.
pub const TARGET: &str = "helptop::steps";

/// Whether anybody listens.
pub(super) fn are_told() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::TRACE)
}

/// Tells a step and what it came to, as JSON; costs nothing while nobody listens.
pub(super) fn told(step: fmt::Arguments<'_>, value: &impl Serialize) {
    if are_told() {
        let json = serde_json::to_string(value).unwrap_or_default();
        tracing::trace!(target: TARGET, json, "{step}");
    }
}
