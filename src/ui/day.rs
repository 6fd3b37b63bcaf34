//! An agent's day from midnight to midnight: its states, the chats it held, and when chats ended.

use chrono::{TimeDelta, Timelike};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::Scene;
use super::text::put;
use super::theme::Role;
use crate::board::{AgentPage, Held};
use crate::event::{PresenceState, Timestamp};

/// Cells of the names at the left.
const LABEL: u16 = 7;
/// Heights of a cell, from an eighth to all of it.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Lines that the whole day takes: states, three of chats held, endings, hours.
pub(super) const LINES: u16 = 6;

/// A stretch of time on a line of cells.
struct Axis {
    begin: Timestamp,
    length: i64,
    cells: u16,
}

impl Axis {
    /// The instants at which a cell begins and ends.
    fn cell(&self, cell: u16) -> (Timestamp, Timestamp) {
        let at =
            |cell: u16| self.begin + TimeDelta::milliseconds(self.length * i64::from(cell) / i64::from(self.cells));
        (at(cell), at(cell + 1))
    }
}

/// Draws as much of the day as there are lines: hours and states first, then chats held, then endings.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage) {
    let cells = area.width.saturating_sub(LABEL);
    if area.height == 0 || cells == 0 {
        return;
    }
    let (begin, length) = (scene.snapshot.today.since, TimeDelta::days(1).num_milliseconds());
    let axis = Axis { begin, length, cells };
    let line = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    let held = area.height.saturating_sub(3).clamp(u16::from(area.height >= 3), LINES - 3);
    states(buf, line(0, 1), scene, page, &axis);
    chats(buf, line(1, held), scene, page, &axis);
    if area.height >= held + 3 {
        endings(buf, line(1 + held, 1), scene, page, &axis);
    }
    if area.height >= 2 {
        hours(buf, line(area.height - 1, 1), scene, &axis);
    }
}

fn label(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, name: &str) {
    put(buf, area.x, area.y, LABEL - 1, name, scene.style(Role::Dim));
}

fn states(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage, axis: &Axis) {
    if page.states.is_empty() {
        let text = "states – its source does not tell who is online";
        put(buf, area.x, area.y, area.width, text, scene.style(Role::Dim));
        return;
    }
    label(buf, area, scene, "states");
    for cell in 0..axis.cells {
        let (begin, end) = axis.cell(cell);
        let middle = Timestamp::from_millis(begin.millis().midpoint(end.millis()));
        let is_then = |from: Timestamp, to: Option<Timestamp>| {
            from <= middle && middle < to.unwrap_or(scene.instant).min(scene.instant)
        };
        let state = page.states.iter().find(|span| is_then(span.from, span.to));
        let (symbol, role) = match state.map(|span| span.state) {
            Some(PresenceState::Online) => ("▆", Role::Good),
            Some(PresenceState::Busy) => ("▆", Role::Warning),
            Some(PresenceState::Away) => ("▃", Role::Dim),
            Some(PresenceState::Offline) => ("▁", Role::Trough),
            None => continue,
        };
        put(buf, area.x + LABEL + cell, area.y, 1, symbol, scene.style(role));
    }
}

/// The most chats held within a cell's time.
fn most(held: &[Held], begin: Timestamp, end: Timestamp) -> u32 {
    let first = held.partition_point(|step| step.from <= begin).saturating_sub(1);
    let within = held.iter().skip(first).take_while(|step| step.from < end);
    within.map(|step| step.chats).max().unwrap_or(0)
}

/// Chats held as steps; as high as the room at the capacity, or at the most there were.
fn chats(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage, axis: &Axis) {
    if area.height == 0 {
        return;
    }
    let capacity = page.agent.capacity.unwrap_or(0);
    let top = page.held.iter().map(|step| step.chats).max().unwrap_or(0).max(capacity).max(1);
    label(buf, area, scene, "held");
    if area.height > 1 {
        let scale = format!("{top:>5}");
        put(buf, area.x, area.y, LABEL - 1, if area.height > 2 { "held" } else { &scale }, scene.style(Role::Dim));
        let y = if area.height > 2 { area.y + 1 } else { area.y };
        put(buf, area.x, y, LABEL - 1, &format!("of {top}"), scene.style(Role::Dim));
    }
    let steps = u32::from(area.height) * 8;
    for cell in 0..axis.cells {
        let (begin, end) = axis.cell(cell);
        if begin >= scene.instant {
            break;
        }
        let chats = most(&page.held, begin, end.min(scene.instant));
        let over = capacity > 0 && chats > capacity;
        let mut eighths = (chats * steps).div_ceil(top);
        let role = if over { Role::Warning } else { Role::Bar };
        for y in (area.y..area.bottom()).rev() {
            let filled = eighths.min(8);
            eighths -= filled;
            if filled > 0 {
                put(buf, area.x + LABEL + cell, y, 1, EIGHTHS[filled as usize], scene.style(role));
            } else if chats == 0 && y + 1 == area.bottom() {
                put(buf, area.x + LABEL + cell, y, 1, "▁", scene.style(Role::Trough));
            }
        }
    }
}

/// How many chats ended in each cell's time.
fn endings(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage, axis: &Axis) {
    label(buf, area, scene, "ended");
    for cell in 0..axis.cells {
        let (begin, end) = axis.cell(cell);
        let first = page.endings.partition_point(|at| *at < begin);
        let n = page.endings.partition_point(|at| *at < end) - first;
        let text = match n {
            0 => continue,
            1..=9 => n.to_string(),
            _ => "+".to_owned(),
        };
        put(buf, area.x + LABEL + cell, area.y, 1, &text, scene.style(Role::Good));
    }
}

fn hours(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, axis: &Axis) {
    for hour in (0..24).step_by(if axis.cells >= 100 { 2 } else { 4 }) {
        let x = area.x + LABEL + axis.cells * hour / 24;
        let shown = scene.local(axis.begin + TimeDelta::hours(i64::from(hour))).hour();
        put(buf, x, area.y, 2.min(area.right().saturating_sub(x)), &format!("{shown:02}"), scene.style(Role::Dim));
    }
}
