//! How fresh each source is, what it costs, and what it can't tell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Pane, Regions, Rows};
use crate::board::{SourceHealth, SourceState, StoreHealth, StoreState};
use crate::ui::figure::{UNKNOWN, age, count};
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{put, wrap};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside, list_note};

const COLUMNS: &[Column<SourceHealth>] = &[
    Column { title: "", min: 1, max: 1, rank: 1, right: false, sort: None, cell: sign },
    Column { title: "source", min: 10, max: 18, rank: 0, right: false, sort: None, cell: name },
    Column { title: "kind", min: 8, max: 10, rank: 7, right: false, sort: None, cell: kind },
    Column { title: "state", min: 8, max: 9, rank: 2, right: false, sort: None, cell: state },
    Column { title: "age", min: 4, max: 6, rank: 3, right: true, sort: None, cell: old },
    Column { title: "every", min: 5, max: 7, rank: 8, right: true, sort: None, cell: interval },
    Column { title: "latency", min: 7, max: 9, rank: 9, right: true, sort: None, cell: latency },
    Column { title: "requests", min: 8, max: 10, rank: 10, right: true, sort: None, cell: requests },
    Column { title: "events", min: 9, max: 12, rank: 6, right: true, sort: None, cell: events },
    Column { title: "quota left", min: 12, max: 14, rank: 5, right: true, sort: None, cell: quota },
    Column { title: "skipped", min: 7, max: 9, rank: 11, right: true, sort: None, cell: skipped },
    Column { title: "  last error", min: 16, max: 400, rank: 4, right: false, sort: None, cell: error },
];

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let sources = &scene.snapshot.sources;
    let wanted = sources.len() as u16 + 3;
    let height = wanted.min(area.height.saturating_sub(8)).max(area.height.min(5));
    let top = Rect { height, ..area };
    let inner = inside(top);
    let window = scene.view.sources_window(scene.snapshot, table::rows_in(inner));
    let note = list_note(&Rows::<_>::Made((0..sources.len()).collect()), &window, None);
    frame(buf, scene, top, "Sources", &note, true);
    let rows = window.keys.iter().enumerate().filter_map(|(line, at)| {
        Some((sources.get(*at)?, Paint { selected: window.selected == Some(line), stale: false }))
    });
    let place = Place { area: inner, pane: Pane::Sources, sorted: None };
    table::draw(buf, scene, COLUMNS, &place, regions, rows);
    let chosen = window.selected.and_then(|line| window.keys.get(line)).copied().unwrap_or(0);
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    if let Some(health) = sources.get(chosen).filter(|_| below.height >= 3) {
        details(buf, below, scene, health);
    }
}

fn state_of(scene: &Scene<'_>, health: &SourceHealth) -> (&'static str, &'static str, Role) {
    match health.state_at(scene.instant) {
        SourceState::Starting => ("○", "starting", Role::Dim),
        SourceState::Fresh => ("●", "fresh", Role::Good),
        SourceState::Failing => ("▲", "failing", Role::Warning),
        SourceState::Stale => ("▲", "stale", Role::Warning),
        SourceState::Finished => ("●", "ended", Role::Good),
    }
}

fn sign(scene: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let (sign, _, role) = state_of(scene, health);
    slot.text(sign, role);
}

fn name(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    slot.text(&health.name, Role::Canvas);
}

fn kind(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    slot.text(health.kind, Role::Dim);
}

fn state(scene: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let (_, word, role) = state_of(scene, health);
    slot.text(word, role);
}

fn old(scene: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let text = health.good_at.map_or_else(|| UNKNOWN.to_owned(), |at| age(scene.since(at)));
    slot.right(&text, Role::Canvas);
}

fn interval(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let text = if health.pushes { UNKNOWN.to_owned() } else { format!("{}s", health.interval.as_secs()) };
    slot.right(&text, Role::Dim);
}

fn latency(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let text = health.latency.map_or_else(|| UNKNOWN.to_owned(), |latency| format!("{} ms", latency.as_millis()));
    slot.right(&text, Role::Dim);
}

fn requests(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let text = if health.pushes { UNKNOWN.to_owned() } else { count(health.requests_total) };
    slot.right(&text, Role::Dim);
}

fn events(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    slot.right(&count(health.events_total), Role::Dim);
}

fn quota(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let Some((left, limit)) = health.quota else { return slot.right(UNKNOWN, Role::Dim) };
    let role = if left * 5 < limit { Role::Warning } else { Role::Canvas };
    slot.right(&format!("{} of {}", thousands(left), thousands(limit)), role);
}

/// A number that fits: of ten thousand and more, the whole thousands. The detail below says it in full.
fn thousands(number: u64) -> String {
    if number < 10_000 { number.to_string() } else { format!("{}k", number / 1000) }
}

fn skipped(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    let role = if health.skipped_total > 0 { Role::Warning } else { Role::Dim };
    slot.right(&count(health.skipped_total), role);
}

