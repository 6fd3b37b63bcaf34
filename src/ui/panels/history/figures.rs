//! Every figure of the range with its change and its days.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Pane, Regions};
use crate::board::past::{OverviewFigure, OverviewPage};
use crate::metrics::history::Shape;
use crate::ui::figure::{UNKNOWN, count};
use crate::ui::measure::{self, bars, days_a_bar};
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{put, width};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside, position};

/// The least and the most cells of the bars.
const BARS: (u16, u16) = (10, 60);

const COLUMNS: &[Column<OverviewFigure>] = &[
    Column { title: "figure", min: 16, max: 34, rank: 0, right: false, sort: None, cell: name },
    Column { title: "value", min: 8, max: 10, rank: 1, right: true, sort: None, cell: value },
    Column { title: "p90", min: 7, max: 9, rank: 6, right: true, sort: None, cell: p90 },
    Column { title: "n", min: 6, max: 8, rank: 3, right: true, sort: None, cell: n },
    Column { title: "before", min: 8, max: 10, rank: 5, right: true, sort: None, cell: before },
    Column { title: "change", min: 10, max: 18, rank: 2, right: false, sort: None, cell: change },
    Column { title: "by day", min: BARS.0, max: BARS.1, rank: 4, right: false, sort: None, cell: by_day },
];

/// The figures in a frame that says how to read the bars.
pub(super) fn framed(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &OverviewPage, regions: &mut Regions) {
    let view = &scene.view.history;
    let inner = inside(area);
    let window = view.figures_window(table::rows_in(inner));
    let place = position(&view.figure_rows(), &window);
    let each = days_a_bar(usize::from(page.days), usize::from(cells(inner.width)));
    let bar = if each > 1 { format!("a bar = {each} days") } else { "last bar: today so far".to_owned() };
    let note = place.map_or_else(|| bar.clone(), |place| format!("{bar} · {place}"));
    frame(buf, scene, area, "Figures", &note, view.pane == Pane::Figures);
    draw(buf, inner, scene, page, regions);
}

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &OverviewPage, regions: &mut Regions) {
    let window = scene.view.history.figures_window(table::rows_in(area));
    let rows = window.keys.iter().enumerate().filter_map(|(line, at)| {
        Some((page.figures.get(*at)?, Paint { selected: window.selected == Some(line), stale: false }))
    });
    let place = Place { area, pane: Pane::Figures, sorted: None };
    table::draw(buf, scene, COLUMNS, &place, regions, rows);
}

/// The cells that the bars get.
fn cells(room: u16) -> u16 {
    table::width_of(COLUMNS, room, "by day").unwrap_or(BARS.0)
}

/// A figure's name, and which part of it or what of it; where there is no room for both, a name of one word.
fn name(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    let (title, room) = (figure.row.title, usize::from(slot.width));
    let part = figure.part.as_deref().map(|part| match figure.row.shape {
        Shape::Shares => Cow::Owned(part.replace('_', " ")),
        _ => Cow::Borrowed(part),
    });
    let more = part.as_deref().unwrap_or(measure::kind(&figure.value));
    let fits = width(title, room) + 1 + width(more, 200) <= room;
    let title = match title.split_once(' ') {
        Some((word, _)) if !fits && part.is_some() => word,
        _ => title,
    };
    slot.text(title, Role::Canvas);
    if fits || part.is_some() {
        slot.text_at(width(title, room) as u16 + 1, more, Role::Dim);
    }
}

fn value(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    let text = measure::value(&figure.value, figure.row.shape);
    let role = if text == UNKNOWN { Role::Dim } else { Role::Figure };
    slot.right(&text, role);
}

fn p90(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    slot.right(&measure::p90(&figure.value, figure.row.shape), Role::Dim);
}

fn n(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    if let Some(n) = measure::n(&figure.value) {
        slot.right(&count(n), Role::Dim);
    }
}

fn before(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    let text = figure.before.as_ref().map(|value| measure::value(value, figure.row.shape));
    slot.right(text.as_deref().unwrap_or(UNKNOWN), Role::Dim);
}

fn change(_: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    trend(figure, slot);
}

/// A change: the way it went, how far, and whether that is good.
pub(super) fn trend(figure: &OverviewFigure, slot: &mut Slot<'_>) {
    let trend = measure::trend(figure);
    let word = if slot.width >= 16 { trend.verdict.0 } else { trend.verdict.1 };
    let size = format!("{} {:>6}", trend.arrow, trend.size);
    slot.text(&size, trend.role);
    slot.text_at(width(&size, 40) as u16 + 1, word, trend.role);
}

fn by_day(scene: &Scene<'_>, figure: &OverviewFigure, slot: &mut Slot<'_>) {
    let days = scene.view.history.page().map_or(1, |page| page.days);
    let shown = bars(figure, usize::from(days), usize::from(slot.width));
    let style = slot.style(Role::Dim);
    let took = put(slot.buf, slot.x, slot.y, slot.width, &shown.before, style);
    slot.text_at(took, &shown.range, Role::Accent);
}
