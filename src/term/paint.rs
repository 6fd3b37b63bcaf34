//! Frames into bytes, as few as possible: only cells that changed, the shortest way from one to the next, and only
//! the part of a style that differs.
//!
//! ratatui's own backend hides the cursor, resets the style and addresses each run of cells in full with every
//! frame; on a board where some thirty waits tick each second that is kilobytes. A column of ticking digits costs
//! three bytes a digit here.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use unicode_width::UnicodeWidthStr;

use crate::app::{Area, LinkRegion};

/// From here on a frame is worth the bytes that keep it from tearing.
const TEARS: usize = 400;

/// Up to so many changed cells it is worth trying every order.
const FEW: usize = 200;

/// Where the cursor is, as far as that is certain, and the look of what is written next.
type Stand = (Option<(u16, u16)>, Look);

/// An order to write cells in.
#[derive(Debug, Clone, Copy)]
enum Order {
    Lines,
    Columns,
    Looks,
}

/// A symbol that no frame holds (it is for private use), so that its cell counts as changed.
const ELSE: &str = "\u{f8ff}";

const BEGIN_SYNC: &str = "\x1b[?2026h";
const END_SYNC: &str = "\x1b[?2026l";

/// The look of what is written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// What begins a sign.
const STARTS: [(Modifier, &str); 5] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::REVERSED, "7"),
];

/// What ends signs; one code ends both bold and dim.
const ENDS: [(Modifier, &str); 4] = [
    (Modifier::BOLD.union(Modifier::DIM), "22"),
    (Modifier::ITALIC, "23"),
    (Modifier::UNDERLINED, "24"),
    (Modifier::REVERSED, "27"),
];

const PLAIN: Look = Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// What the terminal shows, and how to make it show something else.
#[derive(Debug)]
pub struct Painter {
    shown: Buffer,
    links: Vec<LinkRegion>,
    blank: bool,
    /// Where the terminal's cursor is, while that is certain.
    at: Option<(u16, u16)>,
    look: Look,
}

impl Painter {
    /// A screen of unknown content.
    pub fn new(width: u16, height: u16) -> Self {
        let area = Rect::new(0, 0, width.max(1), height.max(1));
        Self { shown: Buffer::empty(area), links: Vec::new(), blank: true, at: None, look: PLAIN }
    }

    /// The cells there are.
    pub fn area(&self) -> Rect {
        *self.shown.area()
    }

    /// Forgets what the terminal shows: the next frame draws every cell.
    pub fn forget(&mut self) {
        let area = self.area();
        *self = Self::new(area.width, area.height);
    }

    /// The bytes that turn what is shown into `next`; none where nothing changed.
    pub fn frame(&mut self, next: &Buffer, links: &[LinkRegion]) -> Vec<u8> {
        let mut out = String::new();
        if self.blank {
            out.push_str("\x1b[0m\x1b[2J");
            (self.look, self.at, self.blank) = (PLAIN, None, false);
        }
        let new_links = self.links != links;
        if new_links {
            self.unlink();
        }
        let shown = std::mem::replace(&mut self.shown, next.clone());
        let (changes, wide) = differences(&shown, next);
        // Wide characters disturb their neighbours: only from left to right does each end up as meant.
        let any_order = changes.len() <= FEW && !wide;
        self.write(&mut out, changes, any_order);
        if new_links {
            for link in links {
                self.link(&mut out, next, link);
            }
            self.links = links.to_vec();
        }
        if out.len() > TEARS {
            out.insert_str(0, BEGIN_SYNC);
            out.push_str(END_SYNC);
        }
        out.into_bytes()
    }

