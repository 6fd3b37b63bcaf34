//! Tables for people: every figure of the total, and the main ones of each group side by side.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::metrics::history::{Grouping, Report, Row, Shape, Value};
use crate::metrics::stats::ShareFigure;
use crate::output::rows::{Align, Table};
use crate::output::{markdown, table};
use crate::text::Mask;

const UNKNOWN: &str = "–";

/// Writes the figures of the range, and the main ones of each group, aligned.
pub fn write_table(out: &mut impl Write, report: &Report, mask: Mask) -> io::Result<()> {
    writeln!(out, "{}", summary(report))?;
    tables(report, mask).iter().try_for_each(|one| table::write_one(out, one))
}

/// The same for chats and wikis.
pub fn write_markdown(out: &mut impl Write, report: &Report, mask: Mask) -> io::Result<()> {
    writeln!(out, "{}", summary(report))?;
    tables(report, mask).iter().try_for_each(|one| markdown::write_one(out, one))
}

fn summary(report: &Report) -> String {
    let local = |at: crate::event::Timestamp| at.to_utc().with_timezone(&report.zone).format("%Y-%m-%d %H:%M:%S");
    format!("{} to {} ({})", local(report.from), local(report.to), report.zone.name())
}

fn tables(report: &Report, mask: Mask) -> Vec<Table<'_>> {
    let total = Table {
        title: "Figures".to_owned(),
        columns: vec![("figure", Align::Left), ("value", Align::Right), ("n", Align::Right)],
        rows: report.total.iter().map(|(row, value)| total_row(report, row, value)).collect(),
        empty: "nothing is known",
    };
    let groups = report.by.map(|by| by_group(report, by, mask));
    [total].into_iter().chain(groups).collect()
}

fn by_group(report: &Report, by: Grouping, mask: Mask) -> Table<'_> {
    let first = report.groups.first();
    let several = report.groups.iter().any(|group| group.source.is_some());
    let heads = first.into_iter().flat_map(|group| group.figures.iter().map(|(row, _)| *row));
    // A grouping that few figures have shows them all.
    let few = first.is_some_and(|group| group.figures.len() <= 12);
    let heads: Vec<&Row> = heads.filter(|row| few || row.headline).collect();
    let mut columns = vec![(by.into(), Align::Left)];
    columns.extend(several.then_some(("source", Align::Left)));
    columns.extend(heads.iter().map(|row| (row.title, Align::Right)));
    let row = |group: &'_ crate::metrics::history::Group| {
        let mut cells = vec![Cow::Owned(shown(report, &group.name, mask).into_owned())];
        cells.extend(several.then(|| group.source.clone().unwrap_or_default().into()));
        let figure = |row: &Row| group.figures.iter().find(|(one, _)| one.key == row.key);
        cells.extend(
            heads.iter().map(|row| figure(row).map_or(UNKNOWN.into(), |(row, value)| with_n(report, row, value))),
        );
        cells
    };
    Table {
        title: format!("By {}; durations are medians, n is how many were counted", by.to_string().replace('_', " ")),
        columns,
        rows: report.groups.iter().map(row).collect(),
        empty: "there is none",
    }
}

fn total_row(report: &Report, row: &'static Row, value: &Value) -> Vec<Cow<'static, str>> {
    vec![row.title.into(), known(report, value).unwrap_or_else(|| whole(row, value)), n(value)]
}

/// The main number of a figure, with how many were counted where it is a mean or a share.
fn with_n(report: &Report, row: &Row, value: &Value) -> Cow<'static, str> {
    let number = known(report, value).unwrap_or_else(|| short(row, value));
    let n = n(value);
    if n.is_empty() || number == UNKNOWN { number } else { format!("{number} n {n}").into() }
}

/// The sign for a time online that nobody tells of, which is not none.
fn known(report: &Report, value: &Value) -> Option<Cow<'static, str>> {
    (matches!(value, Value::Millis(_)) && !report.knows_presence).then_some(UNKNOWN.into())
}

/// The key or name of a group as far as it may be shown.
pub(super) fn shown<'a>(report: &Report, text: &'a str, mask: Mask) -> Cow<'a, str> {
    if report.by == Some(Grouping::Customer) { mask.apply(text) } else { Cow::Borrowed(text) }
}

/// A figure in one cell, all of it.
fn whole(row: &Row, value: &Value) -> Cow<'static, str> {
    match value {
        Value::Duration(figure) => {
            let part = |part: Option<f64>| part.map_or(UNKNOWN.to_owned(), |part| length(row, part));
            format!("median {} · mean {} · p90 {}", part(figure.median), part(figure.mean), part(figure.p90)).into()
        }
        Value::Shares(shares) => {
            let parts = shares.iter().map(|(metric, share)| format!("{} {}", metric.replace('_', " "), percent(share)));
            parts.collect::<Vec<_>>().join(" · ").into()
        }
        Value::Counts(counts) => list(counts.iter().map(|(name, n)| format!("{name} {n}"))),
        Value::Amounts(sums) => list(sums.iter().map(|(currency, sum)| format!("{sum:.2} {currency}"))),
        _ => short(row, value),
    }
}

fn list(parts: impl Iterator<Item = String>) -> Cow<'static, str> {
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { UNKNOWN.into() } else { text.into() }
}

/// The main number of a figure.
fn short(row: &Row, value: &Value) -> Cow<'static, str> {
    let unknown = || UNKNOWN.to_owned();
    let text = match value {
        Value::Count(n) => n.to_string(),
        Value::Duration(figure) => figure.median.map_or_else(unknown, |median| length(row, median)),
        Value::Millis(millis) => seconds(*millis as f64 / 1000.0),
        Value::Share(share) => percent(share),
        Value::Number(number) => number.map_or_else(unknown, |number| match row.shape {
            Shape::Change => format!("{:+.0} %", number * 100.0),
            _ => format!("{number:.2}"),
        }),
        Value::Score { score, .. } => score.map_or_else(unknown, |score| format!("{score:+.0}")),
        Value::Counts(counts) => counts.values().sum::<u64>().to_string(),
        Value::Shares(_) | Value::Amounts(_) => return whole(row, value),
    };
    text.into()
}

/// How many were counted, where the figure itself does not say it.
fn n(value: &Value) -> Cow<'static, str> {
    match value {
        Value::Duration(figure) => figure.n.to_string().into(),
        Value::Share(share) => share.of.to_string().into(),
        Value::Shares(shares) => shares.iter().map(|(_, share)| share.of).sum::<u64>().to_string().into(),
        Value::Score { n, .. } => n.to_string().into(),
        _ => "".into(),
    }
}

fn percent(share: &ShareFigure) -> String {
    share.rate().map_or(UNKNOWN.to_owned(), |rate| format!("{:.0} %", rate * 100.0))
}

fn length(row: &Row, number: f64) -> String {
    if row.shape == Shape::Numbers { format!("{number:.1}") } else { seconds(number) }
}

/// A length of time in its two largest units.
fn seconds(seconds: f64) -> String {
    crate::output::rows::duration(crate::output::report::Seconds::of_millis((seconds * 1000.0).round() as i64))
}
