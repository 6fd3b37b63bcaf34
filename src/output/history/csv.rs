//! CSV for spreadsheets: a row for the total and one for each group, a column for each number.

use std::io::{self, Write};

use crate::metrics::history::{REGISTRY, Report, Row, Shape, Value};
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::output::csv::no_formula;
use crate::text::Mask;

const LEADING: [&str; 7] = ["row", "from", "to", "tz", "source", "key", "name"];
const METRICS: [&str; 3] = ["first_response", "next_response", "resolution"];

/// Writes a row for the total, then one for each group, each with the range, so that reports can be kept below one
/// another. A figure of several numbers has a column for each, named `figure_part`; a cell is empty where there is
/// nothing to say. A mask other than none hides what groups by customer are called.
pub fn write_csv(out: &mut impl Write, report: &Report, mask: Mask) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    let heads = LEADING.map(str::to_owned).into_iter().chain(REGISTRY.iter().flat_map(columns));
    writer.write_record(heads)?;
    let range = [report.from.to_string(), report.to.to_string(), report.zone.name().to_owned()];
    let mut write = |row: &str, names: [&str; 3], figures: &[(&'static Row, Value)]| {
        let names = names.map(|name| no_formula(name).into_owned());
        let cells = REGISTRY.iter().flat_map(|row| {
            let found = figures.iter().find(|(one, _)| one.key == row.key);
            found.map_or_else(|| vec![String::new(); columns(row).len()], |(_, value)| cells(value))
        });
        writer.write_record([row.to_owned()].into_iter().chain(range.clone()).chain(names).chain(cells))
    };
    write("total", ["", "", ""], &report.total)?;
    for group in &report.groups {
        let shown = |text| super::text::shown(report, text, mask);
        let source = group.source.as_deref().unwrap_or_default();
        write("group", [source, &shown(&group.key), &shown(&group.name)], &group.figures)?;
    }
    writer.flush()
}

/// The heads of a figure's columns.
fn columns(row: &Row) -> Vec<String> {
    let parts = |parts: &[&str]| parts.iter().map(|part| format!("{}_{part}", row.key)).collect();
    match row.shape {
        Shape::Duration | Shape::Numbers => parts(&["n", "mean", "median", "p90"]),
        Shape::Share => parts(&["n", "of", "rate"]),
        Shape::Score => parts(&["n", "score"]),
        Shape::Shares => {
            let of_metric = |metric| ["n", "of", "rate"].map(|part| format!("{}_{metric}_{part}", row.key));
            METRICS.into_iter().flat_map(of_metric).collect()
        }
        _ => vec![row.key.to_owned()],
    }
}

fn cells(value: &Value) -> Vec<String> {
    match value {
        Value::Count(n) => vec![n.to_string()],
        Value::Duration(DurationFigure { n, mean, median, p90 }) => {
            [n.to_string()].into_iter().chain([mean, median, p90].map(|one| number(*one))).collect()
        }
        Value::Millis(millis) => vec![number(Some(*millis as f64 / 1000.0))],
        Value::Share(share) => of_share(share).into(),
        Value::Shares(shares) => shares.iter().flat_map(|(_, share)| of_share(share)).collect(),
        Value::Number(one) => vec![number(*one)],
        Value::Score { n, score } => vec![n.to_string(), number(*score)],
        Value::Counts(counts) => {
            let parts = counts.iter().map(|(name, n)| format!("{name}: {n}"));
            vec![no_formula(&parts.collect::<Vec<_>>().join("; ")).into_owned()]
        }
        Value::Amounts(sums) => {
            let parts = sums.iter().map(|(currency, sum)| format!("{sum} {currency}").trim_end().to_owned());
            vec![no_formula(&parts.collect::<Vec<_>>().join("; ")).into_owned()]
        }
    }
}

fn of_share(share: &ShareFigure) -> [String; 3] {
    [share.n.to_string(), share.of.to_string(), number(share.rate())]
}

fn number(number: Option<f64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}
