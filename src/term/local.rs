//! The terminal that the program was started in: taken by a guard whose `Drop` gives it back.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};

use super::output::{Output, raw_stdout};

/// Buttons and wheel with cells beyond 223; no reports of mere motion, which nobody needs.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is ours: the panic hook restores it only then, and a session ends once it is lost.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, in raw mode on its alternate screen.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) output: Output,
    mouse: bool,
}

impl Local {
    /// Takes the terminal.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            let what = "standard output is no terminal: the board needs one; `helptop snapshot` prints the figures";
            return Err(io::Error::other(what));
        }
        let mut local = Self { output: Output::new(raw_stdout()?)?, mouse };
        local.enter()?;
        Ok(local)
    }

    /// Raw mode and alternate screen, again after they were given back.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        terminal::enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, Hide, EnableBracketedPaste)?;
        if self.mouse {
            bytes.extend_from_slice(MOUSE_ON);
        }
        self.output.write(bytes)
    }

    /// Gives the terminal back; does nothing where that was done.
    pub(super) fn leave(&mut self) {
        if TAKEN.swap(false, Ordering::SeqCst) {
            self.output.finish(leaving());
            let _ = terminal::disable_raw_mode();
        }
    }

    /// Whether the terminal is still ours; a panic anywhere gives it back.
    pub(super) fn is_taken() -> bool {
        TAKEN.load(Ordering::SeqCst)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What undoes all that `enter` did, whichever of it was done.
fn leaving() -> Vec<u8> {
    let mut bytes = b"\x1b[0m".to_vec();
    bytes.extend_from_slice(MOUSE_OFF);
    // Writing to memory can't fail.
    let _ = queue!(bytes, DisableBracketedPaste, Show, LeaveAlternateScreen);
    bytes
}

/// From here on a panic gives the terminal back before it is told; one that the program survives, as `is_survived`
/// says where it happens, leaves the terminal alone.
pub fn install_panic_hook(is_survived: fn() -> bool) {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if is_survived() {
            return;
        }
        if TAKEN.swap(false, Ordering::SeqCst) {
            if let Ok(mut out) = raw_stdout() {
                let _ = out.write_all(&leaving());
            }
            let _ = terminal::disable_raw_mode();
        }
        previous(info);
    }));
}
