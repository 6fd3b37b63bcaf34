//! `helptop events`: the stream that the sources give.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::feed::{self, Around, Watched};
use super::{Built, clock, once, signals};
use crate::event::{Event, EventKind, Timestamp};
use crate::output::events::write_line;
use crate::poll::Update;
use crate::source::{Pace, Retry};
use crate::text::harmless;

/// Batches on their way out; while there are so many, the sources wait for the reader.
const WAITING: usize = 4;
/// How long the last lines, and the sources, may take to end after a signal.
const FAREWELL: Duration = Duration::from_secs(1);
/// A source that is asked and has no news says so this often: who reads on can tell quiet from dead.
const CLOCK_EVERY: Duration = Duration::from_mins(1);
/// An error that lasts is told so often.
const TELL_AGAIN: Duration = Duration::from_mins(5);

/// Prints what the sources tell at once; with `follow` goes on until it is interrupted.
pub async fn run(sources: Vec<Built>, follow: bool) -> Result<(), Failure> {
    if sources.is_empty() {
        return Err(Failure::usage("no source is configured\n  `helptop init` connects a desk"));
    }
    if follow { follow_all(sources).await } else { print_once(sources).await }
}

async fn print_once(sources: Vec<Built>) -> Result<(), Failure> {
    let several = sources.len() > 1;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut failed = false;
    for (config, told) in once::read_all(sources, &clock::real()).await {
        let name = several.then_some(config.spec.name.as_str());
        for event in &told.events {
            write_line(&mut out, event, name)?;
        }
        for complaint in told.complaints() {
            say(&config.spec.name, &complaint, "");
        }
        if let Some(error) = &told.error {
            say(&config.spec.name, &error.to_string(), &error.hint(Retry::Never));
            failed = true;
        }
    }
    out.flush()?;
    if failed { Err(Failure::silent()) } else { Ok(()) }
}

async fn follow_all(sources: Vec<Built>) -> Result<(), Failure> {
    let cancel = CancellationToken::new();
    signals::cancel_on_signals(&cancel)?;
    let mut tellers: Vec<Teller> = sources.iter().map(Teller::of).collect();
    if let [only] = tellers.as_mut_slice() {
        only.beside_ids = None;
    }
    let tasks = TaskTracker::new();
    let watched: Vec<_> = sources.into_iter().map(Watched::from).collect();
    let now = clock::real();
    let around = Around { now: now.clone(), tasks: tasks.clone(), cancel: cancel.clone() };
    let wakes = feed::wakes(watched.len());
    let mut updates = feed::start_pollers(watched, &wakes, &around);
    tasks.close();
    let (lines, mut written) = start_writer()?;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let update = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            update = updates.recv() => update,
            _ = tick.tick() => if reader_is_gone() { break } else { continue },
        };
        let Some(update) = update else { break };
        let Some(teller) = tellers.get_mut(update.source) else { continue };
        let text = teller.tell(update, now())?;
        if text.is_empty() {
            continue;
        }
        let sent = tokio::select! {
            biased;
            () = cancel.cancelled() => false,
            sent = lines.send(text) => sent.is_ok(),
        };
        if !sent {
            break;
        }
    }
    drop(lines);
    // Sources that came to their end are written to the last line, however slowly it is read; a signal is obeyed soon.
    let ended = tokio::select! {
        ended = &mut written => ended.unwrap_or(Ok(())),
        () = cancel.cancelled() => {
            timeout(FAREWELL, &mut written).await.ok().and_then(Result::ok).unwrap_or(Ok(()))
        }
    };
    cancel.cancel();
    // What does not end in time ends with the program.
    let _ = timeout(FAREWELL, tasks.wait()).await;
    Ok(ended?)
}

/// Tells how the writing ended.
type Written = oneshot::Receiver<io::Result<()>>;

/// Writes batches on a thread of its own, each flushed, so that a reader who has stopped reading holds up no signal.
/// Nothing more is taken after a failed write.
fn start_writer() -> io::Result<(mpsc::Sender<Vec<u8>>, Written)> {
    let (lines, mut waiting) = mpsc::channel::<Vec<u8>>(WAITING);
    let (ended, written) = oneshot::channel();
    std::thread::Builder::new().name("events".to_owned()).spawn(move || {
        let mut write = || -> io::Result<()> {
            while let Some(text) = waiting.blocking_recv() {
                let mut out = io::stdout().lock();
                out.write_all(&text)?;
                out.flush()?;
            }
            Ok(())
        };
        // Nobody listens any more after a signal.
        let _ = ended.send(write());
    })?;
    Ok((lines, written))
}

