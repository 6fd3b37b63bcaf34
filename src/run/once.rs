//! Reads every configured source once, side by side, until each has told all it has.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::clock::Now;
use super::progress::Line;
use crate::board::{Engine, SourceHealth};
use crate::config::SourceConfig;
use crate::desk::SourceIx;
use crate::event::{Event, Timestamp};
use crate::poll::{Outcome, Schedule};
use crate::source::{Batch, Pace, Retry, Source, SourceError};

/// One read of a source takes at most this long in all.
const AT_MOST: Duration = Duration::from_mins(5);
/// A source that pushes is read until it has said nothing for this long.
const QUIET: Duration = Duration::from_secs(2);
/// Nor longer than this, however much it says.
const PUSHED_AT_MOST: Duration = Duration::from_secs(20);

/// What to do about a read that can't be done within its time.
const READS_ON: &str = "run `helptop`: the board reads on for as long as it takes";
/// Where it is found that a source told nothing.
const ONE_READ: &str = "one read";

/// A source, built, with what the config says of it.
pub struct Built {
    /// What the config says.
    pub config: SourceConfig,
    /// The source.
    pub source: Box<dyn Source>,
}

/// What one source told.
#[derive(Debug, Default)]
pub struct Told {
    /// Its events, in order.
    pub events: Vec<Event>,
    /// The first records of each answer that could not be read.
    pub skipped: Vec<String>,
    /// How many could not be read in all.
    pub skipped_total: u64,
    /// Requests it cost.
    pub requests: u64,
    /// When it last told anything: one that is asked with its last answer, one that pushes with its last line.
    pub heard_at: Option<Timestamp>,
    /// Why it could not be read to the end.
    pub error: Option<SourceError>,
}

/// Reads every source, in the order of the config, each within its share of what its vendor allows. A read that takes
/// longer says how far it is, where a person sees it.
pub async fn read_all(sources: Vec<Built>, now: &Now) -> Vec<(SourceConfig, Told)> {
    let mut reads = JoinSet::new();
    let line = Arc::new(Line::begin());
    for (i, built) in sources.into_iter().enumerate() {
        let (now, line) = (now.clone(), Arc::clone(&line));
        reads.spawn(async move {
            let Built { config, mut source } = built;
            let schedule = Schedule::new(source.pace(), config.interval, config.quota_share, i as u64);
            let say = |doing: &str| line.say(&format!("{}: {doing}", config.spec.name));
            let told = read(source.as_mut(), schedule, &now, say).await;
            told.log(&config.spec.name);
            (i, config, told)
        });
    }
    let mut all = Vec::new();
    while let Some(read) = reads.join_next().await {
        all.extend(read.ok());
    }
    all.sort_by_key(|(i, ..)| *i);
    all.into_iter().map(|(_, config, told)| (config, told)).collect()
}

