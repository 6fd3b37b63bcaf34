//! A child program that prints the event stream: how a help desk that helptop does not know is connected.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::child::{Aside, Numbered, Running};
use super::intake::Intake;
use super::{Batch, Cursor, Finding, Kind, Pace, Source, SourceError, Spec};
use crate::event::{Capability, Reject, Timestamp};
use crate::length::Length;
use crate::text::{counted, excerpt};

mod child;
mod cutter;

/// The row of the registry.
pub const KIND: Kind = Kind {
    name: "command",
    title: "a program of yours that prints the event stream",
    capabilities: &super::ALL_CAPABILITIES,
    cannot_tell: &[],
    secrets: &[],
    setup: None,
    schema: || schemars::schema_for!(Settings),
    build: |spec| Feed::from_spec(spec).map(|feed| Box::new(feed) as Box<dyn Source>),
};

/// Settings of a `command` source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The program and its arguments. A program with a slash in its name is looked for beside the config file,
    /// any other on the PATH. Give it secrets in its environment, never as arguments: everybody can read those.
    pub command: Vec<String>,
    /// How long without a line until the program counts as hanging and its figures as old; one that has nothing to
    /// tell prints a `clock` line now and then. "0s" trusts it for ever.
    pub silence: Length,
}

impl Default for Settings {
    fn default() -> Self {
        Self { command: Vec::new(), silence: Length(Duration::from_mins(10)) }
    }
}

/// The most events one poll hands over, but for the rest of a chunk.
const AT_MOST: usize = 10_000;
/// How long a poll waits for a line.
const WAIT: Duration = Duration::from_secs(1);
/// Lines of standard error that go into the message when the child has ended.
const LAST_WORDS: usize = 3;
/// A program is ended that prints so many lines in a row that can't be read: reading on would cost a core for ever.
const MOST_GARBAGE: u64 = 10_000;
/// What to do about a program that ends.
const BY_HAND: &str = "run the command by hand, in the folder of the config, and see why";
/// How often `doctor` waits for the first line.
const CHECK_POLLS: u64 = 5;

/// A source that listens to a child program, and starts it again when it ends.
#[derive(Debug)]
pub struct Feed {
    settings: Settings,
    base: PathBuf,
    running: Option<Running>,
    aside: Aside,
    intake: Intake,
    /// When the child last printed a line, or was started.
    heard_at: Option<Timestamp>,
    /// It has printed a line since it was started.
    spoke: bool,
    /// Lines that could not be read since the last event.
    garbage: u64,
    /// Why it was ended, to be told with the next poll.
    refused: Option<SourceError>,
}

impl Feed {
    /// Listens to that program; paths start from `base`.
    pub fn new(settings: Settings, base: impl Into<PathBuf>) -> Result<Self, String> {
        match settings.command.first() {
            None => return Err("command is missing: name a program and its arguments".to_owned()),
            Some(program) if program.is_empty() => return Err("command[0] is empty: name a program".to_owned()),
            Some(_) => {}
        }
        let (aside, intake) = (Aside::default(), Intake::default());
        Ok(Self {
            settings,
            base: base.into(),
            running: None,
            aside,
            intake,
            heard_at: None,
            spoke: false,
            garbage: 0,
            refused: None,
        })
    }

    fn from_spec(spec: &Spec) -> Result<Self, String> {
        Self::new(super::settings(spec)?, &spec.base)
    }

    fn place(&self) -> String {
        format!("command {}", child::shown(&self.settings.command))
    }

    fn start(&mut self, now: Timestamp) -> Result<Running, SourceError> {
        let [program, args @ ..] = &self.settings.command[..] else {
            return Err(self.transient("is empty", None, BY_HAND));
        };
        let program = child::locate(program, &self.base);
        let running = Running::start(&program, args, &self.base, &self.aside).map_err(|error| {
            let todo = match error.kind() {
                ErrorKind::PermissionDenied => {
                    format!("; is it a program? `chmod +x {}` makes it one", program.display())
                }
                _ => String::new(),
            };
            let what = format!("{} can't be started: {error}{todo}", program.display());
            SourceError::Unsupported { place: self.place(), what }
        })?;
        (self.heard_at, self.spoke, self.garbage) = (Some(now), false, 0);
        Ok(running)
    }

    fn transient(&self, what: impl Into<String>, until: Option<Timestamp>, todo: &'static str) -> SourceError {
        SourceError::Transient { place: self.place(), what: what.into(), until, todo: Some(todo) }
    }

    /// Takes lines in, up to the one that is one bad line too many.
    fn take(&mut self, lines: Vec<Numbered>, batch: &mut Batch) {
        for (number, event) in lines {
            // A type of a later version is no garbage: the format promises that it is passed over.
            let garbage = event.as_ref().err().filter(|reject| !matches!(reject, Reject::UnknownType(_)));
            let last =
                garbage.filter(|_| self.garbage + 1 >= MOST_GARBAGE).map(|reject| excerpt(&reject.to_string(), 200));
            self.garbage += u64::from(garbage.is_some());
            let place = || format!("{} line {number}", child::shown(&self.settings.command));
            if let Some(event) = self.intake.sort(event, batch, place) {
                self.garbage = 0;
                batch.events.push(event);
            }
            if let Some(last) = last {
                let what = format!(
                    "printed {} lines in a row that can't be read, and was ended; the last, line {number}: {last}",
                    self.garbage
                );
                self.refused =
                    Some(self.transient(what, None, "see docs/events.md for the lines that it has to print"));
                self.running = None;
                return;
            }
        }
    }

