//! A customer: all its chats, whether it is like the others, who dealt with it, and what it answered.

mod lists;
mod typical;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drill, Pane, Regions};
use crate::board::past::CustomerPage;
use crate::ui::figure::{UNKNOWN, count, duration, seconds, share};
use crate::ui::kept;
use crate::ui::scene::Scene;
use crate::ui::text::{customer_name, fit};
use crate::ui::theme::Role;
use crate::ui::widgets::{frame, groups};

/// From here on the chats stand beside the rest.
const WIDE: (u16, u16) = (110, 18);
/// From here on something stands below the chats.
const TALL: u16 = 15;
/// Cells of what stands beside the chats.
const BESIDE: u16 = 52;

pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let Some(drill) = scene.view.drills.last() else { return };
    let Some(page) = drill.customer() else {
        let inner = frame(buf, scene, area, "Customer", &kept::progress(&drill.past), true);
        return kept::absent(buf, inner, scene, &drill.past);
    };
    let top = if area.height >= 14 { 4 } else { 3.min(area.height) };
    facts(buf, Rect { height: top, ..area }, scene, drill, page);
    let rest = Rect { y: area.y + top, height: area.height - top, ..area };
    let mut pane = |buf: &mut Buffer, area: Rect, pane: Pane| draw_pane(buf, area, scene, drill, page, pane, regions);
    if rest.width >= WIDE.0 && rest.height >= WIDE.1 {
        let left = Rect { width: rest.width - BESIDE, ..rest };
        let mut right = Rect { x: left.right(), width: BESIDE, ..rest };
        pane(buf, left, Pane::Chats);
        let dealt = (page.dealt.len() as u16 + 3).clamp(5, rest.height.saturating_sub(typical::LINES + 5).max(5));
        for (lines, one) in [(typical::LINES, Pane::Typical), (dealt, Pane::Dealt), (right.height, Pane::Answers)] {
            let height = lines.min(right.height);
            pane(buf, Rect { height, ..right }, one);
            right = Rect { y: right.y + height, height: right.height - height, ..right };
        }
    } else if rest.height >= TALL {
        let above = Rect { height: rest.height - typical::LINES, ..rest };
        pane(buf, above, if drill.pane == Pane::Answers { Pane::Answers } else { Pane::Chats });
        let below = Rect { y: above.bottom(), height: typical::LINES, ..rest };
        if below.width >= BESIDE + 26 {
            pane(buf, Rect { width: BESIDE, ..below }, Pane::Typical);
            pane(buf, Rect { x: below.x + BESIDE, width: below.width - BESIDE, ..below }, Pane::Dealt);
        } else {
            pane(buf, below, if drill.pane == Pane::Dealt { Pane::Dealt } else { Pane::Typical });
        }
    } else {
        pane(buf, rest, drill.pane);
    }
}

fn draw_pane(
    buf: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    drill: &Drill,
    page: &CustomerPage,
    pane: Pane,
    regions: &mut Regions,
) {
    if area.height == 0 {
        return;
    }
    match pane {
        Pane::Typical => typical::draw(buf, area, scene, drill, regions),
        Pane::Dealt => lists::dealt(buf, area, scene, drill, page, regions),
        Pane::Answers => lists::answers(buf, area, scene, drill, page, regions),
        _ => lists::chats(buf, area, scene, drill, page, regions),
    }
}

fn facts(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, drill: &Drill, page: &CustomerPage) {
    let (customer, totals) = (&page.customer, &page.totals);
    let is_vip = customer.segment.as_deref().is_some_and(|segment| segment.eq_ignore_ascii_case("vip"));
    let star = if is_vip { "★ " } else { "" };
    let title = format!("{star}{}", fit(&customer_name(&customer.name, scene.view.privacy), 40));
    let reading = Some(kept::progress(&drill.past)).filter(|text| !text.is_empty());
    let at = reading.unwrap_or_else(|| kept::as_of(scene, customer.source, page.at));
    let segment = customer.segment.as_deref().map(|segment| fit(segment, 20).into_owned());
    let note = segment.into_iter().chain([at]).collect::<Vec<_>>().join(" · ");
    let inner = frame(buf, scene, area, &title, &note, false);
    let (chats, active, waiting) = (count(totals.chats), count(totals.active), count(totals.unanswered));
    let role = |n: u64| if n > 0 { Role::Figure } else { Role::Dim };
    let since = page.chats.iter().filter_map(|chat| chat.waiting_since).min();
    let wait = since.map_or_else(String::new, |since| format!(" {}", duration(scene.since(since))));
    let first = totals.first_at.map_or_else(|| UNKNOWN.to_owned(), |at| date(scene, at));
    let last = totals.last_at.map_or_else(|| UNKNOWN.to_owned(), |at| date(scene, at));
    groups(
        buf,
        scene,
        inner,
        &[
            &[("chats ", Role::Dim), (&chats, Role::Figure)],
            &[("   open ", Role::Dim), (&active, role(totals.active))],
            &[("   waiting ", Role::Dim), (&waiting, role(totals.unanswered)), (&wait, Role::Warning)],
            &[("   first ", Role::Dim), (&first, Role::Canvas)],
            &[("   newest ", Role::Dim), (&last, Role::Canvas)],
        ],
    );
    if inner.height < 2 {
        return;
    }
    let n = |n: u64| format!(" n {}", count(n));
    let (satisfied, rated) = (share(Some(totals.csat)), n(totals.csat.of));
    let (reply, replies) = (seconds(totals.first_response.median), n(totals.first_response.n));
    let (resolution, resolved) = (seconds(totals.resolution.median), n(totals.resolution.n));
    let (back, of) = (share(Some(totals.reopened)), n(totals.reopened.of));
    groups(
        buf,
        scene,
        Rect { y: inner.y + 1, height: 1, ..inner },
        &[
            &[("satisfied ", Role::Dim), (&satisfied, Role::Figure), (&rated, Role::Dim)],
            &[("   first reply ", Role::Dim), (&reply, Role::Figure), (&replies, Role::Dim)],
            &[("   resolved in ", Role::Dim), (&resolution, Role::Figure), (&resolved, Role::Dim)],
            &[("   reopened ", Role::Dim), (&back, Role::Figure), (&of, Role::Dim)],
        ],
    );
}

/// A day; with the year where that is another.
fn date(scene: &Scene<'_>, at: crate::event::Timestamp) -> String {
    use chrono::Datelike;
    let (then, now) = (scene.local(at), scene.local(scene.instant));
    then.format(if then.year() == now.year() { "%-d %b" } else { "%-d %b %Y" }).to_string()
}
