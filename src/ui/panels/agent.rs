//! An agent's day: figures, states, the chats it holds, and what it did.

use chrono::{Duration, Timelike};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::agents::{glyph, state_words};
use super::unanswered;
use crate::app::{Drill, Pane, Regions, Rest};
use crate::board::{AgentPage, Page, TimelineItem};
use crate::event::{PresenceState, Timestamp};
use crate::metrics::live::ConversationRow;
use crate::metrics::thresholds::Severity;
use crate::ui::figure::{UNKNOWN, count, duration, seconds, share};
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{agent_name, put};
use crate::ui::theme::Role;
use crate::ui::timeline;
use crate::ui::widgets::{frame, groups, inside, list_note, position};

const OPEN: &[Column<ConversationRow>] = &[
    Column { title: "wait", min: 8, max: 8, rank: 0, right: true, sort: None, cell: unanswered::wait },
    Column { title: "  customer", min: 14, max: 24, rank: 1, right: false, sort: None, cell: unanswered::customer },
    Column { title: "status", min: 8, max: 9, rank: 3, right: false, sort: None, cell: status },
    Column { title: "channel", min: 9, max: 10, rank: 5, right: false, sort: None, cell: unanswered::channel },
    Column { title: "team", min: 8, max: 14, rank: 6, right: false, sort: None, cell: unanswered::team },
    Column { title: "subject", min: 12, max: 400, rank: 4, right: false, sort: None, cell: unanswered::subject },
    Column { title: "due in", min: 9, max: 9, rank: 2, right: true, sort: None, cell: due },
];

const ACTIVITY: &[Column<TimelineItem>] = &[
    Column { title: "time", min: 8, max: 12, rank: 0, right: false, sort: None, cell: time },
    Column { title: "", min: 1, max: 1, rank: 3, right: false, sort: None, cell: sign },
    Column { title: "chat", min: 12, max: 22, rank: 2, right: false, sort: None, cell: label },
    Column { title: "what", min: 16, max: 400, rank: 1, right: false, sort: None, cell: what },
];

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let Some(drill) = scene.view.drills.last() else { return };
    let Some(Page::Agent(page)) = &drill.page else { return absent(buf, area, scene, drill) };
    let top = Rect { height: if area.height >= 16 { 6 } else { 3.min(area.height) }, ..area };
    facts(buf, top, scene, page);
    let rest = Rect { y: area.y + top.height, height: area.height - top.height, ..area };
    if area.width >= 110 {
        let left = area.width / 2;
        open(buf, Rect { width: left, ..rest }, scene, drill, page, regions);
        activity(buf, Rect { x: rest.x + left, width: rest.width - left, ..rest }, scene, drill, page, regions);
    } else if rest.height >= 10 {
        let above = rest.height / 2;
        open(buf, Rect { height: above, ..rest }, scene, drill, page, regions);
        let below = Rect { y: rest.y + above, height: rest.height - above, ..rest };
        activity(buf, below, scene, drill, page, regions);
    } else if drill.pane == Pane::Activity {
        activity(buf, rest, scene, drill, page, regions);
    } else {
        open(buf, rest, scene, drill, page, regions);
    }
}

/// Until there is an answer, and where there will be none.
pub(super) fn absent(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill) {
    let inner = frame(buf, scene, area, "…", "", true);
    let text = if drill.page.is_some() { "the desk no longer knows it" } else { "looking it up" };
    put(buf, inner.x, inner.y, inner.width, text, scene.style(Role::Dim));
}

fn facts(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage) {
    let agent = &page.agent;
    let inner = frame(buf, scene, area, &agent_name(&agent.name, scene.view.privacy), "", false);
    let (sign, role) = glyph(agent.state);
    let teams = agent.teams.iter().filter_map(|team| scene.live().teams.get(team.at())).map(|team| &*team.name);
    let teams = teams.collect::<Vec<_>>().join(", ");
    let holds = agent.capacity.map_or_else(|| agent.open.to_string(), |capacity| format!("{}/{capacity}", agent.open));
    let longest = agent.longest_since().map_or_else(|| UNKNOWN.to_owned(), |since| duration(scene.since(since)));
    let (words, since) = state_words(scene, agent);
    let reason = agent.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let waiting = agent.unanswered.to_string();
    groups(
        buf,
        scene,
        inner,
        &[
            &[
                (sign, role),
                (" ", Role::Dim),
                (&words, Role::Canvas),
                (" ", Role::Dim),
                (&since, Role::Canvas),
                (&reason, Role::Dim),
            ],
            &[("   holds ", Role::Dim), (&holds, Role::Figure)],
            &[("   waiting ", Role::Dim), (&waiting, Role::Figure)],
            &[("   longest ", Role::Dim), (&longest, Role::Figure)],
            &[("   ", Role::Dim), (&teams, Role::Dim)],
        ],
    );
    if inner.height >= 4 {
        today(buf, Rect { y: inner.y + 1, height: 1, ..inner }, scene, page);
        states(buf, Rect { y: inner.y + 2, height: 2, ..inner }, scene, page);
    }
}

