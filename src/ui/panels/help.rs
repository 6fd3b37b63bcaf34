//! Every key that does something, from the live key map, and what the signs mean.

use std::borrow::Cow;
use std::iter;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use strum::IntoEnumIterator;

use super::tiles;
use crate::app::{ACTIONS, Action, Keymap, ListRegion, Pane, Regions, Scope, Screen};
use crate::metrics::history::Row;
use crate::ui::scene::Scene;
use crate::ui::text::{put, put_right, wrap};
use crate::ui::theme::Role;
use crate::ui::widgets::{area_of, frame, inside};

/// The most lines that one definition takes.
const DEFINITION: usize = 6;

/// A line: keys or sign, what it is, and the action's name for `:` and the config.
type Line = (String, Cow<'static, str>, String, Role);

/// Cells before what a line says.
const KEYS: u16 = 18;

const SIGNS: &[(&str, &str, Role)] = &[
    ("▲", "past the warning, or the source is in trouble", Role::Warning),
    ("‼", "past the limit, or a target of the help desk is missed", Role::Breach),
    ("●", "online or busy; a source that is fresh", Role::Good),
    ("◐ ○", "away, offline", Role::Dim),
    ("?", "the source does not tell whether they are here", Role::Dim),
    ("–", "not known; the page of sources says why", Role::Dim),
    ("~", "a part of the figure is stale or missing: a source is", Role::Warning),
    ("was 18", "what the figure was at the same hour a week ago", Role::Dim),
    ("★", "a customer of the segment vip", Role::Vip),
];

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let inner = inside(area);
    let columns = if inner.width >= 150 { 2 } else { 1 };
    let lines = all(scene, usize::from((inner.width / columns as u16).saturating_sub(KEYS + 2)));
    let room = usize::from(inner.height) * columns;
    let top = scene.view.help.unwrap_or(0).min(lines.len().saturating_sub(room));
    let note = if lines.len() > room { scroll(&scene.view.keymap, top, room, lines.len()) } else { String::new() };
    frame(buf, scene, area, "Help", &note, true);
    let width = inner.width / columns as u16;
    regions.lists.push(ListRegion { pane: Pane::Help, rows: area_of(inner) });
    for (at, (keys, what, name, role)) in lines.iter().skip(top).take(room).enumerate() {
        let (column, line) = (at / usize::from(inner.height), at % usize::from(inner.height));
        let (x, y) = (inner.x + column as u16 * width, inner.y + line as u16);
        let room = width.saturating_sub(2);
        if what.is_empty() {
            put(buf, x, y, room, keys, scene.style(Role::Title));
            continue;
        }
        put(buf, x + 2, y, 16.min(room), keys, scene.style(*role));
        let took = put(buf, x + KEYS, y, room.saturating_sub(KEYS), what, scene.style(Role::Canvas));
        put_right(buf, x + 19 + took, y, room.saturating_sub(19 + took), name, scene.style(Role::Dim));
    }
}

/// Which lines are shown, and how to see the others.
fn scroll(keymap: &Keymap, top: usize, room: usize, all: usize) -> String {
    let keys: Vec<&str> = [Action::Down, Action::Up].into_iter().filter_map(|action| keymap.label(action)).collect();
    format!("{} to scroll · {}–{}/{all}", keys.join(" "), top + 1, top + room)
}

/// What help says of the page that is shown: the figure that is selected first, those of the board last.
fn all(scene: &Scene<'_>, room: usize) -> Vec<Line> {
    let view = scene.view;
    let is_on = |screen| view.screen == screen && view.drills.is_empty();
    let selected = view.history.selected().filter(|_| is_on(Screen::History));
    let mut all: Vec<Line> = Vec::new();
    if let Some(figure) = selected {
        all.push(heading("The selected figure"));
        all.extend(definition(figure.row.title, figure.row, room));
        all.push(blank());
    }
    all.extend(lines(&view.keymap));
    if is_on(Screen::Board) {
        all.push(blank());
        all.push(heading("Figures"));
        all.extend(tiles::explained().flat_map(|(title, row)| definition(title, row, room)));
    }
    all
}

fn heading(text: &str) -> Line {
    (text.to_owned(), "".into(), String::new(), Role::Title)
}

fn blank() -> Line {
    (String::new(), " ".into(), String::new(), Role::Dim)
}

/// What a figure of the registry means.
fn definition(title: &str, row: &'static Row, room: usize) -> Vec<Line> {
    let text = wrap(row.definition, room, DEFINITION);
    let names = iter::once(title.to_owned()).chain(iter::repeat(String::new()));
    let line = |(name, text): (String, String)| (name, Cow::Owned(text), String::new(), Role::Figure);
    names.zip(text).map(line).collect()
}

/// All keys and signs, group by group.
fn lines(keymap: &Keymap) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for scope in Scope::iter() {
        lines.push(heading(&scope.to_string()));
        for row in ACTIONS.iter().filter(|row| row.scope == scope) {
            let keys = keymap.keys(row.action).join(" ");
            let keys = if keys.is_empty() { format!(":{}", row.action) } else { keys };
            lines.push((keys, row.help.into(), row.action.to_string(), Role::Accent));
        }
        lines.push(blank());
    }
    lines.push(heading("Signs"));
    lines.extend(SIGNS.iter().map(|(sign, what, role)| ((*sign).to_owned(), (*what).into(), String::new(), *role)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_follows_the_key_map() {
        let keys = ["x".to_owned()];
        let keymap = Keymap::new([("freeze", keys.as_slice()), ("theme", &[])]).unwrap();
        let lines = lines(&keymap);
        let keys_of = |action: &str| lines.iter().find(|line| line.2 == action).map(|line| line.0.clone());
        assert_eq!(keys_of("freeze").as_deref(), Some("x"));
        assert_eq!(keys_of("theme").as_deref(), Some(":theme"));
        assert_eq!(keys_of("quit").as_deref(), Some("q ctrl-c"));
        assert!(ACTIONS.iter().all(|row| keys_of(&row.action.to_string()).is_some()));
    }
}
