//! Keys from the live key map, alerts, and lines for the viewer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{ACTIONS, Action, LinkRegion, Pane, PromptKind, Regions, Screen, ViewState};
use crate::board::{Query, StoreState};
use crate::ui::scene::{PARTLY_OLD, Scene};
use crate::ui::text::{agent_name, fit, put, width};
use crate::ui::theme::Role;
use crate::ui::widgets::{area_of, pieces, pieces_width};

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let view = scene.view;
    if view.prompt.is_some() {
        return prompt(buf, inner, scene);
    }
    if let Some((url, _)) = &view.link {
        let took = put(buf, inner.x, inner.y, inner.width, url, scene.style(Role::Accent));
        let area = area_of(Rect { width: took, height: 1, ..inner });
        return regions.links.push(LinkRegion { area, url: url.clone() });
    }
    let mut alerts = alerts(scene, inner.width * 3 / 5);
    let mut room = inner;
    if let Some((text, _)) = &view.message {
        // For its few seconds a message wins over the alerts where there is no room for both.
        let cells = width(text, usize::from(inner.width)) as u16;
        if cells + 2 + alerts_width(&alerts) > inner.width {
            alerts.clear();
        }
        let took = put(buf, inner.x, inner.y, inner.width, text, scene.style(Role::Accent));
        room = Rect { x: inner.x + took + 2, width: inner.width.saturating_sub(took + 2), ..inner };
    }
    let parts: Vec<(&str, Role)> = alerts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    let right = pieces_width(&parts);
    pieces(buf, scene, inner.right().saturating_sub(right), inner.y, right, &parts);
    room.width = room.width.saturating_sub(if right == 0 { 0 } else { right + 2 });
    hints(buf, room, scene);
}

fn alerts_width(alerts: &[(String, Role)]) -> u16 {
    alerts.iter().map(|(text, _)| width(text, 80) as u16).sum()
}

/// The line that is typed, with a cursor.
fn prompt(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let Some(prompt) = &scene.view.prompt else { return };
    let mark = match prompt.kind {
        PromptKind::Filter => "/",
        PromptKind::Command => ":",
    };
    let mut x = area.x + put(buf, area.x, area.y, area.width, mark, scene.style(Role::Accent));
    let typed = prompt.input.value();
    let split = typed.char_indices().nth(prompt.input.cursor()).map_or(typed.len(), |(at, _)| at);
    let room = area.right().saturating_sub(x + 1);
    // Long input is seen around its end: what is typed matters more than where it began.
    let before = tail(&typed[..split], usize::from(room));
    x += put(buf, x, area.y, room, before, scene.style(Role::Figure));
    let under = typed[split..].chars().next().map_or_else(|| "▏".to_owned(), |c| c.to_string());
    let caret = if split < typed.len() { scene.style(Role::Selected) } else { scene.style(Role::Accent) };
    x += put(buf, x, area.y, area.right().saturating_sub(x), &under, caret);
    if split < typed.len() {
        let after = &typed[split + under.len()..];
        put(buf, x, area.y, area.right().saturating_sub(x), after, scene.style(Role::Figure));
    }
}

/// The end of a text that fits.
fn tail(text: &str, cells: usize) -> &str {
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut starts = starts.skip_while(|&at| width(&text[at..], cells + 1) > cells);
    starts.next().map_or("", |at| &text[at..])
}

/// Whether an action is of use on what is shown.
fn is_useful(view: &ViewState, action: Action) -> bool {
    let deep = !view.drills.is_empty() || view.help.is_some();
    match action {
        Action::Back => deep || !view.filter.is_empty(),
        Action::NextPane => view.help.is_none() && view.drills.last().is_some_and(|drill| drill.panes().len() > 1),
        Action::Customer => view.drills.last().is_some_and(|drill| !matches!(drill.query, Query::Customer(..))),
        Action::OpenLink | Action::CopyLink => !view.drills.is_empty(),
        Action::Sort if view.pane() == Pane::Chats => true,
        Action::Filter | Action::Sort => !deep && !matches!(view.screen, Screen::Sources | Screen::History),
        Action::Drill => {
            view.help.is_none()
                && !matches!(view.pane(), Pane::Sources | Pane::Figures | Pane::Groups | Pane::Spread | Pane::Typical)
        }
        Action::RangeShorter | Action::RangeLonger | Action::GroupBy => !deep && view.screen == Screen::History,
        _ => true,
    }
}

/// As many keys as fit, help always among them.
fn hints(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    const GAP: u16 = 2;
    let view = scene.view;
    let useful = ACTIONS.iter().filter(|row| !row.hint.is_empty() && is_useful(view, row.action));
    let keyed = useful.filter_map(|row| {
        let key = view.keymap.label(row.action)?;
        Some((row, key, (width(key, 20) + 1 + row.hint.len()) as u16))
    });
    let keyed: Vec<_> = keyed.collect();
    let help = keyed.iter().find(|(row, ..)| row.action == Action::Help).map_or(0, |(.., cells)| cells + GAP);
    let (mut x, mut kept, mut full) = (area.x, help, false);
    for (row, key, cells) in keyed {
        if row.action == Action::Help {
            kept = 0;
        } else if full {
            continue;
        }
        if x + cells + kept > area.right() {
            full = true;
            continue;
        }
        let parts = [(key, Role::Accent), (" ", Role::Dim), (row.hint, Role::Dim)];
        x += pieces(buf, scene, x, area.y, cells, &parts) + GAP;
    }
}

/// What is wrong on the desk, worst first, as far as there is room.
fn alerts(scene: &Scene<'_>, room: u16) -> Vec<(String, Role)> {
    let risk = scene.snapshot.risk_at(scene.instant);
    let about = if scene.is_partly_old() { PARTLY_OLD } else { "" };
    let mut parts: Vec<(String, Role)> = Vec::new();
    if risk.breached > 0 {
        parts.push((format!("‼ {about}{} breached", risk.breached), Role::Breach));
    }
    if risk.at_risk > 0 {
        parts.push((format!("▲ {about}{} at risk", risk.at_risk), Role::Warning));
    }
    if risk.sla_breached > 0 {
        parts.push((format!("‼ {about}{} SLA missed", risk.sla_breached), Role::Breach));
    }
    match scene.snapshot.store.state {
        StoreState::Failing => parts.push(("▲ history not kept".to_owned(), Role::Warning)),
        StoreState::Following => parts.push(("another helptop polls".to_owned(), Role::Dim)),
        StoreState::Absent | StoreState::Keeping | StoreState::Remembering => {}
    }
    let fullest = scene.live().fullest.and_then(|ix| scene.live().agents.get(&ix));
    if let Some((row, capacity)) = fullest.and_then(|row| Some((row, row.capacity?))) {
        let name = agent_name(&row.name, scene.view.privacy);
        parts.push((format!("{} {}/{capacity}", fit(&name, 14), row.open), Role::Dim));
    }
    let mut cells = 0;
    parts.retain(|(text, _)| {
        cells += width(text, 80) as u16 + 3;
        cells <= room + 3
    });
    for at in (1..parts.len()).rev() {
        parts.insert(at, (" · ".to_owned(), Role::Dim));
    }
    parts
}
