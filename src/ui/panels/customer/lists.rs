//! The lists of a customer: its chats, who dealt with them, and what it answered.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{ChatSort, Drill, Pane, Regions, SortBy};
use crate::board::past::{CustomerAnswer, CustomerPage, Dealt, PastChat};
use crate::ui::figure::{UNKNOWN, count, duration};
use crate::ui::kept;
use crate::ui::panels::unanswered::channel_name;
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{agent_name, fit, free_text};
use crate::ui::theme::Role;
use crate::ui::timeline;
use crate::ui::widgets::{frame, inside, list_note};

/// An order of the chats.
const fn by(sort: ChatSort) -> SortBy {
    SortBy::Chats(sort)
}

const CHATS: &[Column<PastChat>] = &[
    Column { title: "opened", min: 12, max: 12, rank: 0, right: false, sort: Some(by(ChatSort::Newest)), cell: opened },
    Column { title: "status", min: 11, max: 11, rank: 1, right: false, sort: None, cell: status },
    Column { title: "agent", min: 12, max: 20, rank: 2, right: false, sort: None, cell: holders },
    Column { title: "reply", min: 6, max: 6, rank: 3, right: true, sort: None, cell: first_reply },
    Column { title: "in all", min: 7, max: 7, rank: 4, right: true, sort: Some(by(ChatSort::Longest)), cell: in_all },
    Column { title: "rated", min: 6, max: 6, rank: 5, right: true, sort: Some(by(ChatSort::Rated)), cell: rated },
    Column { title: "channel", min: 9, max: 10, rank: 7, right: false, sort: None, cell: channel },
    Column { title: "team", min: 8, max: 14, rank: 8, right: false, sort: None, cell: team },
    Column { title: "subject", min: 12, max: 400, rank: 6, right: false, sort: None, cell: subject },
];

const DEALT: &[Column<Dealt>] = &[
    Column { title: "agent", min: 10, max: 24, rank: 0, right: false, sort: None, cell: dealer },
    Column { title: "held", min: 6, max: 7, rank: 1, right: true, sort: None, cell: held },
    Column { title: "chats", min: 5, max: 6, rank: 2, right: true, sort: None, cell: dealt_chats },
    Column { title: "replies", min: 7, max: 8, rank: 3, right: true, sort: None, cell: dealt_replies },
];

const ANSWERS: &[Column<CustomerAnswer>] = &[
    Column { title: "when", min: 12, max: 12, rank: 1, right: false, sort: None, cell: answered },
    Column { title: "rated", min: 5, max: 5, rank: 0, right: true, sort: None, cell: score },
    Column { title: "agent", min: 10, max: 24, rank: 2, right: false, sort: None, cell: meant },
];

/// A list of the page: its frame, its rows, or what stands where there are none.
struct List<'a, R> {
    title: &'a str,
    pane: Pane,
    columns: &'a [Column<R>],
    empty: &'a str,
}

impl<R> List<'_, R> {
    fn draw<'r>(
        &self,
        buf: &mut Buffer,
        area: Rect,
        scene: &Scene<'_>,
        drill: &'r Drill,
        regions: &mut Regions,
        row: impl Fn(&'r Drill, usize) -> Option<&'r R>,
    ) where
        R: 'r,
    {
        let inner = inside(area);
        let (rows, window) = (drill.rows(self.pane), drill.window(self.pane, table::rows_in(inner)));
        let note = list_note(&rows, &window, None);
        frame(buf, scene, area, self.title, &note, scene.view.pane() == self.pane);
        let shown = window.keys.iter().enumerate().filter_map(|(line, key)| {
            Some((row(drill, *key)?, Paint { selected: window.selected == Some(line), stale: false }))
        });
        let sorted = (self.pane == Pane::Chats).then(|| by(drill.sort));
        let place = Place { area: inner, pane: self.pane, sorted };
        table::draw(buf, scene, self.columns, &place, regions, shown);
        if rows.is_empty() {
            table::empty(buf, scene, inner, self.empty);
        }
    }
}

pub(super) fn chats(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    page: &CustomerPage,
    regions: &mut Regions,
) {
    let since = page.begins_at.map(|at| format!("Chats since {}", timeline::when(scene, at)));
    let title = since.unwrap_or_else(|| "Chats".to_owned());
    let list = List { title: &title, pane: Pane::Chats, columns: CHATS, empty: "no chat is kept" };
    list.draw(buf, area, scene, drill, regions, Drill::chat);
}

