//! The page of sources, made from the registry.

use std::io::{self, Write};

use strum::IntoEnumIterator;

use crate::event::Capability;
use crate::source::Kind;

/// Writes what each kind of source can and can't tell, as Markdown.
pub fn write_sources(out: &mut impl Write, kinds: &[Kind]) -> io::Result<()> {
    writeln!(
        out,
        "# What each kind of source can tell\n\n\
         Made by `helptop print sources`. What a source can't tell is `–` on the board and null in reports, never 0. An account that may \
         not read something tells less than its kind: `helptop doctor` says what and why.\n"
    )?;
    let capabilities: Vec<Capability> = Capability::iter().collect();
    let names: Vec<String> = capabilities.iter().map(ToString::to_string).collect();
    writeln!(out, "| kind | | {} |", names.join(" | "))?;
    writeln!(out, "|---|---|{}", "---|".repeat(names.len()))?;
    for kind in kinds {
        let cells: Vec<&str> =
            capabilities.iter().map(|one| if kind.capabilities.contains(one) { "✓" } else { "–" }).collect();
        writeln!(out, "| `{}` | {} | {} |", kind.name, kind.title, cells.join(" | "))?;
    }
    for kind in kinds.iter().filter(|kind| !kind.cannot_tell.is_empty()) {
        writeln!(out, "\n## `{}`: {}\n", kind.name, kind.title)?;
        for (what, why) in kind.cannot_tell {
            writeln!(out, "- {what}: {why}")?;
        }
    }
    Ok(())
}
