//! stub
use crate::app::Regions;
use crate::ui::scene::Scene;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
pub(super) fn draw(_: &mut Buffer, _: Rect, _: &Scene<'_>, _: &mut Regions) {}
