//! What a tiny screen, or one without any data yet, still shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Regions;
use crate::ui::figure::{UNKNOWN, duration};
use crate::ui::scene::{Scene, severity_role, sign};
use crate::ui::text::put;
use crate::ui::theme::Role;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, _: &mut Regions) {
    let live = scene.live();
    if scene.snapshot.sources.is_empty() && scene.snapshot.generation == 0 {
        put(buf, area.x, area.y, area.width, "helptop: waiting for the first picture", scene.style(Role::Dim));
        return;
    }
    if scene.is_unheard() {
        put(buf, area.x, area.y, area.width, UNKNOWN, scene.style(Role::Dim));
        return;
    }
    let waiting = live.totals.unanswered.to_string();
    let mut x = area.x + put(buf, area.x, area.y, area.width, &waiting, scene.style(Role::Figure));
    let first = live.waiting.get_min().map(|(_, row)| row);
    if let Some((row, since)) = first.and_then(|row| Some((row, row.waiting_since?))) {
        let severity = scene.severity(row);
        let text = format!("{}{}", sign(severity), duration(scene.since(since)));
        let (x_at, y) = if area.height > 1 { (area.x, area.y + 1) } else { (x + 1, area.y) };
        x = x_at;
        put(buf, x, y, area.right().saturating_sub(x), &text, scene.style(severity_role(severity)));
    }
}
