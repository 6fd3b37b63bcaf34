//! The panels, one file each, and the table that layouts, snapshots and tests go through.

pub(super) mod agent;
pub(super) mod agents;
pub(super) mod chat;
pub(super) mod customer;
pub(super) mod footer;
pub(super) mod header;
pub(super) mod help;
pub(super) mod history;
pub(super) mod small;
pub(super) mod sources;
pub(super) mod tiles;
pub(super) mod unanswered;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scene::Scene;
use crate::app::Regions;

/// A piece of the screen with a stable public name.
#[derive(Debug, Clone, Copy)]
pub struct Panel {
    /// Its name.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    draw: fn(&mut Buffer, Rect, &Scene<'_>, &mut Regions),
}

/// Every panel there is.
pub const PANELS: &[Panel] = &[
    Panel { id: "header", title: "Title, clock and freshness of the sources", draw: header::draw },
    Panel { id: "tiles", title: "The figures", draw: tiles::draw },
    Panel { id: "agents", title: "Agents", draw: agents::draw },
    Panel { id: "unanswered", title: "Unanswered chats", draw: unanswered::draw },
    Panel { id: "sources", title: "Sources", draw: sources::draw },
    Panel { id: "history", title: "Figures of the last days", draw: history::draw },
    Panel { id: "agent", title: "An agent's day", draw: agent::draw },
    Panel { id: "chat", title: "A chat's timeline", draw: chat::draw },
    Panel { id: "customer", title: "A customer's chats", draw: customer::draw },
    Panel { id: "help", title: "Keys and signs", draw: help::draw },
    Panel { id: "footer", title: "Keys, alerts and messages", draw: footer::draw },
    Panel { id: "small", title: "What a tiny screen still shows", draw: small::draw },
];

/// Draws the panel of that name.
pub(super) fn draw(id: &str, buf: &mut Buffer, area: Rect, scene: &Scene<'_>, regions: &mut Regions) {
    if let Some(panel) = PANELS.iter().find(|panel| panel.id == id).filter(|_| area.width > 0 && area.height > 0) {
        (panel.draw)(buf, area, scene, regions);
    }
}
