//! Colours: what a theme may write, and what a terminal can show of it.

use ratatui::style::Color;

/// How many colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    /// None: `NO_COLOR`, or a terminal without.
    None,
    /// The 16 of every terminal.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// All of them.
    True,
}

impl ColorDepth {
    /// What a terminal can show by its environment; the values are those of `NO_COLOR`, `COLORTERM` and `TERM`.
    pub fn detect(no_color: Option<&str>, color_term: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || matches!(term, "" | "dumb") || term.ends_with("-m") {
            Self::None
        } else if matches!(color_term, Some("truecolor" | "24bit")) || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") {
            Self::Indexed256
        } else {
            Self::Ansi16
        }
    }
}

/// The names a theme may use, and the colour of each on a usual terminal.
pub const NAMES: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

/// What xterm makes of the 16 names, `default` left out.
const ANSI: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The steps of one channel in xterm's cube of 6 × 6 × 6.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A colour as a theme writes it: `#rrggbb`, `#rgb` or a name.
pub fn parse(text: &str) -> Option<Color> {
    let Some(digits) = text.strip_prefix('#') else {
        return NAMES.iter().find(|(name, _)| *name == text).map(|(_, colour)| *colour);
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some(Color::from_u32(value)),
        3 => {
            let channel = |shift: u32| ((value >> shift) & 0xf) as u8 * 0x11;
            Some(Color::Rgb(channel(8), channel(4), channel(0)))
        }
        _ => None,
    }
}

/// The nearest of the 16 colours.
pub fn to_ansi16(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let nearest = ANSI.iter().enumerate().min_by_key(|(_, known)| distance((r, g, b), **known));
    nearest.map_or(Color::Reset, |(at, _)| NAMES[at + 1].1)
}

/// The nearest of xterm's cube and grey ramp.
pub fn to_indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let step = |value: u8| (0..6).min_by_key(|&at| STEPS[at].abs_diff(value)).unwrap_or(0);
    let steps = [step(r), step(g), step(b)];
    let grey = (0..24_u8).min_by_key(|at| distance((r, g, b), (8 + 10 * at, 8 + 10 * at, 8 + 10 * at))).unwrap_or(0);
    let shade = 8 + 10 * grey;
    if distance((r, g, b), (shade, shade, shade))
        < distance((r, g, b), (STEPS[steps[0]], STEPS[steps[1]], STEPS[steps[2]]))
    {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed((16 + 36 * steps[0] + 6 * steps[1] + steps[2]) as u8)
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    [(a.0, b.0), (a.1, b.1), (a.2, b.2)].iter().map(|(x, y)| u32::from(x.abs_diff(*y)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_three_ways_and_nothing_else() {
        assert_eq!(parse("#f2766b"), Some(Color::Rgb(0xf2, 0x76, 0x6b)));
        assert_eq!(parse("#abc"), Some(Color::Rgb(0xaa, 0xbb, 0xcc)));
        assert_eq!(parse("light-red"), Some(Color::LightRed));
        for bad in ["", "#", "#12", "#12345", "#gggggg", "#+12345", "Red", "crimson", "#é"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_colour_is_near() {
        assert_eq!(to_ansi16(Color::Rgb(250, 10, 10)), Color::LightRed);
        assert_eq!(to_indexed(Color::Rgb(255, 255, 255)), Color::Indexed(231));
        assert_eq!(to_indexed(Color::Rgb(0x14, 0x17, 0x1c)), Color::Indexed(234));
        assert_eq!(to_indexed(Color::Reset), Color::Reset);
    }

    #[test]
    fn the_environment_tells_the_depth() {
        let depth = ColorDepth::detect;
        assert_eq!(depth(Some("1"), Some("truecolor"), Some("xterm-256color")), ColorDepth::None);
        assert_eq!(depth(Some(""), Some("truecolor"), Some("xterm")), ColorDepth::True);
        assert_eq!(depth(None, None, Some("xterm-256color")), ColorDepth::Indexed256);
        assert_eq!(depth(None, None, Some("linux")), ColorDepth::Ansi16);
        assert_eq!(depth(None, None, Some("dumb")), ColorDepth::None);
    }
}
