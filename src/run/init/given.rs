//! The settings of a source: from flags, and from answers to what no flag gives.

use serde_json::{Map, Value, json};

use super::dialog::Dialog;
use crate::run::cli;
use crate::run::failure::Failure;
use crate::source::{Ask, Kind, Setup};
use crate::text::{harmless, nearest};

/// What the flags say: settings, and variables that hold secrets.
pub(super) fn given(flags: &cli::Init, kind: &Kind, setup: Setup) -> Result<Map<String, Value>, Failure> {
    let mut given = Map::new();
    for word in &flags.set {
        let (key, value) = word.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--set {}: is no key=value\n  such as --set base_url=https://…", harmless(word)))
        })?;
        if kind.secrets.contains(&key) {
            return Err(Failure::usage(format!(
                "--set {key}: a secret on the command line can be seen by others\n  put it into a variable: --secret-env \
                 {key}=NAME"
            )));
        }
        given.insert(key.to_owned(), written(kind, key, value)?);
    }
    for word in &flags.secret_env {
        let (key, variable) = match word.split_once('=') {
            Some(pair) => pair,
            None => (only_secret(kind, setup, &given, word)?, word.as_str()),
        };
        given.insert(key.to_owned(), json!({ "env": variable }));
    }
    Ok(given)
}

/// The first secret that is asked for: the one that a variable without a key is meant for.
fn only_secret(kind: &Kind, setup: Setup, given: &Map<String, Value>, variable: &str) -> Result<&'static str, Failure> {
    let asked = setup.ask.iter().find(|ask| kind.secrets.contains(&ask.key));
    asked.map(|ask| ask.goes_to(|key| given.contains_key(key))).ok_or_else(|| {
        Failure::usage(format!("--secret-env {variable}: which secret is it?\n  --secret-env key={variable}"))
    })
}

/// A value as its setting wants it: text, or what TOML makes of it.
fn written(kind: &Kind, key: &str, value: &str) -> Result<Value, Failure> {
    let schema = (kind.schema)().to_value();
    let settings = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let Some(setting) = settings.get(key) else {
        let meant = nearest(key, settings.keys().map(String::as_str)).map(|meant| format!("did you mean `{meant}`? "));
        let known = settings.keys().filter(|key| !kind.secrets.contains(&key.as_str())).cloned().collect::<Vec<_>>();
        let (meant, known) = (meant.unwrap_or_default(), known.join(", "));
        let name = kind.name;
        return Err(Failure::usage(format!(
            "--set {}: `{name}` has no such setting\n  {meant}the settings are: {known}",
            harmless(key)
        )));
    };
    let takes_text = setting.get("type").is_none_or(|kind| match kind {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.contains(&"string".into()),
        _ => true,
    });
    let read = || {
        let table: toml::Table = format!("value = {value}").parse().ok()?;
        serde_json::to_value(table.get("value")?).ok()
    };
    Ok(if takes_text { value.into() } else { read().unwrap_or_else(|| value.into()) })
}

/// The questions that are still to be answered.
pub(super) fn questions(setup: Setup, given: &Map<String, Value>) -> impl Iterator<Item = &'static Ask> {
    setup
        .ask
        .iter()
        .filter(|ask| !given.contains_key(ask.key) && !ask.or.is_some_and(|other| given.contains_key(other)))
}

/// Why there are no settings.
pub(super) enum Lack {
    /// Nobody can be asked, and this is not given: the first of it with what may stand for it, and a flag for each.
    Missing { key: &'static str, or: Option<&'static str>, flags: Vec<String> },
    /// Asking failed.
    Other(Failure),
}

impl From<Failure> for Lack {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl Lack {
    /// Says what to type instead, word for word.
    pub(super) fn in_words(self, typed: &cli::Init, global: &cli::Global) -> Failure {
        let (key, or, missing) = match self {
            Self::Missing { key, or, flags } => (key, or, flags),
            Self::Other(failure) => return failure,
        };
        let or = or.map_or_else(String::new, |or| format!("; `{or}` may stand for it"));
        let config = global.config.iter().map(|path| ("--config", path.to_string_lossy().into_owned()));
        let vendor = typed.vendor.iter().map(|vendor| ("--vendor", vendor.clone()));
        let set = typed.set.iter().map(|pair| ("--set", pair.clone()));
        let secrets = typed.secret_env.iter().map(|pair| ("--secret-env", pair.clone()));
        let name = typed.name.iter().map(|name| ("--name", name.clone()));
        let flags = config.chain(vendor).chain(set).chain(secrets).chain(name);
        let mut words = vec!["helptop init".to_owned()];
        words.extend(flags.flat_map(|(flag, value)| [flag.to_owned(), in_shell(&value)]));
        words.extend(typed.anyway.then(|| "--anyway".to_owned()));
        words.extend(missing);
        Failure::usage(format!("{key}: is missing{or}\n  such as: {}", words.join(" ")))
    }
}

/// A word as a shell takes it.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", harmless(word).replace('\'', r"'\''"))
    }
}

/// The settings: what is given, and the answers to what is not.
pub(super) fn answers(
    kind: &Kind,
    setup: Setup,
    given: &Map<String, Value>,
    dialog: Option<&Dialog>,
) -> Result<Map<String, Value>, Lack> {
    let mut settings = given.clone();
    let key_of = |ask: &Ask| ask.goes_to(|key| given.contains_key(key));
    let Some(dialog) = dialog else {
        let asks: Vec<&Ask> = questions(setup, given).collect();
        let Some(first) = asks.first() else { return Ok(settings) };
        let flag = |ask: &&Ask| match key_of(ask) {
            key if kind.secrets.contains(&key) => format!("--secret-env {key}=VARIABLE"),
            key => format!("--set {key}={}", in_shell(ask.example)),
        };
        let key = key_of(first);
        let or = first.or.filter(|or| *or != key);
        return Err(Lack::Missing { key, or, flags: asks.iter().map(flag).collect() });
    };
    for ask in questions(setup, given) {
        let key = key_of(ask);
        let question = if key == ask.key { ask.question.to_owned() } else { format!("Value of `{key}`") };
        let answer = if kind.secrets.contains(&key) {
            Value::from(dialog.ask_secret(&question)?)
        } else {
            written(kind, key, &dialog.ask(&question, ask.example, None)?)?
        };
        settings.insert(key.to_owned(), answer);
    }
    Ok(settings)
}
