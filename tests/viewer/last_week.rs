//! What the tiles say of the same hour a week ago.

use std::sync::Arc;

use chrono::TimeDelta;
use helptop::metrics::history::AsOf;
use helptop::metrics::stats::{DurationFigure, ShareFigure};
use helptop::metrics::today::TodayFigures;
use helptop::ui::{ColorDepth, ViewContext};
use ratatui::style::Color;

use crate::sample::{self, NOW};
use crate::screen::{drawn_with, style_of, text};

/// A week and some minutes before the picture.
fn as_of(minutes: i64) -> AsOf {
    let at = NOW - TimeDelta::weeks(1) - TimeDelta::minutes(minutes);
    let today = TodayFigures {
        first_response: DurationFigure { n: 88, mean: Some(250.0), median: Some(195.0), p90: Some(900.0) },
        resolved: 188,
        csat: ShareFigure { n: 36, of: 40 },
        ..TodayFigures::default()
    };
    let longest_since = Some(at - TimeDelta::seconds(545));
    AsOf { at, active: 141, unanswered: 18, longest_since, unassigned: 4, online: Some(11), today }
}

fn shown(size: (u16, u16), last_week: Option<AsOf>) -> String {
    let context = ViewContext { last_week: last_week.map(Arc::new), ..sample::context() };
    text(&drawn_with(size, &Arc::new(sample::snapshot()), &mut sample::view(), ColorDepth::True, &context))
}

#[test]
fn every_tile_says_what_it_was() {
    let mut tiles = String::new();
    for size in [(200, 50), (160, 36), (120, 36), (80, 24), (60, 20)] {
        let lines = if size.1 >= 50 { 6 } else { 4 };
        tiles.extend(shown(size, Some(as_of(4))).lines().skip(1).take(lines).flat_map(|line| [line, "\n"]));
    }
    insta::assert_snapshot!("last_week", tiles);
}

#[test]
fn it_is_dim_and_stays_out_of_the_way() {
    let context = ViewContext { last_week: Some(Arc::new(as_of(4))), ..sample::context() };
    let snapshot = Arc::new(sample::snapshot());
    let buf = drawn_with((160, 36), &snapshot, &mut sample::view(), ColorDepth::True, &context);
    assert_eq!(style_of(&buf, "last week 18").0, Color::Rgb(0x76, 0x7d, 0x8a));
}

#[test]
fn what_is_not_known_or_of_another_hour_is_not_shown() {
    let without = shown((160, 36), None);
    assert!(!without.contains("last week") && !without.contains("was "));
    assert_eq!(shown((160, 36), Some(as_of(100))), without);
    assert_eq!(shown((160, 36), Some(as_of(-100))), without);
    assert_ne!(shown((160, 36), Some(as_of(60))), without, "clocks change by an hour");
    let unknown = AsOf { longest_since: None, online: None, today: TodayFigures::default(), ..as_of(0) };
    let tiles = shown((200, 50), Some(unknown));
    assert_eq!(tiles.matches("last week").count(), 4, "waiting, open, unassigned, resolved: {tiles}");
}
