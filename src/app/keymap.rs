//! Which key does what: the defaults of [`ACTIONS`], overridden by the config.

use std::collections::BTreeMap;

use crokey::KeyCombination;
use crokey::crossterm::event::{KeyCode, KeyModifiers};
use strum::VariantNames;

use super::action::{ACTIONS, Action};
use crate::text::nearest;

/// What is wrong with the `[keys]` of a config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// A name that is no action.
    #[error("there is no action `{name}`{} (`helptop print keys` lists them all)", meant(*.nearest))]
    UnknownAction {
        /// As written.
        name: String,
        /// The action that was meant, where one is near enough.
        nearest: Option<&'static str>,
    },
    /// A key that can't be read.
    #[error(
        "[keys] {action}: {key:?} is no key; write it like \"x\", \"X\", \"ctrl-x\", \"f5\", \"enter\", \"pagedown\""
    )]
    BadKey {
        /// For which action.
        action: Action,
        /// As written.
        key: String,
    },
    /// One key for two actions.
    #[error("{key:?} is bound to `{first}` and to `{second}`: give one of them another key")]
    Duplicate {
        /// The key.
        key: String,
        /// One of them.
        first: Action,
        /// The other.
        second: Action,
    },
    /// Nothing would quit.
    #[error("`quit` needs at least one key: give it one, as in quit = [\"q\"], or leave it out to keep its own")]
    NoQuit,
}

impl KeymapError {
    /// The actions whose keys are at fault, as written.
    pub fn actions(&self) -> Vec<&str> {
        match self {
            Self::UnknownAction { name, .. } => vec![name],
            Self::BadKey { action, .. } => vec![action.into()],
            Self::Duplicate { first, second, .. } => vec![second.into(), first.into()],
            Self::NoQuit => vec![Action::Quit.into()],
        }
    }
}

/// The action that a name was meant to be.
pub(super) fn nearest_action(name: &str) -> Option<&'static str> {
    nearest(name, Action::VARIANTS.iter().copied())
}

/// A question about the name that was meant.
pub(super) fn meant(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Which key does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    by_key: BTreeMap<KeyCombination, Action>,
    by_action: BTreeMap<Action, Vec<String>>,
}

impl Keymap {
    /// The defaults, with the keys of some actions replaced. All that is wrong is told at once.
    pub fn new<'a>(overrides: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Result<Self, Vec<KeymapError>> {
        let mut errors = Vec::new();
        let mut by_action: BTreeMap<Action, Vec<String>> =
            ACTIONS.iter().map(|row| (row.action, row.keys.iter().map(|&key| key.to_owned()).collect())).collect();
        for (name, keys) in overrides {
            match name.parse::<Action>() {
                Ok(action) => drop(by_action.insert(action, keys.to_vec())),
                Err(_) => {
                    errors.push(KeymapError::UnknownAction { name: name.to_owned(), nearest: nearest_action(name) });
                }
            }
        }
        let mut by_key: BTreeMap<KeyCombination, Action> = BTreeMap::new();
        for (&action, keys) in &by_action {
            for key in keys {
                let Some(combination) = parse_key(key) else {
                    errors.push(KeymapError::BadKey { action, key: key.clone() });
                    continue;
                };
                match by_key.insert(combination, action) {
                    Some(first) if first != action => {
                        errors.push(KeymapError::Duplicate { key: key.clone(), first, second: action });
                    }
                    _ => {}
                }
            }
        }
        if by_action.get(&Action::Quit).is_none_or(Vec::is_empty) {
            errors.push(KeymapError::NoQuit);
        }
        if errors.is_empty() { Ok(Self { by_key, by_action }) } else { Err(errors) }
    }

    /// What a key does.
    pub fn action(&self, key: KeyCombination) -> Option<Action> {
        self.by_key.get(&key.normalized()).copied()
    }

    /// The keys of an action, as people write them; the first is the one to show.
    pub fn keys(&self, action: Action) -> &[String] {
        self.by_action.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action as the screen shows it.
    pub fn label(&self, action: Action) -> Option<&str> {
        self.keys(action).first().map(|key| label(key))
    }
}

