//! The figures of the last days.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{PastSlot, Regions};
use crate::board::PastPage;
use crate::ui::scene::Scene;
use crate::ui::text::put;
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside};

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, _: &mut Regions) {
    let inner = inside(area);
    frame(buf, scene, area, "History", &progress(&scene.view.history.past), true);
    match scene.view.history.past.page.as_deref() {
        None => {}
        Some(PastPage::Failed(why) | PastPage::Unkept(why)) => {
            put(buf, inner.x, inner.y, inner.width, why, scene.style(Role::Dim));
        }
        Some(PastPage::Overview(page)) => {
            for (line, figure) in page.figures.iter().take(usize::from(inner.height)).enumerate() {
                let text = format!("{} {:?}", figure.row.title, figure.value.measure());
                put(buf, inner.x, inner.y + line as u16, inner.width, &text, scene.style(Role::Canvas));
            }
        }
    }
}

/// How far the next answer is.
fn progress(slot: &PastSlot) -> String {
    match slot.progress {
        Some((done, of)) if of > 0 => format!("reading {} %", done * 100 / of),
        _ if slot.is_waiting() => "reading".to_owned(),
        _ => String::new(),
    }
}
