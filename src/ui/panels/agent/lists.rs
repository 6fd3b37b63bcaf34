//! The lists of an agent: chats it holds, chats it ended, and what it did today.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{ChatSort, Drill, Pane, Privacy, Regions, SortBy};
use crate::board::past::EndedChat;
use crate::board::{AgentPage, TimelineItem};
use crate::metrics::live::ConversationRow;
use crate::metrics::thresholds::Severity;
use crate::ui::figure::{UNKNOWN, count, duration};
use crate::ui::kept;
use crate::ui::panels::unanswered;
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{customer_name, free_text};
use crate::ui::theme::Role;
use crate::ui::timeline;
use crate::ui::widgets::{frame, inside, list_note, position};

const OPEN: &[Column<ConversationRow>] = &[
    Column { title: "wait", min: 8, max: 8, rank: 0, right: true, sort: None, cell: unanswered::wait },
    Column { title: "  customer", min: 14, max: 24, rank: 1, right: false, sort: None, cell: unanswered::customer },
    Column { title: "status", min: 8, max: 9, rank: 3, right: false, sort: None, cell: status },
    Column { title: "channel", min: 9, max: 10, rank: 5, right: false, sort: None, cell: unanswered::channel },
    Column { title: "team", min: 8, max: 14, rank: 6, right: false, sort: None, cell: unanswered::team },
    Column { title: "subject", min: 12, max: 400, rank: 4, right: false, sort: None, cell: unanswered::subject },
    Column { title: "due in", min: 9, max: 9, rank: 2, right: true, sort: None, cell: due },
];

/// An order of the ended chats.
const fn by(sort: ChatSort) -> SortBy {
    SortBy::Chats(sort)
}

const ENDED: &[Column<EndedChat>] = &[
    Column {
        title: "ended",
        min: 12,
        max: 12,
        rank: 0,
        right: false,
        sort: Some(by(ChatSort::Newest)),
        cell: ended_at,
    },
    Column { title: "  customer", min: 14, max: 22, rank: 1, right: false, sort: None, cell: ended_customer },
    Column { title: "took", min: 6, max: 6, rank: 2, right: true, sort: Some(by(ChatSort::Longest)), cell: took },
    Column { title: "in all", min: 6, max: 6, rank: 3, right: true, sort: None, cell: in_all },
    Column { title: "rated", min: 6, max: 6, rank: 4, right: true, sort: Some(by(ChatSort::Rated)), cell: rated },
    Column { title: "channel", min: 9, max: 10, rank: 6, right: false, sort: None, cell: ended_channel },
    Column { title: "subject", min: 12, max: 400, rank: 5, right: false, sort: None, cell: ended_subject },
];

const ACTIVITY: &[Column<TimelineItem>] = &[
    Column { title: "time", min: 8, max: 12, rank: 0, right: false, sort: None, cell: time },
    Column { title: "", min: 1, max: 1, rank: 3, right: false, sort: None, cell: sign },
    Column { title: "chat", min: 12, max: 22, rank: 2, right: false, sort: None, cell: label },
    Column { title: "what", min: 16, max: 400, rank: 1, right: false, sort: None, cell: what },
];

pub(super) fn open(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    page: &AgentPage,
    regions: &mut Regions,
) {
    let inner = inside(area);
    let window = drill.open_window(table::rows_in(inner));
    let note = position(&drill.open_rows(), &window).unwrap_or_else(|| count(page.open.len() as u64));
    frame(buf, scene, area, "Holds", &note, scene.view.pane() == Pane::Open);
    let rows = window.keys.iter().enumerate().filter_map(|(line, ix)| {
        let row = page.open.iter().find(|row| row.ix == *ix)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(row.source) };
        Some((&**row, paint))
    });
    let place = Place { area: inner, pane: Pane::Open, sorted: None };
    // On a desk that sets no targets the last column would take the room of others for nothing.
    let has_targets = page.open.iter().any(|row| row.sla_due.is_some());
    let columns = if has_targets { OPEN } else { &OPEN[..OPEN.len() - 1] };
    table::draw(buf, scene, columns, &place, regions, rows);
    if page.open.is_empty() {
        table::empty(buf, scene, inner, "no chats");
    }
}

