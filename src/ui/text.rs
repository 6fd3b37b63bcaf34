//! The only way of foreign text into cells.
//!
//! Names, subjects and messages are written by strangers. What leaves this module holds no control character, no
//! escape sequence, no bidirectional override, no invisible character and no pile of combining marks, and it is
//! never wider than asked: a terminal shows it the way it was measured.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::app::Privacy;
use crate::text::{Mask, is_harmful};

/// Combining marks that one character may carry; Vietnamese and Thai need two, the rest is a flood.
const MARKS: usize = 3;

/// Characters that one grapheme may hold; longer ones are conjuncts nobody can read in one cell.
const CHARS: usize = 6;

/// Bytes looked at per cell wanted, so that a megabyte of text costs no more than a line of it.
const BYTES_PER_CELL: usize = 32;

/// Whether a character must never reach a cell: it controls, reorders or hides, or terminals do not agree about the
/// width it gives to its neighbours (joiners, variation selectors, skin tones).
pub fn is_forbidden(c: char) -> bool {
    is_harmful(c)
        || matches!(c,
            '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Text that is ready for cells.
struct Fitted<'a> {
    text: Cow<'a, str>,
    cells: usize,
    /// Every character is a grapheme of its own, as [`simple_width`] knows it.
    simple: bool,
}

/// Text made harmless, on one line, at most `width` cells wide; what is cut off is marked by `…`.
pub fn fit(raw: &str, width: usize) -> Cow<'_, str> {
    fitted(raw, width).text
}

fn fitted(raw: &str, width: usize) -> Fitted<'_> {
    fit_simple(raw, width).unwrap_or_else(|| {
        let text = fit_any(raw, width);
        Fitted { cells: text.width(), text, simple: false }
    })
}

/// [`fit_any`] for text of simple characters, which is nearly all there is: no search for graphemes, no copy of what
/// fits. `None` where another character comes before the cut.
fn fit_simple(raw: &str, width: usize) -> Option<Fitted<'_>> {
    let (mut used, mut spaces) = (0, 0);
    let (mut cut_at, mut cells_at_cut) = (0, 0);
    for (at, c) in raw.char_indices() {
        let cells = simple_width(c)?;
        spaces = if c == ' ' { spaces + 1 } else { 0 };
        if spaces > 2 {
            return None;
        }
        if used < width {
            (cut_at, cells_at_cut) = (at, used);
        }
        used += cells;
        if used > width {
            let kept = raw[..cut_at].trim_end_matches(' ');
            let text = if width == 0 { String::new() } else { format!("{kept}…") };
            let cells = if width == 0 { 0 } else { cells_at_cut - (cut_at - kept.len()) + 1 };
            return Some(Fitted { text: Cow::Owned(text), cells, simple: true });
        }
    }
    Some(Fitted { text: Cow::Borrowed(raw), cells: used, simple: true })
}

/// The cells of a character that is a grapheme of its own beside any other such character.
const fn simple_width(c: char) -> Option<usize> {
    match c {
        ' '..='~'
        | '\u{a1}'..='\u{ac}'
        | '\u{ae}'..='\u{2ff}'
        | '\u{370}'..='\u{377}'
        | '\u{38e}'..='\u{3a1}'
        | '\u{3a3}'..='\u{482}'
        | '\u{48a}'..='\u{52f}'
        | '\u{2010}'..='\u{2027}'
        | '\u{2500}'..='\u{25fc}'
        | '\u{2605}' => Some(1),
        '\u{3041}'..='\u{3096}' | '\u{30a0}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => {
            Some(2)
        }
        _ => None,
    }
}

