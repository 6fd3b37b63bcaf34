//! The figures that are read from afar.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Regions;
use crate::metrics::history::{AsOf, REGISTRY, Row};
use crate::metrics::thresholds::Severity;
use crate::ui::big;
use crate::ui::figure::{UNKNOWN, age, change, count, duration, seconds, share, sparkline};
use crate::ui::scene::{PARTLY_OLD, Scene, severity_role, sign};
use crate::ui::text::{put, width};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, pieces, pieces_width};

/// A figure's pieces of text, most important first.
type Parts = Vec<(String, Role)>;

/// One figure: what it is called, the cells it needs, and how soon it falls away.
struct Tile {
    title: &'static str,
    /// Its name in the registry of figures of a range; live figures have none.
    key: &'static str,
    min: u16,
    /// Each source has a part in it; if not, it is that of one.
    is_of_all: bool,
    /// 0 is the last to go.
    rank: u8,
    value: fn(&Scene<'_>, u16) -> Parts,
    /// What it was, in its full length and a short one; `None` where there was none.
    before: fn(&AsOf) -> Option<Was>,
}

/// What a figure was, in its full length and a short one.
type Was = (String, String);

const TILES: &[Tile] = &[
    Tile { title: "Waiting", key: "", min: 13, is_of_all: true, rank: 0, value: waiting, before: was_waiting },
    Tile { title: "Longest", key: "", min: 12, is_of_all: false, rank: 1, value: longest, before: was_longest },
    Tile { title: "Open", key: "", min: 9, is_of_all: true, rank: 4, value: open, before: was_open },
    Tile { title: "Unassigned", key: "", min: 14, is_of_all: true, rank: 3, value: unassigned, before: was_unassigned },
    Tile { title: "Online", key: "", min: 12, is_of_all: true, rank: 2, value: online, before: was_online },
    Tile {
        title: "First reply",
        key: "first_response_time",
        min: 15,
        is_of_all: true,
        rank: 5,
        value: first_reply,
        before: was_first_reply,
    },
    Tile {
        title: "Resolved",
        key: "resolved",
        min: 12,
        is_of_all: true,
        rank: 6,
        value: resolved,
        before: was_resolved,
    },
    Tile {
        title: "Satisfaction",
        key: "csat",
        min: 16,
        is_of_all: true,
        rank: 7,
        value: satisfaction,
        before: was_satisfaction,
    },
];

/// From here on there is room for figures to be read across the room.
const BIG: (u16, u16) = (180, 40);

/// Cells that a figure of three digits takes more when it is big, less one.
const BIGGER: u16 = 8;

/// Cells of a tile's frame and air.
const FRAME: u16 = 4;

/// The figures that the registry explains, under their names here.
pub(super) fn explained() -> impl Iterator<Item = (&'static str, &'static Row)> {
    let row = |tile: &Tile| REGISTRY.iter().find(|row| row.key == tile.key);
    TILES.iter().filter_map(move |tile| Some((tile.title, row(tile)?)))
}

/// How many lines the figures take.
pub(in crate::ui) fn height(area: Rect, roomy: bool) -> u16 {
    match roomy {
        true if area.width >= BIG.0 && area.height >= BIG.1 => 2 + big::LINES,
        true => 3,
        false => 1.min(area.height),
    }
}

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, _: &mut Regions) {
    if area.height < 3 {
        return line(buf, area, scene);
    }
    let mut shown: Vec<&Tile> = TILES.iter().collect();
    let large = if area.height >= 2 + big::LINES { BIGGER } else { 0 };
    let need = |tile: &&Tile| tile.min + large;
    while shown.len() > 1 && shown.iter().map(need).sum::<u16>() > area.width {
        let least = shown.iter().enumerate().max_by_key(|(_, tile)| tile.rank).map_or(0, |(at, _)| at);
        shown.remove(least);
    }
    let spare = area.width.saturating_sub(shown.iter().map(need).sum());
    // The trend uses what the other figures leave: half of the room, up to a sample a minute.
    let trend = (spare / 2).min(60);
    let (each, rest) = ((spare - trend) / shown.len() as u16, (spare - trend) % shown.len() as u16);
    let (mut x, is_partly_old) = (area.x, scene.is_partly_old());
    for (at, tile) in shown.iter().enumerate() {
        let mut width = tile.min + large + each + u16::from((at as u16) < rest);
        if at == 0 {
            width += trend;
        }
        let inner = frame(buf, scene, Rect { x, width, ..area }, tile.title, "", false);
        let unheard = scene.is_unheard();
        let parts =
            if unheard { vec![note(UNKNOWN)] } else { (tile.value)(scene, width.saturating_sub(FRAME + large)) };
        if is_partly_old && tile.is_of_all && parts.first().is_some_and(|(text, _)| text != UNKNOWN) {
            put(buf, x + 1, area.y, width.saturating_sub(1), PARTLY_OLD, scene.style(Role::Warning));
        }
        if inner.height >= big::LINES {
            show_big(buf, inner, scene, &parts);
        } else {
            show(buf, inner, scene, &parts);
        }
        if let Some(was) = scene.last_week().filter(|_| !unheard).and_then(tile.before) {
            last_week(buf, Rect { x, width, ..area }, scene, &was);
        }
        x += width;
    }
}

