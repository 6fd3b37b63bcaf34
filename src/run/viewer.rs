//! What a session begins with, from the config and the environment of the terminal.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use chrono::{Local, Offset};

use super::failure::Failure;
use crate::app::{Keymap, Privacy};
use crate::config::Config;
use crate::config::file::Clock;
use crate::event::Timestamp;
use crate::term::Setup;
use crate::text::Mask;
use crate::ui::{ColorDepth, Mode, Theme, Themes};

/// The key map of the config; every problem names where it was set.
pub fn keymap(config: &Config) -> Result<Keymap, Failure> {
    let overrides = config.keys.iter().map(|(action, keys)| (action.as_str(), keys.as_slice()));
    Keymap::new(overrides).map_err(|errors| {
        let lines =
            errors.iter().map(|error| format!("{}: {error}", config.places.of(&format!("keys.{}", error.action()))));
        Failure::usage(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// The themes there are: those that come with the program, and those in `themes` beside the config file, where a
/// theme of the same name wins.
pub fn themes(config: Option<&Path>) -> Result<Themes, Failure> {
    let mut themes = Themes::built_in().map_err(|error| Failure::failed(error.to_string()))?;
    let Some(folder) = config.and_then(Path::parent).map(|folder| folder.join("themes")) else { return Ok(themes) };
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(themes) };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "toml")) {
        let path = file.display().to_string();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("{path}: cannot read the theme: {error}")))?;
        themes.add(Theme::parse(&name, &path, &text).map_err(|error| Failure::usage(error.to_string()))?);
    }
    Ok(themes)
}

/// What a session begins with.
pub fn setup(config: &Config, mode: Mode) -> Result<Setup, Failure> {
    let themes = themes(config.path.as_deref())?;
    if themes.get(&config.board.theme).is_none() {
        let known = themes.names().collect::<Vec<_>>().join(", ");
        let (place, theme) = (config.places.of("board.theme"), &config.board.theme);
        return Err(Failure::usage(format!("{place}: no theme is named `{theme}`\n  there are: {known}")));
    }
    let variable = |name| env::var(name).ok();
    Ok(Setup {
        title: config.board.title.clone(),
        mode,
        themes,
        theme: config.board.theme.clone(),
        privacy: match config.mask {
            Mask::None => Privacy::None,
            Mask::Initials => Privacy::Initials,
            Mask::All => Privacy::All,
        },
        keymap: Arc::new(keymap(config)?),
        depth: ColorDepth::detect(
            variable("NO_COLOR").as_deref(),
            variable("COLORTERM").as_deref(),
            variable("TERM").as_deref(),
        ),
        zone: Arc::new(|at: Timestamp| at.to_utc().with_timezone(&Local).offset().fix()),
        twelve_hours: config.board.clock == Clock::Twelve,
        mouse: config.board.mouse,
    })
}