fn fit_any(raw: &str, width: usize) -> Cow<'_, str> {
    let (seen, whole) = prefix(raw, width.saturating_add(2).saturating_mul(BYTES_PER_CELL));
    let mut out = String::with_capacity(seen.len().min(width * 4));
    let (mut used, mut cut_at) = (0, 0);
    let mut graphemes = seen.graphemes(true);
    let mut fits = whole;
    for grapheme in graphemes.by_ref() {
        let before = out.len();
        push_harmless(&mut out, grapheme);
        let cells = out[before..].width();
        if used + cells > width {
            out.truncate(before);
            fits = false;
            break;
        }
        used += cells;
        if used < width {
            cut_at = out.len();
        }
    }
    if fits || width == 0 {
        return Cow::Owned(out);
    }
    out.truncate(cut_at);
    out.truncate(out.trim_end().len());
    out.push('…');
    Cow::Owned(out)
}

/// Text made harmless and broken into lines at most `width` cells wide, at most `lines` of them.
pub fn wrap(raw: &str, width: usize, lines: usize) -> Vec<String> {
    if width == 0 || lines == 0 {
        return Vec::new();
    }
    let whole = fit(raw, width * lines);
    let mut out: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in whole.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        while line.width() + usize::from(!line.is_empty()) + word.width() > width {
            if line.is_empty() {
                let head = head_of(word, width);
                line.push_str(head);
                word = &word[head.len()..];
            }
            out.push(std::mem::take(&mut line));
            if out.len() == lines {
                return out;
            }
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        out.push(line);
    }
    out
}

/// Writes text at a place, made harmless and at most `width` cells wide; returns the cells it took.
pub fn put(buf: &mut Buffer, x: u16, y: u16, width: u16, raw: &str, style: Style) -> u16 {
    let width = width.min(buf.area().right().saturating_sub(x));
    if raw.len() <= usize::from(width) && write_ascii(buf, x, y, raw, style) {
        return raw.len() as u16;
    }
    write(buf, x, y, &fitted(raw, usize::from(width)), style)
}

/// Writes ASCII that fits, in one pass. False where the text turns out to be something else: what was written then
/// is the beginning of what [`write`] writes.
fn write_ascii(buf: &mut Buffer, x: u16, y: u16, raw: &str, style: Style) -> bool {
    if y < buf.area().top() || y >= buf.area().bottom() || x < buf.area().left() || x >= buf.area().right() {
        return false;
    }
    let from = buf.index_of(x, y);
    let mut spaces = 0;
    for (at, cell) in buf.content[from..].iter_mut().take(raw.len()).enumerate() {
        let byte = raw.as_bytes()[at];
        spaces = if byte == b' ' { spaces + 1 } else { 0 };
        if !(b' '..=b'~').contains(&byte) || spaces > 2 {
            return false;
        }
        if byte != b' ' || cell.symbol() != " " {
            cell.set_symbol(&raw[at..=at]);
        }
        cell.set_style(style);
    }
    true
}

/// Writes text so that it ends at the right edge of `width` cells; returns the cells it took.
pub fn put_right(buf: &mut Buffer, x: u16, y: u16, width: u16, raw: &str, style: Style) -> u16 {
    let text = fitted(raw, usize::from(width));
    let x = x + width.saturating_sub(text.cells as u16);
    if x + text.cells as u16 > buf.area().right() {
        return put(buf, x, y, text.cells as u16, &text.text, style);
    }
    write(buf, x, y, &text, style)
}

fn write(buf: &mut Buffer, x: u16, y: u16, text: &Fitted<'_>, style: Style) -> u16 {
    let area = *buf.area();
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return 0;
    }
    if !text.simple {
        let (end, _) = buf.set_stringn(x, y, &text.text, text.cells, style);
        return end - x;
    }
    let from = buf.index_of(x, y);
    let mut cells = buf.content[from..].iter_mut();
    for (at, c) in text.text.char_indices() {
        let Some(cell) = cells.next() else { break };
        cell.set_symbol(&text.text[at..at + c.len_utf8()]).set_style(style);
        if simple_width(c) == Some(2) {
            cells.next().map(ratatui::buffer::Cell::reset);
        }
    }
    text.cells as u16
}

/// The cells that a text takes once it is harmless, at most `most`.
pub fn width(raw: &str, most: usize) -> usize {
    fitted(raw, most).cells
}

