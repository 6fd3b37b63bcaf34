//! The way of bytes to the terminal: a thread of its own, one write at a time, so that a slow or stopped terminal
//! blocks nobody.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

/// How long the last write may take when the program ends; a terminal that was stopped must not hold it.
const LAST_WRITE: Duration = Duration::from_millis(800);

/// Standard output without its lock and buffer: a writer that hangs must not hang whoever restores the terminal.
pub(super) fn raw_stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// The way of bytes to the terminal.
#[derive(Debug)]
pub(super) struct Output {
    frames: SyncSender<Vec<u8>>,
    done: mpsc::Receiver<io::Result<()>>,
    pending: usize,
}

impl Output {
    /// Starts the thread that writes to `sink`.
    pub(super) fn new(mut sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (frames, inbox) = sync_channel::<Vec<u8>>(2);
        let (tell, done) = mpsc::channel(2);
        thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            for bytes in inbox {
                let result = sink.write_all(&bytes).and_then(|()| sink.flush());
                if tell.blocking_send(result).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { frames, done, pending: 0 })
    }

    /// Whether a write is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.pending > 0
    }

    /// Writes; the caller waits for [`Output::written`] before it writes again.
    pub(super) fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.frames.try_send(bytes).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        self.pending += 1;
        Ok(())
    }

    /// Waits until a write has ended. Cancel-safe.
    pub(super) async fn written(&mut self) -> io::Result<()> {
        let result = self.done.recv().await;
        self.pending = self.pending.saturating_sub(1);
        result.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Writes once more and waits for it, but not for ever.
    pub(super) fn finish(&mut self, bytes: Vec<u8>) {
        let sent = self.write(bytes);
        let until = std::time::Instant::now() + LAST_WRITE;
        while sent.is_ok() && self.pending > 0 && std::time::Instant::now() < until {
            match self.done.try_recv() {
                Ok(_) => self.pending -= 1,
                Err(mpsc::error::TryRecvError::Empty) => thread::sleep(Duration::from_millis(1)),
                Err(mpsc::error::TryRecvError::Disconnected) => break,
            }
        }
    }
}
