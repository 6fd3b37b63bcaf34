//! Who is at work, how much each holds, and who waits for them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{AgentSort, Pane, Regions, SortBy};
use crate::event::PresenceState;
use crate::metrics::live::AgentRow;
use crate::metrics::thresholds::Severity;
use crate::ui::figure::{UNKNOWN, age, duration};
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{agent_name, fit, put};
use crate::ui::theme::Role;
use crate::ui::widgets::{bar, frame, inside, list_note};

const fn by(sort: AgentSort) -> SortBy {
    SortBy::Agents(sort)
}

const COLUMNS: &[Column<AgentRow>] = &[
    Column { title: "", min: 1, max: 1, rank: 2, right: false, sort: None, cell: dot },
    Column { title: "agent", min: 14, max: 26, rank: 0, right: false, sort: Some(by(AgentSort::Agent)), cell: name },
    Column { title: "team", min: 12, max: 22, rank: 7, right: false, sort: None, cell: team },
    Column::source(6, source),
    Column { title: "state", min: 11, max: 12, rank: 5, right: false, sort: Some(by(AgentSort::State)), cell: state },
    Column { title: "load", min: 11, max: 16, rank: 4, right: false, sort: Some(by(AgentSort::Load)), cell: load },
    Column { title: "wait", min: 5, max: 6, rank: 3, right: true, sort: Some(by(AgentSort::Wait)), cell: waiting },
    Column {
        title: "longest",
        min: 8,
        max: 9,
        rank: 1,
        right: true,
        sort: Some(by(AgentSort::Longest)),
        cell: longest,
    },
];

/// The cells of the panel on a screen of `width`.
pub(in crate::ui) fn width(width: u16) -> u16 {
    (u32::from(width) * 100 / 205).clamp(59, 92) as u16
}

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let view = scene.view;
    let rows = view.lists.agents(scene.snapshot);
    let all = scene.live().ranking.len();
    let inner = inside(area);
    let window = view.agents_window(scene.snapshot, table::rows_in(inner));
    let note = list_note(&rows, &window, (!view.filter.is_empty()).then_some(all));
    frame(buf, scene, area, "Agents", &note, view.pane() == Pane::Agents);
    let live = scene.live();
    let shown = window.keys.iter().enumerate().filter_map(|(line, key)| {
        let row = live.agents.get(&key.ix)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(row.source) };
        Some((&**row, paint))
    });
    let place = Place { area: inner, pane: Pane::Agents, sorted: Some(by(view.agent_sort)) };
    table::draw(buf, scene, &table::apart(COLUMNS, scene), &place, regions, shown);
    if rows.is_empty() {
        let text = match (scene.is_unheard(), view.filter.is_empty()) {
            (true, _) => "no source has answered yet",
            (false, true) => "no agents yet",
            (false, false) => "no agent matches",
        };
        table::empty(buf, scene, inner, text);
    }
}

/// The glyph and role of a state.
pub(super) fn glyph(state: Option<PresenceState>) -> (&'static str, Role) {
    match state {
        Some(PresenceState::Online) => ("●", Role::Good),
        Some(PresenceState::Busy) => ("●", Role::Warning),
        Some(PresenceState::Away) => ("◐", Role::Dim),
        Some(PresenceState::Offline) => ("○", Role::Dim),
        None => ("?", Role::Dim),
    }
}

fn dot(_: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let (sign, role) = glyph(row.state);
    slot.text(sign, role);
}

fn is_here(row: &AgentRow) -> bool {
    row.active && !matches!(row.state, Some(PresenceState::Offline))
}

fn name(scene: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let role = if is_here(row) { Role::Canvas } else { Role::Dim };
    slot.text(&agent_name(&row.name, scene.view.privacy), role);
}

fn source(_: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    slot.source(row.source);
}

/// The first team, and how many more there are.
fn team(scene: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let first = row.teams.first().and_then(|team| scene.live().teams.get(team.at()));
    let Some(first) = first else { return slot.text(UNKNOWN, Role::Dim) };
    let more = row.teams.len() - 1;
    if more == 0 {
        return slot.text(&first.name, Role::Dim);
    }
    let more = format!(" +{more}");
    let name = fit(&first.name, usize::from(slot.width).saturating_sub(more.len()));
    slot.text(&format!("{name}{more}"), Role::Dim);
}

/// The state, or that it was active where nobody tells, and for or since how long.
pub(super) fn state_words(scene: &Scene<'_>, row: &AgentRow) -> (String, String) {
    match (row.state, row.state_since, row.last_active_at) {
        _ if !row.active => ("left".to_owned(), String::new()),
        (Some(state), since, _) => (state.to_string(), since.map_or_else(String::new, |since| age(scene.since(since)))),
        (None, _, Some(at)) => ("active".to_owned(), age(scene.since(at))),
        (None, _, None) => (UNKNOWN.to_owned(), String::new()),
    }
}

fn state(scene: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let role = match row.state {
        Some(PresenceState::Online) => Role::Canvas,
        Some(PresenceState::Busy) => Role::Warning,
        _ => Role::Dim,
    };
    let (words, since) = state_words(scene, row);
    slot.text(&words, role);
    slot.text_at(8, &format!("{since:>3}"), role);
}

fn load(_: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let Some((capacity, share)) = row.capacity.zip(row.load()) else {
        let role = if row.open > 0 { Role::Canvas } else { Role::Dim };
        return slot.text(&row.open.to_string(), role);
    };
    let role = match row.open {
        open if open > capacity => Role::Breach,
        open if open == capacity => Role::Warning,
        0 => Role::Dim,
        _ => Role::Canvas,
    };
    let cells = slot.width.saturating_sub(6).min(10);
    let full = if role == Role::Canvas { Role::Bar } else { role };
    let (full, empty) = (slot.solid(full), slot.style(Role::Trough));
    let (x, y) = (slot.x, slot.y);
    bar(slot.buf, x, y, cells, share, full, empty);
    let style = if role == Role::Breach { slot.alarm(role) } else { slot.style(role) };
    put(slot.buf, x + cells + 1, y, slot.width.saturating_sub(cells + 1), &format!("{}/{capacity}", row.open), style);
}

fn waiting(_: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let (text, role) =
        if row.unanswered == 0 { ("·".to_owned(), Role::Dim) } else { (row.unanswered.to_string(), Role::Canvas) };
    slot.right(&text, role);
}

fn longest(scene: &Scene<'_>, row: &AgentRow, slot: &mut Slot<'_>) {
    let severity = scene.agent_severity(row);
    let wait = match row.longest_since() {
        Some(since) => duration(scene.since(since)),
        None if severity == Severity::Fine => return slot.right("·", Role::Dim),
        None => "·".to_owned(),
    };
    slot.measured(slot.width.saturating_sub(8), &wait, severity);
}
