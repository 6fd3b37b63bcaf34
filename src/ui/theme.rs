//! Themes: files of roles, not of colours, each role falling back on a broader one.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr, VariantNames};

use super::colour::{self, ColorDepth};

/// What a piece of the screen means; its names are the keys of a theme file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// The ground and plain text.
    Canvas,
    /// What matters less: column titles, units, unknown figures.
    Dim,
    /// Titles of panels.
    Title,
    /// Frames.
    Border,
    /// The frame that has the keys.
    Focus,
    /// The figures that are read from afar.
    Figure,
    /// Keys, links and trends.
    Accent,
    /// All is well.
    Good,
    /// Past the warning.
    Warning,
    /// Past the limit.
    Breach,
    /// The selected row.
    Selected,
    /// DEMO, REPLAY and FROZEN.
    Mark,
    /// Customers of a segment that counts more.
    Vip,
    /// The full part of a bar.
    Bar,
    /// The empty part of a bar.
    Trough,
    /// Data that is old.
    Stale,
}

impl Role {
    /// Whose look a role takes where a theme does not say; `None` for the ground itself.
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Canvas => None,
            Self::Dim | Self::Title | Self::Figure | Self::Accent | Self::Good | Self::Warning | Self::Selected => {
                Some(Self::Canvas)
            }
            Self::Border | Self::Stale => Some(Self::Dim),
            Self::Focus | Self::Bar => Some(Self::Accent),
            Self::Breach | Self::Vip | Self::Mark => Some(Self::Warning),
            Self::Trough => Some(Self::Border),
        }
    }

    /// What tells a role from plain text without any colour.
    const fn signs(self) -> Modifier {
        match self {
            Self::Dim | Self::Border | Self::Stale | Self::Trough => Modifier::DIM,
            Self::Figure | Self::Focus | Self::Breach | Self::Title => Modifier::BOLD,
            Self::Selected | Self::Mark => Modifier::REVERSED,
            Self::Canvas | Self::Accent | Self::Good | Self::Warning | Self::Vip | Self::Bar => Modifier::empty(),
        }
    }
}

/// Why a theme file can't be used: names the file, the key and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Not TOML, or not of the right shape.
    #[error("{file}: {what}")]
    Syntax {
        /// Which file.
        file: String,
        /// The parser's words, with line and column.
        what: String,
    },
    /// A key that is no role.
    #[error("{file}: there is no role `{key}`; the roles are {allowed}")]
    Role {
        /// Which file.
        file: String,
        /// The key.
        key: String,
        /// All roles.
        allowed: String,
    },
    /// A value that is no colour.
    #[error("{file}: `{key}`: {value:?} is no colour; allowed are \"#rrggbb\", \"#rgb\" and {allowed}")]
    Colour {
        /// Which file.
        file: String,
        /// The role and its field.
        key: String,
        /// What was written.
        value: String,
        /// The names.
        allowed: String,
    },
}

/// One value of a colour: for every terminal, or for rich and for poor ones.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Both([String; 2]),
}

/// What a theme may add to a colour.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sign {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

/// One role as a theme file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<Written>,
    bg: Option<Written>,
    #[serde(default)]
    signs: Vec<Sign>,
}

/// The looks of all roles, for terminals of every depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name: the file's, without `.toml`.
    pub name: String,
    rich: Vec<Style>,
    poor: Vec<Style>,
}

impl Theme {
    /// Reads a theme file; `file` is what errors call it.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, ThemeError> {
        let looks: BTreeMap<String, Look> = toml::from_str(text)
            .map_err(|error| ThemeError::Syntax { file: file.to_owned(), what: error.to_string().trim().to_owned() })?;
        let (mut rich, mut poor) = (BTreeMap::new(), BTreeMap::new());
        for (key, look) in looks {
            let role: Role = key.parse().map_err(|_| ThemeError::Role {
                file: file.to_owned(),
                key: key.clone(),
                allowed: Role::VARIANTS.join(", "),
            })?;
            rich.insert(role, style_of(file, &key, &look, 0)?);
            poor.insert(role, style_of(file, &key, &look, 1)?);
        }
        Ok(Self { name: name.to_owned(), rich: resolve(&rich), poor: resolve(&poor) })
    }

    /// The theme as a terminal of that depth shows it.
    pub fn at_depth(&self, depth: ColorDepth) -> Palette {
        let styles = Role::iter().map(|role| match depth {
            ColorDepth::None => Style::new().add_modifier(role.signs()),
            ColorDepth::Ansi16 => self.poor[role as usize],
            ColorDepth::Indexed256 => indexed(self.rich[role as usize]),
            ColorDepth::True => self.rich[role as usize],
        });
        Palette { styles: styles.collect() }
    }
}

/// The styles of one theme on one terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    styles: Vec<Style>,
}

