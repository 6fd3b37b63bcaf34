//! Reports of events in short form.

use helptop::event::Event;
use helptop::metrics::history::{History, Query, Report, Terms};
use helptop::output::history::JsonReport;
use serde_json::Value;

pub(crate) use super::short::{at, event, events};

/// The report of what these events say before the range ends.
pub(crate) fn report(events: &[Event], query: &Query, terms: &Terms) -> Report {
    let mut history = History::new();
    let source = history.add_source("test");
    for event in events.iter().filter(|event| event.at.is_none_or(|at| at < query.to)) {
        history.take(source, event.clone());
    }
    history.settle();
    history.report(query, terms)
}

/// The same as the JSON that programs get.
pub(crate) fn json_report(events: &[Event], query: &Query, terms: &Terms) -> Value {
    serde_json::to_value(JsonReport::of(&report(events, query, terms))).unwrap()
}
