//! An agent: its day, what it holds, what it ended, and its figures beside those of its team.

mod figures;
mod lists;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::agents::{glyph, state_words};
use crate::app::{Drill, ListRegion, Pane, Regions};
use crate::board::{AgentPage, Page};
use crate::ui::day;
use crate::ui::figure::{UNKNOWN, count, duration, seconds, share};
use crate::ui::kept;
use crate::ui::scene::Scene;
use crate::ui::spread;
use crate::ui::text::{agent_name, put};
use crate::ui::theme::Role;
use crate::ui::widgets::{area_of, frame, groups};

pub(super) use lists::{sign, time};

/// From here on there are two columns.
const WIDE: (u16, u16) = (110, 20);
/// From here on figures stand above the list that has the keys.
const TALL: u16 = 13;
/// Lines of the histogram with its frame.
const SPREAD: u16 = 11;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let Some(drill) = scene.view.drills.last() else { return };
    let Some(Page::Agent(page)) = &drill.page else { return absent(buf, area, scene, drill) };
    let top = match area.height {
        30.. => day::LINES + 3,
        20.. => 7,
        16.. => 6,
        lines => 3.min(lines),
    };
    facts(buf, Rect { height: top, ..area }, scene, drill, page);
    let rest = Rect { y: area.y + top, height: area.height - top, ..area };
    let mut pane = |buf: &mut Buffer, area: Rect, pane: Pane| draw_pane(buf, area, scene, drill, page, pane, regions);
    if area.width >= WIDE.0 && rest.height >= WIDE.1 {
        let left = Rect { width: area.width * 17 / 30, ..rest };
        let right = Rect { x: rest.x + left.width, width: rest.width - left.width, ..rest };
        let holds = (page.open.len() as u16 + 3).clamp(5, rest.height / 2);
        pane(buf, Rect { height: holds, ..right }, Pane::Open);
        let is_kept = drill.agent_past().is_some() || drill.past.is_waiting();
        let below = match drill.pane {
            Pane::Activity => Pane::Activity,
            Pane::Chats => Pane::Chats,
            _ if is_kept => Pane::Chats,
            _ => Pane::Activity,
        };
        pane(buf, Rect { y: right.y + holds, height: right.height - holds, ..right }, below);
        pane(buf, Rect { height: left.height - SPREAD, ..left }, Pane::Figures);
        pane(buf, Rect { y: left.bottom() - SPREAD, height: SPREAD, ..left }, Pane::Spread);
    } else if rest.height >= TALL && drill.pane != Pane::Figures {
        let above = rest.height / 2;
        pane(buf, Rect { height: above, ..rest }, Pane::Figures);
        pane(buf, Rect { y: rest.y + above, height: rest.height - above, ..rest }, drill.pane);
    } else {
        pane(buf, rest, drill.pane);
    }
}

fn draw_pane(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    page: &AgentPage,
    pane: Pane,
    regions: &mut Regions,
) {
    if area.height == 0 {
        return;
    }
    match pane {
        Pane::Chats => lists::ended(buf, area, scene, drill, regions),
        Pane::Activity => lists::activity(buf, area, scene, drill, page, regions),
        Pane::Figures => figures::draw(buf, area, scene, drill, regions),
        Pane::Spread => handling(buf, area, scene, drill, regions),
        _ => lists::open(buf, area, scene, drill, page, regions),
    }
}

/// Until there is an answer, and where there will be none.
pub(super) fn absent(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill) {
    let inner = frame(buf, scene, area, "…", "", true);
    let text = if drill.page.is_some() { "the desk no longer knows it" } else { "looking it up" };
    put(buf, inner.x, inner.y, inner.width, text, scene.style(Role::Dim));
}

fn facts(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, page: &AgentPage) {
    let agent = &page.agent;
    let note = match (kept::progress(&drill.past), drill.agent_past()) {
        (reading, Some(past)) if reading.is_empty() => format!("figures {}", kept::as_of(scene, past.source, past.at)),
        (reading, _) => reading,
    };
    let inner = frame(buf, scene, area, &agent_name(&agent.name, scene.view.privacy), &note, false);
    let (sign, role) = glyph(agent.state);
    let teams = agent.teams.iter().filter_map(|team| scene.live().teams.get(team.at())).map(|team| &*team.name);
    let teams = teams.collect::<Vec<_>>().join(", ");
    let holds = agent.capacity.map_or_else(|| agent.open.to_string(), |capacity| format!("{}/{capacity}", agent.open));
    let longest = agent.longest_since().map_or_else(|| UNKNOWN.to_owned(), |since| duration(scene.since(since)));
    let (words, since) = state_words(scene, agent);
    let reason = agent.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let waiting = agent.unanswered.to_string();
    groups(
        buf,
        scene,
        inner,
        &[
            &[
                (sign, role),
                (" ", Role::Dim),
                (&words, Role::Canvas),
                (" ", Role::Dim),
                (&since, Role::Canvas),
                (&reason, Role::Dim),
            ],
            &[("   holds ", Role::Dim), (&holds, Role::Figure)],
            &[("   waiting ", Role::Dim), (&waiting, Role::Figure)],
            &[("   longest ", Role::Dim), (&longest, Role::Figure)],
            &[("   ", Role::Dim), (&teams, Role::Dim)],
        ],
    );
    // Where the figures of the last days are there, today's are among them.
    let with_today = drill.agent_past().is_none();
    let used = if with_today { 2 } else { 1 };
    if inner.height >= 3 {
        if with_today {
            today(buf, Rect { y: inner.y + 1, height: 1, ..inner }, scene, page);
        }
        day::draw(buf, Rect { y: inner.y + used, height: inner.height - used, ..inner }, scene, page);
    }
}

fn today(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &AgentPage) {
    let today = &page.today;
    let online = today.online_seconds.map(|seconds| seconds as f64);
    let figures = [
        ("today  worked ", count(today.worked)),
        ("   replies ", count(today.replies)),
        ("   closed ", count(today.closed)),
        ("   first reply ", seconds(today.first_response.median)),
        ("   reply ", seconds(today.response.median)),
        ("   online ", seconds(online)),
        ("   satisfied ", share(today.csat)),
    ];
    let rated = today.csat.filter(|share| share.of > 0).map_or_else(String::new, |share| format!(" n {}", share.of));
    let mut parts: Vec<Vec<(&str, Role)>> = Vec::new();
    for (label, value) in &figures {
        parts.push(vec![(label, Role::Dim), (value, Role::Figure)]);
    }
    if let Some(last) = parts.last_mut() {
        last.push((&rated, Role::Dim));
    }
    groups(buf, scene, area, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// How long it takes the agent to handle a chat, beside its team.
fn handling(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, regions: &mut Regions) {
    let focused = scene.view.pane() == Pane::Spread;
    let inner = frame(buf, scene, area, "Handling time, 30 days", "", focused);
    regions.lists.push(ListRegion { pane: Pane::Spread, rows: area_of(inner) });
    match drill.agent_past() {
        Some(past) => {
            let others = if past.peers.teams.is_empty() { "all agents" } else { "its team" };
            spread::draw(buf, inner, scene, &past.handling, &past.team_handling, others);
        }
        None => kept::silent(buf, inner, scene, &drill.past),
    }
}