    /// Writes cells in the order that costs least: line by line for a new screen, by look and column for ticking digits.
    fn write(&mut self, out: &mut String, mut changes: Vec<Change<'_>>, any_order: bool) {
        if !any_order {
            for (x, y, cell) in changes {
                self.cell(out, x, y, cell);
            }
            return;
        }
        let start = (self.at, self.look);
        let mut best: Option<(String, Stand)> = None;
        for order in [Order::Lines, Order::Columns, Order::Looks] {
            match order {
                Order::Lines => {}
                Order::Columns => changes.sort_by_key(|(x, y, _)| (*x, *y)),
                Order::Looks => changes.sort_by_cached_key(|(x, y, cell)| {
                    let look = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
                    (look != start.1, format!("{look:?}"), *x, *y)
                }),
            }
            (self.at, self.look) = start;
            let mut way = String::new();
            for (x, y, cell) in &changes {
                self.cell(&mut way, *x, *y, cell);
            }
            if best.as_ref().is_none_or(|(shortest, _)| way.len() < shortest.len()) {
                best = Some((way, (self.at, self.look)));
            }
        }
        if let Some((way, end)) = best {
            out.push_str(&way);
            (self.at, self.look) = end;
        }
    }

    /// Makes the cells of old links differ from anything, so that they are written anew and lose the link.
    fn unlink(&mut self) {
        let areas: Vec<Area> = self.links.iter().map(|link| link.area).collect();
        for area in areas {
            for (x, y) in cells(area, self.area()) {
                self.shown[(x, y)].set_symbol(ELSE);
            }
        }
    }

    fn link(&mut self, out: &mut String, next: &Buffer, link: &LinkRegion) {
        let mut cells = cells(link.area, self.area()).peekable();
        if cells.peek().is_none() {
            return;
        }
        let _ = write!(out, "\x1b]8;;{}\x1b\\", link.url);
        for (x, y) in cells {
            self.cell(out, x, y, &next[(x, y)]);
        }
        out.push_str("\x1b]8;;\x1b\\");
    }

    fn cell(&mut self, out: &mut String, x: u16, y: u16, cell: &Cell) {
        self.go(out, x, y);
        let mut look = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        let symbol = cell.symbol();
        if symbol == " " && !look.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED) {
            // Nobody sees the colour of a space.
            look = Look { fg: self.look.fg, bg: look.bg, modifier: self.look.modifier };
            if self.look.modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED) {
                look.modifier = Modifier::empty();
            }
        }
        self.style(out, look);
        out.push_str(symbol);
        let next = x + 1;
        self.at = (is_one_cell(symbol) && next < self.area().width).then_some((next, y));
    }

    /// Moves the cursor the shortest way.
    fn go(&mut self, out: &mut String, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        let mut way = if x == 0 { format!("\x1b[{}H", y + 1) } else { format!("\x1b[{};{}H", y + 1, x + 1) };
        if let Some((from_x, from_y)) = self.at
            && y >= from_y
        {
            // In raw mode a line feed goes straight down.
            let down = "\n".repeat(usize::from((y - from_y).min(9)));
            for (start, prefix) in [(from_x, ""), (0, "\r")] {
                let across = match (x.checked_sub(start), start.saturating_sub(x)) {
                    (Some(0), _) => String::new(),
                    (Some(1), _) => "\x1b[C".to_owned(),
                    (Some(right), _) => format!("\x1b[{right}C"),
                    (None, left @ 1..=4) => "\x08".repeat(usize::from(left)),
                    (None, left) => format!("\x1b[{left}D"),
                };
                let relative = format!("{prefix}{across}{down}");
                if y - from_y <= 9 && relative.len() < way.len() {
                    way = relative;
                }
            }
        }
        out.push_str(&way);
        self.at = Some((x, y));
    }

    fn style(&mut self, out: &mut String, look: Look) {
        if look == self.look {
            return;
        }
        let mut codes: Vec<String> = Vec::new();
        let removed = self.look.modifier - look.modifier;
        let mut kept = self.look.modifier - removed;
        for (signs, code) in ENDS {
            if removed.intersects(signs) {
                codes.push(code.to_owned());
                kept -= signs;
            }
        }
        let added = look.modifier - kept;
        codes.extend(STARTS.iter().filter(|(sign, _)| added.contains(*sign)).map(|(_, code)| (*code).to_owned()));
        if look.fg != self.look.fg {
            codes.push(colour_code(look.fg, 30));
        }
        if look.bg != self.look.bg {
            codes.push(colour_code(look.bg, 40));
        }
        if !codes.is_empty() {
            let _ = write!(out, "\x1b[{}m", codes.join(";"));
        }
        self.look = look;
    }
}

