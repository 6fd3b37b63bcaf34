//! New conversations by weekday and hour, as shades that need no colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::board::past::OverviewPage;
use crate::ui::figure::count;
use crate::ui::scene::Scene;
use crate::ui::text::put;
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// From none to most.
const SHADES: [&str; 5] = ["·", "░", "▒", "▓", "█"];
/// Cells of the weekday's name.
const NAME: u16 = 4;
/// Cells of frame and air.
const FRAME: u16 = 4;
/// From here on an hour is two cells wide.
const WIDE: u16 = 110;

/// The cells that it takes on a screen of some width.
pub(super) const fn width(screen: u16) -> u16 {
    FRAME + NAME + if screen >= WIDE { 48 } else { 24 }
}

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &OverviewPage) {
    let inner = inside(area);
    let cells = if inner.width >= NAME + 48 { 2 } else { 1 };
    let hours = || page.heat.iter().flatten();
    let most = hours().flatten().copied().max().unwrap_or(0);
    let at = hours().position(|new| *new == Some(most)).filter(|_| most > 0);
    let peak = at.map(|at| format!("most {} {:02}h: {}", WEEKDAYS[at / 24], at % 24, count(most)));
    frame(buf, scene, area, "New by hour", &peak.unwrap_or_default(), false);
    for (line, (name, hours)) in WEEKDAYS.iter().zip(&page.heat).enumerate() {
        let y = inner.y + line as u16;
        if y >= inner.bottom() {
            return;
        }
        put(buf, inner.x, y, NAME, name, scene.style(Role::Dim));
        for (hour, new) in hours.iter().enumerate() {
            let Some(new) = new else { continue };
            let shade = shade(*new, most);
            let role = if shade == 0 { Role::Trough } else { Role::Bar };
            let x = inner.x + NAME + hour as u16 * cells;
            for x in x..(x + cells).min(inner.right()) {
                put(buf, x, y, 1, SHADES[shade], scene.style(role));
            }
        }
    }
    let y = inner.y + WEEKDAYS.len() as u16;
    if y < inner.bottom() {
        for hour in (0..24).step_by(if cells == 1 { 6 } else { 3 }) {
            put(buf, inner.x + NAME + hour * cells, y, 3, &format!("{hour:02}"), scene.style(Role::Dim));
        }
    }
}

/// How dark an hour is: nothing only for none.
fn shade(new: u64, most: u64) -> usize {
    if new == 0 { 0 } else { (new * 4).div_ceil(most.max(1)).clamp(1, 4) as usize }
}
