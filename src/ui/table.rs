//! Lists as columns of data: what fits is shown, the least important column goes first, and no column's width
//! depends on what the rows hold, so that nothing jumps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::figure::UNKNOWN;
use super::scene::{Scene, severity_role, sign};
use super::text::{put, put_right};
use super::theme::Role;
use super::widgets::area_of;
use crate::app::{ListRegion, Pane, Regions, SortBy};
use crate::desk::SourceIx;
use crate::metrics::thresholds::Severity;

/// Cells between two columns.
const GAP: u16 = 1;

/// The title of the column that names the source of a row.
const SOURCE: &str = "source";

/// One column: what it is called, how wide it may be, and how it draws a row.
pub(super) struct Column<R> {
    pub(super) title: &'static str,
    pub(super) min: u16,
    pub(super) max: u16,
    /// 0 is shown last of all to go.
    pub(super) rank: u8,
    pub(super) right: bool,
    pub(super) sort: Option<SortBy>,
    pub(super) cell: fn(&Scene<'_>, &R, &mut Slot<'_>),
}

impl<R> Clone for Column<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Column<R> {}

impl<R> Column<R> {
    /// The column that names the source of a row.
    pub(super) const fn source(rank: u8, cell: fn(&Scene<'_>, &R, &mut Slot<'_>)) -> Self {
        Self { title: SOURCE, min: 8, max: 12, rank, right: false, sort: None, cell }
    }
}

/// The columns without that of the source where there is but one.
pub(super) fn apart<R>(columns: &[Column<R>], scene: &Scene<'_>) -> Vec<Column<R>> {
    let has_several = scene.snapshot.sources.len() > 1;
    columns.iter().filter(|column| has_several || column.title != SOURCE).copied().collect()
}

/// How a row is painted.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    pub(super) selected: bool,
    pub(super) stale: bool,
}

/// The cells of one column in one row.
pub(super) struct Slot<'a> {
    pub(super) buf: &'a mut Buffer,
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) width: u16,
    paint: Paint,
    scene: &'a Scene<'a>,
}

impl Slot<'_> {
    /// The style of a role in this row: a selected row is one colour, an old one is dim.
    pub(super) fn style(&self, role: Role) -> Style {
        if self.paint.selected {
            self.scene.style(Role::Selected)
        } else if self.paint.stale {
            self.scene.style(Role::Stale)
        } else {
            self.scene.style(role)
        }
    }

    /// The style of a severity in this row: in a selected row a block of its colour, whatever the theme.
    pub(super) fn alarm(&self, role: Role) -> Style {
        if !self.paint.selected {
            return self.style(role);
        }
        let (own, canvas) = (self.scene.style(role), self.scene.style(Role::Canvas));
        if own.bg == canvas.bg { own.add_modifier(Modifier::REVERSED) } else { own }
    }

    /// The style of a bar: its glyphs are the colour themselves, also where a theme puts that behind text.
    pub(super) fn solid(&self, role: Role) -> Style {
        let (own, canvas) = (self.style(role), self.scene.style(Role::Canvas));
        if self.paint.selected || own.bg == canvas.bg { own } else { Style { fg: own.bg, bg: canvas.bg, ..own } }
    }

    /// A duration up to the right edge with the sign of its severity, `offset` cells in.
    pub(super) fn measured(&mut self, offset: u16, text: &str, severity: Severity) {
        let role = severity_role(severity);
        if severity == Severity::Fine {
            return self.right(text, role);
        }
        let style = self.alarm(role);
        let (x, width) = (self.x + offset, self.width.saturating_sub(offset));
        if self.paint.selected || style.bg != self.scene.style(Role::Canvas).bg {
            self.buf.set_style(Rect { x, y: self.y, width, height: 1 }, style);
        }
        put(self.buf, x, self.y, width, sign(severity), style);
        put_right(self.buf, x, self.y, width, text, style);
    }

    /// Text from the left.
    pub(super) fn text(&mut self, text: &str, role: Role) {
        let style = self.style(role);
        put(self.buf, self.x, self.y, self.width, text, style);
    }

    /// Text from the left, some cells in.
    pub(super) fn text_at(&mut self, offset: u16, text: &str, role: Role) {
        let style = self.style(role);
        put(self.buf, self.x + offset, self.y, self.width.saturating_sub(offset), text, style);
    }

    /// The name of a source.
    pub(super) fn source(&mut self, source: SourceIx) {
        let health = self.scene.snapshot.sources.get(source.at());
        self.text(health.map_or(UNKNOWN, |health| &*health.name), Role::Dim);
    }

    /// Text up to the right edge.
    pub(super) fn right(&mut self, text: &str, role: Role) {
        let style = self.style(role);
        put_right(self.buf, self.x, self.y, self.width, text, style);
    }
}

