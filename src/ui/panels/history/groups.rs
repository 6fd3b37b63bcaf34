//! The figures of the range by team, channel, segment or keyword.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::figures::trend;
use crate::app::{GROUPINGS, Pane, Regions};
use crate::board::past::{OverviewFigure, OverviewGroup, OverviewPage};
use crate::metrics::history::Grouping;
use crate::ui::figure::{UNKNOWN, count};
use crate::ui::measure;
use crate::ui::scene::Scene;
use crate::ui::table::{self, Column, Paint, Place, Slot};
use crate::ui::text::width;
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, inside, position};

/// A column that shows one figure of the registry.
macro_rules! figure {
    ($title:literal $min:literal $rank:literal $key:literal) => {
        Column {
            title: $title,
            min: $min,
            max: $min + 3,
            rank: $rank,
            right: true,
            sort: None,
            cell: |_, group, slot| value(group, slot, $key),
        }
    };
}

/// A column that says how many stand behind the one before.
macro_rules! n {
    ($rank:literal $key:literal) => {
        Column {
            title: "n",
            min: 5,
            max: 7,
            rank: $rank,
            right: true,
            sort: None,
            cell: |_, group, slot| n(group, slot, $key),
        }
    };
}

const NAME: Column<OverviewGroup> =
    Column { title: "", min: 10, max: 26, rank: 0, right: false, sort: None, cell: name };
const CHANGE: Column<OverviewGroup> =
    Column { title: "change", min: 10, max: 11, rank: 5, right: false, sort: None, cell: change };

const CONVERSATIONS: &[Column<OverviewGroup>] = &[
    NAME,
    figure!("new" 6 1 "new"),
    CHANGE,
    figure!("1st reply" 9 2 "first_response_time"),
    n!(7 "first_response_time"),
    figure!("resolved" 8 3 "resolved"),
    figure!("satisf." 7 4 "csat"),
    n!(8 "csat"),
    figure!("backlog" 7 6 "backlog"),
];
const SEGMENTS: &[Column<OverviewGroup>] = &[
    NAME,
    figure!("new" 6 1 "new"),
    CHANGE,
    figure!("1st reply" 9 2 "first_response_time"),
    n!(6 "first_response_time"),
    figure!("reply" 8 3 "response_time"),
    n!(7 "response_time"),
];
const KEYWORDS: &[Column<OverviewGroup>] = &[
    NAME,
    figure!("new" 6 1 "new"),
    CHANGE,
    figure!("routed" 7 2 "routed"),
    figure!("handled" 7 3 "routed_handled"),
    figure!("redirect" 8 4 "redirected"),
    figure!("re-route" 8 6 "reroute_time"),
];

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, page: &OverviewPage, regions: &mut Regions) {
    let view = &scene.view.history;
    let by = page.by.unwrap_or(Grouping::Team);
    let columns = match by {
        Grouping::Segment => SEGMENTS,
        Grouping::Keyword => KEYWORDS,
        _ => CONVERSATIONS,
    };
    let inner = inside(area);
    let window = view.groups_window(table::rows_in(inner));
    let others = GROUPINGS.iter().filter(|other| **other != by).map(ToString::to_string).collect::<Vec<_>>();
    let mut note = position(&view.group_rows(), &window).unwrap_or_default();
    let key = scene.view.keymap.label(crate::app::Action::GroupBy);
    let more = key.map(|key| format!("{key}: {}", others.join(", ")));
    if let Some(more) = more.filter(|more| note.is_empty() && width(more, 80) + 20 < usize::from(area.width)) {
        note = more;
    }
    frame(buf, scene, area, &format!("By {by}"), &note, view.pane == Pane::Groups);
    if page.groups.is_empty() {
        let text = format!("no conversation has a {by}");
        return table::empty(buf, scene, inner, &text);
    }
    let rows = window.keys.iter().enumerate().filter_map(|(line, at)| {
        Some((page.groups.get(*at)?, Paint { selected: window.selected == Some(line), stale: false }))
    });
    let place = Place { area: inner, pane: Pane::Groups, sorted: None };
    table::draw(buf, scene, columns, &place, regions, rows);
}

fn find<'a>(group: &'a OverviewGroup, key: &str) -> Option<&'a OverviewFigure> {
    group.figures.iter().find(|figure| figure.row.key == key)
}

fn name(_: &Scene<'_>, group: &OverviewGroup, slot: &mut Slot<'_>) {
    slot.text(&group.name, Role::Canvas);
    let took = width(&group.name, usize::from(slot.width)) as u16;
    if let Some(source) = group.source.as_ref().filter(|_| took + 3 < slot.width) {
        slot.text_at(took + 1, source, Role::Dim);
    }
}

fn value(group: &OverviewGroup, slot: &mut Slot<'_>, key: &str) {
    let text = find(group, key).map(|figure| measure::value(&figure.value, figure.row.shape));
    let text = text.as_deref().unwrap_or(UNKNOWN);
    slot.right(text, if text == UNKNOWN { Role::Dim } else { Role::Canvas });
}

fn n(group: &OverviewGroup, slot: &mut Slot<'_>, key: &str) {
    if let Some(n) = find(group, key).and_then(|figure| measure::n(&figure.value)) {
        slot.right(&count(n), Role::Dim);
    }
}

fn change(_: &Scene<'_>, group: &OverviewGroup, slot: &mut Slot<'_>) {
    if let Some(figure) = find(group, "new") {
        trend(figure, slot);
    }
}
