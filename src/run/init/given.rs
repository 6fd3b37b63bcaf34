//! The settings of a source: from flags, and from answers to what no flag gives.

use serde_json::{Map, Value, json};

use super::dialog::Dialog;
use crate::config::{self, schema};
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

/// A value as its setting wants it: text, a list of the parts between commas, or what TOML makes of it.
fn written(kind: &Kind, key: &str, value: &str) -> Result<Value, Failure> {
    let settings = settings(kind);
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
    let takes = |wanted: &str| match setting.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.contains(&wanted.into()),
        _ => wanted == "string",
    };
    if takes("string") {
        return Ok(value.into());
    }
    let read: Option<toml::Table> = format!("value = {value}").parse().ok();
    let read = read.and_then(|table| serde_json::to_value(table.get("value")?).ok());
    Ok(match read {
        Some(list @ Value::Array(_)) => list,
        _ if takes("array") => config::parts(value),
        read => read.unwrap_or_else(|| value.into()),
    })
}

/// The settings that there are, each with its schema: those of the kind, and those of every source that no flag of their
/// own stands for.
fn settings(kind: &Kind) -> Map<String, Value> {
    let common = schema::of_sources().into_iter().filter(|(key, _)| !["name", "kind"].contains(&key.as_str()));
    common.chain(schema::of_kind(kind)).collect()
}

/// The questions that are still to be answered; of those that are asked on need only this one.
pub(super) fn questions(
    setup: Setup,
    known: &Map<String, Value>,
    needed: Option<&'static Ask>,
) -> impl Iterator<Item = &'static Ask> {
    let is_asked = move |ask: &&Ask| !ask.on_need || needed == Some(*ask);
    setup.ask.iter().filter(is_asked).filter(|ask| !ask.is_answered(|key| known.contains_key(key)))
}

/// Why there are no settings.
pub(super) enum Lack {
    /// Nobody can be asked, and this is not given: the first of it with what may stand for it, and a flag for each.
    Missing { key: &'static str, or: Vec<String>, flags: Vec<String> },
    /// Asking failed.
    Other(Failure),
}

impl From<Failure> for Lack {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl Lack {
    /// Nobody can be asked these, of which there is one at least.
    pub(super) fn of(kind: &Kind, asks: &[&Ask], known: &Map<String, Value>) -> Option<Self> {
        let first = asks.first()?;
        let key_of = |ask: &Ask| ask.goes_to(|key| known.contains_key(key));
        let flag = |ask: &&Ask| match key_of(ask) {
            key if kind.secrets.contains(&key) => format!("--secret-env {key}=VARIABLE"),
            key => format!("--set {key}={}", in_shell(ask.example)),
        };
        let key = key_of(first);
        let with = first.or_with.map(|(name, other)| format!("`{name}` with `{other}`"));
        let or = first.or.map(|or| format!("`{or}`")).into_iter().chain(with).filter(|_| key == first.key);
        Some(Self::Missing { key, or: or.collect(), flags: asks.iter().map(flag).collect() })
    }

    /// Says what to type instead, word for word.
    pub(super) fn in_words(self, typed: &cli::Init, global: &cli::Global) -> Failure {
        let (key, or, missing) = match self {
            Self::Missing { key, or, flags } => (key, or, flags),
            Self::Other(failure) => return failure,
        };
        let or = if or.is_empty() { String::new() } else { format!("; {} may stand for it", or.join(" or ")) };
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

/// The settings: what is known, and the answers to what is not.
pub(super) fn answers(
    kind: &Kind,
    setup: Setup,
    known: &Map<String, Value>,
    needed: Option<&'static Ask>,
    dialog: Option<&Dialog>,
) -> Result<Map<String, Value>, Lack> {
    let mut settings = known.clone();
    let asks: Vec<&Ask> = questions(setup, known, needed).collect();
    let Some(dialog) = dialog else { return Lack::of(kind, &asks, known).map_or(Ok(settings), Err) };
    for ask in asks {
        let key = ask.goes_to(|key| known.contains_key(key));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    #[test]
    fn a_value_is_read_as_its_setting_wants_it() {
        let rt = source::kind("rt").unwrap();
        for (kind, key, text, value) in [
            (rt, "base_url", "https://h/a,b", json!("https://h/a,b")),
            (rt, "queues", "WhatsApp", json!(["WhatsApp"])),
            (rt, "queues", "Support, Billing and more,", json!(["Support", "Billing and more"])),
            (rt, "queues", r#"["A, B"]"#, json!(["A, B"])),
            (rt, "queues", "7", json!(["7"])),
            (rt, "allow_plain_http", "true", json!(true)),
            (rt, "interval", "30s", json!("30s")),
            (rt, "quota_share", "0.25", json!(0.25)),
            (source::kind("chatwoot").unwrap(), "account", "2", json!(2)),
        ] {
            assert_eq!(written(kind, key, text), Ok(value), "{key}={text}");
        }
        let said = written(rt, "colour", "red").unwrap_err().to_string();
        assert!(said.contains("backfill") && said.contains("queues") && !said.contains("token"), "{said}");
        let said = written(rt, "name", "x").unwrap_err().to_string();
        assert!(said.contains("no such setting"), "it has a flag of its own: {said}");
    }
}
