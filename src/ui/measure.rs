//! Figures of the past as people read them: values in their units, changes with a direction, and bars by day.

use super::figure::{UNKNOWN, count, duration, seconds, share};
use super::theme::Role;
use crate::board::past::{Change, OverviewFigure};
use crate::metrics::history::{Shape, Value};

/// Lengths of time from here on are told in hours: nobody thinks of work in days of 24.
const HOURS: i64 = 10 * 3600;
/// A change of less is none, in parts of a hundred.
const SMALL: f64 = 0.5;

/// A value in its unit.
pub(super) fn value(value: &Value, shape: Shape) -> String {
    match value {
        Value::Count(n) => count(*n),
        Value::Duration(figure) if shape == Shape::Numbers => number(figure.median, 1),
        Value::Duration(figure) => seconds(figure.median),
        Value::Millis(millis) if millis / 1000 >= HOURS => format!("{} h", count((millis / 3_600_000).unsigned_abs())),
        Value::Millis(millis) => duration(chrono::TimeDelta::milliseconds(*millis)),
        Value::Share(figure) => share(Some(*figure)),
        Value::Number(amount) => number(*amount, 2),
        Value::Score { score, .. } => score.map_or_else(|| UNKNOWN.to_owned(), |score| signed(score, "")),
        Value::Shares(_) | Value::Counts(_) | Value::Amounts(_) => UNKNOWN.to_owned(),
    }
}

/// Nine tenths are at most this, where that is known.
pub(super) fn p90(value: &Value, shape: Shape) -> String {
    match value {
        Value::Duration(figure) if shape == Shape::Numbers => number(figure.p90, 1),
        Value::Duration(figure) => seconds(figure.p90),
        _ => String::new(),
    }
}

/// How many stand behind a median or a share.
pub(super) fn n(value: &Value) -> Option<u64> {
    match value {
        Value::Duration(figure) => Some(figure.n),
        Value::Share(share) => Some(share.of),
        Value::Score { n, .. } => Some(*n),
        _ => None,
    }
}

/// What a value is, where that does not go without saying.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Duration(_) => "median",
        _ => "",
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    let Some(value) = value else { return UNKNOWN.to_owned() };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let minus = if value < 0.0 { "−" } else { "" };
    format!("{minus}{}.{rest}", count(whole.parse().unwrap_or(u64::MAX)))
}

fn signed(value: f64, unit: &str) -> String {
    let size = value.abs().round() as u64;
    let sign = match size {
        0 => "±",
        _ if value < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{}{unit}", count(size))
}

/// A change as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trend {
    /// Up, down or neither.
    pub(super) arrow: &'static str,
    /// By how much.
    pub(super) size: String,
    /// Better, worse or neither; a word and a sign for it.
    pub(super) verdict: (&'static str, &'static str),
    pub(super) role: Role,
}

/// By how much a figure differs from the period before.
pub(super) fn trend(figure: &OverviewFigure) -> Trend {
    let unknown = Trend { arrow: " ", size: UNKNOWN.to_owned(), verdict: ("", ""), role: Role::Dim };
    let Some(change) = figure.change() else { return unknown };
    let (size, text) = match change {
        Change::Part(part) => (part * 100.0, signed(part * 100.0, " %")),
        Change::Points(points) => (points, signed(points, " pt")),
    };
    if size.abs() < SMALL {
        return Trend { arrow: "=", size: text, ..unknown };
    }
    let arrow = if size > 0.0 { "↑" } else { "↓" };
    let (verdict, role) = match figure.is_better() {
        None => (("", ""), Role::Canvas),
        Some(true) => (("better", "✓"), Role::Good),
        Some(false) => (("worse", "✗"), Role::Warning),
    };
    Trend { arrow, size: text, verdict, role }
}

/// A row of bars by day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bars {
    /// Those of the period before.
    pub(super) before: String,
    /// Those of the range.
    pub(super) range: String,
}

/// How many days a bar stands for where so many cells are there for so many days.
pub(super) fn days_a_bar(days: usize, cells: usize) -> usize {
    days.div_ceil(cells.max(1)).max(1)
}

