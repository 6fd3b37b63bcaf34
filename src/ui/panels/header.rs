//! Title, mode, clock and how fresh each source is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Regions;
use crate::board::{SourceHealth, SourceState};
use crate::event::Timestamp;
use crate::ui::figure::{age, duration};
use crate::ui::scene::{Mode, Scene};
use crate::ui::text::{fit, put};
use crate::ui::theme::Role;
use crate::ui::widgets::{pieces, pieces_width};

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, _: &mut Regions) {
    let left = title(buf, area, scene);
    let room = area.width.saturating_sub(left + 3);
    let clock = clocks(scene).into_iter().find(|clock| clock.len() as u16 <= room).unwrap_or_default();
    let after = room.saturating_sub(clock.len() as u16 + 3);
    let health = sources(scene, after);
    let mut parts: Vec<(&str, Role)> = vec![(&clock, Role::Title)];
    if !health.is_empty() {
        parts.push((" · ", Role::Dim));
        parts.extend(health.iter().map(|(text, role)| (text.as_str(), *role)));
    }
    let cells = pieces_width(&parts);
    let x = area.right().saturating_sub(cells + 1);
    pieces(buf, scene, x, area.y, cells, &parts);
    if area.height > 1 {
        let hint = if area.width >= 64 {
            "a simulated desk · to connect your own: helptop init"
        } else {
            "simulated · connect your own: helptop init"
        };
        put(buf, area.x + 1, area.y + 1, area.width.saturating_sub(2), hint, scene.style(Role::Dim));
    }
}

/// The name of the board and what is special about the picture; returns the cells they took.
fn title(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) -> u16 {
    let x = area.x + 1;
    let room = area.width.saturating_sub(1);
    let mut used = put(buf, x, area.y, room, "helptop", scene.style(Role::Figure));
    let title = &scene.context.title;
    if !title.is_empty() && area.width >= 40 {
        used += put(buf, x + used, area.y, room - used, " · ", scene.style(Role::Dim));
        let name = fit(title, usize::from(area.width / 4));
        used += put(buf, x + used, area.y, room - used, &name, scene.style(Role::Title));
    }
    let mut marks = Vec::new();
    match scene.context.mode {
        Mode::Live => {}
        Mode::Demo => marks.push(" DEMO ".to_owned()),
        Mode::Replay { .. } if has_ended(scene) => marks.push(" REPLAY ended ".to_owned()),
        Mode::Replay { speed } => marks.push(format!(" REPLAY ×{speed} ")),
    }
    if let Some(frozen) = &scene.view.frozen {
        marks.push(format!(" FROZEN {} ", duration(scene.context.now - frozen.at)));
    }
    for mark in marks {
        used = (used + 1).min(room);
        used += put(buf, x + used, area.y, room - used, &mark, scene.style(Role::Mark));
    }
    used
}

/// Whether no source will say anything more.
fn has_ended(scene: &Scene<'_>) -> bool {
    let sources = &scene.snapshot.sources;
    !sources.is_empty() && sources.iter().all(|health| health.state == SourceState::Finished)
}

/// The clock, from long to short.
fn clocks(scene: &Scene<'_>) -> [String; 3] {
    let now = scene.local(scene.context.now);
    let shapes = if scene.context.twelve_hours {
        ["%a %-d %b %l:%M:%S %P", "%l:%M:%S %P", "%l:%M %P"]
    } else {
        ["%a %-d %b %H:%M:%S", "%H:%M:%S", "%H:%M"]
    };
    shapes.map(|shape| now.format(shape).to_string())
}

/// The state of each source; where there is no room for all, that of those in trouble and how many there are of the rest.
fn sources(scene: &Scene<'_>, room: u16) -> Vec<(String, Role)> {
    let now = scene.context.now;
    let all: Vec<Parts> = scene.snapshot.sources.iter().map(|health| source(health, now)).collect();
    let bad: Vec<Parts> = all.iter().filter(|parts| parts[0].1 == Role::Warning).cloned().collect();
    let mut summary = bad.clone();
    for (state, sign, role, word) in [
        (SourceState::Fresh, "●", Role::Good, "fresh"),
        (SourceState::Starting, "○", Role::Dim, "starting"),
        (SourceState::Finished, "●", Role::Good, "ended"),
    ] {
        let count = scene.snapshot.sources.iter().filter(|health| health.state_at(now) == state).count();
        if count > 0 {
            summary.push(part(sign, role, format!(" {count} {word}")));
        }
    }
    let short = vec![vec![(format!("▲ {} of {}", bad.len(), all.len()), Role::Warning)]];
    let mut candidates = vec![all, summary];
    if !bad.is_empty() {
        candidates.push(short);
    }
    let cells = |parts: &Parts| parts.iter().map(|(text, _)| text.chars().count()).sum::<usize>();
    let fits = |list: &Vec<Parts>| list.iter().map(|parts| cells(parts) + 1).sum::<usize>() <= usize::from(room) + 1;
    let shown = candidates.into_iter().find(fits).unwrap_or_default();
    shown.join(&(" ".to_owned(), Role::Dim))
}

type Parts = Vec<(String, Role)>;

/// Sign, name and age, as wide today as tomorrow.
fn source(health: &SourceHealth, now: Timestamp) -> Parts {
    let old = health.good_at.map_or_else(String::new, |at| age(now - at));
    let name = fit(&health.name, 16);
    match health.state_at(now) {
        SourceState::Starting => {
            let doing = health.progress.as_ref().map(|(_, part)| format!("{:.0} %", part * 100.0));
            part("○", Role::Dim, format!(" {name} {}", doing.as_deref().unwrap_or("starting")))
        }
        SourceState::Finished => part("●", Role::Good, format!(" {name} ended")),
        SourceState::Fresh => part("●", Role::Good, format!(" {name} {old:<3}")),
        SourceState::Failing => part("▲", Role::Warning, format!(" {name} failing {old:<3}")),
        SourceState::Stale => part("▲", Role::Warning, format!(" {name} stale {old:<3}")),
    }
}

fn part(sign: &str, role: Role, text: String) -> Parts {
    vec![(sign.to_owned(), role), (text, if role == Role::Good { Role::Title } else { role })]
}
