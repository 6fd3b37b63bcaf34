//! Aligned tables for people at a terminal; no colour, no escape sequence.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::report::SnapshotReport;
use super::rows::{self, Align, Table};
use crate::text::Mask;

const GAP: &str = "  ";

/// Writes the sums, who waits, who holds what and how fresh it is.
pub fn write_table(out: &mut impl Write, report: &SnapshotReport<'_>, mask: Mask) -> io::Result<()> {
    writeln!(out, "{}", rows::summary(report))?;
    for table in rows::tables(report, mask) {
        write_one(out, &table)?;
    }
    Ok(())
}

/// Writes one table, aligned.
pub(super) fn write_one(out: &mut impl Write, table: &Table<'_>) -> io::Result<()> {
    writeln!(out, "\n{}", table.title)?;
    let rows = table.shown();
    if rows.is_empty() {
        return writeln!(out, "{GAP}{}", table.empty);
    }
    let heads = table.columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..table.columns.len()).map(|column| width(column).unwrap_or_default()).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(&table.columns);
        let padded = cells.map(|((cell, width), (_, align))| pad(cell, *width, *align));
        writeln!(out, "{GAP}{}", padded.collect::<Vec<_>>().join(GAP).trim_end())?;
    }
    Ok(())
}

fn pad(cell: &str, width: usize, align: Align) -> String {
    let room = " ".repeat(width.saturating_sub(cell.width()));
    match align {
        Align::Left | Align::Prose => format!("{cell}{room}"),
        Align::Right => format!("{room}{cell}"),
    }
}