fn today(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage) {
    let today = &page.today;
    let online = today.online_seconds.map(|seconds| seconds as f64);
    let figures = [
        ("today  worked ", count(today.worked)),
        ("   replies ", count(today.replies)),
        ("   closed ", count(today.closed)),
        ("   first reply ", seconds(today.first_response.median)),
        ("   reply ", seconds(today.response.median)),
        ("   online ", seconds(online)),
        ("   satisfied ", share(today.csat)),
    ];
    let rated = today.csat.filter(|share| share.of > 0).map_or_else(String::new, |share| format!(" n {}", share.of));
    let mut parts: Vec<Vec<(&str, Role)>> = Vec::new();
    for (label, value) in &figures {
        parts.push(vec![(label, Role::Dim), (value, Role::Figure)]);
    }
    if let Some(last) = parts.last_mut() {
        last.push((&rated, Role::Dim));
    }
    groups(buf, scene, area, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// The day as a bar from midnight to now, an hour scale below it.
fn states(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage) {
    if page.states.is_empty() {
        let text = "states  – its source does not tell who is online";
        put(buf, area.x, area.y, area.width, text, scene.style(Role::Dim));
        return;
    }
    let label = 7;
    put(buf, area.x, area.y, label, "states", scene.style(Role::Dim));
    let cells = area.width.saturating_sub(label);
    let midnight = scene.snapshot.today.since;
    let day = Duration::days(1).num_milliseconds();
    let at = |cell: u16| midnight + Duration::milliseconds(day * i64::from(cell) / i64::from(cells.max(1)));
    for cell in 0..cells {
        let middle = Timestamp::from_millis(at(cell).millis().midpoint(at(cell + 1).millis()));
        let state = page
            .states
            .iter()
            .find(|span| span.from <= middle && middle < span.to.unwrap_or(scene.instant).min(scene.instant));
        let (symbol, role) = match state.map(|span| span.state) {
            Some(PresenceState::Online) => ("▆", Role::Good),
            Some(PresenceState::Busy) => ("▆", Role::Warning),
            Some(PresenceState::Away) => ("▃", Role::Dim),
            Some(PresenceState::Offline) => ("▁", Role::Trough),
            None => (" ", Role::Trough),
        };
        put(buf, area.x + label + cell, area.y, 1, symbol, scene.style(role));
    }
    for hour in (0..24).step_by(if cells >= 100 { 2 } else { 4 }) {
        let x = area.x + label + cells * hour / 24;
        let shown = scene.local(midnight + Duration::hours(i64::from(hour))).hour();
        put(buf, x, area.y + 1, 2.min(area.right().saturating_sub(x)), &format!("{shown:02}"), scene.style(Role::Dim));
    }
}

fn open(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, page: &AgentPage, regions: &mut Regions) {
    let inner = inside(area);
    let window = drill.open_window(table::rows_in(inner));
    let note = position(&drill.open_rows(), &window).unwrap_or_else(|| count(page.open.len() as u64));
    frame(buf, scene, area, "Holds", &note, scene.view.pane() == Pane::Open);
    let rows = window.keys.iter().enumerate().filter_map(|(line, ix)| {
        let row = page.open.iter().find(|row| row.ix == *ix)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(row.source) };
        Some((&**row, paint))
    });
    let place = Place { area: inner, pane: Pane::Open, sorted: None };
    // On a desk that sets no targets the last column would take the room of others for nothing.
    let has_targets = page.open.iter().any(|row| row.sla_due.is_some());
    let columns = if has_targets { OPEN } else { &OPEN[..OPEN.len() - 1] };
    table::draw(buf, scene, columns, &place, regions, rows);
    if page.open.is_empty() {
        table::empty(buf, scene, inner, "no chats");
    }
}

fn activity(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, page: &AgentPage, regions: &mut Regions) {
    let inner = inside(area);
    let window = drill.items_window(table::rows_in(inner), Rest::Top);
    let note = list_note(&drill.item_rows(), &window, None);
    frame(buf, scene, area, "Today, newest first", &note, scene.view.pane() == Pane::Activity);
    let rows = window.keys.iter().enumerate().filter_map(|(line, item)| {
        let item = page.activity.get(page.activity.len().checked_sub(item + 1)?)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(item.source) };
        Some((item, paint))
    });
    let place = Place { area: inner, pane: Pane::Activity, sorted: None };
    table::draw(buf, scene, ACTIVITY, &place, regions, rows);
    if page.activity.is_empty() {
        table::empty(buf, scene, inner, "nothing yet today");
    }
}

fn status(_: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    slot.text(&row.status.to_string().replace('_', " "), Role::Dim);
}

/// When the help desk's own target is due or, with a minus, since when it is missed.
fn due(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let Some((_, due)) = row.sla_due else { return slot.right("·", Role::Dim) };
    let severity = scene.target_severity(row);
    let left = if severity == Severity::Breached {
        format!("-{}", duration(scene.instant - due))
    } else {
        duration(due - scene.instant)
    };
    slot.measured(0, &left, severity);
}

pub(super) fn time(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    slot.text(&timeline::when(scene, item.at), Role::Dim);
}

pub(super) fn sign(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let line = timeline::describe(scene, item);
    slot.text(line.sign, line.role);
}

/// The chat's id and customer; the id alone where names are hidden.
fn label(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let hidden = scene.view.privacy != crate::app::Privacy::None;
    slot.text(if hidden { item.id.as_str() } else { &item.label }, Role::Canvas);
}

fn what(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    slot.text(&timeline::describe(scene, item).what, Role::Dim);
}
