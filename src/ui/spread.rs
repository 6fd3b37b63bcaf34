//! A histogram of two spreads side by side: how often a length of time is short, long and very long.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::figure::{UNKNOWN, count, seconds};
use super::scene::Scene;
use super::text::put;
use super::theme::Role;
use super::widgets::{groups, pieces};
use crate::board::past::{EDGES, PARTS, Spread};
use crate::metrics::stats::DurationFigure;

/// Heights of a cell, from an eighth to all of it.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Cells of the name of whose a spread is.
const NAME: u16 = 14;
/// A part is at most so many cells wide.
const WIDEST: u16 = 8;

/// Draws an agent's spread beside its team's, `others` says whose that is.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, own: &Spread, team: &Spread, others: &str) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    if team.figure.n == 0 {
        put(buf, area.x, area.y, area.width, "no chat was ended by an agent", scene.style(Role::Dim));
        return;
    }
    let two = area.height >= 6;
    summary(buf, area, scene, ("this agent", Role::Bar), &own.figure);
    if two {
        let below = Rect { y: area.y + 1, ..area };
        summary(buf, below, scene, (others, Role::Stale), &team.figure);
    }
    let head = if two { 2 } else { 1 };
    let chart = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
    bars(buf, chart, scene, own, team);
}

fn summary(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, name: (&str, Role), figure: &DurationFigure) {
    let (median, p90, n) = (seconds(figure.median), seconds(figure.p90), count(figure.n));
    let known = |text| if figure.n == 0 { UNKNOWN } else { text };
    pieces(buf, scene, area.x, area.y, area.width, &[("█ ", name.1), name]);
    let used = NAME.min(area.width);
    groups(
        buf,
        scene,
        Rect { x: area.x + used, width: area.width - used, ..area },
        &[
            &[("median ", Role::Dim), (known(&median), Role::Figure)],
            &[("   9 in 10 within ", Role::Dim), (known(&p90), Role::Canvas)],
            &[("   n ", Role::Dim), (&n, Role::Dim)],
        ],
    );
}

/// The first and the last part that either of two spreads has anything in, and one more at both sides where there is one.
fn shown(own: &Spread, team: &Spread) -> (usize, usize) {
    let has = |part: &usize| own.counts[*part] + team.counts[*part] > 0;
    let first = (0..PARTS).find(has).unwrap_or(0);
    let last = (0..PARTS).rev().find(has).unwrap_or(PARTS - 1);
    (first, last)
}

fn bars(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, own: &Spread, team: &Spread) {
    let (first, last) = shown(own, team);
    let parts = (last - first + 1) as u16;
    let wide = (area.width / parts).min(WIDEST);
    if area.height < 2 || wide < 2 {
        return;
    }
    let height = area.height - 1;
    let gap = u16::from(wide >= 3);
    let left = (wide - gap).div_ceil(2);
    let most = (first..=last).flat_map(|part| [own.share(part), team.share(part)]).flatten().fold(0.0, f64::max);
    for (x, part) in (area.x..).step_by(usize::from(wide)).zip(first..=last) {
        let sides = [(own, x, left, Role::Bar), (team, x + left, wide - gap - left, Role::Stale)];
        for (spread, x, cells, role) in sides {
            let share = spread.share(part).unwrap_or(0.0);
            let steps = if most > 0.0 { (share / most * f64::from(height) * 8.0).round() as u16 } else { 0 };
            let steps = if share > 0.0 { steps.max(1) } else { 0 };
            column(buf, Rect { x, y: area.y, width: cells, height }, scene, steps, role);
        }
        if part > 0 {
            let edge = edge(part);
            let fits =
                edge.len() as u16 <= wide.saturating_sub(u16::from(wide > 2)) || (part - first).is_multiple_of(2);
            if fits {
                let room = area.right().saturating_sub(x).min(4);
                pieces(buf, scene, x, area.y + height, room, &[(&edge, Role::Dim)]);
            }
        } else {
            pieces(buf, scene, x, area.y + height, 1, &[("0", Role::Dim)]);
        }
    }
}

/// What the length of time at the left edge of a part is called.
fn edge(part: usize) -> String {
    let millis = part.checked_sub(1).and_then(|at| EDGES.get(at)).map_or(0, |(millis, _)| *millis);
    let minutes = millis / 60_000;
    match minutes {
        ..60 => format!("{minutes}m"),
        60..1440 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

fn column(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, steps: u16, role: Role) {
    let mut left = steps;
    for y in (area.y..area.bottom()).rev() {
        let filled = left.min(8);
        left -= filled;
        if filled > 0 {
            let line = EIGHTHS[usize::from(filled)].repeat(usize::from(area.width));
            put(buf, area.x, y, area.width, &line, scene.style(role));
        }
    }
}