    /// The child closed its output: how it ended, and what it said last.
    async fn ended(&mut self) -> SourceError {
        let status = match self.running.take() {
            Some(running) => running.end().await,
            None => None,
        };
        let how = status.map_or_else(|| "closed its output".to_owned(), how);
        let said = self.aside();
        let this_run = said.iter().rposition(|line| line == child::AGAIN).map_or(0, |at| at + 1);
        let last_words = &said[this_run.max(said.len().saturating_sub(LAST_WORDS))..];
        let last_words = match last_words {
            [] => String::new(),
            lines => format!("; it last said: {}", lines.join(" / ")),
        };
        self.transient(format!("{how}{last_words}"), None, BY_HAND)
    }

    fn endless(&self) -> Option<String> {
        self.running.as_ref().and_then(Running::endless)
    }

    /// Whether the silence of a living child is a fault by now.
    fn silent(&self, now: Timestamp) -> Option<SourceError> {
        let Length(allowed) = self.settings.silence;
        let heard_at = self.heard_at?;
        let silent_for = (now - heard_at).to_std().unwrap_or_default();
        (!allowed.is_zero() && silent_for >= allowed).then(|| {
            let seconds = silent_for.as_secs();
            let what = match self.endless() {
                Some(endless) => format!("has ended no line for {seconds} s (setting `silence`): it {endless}"),
                None => format!(
                    "printed nothing for {seconds} s, not even a `clock` line (setting `silence`); it is still running"
                ),
            };
            // It is not asked less often for it: the next line counts at once.
            self.transient(what, Some(now + TimeDelta::seconds(1)), "does it hang? run the command by hand and see")
        })
    }
}

/// How a program ended, in words.
fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was killed by signal {signal}");
    }
    match status.code() {
        Some(0) => "ended (exit code 0); a feed has to go on printing".to_owned(),
        Some(code) => format!("ended with exit code {code}"),
        None => "ended".to_owned(),
    }
}

#[async_trait]
impl Source for Feed {
    fn pace(&self) -> Pace {
        Pace::Push
    }

    fn capabilities(&self) -> Vec<Capability> {
        self.intake.capabilities()
    }

    async fn poll(&mut self, _: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if let Some(error) = self.refused.take() {
            return Err(error);
        }
        let running = match self.running.take() {
            Some(running) => running,
            None => self.start(now)?,
        };
        let running = self.running.insert(running);
        // The only wait before lines are taken: a poll that is dropped here loses none.
        let Ok(first) = tokio::time::timeout(WAIT, running.lines.recv()).await else {
            running.try_wait();
            if let Some(error) = self.silent(now) {
                return Err(error);
            }
            let starting = || (!self.spoke).then(|| "started, has printed nothing yet".to_owned());
            let progress = self.endless().or_else(starting).map(|what| (what, 0.0));
            return Ok(Batch { progress, ..Batch::default() });
        };
        let Some(mut lines) = first else { return Err(self.ended().await) };
        (self.heard_at, self.spoke) = (Some(now), true);
        let mut batch = Batch::default();
        loop {
            self.take(lines, &mut batch);
            if self.refused.is_some() {
                return Ok(batch);
            }
            if batch.events.len() as u64 + batch.skipped_total >= AT_MOST as u64 {
                batch.more = true;
                return Ok(batch);
            }
            match self.running.as_mut().and_then(|running| running.lines.try_recv().ok()) {
                Some(next) => lines = next,
                None => return Ok(batch),
            }
        }
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let place = self.place();
        for _ in 0..CHECK_POLLS {
            let batch = self.poll(None, now).await?;
            if batch.events.is_empty() && batch.skipped_total == 0 {
                continue;
            }
            let events = counted(batch.events.len() as u64, "event");
            let says = format!("{place} runs; its first lines hold {events}");
            let newest = batch.events.iter().filter_map(|event| event.at).max();
            let mut findings = vec![Finding::good("reachable", says)];
            findings.extend(newest.filter(|newest| *newest > now).map(|newest| Finding::clock(newest, now)));
            findings.push(Finding::age(newest, now));
            let hint = "see docs/events.md for what a line has to hold";
            findings.extend(Finding::skipped(batch.skipped, batch.skipped_total, hint));
            return Ok(findings);
        }
        let seconds = CHECK_POLLS * WAIT.as_secs();
        if let Some(endless) = self.endless() {
            let says = format!("{place} runs, but ended no line in {seconds} s: it {endless}");
            let hint = "each event is a line of its own: does it print line breaks?";
            return Ok(vec![Finding::bad("reachable", says, hint)]);
        }
        let says = format!("{place} runs, but printed nothing in {seconds} s");
        let hint = Some("a feed begins with a `hello` line; is its output flushed after each line?".to_owned());
        Ok(vec![Finding { hint, ..Finding::fact("reachable", says) }])
    }

    fn aside(&self) -> Vec<String> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
