//! Aligned tables for people at a terminal; no colour, no escape sequence.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::report::SnapshotReport;
use super::rows::{self, Align, Table};
use crate::text::{Mask, excerpt};

const GAP: &str = "  ";

/// Writes the sums, who waits, who holds what and how fresh it is.
pub fn write_table(out: &mut impl Write, report: &SnapshotReport<'_>, mask: Mask) -> io::Result<()> {
    writeln!(out, "{}", rows::summary(report))?;
    for table in rows::tables(report, mask) {
        write_one(out, &table)?;
    }
    Ok(())
}

/// Characters of a cell: one name of a megabyte would pad every row to its width.
const WIDEST: usize = 60;

fn write_one(out: &mut impl Write, table: &Table<'_>) -> io::Result<()> {
    writeln!(out, "\n{}", table.title)?;
    if table.rows.is_empty() {
        return writeln!(out, "{GAP}{}", table.empty);
    }
    let heads = table.columns.iter().map(|(head, _)| Cow::Borrowed(*head)).collect();
    let bodies = table.rows.iter().map(|row| row.iter().map(|cell| excerpt(cell, WIDEST).into()).collect());
    let lines: Vec<Vec<Cow<'_, str>>> = std::iter::once(heads).chain(bodies).collect();
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
        Align::Left => format!("{cell}{room}"),
        Align::Right => format!("{room}{cell}"),
    }
}