impl Palette {
    /// The style of a role.
    pub fn get(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

/// All themes there are, by name: the built-in ones and the user's.
#[derive(Debug, Clone)]
pub struct Themes {
    list: Vec<Theme>,
}

/// The files of `themes/`, as (name, text).
pub const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/themes.rs"));

impl Themes {
    /// The themes that come with the program.
    pub fn built_in() -> Result<Self, ThemeError> {
        let list = BUILT_IN.iter().map(|(name, text)| Theme::parse(name, &format!("themes/{name}.toml"), text));
        Ok(Self { list: list.collect::<Result<_, _>>()? })
    }

    /// Adds a user's theme; one of the same name is replaced.
    pub fn add(&mut self, theme: Theme) {
        self.list.retain(|known| known.name != theme.name);
        self.list.push(theme);
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|theme| theme.name.as_str())
    }

    /// The theme of that name.
    pub fn get(&self, name: &str) -> Option<&Theme> {
        self.list.iter().find(|theme| theme.name == name)
    }
}

fn style_of(file: &str, key: &str, look: &Look, depth: usize) -> Result<Style, ThemeError> {
    let mut style = Style::new();
    style.fg = colour_of(file, key, "fg", look.fg.as_ref(), depth)?;
    style.bg = colour_of(file, key, "bg", look.bg.as_ref(), depth)?;
    for sign in &look.signs {
        style = style.add_modifier(match sign {
            Sign::Bold => Modifier::BOLD,
            Sign::Dim => Modifier::DIM,
            Sign::Italic => Modifier::ITALIC,
            Sign::Underline => Modifier::UNDERLINED,
            Sign::Reverse => Modifier::REVERSED,
        });
    }
    Ok(style)
}

fn colour_of(
    file: &str,
    key: &str,
    field: &str,
    written: Option<&Written>,
    depth: usize,
) -> Result<Option<Color>, ThemeError> {
    let text = match written {
        None => return Ok(None),
        Some(Written::One(text)) => text,
        Some(Written::Both(both)) => &both[depth],
    };
    let parsed = colour::parse(text).ok_or_else(|| ThemeError::Colour {
        file: file.to_owned(),
        key: format!("{key}.{field}"),
        value: text.clone(),
        allowed: colour::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    })?;
    Ok(Some(if depth == 1 { colour::to_ansi16(parsed) } else { parsed }))
}

/// Every role's style, what it does not say taken from its parent.
fn resolve(said: &BTreeMap<Role, Style>) -> Vec<Style> {
    Role::iter().map(|role| inherited(role, said)).collect()
}

fn inherited(role: Role, said: &BTreeMap<Role, Style>) -> Style {
    let base = role.parent().map_or_else(Style::new, |parent| inherited(parent, said));
    match said.get(&role) {
        // A look of its own replaces the parent's signs; only the ground shows through.
        Some(own) => {
            Style { fg: own.fg.or(base.fg), bg: own.bg.or_else(|| said.get(&Role::Canvas).and_then(|s| s.bg)), ..*own }
        }
        None => base,
    }
}

fn indexed(style: Style) -> Style {
    Style { fg: style.fg.map(colour::to_indexed), bg: style.bg.map(colour::to_indexed), ..style }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_theme_says_every_role() {
        let themes = Themes::built_in().unwrap();
        assert_eq!(themes.names().collect::<Vec<_>>(), ["dark", "high-contrast", "light"]);
        for (name, text) in BUILT_IN {
            let said: toml::Table = text.parse().unwrap();
            assert_eq!(said.len(), Role::VARIANTS.len(), "{name}");
        }
    }

    #[test]
    fn a_missing_role_takes_its_parents_look() {
        let theme =
            Theme::parse("x", "x.toml", "canvas = { bg = \"black\" }\nwarning = { fg = \"red\", signs = [\"bold\"] }")
                .unwrap();
        let palette = theme.at_depth(ColorDepth::True);
        assert_eq!(palette.get(Role::Breach), palette.get(Role::Warning));
        assert_eq!(palette.get(Role::Breach).fg, Some(Color::Red));
        assert_eq!(palette.get(Role::Breach).bg, Some(Color::Black));
        assert_eq!(palette.get(Role::Dim).fg, None);
    }

    #[test]
    fn a_bad_theme_says_where_and_what_is_allowed() {
        let message = |text| Theme::parse("mine", "/etc/mine.toml", text).unwrap_err().to_string();
        let role = message("titel = { fg = \"red\" }");
        assert!(
            role.starts_with("/etc/mine.toml: there is no role `titel`; the roles are canvas, dim, title"),
            "{role}"
        );
        let colour = message("title = { fg = \"#12\" }");
        assert!(colour.contains("`title.fg`: \"#12\" is no colour") && colour.contains("light-red"), "{colour}");
        let shape = message("title = { foreground = \"red\" }");
        assert!(shape.contains("line 1") && shape.contains("foreground"), "{shape}");
    }

    #[test]
    fn poor_terminals_get_the_16_colours_and_no_color_gets_none() {
        let themes = Themes::built_in().unwrap();
        for theme in &themes.list {
            for role in Role::iter() {
                let poor = theme.at_depth(ColorDepth::Ansi16).get(role);
                for colour in [poor.fg, poor.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{} {role}", theme.name);
                }
                let plain = theme.at_depth(ColorDepth::None).get(role);
                assert_eq!((plain.fg, plain.bg), (None, None));
                let indexed = theme.at_depth(ColorDepth::Indexed256).get(role);
                assert!(!matches!(indexed.fg, Some(Color::Rgb(..))));
            }
        }
    }
}
