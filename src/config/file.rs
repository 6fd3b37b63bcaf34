//! The config as it is written.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::length::Length;
use crate::text::Mask;

/// The config file of helptop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// The desks to watch. With none, the board shows a simulated one, marked DEMO.
    pub source: Vec<Source>,
    /// What the board looks like.
    pub board: Board,
    /// How long a customer may wait.
    pub thresholds: Thresholds,
    /// When the team is there; durations of reports are by the clock on the wall where nothing is said.
    pub hours: Hours,
    /// What support costs.
    pub costs: Costs,
    /// Figures that no help desk knows, shown beside the costs.
    pub business: Business,
    /// What of customers is shown.
    pub privacy: Privacy,
    /// Where the history is kept.
    pub store: Store,
    /// Other keys for an action, by its name (`helptop print keys` lists them): `quit = ["q", "ctrl-q"]`.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What is written down for finding faults.
    pub log: Log,
}

/// One desk: the keys that every kind has; the others belong to its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Its name on the board; qualifies ids. Letters, digits, `_` and `-`; the kind where left out.
    #[serde(default)]
    pub name: Option<String>,
    /// What it is.
    pub kind: String,
    /// The quickest that it is asked; the poller slows down by itself to keep `quota_share`.
    #[serde(default = "default_interval")]
    pub interval: Length,
    /// How much of the vendor's request limit may be used, above 0 and up to 1.
    #[serde(default = "default_quota_share")]
    pub quota_share: f64,
    /// How much history is read at the start. The figures of today need a day.
    #[serde(default = "default_backfill")]
    pub backfill: Length,
    /// The keys of its kind.
    #[serde(flatten)]
    pub settings: Settings,
}

/// The keys of a source's kind; shown by name only, for their values may be secrets.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Settings(pub Map<String, Value>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What the board looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// Stands in the first line, such as the name of the company.
    pub title: String,
    /// The theme by name; `helptop print themes` lists them.
    pub theme: String,
    /// Whether the board listens to the mouse; if not, it stays with the terminal.
    pub mouse: bool,
    /// How the time of day is written.
    pub clock: Clock,
}

/// How the time of day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Clock {
    /// 14:32:07
    #[default]
    #[serde(rename = "24h")]
    TwentyFour,
    /// 2:32:07 pm
    #[serde(rename = "12h")]
    Twelve,
}

/// How long a customer may wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// From here on a wait is at risk.
    pub warn: Length,
    /// From here on it has breached.
    pub limit: Length,
    /// Others for a team, by its name or id; they go before those of the channel.
    pub team: BTreeMap<String, Threshold>,
    /// Others for a channel, by its word, such as `email`.
    pub channel: BTreeMap<String, Threshold>,
}

/// Thresholds of a team or channel; what is left out is as for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Threshold {
    /// From here on a wait is at risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<Length>,
    /// From here on it has breached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Length>,
}

/// When the team is there. Opening hours are written `"09:00-17:30"`, several a day if need be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hours {
    /// Whose clock counts, such as `Europe/Berlin`; the machine's when empty.
    pub zone: String,
    /// Opening hours of Mondays; closed when empty.
    pub monday: Vec<String>,
    /// Of Tuesdays.
    pub tuesday: Vec<String>,
    /// Of Wednesdays.
    pub wednesday: Vec<String>,
    /// Of Thursdays.
    pub thursday: Vec<String>,
    /// Of Fridays.
    pub friday: Vec<String>,
    /// Of Saturdays.
    pub saturday: Vec<String>,
    /// Of Sundays.
    pub sunday: Vec<String>,
    /// Days on which nobody is there, as `2026-12-25`.
    pub holidays: Vec<String>,
    /// Other hours for a team, by its name or id: its whole week.
    pub team: BTreeMap<String, TeamHours>,
}

/// When a team is there; a zone or holidays that are left out are those of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TeamHours {
    /// Whose clock counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Opening hours of Mondays; closed when empty.
    pub monday: Vec<String>,
    /// Of Tuesdays.
    pub tuesday: Vec<String>,
    /// Of Wednesdays.
    pub wednesday: Vec<String>,
    /// Of Thursdays.
    pub thursday: Vec<String>,
    /// Of Fridays.
    pub friday: Vec<String>,
    /// Of Saturdays.
    pub saturday: Vec<String>,
    /// Of Sundays.
    pub sunday: Vec<String>,
    /// Days on which nobody is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Vec<String>>,
}

/// What support costs, in the currency of your choice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// An hour online of an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<f64>,
    /// What a calendar month costs besides: rent, software.
    pub fixed_per_month: f64,
    /// An hour online of an agent by name or id, where it is another.
    pub agent: BTreeMap<String, f64>,
}

/// Figures that no help desk knows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Business {
    /// What all customers bring in, costs of the goods taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gross_margin: Option<f64>,
    /// How many customers there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<u64>,
    /// Days of training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_days: Option<f64>,
}

/// What of customers is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// How much of customers' names is shown on the board and in tables; JSON keeps their ids.
    pub mask: Mask,
}

/// Where the history is kept: every event of every source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The file, from the config file's directory on; `helptop/history.db` in `$XDG_DATA_HOME` when empty.
    pub path: String,
    /// Conversations are let go when nothing was heard of them for so long; never while they are open.
    pub keep: Length,
    /// Above so many megabytes the oldest ended conversations are let go, too.
    pub max_megabytes: u32,
    /// Whether the words of messages are kept; if not, only who wrote when.
    pub text: bool,
}

/// What is written down for finding faults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The file it goes to, from the config file's directory on; nothing is written when empty.
    pub file: String,
    /// How much is written.
    pub level: Level,
}

/// How much is written to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What looks wrong.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

impl Default for Board {
    fn default() -> Self {
        Self { title: String::new(), theme: "dark".to_owned(), mouse: true, clock: Clock::default() }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        let minutes = |minutes| Length(Duration::from_mins(minutes));
        Self { warn: minutes(5), limit: minutes(15), team: BTreeMap::new(), channel: BTreeMap::new() }
    }
}

impl Default for Store {
    fn default() -> Self {
        let keep = Length(Duration::from_hours(24 * 400));
        Self { path: String::new(), keep, max_megabytes: 4_000, text: false }
    }
}

fn default_interval() -> Length {
    Length(Duration::from_secs(15))
}

fn default_quota_share() -> f64 {
    0.5
}

fn default_backfill() -> Length {
    Length(Duration::from_hours(24))
}
