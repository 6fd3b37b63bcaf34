//! The JSON Lines writer.

use std::io::{self, Write};

use super::kind::Event;

/// Writes one event as one line.
pub fn write_event(out: &mut impl Write, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")
}
