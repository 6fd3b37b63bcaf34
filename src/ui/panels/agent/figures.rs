//! An agent's figures of today, of 7 and of 30 days, each beside the median of its team.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drill, Pane, Regions};
use crate::board::past::{AgentPast, Beside};
use crate::ui::figure::count;
use crate::ui::kept::{self, number, verdict};
use crate::ui::measure;
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{put, wrap};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside, position};

/// Lines that say what the selected figure is.
const WORDS: u16 = 3;

/// The ranges that a figure is shown of.
type Row<'a> = [&'a Beside; 3];

const fn column<'a>(
    title: &'static str,
    width: u16,
    rank: u8,
    cell: fn(&Scene<'_>, &Row<'a>, &mut Slot<'_>),
) -> Column<Row<'a>> {
    Column { title, min: width, max: width + 1, rank, right: true, sort: None, cell }
}

fn columns<'a>() -> [Column<Row<'a>>; 7] {
    [
        Column { title: "", min: 14, max: 30, rank: 0, right: false, sort: None, cell: name },
        column("today ", 8, 2, |_, row, slot| own(row[0], slot)),
        column("team", 6, 4, |_, row, slot| team(row[0], slot)),
        column("7 days ", 8, 5, |_, row, slot| own(row[1], slot)),
        column("team", 6, 6, |_, row, slot| team(row[1], slot)),
        column("30 days ", 8, 1, |_, row, slot| own(row[2], slot)),
        column("team", 6, 3, |_, row, slot| team(row[2], slot)),
    ]
}

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, regions: &mut Regions) {
    let focused = scene.view.pane() == Pane::Figures;
    let mut inner = inside(area);
    let Some(past) = drill.agent_past() else {
        frame(buf, scene, area, "Figures", "", focused);
        return kept::absent(buf, inner, scene, &drill.past);
    };
    let selected = drill.rows(Pane::Figures).resolve(drill.cursor(Pane::Figures), |_| None);
    if let Some(row) = selected.filter(|_| focused && inner.height >= WORDS + 5) {
        inner.height -= WORDS;
        let below = Rect { y: inner.bottom(), height: WORDS, ..inner };
        words(buf, below, scene, past, row);
    }
    let window = drill.window(Pane::Figures, table::rows_in(inner));
    let shown = position(&drill.rows(Pane::Figures), &window).unwrap_or_default();
    frame(buf, scene, area, &format!("Figures · team = {}", peers(past)), &shown, focused);
    let rows: Vec<(usize, Row<'_>)> = window.keys.iter().filter_map(|row| Some((*row, of(past, *row)?))).collect();
    let painted = rows
        .iter()
        .enumerate()
        .map(|(line, (_, row))| (row, Paint { selected: window.selected == Some(line), stale: false }));
    let place = Place { area: inner, pane: Pane::Figures, sorted: None };
    table::draw(buf, scene, &columns(), &place, regions, painted);
}

/// Whom the agent is compared with.
fn peers(past: &AgentPast) -> String {
    let agents = past.ranges.last().map_or(0, |range| range.agents);
    let of = match &past.peers.teams[..] {
        [] => "all".to_owned(),
        [team] => team.to_string(),
        [team, rest @ ..] => format!("{team} +{}", rest.len()),
    };
    format!("median of {agents} in {of}")
}

/// A figure in each range.
fn of(past: &AgentPast, row: usize) -> Option<Row<'_>> {
    let [today, week, month] = &past.ranges[..] else { return None };
    Some([today.figures.get(row)?, week.figures.get(row)?, month.figures.get(row)?])
}

fn name(_: &Scene<'_>, row: &Row<'_>, slot: &mut Slot<'_>) {
    slot.text(row[0].row.title, Role::Canvas);
}

fn own(figure: &Beside, slot: &mut Slot<'_>) {
    let measure = figure.own.as_ref().and_then(crate::metrics::history::Value::measure);
    let (sign, role) = verdict(figure);
    let role = match measure {
        None => Role::Dim,
        Some(_) if role == Role::Canvas => Role::Figure,
        Some(_) => role,
    };
    slot.right(&format!("{}{sign}", number(figure.row.shape, measure)), role);
}

fn team(figure: &Beside, slot: &mut Slot<'_>) {
    slot.right(&number(figure.row.shape, figure.team), Role::Dim);
}

/// How many stand behind the selected figure, and what it is.
fn words(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, past: &AgentPast, row: usize) {
    let Some(figures) = of(past, row) else { return };
    let behind = figures.map(|figure| figure.own.as_ref().and_then(measure::n).map_or_else(|| "–".to_owned(), count));
    let agents = figures.map(|figure| figure.of.to_string());
    let n = format!("n {} · team: {} agents", behind.join(" · "), agents.join(" · "));
    put(buf, area.x, area.y, area.width, &n, scene.style(Role::Dim));
    let lines = wrap(figures[0].row.definition, usize::from(area.width), usize::from(area.height.saturating_sub(1)));
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        put(buf, area.x, y, area.width, line, scene.style(Role::Dim));
    }
}
