//! What a session begins with, from the config and the environment of the terminal.

use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use chrono::{Local, Offset};

use super::failure::Failure;
use crate::app::{Keymap, KeymapError, Privacy};
use crate::config::Config;
use crate::config::file::Clock;
use crate::event::Timestamp;
use crate::term::Setup;
use crate::text::{Mask, nearest};
use crate::ui::{ColorDepth, Mode, Theme, Themes};

/// The key map of the config; every problem names where it was set.
fn keymap(config: &Config) -> Result<Keymap, Failure> {
    let overrides = config.keys.iter().map(|(action, keys)| (action.as_str(), keys.as_slice()));
    Keymap::new(overrides).map_err(|errors| {
        // Of two actions with one key, the config may have set only one.
        let place = |error: &KeymapError| {
            let action = error.actions().into_iter().find(|action| config.keys.contains_key(*action));
            config.places.of(&format!("keys.{}", action.unwrap_or_default()))
        };
        let lines: Vec<_> = errors.iter().map(|error| format!("{}: {error}", place(error))).collect();
        Failure::usage(lines.join("\n"))
    })
}

/// The themes there are: those that come with the program, and those in `themes` beside the config file, where a
/// theme of the same name wins.
fn themes(config: Option<&Path>) -> Result<Themes, Failure> {
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

/// The key map of the config, and the themes with the one that it names among them: what it says of the board and can
/// say wrong. Checked for every command, for a config is right or wrong whoever reads it.
pub fn look(config: &Config) -> Result<(Keymap, Themes), Failure> {
    let keymap = keymap(config)?;
    let themes = themes(config.path.as_deref())?;
    let name = &config.board.theme;
    if themes.get(name).is_none() {
        let meant = nearest(name, themes.names());
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
        let (place, known) = (config.places.of("board.theme"), themes.names().collect::<Vec<_>>().join(", "));
        return Err(Failure::usage(format!("{place}: no theme is named `{name}`\n  {meant}there are: {known}")));
    }
    Ok((keymap, themes))
}

/// What a session begins with.
pub fn setup(config: &Config, mode: Mode) -> Result<Setup, Failure> {
    let (keymap, themes) = look(config)?;
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
        keymap: Arc::new(keymap),
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
