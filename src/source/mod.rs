//! Where events come from: one trait, one folder or file a source, one row each in [`REGISTRY`].
//!
//! A source turns a vendor's answers, a file or a program's output into events. It knows no store, no desk, no
//! screen and no clock: the poller hands it `now`. Nothing outside this module names a vendor.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::event::{Capability, ConversationId, Event, Timestamp};

mod apart;
mod backfill;
pub mod callbell;
pub mod chatwoot;
pub mod command;
pub mod custom;
pub mod demo;
pub mod differ;
mod enough;
pub mod error;
mod finding;
#[cfg(test)]
mod fuzz;
pub mod gorgias;
pub mod http;
mod intake;
pub mod intercom;
mod left;
mod lenient;
mod pauses;
mod progress;
mod quiet;
pub mod replay;
mod roster;
pub mod rt;
mod running;
mod setup;
mod sides;
mod sight;
mod skips;
pub mod steps;
mod wanted;
pub mod zammad;
pub mod zendesk;

pub use apart::is_apart;
pub use error::{Retry, SourceError};
pub use finding::Finding;
pub use setup::{Ask, Setup};

/// How far a source has read; opaque to everybody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub serde_json::Value);

impl Cursor {
    /// What a source remembers, as its cursor; nothing where it can't be written.
    pub(in crate::source) fn of(mark: &impl Serialize) -> Option<Self> {
        serde_json::to_value(mark).ok().map(Self)
    }

    /// What a cursor says; nothing where it is of another shape, that of another kind of source or of another version.
    pub(in crate::source) fn read<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }
}

/// What a vendor's headers say of the requests that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests a window.
    pub limit: u64,
    /// Requests left in this window.
    pub remaining: u64,
    /// When the window begins anew.
    pub resets_at: Option<Timestamp>,
}

/// A record or line that could not be read, and was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where: an endpoint and path, or a file and line.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What one poll brought.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent remarks on an answer, no state machine")]
pub struct Batch {
    /// In the order they are to be folded. The first batch of a source begins with its `hello`.
    pub events: Vec<Event>,
    /// Where the next poll goes on; unchanged when `None`.
    pub cursor: Option<Cursor>,
    /// What the vendor says is left.
    pub quota: Option<Quota>,
    /// The first few records that could not be read.
    pub skipped: Vec<Skipped>,
    /// How many could not be read in all.
    pub skipped_total: u64,
    /// Requests that this poll cost.
    pub requests: u32,
    /// All that it tells is past: whole conversations that have ended, each with its customer, and what was before them.
    /// It is for those who keep the past; a live board may pass it by.
    pub history: bool,
    /// There is more to fetch at once: the poller comes back as soon as the quota allows.
    pub more: bool,
    /// What is going on now is not told to its end yet: the first figures wait for that. A backfill of history is
    /// not meant.
    pub partial: bool,
    /// As of when it tells what is going on, where its reading took several polls: by this machine's clock, when the
    /// first of them began.
    pub as_of: Option<Timestamp>,
    /// Progress of a first read or a backfill, in words and from 0 to 1.
    pub progress: Option<(String, f32)>,
    /// A push source has come to its end (a file was read to its last line).
    pub finished: bool,
}

/// When the poller calls a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At its interval: each poll asks somebody.
    Interval,
    /// At once after each return: the poll itself waits for something to happen, at most a second.
    Push,
}

/// Somewhere that events come from.
#[async_trait]
pub trait Source: Send {
    /// How it wants to be called.
    fn pace(&self) -> Pace {
        Pace::Interval
    }

    /// What it can tell, as far as it knows before it was polled.
    fn capabilities(&self) -> Vec<Capability>;

    /// Hears, before the first poll, which conversations are active by what it told in earlier runs. What has become of
    /// one while nobody watched is its to tell, also where the vendor knows it no more.
    fn remember(&mut self, _active: &[ConversationId]) {}

    /// Fetches what is new since `cursor`, which may be that of an earlier run: what was told behind it need not be told
    /// again, but may be, and one that the source does not understand is none. Cancel-safe: a poll that is dropped loses nothing but its requests.
    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError>;

    /// Finds out what can be read, for `doctor`; costs few requests.
    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError>;

    /// The last lines the source said aside (a child's stderr), newest last.
    fn aside(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a source is built from: what the config says of it, secrets already fetched.
#[derive(Clone)]
pub struct Spec {
    /// Its name on the board.
    pub name: String,
    /// Days of history to ask for at the start, in seconds.
    pub backfill: std::time::Duration,
    /// The settings of its kind, as JSON; unknown keys were refused before.
    pub settings: serde_json::Value,
    /// The directory that relative paths start from: the config file's.
    pub base: std::path::PathBuf,
}

/// Settings by name only, for their values may be secrets.
impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<&String> = self.settings.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        f.debug_struct("Spec")
            .field("name", &self.name)
            .field("backfill", &self.backfill)
            .field("settings", &keys)
            .finish_non_exhaustive()
    }
}

/// Builds a source; the error is a sentence that names the key at fault.
pub type Build = fn(&Spec) -> Result<Box<dyn Source>, String>;

/// A kind of source.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in the config, a stable public name.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    /// What it can tell.
    pub capabilities: &'static [Capability],
    /// What it can't tell, and why, in words.
    pub cannot_tell: &'static [(&'static str, &'static str)],
    /// Keys whose values are secrets.
    pub secrets: &'static [&'static str],
    /// How a person sets one up; `None` where `helptop init` has nothing to ask.
    pub setup: Option<Setup>,
    /// The JSON schema of its settings; the config takes key names and help from it.
    pub schema: fn() -> schemars::Schema,
    /// Makes one.
    pub build: Build,
}

/// Kinds that find what is going on now by asking what changed in the span of `backfill`.
const LIVE_BY_BACKFILL: [&str; 1] = [custom::KIND.name];

/// Kinds whose programs may tell only what has changed.
const TELL_CHANGES: [&str; 2] = [custom::KIND.name, command::KIND.name];

impl Kind {
    /// Whether a source of it tells at each start who is there, of everybody whom it knows.
    pub fn tells_everybody_at_a_start(&self) -> bool {
        !TELL_CHANGES.contains(&self.name)
    }

    /// Whether `backfill` is only about history: without it, what is going on now is told all the same.
    pub fn tells_now_without_backfill(&self) -> bool {
        !LIVE_BY_BACKFILL.contains(&self.name)
    }
}

/// What a stream can tell at most.
const ALL_CAPABILITIES: [Capability; 9] = [
    Capability::Presence,
    Capability::Messages,
    Capability::Assignments,
    Capability::Statuses,
    Capability::Routing,
    Capability::Ratings,
    Capability::Sla,
    Capability::Conversions,
    Capability::Macros,
];

/// Every kind of source there is.
pub const REGISTRY: &[Kind] = &[
    rt::KIND,
    chatwoot::KIND,
    callbell::KIND,
    zammad::KIND,
    zendesk::KIND,
    gorgias::KIND,
    intercom::KIND,
    custom::KIND,
    command::KIND,
    replay::KIND,
    demo::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    REGISTRY.iter().find(|kind| kind.name == name)
}

/// The settings of a kind, from what the config says; the error names the key.
fn settings<T: serde::de::DeserializeOwned>(spec: &Spec) -> Result<T, String> {
    let given = if spec.settings.is_null() { serde_json::json!({}) } else { spec.settings.clone() };
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        match path.as_str() {
            "." => error.into_inner().to_string(),
            _ => format!("{path}: {}", error.into_inner()),
        }
    })
}
