//! The page of figures, made from the registry.

use std::io::{self, Write};

use strum::VariantNames;

use crate::metrics::history::{Grouping, REGISTRY, Row, Shape};

/// Writes what every figure of a report means, as Markdown.
pub fn write_figures(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "# The figures of `helptop report`\n\n\
         Made by `helptop print figures`. Everything is counted at the moment it completes and belongs to the range that holds \
         that moment; [metrics.md](metrics.md) has the words used here, [decisions.md](decisions.md) what is done where they leave \
         room. A range is half-open: an event at its end is not seen.\n\n\
         | key | for people | form | what it counts or measures | grouped by |\n|---|---|---|---|---|"
    )?;
    for row in REGISTRY {
        let groupings: Vec<&str> = row.groupings().into_iter().map(<&str>::from).collect();
        let groupings = if groupings.is_empty() { "–".to_owned() } else { groupings.join(", ") };
        let Row { key, title, definition, .. } = row;
        writeln!(out, "| `{key}` | {title} | {} | {definition} | {groupings} |", form(row.shape))?;
    }
    writeln!(
        out,
        "\nGroupings: {}. A day is a range of its own, cut at the ends of the report's. By agent, every agent that the stream \
         knows is a group; by day and hour, every one there is; by anything else, every value that a conversation has at the end of \
         the range.\n\n\
         A filter leaves out the figures that it makes no sense of: with `--agent`, those that belong to no agent; with any filter \
         but `--source`, those that are about no conversation.",
        Grouping::VARIANTS.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    )
}

fn form(shape: Shape) -> &'static str {
    match shape {
        Shape::Count => "a whole number",
        Shape::Duration => "`{n, mean, median, p90}` in seconds",
        Shape::Numbers => "`{n, mean, median, p90}`",
        Shape::Seconds => "seconds",
        Shape::Share => "`{n, of, rate}`",
        Shape::Shares => "`{metric: {n, of, rate}}`",
        Shape::Change | Shape::Money | Shape::Number => "a number or null",
        Shape::Score => "`{n, score}`",
        Shape::Counts => "`{name: n}`",
        Shape::Amounts => "`{currency: sum}`",
    }
}