fn error(_: &Scene<'_>, health: &SourceHealth, slot: &mut Slot<'_>) {
    match &health.error {
        Some((what, ..)) => slot.text_at(2, what, Role::Warning),
        None => slot.text_at(2, UNKNOWN, Role::Dim),
    }
}

/// All there is to say about one source.
fn details(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, health: &SourceHealth) {
    let inner = frame(buf, scene, area, &health.name, health.kind, false);
    let lines = detail_lines(scene, health, usize::from(inner.width.saturating_sub(LABEL)));
    for ((label, text, role), y) in lines.iter().zip(inner.y..inner.bottom()) {
        put(buf, inner.x, y, LABEL, label, scene.style(Role::Dim));
        put(buf, inner.x + LABEL, y, inner.width.saturating_sub(LABEL), text, scene.style(*role));
    }
}

/// Cells of the labels in front of the details.
const LABEL: u16 = 13;

fn detail_lines(scene: &Scene<'_>, health: &SourceHealth, width: usize) -> Vec<(&'static str, String, Role)> {
    let mut lines: Vec<(&'static str, String, Role)> = Vec::new();
    let mut add = |label: &'static str, text: &str, role: Role, most: usize| {
        for (at, part) in wrap(text, width, most).into_iter().enumerate() {
            lines.push((if at == 0 { label } else { "" }, part, role));
        }
    };
    if let Some((what, hint, since)) = &health.error {
        add("error", what, Role::Warning, 3);
        add("", &format!("for {}", age(scene.since(*since))), Role::Dim, 1);
        add("to do", hint, Role::Canvas, 2);
    }
    if let Some((doing, part)) = &health.progress {
        add("progress", &format!("{doing} · {:.0} %", part * 100.0), Role::Accent, 1);
    }
    add("polls", &polls(scene, health), Role::Canvas, 2);
    if let Some(text) = share(scene, health) {
        add("quota", &text, Role::Canvas, 2);
    }
    let (kept, role) = history(&scene.snapshot.store);
    add("history", &kept, role, 3);
    let tells: Vec<String> = health.capabilities.iter().map(ToString::to_string).collect();
    add("tells", if tells.is_empty() { UNKNOWN.to_owned() } else { tells.join(", ") }.as_str(), Role::Canvas, 2);
    for (at, record) in health.skipped.iter().rev().take(4).enumerate() {
        add(if at == 0 { "skipped" } else { "" }, record, Role::Warning, 1);
    }
    for (at, said) in health.aside.iter().rev().take(8).enumerate() {
        add(if at == 0 { "stderr" } else { "" }, said, Role::Dim, 1);
    }
    for (at, (what, why)) in health.cannot_tell.iter().enumerate() {
        add(if at == 0 { "can't tell" } else { "" }, &format!("{what}: {why}"), Role::Canvas, 2);
    }
    lines
}

/// Whether what happens is kept, and where.
fn history(store: &StoreHealth) -> (String, Role) {
    if let Some((what, hint)) = &store.error {
        return (format!("▲ {what}; to do: {hint}"), Role::Warning);
    }
    let size = store.size.map_or_else(String::new, |(events, bytes)| {
        format!(" · {} events, {} MB", count(events), count(bytes.div_ceil(1_000_000)))
    });
    let text = match store.state {
        StoreState::Absent | StoreState::Failing => UNKNOWN.to_owned(),
        StoreState::Keeping => format!("kept in {}{size}", store.place),
        StoreState::Remembering => format!("remembered until helptop ends{size}"),
        StoreState::Following => format!("another helptop polls; this one shows what it keeps in {}", store.place),
    };
    (text, Role::Canvas)
}

/// What the vendor says is left of its limit, and how much of that helptop takes.
fn share(scene: &Scene<'_>, health: &SourceHealth) -> Option<String> {
    let (left, limit) = health.quota?;
    let anew = health.quota_resets_at.filter(|at| *at > scene.instant);
    let anew = anew.map_or_else(String::new, |at| format!(", all of them again in {}", age(at - scene.instant)));
    let ours = (limit as f64 * health.quota_share) as u64;
    let share = health.quota_share * 100.0;
    Some(format!("{left} of {limit} requests left{anew}; helptop sends at most {ours} of them ({share:.0} %)"))
}

/// When it was asked and will be; of one that nobody asks, when it last spoke.
fn polls(scene: &Scene<'_>, health: &SourceHealth) -> String {
    let ago = |at: Option<_>| at.map_or_else(|| UNKNOWN.to_owned(), |at| format!("{} ago", age(scene.since(at))));
    let next = health.next_at.map_or_else(|| UNKNOWN.to_owned(), |at| format!("in {}", age(at - scene.instant)));
    if !health.pushes {
        let requests = health.requests;
        return format!("last try {}, next {next}; {requests} requests in the last poll", ago(health.tried_at));
    }
    let spoke = format!("it speaks by itself, last {}", ago(health.good_at));
    if health.error.is_some() { format!("{spoke}; next try {next}") } else { spoke }
}
