//! The config as it is meant: checked, secrets fetched, paths made whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::file::{self, Clock, File, Level};
use super::keys::Unknown;
use super::layers::Places;
use super::problem::{ConfigError, Problem};
use super::schema;
use super::secret::{Exposed, Keyring};
use super::terms;
use crate::length::Length;
use crate::metrics::history::Terms;
use crate::metrics::thresholds::{Threshold, Thresholds};
use crate::source::http::{HEADERS, header_secret, is_secret};
use crate::source::{Kind, Source, Spec};
use crate::text::{Mask, nearest};

/// What is kept at least.
const SHORTEST_MEMORY: Duration = Duration::from_hours(24);

const COMMON_KEYS: [&str; 5] = ["name", "kind", "interval", "quota_share", "backfill"];

/// Everything the program was told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it comes from, where there is one.
    pub path: Option<PathBuf>,
    /// The desks to watch; with none, the demo is shown.
    pub sources: Vec<SourceConfig>,
    /// What the board looks like.
    pub board: Board,
    /// When a wait is at risk and when it has breached.
    pub thresholds: Thresholds,
    /// Business hours and costs, for reports.
    pub terms: Terms,
    /// How much of customers' names is shown.
    pub mask: Mask,
    /// The keys that the user chose, by action; the keymap checks them.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Where the history is kept.
    pub store: Store,
    /// Where the log goes.
    pub log: Log,
    /// Where each key was set.
    pub places: Places,
}

/// One desk to watch.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// What it is.
    pub kind: &'static Kind,
    /// What it is built from, secrets fetched.
    pub spec: Spec,
    /// The quickest that it is asked.
    pub interval: Duration,
    /// How much of the vendor's limit may be used.
    pub quota_share: f64,
    /// Where it stands, for errors: `file:line`.
    pub place: String,
    /// Its key in the config, such as `source[0]`.
    pub key: String,
}

impl Config {
    /// Makes a source; what its kind refuses is located by the key it names.
    pub fn build(&self, source: &SourceConfig) -> Result<Box<dyn Source>, Problem> {
        (source.kind.build)(&source.spec).map_err(|what| {
            let named = what.split(|c: char| !(c.is_alphanumeric() || c == '_')).find(|word| !word.is_empty());
            let place =
                named.map_or_else(|| source.place.clone(), |key| self.places.of(&format!("{}.{key}", source.key)));
            let what = format!("source `{}`: {}", source.spec.name, without_secrets(what, source));
            Problem::new(place, what, "`helptop print config` shows every key and how it is written")
        })
    }
}

/// What a kind says of its settings, should it repeat a secret.
fn without_secrets(what: String, source: &SourceConfig) -> String {
    let secrets = source.kind.secrets.iter().filter_map(|&key| source.spec.settings.get(key)?.as_str());
    secrets.filter(|secret| !secret.is_empty()).fold(what, |what, secret| what.replace(secret, "…"))
}

/// What the board looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Stands in the first line; may be empty.
    pub title: String,
    /// The theme by name, still to be looked up.
    pub theme: String,
    /// Whether it listens to the mouse.
    pub mouse: bool,
    /// How the time of day is written.
    pub clock: Clock,
}

/// Where the history is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The file; `None` where the machine has no place for one.
    pub path: Option<PathBuf>,
    /// Conversations are let go when nothing was heard of them for so long.
    pub keep: Duration,
    /// Above so many bytes the oldest are let go, too.
    pub most_bytes: u64,
    /// Whether the words of messages are kept.
    pub text: bool,
}

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// To this file; nowhere when `None`.
    pub file: Option<PathBuf>,
    /// How much.
    pub level: Level,
}

