//! Text of strangers made harmless, and words compared; knows nothing of the rest.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// How many characters without a width may follow one another: enough for every living script, too few to pile up
/// over other lines.
const MAX_ZERO_WIDTH_RUN: usize = 4;

/// How much of a name is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// All of it.
    #[default]
    None,
    /// The first letter of each word.
    Initials,
    /// Nothing of it.
    All,
}

impl Mask {
    /// The name as far as it may be shown.
    pub fn apply(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(name),
            Self::Initials => Cow::Owned(initials(name)),
            Self::All => Cow::Borrowed("•••"),
        }
    }
}

fn initials(name: &str) -> String {
    let local_part = name.split('@').next().unwrap_or_default();
    let words = local_part.split(|c: char| !c.is_alphanumeric());
    // A word of one character would be shown whole by its initial, as most names in Chinese would.
    let first = |word: &'_ str| -> Option<String> {
        let mut letters = word.graphemes(true);
        let first = letters.next()?;
        Some(if letters.next().is_some() || first.is_ascii() { format!("{first}.") } else { "•".to_owned() })
    };
    let masked: String = words.filter_map(first).take(3).collect();
    if masked.is_empty() { "•".to_owned() } else { masked }
}

/// Whether a character can do harm where text is shown: it steers the terminal, turns the writing direction, breaks
/// the line or hides.
pub fn is_harmful(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Direction marks and overrides, and characters that take no room and are part of no script's letters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The text with nothing in it that steers a terminal, turns the direction or floods: line ends and tabs become a
/// space, other control characters `�`, invisible characters go, and no more than four characters without a width
/// follow one another. One line comes out.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let mut screen = Screen::default();
    if text.chars().all(|c| screen.passes(c)) { Cow::Borrowed(text) } else { Cow::Owned(cleaned(text)) }
}

fn within_run(c: char, run: &mut usize) -> bool {
    *run = if c.width() == Some(0) { *run + 1 } else { 0 };
    *run <= MAX_ZERO_WIDTH_RUN
}

fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                run = 0;
                out.push(' ');
            }
            c if c.is_control() => {
                run = 0;
                out.push('\u{FFFD}');
            }
            c if is_invisible(c) => {}
            c if within_run(c, &mut run) => out.push(c),
            _ => {}
        }
    }
    out
}

/// Looks at a text character by character for what can't be shown as it is.
#[derive(Debug, Default)]
pub struct Screen {
    run: usize,
}

impl Screen {
    /// Whether the next character is harmless, and not one too many of those without a width.
    pub fn passes(&mut self, c: char) -> bool {
        within_run(c, &mut self.run) && !is_harmful(c)
    }
}

/// The beginning of a text on one line, at most so many characters of it, harmless: for messages that quote a stranger.
pub fn excerpt(text: &str, most: usize) -> String {
    // Of a text that is mostly invisible, not all is looked at.
    let end = text.char_indices().nth(most.saturating_mul(8)).map(|(end, _)| end);
    let clean = harmless(&text[..end.unwrap_or(text.len())]);
    let mut shown = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = shown.char_indices().nth(most).map(|(cut, _)| cut);
    shown.truncate(cut.unwrap_or(shown.len()));
    if cut.or(end).is_some() {
        shown.push('…');
    }
    shown
}

/// So many of a thing, in words: `1 event`, `2 events`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The known word most like `word`, where one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = 1 + word.chars().count() / 4;
    let distances = known.into_iter().map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn harmless_text_is_left_alone() {
        for text in ["Ana Petrović", "山田太郎", "שלום", "👩‍👩‍👧 family", "ดีครับ", "K. Ökafor – e-mail"]
        {
            assert!(matches!(harmless(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn harm_is_taken_out() {
        assert_eq!(harmless("a\u{1b}[2Jb"), "a\u{FFFD}[2Jb");
        assert_eq!(harmless("a\u{9b}31mb"), "a\u{FFFD}31mb");
        assert_eq!(harmless("a\r\nb\tc\u{2028}d"), "a  b c d");
        assert_eq!(harmless("evil\u{202E}txt.exe\u{2066}x\u{200B}y\u{FEFF}\u{E0041}"), "eviltxt.exexy");
        assert_eq!(harmless(&format!("z{}", "\u{0301}".repeat(1000))), format!("z{}", "\u{0301}".repeat(4)));
    }

    proptest! {
        #[test]
        fn whatever_comes_in_nothing_harmful_goes_out(text in "(\\PC|[\\x00-\\x9f]|[\u{200b}-\u{2069}]|\u{0301}){0,60}") {
            let out = harmless(&text);
            prop_assert!(!out.chars().any(is_harmful), "{out:?}");
            let longest = out.chars().fold((0, 0), |(run, max), c| {
                let run = if c.width() == Some(0) { run + 1 } else { 0 };
                (run, max.max(run))
            });
            prop_assert!(longest.1 <= MAX_ZERO_WIDTH_RUN);
            prop_assert_eq!(harmless(&out).into_owned(), out.into_owned());
        }
    }

    #[test]
    fn an_excerpt_is_short_harmless_and_on_one_line() {
        assert_eq!(excerpt("a\u{1b}[31mb\r\n\tc\u{202e}d\u{200b}", 20), "a\u{fffd}[31mb cd");
        assert_eq!(excerpt("four", 4), "four");
        assert_eq!(excerpt("five!", 4), "five…");
        assert_eq!(excerpt("  a  \n b ", 4), "a b");
        assert_eq!(excerpt(&"\u{200b}".repeat(1 << 20), 4), "…");
    }

    #[test]
    fn masks_leave_no_more_than_they_say() {
        assert_eq!(Mask::None.apply("Ana Petrović"), "Ana Petrović");
        assert_eq!(Mask::Initials.apply("Ana Petrović"), "A.P.");
        assert_eq!(Mask::Initials.apply("ana.petrovic@example.com"), "a.p.");
        assert_eq!(Mask::Initials.apply("+49 151 234567"), "4.1.2.");
        assert_eq!(Mask::Initials.apply("@@@"), "•");
        assert_eq!(Mask::All.apply("Ana"), "•••");
    }

    #[test]
    fn the_nearest_word_is_found_and_a_strange_one_is_not() {
        let known = ["interval", "backfill", "quota_share", "name"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("Quota-Share", known), Some("quota_share"));
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("colour", known), None);
    }
}
