//! What a terminal sends, as messages of the viewer's state.
//!
//! The terminal is read on a thread of its own. crossterm's reader may block where it promised not to (it reads a
//! blocking descriptor again after half a sequence) and turns in circles once the terminal has hung up; neither may
//! ever hold the session. Its other reader, without the feature `use-dev-tty`, waits for edges but leaves what does
//! not fit into its buffer unread: after a burst of some thousand bytes the kernel sends no further edge, and no key
//! is ever heard again.

use std::io;
use std::thread;

use crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};

use tokio::sync::mpsc;

use crate::app::{Mouse, MouseKind, Msg};

/// Keys, clicks and pastes that wait for the session; more of them hold the reader, not the memory.
const WAITING: usize = 64;

/// Starts to read the terminal. The thread lives as long as the process: nothing can wake it but another key.
pub(super) fn read() -> io::Result<mpsc::Receiver<Msg>> {
    let (tell, messages) = mpsc::channel(WAITING);
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(msg) = message(event)
                && tell.blocking_send(msg).is_err()
            {
                break;
            }
        }
    })?;
    Ok(messages)
}

/// What an event means; `None` for those that mean nothing. A resize is none: the session hears of it
/// by signal, also while the reader is stuck.
fn message(event: Event) -> Option<Msg> {
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
