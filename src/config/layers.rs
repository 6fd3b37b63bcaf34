//! The layers of the config and how they are merged: defaults < file < environment < flags.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use config::{FileFormat, Map as ConfigMap, Value as ConfigValue, ValueKind};
use serde_json::{Map, Value};
use toml::de::DeTable;

use super::environment::Environment;
use super::file::{self, File};
use super::keys::{self, Child, Unknown};
use super::locate::{self, Lines};
use super::problem::{ConfigError, Problem};
use super::resolve::{self, Config};
use super::secret::{Exposed, Keyring, open_private};
use super::{paths, schema, zone};
use crate::source::Kind;
use crate::text::nearest;

const PREFIX: &str = "HELPTOP__";
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What a config is made of.
#[derive(Debug)]
pub struct Request<'a> {
    /// The file that was named by `--config`.
    pub named: Option<&'a Path>,
    /// The environment.
    pub environment: &'a Environment,
    /// The flags that stand for a key.
    pub flags: Vec<Flag>,
    /// The kinds of source there are.
    pub kinds: &'static [Kind],
}

/// A flag that sets a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// As typed: `--theme`.
    pub name: &'static str,
    /// The key it sets: `board.theme`.
    pub key: &'static str,
    /// To what.
    pub value: Value,
}

/// Where each key was set.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: String,
    by_key: BTreeMap<String, Place>,
}

#[derive(Debug, Clone)]
enum Place {
    Line(usize),
    Outside(String),
}

impl Places {
    /// Where a key was set, such as `keys.quit` or `source[0].interval`: `file:line`, `$VARIABLE` or a flag; of a key
    /// that was not, where the nearest table around it was.
    pub fn of(&self, key: &str) -> String {
        let mut key = key;
        loop {
            match self.by_key.get(key) {
                Some(Place::Line(line)) => return format!("{}:{line}", self.file),
                Some(Place::Outside(place)) => return place.clone(),
                None => match key.rfind(['.', '[']) {
                    Some(end) => key = &key[..end],
                    None => return if self.file.is_empty() { "the config".to_owned() } else { self.file.clone() },
                },
            }
        }
    }

    /// Where the one of these keys was set that was set last: outside of the file, else furthest down in it; where
    /// none was, the nearest table around the first.
    pub(super) fn of_last(&self, keys: &[String]) -> String {
        let rank = |key: &&String| match self.by_key.get(*key) {
            None => None,
            Some(Place::Line(line)) => Some((false, *line)),
            Some(Place::Outside(_)) => Some((true, 0)),
        };
        let last = keys.iter().filter(|key| rank(key).is_some()).max_by_key(rank).or(keys.first());
        last.map_or_else(|| self.file.clone(), |key| self.of(key))
    }

    /// Whether a key was set in the file.
    pub fn is_from_file(&self, key: &str) -> bool {
        matches!(self.by_key.get(key), Some(Place::Line(_)))
    }
}

/// Reads, merges, checks; fetches the secrets. Names every problem it can see.
pub fn load(request: &Request<'_>) -> Result<Config, ConfigError> {
    let (file, origin) = read(request)?;
    origin.resolve(file, request)
}

/// As [`load`], for commands that read no source of the config: none is looked at, and no secret fetched.
pub fn load_without_sources(request: &Request<'_>) -> Result<Config, ConfigError> {
    let (file, origin) = read(request)?;
    origin.resolve(File { source: Vec::new(), ..file }, request)
}

/// The sources of a config as they are written; no secret is fetched.
pub fn written_sources(request: &Request<'_>) -> Result<Vec<file::Source>, ConfigError> {
    let (file, _) = read(request)?;
    Ok(file.source)
}