/// A cell to write, and where.
type Change<'a> = (u16, u16, &'a Cell);

/// The cells that differ, from left to right and top to bottom, and whether wide characters are among them. Where one
/// comes or goes, the cells that it covers or uncovers are written, too: terminals do not agree what is left of half
/// a character.
fn differences<'a>(old: &Buffer, next: &'a Buffer) -> (Vec<Change<'a>>, bool) {
    let area = *next.area();
    let (mut changes, mut any_wide) = (Vec::new(), false);
    let mut marked = vec![false; usize::from(area.width)];
    for y in 0..area.height {
        let is_wide = |x: u16| is_wide_cell(&old[(x, y)]) || is_wide_cell(&next[(x, y)]);
        let mut todo: Vec<u16> = (0..area.width).filter(|&x| old[(x, y)] != next[(x, y)]).collect();
        if todo.is_empty() {
            continue;
        }
        marked.fill(false);
        while let Some(x) = todo.pop() {
            if x >= area.width || std::mem::replace(&mut marked[usize::from(x)], true) {
                continue;
            }
            if is_wide(x) {
                any_wide = true;
                todo.push(x + 1);
            }
            if x > 0 && is_wide(x - 1) {
                todo.push(x - 1);
            }
        }
        let mut x = 0;
        while x < area.width {
            let cell = &next[(x, y)];
            if marked[usize::from(x)] {
                changes.push((x, y, cell));
            }
            x += if is_wide_cell(cell) { 2 } else { 1 };
        }
    }
    (changes, any_wide)
}

/// The cells of an area that are on the screen.
fn cells(area: Area, screen: Rect) -> impl Iterator<Item = (u16, u16)> {
    let right = area.x.saturating_add(area.width).min(screen.width);
    let bottom = area.y.saturating_add(area.height).min(screen.height);
    (area.y..bottom).flat_map(move |y| (area.x..right).map(move |x| (x, y)))
}

fn is_wide_cell(cell: &Cell) -> bool {
    !cell.symbol().is_ascii() && cell.symbol().width() > 1
}

/// Whether every terminal moves on by exactly one cell.
fn is_one_cell(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let (Some(only), None) = (chars.next(), chars.next()) else { return false };
    matches!(only, ' '..='~' | '\u{a1}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' | '\u{2190}'..='\u{21ff}' | '\u{2212}')
        || matches!(only, '\u{2500}'..='\u{25ff}')
}

