//! Small pieces that panels are put together from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Widget};

use super::figure::count;
use super::scene::Scene;
use super::text::{put, put_right, width};
use super::theme::Role;
use crate::app::{Area, Rows, Window};

/// What is inside a frame, with a cell of air at both sides.
pub(super) fn inside(area: Rect) -> Rect {
    let inner = Block::bordered().inner(area);
    Rect { x: inner.x + 1.min(inner.width), width: inner.width.saturating_sub(2), ..inner }
}

/// A frame with a title; returns what is inside, with a cell of air at both sides.
pub(super) fn frame(buf: &mut Buffer, scene: &Scene<'_>, area: Rect, title: &str, note: &str, focused: bool) -> Rect {
    let border = scene.style(if focused { Role::Focus } else { Role::Border });
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(border);
    block.render(area, buf);
    let room = area.width.saturating_sub(4);
    if room > 2 {
        put(buf, area.x + 1, area.y, 1, " ", border);
        let role = if focused { Role::Focus } else { Role::Title };
        let took = put(buf, area.x + 2, area.y, room, title, scene.style(role));
        put(buf, area.x + 2 + took, area.y, 1, " ", border);
        let left = room.saturating_sub(took + 3);
        let noted = format!(" {note} ");
        if !note.is_empty() && usize::from(left) >= width(&noted, usize::from(left) + 1) {
            put_right(buf, area.x + 3 + took, area.y, left, &noted, scene.style(Role::Dim));
        }
    }
    inside(area)
}

/// Which rows of how many are shown, where that is not all of them.
pub(super) fn position<K: Ord + Clone, V>(rows: &Rows<'_, K, V>, window: &Window<K>) -> Option<String> {
    if !(window.above || window.below) {
        return None;
    }
    let all = count(rows.len() as u64);
    let first = window.keys.first().and_then(|key| rows.position(key)).map(|at| at as u64);
    Some(match first {
        Some(first) => format!("{}–{}/{all}", count(first + 1), count(first + window.keys.len() as u64)),
        None => format!("…/{all}"),
    })
}

/// The note of a list in its frame: where it stands, and what of it passes the filter.
pub(super) fn list_note<K: Ord + Clone, V>(
    rows: &Rows<'_, K, V>,
    window: &Window<K>,
    unfiltered: Option<usize>,
) -> String {
    match (position(rows, window), unfiltered) {
        (None, None) => String::new(),
        (Some(shown), None) => shown,
        (None, Some(all)) => format!("{} of {}", count(rows.len() as u64), count(all as u64)),
        (Some(shown), Some(all)) => format!("{shown} of {}", count(all as u64)),
    }
}

/// Pieces of text one after the other, each in its role; returns the cells they took.
pub(super) fn pieces(buf: &mut Buffer, scene: &Scene<'_>, x: u16, y: u16, room: u16, parts: &[(&str, Role)]) -> u16 {
    let mut used = 0;
    for (text, role) in parts {
        used += put(buf, x + used, y, room - used, text, scene.style(*role));
    }
    used
}

/// Groups of pieces one after the other, as many as fit whole.
pub(super) fn groups(buf: &mut Buffer, scene: &Scene<'_>, area: Rect, groups: &[&[(&str, Role)]]) {
    let mut x = area.x;
    for group in groups {
        let cells = pieces_width(group);
        if x + cells > area.right() && x > area.x {
            return;
        }
        x += pieces(buf, scene, x, area.y, area.right() - x, group);
    }
}

/// The cells that pieces take.
pub(super) fn pieces_width(parts: &[(&str, Role)]) -> u16 {
    parts.iter().map(|(text, _)| width(text, 500) as u16).sum()
}

/// A bar of `cells` cells, full up to `share`; more than full is full.
pub(super) fn bar(
    buf: &mut Buffer,
    x: u16,
    y: u16,
    cells: u16,
    share: f64,
    full: ratatui::style::Style,
    empty: ratatui::style::Style,
) {
    let filled = if share > 0.0 { ((share * f64::from(cells)).round() as u16).clamp(1, cells) } else { 0 };
    for at in 0..cells {
        let (symbol, style) = if at < filled { ("▇", full) } else { ("▁", empty) };
        put(buf, x + at, y, 1, symbol, style);
    }
}

/// A rectangle as the viewer's state keeps it.
pub(super) const fn area_of(rect: Rect) -> Area {
    Area { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
}