/// What the figure was at the same hour a week ago, in the lower edge of its frame, in the longest words that fit.
fn last_week(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (long, short): &Was) {
    let room = usize::from(area.width.saturating_sub(2));
    let shapes =
        [format!(" last week {long} "), format!(" was {long} "), format!(" was {short} "), format!("was {short}")];
    if let Some(text) = shapes.iter().find(|text| width(text, 80) <= room) {
        put(buf, area.x + 1, area.bottom() - 1, area.width, text, scene.style(Role::Dim));
    }
}

/// The two most important figures on one line, where there is no room for frames.
fn line(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    if scene.is_unheard() {
        return show(buf, Rect { x: area.x + 1, ..area }, scene, &[note("no answer yet")]);
    }
    let (mut parts, longest) = (waiting(scene, 0), longest(scene, 12));
    parts.truncate(1);
    if scene.is_partly_old() {
        parts.push((format!(" {PARTLY_OLD}"), Role::Warning));
    }
    parts.push((" waiting  ".to_owned(), Role::Dim));
    parts.extend(longest);
    parts.push((" longest".to_owned(), Role::Dim));
    show(buf, Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }, scene, &parts);
}

/// As many pieces as fit, whole; a piece that would be cut is left out.
pub(super) fn show(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, parts: &[(String, Role)]) {
    let old = scene.is_old();
    let mut shown: Vec<(&str, Role)> = Vec::new();
    for (text, role) in parts {
        let role = if old && *role != Role::Dim { Role::Stale } else { *role };
        shown.push((text, role));
        if pieces_width(&shown) > area.width && shown.len() > 1 {
            shown.pop();
            break;
        }
    }
    pieces(buf, scene, area.x, area.y, area.width, &shown);
}

/// The first piece with big digits, the others at its foot.
fn show_big(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, parts: &[(String, Role)]) {
    let Some(((text, role), rest)) = parts.split_first() else { return };
    let text = text.trim_end();
    if big::width(text) > area.width {
        return show(buf, Rect { y: area.bottom() - 1, height: 1, ..area }, scene, parts);
    }
    let role = if scene.is_old() { Role::Stale } else { *role };
    let used = big::draw(buf, area.x, area.y, text, scene.style(role));
    let foot = Rect { x: area.x + used, y: area.y + big::LINES - 1, width: area.width - used, height: 1 };
    show(buf, foot, scene, rest);
}

fn figure(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Figure)
}

fn note(text: impl Into<String>) -> (String, Role) {
    (text.into(), Role::Dim)
}

