//! The child program: started in a group of its own, read in bounded chunks, ended with all it has started.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::cutter::{Cut, Cutter};
use crate::event::{Event, Reject, lines::MAX_LINE_BYTES, parse_line};
use crate::text::{counted, excerpt};

/// Lines of standard error that are kept.
const ASIDE_LINES: usize = 50;
/// The longest line of standard error, in characters.
const ASIDE_WIDTH: usize = 400;
/// Stands between the last words of a child and the first of the next.
pub(super) const AGAIN: &str = "(started again)";
/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Chunks of lines that wait to be taken; while there are so many, the child waits at its pipe.
const CHUNKS: usize = 4;

/// Blank lines in a row that are passed over: one a second, as a sign of life, for a day and more.
const MOST_BLANK: u64 = 100_000;

/// A line of the child, counted from 1.
pub(super) type Numbered = (u64, Result<Event, Reject>);

/// The last lines of standard error, shared with the task that reads them.
pub(super) type Aside = Arc<Mutex<VecDeque<String>>>;

/// A child that was started.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    /// Its process group: its own id at the start.
    group: Option<u32>,
    pub(super) lines: mpsc::Receiver<Vec<Numbered>>,
    readers: [JoinHandle<()>; 2],
    /// Bytes that have come of a line that has not ended yet.
    unended: Arc<AtomicU64>,
}

impl Running {
    /// Starts the program in its directory, with nothing to read and this program's environment.
    pub(super) fn start(program: &Path, args: &[String], base: &Path, aside: &Aside) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        if base.is_dir() {
            command.current_dir(base);
        }
        let mut child = command.spawn()?;
        {
            let mut kept = aside.lock().unwrap_or_else(PoisonError::into_inner);
            if !kept.is_empty() {
                keep(&mut kept, AGAIN.to_owned());
            }
        }
        let (sender, lines) = mpsc::channel(CHUNKS);
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no standard error"))?;
        let unended = Arc::<AtomicU64>::default();
        let readers = [
            tokio::spawn(read_lines(stdout, sender, Arc::clone(&unended))),
            tokio::spawn(read_aside(stderr, Arc::clone(aside))),
        ];
        Ok(Self { group: child.id(), child, lines, readers, unended })
    }

    /// A line that has begun and not ended yet, in words.
    pub(super) fn endless(&self) -> Option<String> {
        let size = match self.unended.load(Ordering::Relaxed) {
            bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
            0 => return None,
            bytes => counted(bytes, "byte"),
        };
        Some(format!("is printing a line that has not ended yet, {size} so far"))
    }

    /// How it ended, where it has; what it left behind is ended with it, so that its pipes close.
    pub(super) fn try_wait(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_some() {
            self.end_group();
        }
        status
    }

    /// Ends the whole group and waits for the child a moment; how it ended, where it had by itself.
    pub(super) async fn end(mut self) -> Option<ExitStatus> {
        let patience = Duration::from_millis(200);
        let by_itself = tokio::time::timeout(patience, self.child.wait()).await;
        self.end_group();
        // Whatever was still in the pipe of standard error is the reason why, more often than not.
        let _ended = tokio::time::timeout(patience, &mut self.readers[1]).await;
        by_itself.ok().and_then(Result::ok)
    }

    fn end_group(&mut self) {
        if let Some(group) = self.group.take() {
            kill_group(group);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_group();
        for reader in &self.readers {
            reader.abort();
        }
    }
}

