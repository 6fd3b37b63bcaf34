//! The screen as a function of picture, view, palette and instant. Synchronous; knows no clock, lock, file or network.
//!
//! ```text
//!  helptop · title  MARK                       Sun 22 Nov 14:32:07 · ● desk 4s        header
//!  ╭ Waiting ──╮╭ Longest ─╮╭ Open ────╮ …                                             tiles
//!  ╭ Agents ──────────────────────────╮╭ Unanswered, longest wait first ───────────╮   lists, or the page of a row
//!  ⏎ open  / filter  s sort …                            3 breached · 5 at risk        footer
//! ```

mod big;
pub mod colour;
mod day;
pub mod figure;
mod kept;
mod layout;
mod measure;
mod panels;
mod scene;
mod spread;
mod table;
pub mod text;
pub mod theme;
mod timeline;
mod widgets;

use ratatui::buffer::Buffer;

use crate::app::{Regions, ViewState};
use crate::board::BoardSnapshot;

pub use colour::ColorDepth;
pub use panels::{PANELS, Panel};
pub use scene::{Mode, ViewContext, Zone};
pub use theme::{Palette, Role, Theme, ThemeError, Themes};

use scene::Scene;

/// Draws one frame and tells where it put things.
pub fn draw(
    buf: &mut Buffer,
    snapshot: &BoardSnapshot,
    view: &ViewState,
    palette: &Palette,
    context: &ViewContext,
) -> Regions {
    let scene = Scene::new(snapshot, view, palette, context);
    buf.set_style(*buf.area(), palette.get(Role::Canvas));
    layout::draw(buf, &scene)
}
