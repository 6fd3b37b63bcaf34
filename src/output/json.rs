//! JSON for programs; safe to look at in a terminal, too.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::report::SnapshotReport;
use crate::text::Screen;

/// Writes the report as one JSON object, indented.
pub fn write_json(out: &mut impl Write, report: &SnapshotReport<'_>) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    out.write_all(escaped(&text).as_bytes())?;
    out.write_all(b"\n")
}

/// The same JSON with every character that could harm a terminal written as `\uXXXX`, joiners and marks that pile up
/// among them; a reader gets the same text. Line ends between values stay.
pub fn escaped(json: &str) -> Cow<'_, str> {
    let passes = |screen: &mut Screen, c: char| c == '\n' || (screen.passes(c) && !is_joiner(c));
    let mut screen = Screen::default();
    if json.chars().all(|c| passes(&mut screen, c)) {
        return Cow::Borrowed(json);
    }
    let mut screen = Screen::default();
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if passes(&mut screen, c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String can't fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

/// Without a width, but part of emoji and of several scripts: shown to people, spelled out for programs.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::is_harmful;

    #[test]
    fn escaping_changes_the_bytes_and_not_the_text() {
        let text = "a\u{1b}[2J\u{9b}\u{202E}b\u{E0041}\u{7f}é\n";
        let json = serde_json::to_string_pretty(&vec![text]).unwrap();
        let safe = escaped(&json);
        assert!(safe.contains("\\u009b\\u202eb\\udb40\\udc41\\u007fé"), "{safe}");
        assert!(!safe.contains(|c: char| c != '\n' && is_harmful(c)));
        assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), [text]);
    }

    #[test]
    fn marks_pile_up_four_high_and_joiners_are_spelled_out() {
        let text = format!("z{}👩\u{200d}👧 \u{200c}", "\u{301}".repeat(6));
        let json = serde_json::to_string(&text).unwrap();
        let safe = escaped(&json);
        let expected = format!("\"z{}\\u0301\\u0301👩\\u200d👧 \\u200c\"", "\u{301}".repeat(4));
        assert_eq!(safe, expected);
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        let plain = r#"{"name":"Ana Petrović ดีครับ"}"#;
        assert!(matches!(escaped(plain), Cow::Borrowed(same) if same == plain));
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_holds_it_reads_back_and_passes(text in "(\\PC|[\\x00-\\x9f]|[\u{200b}-\u{2069}]|\u{0301}){0,60}") {
            let safe = escaped(&serde_json::to_string(&text).unwrap()).into_owned();
            let mut screen = Screen::default();
            proptest::prop_assert!(safe.chars().all(|c| screen.passes(c) && !is_joiner(c)), "{safe:?}");
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
    }
}
