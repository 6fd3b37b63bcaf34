//! Figures three lines high, to be read across a room.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::text::put;

/// Lines that a big figure takes.
pub(super) const LINES: u16 = 3;

const DIGITS: [[&str; LINES as usize]; 10] = [
    ["█▀█", "█ █", "▀▀▀"],
    ["▀█ ", " █ ", "▀▀▀"],
    ["▀▀█", "█▀▀", "▀▀▀"],
    ["▀▀█", " ▀█", "▀▀▀"],
    ["█ █", "▀▀█", "  ▀"],
    ["█▀▀", "▀▀█", "▀▀▀"],
    ["█▀▀", "█▀█", "▀▀▀"],
    ["▀▀█", "  █", "  ▀"],
    ["█▀█", "█▀█", "▀▀▀"],
    ["█▀█", "▀▀█", "▀▀▀"],
];

/// The cells that a text takes: digits are big, all else stays one cell at the foot of the line.
pub(super) fn width(text: &str) -> u16 {
    text.chars().map(|c| if c.is_ascii_digit() { 4 } else { 1 }).sum()
}

/// Writes a text with big digits; returns the cells it took.
pub(super) fn draw(buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let mut at = x;
    for c in text.chars() {
        if let Some(glyph) = c.to_digit(10).and_then(|digit| DIGITS.get(digit as usize)) {
            for (line, cells) in (y..).zip(glyph) {
                put(buf, at, line, 3, cells, style);
            }
            at += 4;
        } else {
            put(buf, at, y + LINES - 1, 1, c.encode_utf8(&mut [0; 4]), style);
            at += 1;
        }
    }
    at - x
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn digits_are_big_and_units_are_not() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 3));
        assert_eq!((draw(&mut buf, 0, 0, "12m", Style::new()), width("12m")), (9, 9));
        assert_eq!(buf, Buffer::with_lines(["▀█  ▀▀█   ", " █  █▀▀   ", "▀▀▀ ▀▀▀ m "]));
    }
}
