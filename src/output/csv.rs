//! CSV for spreadsheets: one flat table, the first column says what a row is about.

use std::borrow::Cow;
use std::io::{self, Write};

use super::report::SnapshotReport;
use crate::text::{Mask, harmless};

const COLUMNS: [&str; 29] = [
    "row",
    "at",
    "source",
    "kind",
    "agent",
    "agent_name",
    "state",
    "since",
    "open",
    "unanswered",
    "pending",
    "longest_wait",
    "conversation",
    "customer",
    "customer_name",
    "team",
    "team_name",
    "channel",
    "waiting_since",
    "wait",
    "online",
    "good_at",
    "age",
    "events",
    "skipped",
    "capabilities",
    "error",
    "hint",
    "error_since",
];

/// Writes every row of the report: `queue`, `unanswered`, `agent`, `unassigned`, `total` and `source`, each with the
/// instant, so that snapshots can be kept below one another; cells that a row has nothing for are empty. A mask other than none also hides customers' ids, for many are addresses.
pub fn write_csv(out: &mut impl Write, report: &SnapshotReport<'_>, mask: Mask) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    let at = report.at.to_string();
    for row in rows(report, mask) {
        writer.write_record(COLUMNS.map(|column| {
            if column == "at" {
                return at.clone();
            }
            let cell = row.iter().find(|(name, _)| *name == column).map_or("", |(_, cell)| cell);
            no_formula(cell).into_owned()
        }))?;
    }
    writer.flush()
}

type Row = Vec<(&'static str, String)>;

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn rows(report: &SnapshotReport<'_>, mask: Mask) -> Vec<Row> {
    let masked = |name: Option<&str>| text(name.map(|name| mask.apply(name)));
    let queues = report.queues.iter().map(|queue| {
        vec![
            ("row", "queue".to_owned()),
            ("source", text(queue.source)),
            ("agent", queue.agent.to_owned()),
            ("agent_name", queue.name.to_owned()),
            ("state", text(queue.state)),
            ("open", queue.open.to_string()),
            ("unanswered", queue.unanswered.to_string()),
            ("pending", queue.pending.to_string()),
            ("longest_wait", text(queue.longest_wait)),
        ]
    });
    let unanswered = report.unanswered.iter().map(|row| {
        vec![
            ("row", "unanswered".to_owned()),
            ("source", text(row.source)),
            ("conversation", row.conversation.to_owned()),
            ("customer", masked(row.customer)),
            ("customer_name", masked(row.customer_name)),
            ("agent", text(row.agent)),
            ("agent_name", text(row.agent_name)),
            ("team", text(row.team)),
            ("team_name", text(row.team_name)),
            ("channel", text(row.channel)),
            ("waiting_since", row.waiting_since.to_string()),
            ("wait", row.wait.to_string()),
        ]
    });
    let agents = report.agents.iter().map(|agent| {
        vec![
            ("row", "agent".to_owned()),
            ("source", text(agent.source)),
            ("agent", agent.agent.to_owned()),
            ("agent_name", agent.name.to_owned()),
            ("state", text(agent.state)),
            ("since", text(agent.since)),
        ]
    });
    let sources = report.sources.iter().map(|source| {
        let fault = source.error.as_ref();
        vec![
            ("row", "source".to_owned()),
            ("source", source.name.to_owned()),
            ("kind", source.kind.to_owned()),
            ("state", source.state.to_string()),
            ("good_at", text(source.good_at)),
            ("age", text(source.age)),
            ("events", source.events.to_string()),
            ("skipped", source.skipped.to_string()),
            ("capabilities", source.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
            ("error", text(fault.map(|fault| fault.what))),
            ("hint", text(fault.map(|fault| fault.hint))),
            ("error_since", text(fault.map(|fault| fault.since))),
        ]
    });
    queues.chain(unanswered).chain(agents).chain(sums(report)).chain(sources).collect()
}

fn sums(report: &SnapshotReport<'_>) -> [Row; 2] {
    let (unassigned, totals) = (&report.unassigned, &report.totals);
    [
        vec![
            ("row", "unassigned".to_owned()),
            ("open", unassigned.open.to_string()),
            ("unanswered", unassigned.unanswered.to_string()),
            ("longest_wait", text(unassigned.longest_wait)),
        ],
        vec![
            ("row", "total".to_owned()),
            ("open", totals.active.to_string()),
            ("unanswered", totals.unanswered.to_string()),
            ("online", text(totals.online)),
        ],
    ]
}

/// A cell that no spreadsheet runs: what begins like a formula gets a `'` in front, control characters go.
pub(super) fn no_formula(cell: &str) -> Cow<'_, str> {
    let plain = harmless(cell);
    // What is looked at is what is written: an invisible character in front would hide the formula from a check.
    let begins_like_one = plain.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let begins_blank = cell.starts_with(['\t', '\r', '\n']);
    if begins_like_one || begins_blank { Cow::Owned(format!("'{plain}")) } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for evil in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            " =1",
            "＝1",
            "\n1",
            "\u{200b}=1",
            "\u{feff}=1",
            "\u{202e}@S",
            "\u{ad}+1",
            "\u{3164}=1",
        ] {
            assert!(no_formula(evil).starts_with('\''), "{evil:?}");
        }
        assert_eq!(no_formula("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        assert_eq!(no_formula("a=b"), "a=b");
        assert_eq!(no_formula("a\u{1b}[2Jb"), "a\u{FFFD}[2Jb");
    }
}