/// Checks what is written and fetches the secrets; every problem is found in one pass.
pub(super) fn resolve(
    file: File,
    path: Option<PathBuf>,
    places: Places,
    keyring: &Keyring<'_>,
    kinds: &'static [Kind],
    system_zone: Tz,
    default_store: Option<PathBuf>,
) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let terms = terms::resolve(&file, &places, system_zone, &mut problems);
    let mut sources = Vec::new();
    for (index, source) in file.source.into_iter().enumerate() {
        let checker = SourceChecker { key: format!("source[{index}]"), places: &places, keyring, kinds };
        match checker.resolve(source) {
            Ok(source) => sources.push(source),
            Err(mut found) => problems.append(&mut found),
        }
    }
    check_names(&sources, &mut problems);
    let thresholds = thresholds(&file.thresholds, &places, &mut problems);
    if file.store.keep.0 < SHORTEST_MEMORY {
        let what = format!("keep is {}, must be at least 1d", file.store.keep);
        problems.push(Problem::new(places.of("store.keep"), what, "the figures of today need a day"));
    }
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let file::Board { title, theme, mouse, clock } = file.board;
    let base = |key| path_base(&places, key, keyring.base);
    let log_file = (!file.log.file.is_empty()).then(|| base("log.file").join(&file.log.file));
    let store_file = (!file.store.path.is_empty()).then(|| base("store.path").join(&file.store.path));
    let store = Store {
        path: store_file.or(default_store),
        keep: file.store.keep.0,
        most_bytes: u64::from(file.store.max_megabytes) * 1_000_000,
        text: file.store.text,
    };
    Ok(Config {
        path,
        sources,
        board: Board { title, theme, mouse, clock },
        thresholds,
        terms,
        mask: file.privacy.mask,
        keys: file.keys,
        store,
        log: Log { file: log_file, level: file.log.level },
        places,
    })
}

/// A path given by flag or variable starts where the user is, one in the file where the file is.
fn path_base<'a>(places: &Places, key: &str, base: &'a Path) -> &'a Path {
    if places.is_from_file(key) { base } else { Path::new("") }
}

fn check_names(sources: &[SourceConfig], problems: &mut Vec<Problem>) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for source in sources {
        let name = source.spec.name.as_str();
        if let Some(first) = seen.insert(name, &source.place) {
            problems.push(Problem::new(
                &source.place,
                format!("a second source is named `{name}`; the first is at {first}"),
                "give each source its own name: name = \"…\"",
            ));
        }
    }
}

fn thresholds(written: &file::Thresholds, places: &Places, problems: &mut Vec<Problem>) -> Thresholds {
    let general = (written.warn, written.limit);
    let mut checked = |key: &str, warn: Length, limit: Length| {
        if warn > limit {
            problems.push(Problem::new(
                places.of_last(&[format!("{key}.warn"), format!("{key}.limit")]),
                format!("`{key}`: warn ({warn}) is longer than limit ({limit})"),
                "a warning comes before the limit: make warn shorter, or limit longer",
            ));
        }
        let delta = |length: Length| TimeDelta::from_std(length.0).unwrap_or(TimeDelta::MAX);
        Threshold { warn: delta(warn), limit: delta(limit) }
    };
    let mut table = |key: &str, table: &BTreeMap<String, file::Threshold>| {
        let rows = table.iter().map(|(name, row)| {
            let (warn, limit) = (row.warn.unwrap_or(general.0), row.limit.unwrap_or(general.1));
            (name.clone(), checked(&format!("thresholds.{key}.{name}"), warn, limit))
        });
        rows.collect()
    };
    let (by_team, by_channel) = (table("team", &written.team), table("channel", &written.channel));
    Thresholds { general: checked("thresholds", general.0, general.1), by_channel, by_team }
}

/// The keys, from this one on, of texts that are secrets by their names.
fn secrets_inside(key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let key = format!("{key}.{name}");
                match value {
                    Value::String(text) if is_secret(name) && !text.is_empty() => found.push(key),
                    _ => secrets_inside(&key, value, found),
                }
            }
        }
        Value::Array(items) => {
            let are_headers = key.rsplit('.').next() == Some(HEADERS);
            for (number, item) in items.iter().enumerate() {
                let item_key = format!("{key}[{number}]");
                match item {
                    Value::String(line) if are_headers && header_secret(line).is_some() => found.push(item_key),
                    _ => secrets_inside(&item_key, item, found),
                }
            }
        }
        _ => {}
    }
}

struct SourceChecker<'a> {
    key: String,
    places: &'a Places,
    keyring: &'a Keyring<'a>,
    kinds: &'static [Kind],
}

