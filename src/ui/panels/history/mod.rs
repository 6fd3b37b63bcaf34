//! The figures of the last days: each with its change and its days, the hours of the week, and a table by group.

mod figures;
mod groups;
mod heat;

use chrono::{DateTime, Datelike, FixedOffset};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{HistoryView, PastSlot, RANGES, Regions};
use crate::board::PastPage;
use crate::board::past::{OverviewPage, Span};
use crate::ui::scene::Scene;
use crate::ui::text::{put, put_right, width, wrap};
use crate::ui::theme::Role;
use crate::ui::widgets::{area_of, frame, pieces};

/// From here on panels have frames.
const ROOMY: (u16, u16) = (44, 12);
/// From here on the table stands under the figures, and from the second on the hours beside it.
const TALL: [u16; 2] = [16, 20];
/// From here on there is room for the hours.
const WIDE: u16 = 72;
/// Lines that the hours take: seven days, a scale and the frame.
const HEAT: u16 = 10;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let view = &scene.view.history;
    let (top, body) =
        (Rect { height: 1, ..area }, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area });
    bar(buf, top, scene, view, regions);
    if body.height == 0 {
        return;
    }
    match view.past.page.as_deref() {
        Some(PastPage::Overview(page)) => panels(buf, body, scene, page, regions),
        Some(PastPage::Failed(why)) => say(buf, body, scene, "▲ The past could not be read", why, Role::Warning),
        Some(PastPage::Unkept(why)) => say(buf, body, scene, "No history", why, Role::Dim),
        _ => waiting(buf, body, scene, &view.past),
    }
}

/// The ranges to choose from, what is compared with what, and how far the next answer is.
fn bar(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, view: &HistoryView, regions: &mut Regions) {
    let mut x = area.x + 1;
    for (at, days) in RANGES.iter().enumerate() {
        let is_chosen = at == view.range;
        if !is_chosen && area.width < ROOMY.0 {
            continue;
        }
        let name = if *days == 1 { "today".to_owned() } else { format!("{days} days") };
        let text = if is_chosen { format!("[{name}]") } else { format!(" {name} ") };
        let role = if is_chosen { Role::Selected } else { Role::Dim };
        let took = put(buf, x, area.y, area.right().saturating_sub(x), &text, scene.style(role));
        regions.ranges.push((area_of(Rect { x, width: took, ..area }), at));
        x += took;
    }
    let room = area.right().saturating_sub(x + 2);
    let (text, role) = match (view.past.is_waiting(), view.page()) {
        (true, Some(page)) if page.days != view.days() || Some(view.by()) != page.by => {
            (progress(&view.past), Role::Accent)
        }
        (_, Some(_)) if view.past.failure.is_some() => {
            (format!("▲ {}", view.past.failure.as_deref().unwrap_or_default()), Role::Warning)
        }
        (_, Some(page)) => (compared(scene, page, usize::from(room)), Role::Dim),
        _ => return,
    };
    put_right(buf, x + 1, area.y, room, &text, scene.style(role));
}

/// How far the next answer is.
fn progress(slot: &PastSlot) -> String {
    match slot.progress {
        Some((done, of)) if of > 0 => format!("reading {} %", (done * 100 / of).min(100)),
        _ => "reading".to_owned(),
    }
}

/// What is compared with what, in the longest words that fit.
fn compared(scene: &Scene<'_>, page: &OverviewPage, room: usize) -> String {
    let now = dates(scene, page.range);
    let until = scene.local(page.range.to).format("%H:%M").to_string();
    let since = match (page.before, page.begins_at) {
        _ if !page.is_told => "incomplete: the past is still being read".to_owned(),
        (Some(before), _) => format!("against {} to {until}", dates(scene, before)),
        (None, Some(at)) => format!("kept since {}", scene.local(at).format("%-d %b %H:%M")),
        (None, None) => "nothing is kept yet".to_owned(),
    };
    let shapes = [format!("{now} to {until} · {since}"), format!("{now} · {since}"), format!("{now} to {until}"), now];
    shapes.into_iter().find(|text| width(text, 200) <= room).unwrap_or_default()
}

/// The days of a stretch of time.
fn dates(scene: &Scene<'_>, span: Span) -> String {
    let last = span.to - chrono::TimeDelta::milliseconds(1);
    let (from, to): (DateTime<FixedOffset>, _) = (scene.local(span.from), scene.local(last));
    let end = to.format("%-d %b");
    if from.date_naive() == to.date_naive() {
        end.to_string()
    } else if from.month() == to.month() && from.year() == to.year() {
        format!("{}–{end}", from.day())
    } else {
        format!("{} – {end}", from.format("%-d %b"))
    }
}

/// What fits; the hours of the week fall away first, then the table.
fn panels(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &OverviewPage, regions: &mut Regions) {
    if area.width < ROOMY.0 || area.height < ROOMY.1 {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        return figures::draw(buf, inner, scene, page, regions);
    }
    let with_heat = area.height >= TALL[1] && area.width >= WIDE;
    let below = match () {
        () if with_heat => HEAT,
        () if area.height >= TALL[0] => area.height / 3 + 2,
        () => 0,
    };
    figures::framed(buf, Rect { height: area.height - below, ..area }, scene, page, regions);
    let below = Rect { y: area.bottom() - below, height: below, ..area };
    let heat = if with_heat { heat::width(area.width) } else { 0 };
    if with_heat {
        heat::draw(buf, Rect { x: below.right() - heat, width: heat, ..below }, scene, page);
    }
    if below.height > 0 {
        groups::draw(buf, Rect { width: below.width - heat, ..below }, scene, page, regions);
    }
}

/// A page without figures says why.
fn say(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, title: &str, why: &str, role: Role) {
    let inner = if area.width >= ROOMY.0 && area.height >= 4 {
        frame(buf, scene, area, title, "", false)
    } else {
        Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
    };
    let lines = wrap(why, usize::from(inner.width), usize::from(inner.height));
    for (line, text) in lines.iter().enumerate() {
        put(buf, inner.x, inner.y + line as u16, inner.width, text, scene.style(role));
    }
}

/// Before the first answer: how far it is.
fn waiting(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &PastSlot) {
    if !slot.is_waiting() {
        return say(buf, area, scene, "History", "nobody answers; asking again", Role::Dim);
    }
    let text = format!("{} ", progress(slot));
    let y = area.y + area.height / 2;
    let cells = area.width.saturating_sub(6).min(60);
    let x = area.x + (area.width - cells) / 2;
    let took = pieces(buf, scene, x, y, cells, &[(&text, Role::Dim)]);
    if let Some((done, of)) = slot.progress.filter(|(_, of)| *of > 0) {
        let share = done as f64 / of as f64;
        let (full, empty) = (scene.style(Role::Bar), scene.style(Role::Trough));
        crate::ui::widgets::bar(buf, x + took, y, cells.saturating_sub(took).max(1), share, full, empty);
    }
}
