//! Who waits for an answer, longest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Pane, Regions, SortBy, WaitSort};
use crate::metrics::live::ConversationRow;
use crate::ui::figure::{UNKNOWN, duration};
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::{agent_name, customer_name, free_text};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside, list_note};

const fn by(sort: WaitSort) -> SortBy {
    SortBy::Unanswered(sort)
}

const COLUMNS: &[Column<ConversationRow>] = &[
    Column { title: "wait", min: 8, max: 8, rank: 0, right: true, sort: Some(by(WaitSort::Wait)), cell: wait },
    Column {
        title: "  customer",
        min: 16,
        max: 24,
        rank: 1,
        right: false,
        sort: Some(by(WaitSort::Customer)),
        cell: customer,
    },
    Column {
        title: "channel",
        min: 9,
        max: 10,
        rank: 4,
        right: false,
        sort: Some(by(WaitSort::Channel)),
        cell: channel,
    },
    Column { title: "agent", min: 12, max: 18, rank: 2, right: false, sort: Some(by(WaitSort::Agent)), cell: agent },
    Column { title: "team", min: 8, max: 14, rank: 3, right: false, sort: Some(by(WaitSort::Team)), cell: team },
    Column::source(6, source),
    Column { title: "subject", min: 16, max: 400, rank: 5, right: false, sort: None, cell: subject },
];

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let view = scene.view;
    let rows = view.lists.unanswered(scene.snapshot);
    let all = scene.live().waiting.len();
    let title = if view.wait_sort == WaitSort::Wait { "Unanswered, longest wait first" } else { "Unanswered" };
    let framed = area.height >= 6 && area.width >= 34;
    let inner = if framed { inside(area) } else { area };
    let window = view.unanswered_window(scene.snapshot, table::rows_in(inner));
    if framed {
        let note = list_note(&rows, &window, (!view.filter.is_empty()).then_some(all));
        frame(buf, scene, area, title, &note, view.pane() == Pane::Unanswered);
    }
    let live = scene.live();
    let shown = window.keys.iter().enumerate().filter_map(|(line, key)| {
        let row = live.waiting.get(key)?;
        let paint = Paint { selected: window.selected == Some(line), stale: scene.is_stale(row.source) };
        Some((&**row, paint))
    });
    let place = Place { area: inner, pane: Pane::Unanswered, sorted: Some(by(view.wait_sort)) };
    table::draw(buf, scene, &table::apart(COLUMNS, scene), &place, regions, shown);
    if rows.is_empty() {
        let text = match (scene.is_unheard(), view.filter.is_empty()) {
            (true, _) => "no source has answered yet",
            (false, true) => "nobody is waiting",
            (false, false) => "no chat matches",
        };
        table::empty(buf, scene, inner, text);
    }
}

/// The wait with its sign.
pub(super) fn wait(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let Some(since) = row.waiting_since else { return slot.right("·", Role::Dim) };
    slot.measured(0, &duration(scene.since(since)), scene.severity(row));
}

/// The customer, marked where its segment counts more.
pub(super) fn customer(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let Some(customer) = &row.customer else {
        return slot.text_at(2, UNKNOWN, Role::Dim);
    };
    if customer.segment.as_deref().is_some_and(|segment| segment.eq_ignore_ascii_case("vip")) {
        slot.text("★", Role::Vip);
    }
    slot.text_at(2, &customer_name(&customer.name, scene.view.privacy), Role::Canvas);
}

/// A channel's word as people write it.
pub(super) fn channel_name(word: &str) -> &str {
    match word {
        "whatsapp" => "WhatsApp",
        "telegram" => "Telegram",
        "instagram" => "Instagram",
        "messenger" => "Messenger",
        "email" => "e-mail",
        "sms" => "SMS",
        other => other,
    }
}

pub(super) fn channel(_: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    slot.text(row.channel.as_deref().map_or(UNKNOWN, channel_name), Role::Canvas);
}

fn agent(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    match row.holder.and_then(|ix| scene.live().agents.get(&ix)) {
        Some(agent) => slot.text(&agent_name(&agent.name, scene.view.privacy), Role::Canvas),
        None => slot.text(UNKNOWN, Role::Dim),
    }
}

pub(super) fn team(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let team = row.team.and_then(|ix| scene.live().teams.get(ix.at()));
    slot.text(team.map_or(UNKNOWN, |team| &*team.name), Role::Dim);
}

fn source(_: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    slot.source(row.source);
}

pub(super) fn subject(scene: &Scene<'_>, row: &ConversationRow, slot: &mut Slot<'_>) {
    let subject = row.subject.as_deref().unwrap_or_default();
    slot.text(if subject.is_empty() { UNKNOWN } else { free_text(subject, scene.view.privacy) }, Role::Dim);
}
