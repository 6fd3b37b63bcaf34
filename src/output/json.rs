//! JSON for programs; safe to look at in a terminal, too.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::report::SnapshotReport;
use crate::text::is_harmful;

/// Writes the report as one JSON object, indented.
pub fn write_json(out: &mut impl Write, report: &SnapshotReport<'_>) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    out.write_all(escaped(&text).as_bytes())?;
    out.write_all(b"\n")
}

/// The same JSON with every character that could harm a terminal written as `\uXXXX`; a reader gets the same text.
/// Line ends between values stay.
pub fn escaped(json: &str) -> Cow<'_, str> {
    let harmful = |c: char| c != '\n' && is_harmful(c);
    if !json.contains(harmful) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_changes_the_bytes_and_not_the_text() {
        let text = "a\u{1b}[2J\u{9b}\u{202E}b\u{E0041}\u{7f}é\n";
        let json = serde_json::to_string_pretty(&vec![text]).unwrap();
        let safe = escaped(&json);
        assert!(safe.contains("\\u009b\\u202eb\\udb40\\udc41\\u007fé"), "{safe}");
        assert!(!safe.contains(|c: char| c != '\n' && is_harmful(c)));
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [text]);
    }
}
