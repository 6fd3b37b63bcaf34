//! The past as a recording tells it, for the board over a recording.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::board::{Past, Want};
use crate::event::{Reader, Timestamp};
use crate::metrics::history::History;
use crate::run::clock::Now;
use crate::run::recording;

/// Progress is told every so many events.
const EVENTS: u64 = 4096;

/// A recording, read anew for each question.
pub struct RecordingPast {
    path: PathBuf,
    /// The source's name on the board.
    name: String,
    begins_at: Option<Timestamp>,
    /// What lies behind the board's clock is not looked at.
    now: Now,
}

impl RecordingPast {
    /// The past of a recording that is a source of some name.
    pub fn new(path: PathBuf, name: String, now: Now) -> Self {
        Self { path, name, begins_at: None, now }
    }
}

impl Past for RecordingPast {
    fn load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, String> {
        let name = self.path.display().to_string();
        let failed = |error: io::Error| format!("{name}: cannot read the recording: {error}");
        let file = File::open(&self.path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        let read = Arc::new(AtomicU64::new(0));
        let input = BufReader::with_capacity(1 << 16, Counting { file, read: Arc::clone(&read) });
        let now = (self.now)();
        let until = want.span.map_or(now, |span| span.to.min(now));
        let mut history = History::new();
        let source = history.add_source(&*self.name);
        let mut events = 0_u64;
        let counted = recording::read(Reader::new(input).without_words(), &name, false, io::sink(), |event| {
            events += 1;
            if events.is_multiple_of(EVENTS) {
                progress(read.load(Ordering::Relaxed).min(bytes), bytes);
            }
            let is_before = event.at.is_none_or(|at| at < until);
            if is_before {
                history.take(source, event);
            }
            is_before
        });
        counted.map_err(|failure| failure.to_string())?;
        history.settle();
        self.begins_at = [self.begins_at, history.whole_from()].into_iter().flatten().min();
        Ok(history)
    }

    fn begins_at(&mut self) -> Result<Option<Timestamp>, String> {
        Ok(self.begins_at)
    }
}

/// A file, and how much of it was read.
struct Counting {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