/// A key as the screen shows it: signs for the keys that have one.
pub fn label(key: &str) -> &str {
    match key {
        "enter" => "⏎",
        "down" => "↓",
        "up" => "↑",
        "pagedown" => "PgDn",
        "pageup" => "PgUp",
        "esc" => "Esc",
        "tab" => "Tab",
        "backtab" => "S-Tab",
        "home" => "Home",
        "end" => "End",
        other => other,
    }
}

/// A key as people write it: `x`, `X`, `ctrl-x`, `f5`, `enter`.
fn parse_key(text: &str) -> Option<KeyCombination> {
    let mut chars = text.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        let shift = if only.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        return (!only.is_control()).then(|| KeyCombination::new(KeyCode::Char(only), shift).normalized());
    }
    crokey::parse(text).ok().map(KeyCombination::normalized)
}

#[cfg(test)]
mod tests {
    use crokey::crossterm::event::KeyEvent;

    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyCombination {
        KeyEvent::new(code, modifiers).into()
    }

    fn with(overrides: &[(&str, &[&str])]) -> Result<Keymap, Vec<KeymapError>> {
        let owned: Vec<(&str, Vec<String>)> =
            overrides.iter().map(|(name, keys)| (*name, keys.iter().map(|&key| key.to_owned()).collect())).collect();
        Keymap::new(owned.iter().map(|(name, keys)| (*name, keys.as_slice())))
    }

    #[test]
    fn defaults_hold_together_and_answer_what_a_terminal_sends() {
        let keymap = with(&[]).unwrap();
        let none = KeyModifiers::NONE;
        for (code, modifiers, action) in [
            (KeyCode::Char('j'), none, Action::Down),
            (KeyCode::Char('G'), KeyModifiers::SHIFT, Action::Last),
            (KeyCode::Char('G'), none, Action::Last),
            (KeyCode::Char('g'), none, Action::First),
            (KeyCode::Char('?'), none, Action::Help),
            (KeyCode::Char(':'), none, Action::Command),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Action::Quit),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Action::PreviousPane),
            (KeyCode::PageDown, none, Action::PageDown),
            (KeyCode::Enter, none, Action::Drill),
        ] {
            assert_eq!(keymap.action(key(code, modifiers)), Some(action), "{code:?}");
        }
        assert_eq!(keymap.action(key(KeyCode::Char('x'), none)), None);
    }

    #[test]
    fn an_override_replaces_all_keys_of_its_action() {
        let keymap = with(&[("freeze", &["x", "F5"]), ("theme", &[])]).unwrap();
        let none = KeyModifiers::NONE;
        assert_eq!(keymap.action(key(KeyCode::Char('x'), none)), Some(Action::Freeze));
        assert_eq!(keymap.action(key(KeyCode::F(5), none)), Some(Action::Freeze));
        assert_eq!(keymap.action(key(KeyCode::Char('f'), none)), None);
        assert_eq!(keymap.action(key(KeyCode::Char('t'), none)), None);
        assert_eq!(keymap.label(Action::Freeze), Some("x"));
        assert_eq!(keymap.label(Action::Theme), None);
    }

    #[test]
    fn what_is_wrong_is_named_all_at_once() {
        let errors = with(&[("freze", &["x"]), ("sort", &["f"]), ("help", &["hyper-x"]), ("quit", &[])]).unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(told[0].contains("no action `freze`; did you mean `freeze`? (`helptop print keys`"));
        assert!(told.iter().any(|text| text.contains("help: \"hyper-x\" is no key")));
        assert!(told.iter().any(|text| text.contains("\"f\" is bound to `sort` and to `freeze`")));
        assert!(told.iter().any(|text| text.contains("`quit` needs at least one key: give it one")));
    }
}
