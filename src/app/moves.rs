//! Moving about: rows, panels, clicks and steps into a row.

use super::cursor::{Rest, Step};
use super::derive::SortBy;
use super::drill::rest;
use super::mouse::{Mouse, MouseKind};
use super::selected::{InPage, in_page, selected};
use super::update::{Effect, enter, say};
use super::view::{Pane, ViewState};
use super::windows::{fresh_agent, fresh_wait, source_rows};
use crate::board::{BoardSnapshot, Query};
use crate::desk::{AgentIx, SourceIx};
use crate::event::AgentId;

/// Lines that the wheel moves a list.
const WHEEL: isize = 3;

/// Gives the keys to the panel after or before.
pub(super) fn turn(view: &mut ViewState, step: isize) {
    let shown: Vec<Pane> = match view.drills.last().filter(|_| view.help.is_none()) {
        Some(drill) => drill.panes().to_vec(),
        None => view.regions.lists.iter().map(|list| list.pane).collect(),
    };
    let Some(at) = shown.iter().position(|pane| *pane == view.pane()) else { return };
    let to = (at as isize + step).rem_euclid(shown.len() as isize);
    set_pane(view, shown[to as usize]);
}

fn set_pane(view: &mut ViewState, pane: Pane) {
    match view.drills.last_mut() {
        Some(drill) => drill.pane = pane,
        None if matches!(pane, Pane::Agents | Pane::Unanswered) => view.focus = pane,
        None if matches!(pane, Pane::Figures | Pane::Groups) => view.history.pane = pane,
        None => {}
    }
}

/// Moves in the list that has the keys.
pub(super) fn go(view: &mut ViewState, snapshot: &BoardSnapshot, step: Step) {
    let pane = view.pane();
    let height = view.regions.height(pane).max(1);
    match pane {
        Pane::Help => {
            view.help = view.help.map(|top| match step {
                Step::By(delta) => top.saturating_add_signed(delta),
                Step::First => 0,
                Step::Last => usize::MAX,
            });
        }
        Pane::Agents => {
            let rows = view.lists.agents(snapshot);
            view.agents.go(&rows, step, height, Rest::Top, |key| fresh_agent(snapshot, key));
        }
        Pane::Unanswered => {
            let rows = view.lists.unanswered(snapshot);
            view.unanswered.go(&rows, step, height, Rest::Top, |key| fresh_wait(snapshot, key));
        }
        Pane::Sources => view.sources.go(&source_rows(snapshot), step, height, Rest::Top, |_| None),
        Pane::Figures if view.drills.is_empty() => {
            let rows = view.history.figure_rows();
            view.history.figures.go(&rows, step, height, Rest::Top, |_| None);
        }
        Pane::Groups => {
            let rows = view.history.group_rows();
            view.history.groups.go(&rows, step, height, Rest::Top, |_| None);
        }
        Pane::Open => {
            let Some(drill) = view.drills.last_mut() else { return };
            let rows = drill.open_rows();
            drill.open.go(&rows, step, height, Rest::Top, |_| None);
        }
        Pane::Spread | Pane::Typical => {}
        pane => {
            let Some(drill) = view.drills.last_mut() else { return };
            let rows = drill.rows(pane);
            drill.cursor_mut(pane).go(&rows, step, height, rest(pane), |_| None);
        }
    }
}

/// Steps into the selected row; on a list nobody touched, into its first.
pub(super) fn drill(view: &mut ViewState, snapshot: &BoardSnapshot, effects: &mut Vec<Effect>) {
    let query = match view.pane() {
        Pane::Agents => {
            let rows = view.lists.agents(snapshot);
            let key = rows.resolve(&view.agents, |key| fresh_agent(snapshot, key)).or_else(|| rows.first());
            view.agents.selected.clone_from(&key);
            key.map(|key| Query::Agent(key.ix))
        }
        Pane::Unanswered => {
            let rows = view.lists.unanswered(snapshot);
            let key = rows.resolve(&view.unanswered, |key| fresh_wait(snapshot, key)).or_else(|| rows.first());
            view.unanswered.selected.clone_from(&key);
            key.map(|key| Query::Conversation(key.ix))
        }
        pane => match in_page(view, pane, true) {
            Some(InPage::Live(ix)) => Some(Query::Conversation(ix)),
            Some(InPage::Kept(source, id)) => Some(Query::Named(source, id)),
            Some(InPage::Agent(source, id)) => agent(snapshot, source, &id).map(Query::Agent).or_else(|| {
                say(view, "the desk no longer knows this agent");
                None
            }),
            None => None,
        },
    };
    if let Some(query) = query {
        step_into(view, snapshot, query, effects);
    }
}

