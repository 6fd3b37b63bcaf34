//! Moving about: rows, panels, clicks and steps into a row.

use std::sync::Arc;

use super::cursor::{Rest, Step};
use super::derive::SortBy;
use super::mouse::{Mouse, MouseKind};
use super::update::{Effect, enter};
use super::view::{Pane, ViewState};
use super::windows::{fresh_agent, fresh_wait, source_rows};
use crate::board::{BoardSnapshot, Page, Query};
use crate::desk::{AgentIx, ConversationIx};
use crate::metrics::live::ConversationRow;

/// Lines that the wheel moves a list.
const WHEEL: isize = 3;

/// Gives the keys to the panel after or before.
pub(super) fn turn(view: &mut ViewState, step: isize) {
    let shown: Vec<Pane> = view.regions.lists.iter().map(|list| list.pane).collect();
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
        Pane::Figures => {
            let rows = view.history.figure_rows();
            view.history.figures.go(&rows, step, height, Rest::Top, |_| None);
        }
        Pane::Groups => {
            let rows = view.history.group_rows();
            view.history.groups.go(&rows, step, height, Rest::Top, |_| None);
        }
        Pane::Open | Pane::Activity | Pane::Timeline => {
            let Some(drill) = view.drills.last_mut() else { return };
            if pane == Pane::Open {
                let rows = drill.open_rows();
                drill.open.go(&rows, step, height, Rest::Top, |_| None);
            } else {
                let rest = if pane == Pane::Timeline { Rest::Bottom } else { Rest::Top };
                let rows = drill.item_rows();
                drill.items.go(&rows, step, height, rest, |_| None);
            }
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
        Pane::Open | Pane::Activity => conversation_in_page(view, true).map(Query::Conversation),
        Pane::Timeline => holder(view).map(Query::Agent),
        Pane::Sources | Pane::Figures | Pane::Groups | Pane::Help => None,
    };
    let known = query.is_some_and(|query| view.drills.iter().any(|drill| drill.query == query));
    match query {
        // A chat's agent, and that agent's chat again: back to it instead of ever deeper.
        Some(query) if known => {
            while view.drills.last().is_some_and(|drill| drill.query != query) {
                view.drills.pop();
            }
        }
        Some(query) => enter(view, snapshot, query, effects),
        None => {}
    }
}

/// The holder of the chat that is shown.
fn holder(view: &ViewState) -> Option<AgentIx> {
    match view.drills.last()?.page.as_ref()? {
        Page::Conversation(page) => page.row.holder,
        _ => None,
    }
}

/// The chat selected on an agent's page.
fn conversation_in_page(view: &ViewState, or_first: bool) -> Option<ConversationIx> {
    let drill = view.drills.last()?;
    let Some(Page::Agent(page)) = &drill.page else { return None };
    if drill.pane == Pane::Open {
        let rows = drill.open_rows();
        return rows.resolve(&drill.open, |_| None).or_else(|| rows.first().filter(|_| or_first));
    }
    let rows = drill.item_rows();
    let item = rows.resolve(&drill.items, |_| None).or_else(|| rows.first().filter(|_| or_first))?;
    page.activity.get(page.activity.len().checked_sub(item + 1)?).map(|item| item.conversation)
}

/// The chat that is shown, or the one that is selected.
pub(super) fn selected_conversation(view: &ViewState, snapshot: &BoardSnapshot) -> Option<Arc<ConversationRow>> {
    match (view.pane(), view.drills.last().and_then(|drill| drill.page.as_ref())) {
        (_, Some(Page::Conversation(page))) => Some(Arc::clone(&page.row)),
        (Pane::Open | Pane::Activity, Some(Page::Agent(page))) => {
            let ix = conversation_in_page(view, false)?;
            page.open.iter().find(|row| row.ix == ix).cloned()
        }
        (Pane::Unanswered, _) => {
            let key = view.lists.unanswered(snapshot).resolve(&view.unanswered, |key| fresh_wait(snapshot, key))?;
            snapshot.live.waiting.get(&key).cloned()
        }
        _ => None,
    }
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
        Pane::Figures => pick!(view.history.figure_rows(), view.history.figures, Rest::Top, |_| None),
        Pane::Groups => pick!(view.history.group_rows(), view.history.groups, Rest::Top, |_| None),
        Pane::Help => false,
        Pane::Open | Pane::Activity | Pane::Timeline => {
            let Some(drill) = view.drills.last_mut() else { return false };
            match pane {
                Pane::Open => pick!(drill.open_rows(), drill.open, Rest::Top, |_| None),
                Pane::Timeline => pick!(drill.item_rows(), drill.items, Rest::Bottom, |_| None),
                _ => pick!(drill.item_rows(), drill.items, Rest::Top, |_| None),
            }
        }
    }
}