/// Kills every process of a group; one that is gone already is no fault.
#[cfg(unix)]
fn kill_group(group: u32) {
    // A group of 0 or 1 would be our own or everybody's.
    let group = i32::try_from(group).ok().filter(|group| *group > 1);
    if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
        // That it is gone already is what is wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: u32) {}

/// Where a program is: with a slash in its name beside the config file, without one on the `PATH`.
pub(super) fn locate(program: &str, base: &Path) -> PathBuf {
    let path = Path::new(program);
    if path.components().count() == 1 && !program.starts_with('.') {
        return path.to_owned();
    }
    let path = base.join(path);
    // Absolute, as the program is started in `base`: a relative path would be looked for from there on.
    std::path::absolute(&path).unwrap_or(path)
}

/// The arguments as people write them in a shell, for a message.
pub(super) fn shown(command: &[String]) -> String {
    excerpt(command.first().map_or("", String::as_str), 80)
}

async fn read_lines(mut pipe: impl AsyncRead + Unpin, sender: mpsc::Sender<Vec<Numbered>>, unended: Arc<AtomicU64>) {
    let (mut buffer, mut cutter) = (vec![0; CHUNK], Cutter::new(MAX_LINE_BYTES));
    let (mut count, mut cuts) = (Count::default(), Vec::new());
    loop {
        // An error of the pipe is its end: the child is looked at next.
        let read = pipe.read(&mut buffer).await.unwrap_or(0);
        if read > 0 {
            cutter.feed(&buffer[..read], &mut cuts);
        } else {
            cuts.extend(cutter.finish());
        }
        unended.store(cutter.unended(), Ordering::Relaxed);
        let lines: Vec<Numbered> = cuts.drain(..).filter_map(|cut| count.parse(cut)).collect();
        let refused = !lines.is_empty() && sender.send(lines).await.is_err();
        if refused || read == 0 {
            return;
        }
    }
}

/// Numbers lines.
#[derive(Debug, Default)]
struct Count {
    lines: u64,
    /// Blank lines in a row, up to now.
    blank: u64,
}

impl Count {
    /// An event or a reject with its number. Blank lines are counted and passed over, unless they are a flood.
    fn parse(&mut self, cut: Cut) -> Option<Numbered> {
        self.lines += 1;
        let is_blank = matches!(&cut, Cut::Line(line) if line.trim_ascii().is_empty());
        self.blank = if is_blank { self.blank + 1 } else { 0 };
        let event = match cut {
            Cut::Line(_) if is_blank && self.blank <= MOST_BLANK => return None,
            Cut::Line(_) if is_blank => Err(Reject::Line(format!("blank, as the {MOST_BLANK} before it"))),
            Cut::Line(line) => parse_line(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line)),
            Cut::TooLong => Err(Reject::Line(format!("the line is longer than {} MiB", MAX_LINE_BYTES >> 20))),
        };
        Some((self.lines, event))
    }
}

fn keep(kept: &mut VecDeque<String>, line: String) {
    kept.push_back(line);
    while kept.len() > ASIDE_LINES {
        kept.pop_front();
    }
}

async fn read_aside(mut pipe: impl AsyncRead + Unpin, aside: Aside) {
    let (mut buffer, mut cutter) = (vec![0; 4096], Cutter::new(CHUNK));
    let mut cuts = Vec::new();
    loop {
        let read = pipe.read(&mut buffer).await.unwrap_or(0);
        cutter.feed(&buffer[..read], &mut cuts);
        if read == 0 {
            cuts.extend(cutter.finish());
        }
        let mut kept = aside.lock().unwrap_or_else(PoisonError::into_inner);
        for cut in cuts.drain(..) {
            let text = match &cut {
                Cut::Line(line) => excerpt(String::from_utf8_lossy(line).trim_end(), ASIDE_WIDTH),
                Cut::TooLong => "(a line longer than 64 KiB)".to_owned(),
            };
            keep(&mut kept, text);
        }
        drop(kept);
        if read == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_slash_is_beside_the_config() {
        let base = Path::new("/etc/helptop");
        assert_eq!(locate("./feed.sh", base).to_str(), Some("/etc/helptop/feed.sh"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(locate("./feed.sh", Path::new("conf")), here.join("conf/feed.sh"));
        assert_eq!(locate("./feed.sh", Path::new(".")), here.join("feed.sh"));
        assert_eq!(locate("bin/feed", base), Path::new("/etc/helptop/bin/feed"));
        assert_eq!(locate("python3", base), Path::new("python3"));
        assert_eq!(locate("/usr/bin/env", base), Path::new("/usr/bin/env"));
    }
}