/// Whether the other end of the pipe is closed: without news, no write would find out.
fn reader_is_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = io::stdout();
    let mut ends = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut ends, Some(&at_once)).is_ok() && ends[0].revents().contains(PollFlags::ERR)
}

/// What is said of one source.
struct Teller {
    name: String,
    /// Its name as it stands in each line, where there are several.
    beside_ids: Option<String>,
    /// It is asked at its interval, and has nothing to say for itself in between.
    is_asked: bool,
    said_at: Instant,
    /// The kind of error that it has, and when that was last told.
    failing: Option<(&'static str, Instant)>,
}

impl Teller {
    fn of(built: &Built) -> Self {
        let name = built.config.spec.name.clone();
        let is_asked = built.source.pace() == Pace::Interval;
        Self { beside_ids: Some(name.clone()), name, is_asked, said_at: Instant::now(), failing: None }
    }

    /// The lines of what a source brought. What could not be read goes to standard error.
    fn tell(&mut self, update: Update, now: Timestamp) -> io::Result<Vec<u8>> {
        let mut batch = match update.outcome {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(source = self.name, %error, "poll failed");
                // An error that lasts is not told with every try.
                if self.failing.is_none_or(|(word, at)| word != error.word() || at.elapsed() >= TELL_AGAIN) {
                    say(&self.name, &error.to_string(), &error.hint(Retry::ByItself));
                    self.failing = Some((error.word(), Instant::now()));
                }
                return Ok(Vec::new());
            }
        };
        self.failing = None;
        tracing::debug!(source = self.name, requests = batch.requests, events = batch.events.len(), "polled");
        for one in &batch.skipped {
            tracing::warn!(source = self.name, place = one.place, reason = one.reason, "skipped");
            say(&self.name, &format!("{}: {}", one.place, one.reason), "");
        }
        let unnamed = batch.skipped_total.saturating_sub(batch.skipped.len() as u64);
        if unnamed > 0 {
            say(&self.name, &format!("skipped {unnamed} more that can't be read, or are of a type named before"), "");
        }
        if batch.events.is_empty() && self.is_asked && self.said_at.elapsed() >= CLOCK_EVERY {
            batch.events.push(Event::new(now, EventKind::Clock {}));
        }
        if !batch.events.is_empty() {
            self.said_at = Instant::now();
        }
        let mut text = Vec::new();
        for event in &batch.events {
            write_line(&mut text, event, self.beside_ids.as_deref())?;
        }
        Ok(text)
    }
}

/// Tells on standard error; with none there is nobody to tell, and the stream goes on.
fn say(source: &str, what: &str, hint: &str) {
    let between = if hint.is_empty() { "" } else { "\n  " };
    let _ = writeln!(io::stderr(), "helptop: source `{source}`: {}{between}{hint}", harmless(what));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Batch;

    fn update(outcome: Batch) -> Update {
        Update {
            source: 0,
            tried_at: Timestamp::default(),
            latency: Duration::ZERO,
            next_at: None,
            interval: Duration::from_secs(15),
            outcome: Ok(outcome),
            aside: Vec::new(),
        }
    }

    fn lines(teller: &mut Teller, second: i64, outcome: Batch) -> String {
        let text = teller.tell(update(outcome), Timestamp::from_millis(second * 1000)).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_desk_that_is_asked_says_once_a_minute_that_time_has_passed() {
        let mut teller =
            Teller { name: "desk".into(), beside_ids: None, is_asked: true, said_at: Instant::now(), failing: None };
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(lines(&mut teller, 59, Batch::default()), "");
        tokio::time::advance(Duration::from_secs(1)).await;
        let clock = lines(&mut teller, 60, Batch::default());
        assert_eq!(clock, "{\"type\":\"clock\",\"at\":\"1970-01-01T00:01:00Z\"}\n");
        assert_eq!(lines(&mut teller, 61, Batch::default()), "", "it was just said");
        tokio::time::advance(Duration::from_mins(2)).await;
        let event = Event::undated(EventKind::Clock {});
        let batch = Batch { events: vec![event], ..Batch::default() };
        assert_eq!(lines(&mut teller, 200, batch), "{\"type\":\"clock\"}\n", "what it tells is enough");
        teller.is_asked = false;
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(lines(&mut teller, 400, Batch::default()), "", "one that speaks by itself says its own clock");
    }
}