impl SourceChecker<'_> {
    fn problem(&self, key: &str, what: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem::new(self.places.of(&format!("{}.{key}", self.key)), what, hint)
    }

    fn resolve(&self, source: file::Source) -> Result<SourceConfig, Vec<Problem>> {
        let mut problems = Vec::new();
        let kind = self.kind(&source.kind).map_err(|problem| vec![problem])?;
        let name = source.name.unwrap_or_else(|| source.kind.clone());
        problems.extend(self.check_name(&name));
        problems.extend(self.check_pace(source.interval, source.quota_share));
        let mut settings = source.settings.0;
        problems.extend(self.unknown_keys(kind, settings.keys()));
        for &key in kind.secrets {
            let Some(written) = settings.get_mut(key) else { continue };
            match self.keyring.fetch(written) {
                Ok(secret) => *written = Value::String(secret),
                Err(error) => {
                    let what = format!("`{key}` of `{name}`: {}", error.what);
                    problems.push(self.problem(key, what, error.hint));
                }
            }
        }
        problems.extend(self.readable_secrets(&name, kind, &settings));
        if !problems.is_empty() {
            return Err(problems);
        }
        let base = self.keyring.base.to_owned();
        let spec = Spec { name, backfill: source.backfill.0, settings: Value::Object(settings), base };
        let place = self.places.of(&self.key);
        let (interval, key) = (source.interval.0, self.key.clone());
        Ok(SourceConfig { kind, spec, interval, quota_share: source.quota_share, place, key })
    }

    /// What is a secret by its name, inside of a setting that can be fetched from nowhere else, in a file that others can
    /// read.
    fn readable_secrets(&self, name: &str, kind: &Kind, settings: &Map<String, Value>) -> Vec<Problem> {
        let Some(Exposed { path, mode }) = &self.keyring.exposed else { return Vec::new() };
        let mut found = Vec::new();
        for (key, value) in settings.iter().filter(|(key, _)| !kind.secrets.contains(&key.as_str())) {
            secrets_inside(key, value, &mut found);
        }
        let problem = |key: &String| {
            let what = format!("`{key}` of `{name}`: written out in a file that others can read (mode {mode:04o})");
            self.problem(key, what, format!("run: chmod 600 {}", path.display()))
        };
        found.iter().map(problem).collect()
    }

    fn kind(&self, name: &str) -> Result<&'static Kind, Problem> {
        self.kinds.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
            let meant = nearest(name, names.iter().copied()).map(|meant| format!("did you mean `{meant}`? "));
            let hint = format!("{}the kinds are: {}", meant.unwrap_or_default(), names.join(", "));
            self.problem("kind", format!("there is no kind of source `{name}`"), hint)
        })
    }

    fn check_name(&self, name: &str) -> Option<Problem> {
        let good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        (!good).then(|| {
            let hint = "use letters, digits, `_` and `-`, at least one of them: name = \"desk\"";
            self.problem("name", format!("`{}` is no name for a source", name.escape_debug()), hint)
        })
    }

    fn check_pace(&self, interval: Length, quota_share: f64) -> Vec<Problem> {
        let mut problems = Vec::new();
        if interval.0 < Duration::from_secs(1) {
            let what = format!("`interval` is too short: {interval}");
            problems.push(self.problem(
                "interval",
                what,
                "no source is asked more than once a second; the default is 15s",
            ));
        }
        if !(quota_share > 0.0 && quota_share <= 1.0) {
            let what = format!("`quota_share` is {quota_share}");
            problems.push(self.problem(
                "quota_share",
                what,
                "it is above 0 and at most 1; the default is 0.5, half the limit",
            ));
        }
        problems
    }

    fn unknown_keys<'k>(&self, kind: &Kind, keys: impl Iterator<Item = &'k String>) -> Vec<Problem> {
        let of_kind: HashSet<String> = schema::of_kind(kind).into_iter().map(|(key, _)| key).collect();
        let strange = keys.filter(|key| !of_kind.contains(*key));
        let describe = |key: &String| {
            let mut known: Vec<String> = COMMON_KEYS.map(str::to_owned).into_iter().chain(of_kind.clone()).collect();
            known.sort();
            let unknown = Unknown { path: key.clone(), key: key.clone(), known };
            self.problem(key, format!("a source of kind `{}` has no key `{key}`", kind.name), unknown.hint())
        };
        strange.map(describe).collect()
    }
}