/// Steps into a page; back to it where it is one of those that led here, instead of ever deeper.
fn step_into(view: &mut ViewState, snapshot: &BoardSnapshot, query: Query, effects: &mut Vec<Effect>) {
    match view.drills.iter().position(|drill| drill.shows(&query)) {
        Some(at) => view.drills.truncate(at + 1),
        None => enter(view, snapshot, query, effects),
    }
}

/// To the customer of the chat that is shown or selected.
pub(super) fn to_customer(view: &mut ViewState, snapshot: &BoardSnapshot, effects: &mut Vec<Effect>) {
    match selected(view, snapshot).map(|chat| chat.customer) {
        None if matches!(view.drills.last(), Some(drill) if matches!(drill.query, Query::Customer(..))) => {}
        None => say(view, "select a chat first"),
        Some(None) => say(view, "its source does not tell who the customer is"),
        Some(Some((source, id))) => step_into(view, snapshot, Query::Customer(source, id), effects),
    }
}

/// The number of an agent on the board.
fn agent(snapshot: &BoardSnapshot, source: SourceIx, id: &AgentId) -> Option<AgentIx> {
    let mut all = snapshot.live.agents.values();
    all.find(|row| row.source == source && row.id == *id).map(|row| row.ix)
}

/// A click selects and gives the keys; on what is selected already it steps in. The wheel moves, a title sorts.
pub(super) fn click(view: &mut ViewState, snapshot: &BoardSnapshot, mouse: Mouse, effects: &mut Vec<Effect>) {
    let header = view.regions.headers.iter().find(|(area, _)| area.contains(mouse.x, mouse.y)).map(|(_, sort)| *sort);
    let list = view.regions.lists.iter().find(|list| list.rows.contains(mouse.x, mouse.y)).copied();
    let range = view.regions.ranges.iter().find(|(area, _)| area.contains(mouse.x, mouse.y)).map(|(_, range)| *range);
    if let (MouseKind::Click, Some(range)) = (mouse.kind, range) {
        view.history.range = range;
        return;
    }
    match (mouse.kind, header, list) {
        (MouseKind::Click, Some(SortBy::Agents(sort)), _) => view.agent_sort = sort,
        (MouseKind::Click, Some(SortBy::Unanswered(sort)), _) => view.wait_sort = sort,
        (MouseKind::Click, Some(SortBy::Chats(sort)), _) => {
            if let Some(drill) = view.drills.last_mut() {
                drill.sort = sort;
            }
        }
        (MouseKind::Click, None, Some(list)) => {
            set_pane(view, list.pane);
            if select_line(view, snapshot, list.pane, usize::from(mouse.y - list.rows.y)) {
                drill(view, snapshot, effects);
            }
        }
        (MouseKind::Down | MouseKind::Up, _, Some(list)) => {
            set_pane(view, list.pane);
            go(view, snapshot, Step::By(if mouse.kind == MouseKind::Down { WHEEL } else { -WHEEL }));
        }
        _ => {}
    }
}

/// Selects the row on a line of a list; true where it was selected already.
fn select_line(view: &mut ViewState, snapshot: &BoardSnapshot, pane: Pane, line: usize) -> bool {
    let height = view.regions.height(pane);
    macro_rules! pick {
        ($rows:expr, $cursor:expr, $rest:expr, $fresh:expr) => {{
            let rows = $rows;
            let selected = rows.resolve(&$cursor, $fresh);
            let window = rows.window(selected.as_ref(), $cursor.line, height, $rest);
            let Some(key) = window.keys.get(line).cloned() else { return false };
            let again = window.selected == Some(line);
            $cursor.selected = Some(key);
            $cursor.line = line;
            again
        }};
    }
    match pane {
        Pane::Agents => {
            pick!(view.lists.agents(snapshot), view.agents, Rest::Top, |key| fresh_agent(snapshot, key))
        }
        Pane::Unanswered => {
            pick!(view.lists.unanswered(snapshot), view.unanswered, Rest::Top, |key| fresh_wait(snapshot, key))
        }
        Pane::Sources => pick!(source_rows(snapshot), view.sources, Rest::Top, |_| None),
        Pane::Figures if view.drills.is_empty() => {
            pick!(view.history.figure_rows(), view.history.figures, Rest::Top, |_| None)
        }
        Pane::Groups => pick!(view.history.group_rows(), view.history.groups, Rest::Top, |_| None),
        Pane::Help | Pane::Spread | Pane::Typical => false,
        pane => {
            let Some(drill) = view.drills.last_mut() else { return false };
            if pane == Pane::Open {
                return pick!(drill.open_rows(), drill.open, Rest::Top, |_| None);
            }
            let mut cursor = drill.cursor(pane).clone();
            let again = pick!(drill.rows(pane), cursor, rest(pane), |_| None);
            *drill.cursor_mut(pane) = cursor;
            again
        }
    }
}
