//! The report as tables of text, for everything that is not JSON.

use std::borrow::Cow;

use super::report::{Queue, Seconds, SnapshotReport, SourceRow, Unanswered};
use crate::text::{Mask, excerpt};

/// One table.
pub(super) struct Table<'a> {
    /// What it holds.
    pub title: String,
    /// The heads of its columns, and whether they hold numbers.
    pub columns: Vec<(&'static str, Align)>,
    /// Its rows, as strangers wrote them; each has a cell for every column.
    pub rows: Vec<Vec<Cow<'a, str>>>,
    /// Said in place of rows where there are none.
    pub empty: &'static str,
}

/// Characters of a cell: one name of a megabyte would pad every row to its width, or be no message any more.
const WIDEST: usize = 60;
/// Of one that holds sentences.
const WIDEST_PROSE: usize = 300;

impl Table<'_> {
    /// The rows for people: each cell harmless and cut where it is too long.
    pub fn shown(&self) -> Vec<Vec<String>> {
        let cell = |(cell, (_, align)): (&Cow<'_, str>, &(_, Align))| {
            excerpt(cell, if *align == Align::Prose { WIDEST_PROSE } else { WIDEST })
        };
        self.rows.iter().map(|row| row.iter().zip(&self.columns).map(cell).collect()).collect()
    }
}

/// On which side a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Sentences; the last column.
    Prose,
    /// Numbers.
    Right,
}

const UNKNOWN: Cow<'static, str> = Cow::Borrowed("–");

/// The tables that people read: who waits, who holds what, how fresh it is.
pub(super) fn tables<'a>(report: &'a SnapshotReport<'a>, mask: Mask) -> Vec<Table<'a>> {
    vec![unanswered(report, mask), queues(report), sources(report)]
}

/// The sums in one sentence.
pub(super) fn summary(report: &SnapshotReport<'_>) -> String {
    let totals = &report.totals;
    let online = totals.online.map_or_else(|| "– online".to_owned(), |online| format!("{online} online"));
    format!(
        "{} · {} open · {} unanswered · {} unassigned · {online}",
        report.at, totals.active, totals.unanswered, report.unassigned.open
    )
}

fn unanswered<'a>(report: &'a SnapshotReport<'a>, mask: Mask) -> Table<'a> {
    let row = |row: &'a Unanswered<'a>| {
        vec![
            Cow::Owned(duration(row.wait)),
            Cow::Borrowed(row.conversation),
            row.customer_name.map_or(UNKNOWN, |name| mask.apply(name)),
            shown(row.channel),
            shown(row.agent_name),
            shown(row.team_name),
        ]
    };
    Table {
        title: "Unanswered, longest wait first".to_owned(),
        columns: with_source(
            report,
            &[
                ("wait", Align::Right),
                ("conversation", Align::Left),
                ("customer", Align::Left),
                ("channel", Align::Left),
                ("agent", Align::Left),
                ("team", Align::Left),
            ],
        ),
        rows: report.unanswered.iter().map(|r| sourced(report, r.source, row(r))).collect(),
        empty: "nobody waits",
    }
}

fn queues<'a>(report: &'a SnapshotReport<'a>) -> Table<'a> {
    let row = |queue: &'a Queue<'a>| {
        vec![
            Cow::Borrowed(queue.name),
            queue.state.map_or(UNKNOWN, |state| state.to_string().into()),
            queue.open.to_string().into(),
            queue.unanswered.to_string().into(),
            queue.pending.to_string().into(),
            queue.longest_wait.map_or(UNKNOWN, |wait| duration(wait).into()),
        ]
    };
    Table {
        title: "Agents".to_owned(),
        columns: with_source(
            report,
            &[
                ("agent", Align::Left),
                ("state", Align::Left),
                ("open", Align::Right),
                ("unanswered", Align::Right),
                ("pending", Align::Right),
                ("longest", Align::Right),
            ],
        ),
        rows: report.queues.iter().map(|queue| sourced(report, queue.source, row(queue))).collect(),
        empty: "nobody is online or holds a conversation",
    }
}

fn sources<'a>(report: &'a SnapshotReport<'a>) -> Table<'a> {
    let row = |source: &'a SourceRow<'a>| {
        vec![
            Cow::Borrowed(source.name),
            Cow::Borrowed(source.kind),
            source.state.to_string().into(),
            source.age.map_or(UNKNOWN, |age| duration(age).into()),
            source.skipped.to_string().into(),
            source.error.as_ref().map_or(Cow::Borrowed(""), |fault| format!("{}; {}", fault.what, fault.hint).into()),
        ]
    };
    Table {
        title: "Sources".to_owned(),
        columns: vec![
            ("source", Align::Left),
            ("kind", Align::Left),
            ("state", Align::Left),
            ("age", Align::Right),
            ("skipped", Align::Right),
            ("error", Align::Prose),
        ],
        rows: report.sources.iter().map(row).collect(),
        empty: "no source is configured",
    }
}

fn several_sources(report: &SnapshotReport<'_>) -> bool {
    report.sources.len() > 1
}

fn with_source(report: &SnapshotReport<'_>, columns: &[(&'static str, Align)]) -> Vec<(&'static str, Align)> {
    let source = several_sources(report).then_some(("source", Align::Left));
    columns.iter().copied().chain(source).collect()
}

fn sourced<'a>(
    report: &SnapshotReport<'_>,
    source: Option<&'a str>,
    mut cells: Vec<Cow<'a, str>>,
) -> Vec<Cow<'a, str>> {
    if several_sources(report) {
        cells.push(shown(source));
    }
    cells
}

fn shown(text: Option<&str>) -> Cow<'_, str> {
    text.map_or(UNKNOWN, Cow::Borrowed)
}

/// A length of time for people, in its two largest units.
pub(super) fn duration(seconds: Seconds) -> String {
    let whole = seconds.whole();
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m {rest:02}s"),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        _ => format!("{days}d {hours:02}h"),
    }
}