pub(super) fn dealt(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    _: &CustomerPage,
    regions: &mut Regions,
) {
    let list = List { title: "Who dealt with it", pane: Pane::Dealt, columns: DEALT, empty: "nobody yet" };
    list.draw(buf, area, scene, drill, regions, Drill::dealt);
}

pub(super) fn answers(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    _: &CustomerPage,
    regions: &mut Regions,
) {
    let list = List { title: "Answers", pane: Pane::Answers, columns: ANSWERS, empty: "none" };
    list.draw(buf, area, scene, drill, regions, Drill::answer);
}

fn opened(scene: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    slot.text(&timeline::when(scene, chat.started_at), Role::Dim);
}

/// Where it stands; how long the customer waits where it does, and how often it came back.
fn status(scene: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    let (text, role) = match (chat.waiting_since, chat.merged) {
        (Some(since), _) => (format!("▲ {}", duration(scene.since(since))), Role::Warning),
        (_, true) => ("merged".to_owned(), Role::Dim),
        _ => (chat.status.to_string().replace('_', " "), if chat.is_active() { Role::Figure } else { Role::Dim }),
    };
    let back = if chat.reopened > 0 { format!(" ↺{}", chat.reopened) } else { String::new() };
    slot.text(&format!("{text}{back}"), role);
}

/// The last of those who held it, and how many others there were.
fn holders(scene: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    let Some(last) = chat.holders.last() else { return slot.text(UNKNOWN, Role::Dim) };
    let name = agent_name(last, scene.view.privacy);
    if chat.holders.len() == 1 {
        return slot.text(&name, Role::Canvas);
    }
    let more = format!(" +{}", chat.holders.len() - 1);
    let name = fit(&name, usize::from(slot.width).saturating_sub(more.len()));
    slot.text(&format!("{name}{more}"), Role::Canvas);
}

fn first_reply(_: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    kept::length(slot, chat.first_response, Role::Canvas);
}

fn in_all(_: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    kept::length(slot, chat.resolution, Role::Canvas);
}

fn rated(_: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    kept::answer(slot, chat.answer.as_ref());
}

fn channel(_: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    slot.text(chat.channel.as_deref().map_or(UNKNOWN, channel_name), Role::Dim);
}

fn team(_: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    slot.text(chat.team.as_deref().unwrap_or(UNKNOWN), Role::Dim);
}

fn subject(scene: &Scene<'_>, chat: &PastChat, slot: &mut Slot<'_>) {
    let subject = chat.subject.as_deref().filter(|subject| !subject.is_empty());
    slot.text(subject.map_or(UNKNOWN, |subject| free_text(subject, scene.view.privacy)), Role::Dim);
}

fn dealer(scene: &Scene<'_>, one: &Dealt, slot: &mut Slot<'_>) {
    slot.text(&agent_name(&one.name, scene.view.privacy), Role::Canvas);
}

fn held(_: &Scene<'_>, one: &Dealt, slot: &mut Slot<'_>) {
    let text = if one.held > 0 { duration(TimeDelta::milliseconds(one.held)) } else { "·".to_owned() };
    slot.right(&text, Role::Figure);
}

fn dealt_chats(_: &Scene<'_>, one: &Dealt, slot: &mut Slot<'_>) {
    slot.right(&count(one.chats), Role::Canvas);
}

fn dealt_replies(_: &Scene<'_>, one: &Dealt, slot: &mut Slot<'_>) {
    slot.right(&count(one.replies), Role::Canvas);
}

fn answered(scene: &Scene<'_>, one: &CustomerAnswer, slot: &mut Slot<'_>) {
    slot.text(&timeline::when(scene, one.answer.at), Role::Dim);
}

fn score(_: &Scene<'_>, one: &CustomerAnswer, slot: &mut Slot<'_>) {
    kept::answer(slot, Some(&one.answer));
}

fn meant(scene: &Scene<'_>, one: &CustomerAnswer, slot: &mut Slot<'_>) {
    match &one.agent {
        Some(name) => slot.text(&agent_name(name, scene.view.privacy), Role::Canvas),
        None => slot.text(UNKNOWN, Role::Dim),
    }
}
