//! A chat: what is known of it, and all that happened in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::agent::{absent, sign, time};
use super::unanswered::channel_name;
use crate::app::{Drill, LinkRegion, Pane, Regions, web_link};
use crate::board::{ConversationPage, Query, TimelineItem, What};
use crate::metrics::live::ConversationRow;
use crate::metrics::thresholds::Severity;
use crate::ui::figure::{UNKNOWN, count, duration};
use crate::ui::kept;
use crate::ui::scene::{Scene, severity_role, sign as severity_sign};
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{agent_name, customer_name, fit, free_text, put, wrap};
use crate::ui::theme::Role;
use crate::ui::timeline;
use crate::ui::widgets::{area_of, frame, groups, inside, pieces, position};

const TIMELINE: &[Column<TimelineItem>] = &[
    Column { title: "time", min: 8, max: 12, rank: 0, right: false, sort: None, cell: time },
    Column { title: "", min: 1, max: 1, rank: 3, right: false, sort: None, cell: sign },
    Column { title: "who", min: 10, max: 20, rank: 2, right: false, sort: None, cell: who },
    Column { title: "what", min: 16, max: 400, rank: 1, right: false, sort: None, cell: what },
];

/// Lines for the words of the selected message.
const WORDS: u16 = 7;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let Some(drill) = scene.view.drills.last() else { return };
    let Some(page) = drill.conversation() else { return nothing(buf, area, scene, drill) };
    let top = Rect { height: if area.height >= 14 { 6 } else { 3.min(area.height) }, ..area };
    facts(buf, top, scene, page, regions);
    let mut rest = Rect { y: area.y + top.height, height: area.height - top.height, ..area };
    let words = selected(drill, page).filter(|_| rest.height >= WORDS + 6);
    if let Some(item) = words {
        rest.height -= WORDS;
        let below = Rect { y: rest.bottom(), height: WORDS, ..rest };
        let line = timeline::describe(scene, item);
        let inner = frame(buf, scene, below, &line.who, &timeline::when(scene, item.at), false);
        let broken = wrap(&line.what, usize::from(inner.width), usize::from(inner.height));
        for (text, y) in broken.iter().zip(inner.y..inner.bottom()) {
            put(buf, inner.x, y, inner.width, text, scene.style(Role::Canvas));
        }
    }
    let inner = inside(rest);
    let window = drill.window(Pane::Timeline, table::rows_in(inner));
    let shown = position(&drill.rows(Pane::Timeline), &window);
    let cut = (page.earlier > 0).then(|| format!("{} earlier ones not shown", count(page.earlier as u64)));
    let reading = Some(kept::progress(&drill.past)).filter(|text| !text.is_empty());
    let note = shown.into_iter().chain(cut).chain(reading).collect::<Vec<_>>().join(", ");
    frame(buf, scene, rest, "Timeline", &note, true);
    if page.timeline.is_empty() {
        let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        kept::absent(buf, below, scene, &drill.past);
    }
    let rows = window.keys.iter().enumerate().filter_map(|(line, at)| {
        let item = page.timeline.get(at.checked_sub(page.earlier)?)?;
        Some((item, Paint { selected: window.selected == Some(line), stale: false }))
    });
    let place = Place { area: inner, pane: Pane::Timeline, sorted: None };
    table::draw(buf, scene, TIMELINE, &place, regions, rows);
}

/// Until the desk or the past has answered, and where neither knows it.
fn nothing(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill) {
    if !matches!(drill.query, Query::Named(..)) || drill.page.is_none() {
        return absent(buf, area, scene, drill);
    }
    let inner = frame(buf, scene, area, "…", &kept::progress(&drill.past), true);
    kept::absent(buf, inner, scene, &drill.past);
}

/// The selected item, where it has words that one line may not hold.
fn selected<'a>(drill: &Drill, page: &'a ConversationPage) -> Option<&'a TimelineItem> {
    let at = drill.rows(Pane::Timeline).resolve(drill.cursor(Pane::Timeline), |_| None)?;
    page.timeline
        .get(at.checked_sub(page.earlier)?)
        .filter(|item| matches!(item.what, What::Message { text: Some(_), .. }))
}

