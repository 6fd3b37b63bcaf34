//! What the board showed at the same hour a week ago, looked up every ten minutes.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::time::Instant;

use super::task::{Memory, guarded};
use crate::board::{Past, Want, past};
use crate::event::Timestamp;
use crate::metrics::history::AsOf;

/// The start of the program comes first.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the board's clock is looked at: it may run faster than time.
const LOOK: Duration = Duration::from_secs(10);
/// By the board's clock, figures are looked up so often.
const EVERY: TimeDelta = TimeDelta::minutes(10);
/// A look-up that took long is followed by so many times its length without one.
const REST: u32 = 20;

/// Keeps the figures of a week ago up to date.
pub struct LastWeek {
    publish: watch::Sender<Option<Arc<AsOf>>>,
    next: Instant,
    /// When it was last looked up, by the board's clock.
    of: Option<Timestamp>,
}

impl LastWeek {
    /// Nothing is known yet.
    pub fn new(publish: watch::Sender<Option<Arc<AsOf>>>) -> Self {
        Self { publish, next: Instant::now() + PATIENCE, of: None }
    }

    /// When to look again.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Looks the figures up, where the last ones are old.
    pub fn look(&mut self, memory: &mut Memory, now: Timestamp) {
        let begun = Instant::now();
        let is_old = self.of.is_none_or(|of| now - of >= EVERY || now < of);
        if let (Ok(past), true) = (&mut memory.past, is_old) {
            let zone = memory.zone;
            let found = guarded(|| as_of(past.as_mut(), past::week_before(now, zone))).and_then(|found| found);
            let found = found.unwrap_or_else(|error| {
                tracing::warn!(error, "what was a week ago is not known");
                Found::Unknown
            });
            let (of, known) = match found {
                Found::NotYet => (None, None),
                Found::Unknown => (Some(now), None),
                Found::Known(as_of) => (Some(now), Some(Arc::new(as_of))),
            };
            self.of = of;
            self.publish.send_replace(known);
        }
        self.next = Instant::now() + LOOK.max(begun.elapsed() * REST);
    }
}

/// What is known of a part of a day.
enum Found {
    /// The past is still being read.
    NotYet,
    /// It is not kept.
    Unknown,
    Known(AsOf),
}

/// What the board showed at the end of a part of a day, where all of that part is kept.
fn as_of(past: &mut dyn Past, day: past::Span) -> Result<Found, String> {
    if !past.is_told()? {
        return Ok(Found::NotYet);
    }
    let history = past.load(&Want { span: Some(day), ..Want::default() }, &mut |_, _| {})?;
    let is_whole = past.begins_at()?.is_some_and(|begins_at| begins_at <= day.from);
    Ok(if is_whole { Found::Known(history.as_of(day.to, day.from)) } else { Found::Unknown })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use chrono_tz::Tz;

    use super::*;
    use crate::event::parse_line;
    use crate::metrics::history::{History, Terms};

    const BEGIN: &str = "2026-10-20T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// A past of one chat, from an instant on; notes what is loaded.
    struct Told {
        begins_at: Option<Timestamp>,
        loads: Arc<Mutex<Vec<past::Span>>>,
        breaks: bool,
        is_whole: Arc<AtomicBool>,
    }

    impl Past for Told {
        fn load(&mut self, want: &Want, _: &mut dyn FnMut(u64, u64)) -> Result<History, String> {
            self.loads.lock().unwrap().extend(want.span);
            assert!(!self.breaks, "the disk is on fire");
            let mut history = History::new();
            let source = history.add_source("desk");
            let opened = format!(r#"{{"type":"opened","conversation":"1","at":"{BEGIN}"}}"#);
            history.take(source, parse_line(opened.as_bytes()).unwrap());
            history.settle();
            Ok(history)
        }

        fn begins_at(&mut self) -> Result<Option<Timestamp>, String> {
            Ok(self.begins_at)
        }

        fn is_told(&mut self) -> Result<bool, String> {
            Ok(self.is_whole.load(Ordering::Relaxed))
        }
    }

    struct Case {
        last_week: LastWeek,
        memory: Memory,
        known: watch::Receiver<Option<Arc<AsOf>>>,
        loads: Arc<Mutex<Vec<past::Span>>>,
        is_told: Arc<AtomicBool>,
    }

    fn case(begins_at: Option<&str>, breaks: bool) -> Case {
        let loads = Arc::new(Mutex::new(Vec::new()));
        let is_told = Arc::new(AtomicBool::new(true));
        let told =
            Told { begins_at: begins_at.map(at), loads: Arc::clone(&loads), breaks, is_whole: Arc::clone(&is_told) };
        let memory = Memory { past: Ok(Box::new(told)), terms: Terms::default(), zone: Tz::Europe__Berlin };
        let (publish, known) = watch::channel(None);
        Case { last_week: LastWeek::new(publish), memory, known, loads, is_told }
    }

    impl Case {
        /// How many are known to have been open a week before an instant.
        fn open(&mut self, now: &str) -> Option<u32> {
            self.last_week.look(&mut self.memory, at(now));
            self.known.borrow().as_ref().map(|as_of| as_of.active)
        }

        fn loaded(&self) -> usize {
            self.loads.lock().unwrap().len()
        }
    }

    #[tokio::test]
    async fn it_is_looked_up_every_ten_minutes_of_the_board_for_a_part_of_one_day() {
        let mut case = case(Some(BEGIN), false);
        // Clocks in Berlin go back on 25 October 2026: the same hour is another one in Greenwich.
        assert_eq!((case.open("2026-10-28T10:00:00Z"), case.loaded()), (Some(1), 1));
        let span = case.loads.lock().unwrap()[0];
        assert_eq!((span.from, span.to), (at("2026-10-20T22:00:00Z"), at("2026-10-21T09:00:00Z")));
        case.open("2026-10-28T10:09:59Z");
        assert_eq!(case.loaded(), 1);
        case.open("2026-10-28T10:10:00Z");
        assert_eq!(case.loaded(), 2);
        assert!(case.last_week.next() > Instant::now() + LOOK / 2);
    }

    #[tokio::test]
    async fn a_week_ago_that_is_not_kept_whole_is_not_known() {
        for begins_at in [None, Some("2026-10-20T22:00:00.001Z")] {
            let mut case = case(begins_at, false);
            assert_eq!((case.open("2026-10-28T10:00:00Z"), case.loaded()), (None, 1));
        }
    }

    #[tokio::test]
    async fn while_the_past_is_read_a_week_ago_is_not_known_and_then_it_is_at_the_next_look() {
        let mut case = case(Some(BEGIN), false);
        case.is_told.store(false, Ordering::Relaxed);
        assert_eq!((case.open("2026-10-28T10:00:00Z"), case.loaded()), (None, 0));
        case.is_told.store(true, Ordering::Relaxed);
        assert_eq!((case.open("2026-10-28T10:00:10Z"), case.loaded()), (Some(1), 1));
    }

    #[tokio::test]
    async fn a_past_that_panics_is_not_known_and_is_tried_again_later() {
        let mut case = case(Some(BEGIN), true);
        assert_eq!(case.open("2026-10-28T10:00:00Z"), None);
        assert_eq!(case.open("2026-10-28T10:05:00Z"), None);
        assert_eq!(case.loaded(), 1);
        case.open("2026-10-28T10:11:00Z");
        assert_eq!(case.loaded(), 2);
    }
}