/// Where a list goes and how it stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) area: Rect,
    pub(super) pane: Pane,
    pub(super) sorted: Option<SortBy>,
}

/// Which columns fit, with their left edges and widths.
fn fit<R>(columns: &[Column<R>], room: u16) -> Vec<(&Column<R>, u16, u16)> {
    let mut shown: Vec<&Column<R>> = columns.iter().collect();
    let need = |shown: &[&Column<R>]| {
        shown.iter().map(|column| column.min).sum::<u16>() + GAP * (shown.len() as u16).saturating_sub(1)
    };
    while shown.len() > 1 && need(&shown) > room {
        let least = shown.iter().enumerate().max_by_key(|(_, column)| column.rank).map_or(0, |(at, _)| at);
        shown.remove(least);
    }
    let mut widths: Vec<u16> = shown.iter().map(|column| column.min).collect();
    let mut spare = room.saturating_sub(need(&shown));
    while spare > 0 {
        let before = spare;
        for (width, column) in widths.iter_mut().zip(&shown) {
            if spare > 0 && *width < column.max {
                *width += 1;
                spare -= 1;
            }
        }
        if before == spare {
            break;
        }
    }
    let mut x = 0;
    let placed = shown.into_iter().zip(widths).map(|(column, width)| {
        let at = x;
        x += width + GAP;
        (column, at, width.min(room.saturating_sub(at)))
    });
    placed.collect()
}

/// The cells that the column of a title gets, where it is shown.
pub(super) fn width_of<R>(columns: &[Column<R>], room: u16, title: &str) -> Option<u16> {
    fit(columns, room).into_iter().find(|(column, ..)| column.title == title).map(|(.., cells)| cells)
}

/// How many rows fit under the column titles.
pub(super) fn rows_in(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(1))
}

/// Draws the titles and rows of a list, and remembers where they are.
pub(super) fn draw<'r, R: 'r>(
    buf: &mut Buffer,
    scene: &Scene<'_>,
    columns: &[Column<R>],
    place: &Place,
    regions: &mut Regions,
    rows: impl Iterator<Item = (&'r R, Paint)>,
) {
    let Rect { x, y, width, height } = place.area;
    if width == 0 || height == 0 {
        return;
    }
    let placed = fit(columns, width);
    for (column, at, cells) in &placed {
        let sorted = column.sort.is_some() && column.sort == place.sorted;
        let role = if sorted { Role::Title } else { Role::Dim };
        let title = if sorted { format!("{}▾", column.title) } else { column.title.to_owned() };
        let write = if column.right { put_right } else { put };
        write(buf, x + at, y, *cells, &title, scene.style(role));
        if let Some(sort) = column.sort {
            regions.headers.push((area_of(Rect { x: x + at, y, width: *cells, height: 1 }), sort));
        }
    }
    let body = Rect { y: y + 1, height: height - 1, ..place.area };
    regions.lists.push(ListRegion { pane: place.pane, rows: area_of(body) });
    for (line, (row, paint)) in rows.enumerate().take(usize::from(body.height)) {
        let y = body.y + line as u16;
        if paint.selected {
            buf.set_style(Rect { y, height: 1, ..body }, scene.style(Role::Selected));
        }
        for (column, at, cells) in &placed {
            let mut slot = Slot { buf, x: x + at, y, width: *cells, paint, scene };
            (column.cell)(scene, row, &mut slot);
        }
    }
}

/// A line where a list has no rows.
pub(super) fn empty(buf: &mut Buffer, scene: &Scene<'_>, area: Rect, text: &str) {
    if area.height > 1 {
        put(buf, area.x, area.y + 1, area.width, text, scene.style(Role::Dim));
    }
}
