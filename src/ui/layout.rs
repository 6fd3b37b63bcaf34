//! Which panel goes where, by the room there is; the least important falls away first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::panels;
use super::scene::{Mode, Scene};
use crate::app::{Regions, Screen};
use crate::board::Query;

/// From here on, lists stand beside each other.
const WIDE: u16 = 104;

/// From here on, both lists fit one above the other.
const TALL: u16 = 22;

/// From here on there is room for a frame and for tiles.
const ROOMY: (u16, u16) = (44, 12);

/// Draws all that fits.
pub(super) fn draw(buf: &mut Buffer, scene: &Scene<'_>) -> Regions {
    let mut regions = Regions::default();
    let area = *buf.area();
    let tiny = area.width < 20 || area.height < 4;
    if tiny || (scene.snapshot.sources.is_empty() && scene.snapshot.generation == 0) {
        panels::draw("small", buf, area, scene, &mut regions);
        return regions;
    }
    let (head, body, foot) = bands(area, scene);
    panels::draw("header", buf, head, scene, &mut regions);
    panels::draw("footer", buf, foot, scene, &mut regions);
    let page = if scene.view.help.is_some() {
        "help"
    } else if let Some(drill) = scene.view.drills.last() {
        match &drill.query {
            Query::Agent(_) => "agent",
            Query::Conversation(_) | Query::Named(..) => "chat",
            Query::Customer(..) => "customer",
        }
    } else {
        match scene.view.screen {
            Screen::Board => {
                board(buf, body, scene, &mut regions);
                return regions;
            }
            Screen::Agents => "agents",
            Screen::Unanswered => "unanswered",
            Screen::History => "history",
            Screen::Sources => "sources",
        }
    };
    panels::draw(page, buf, body, scene, &mut regions);
    regions
}

/// Header, body and footer.
fn bands(area: Rect, scene: &Scene<'_>) -> (Rect, Rect, Rect) {
    let hint = u16::from(scene.context.mode == Mode::Demo && area.height >= 20);
    let foot = u16::from(area.height >= 8);
    let head = 1 + hint;
    (
        Rect { height: head, ..area },
        Rect { y: area.y + head, height: area.height - head - foot, ..area },
        Rect { y: area.bottom() - foot, height: foot, ..area },
    )
}

fn board(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    let roomy = area.width >= ROOMY.0 && area.height >= ROOMY.1;
    let tiles = panels::tiles::height(area, roomy);
    let (top, lists) =
        (Rect { height: tiles, ..area }, Rect { y: area.y + tiles, height: area.height - tiles, ..area });
    panels::draw("tiles", buf, top, scene, regions);
    if area.width >= WIDE {
        let left = panels::agents::width(area.width);
        panels::draw("agents", buf, Rect { width: left, ..lists }, scene, regions);
        let right = Rect { x: lists.x + left, width: lists.width - left, ..lists };
        panels::draw("unanswered", buf, right, scene, regions);
    } else if area.height + 2 >= TALL && area.width >= 64 {
        let above = lists.height.div_ceil(2);
        panels::draw("unanswered", buf, Rect { height: above, ..lists }, scene, regions);
        let below = Rect { y: lists.y + above, height: lists.height - above, ..lists };
        panels::draw("agents", buf, below, scene, regions);
    } else {
        panels::draw("unanswered", buf, lists, scene, regions);
    }
}