fn waiting(scene: &Scene<'_>, room: u16) -> Parts {
    let trend = &scene.snapshot.waiting_trend;
    let now = scene.live().totals.unanswered;
    let mut parts = vec![figure(format!("{:<3}", count(u64::from(now))))];
    let before = trend.len().checked_sub(11).map(|at| trend[at]);
    let delta = before.map(|before| (i64::from(now) - i64::from(before), before));
    let cells = usize::from(room.saturating_sub(9));
    let line = sparkline(trend, cells);
    if let Some((delta, _)) = delta {
        let role = if delta > 0 { Role::Warning } else { Role::Good };
        let role = if delta == 0 { Role::Dim } else { role };
        parts.push((format!(" {:>3}", change(delta)), role));
    }
    if !line.is_empty() && cells >= 3 {
        parts.insert(1, (format!(" {line}"), Role::Accent));
    }
    parts
}

fn longest(scene: &Scene<'_>, _: u16) -> Parts {
    let first = scene.live().waiting.get_min().map(|(_, row)| row);
    let Some((row, since)) = first.and_then(|row| Some((row, row.waiting_since?))) else {
        return vec![note(UNKNOWN)];
    };
    let severity = scene.severity(row);
    let role = match severity {
        _ if scene.is_stale(row.source) => Role::Stale,
        Severity::Fine => Role::Figure,
        severity => severity_role(severity),
    };
    vec![(duration(scene.since(since)), role), (format!(" {}", sign(severity)), role)]
}

fn open(scene: &Scene<'_>, _: u16) -> Parts {
    vec![figure(count(u64::from(scene.live().totals.active)))]
}

fn unassigned(scene: &Scene<'_>, _: u16) -> Parts {
    let totals = &scene.live().totals;
    let mut parts = vec![figure(count(u64::from(totals.unassigned)))];
    if let Some(since) = totals.unassigned_longest_since {
        parts.push(note(format!(" {}", duration(scene.since(since)))));
    }
    parts
}

fn online(scene: &Scene<'_>, _: u16) -> Parts {
    if !scene.snapshot.tells_presence {
        return vec![note(UNKNOWN)];
    }
    let totals = &scene.live().totals;
    let all = totals.online + totals.away + totals.offline + totals.unknown;
    vec![figure(totals.online.to_string()), note(format!(" of {all}"))]
}

fn first_reply(scene: &Scene<'_>, _: u16) -> Parts {
    let figures = &scene.snapshot.today.first_response;
    if figures.n == 0 {
        return vec![note(UNKNOWN)];
    }
    vec![figure(seconds(figures.median)), note(format!(" n {}", count(figures.n)))]
}

fn resolved(scene: &Scene<'_>, _: u16) -> Parts {
    vec![figure(count(scene.snapshot.today.resolved))]
}

fn satisfaction(scene: &Scene<'_>, _: u16) -> Parts {
    let csat = scene.snapshot.today.csat;
    if !scene.snapshot.tells_ratings || csat.of == 0 {
        return vec![note(UNKNOWN)];
    }
    vec![figure(share(Some(csat))), note(format!(" n {}", count(csat.of)))]
}

/// A number has one length.
fn number(n: Option<impl Into<u64>>) -> Option<Was> {
    let text = count(n?.into());
    Some((text.clone(), text))
}

fn was_waiting(as_of: &AsOf) -> Option<Was> {
    number(Some(as_of.unanswered))
}

fn was_longest(as_of: &AsOf) -> Option<Was> {
    let span = as_of.at - as_of.longest_since?;
    Some((duration(span), age(span)))
}

fn was_open(as_of: &AsOf) -> Option<Was> {
    number(Some(as_of.active))
}

fn was_unassigned(as_of: &AsOf) -> Option<Was> {
    number(Some(as_of.unassigned))
}

fn was_online(as_of: &AsOf) -> Option<Was> {
    number(as_of.online)
}

fn was_first_reply(as_of: &AsOf) -> Option<Was> {
    let figures = &as_of.today.first_response;
    let median = figures.median.map(|seconds| chrono::TimeDelta::milliseconds((seconds * 1000.0) as i64))?;
    Some((duration(median), age(median)))
}

fn was_resolved(as_of: &AsOf) -> Option<Was> {
    number(Some(as_of.today.resolved))
}

fn was_satisfaction(as_of: &AsOf) -> Option<Was> {
    let csat = as_of.today.csat;
    (csat.of > 0).then(|| (share(Some(csat)), share(Some(csat))))
}