/// A customer's name as this viewer may see it.
pub fn customer_name(name: &str, privacy: Privacy) -> Cow<'_, str> {
    match privacy {
        Privacy::None => Cow::Borrowed(name),
        Privacy::Initials => Mask::Initials.apply(prefix(name, 256).0),
        Privacy::All => Mask::All.apply(name),
    }
}

/// An agent's name as this viewer may see it.
pub fn agent_name(name: &str, privacy: Privacy) -> Cow<'_, str> {
    match privacy {
        Privacy::None | Privacy::Initials => Cow::Borrowed(name),
        Privacy::All => Mask::Initials.apply(prefix(name, 256).0),
    }
}

/// Subjects and messages as this viewer may see them: free text names people, so a mask hides all of it.
pub fn free_text(text: &str, privacy: Privacy) -> &str {
    if privacy == Privacy::None { text } else { "•••" }
}

/// At most `most` bytes from the front, and whether that is all there is.
fn prefix(raw: &str, most: usize) -> (&str, bool) {
    if raw.len() <= most {
        return (raw, true);
    }
    let end = (0..=most).rev().find(|&at| raw.is_char_boundary(at)).unwrap_or(0);
    (&raw[..end], false)
}

/// As many graphemes from the front as fit, but at least one.
fn head_of(word: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in word.grapheme_indices(true) {
        used += grapheme.width();
        if used > width && at > 0 {
            return &word[..at];
        }
    }
    word
}

/// Adds one grapheme, without what is forbidden; white space of any kind is a space, and never more than two.
fn push_harmless(out: &mut String, grapheme: &str) {
    if grapheme.chars().all(char::is_whitespace) {
        if !out.ends_with("  ") {
            out.push(' ');
        }
        return;
    }
    let (mut marks, mut chars) = (0, 0);
    let start = out.len();
    for c in grapheme.chars() {
        if is_forbidden(c) || chars >= CHARS {
            continue;
        }
        match c.width().unwrap_or(0) {
            0 if out.len() == start || marks >= MARKS => continue,
            0 => marks += 1,
            _ => {}
        }
        chars += 1;
        out.push(flag_letter(c).unwrap_or(c));
    }
}

