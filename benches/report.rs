//! How fast a range of time becomes figures: a million events of the simulated desk, from memory.
//!
//! `cargo bench --bench report`; a filter as its last word picks some of the rows.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use helptop::event::{Event, Timestamp};
use helptop::metrics::history::{Filter, Grouping, History, Query, Terms};
use helptop::source::demo::{Params, Simulation};

const EVENTS: usize = 1_000_000;

/// The first million events of a desk of 60 agents and 1,500 open chats from the beginning of February on.
fn recorded() -> Vec<Event> {
    let begin = Timestamp::parse("2026-02-01T00:00:00Z").unwrap();
    let mut simulation = Simulation::new(Params { seed: 1, agents: 60, chats: 1_500 }, begin);
    let mut events = Vec::with_capacity(EVENTS);
    let mut days = 0;
    while events.len() < EVENTS {
        days += 1;
        simulation.advance_to(begin + TimeDelta::days(days), &mut events);
    }
    events.truncate(EVENTS);
    events
}

fn history(events: Vec<Event>) -> History {
    let mut history = History::new();
    let source = history.add_source("demo");
    for event in events {
        history.take(source, event);
    }
    history.settle();
    history
}

/// The last 30 days of a stream, or all of it where it is shorter.
fn query(history: &History, by: Option<Grouping>) -> Query {
    let (first, last) = history.span().unwrap();
    let to = last + TimeDelta::milliseconds(1);
    Query { from: first.max(to - TimeDelta::days(30)), to, zone: Tz::Europe__Berlin, by, filter: Filter::default() }
}

/// `fold_by_agent`: from events to the report; the others from what is folded already.
fn report(c: &mut Criterion) {
    let events = recorded();
    let terms = Terms::default();
    let mut group = c.benchmark_group("report");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(5))
        .throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("fold_by_agent", |b| {
        let make = |events| {
            let history = history(events);
            let report = history.report(&query(&history, Some(Grouping::Agent)), &terms);
            (history, report)
        };
        b.iter_batched(|| events.clone(), make, BatchSize::LargeInput);
    });
    let history = history(events);
    let groupings = [
        ("total", None),
        ("by_agent", Some(Grouping::Agent)),
        ("by_day", Some(Grouping::Day)),
        ("by_customer", Some(Grouping::Customer)),
    ];
    for (name, by) in groupings {
        let query = query(&history, by);
        group.bench_function(name, |b| b.iter(|| black_box(history.report(&query, &terms))));
    }
    group.finish();
}

criterion_group!(benches, report);
criterion_main!(benches);