async fn read(source: &mut dyn Source, mut schedule: Schedule, now: &Now, say: impl Fn(&str)) -> Told {
    let mut told = Told::default();
    let begun = Instant::now();
    let (mut spoke, mut cursor, mut doing) = (None, None, None);
    loop {
        let left = AT_MOST.saturating_sub(begun.elapsed());
        let batch = match timeout(left, source.poll(cursor.as_ref(), now())).await {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => {
                told.error = Some(error);
                return told;
            }
            Err(_) => {
                let what = format!("not read to the end after {} s", AT_MOST.as_secs());
                told.error = Some(too_long(what));
                return told;
            }
        };
        let pushes = source.pace() == Pace::Push;
        let (more, finished) = (batch.more, batch.finished);
        doing = batch.progress.as_ref().map(|(what, _)| what.clone()).or(doing);
        if !pushes || finished || !batch.events.is_empty() || batch.skipped_total > 0 {
            told.heard_at = Some(batch.as_of.unwrap_or_else(|| now()));
            spoke = Some(Instant::now());
        }
        cursor = batch.cursor.clone().or(cursor);
        let part = batch.progress.as_ref().map(|(_, part)| *part);
        let outcome = Outcome::Good { quota: batch.quota, requests: batch.requests, more };
        let next_at = schedule.after(now(), outcome).at;
        told.take(batch);
        // One that pushes is given its time to begin, and has told all when it falls silent.
        let quiet = !more && spoke.is_some_and(|spoke| spoke.elapsed() >= QUIET);
        if finished || if pushes { quiet || begun.elapsed() >= PUSHED_AT_MOST } else { !more } {
            if spoke.is_none() {
                let seconds = PUSHED_AT_MOST.as_secs();
                told.error = Some(given_up(match doing {
                    Some(doing) => format!("not one line in {seconds} s: {doing}"),
                    None => format!("said nothing for {seconds} s"),
                }));
            } else if told.events.is_empty() && told.skipped_total > 0 {
                told.heard_at = None;
                told.error = Some(SourceError::Transient {
                    place: ONE_READ.into(),
                    what: "nothing that it said is an event".into(),
                    until: None,
                    todo: Some("see docs/events.md for the lines that it has to print"),
                });
            }
            return told;
        }
        if pushes && !more {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // There is more: it is asked for when the board would ask for it.
        if !pushes {
            let wait = (next_at - now()).to_std().unwrap_or_default();
            say(&what_is_read(doing.as_deref(), part, wait));
            if begun.elapsed() + wait > AT_MOST {
                let seconds = AT_MOST.as_secs();
                told.error = Some(too_long(format!(
                    "not read to the end: the vendor allows the next request at {next_at}, and one read may take {seconds} s"
                )));
                return told;
            }
            tokio::time::sleep(wait).await;
        }
    }
}

fn too_long(what: String) -> SourceError {
    SourceError::Transient { place: ONE_READ.into(), what, until: None, todo: Some(READS_ON) }
}

/// What a read is at, for who waits for it.
fn what_is_read(doing: Option<&str>, part: Option<f32>, wait: Duration) -> String {
    let mut text = format!("reads {}", doing.unwrap_or("on"));
    if let Some(part) = part {
        // Writing to a string does not fail.
        let _ = write!(text, ", {:.0} %", part * 100.0);
    }
    if wait >= Duration::from_secs(1) {
        let _ = write!(text, ", goes on in {} s", wait.as_secs());
    }
    text
}

fn given_up(what: String) -> SourceError {
    SourceError::passing(ONE_READ, what)
}

impl Told {
    fn take(&mut self, batch: Batch) {
        self.events.extend(batch.events);
        self.skipped.extend(batch.skipped.into_iter().map(|one| format!("{}: {}", one.place, one.reason)));
        self.skipped_total += batch.skipped_total;
        self.requests += u64::from(batch.requests);
    }
}

impl Told {
    fn log(&self, source: &str) {
        for what in &self.skipped {
            tracing::warn!(source, what, "skipped");
        }
        let (events, skipped_total, requests) = (self.events.len(), self.skipped_total, self.requests);
        if let Some(error) = &self.error {
            tracing::warn!(source, %error, events, requests, "read failed");
        } else {
            tracing::info!(source, events, skipped_total, requests, "read");
        }
    }
}

/// Skipped records that are told one by one; the others are only counted.
const SKIPPED_TOLD: usize = 20;

impl Told {
    /// What could not be read, for people: the first few one by one, and how many more there are.
    pub fn complaints(&self) -> Vec<String> {
        let told = self.skipped.len().min(SKIPPED_TOLD);
        let mut lines: Vec<String> = self.skipped[..told].iter().map(|what| format!("{what}: skipped")).collect();
        let more = self.skipped_total.saturating_sub(told as u64);
        lines.extend((more > 0).then(|| format!("and {more} more not shown; skipped {}", self.skipped_total)));
        lines
    }
}

/// Folds what the sources told into an engine; gives the errors.
pub fn fold(engine: &mut Engine, all: Vec<(SourceConfig, Told)>, now: &Now) -> Vec<(String, SourceError)> {
    let mut errors = Vec::new();
    for (config, told) in all {
        let name = config.spec.name.clone();
        let health = SourceHealth {
            name: name.clone(),
            kind: config.kind.name,
            interval: config.interval,
            cannot_tell: config.kind.cannot_tell,
            ..SourceHealth::default()
        };
        let source: SourceIx = engine.add_source(health);
        let events_total = told.events.len() as u64;
        let at = now();
        engine.take(source, told.events, at);
        engine.set_health(source, |health| {
            match &told.error {
                None => health.alive(at, false),
                Some(error) => health.bad(at, error.to_string(), error.hint(Retry::Never)),
            }
            health.good_at = told.heard_at;
            health.tried_at = Some(at);
            health.requests_total = told.requests;
            health.events_total = events_total;
            told.skipped.into_iter().for_each(|what| health.skip(what));
            health.skipped_total = health.skipped_total.max(told.skipped_total);
        });
        errors.extend(told.error.map(|error| (name, error)));
    }
    engine.settle(now());
    errors
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::event::{Capability, EventKind};
    use crate::source::{Cursor, Finding, Quota, Skipped};

    /// Says a line at its third poll, a bad one with it, and nothing else.
    struct Slow {
        polls: u32,
        mute: bool,
        garbled: bool,
    }

    #[async_trait]
    impl Source for Slow {
        fn pace(&self) -> Pace {
            Pace::Push
        }
        fn capabilities(&self) -> Vec<Capability> {
            Vec::new()
        }
        async fn poll(&mut self, _: Option<&Cursor>, _: Timestamp) -> Result<Batch, SourceError> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.polls += 1;
            let progress = self.mute.then(|| ("is printing a line".to_owned(), 0.0));
            let mut batch = Batch { progress, ..Batch::default() };
            if self.polls == 3 && !self.mute {
                batch.events.extend((!self.garbled).then(|| Event::undated(EventKind::Clock {})));
                batch.skipped.push(Skipped { place: "line 2".into(), reason: "bad".into() });
                batch.skipped_total = 40;
            }
            Ok(batch)
        }
        async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
            Ok(Vec::new())
        }
    }

    /// A clock that goes with the runtime's.
    fn clock() -> Now {
        let begun = Instant::now();
        Arc::new(move || Timestamp::from_millis(begun.elapsed().as_millis() as i64))
    }

    /// Reads a source that pushes.
    async fn read_pushed(source: &mut Slow, now: &Now) -> Told {
        let schedule = Schedule::new(Pace::Push, Duration::from_secs(15), 0.5, 1);
        read(source, schedule, now, |_| {}).await
    }

    /// Has so many pages, at a vendor who allows so many requests in each window of so many seconds.
    struct Paged {
        pages: usize,
        limit: u64,
        seconds: i64,
        asked: Vec<i64>,
    }

    #[async_trait]
    impl Source for Paged {
        fn capabilities(&self) -> Vec<Capability> {
            Vec::new()
        }
        async fn poll(&mut self, _: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
            let window = now.millis() / 1000 / self.seconds;
            self.asked.push(window);
            let used = self.asked.iter().filter(|asked| **asked == window).count() as u64;
            let resets_at = Some(Timestamp::from_millis((window + 1) * self.seconds * 1000));
            let remaining = self.limit.saturating_sub(used);
            Ok(Batch {
                events: vec![Event::undated(EventKind::Clock {})],
                quota: Some(Quota { limit: self.limit, remaining, resets_at }),
                requests: 1,
                more: self.asked.len() < self.pages,
                ..Batch::default()
            })
        }
        async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
            Ok(Vec::new())
        }
    }

    async fn read_paged(source: &mut Paged) -> Told {
        read(source, Schedule::new(Pace::Interval, Duration::from_secs(15), 0.5, 1), &clock(), |_| {}).await
    }

    #[tokio::test(start_paused = true)]
    async fn one_read_keeps_to_its_share_of_the_quota() {
        let mut source = Paged { pages: 70, limit: 60, seconds: 60, asked: Vec::new() };
        let told = read_paged(&mut source).await;
        assert_eq!((told.error, told.events.len()), (None, 70));
        for window in 0..=source.asked[69] {
            let used = source.asked.iter().filter(|asked| **asked == window).count();
            assert!(used <= 30, "{used} of our 30 requests in minute {window}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_read_does_not_wait_for_longer_than_it_may_take() {
        let mut source = Paged { pages: 20, limit: 10, seconds: 3600, asked: Vec::new() };
        let told = read_paged(&mut source).await;
        let error = told.error.unwrap();
        assert!(error.to_string().contains("the vendor allows the next request at"), "{error}");
        assert!(error.hint(Retry::Never).contains("the board reads on"));
    }

    #[test]
    fn a_long_read_says_what_it_is_at() {
        assert_eq!(
            what_is_read(Some("tickets"), Some(0.342), Duration::from_secs(12)),
            "reads tickets, 34 %, goes on in 12 s"
        );
        assert_eq!(what_is_read(None, None, Duration::from_millis(999)), "reads on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_beginner_is_waited_for_and_its_silence_is_its_end() {
        let now = clock();
        let told = read_pushed(&mut Slow { polls: 0, mute: false, garbled: false }, &now).await;
        assert_eq!((told.events.len(), told.skipped.len(), told.skipped_total), (1, 1, 40));
        let heard_at = told.heard_at.unwrap().millis();
        assert!((3000..3500).contains(&heard_at), "{heard_at}");
        assert!((5000..7000).contains(&now().millis()), "{}", now().millis());
        assert_eq!(told.error, None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_never_speaks_has_not_told_that_nothing_is_there() {
        let told = read_pushed(&mut Slow { polls: 0, mute: true, garbled: false }, &clock()).await;
        assert_eq!(told.error.unwrap().to_string(), "one read: not one line in 20 s: is printing a line");
    }
    #[tokio::test(start_paused = true)]
    async fn one_that_says_nothing_readable_has_told_nothing_either() {
        let told = read_pushed(&mut Slow { polls: 0, mute: false, garbled: true }, &clock()).await;
        assert_eq!((told.heard_at, told.skipped_total), (None, 40));
        assert_eq!(told.complaints(), ["line 2: bad: skipped", "and 39 more not shown; skipped 40"]);
        assert_eq!(told.error.unwrap().to_string(), "one read: nothing that it said is an event");
    }
}