/// The SGR code of a colour; `base` is 30 for the foreground and 40 for the background.
fn colour_code(colour: Color, base: u8) -> String {
    let plain = |at: u8| (base + at).to_string();
    let bright = |at: u8| (base + 60 + at).to_string();
    match colour {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    const WIDTH: u16 = 24;
    const HEIGHT: u16 = 8;

    fn buffer(cells: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        for (x, y, text, style) in cells {
            buf.set_string(*x, *y, text, *style);
        }
        buf
    }

    fn colour(of: vt100::Color) -> Color {
        match of {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(at) => Color::Indexed(at),
            vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
        }
    }

    fn assert_shows(terminal: &vt100::Parser, wanted: &Buffer) {
        for y in 0..HEIGHT {
            let mut x = 0;
            while x < WIDTH {
                let (cell, seen) = (&wanted[(x, y)], terminal.screen().cell(y, x).unwrap());
                let symbol = if seen.contents().is_empty() { " " } else { seen.contents() };
                assert_eq!(symbol, cell.symbol(), "at {x},{y}");
                assert_eq!(colour(seen.bgcolor()), cell.bg, "at {x},{y}");
                if cell.symbol() != " " {
                    assert_eq!(colour(seen.fgcolor()), cell.fg, "at {x},{y}");
                    assert_eq!(seen.bold(), cell.modifier.contains(Modifier::BOLD), "at {x},{y}");
                    assert_eq!(seen.inverse(), cell.modifier.contains(Modifier::REVERSED), "at {x},{y}");
                }
                x += if seen.is_wide() { 2 } else { 1 };
            }
        }
    }

    fn style() -> impl Strategy<Value = Style> {
        let colour = || prop_oneof![Just(Color::Reset), Just(Color::Indexed(3)), Just(Color::Rgb(1, 2, 3))];
        let modifier =
            prop_oneof![Just(Modifier::empty()), Just(Modifier::BOLD), Just(Modifier::REVERSED | Modifier::BOLD)];
        (colour(), colour(), modifier).prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
    }

    fn frame() -> impl Strategy<Value = Vec<(u16, u16, String, Style)>> {
        let texts = prop_oneof![
            Just("7"),
            Just("9m 05s"),
            Just("山田"),
            Just("▇▇▁"),
            Just("to the very edge of it"),
            Just(" ")
        ];
        prop::collection::vec((0..WIDTH, 0..HEIGHT, texts.prop_map(str::to_owned), style()), 0..12)
    }

    proptest! {
        /// Whatever the order and the way, the terminal ends up showing the frame.
        #[test]
        fn the_terminal_shows_the_frame(frames in prop::collection::vec(frame(), 1..8)) {
            let mut painter = Painter::new(WIDTH, HEIGHT);
            let mut terminal = vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0);
            for frame in frames {
                let cells: Vec<_> = frame.iter().map(|(x, y, text, style)| (*x, *y, text.as_str(), *style)).collect();
                let wanted = buffer(&cells);
                terminal.process(&painter.frame(&wanted, &[]));
                assert_shows(&terminal, &wanted);
            }
        }
    }

    #[test]
    fn nothing_changed_is_nothing_written() {
        let mut painter = Painter::new(WIDTH, HEIGHT);
        let frame = buffer(&[(2, 1, "18m", Style::new().fg(Color::Red))]);
        assert!(!painter.frame(&frame, &[]).is_empty());
        assert!(painter.frame(&frame, &[]).is_empty());
        painter.forget();
        assert!(!painter.frame(&frame, &[]).is_empty());
    }

    #[test]
    fn a_column_of_ticking_digits_costs_three_bytes_each() {
        let mut painter = Painter::new(WIDTH, HEIGHT);
        let column = |digit: &'static str| (0..HEIGHT).map(|y| (9, y, digit, Style::new())).collect::<Vec<_>>();
        painter.frame(&buffer(&column("1")), &[]);
        painter.frame(&buffer(&column("2")), &[]);
        let bytes = painter.frame(&buffer(&column("3")), &[]);
        assert!(bytes.len() <= 8 + 3 * usize::from(HEIGHT), "{:?}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_link_is_put_around_its_cells_and_taken_away_again() {
        let url = "https://desk.example.com/t/1".to_owned();
        let link = LinkRegion { area: Area { x: 2, y: 1, width: 4, height: 1 }, url };
        let mut painter = Painter::new(WIDTH, HEIGHT);
        let with = buffer(&[(2, 1, "link", Style::new())]);
        let bytes = String::from_utf8(painter.frame(&with, std::slice::from_ref(&link))).unwrap();
        assert!(bytes.contains("\x1b]8;;https://desk.example.com/t/1\x1b\\"), "{bytes:?}");
        assert!(painter.frame(&with, std::slice::from_ref(&link)).is_empty());
        let without = String::from_utf8(painter.frame(&with, &[])).unwrap();
        assert!(without.ends_with("link") && !without.contains("]8;"), "{without:?}");
    }

    #[test]
    fn large_frames_are_held_together_and_small_ones_are_not() {
        let mut painter = Painter::new(200, 50);
        let mut first = Buffer::empty(Rect::new(0, 0, 200, 50));
        for y in 0..50 {
            first.set_string(0, y, "x".repeat(200), Style::new());
        }
        let bytes = String::from_utf8(painter.frame(&first, &[])).unwrap();
        assert!(bytes.starts_with(BEGIN_SYNC) && bytes.ends_with(END_SYNC));
        first.set_string(3, 3, "y", Style::new());
        assert!(!String::from_utf8(painter.frame(&first, &[])).unwrap().contains("2026"));
    }
}
