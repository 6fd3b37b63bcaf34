//! Signals that end the program: each ends it the way a quit does, so that the terminal is given back.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `cancel` at the first SIGTERM, SIGHUP, SIGINT or SIGQUIT.
pub fn cancel_on_signals(cancel: &CancellationToken) -> io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit()] {
        let mut signals = signal(kind)?;
        let cancel = cancel.clone();
        tokio::spawn(async move {
            signals.recv().await;
            cancel.cancel();
        });
    }
    Ok(())
}