/// A flag's letter: terminals do not agree how wide a flag is.
fn flag_letter(c: char) -> Option<char> {
    let offset = u32::from(c).checked_sub(0x1_f1e6).filter(|offset| *offset < 26)?;
    char::from_u32(u32::from('A') + offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_lose_their_teeth() {
        assert_eq!(fit("\x1b[31mred\x1b]52;c;aGk=\x07", 40), "[31mred]52;c;aGk=");
        assert_eq!(fit("a\u{9b}31mb", 9), "a31mb");
        assert_eq!(fit("one\r\ntwo\tthree\u{2028}four", 40), "one two three four");
    }

    #[test]
    fn text_can_not_reorder_or_hide() {
        assert_eq!(fit("\u{202e}evil\u{202c} \u{2066}x\u{2069}\u{200f}\u{61c}", 40), "evil x");
        assert_eq!(fit(&"\u{200b}".repeat(9_000), 40), "…");
        assert_eq!(fit("a\u{200d}b\u{feff}c\u{e0041}", 40), "abc");
    }

    #[test]
    fn marks_are_capped_but_languages_stay() {
        let zalgo = format!("z{}o", "\u{335}".repeat(30));
        assert_eq!(fit(&zalgo, 10).chars().filter(|c| *c == '\u{335}').count(), MARKS);
        for name in ["łukasz w.", "Elif Şahin", "Nguyễn Thị Hương", "山田 太郎", "สมชาย", "مريم"]
        {
            assert_eq!(fit(name, 40), name);
        }
        assert_eq!(fit("👨‍👩‍👧 ok 🇮🇹 ☎️ 👍🏽", 40), "👨👩👧 ok IT ☎ 👍");
    }

    #[test]
    fn what_is_cut_is_marked() {
        assert_eq!(fit("Bogdan Ilie", 11), "Bogdan Ilie");
        assert_eq!(fit("Bogdan Ilie", 10), "Bogdan Il…");
        assert_eq!(fit("Bogdan Ilie", 8), "Bogdan…");
        assert_eq!(fit("山田太郎", 7), "山田太…");
        assert_eq!(fit("山田太郎", 6), "山田…");
        assert_eq!((fit("ab", 1), fit("ab", 0)), ("…".into(), "".into()));
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_way_gives(
            text in "( |[a-z]|[à-öČśŁ]|[α-ωа-яЁ]|[–…●◐▇★]|[あ-んア-ンー]|[山田太郎한글]|[\u{301}\u{200d}🎉]){0,30}",
            width in 0_usize..40,
        ) {
            let (short, long) = (fitted(&text, width), fit_any(&text, width));
            prop_assert_eq!(&short.text, &long);
            prop_assert_eq!(short.cells, long.width());
            let mut cells = Buffer::empty(ratatui::layout::Rect::new(0, 0, 42, 1));
            let mut wanted = cells.clone();
            put(&mut cells, 1, 0, width as u16, &text, Style::new().bold());
            wanted.set_stringn(1, 0, &long, width, Style::new().bold());
            prop_assert_eq!(cells, wanted);
        }
    }

    #[test]
    fn a_simple_character_stands_alone() {
        let simple: Vec<char> = ('\0'..=char::MAX).filter(|&c| simple_width(c).is_some()).collect();
        for &c in &simple {
            assert!(!is_forbidden(c) && simple_width(c) == c.width(), "{c:?}");
        }
        for pair in simple.windows(2) {
            let text: String = pair.iter().collect();
            assert_eq!(text.graphemes(true).count(), 2, "{text:?}");
            assert_eq!(text.width(), pair.iter().filter_map(|c| c.width()).sum::<usize>(), "{text:?}");
        }
    }

    #[test]
    fn a_megabyte_is_cut_before_it_is_measured() {
        let flood = "x".repeat(1_000_000);
        assert_eq!(fit(&flood, 5), "xxxx…");
        assert_eq!(prefix(&flood, 100).0.len(), 100);
        assert_eq!(prefix("ażb", 2), ("a", false));
    }

    #[test]
    fn masks_leave_initials_or_nothing() {
        assert_eq!(customer_name("Mario de Rossi", Privacy::Initials), "M.d.R.");
        assert_eq!(customer_name("mario.rossi@example.com", Privacy::Initials), "m.r.");
        assert_eq!(customer_name("M. Rossi", Privacy::All), "•••");
        assert_eq!(agent_name("Ana Petrović", Privacy::Initials), "Ana Petrović");
        assert_eq!(agent_name("Ana Petrović", Privacy::All), "A.P.");
        assert_eq!(free_text("for M. Rossi", Privacy::Initials), "•••");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("the parcel never came", 10, 3), ["the parcel", "never came"]);
        assert_eq!(wrap("abcdefghij kl", 4, 3), ["abcd", "efgh", "ij…"]);
        assert!(wrap("x", 0, 3).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_forbidden_gets_through_and_nothing_is_too_wide(raw in any::<String>(), cells in 0_usize..60) {
            let shown = fit(&raw, cells);
            prop_assert!(!shown.chars().any(is_forbidden), "{shown:?}");
            prop_assert!(shown.width() <= cells);
        }

        #[test]
        fn hostile_mixtures_stay_harmless(
            raw in "[a\u{1b}\u{202e}\u{200b}\u{335}\n山\u{1f468}\u{200d}\u{fe0f}\u{1f1ee} ]{0,200}", cells in 0_usize..30
        ) {
            let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 30, 1));
            let took = put(&mut buf, 0, 0, cells as u16, &raw, Style::default());
            prop_assert!(usize::from(took) <= cells);
            for line in wrap(&raw, cells, 3) {
                prop_assert!(line.width() <= cells.max(2) && !line.chars().any(is_forbidden));
            }
            for x in took..30 {
                prop_assert_eq!(buf[(x, 0)].symbol(), " ");
            }
        }
    }
}
