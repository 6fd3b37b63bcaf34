//! The steps of a poll, for whoever wants to see them: `doctor --trace` does.

/// Where they are told, at the level `trace`. No secret is in them.
pub const TARGET: &str = "helptop::steps";

/// Whether anybody listens.
pub(super) fn are_told() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::TRACE)
}

/// Tells a step and what it came to, as JSON. Both are clean: [`super::http::Client::told`] makes them so.
pub(super) fn told(step: &str, json: &str) {
    tracing::trace!(target: TARGET, json, "{step}");
}
