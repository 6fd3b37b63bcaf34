//! What the board showed at an instant of the past is what an engine shows that has seen no more than that.

use std::sync::Arc;

use chrono::TimeDelta;
use helptop::board::{BoardSnapshot, Engine, Options, SourceHealth};
use helptop::event::{Event, EventKind, Timestamp};
use helptop::metrics::history::{AsOf, History};
use helptop::metrics::thresholds::Thresholds;
use proptest::prelude::*;

use super::properties::{streams, weekend};

/// The board over the events before an instant, of a day that began at another.
fn board(events: &[Event], at: Timestamp, since: Timestamp) -> BoardSnapshot {
    let options =
        Options { thresholds: Arc::new(Thresholds::default()), keep_text: false, midnight: Arc::new(move |_| since) };
    let mut engine = Engine::new(options, at);
    let source = engine.add_source(SourceHealth { good_at: Some(at), ..SourceHealth::default() });
    engine.take(source, events.iter().filter(|event| event.at.is_none_or(|one| one < at)).cloned(), at);
    engine.settle(at);
    engine.snapshot(at)
}

/// What it showed, in the words of the past.
fn shown(board: &BoardSnapshot) -> AsOf {
    let totals = &board.live.totals;
    AsOf {
        at: board.at,
        active: totals.active,
        unanswered: totals.unanswered,
        longest_since: board.live.waiting.get_min().and_then(|(_, row)| row.waiting_since),
        unassigned: totals.unassigned,
        online: board.tells_presence.then_some(totals.online),
        today: board.today,
    }
}

fn history(events: &[Event]) -> History {
    let mut history = History::new();
    let source = history.add_source("desk");
    for event in events {
        history.take(source, event.clone());
    }
    history.settle();
    history
}

#[test]
fn the_simulated_desk_is_as_it_was_at_any_hour() {
    for seed in 1..=3 {
        let events = weekend(seed);
        let history = history(&events);
        let mut seen = AsOf::default();
        for minutes in (30..72 * 60).step_by(127) {
            let at = Timestamp::parse("2026-03-27T12:00:00Z").unwrap() + TimeDelta::minutes(minutes);
            let since = at - TimeDelta::minutes(minutes.min(9 * 60));
            let as_of = history.as_of(at, since);
            assert_eq!(as_of, shown(&board(&events, at, since)), "seed {seed} at {at}");
            seen.unanswered += as_of.unanswered;
            seen.unassigned += as_of.unassigned;
            seen.today.resolved += as_of.today.resolved;
            seen.today.csat.of += as_of.today.csat.of;
            seen.online = seen.online.max(as_of.online);
        }
        assert!(seen.unanswered > 5 && seen.unassigned > 1 && seen.online > Some(1), "{seen:?}");
        assert!(seen.today.resolved > 100 && seen.today.csat.of > 10, "{seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_desk_is_as_it_was(events in streams(), instant in 0..40_usize, later in 0..2_i64, day in 0..300_i64) {
        // What a source claims later holds for its whole stream.
        let events: Vec<_> = events.into_iter().filter(|one| !matches!(one.kind, EventKind::Hello { .. })).collect();
        // At the instant of a line, which is not seen, or just after it.
        let line = events.get(instant % events.len().max(1)).and_then(|event| event.at).unwrap_or_default();
        let at = line + TimeDelta::milliseconds(later);
        let since = at - TimeDelta::minutes(day);
        prop_assert_eq!(history(&events).as_of(at, since), shown(&board(&events, at, since)));
    }
}