fn facts(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &ConversationPage, regions: &mut Regions) {
    let (row, privacy) = (&page.row, scene.view.privacy);
    let customer = page.customer.as_deref().map_or(UNKNOWN.into(), |name| customer_name(name, privacy));
    let title = format!("{} · {}", fit(row.id.as_str(), 24), fit(&customer, 30));
    let kept = page.as_of.map(|at| format!("as kept, {}", timeline::when(scene, at)));
    let segment = page.segment.as_deref().map(|segment| fit(segment, 20).into_owned());
    let note = segment.into_iter().chain(kept).collect::<Vec<_>>().join(" · ");
    let inner = frame(buf, scene, area, &title, &note, false);
    let holder = page.holder.as_ref().map_or(UNKNOWN.into(), |agent| agent_name(&agent.name, privacy));
    let team = page.team.as_deref().unwrap_or(UNKNOWN);
    let waits = row.waiting_since.filter(|_| !row.status.is_ended());
    let severity = if waits.is_some() { scene.wait_severity(row) } else { Severity::Fine };
    let wait = waits.map_or_else(|| UNKNOWN.to_owned(), |since| duration(scene.since(since)));
    let role_of = |severity| if severity == Severity::Fine { Role::Figure } else { severity_role(severity) };
    let wait_role = role_of(severity);
    let target_severity = scene.target_severity(row);
    let (target, target_role) = (target(scene, row), role_of(target_severity));
    let target = target.as_ref().map_or([const { ("", Role::Dim) }; 3], |(words, time)| {
        [(words, Role::Dim), (time, target_role), (severity_sign(target_severity), target_role)]
    });
    let status = row.status.to_string().replace('_', " ");
    let (team, holder) = (fit(team, 20), fit(&holder, 24));
    let channel = row.channel.as_deref().map_or(UNKNOWN.into(), |word| fit(channel_name(word), 16));
    groups(
        buf,
        scene,
        inner,
        &[
            &[(&status, Role::Figure)],
            &[("   waiting ", Role::Dim), (&wait, wait_role), (" ", Role::Dim), (severity_sign(severity), wait_role)],
            &target,
            &[("   agent ", Role::Dim), (&holder, Role::Canvas)],
            &[("   team ", Role::Dim), (&team, Role::Canvas)],
            &[("   ", Role::Dim), (&channel, Role::Canvas)],
        ],
    );
    if inner.height < 4 {
        return;
    }
    let opened = timeline::when(scene, row.started_at);
    let answered =
        page.first_response.map_or_else(|| UNKNOWN.to_owned(), |ms| duration(chrono::TimeDelta::milliseconds(ms)));
    let tags = timeline::tag_list(&row.tags);
    let second = [
        ("opened ", Role::Dim),
        (opened.as_str(), Role::Canvas),
        ("   first reply after ", Role::Dim),
        (answered.as_str(), Role::Canvas),
        ("   tags ", Role::Dim),
        (tags.as_str(), Role::Canvas),
    ];
    pieces(buf, scene, inner.x, inner.y + 1, inner.width, &second);
    let subject = row.subject.as_deref().map_or(UNKNOWN, |subject| free_text(subject, privacy));
    pieces(buf, scene, inner.x, inner.y + 2, inner.width, &[("subject ", Role::Dim), (subject, Role::Canvas)]);
    link(buf, Rect { y: inner.y + 3, height: 1, ..inner }, scene, page, regions);
}

/// The help desk's own target that is next to be met, and until when it is due or since when it is missed.
fn target(scene: &Scene<'_>, row: &ConversationRow) -> Option<(String, String)> {
    let (metric, due) = row.sla_due?;
    let is_missed = scene.target_severity(row) == Severity::Breached;
    let (words, left) = if is_missed { ("missed since", scene.instant - due) } else { ("due in", due - scene.instant) };
    Some((format!("   {} {words} ", timeline::target_name(metric)), format!("{} ", duration(left))))
}

fn link(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &ConversationPage, regions: &mut Regions) {
    let label = put(buf, area.x, area.y, area.width, "link ", scene.style(Role::Dim));
    let (x, width) = (area.x + label, area.width.saturating_sub(label));
    let Some(url) = page.row.url.as_deref().and_then(web_link) else {
        put(buf, x, area.y, width, UNKNOWN, scene.style(Role::Dim));
        return;
    };
    let took = put(buf, x, area.y, width, url, scene.style(Role::Accent));
    regions.links.push(LinkRegion { area: area_of(Rect { x, width: took, ..area }), url: url.to_owned() });
}

fn who(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let line = timeline::describe(scene, item);
    slot.text(&line.who, line.role);
}

fn what(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let line = timeline::describe(scene, item);
    let role = if matches!(item.what, What::Message { .. }) { Role::Canvas } else { Role::Title };
    slot.text(&line.what, role);
}
