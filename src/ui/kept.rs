//! What was kept: figures beside those of a team, cells of past chats, and what stands where nothing has been read.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::figure::{UNKNOWN, count, duration, seconds};
use super::measure;
use super::scene::Scene;
use super::table::Slot;
use super::text::{put, wrap};
use super::theme::Role;
use super::timeline;
use super::widgets::bar;
use crate::app::PastSlot;
use crate::board::PastPage;
use crate::board::past::Beside;
use crate::desk::SourceIx;
use crate::event::Timestamp;
use crate::metrics::history::{Better, Shape, Value};
use crate::metrics::story::Answer;

/// Lengths of time from here on are told in hours: nobody thinks of work in days of 24.
const HOURS: f64 = 36_000.0;
/// A time that differs from the team's by less than this part of it is like the team's.
const TIMES: f64 = 0.25;
/// A share that differs by less than this is.
const SHARES: f64 = 0.1;
/// Fewer say little.
const FEW: u64 = 5;

/// One number of a shape in its unit.
pub(super) fn number(shape: Shape, number: Option<f64>) -> String {
    let Some(value) = number else { return UNKNOWN.to_owned() };
    match shape {
        Shape::Count if value.fract() == 0.0 || value >= 100.0 => count(value.round() as u64),
        Shape::Count | Shape::Numbers => format!("{value:.1}"),
        Shape::Seconds if value >= HOURS => format!("{} h", count((value / 3600.0) as u64)),
        Shape::Duration | Shape::Seconds => seconds(number),
        Shape::Share => format!("{:.0} %", value * 100.0),
        _ => format!("{value:.2}"),
    }
}

/// How an agent stands beside its team: a sign and a role; times and shares of enough cases only, for a count says as
/// much about hours as about work.
pub(super) fn verdict(figure: &Beside) -> (&'static str, Role) {
    let alike = (" ", Role::Canvas);
    let (Some(own), Some(team)) = (figure.own.as_ref(), figure.team) else { return alike };
    let Some(number) = own.measure().filter(|_| figure.of > 1 && measure::n(own).is_some_and(|n| n >= FEW)) else {
        return alike;
    };
    let apart = match own {
        Value::Share(_) => (number - team) / SHARES,
        _ if team > 0.0 => (number - team) / team / TIMES,
        _ => return alike,
    };
    let is_more = match apart {
        1.0.. => true,
        ..=-1.0 => false,
        _ => return alike,
    };
    match (figure.row.better, is_more) {
        (Better::Either, _) => alike,
        (Better::More, true) | (Better::Less, false) => ("✓", Role::Good),
        (Better::More, false) | (Better::Less, true) => ("✗", Role::Warning),
    }
}

/// A length of time in milliseconds, up to the right edge.
pub(super) fn length(slot: &mut Slot<'_>, millis: Option<i64>, role: Role) {
    match millis {
        Some(millis) => slot.right(&duration(TimeDelta::milliseconds(millis)), role),
        None => slot.right(UNKNOWN, Role::Dim),
    }
}

/// A satisfaction answer, up to the right edge.
pub(super) fn answer(slot: &mut Slot<'_>, answer: Option<&Answer>) {
    let Some(answer) = answer else { return slot.right("·", Role::Dim) };
    let role = if answer.rating.is_positive() { Role::Good } else { Role::Warning };
    slot.right(&format!("{}/{}", answer.rating.score, answer.rating.scale), role);
}

/// How far the next answer is; empty where none is on its way.
pub(super) fn progress(slot: &PastSlot) -> String {
    match slot.progress {
        Some((done, of)) if of > done => format!("reading history {} %", done * 100 / of),
        Some((_, 1..)) => "adding up".to_owned(),
        _ if slot.is_waiting() => "reading history".to_owned(),
        _ => String::new(),
    }
}

/// Until when a page tells, and that it lacks something while its source has not told all of its past.
pub(super) fn as_of(scene: &Scene<'_>, source: SourceIx, at: Timestamp) -> String {
    let told = scene.snapshot.sources.get(source.at()).and_then(|health| health.progress.as_ref());
    let lacks = told.map_or_else(String::new, |(what, part)| format!(", incomplete: {what} {:.0} %", part * 100.0));
    format!("as of {}{lacks}", timeline::when(scene, at))
}

/// Whether it is known why the past says nothing.
fn has_failed(slot: &PastSlot) -> bool {
    matches!(slot.page.as_deref(), Some(PastPage::Failed(_) | PastPage::Unkept(_) | PastPage::Unknown))
}

/// What stands in a panel that the past fills, besides the one that shows how far it is: why it does not.
pub(super) fn silent(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &PastSlot) {
    if has_failed(slot) {
        absent(buf, area, scene, slot);
    }
}

/// What stands in a panel that the past fills, until it does or where it can't: a bar of progress, or why not.
pub(super) fn absent(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &PastSlot) {
    if area.height == 0 {
        return;
    }
    let (text, role): (&str, Role) = match slot.page.as_deref() {
        Some(PastPage::Failed(why)) => (why, Role::Warning),
        Some(PastPage::Unkept(why)) => (why, Role::Dim),
        Some(PastPage::Unknown) => ("nothing is kept of it", Role::Dim),
        _ if slot.is_waiting() => return reading(buf, area, scene, slot),
        _ => ("nobody has answered yet", Role::Dim),
    };
    for (line, y) in wrap(text, usize::from(area.width), usize::from(area.height)).iter().zip(area.y..area.bottom()) {
        put(buf, area.x, y, area.width, line, scene.style(role));
    }
}

fn reading(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, slot: &PastSlot) {
    let took = put(buf, area.x, area.y, area.width, &progress(slot), scene.style(Role::Dim));
    let cells = area.width.saturating_sub(took + 1).min(30);
    if let Some((done, of)) = slot.progress.filter(|(_, of)| *of > 0 && cells > 3) {
        let share = done as f64 / of as f64;
        bar(buf, area.x + took + 1, area.y, cells, share, scene.style(Role::Bar), scene.style(Role::Trough));
    }
}
