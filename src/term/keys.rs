//! What a terminal sends, as messages of the viewer's state.

use crossterm::event::{Event, KeyEventKind, MouseButton, MouseEventKind};

use crate::app::{Mouse, MouseKind, Msg};

/// What an event means; `None` for those that mean nothing. A resize is not a message: the session handles it.
pub(super) fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => (key.kind != KeyEventKind::Release).then_some(Msg::Key(key)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Mouse(mouse) => {
            let kind = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
                MouseEventKind::ScrollDown => MouseKind::Down,
                MouseEventKind::ScrollUp => MouseKind::Up,
                _ => return None,
            };
            Some(Msg::Mouse(Mouse { kind, x: mouse.column, y: mouse.row }))
        }
        Event::Resize(..) | Event::FocusGained | Event::FocusLost => None,
    }
}
