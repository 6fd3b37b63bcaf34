//! Markdown tables for chats and wikis; nothing of a stranger's text is markup.

use std::io::{self, Write};

use super::report::SnapshotReport;
use super::rows::{self, Align, Table};
use crate::text::{Mask, harmless};

/// Writes the sums, who waits, who holds what and how fresh it is.
pub fn write_markdown(out: &mut impl Write, report: &SnapshotReport<'_>, mask: Mask) -> io::Result<()> {
    writeln!(out, "{}", rows::summary(report))?;
    rows::tables(report, mask).iter().try_for_each(|table| write_one(out, table))
}

/// Writes one table under its title.
pub(super) fn write_one(out: &mut impl Write, table: &Table<'_>) -> io::Result<()> {
    writeln!(out, "\n### {}\n", table.title)?;
    let rows = table.shown();
    if rows.is_empty() {
        return writeln!(out, "{}", table.empty);
    }
    let heads: Vec<&str> = table.columns.iter().map(|(head, _)| *head).collect();
    writeln!(out, "| {} |", heads.join(" | "))?;
    let rule = |align: Align| if align == Align::Right { "--:" } else { "---" };
    let rules: Vec<&str> = table.columns.iter().map(|(_, align)| rule(*align)).collect();
    writeln!(out, "| {} |", rules.join(" | "))?;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| plain(cell)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

/// Text that no reader of Markdown or HTML takes for markup, a link or a mention.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("&#124;"),
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '~' | '$' | '^' | '=' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(plain("a|b"), "a&#124;b");
        assert_eq!(plain("`rm` **x** _y_"), "\\`rm\\` \\*\\*x\\*\\* \\_y\\_");
        assert_eq!(plain("<img src=x onerror=1>"), "&lt;img src\\=x onerror\\=1&gt;");
        assert_eq!(plain("[a](http://x) @here"), "\\[a\\]\\(http&#58;//x\\) &#64;here");
        assert_eq!(plain("two\nlines\u{1b}[31m"), "two lines\u{FFFD}\\[31m");
    }
}
