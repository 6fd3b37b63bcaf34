//! The line of input at the foot of the screen: the filter, which works while it is typed, and commands by name.

use std::sync::Arc;

use crokey::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use strum::VariantNames;
use tui_input::InputRequest;

use super::action::Action;
use super::keymap::{meant, nearest_action};
use super::update::{Effect, act, say};
use super::view::{PromptKind, ViewState};
use crate::board::BoardSnapshot;
use crate::event::Timestamp;

/// Characters that a line of input may hold.
const LIMIT: usize = 200;

/// What a key does while a line is typed.
pub(super) fn on_prompt_key(
    view: &mut ViewState,
    newest: &Arc<BoardSnapshot>,
    now: Timestamp,
    key: KeyEvent,
    effects: &mut Vec<Effect>,
) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => cancel(view),
        KeyCode::Char('c') if control => cancel(view),
        KeyCode::Enter => accept(view, newest, now, effects),
        _ => {
            let Some(prompt) = &mut view.prompt else { return };
            let full = prompt.input.value().chars().count() >= LIMIT;
            if key.code == KeyCode::Backspace && prompt.input.value().is_empty() {
                return cancel(view);
            }
            if let Some(request) = request(key.code, control, full) {
                prompt.input.handle(request);
            }
            follow(view);
        }
    }
}

/// Text from the clipboard belongs in a line of input; anywhere else it would run keys.
pub(super) fn paste(view: &mut ViewState, text: &str) {
    let Some(prompt) = &mut view.prompt else { return };
    for c in text.chars().filter(|c| !c.is_control()) {
        if prompt.input.value().chars().count() >= LIMIT {
            break;
        }
        prompt.input.handle(InputRequest::InsertChar(c));
    }
    follow(view);
}

fn request(code: KeyCode, control: bool, full: bool) -> Option<InputRequest> {
    Some(match code {
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('u') if control => InputRequest::DeleteLine,
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char(c) if !control && !full => InputRequest::InsertChar(c),
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

/// The filter works while it is typed.
fn follow(view: &mut ViewState) {
    if let Some(prompt) = view.prompt.as_ref().filter(|prompt| prompt.kind == PromptKind::Filter) {
        prompt.input.value().clone_into(&mut view.filter);
    }
}

fn cancel(view: &mut ViewState) {
    if view.prompt.take().is_some_and(|prompt| prompt.kind == PromptKind::Filter) {
        view.filter.clear();
    }
}

fn accept(view: &mut ViewState, newest: &Arc<BoardSnapshot>, now: Timestamp, effects: &mut Vec<Effect>) {
    let Some(prompt) = view.prompt.take() else { return };
    if prompt.kind == PromptKind::Filter {
        return;
    }
    let typed = prompt.input.value().trim();
    let (name, argument) = typed.split_once(' ').map_or((typed, ""), |(name, argument)| (name, argument.trim()));
    match (command(name), argument) {
        (None, _) if name.is_empty() => {}
        (None, _) => {
            let text = format!("there is no command `{name}`{}", meant(nearest_action(name)));
            say(view, text);
        }
        (Some(Action::Theme), wanted) if !wanted.is_empty() => {
            if view.themes.iter().any(|known| known == wanted) {
                wanted.clone_into(&mut view.theme);
            } else {
                let text = format!("there is no theme `{wanted}`; there are {}", view.themes.join(", "));
                say(view, text);
            }
        }
        (Some(Action::Filter), wanted) if !wanted.is_empty() => wanted.clone_into(&mut view.filter),
        (Some(action), _) => act(view, newest, now, action, effects),
    }
}

/// The action of that name, or the only one that begins so.
fn command(name: &str) -> Option<Action> {
    name.parse().ok().or_else(|| {
        let mut fitting = Action::VARIANTS.iter().filter(|known| !name.is_empty() && known.starts_with(name));
        let only = fitting.next()?;
        fitting.next().is_none().then(|| only.parse().ok())?
    })
}