/// The bars of the last `days` and, where there is room, of the days before, at most `cells` of them. Where there are
/// more days than cells, a bar is the mean of several; where there are few, it is two cells wide. A day of which nothing
/// is known is a dot.
pub(super) fn bars(figure: &OverviewFigure, days: usize, cells: usize) -> Bars {
    let daily = &figure.daily;
    let each = days_a_bar(days, cells);
    let in_range = daily.len().min(days);
    let shown = &daily[daily.len().saturating_sub(cells * each)..];
    let means: Vec<Option<f64>> = shown
        .rchunks(each)
        .rev()
        .map(|days| {
            let known: Vec<f64> = days.iter().flatten().copied().collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect();
    let glyphs = glyphs(&means, !matches!(figure.value, Value::Share(_) | Value::Score { .. }));
    let wide = (cells / glyphs.len().max(1)).clamp(1, 2);
    let split = glyphs.len().saturating_sub(in_range.div_ceil(each));
    let text = |glyphs: &[char]| glyphs.iter().flat_map(|glyph| std::iter::repeat_n(*glyph, wide)).collect();
    Bars { before: text(&glyphs[..split]), range: text(&glyphs[split..]) }
}

/// Bars as high as the values, from zero or else from the lowest on, where a change of a few parts of a hundred stays a
/// small one.
fn glyphs(values: &[Option<f64>], from_zero: bool) -> Vec<char> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let low = if from_zero { low.min(0.0) } else { low };
    let span = (high - low).max(high.abs().max(low.abs()) / 4.0);
    let glyph = |value: f64| {
        let height = if span > 0.0 { (value - low) / span * 7.0 } else { 0.0 };
        BARS[(height.round() as usize).min(7)]
    };
    values.iter().map(|value| value.map_or('·', glyph)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::history::REGISTRY;
    use crate::metrics::stats::{DurationFigure, ShareFigure};

    fn figure(key: &str, value: Value, before: Option<Value>) -> OverviewFigure {
        let row = REGISTRY.iter().find(|row| row.key == key).unwrap();
        OverviewFigure { row, part: None, value, before, daily: Vec::new() }
    }

    fn words(key: &str, now: u64, before: u64) -> String {
        let value = |n| match key {
            "fcr" | "reopened" => Value::Share(ShareFigure { n, of: 1000 }),
            _ => Value::Count(n),
        };
        let trend = trend(&figure(key, value(now), Some(value(before))));
        format!("{} {} {}", trend.arrow, trend.size, trend.verdict.0).trim().to_owned()
    }

    #[test]
    fn a_change_has_a_direction_a_sign_and_a_verdict_where_one_way_is_good() {
        for (key, now, before, wanted) in [
            ("resolved", 108, 100, "↑ +8 % better"),
            ("resolved", 88, 100, "↓ −12 % worse"),
            ("backlog", 88, 100, "↓ −12 % better"),
            ("new", 108, 100, "↑ +8 %"),
            ("new", 1004, 1000, "= ±0 %"),
            ("new", 2345, 1, "↑ +234,400 %"),
            ("new", 3, 0, "–"),
            ("new", 0, 3, "↓ −100 %"),
            ("fcr", 700, 670, "↑ +3 pt better"),
            ("reopened", 700, 670, "↑ +3 pt worse"),
            ("reopened", 672, 670, "= ±0 pt"),
        ] {
            assert_eq!(words(key, now, before), wanted, "{key} {now} {before}");
        }
        assert_eq!(trend(&figure("new", Value::Count(3), None)).size, UNKNOWN);
    }

    #[test]
    fn values_have_their_units_and_unknown_is_never_zero() {
        let lengths = Value::Duration(DurationFigure { n: 4, mean: None, median: Some(340.9), p90: Some(1080.0) });
        let none = Value::Duration(DurationFigure::default());
        let score = |score| Value::Score { n: 3, score };
        let money = Value::Number(Some(-1234.5));
        for (value, shape, wanted) in [
            (&Value::Count(1506), Shape::Count, "1,506"),
            (&lengths, Shape::Duration, "5m 40s"),
            (&lengths, Shape::Numbers, "340.9"),
            (&none, Shape::Duration, UNKNOWN),
            (&none, Shape::Numbers, UNKNOWN),
            (&Value::Millis(9 * 3_600_000), Shape::Seconds, "9h 00m"),
            (&Value::Millis(598 * 3_600_000), Shape::Seconds, "598 h"),
            (&Value::Share(ShareFigure { n: 0, of: 0 }), Shape::Share, UNKNOWN),
            (&score(Some(25.4)), Shape::Score, "+25"),
            (&score(Some(-3.0)), Shape::Score, "−3"),
            (&score(None), Shape::Score, UNKNOWN),
            (&money, Shape::Money, "−1,234.50"),
            (&Value::Number(None), Shape::Money, UNKNOWN),
        ] {
            assert_eq!(super::value(value, shape), wanted);
        }
        assert_eq!(
            (p90(&lengths, Shape::Duration), n(&lengths), n(&Value::Count(2))),
            ("18m".to_owned(), Some(4), None)
        );
    }

    #[test]
    fn bars_are_as_high_as_the_days_and_say_which_are_of_the_range() {
        let shown = |daily: &[Option<f64>], days: usize, cells: usize| {
            let figure = OverviewFigure { daily: daily.to_vec(), ..figure("new", Value::Count(1), None) };
            let bars = bars(&figure, days, cells);
            format!("{}|{}", bars.before, bars.range)
        };
        let four = [Some(0.0), Some(7.0), None, Some(14.0)];
        assert_eq!(shown(&four, 2, 4), "▁▅|·█");
        assert_eq!(shown(&four, 2, 3), "▅|·█", "the newest stay");
        assert_eq!(shown(&four, 2, 9), "▁▁▅▅|··██");
        assert_eq!(shown(&four, 4, 2), "|▃█", "two days a bar");
        assert_eq!(shown(&[], 7, 5), "|");
        assert_eq!(shown(&[None, None], 1, 2), "·|·");
        assert_eq!(shown(&[Some(0.0), Some(0.0)], 2, 2), "|▁▁");
        assert_eq!(shown(&[Some(100.0), Some(104.0)], 2, 2), "|██", "a small change is small");
    }

    #[test]
    fn bars_of_shares_begin_at_the_lowest() {
        let share = Value::Share(ShareFigure { n: 9, of: 10 });
        let daily = vec![Some(0.90), Some(0.91), Some(0.60)];
        let csat = OverviewFigure { daily, part: Some(Arc::from("x")), ..figure("csat", share, None) };
        assert_eq!(bars(&csat, 3, 3).range, "██▁");
    }
}