/// A text as the list of its parts, which commas stand between.
pub fn parts(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Where a config comes from.
struct Origin {
    path: Option<PathBuf>,
    exposed: Option<Exposed>,
    places: Places,
}

impl Origin {
    fn resolve(self, file: File, request: &Request<'_>) -> Result<Config, ConfigError> {
        let base = directory_of(self.path.as_deref());
        let keyring = Keyring::new(request.environment, &base, self.exposed);
        let system_zone = zone::of_system(request.environment);
        let store = paths::default_store(request.environment);
        resolve::resolve(file, self.path, self.places, &keyring, request.kinds, system_zone, store)
    }
}

/// Where relative paths start and programs run: the config file's directory, else the user's.
fn directory_of(path: Option<&Path>) -> PathBuf {
    let parent = path.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

fn read(request: &Request<'_>) -> Result<(File, Origin), ConfigError> {
    let path = paths::find(request.named, request.environment)?;
    let schema = schema::of_file();
    let read = path.as_deref().map(|path| read_file(path, request.kinds)).transpose()?.unwrap_or_default();
    let file = path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let by_key = read.lines.into_iter().map(|(key, line)| (key, Place::Line(line))).collect();
    let mut places = Places { file, by_key };

    let mut problems: Vec<Problem> = keys::unknown(&read.value, &schema)
        .into_iter()
        .map(|unknown| {
            Problem::new(places.of(&unknown.path), format!("unknown key `{}`", unknown.path), unknown.hint())
        })
        .collect();
    let environment = environment_layer(request.environment, &schema, &read.value, &mut places, &mut problems);
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let flags = flag_layer(&request.flags, &mut places);
    let merged = merge([defaults(), read.value, environment, flags])?;
    let file = deserialise(merged, &places, request.kinds)?;
    Ok((file, Origin { path, exposed: read.exposed, places }))
}

#[derive(Default)]
struct ReadFile {
    value: Value,
    lines: Lines,
    exposed: Option<Exposed>,
}

fn read_file(path: &Path, kinds: &[Kind]) -> Result<ReadFile, Problem> {
    let shown = path.display().to_string();
    let unreadable =
        |e: std::io::Error| Problem::new(&shown, format!("can't be read: {e}"), "is it a text file that you may read?");
    if !paths::opens_at_once(path) {
        return Err(Problem::new(&shown, "is no regular file", "write the config to a file and name that"));
    }
    let (file, exposed) = open_private(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::new(&shown, "is larger than 1 MiB", "is it the right file?"));
    }
    let table = DeTable::parse(&text).map_err(|error| syntax(&shown, &text, &error, kinds))?;
    let lines = locate::lines(&text, table.get_ref());
    let layer = config::Config::builder().add_source(config::File::from_str(&text, FileFormat::Toml)).build();
    let value = layer
        .and_then(config::Config::try_deserialize)
        .map_err(|e| Problem::new(&shown, e.to_string(), "correct that value"))?;
    Ok(ReadFile { value, lines, exposed })
}

/// TOML's own words with the line itself, unless that may hold a secret.
fn syntax(shown: &str, text: &str, error: &toml::de::Error, kinds: &[Kind]) -> Problem {
    let offset = error.span().map_or(0, |span| span.start);
    let place = format!("{shown}:{}", locate::line_at(text, offset));
    let what = if may_hold_secret(text, offset, kinds) {
        format!("{} (the line is not shown: it may hold a secret)", error.message())
    } else {
        error.to_string().trim_end().to_owned()
    };
    Problem::new(place, what, "`helptop print config` shows how it is written")
}

/// Whether the line of a place in a broken file may hold a secret: it names a secret key, or nearly, or is part of a
/// text of several lines, whose key may be anything.
fn may_hold_secret(text: &str, offset: usize, kinds: &[Kind]) -> bool {
    let end = text.get(offset..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| offset + length);
    let before = text.get(..end).unwrap_or(text);
    let line = before.lines().next_back().unwrap_or_default();
    let key = line.split('=').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    let mut secrets = kinds.iter().flat_map(|kind| kind.secrets.iter().copied());
    let open = |quotes: &str| before.matches(quotes).count() % 2 == 1;
    open("\"\"\"") || open("'''") || secrets.any(|secret| line.contains(secret) || nearest(key, [secret]).is_some())
}

fn defaults() -> Value {
    serde_json::to_value(File::default()).unwrap_or_default()
}

fn flag_layer(flags: &[Flag], places: &mut Places) -> Value {
    let mut layer = Value::Null;
    for flag in flags {
        let path: Vec<String> = flag.key.split('.').map(str::to_owned).collect();
        insert(&mut layer, &path, flag.value.clone());
        places.by_key.insert(flag.key.to_owned(), Place::Outside(flag.name.to_owned()));
    }
    layer
}

fn environment_layer(
    environment: &Environment,
    schema: &Value,
    file: &Value,
    places: &mut Places,
    problems: &mut Vec<Problem>,
) -> Value {
    let mut layer = Value::Null;
    for (name, value) in environment.starting_with(PREFIX) {
        match variable(name, value, schema, file) {
            Ok((path, value)) => {
                insert(&mut layer, &path, value);
                places.by_key.insert(path.join("."), Place::Outside(format!("${name}")));
            }
            Err((what, hint)) => problems.push(Problem::new(format!("${name}"), what, hint)),
        }
    }
    layer
}

type Complaint = (String, String);

fn variable(name: &str, value: &OsStr, schema: &Value, file: &Value) -> Result<(Vec<String>, Value), Complaint> {
    let (mut schema, mut file, mut path) = (schema, Some(file), Vec::new());
    for segment in name[PREFIX.len()..].split("__") {
        let key = spelled(segment, schema, file);
        schema = match keys::child(schema, &key) {
            Child::Known(schema) => schema,
            Child::Free => {
                return Err((
                    "no key can be set here by a variable".to_owned(),
                    "set it in the config file".to_owned(),
                ));
            }
            Child::Unknown(known) => return Err(unknown_variable(&path, key, known)),
        };
        file = file.and_then(|file| file.get(&key));
        path.push(key);
    }
    if path.first().is_some_and(|key| key == "source") {
        return Err((
            "sources can't be set by a variable".to_owned(),
            "write a [[source]] in the config file; its secrets may come from variables: token = { env = \"NAME\" }"
                .to_owned(),
        ));
    }
    let text =
        value.to_str().ok_or_else(|| ("its value is not UTF-8".to_owned(), "set it to plain text".to_owned()))?;
    typed(text, schema, &path).map(|value| (path, value))
}

/// The key that a segment of a variable's name means: as the schema or the file spells it, else in small letters
/// unless it has some already.
fn spelled(segment: &str, schema: &Value, file: Option<&Value>) -> String {
    let of_schema = schema.get("properties").and_then(Value::as_object);
    let of_file = file.and_then(Value::as_object);
    let mut spellings = of_schema.into_iter().chain(of_file).flat_map(Map::keys);
    match spellings.find(|key| key.eq_ignore_ascii_case(segment)) {
        Some(key) => key.clone(),
        None if segment.contains(|c: char| c.is_lowercase()) => segment.to_owned(),
        None => segment.to_lowercase(),
    }
}

fn unknown_variable(path: &[String], key: String, known: Vec<String>) -> Complaint {
    let full = |key: &str| format!("{PREFIX}{}", [path, &[key.to_owned()]].concat().join("__").to_uppercase());
    let unknown = Unknown { path: [path, std::slice::from_ref(&key)].concat().join("."), key, known };
    let hint = match nearest(&unknown.key, unknown.known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {}?", full(meant)),
        None if unknown.known.is_empty() => "nothing can be set below that key".to_owned(),
        None => format!("the names here are: {}", unknown.known.iter().map(|k| full(k)).collect::<Vec<_>>().join(", ")),
    };
    (format!("sets the unknown key `{}`", unknown.path), hint)
}

/// A variable's text as the type that its key has.
fn typed(text: &str, schema: &Value, path: &[String]) -> Result<Value, Complaint> {
    let wrong =
        |expected: &str| (format!("`{}` is not {expected}: `{text}`", path.join(".")), format!("set it to {expected}"));
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => text.parse::<bool>().map(Value::Bool).map_err(|_| wrong("true or false")),
        Some("array") => Ok(parts(text)),
        Some("object") => Err((format!("`{}` is a table, not a key", path.join(".")), "name a key in it".to_owned())),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn insert(layer: &mut Value, path: &[String], value: Value) {
    match path {
        [] => *layer = value,
        [key, rest @ ..] => {
            if !layer.is_object() {
                *layer = Value::Object(Map::new());
            }
            insert(&mut layer[key.as_str()], rest, value);
        }
    }
}

fn merge(layers: [Value; 4]) -> Result<Value, Problem> {
    let builder = layers.into_iter().fold(config::Config::builder(), |builder, layer| builder.add_source(Layer(layer)));
    let merged = builder.build().and_then(config::Config::try_deserialize);
    merged.map_err(|e| Problem::new("the config", e.to_string(), "correct that value"))
}

/// A layer as a source of the `config` crate: keys keep their letters, and a dot in a name stays a dot.
#[derive(Debug, Clone)]
struct Layer(Value);

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<ConfigMap<String, ConfigValue>, config::ConfigError> {
        let table = self.0.as_object().into_iter().flatten();
        Ok(table.map(|(key, value)| (key.clone(), as_config(value))).collect())
    }
}

fn as_config(value: &Value) -> ConfigValue {
    let kind = match value {
        Value::Null => ValueKind::Nil,
        Value::Bool(value) => ValueKind::Boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => ValueKind::I64(number),
            (_, Some(number)) => ValueKind::U64(number),
            _ => ValueKind::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => ValueKind::String(text.clone()),
        Value::Array(items) => ValueKind::Array(items.iter().map(as_config).collect()),
        Value::Object(map) => {
            ValueKind::Table(map.iter().map(|(key, value)| (key.clone(), as_config(value))).collect())
        }
    };
    ConfigValue::new(None, kind)
}

fn deserialise(merged: Value, places: &Places, kinds: &[Kind]) -> Result<File, Problem> {
    serde_path_to_error::deserialize(merged).map_err(|error| {
        let key = error.path().to_string();
        let what = error.inner().to_string();
        if what.starts_with("missing field `kind`") {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            let hint = format!("say what it is: kind = \"…\"; the kinds are: {}", names.join(", "));
            return Problem::new(places.of(&key), "this source has no `kind`", hint);
        }
        let hint = match key.as_str() {
            "source" => "each source is a table of its own, headed by [[source]] with two brackets",
            _ => "`helptop print config` shows every key and how it is written",
        };
        Problem::new(places.of(&key), format!("`{key}`: {what}"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_a_directory_to_run_in() {
        assert_eq!(directory_of(Some(Path::new("/etc/helptop/config.toml"))), Path::new("/etc/helptop"));
        for path in [None, Some(Path::new("config.toml"))] {
            let mut command = std::process::Command::new("true");
            assert!(command.current_dir(directory_of(path)).status().unwrap().success(), "{path:?}");
        }
    }
}