/// The chats that an agent ended or held when they ended, newest first.
pub(super) fn ended(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, regions: &mut Regions) {
    let inner = inside(area);
    let rows = drill.rows(Pane::Chats);
    let window = drill.window(Pane::Chats, table::rows_in(inner));
    let note = list_note(&rows, &window, None);
    frame(buf, scene, area, "Ended, 30 days", &note, scene.view.pane() == Pane::Chats);
    let shown = window.keys.iter().enumerate().filter_map(|(line, row)| {
        let paint = Paint { selected: window.selected == Some(line), stale: false };
        Some((drill.ended(*row)?, paint))
    });
    let place = Place { area: inner, pane: Pane::Chats, sorted: Some(by(drill.sort)) };
    table::draw(buf, scene, ENDED, &place, regions, shown);
    let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    match drill.agent_past() {
        Some(past) if past.ended.is_empty() => table::empty(buf, scene, inner, "no chat ended in its hands"),
        Some(_) => {}
        None => kept::silent(buf, below, scene, &drill.past),
    }
}

pub(super) fn activity(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    page: &AgentPage,
    regions: &mut Regions,
) {
    let inner = inside(area);
    let window = drill.window(Pane::Activity, table::rows_in(inner));
    let note = list_note(&drill.rows(Pane::Activity), &window, None);
    frame(buf, scene, area, "Today, newest first", &note, scene.view.pane() == Pane::Activity);
    let rows = window.keys.iter().enumerate().filter_map(|(line, row)| {
        let item = drill.activity(*row)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(item.source) };
        Some((item, paint))
    });
    let place = Place { area: inner, pane: Pane::Activity, sorted: None };
    table::draw(buf, scene, ACTIVITY, &place, regions, rows);
    if page.activity.is_empty() {
        table::empty(buf, scene, inner, "nothing yet today");
    }
}

fn status(_: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    slot.text(&row.status.to_string().replace('_', " "), Role::Dim);
}

/// When the help desk's own target is due or, with a minus, since when it is missed.
fn due(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let Some((_, due)) = row.sla_due else { return slot.right("·", Role::Dim) };
    let severity = scene.target_severity(row);
    let left = if severity == Severity::Breached {
        format!("-{}", duration(scene.instant - due))
    } else {
        duration(due - scene.instant)
    };
    slot.measured(0, &left, severity);
}

fn ended_at(scene: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    slot.text(&timeline::when(scene, chat.at), Role::Dim);
}

/// Who asked, with a sign where it has come back since.
fn ended_customer(scene: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    if !chat.status.is_ended() {
        slot.text("↺", Role::Warning);
    }
    match &chat.customer {
        Some(customer) => slot.text_at(2, &customer_name(&customer.name, scene.view.privacy), Role::Canvas),
        None => slot.text_at(2, chat.id.as_str(), Role::Dim),
    }
}

fn took(_: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    kept::length(slot, chat.handled, Role::Canvas);
}

fn in_all(_: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    kept::length(slot, Some(chat.resolution), Role::Dim);
}

fn rated(_: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    kept::answer(slot, chat.answer.as_ref());
}

fn ended_channel(_: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    slot.text(chat.channel.as_deref().map_or(UNKNOWN, unanswered::channel_name), Role::Dim);
}

fn ended_subject(scene: &Scene<'_>, chat: &EndedChat, slot: &mut Slot<'_>) {
    let subject = chat.subject.as_deref().filter(|subject| !subject.is_empty());
    slot.text(subject.map_or(UNKNOWN, |subject| free_text(subject, scene.view.privacy)), Role::Dim);
}

pub(in crate::ui::panels) fn time(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    slot.text(&timeline::when(scene, item.at), Role::Dim);
}

pub(in crate::ui::panels) fn sign(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let line = timeline::describe(scene, item);
    slot.text(line.sign, line.role);
}

/// The chat's id and customer; the id alone where names are hidden.
fn label(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    let hidden = scene.view.privacy != Privacy::None;
    slot.text(if hidden { item.id.as_str() } else { &item.label }, Role::Canvas);
}

fn what(scene: &Scene<'_>, item: &TimelineItem, slot: &mut Slot<'_>) {
    slot.text(&timeline::describe(scene, item).what, Role::Dim);
}
