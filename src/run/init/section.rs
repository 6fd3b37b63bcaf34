//! The text of a config with a source more, or with one in the place of another; the rest of it stays as it is.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::run::failure::Failure;

/// What heads a source.
const HEADER: &str = "[[source]]";

/// A source as it is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// What is set of it.
    pub settings: &'a Map<String, Value>,
}

/// Where a source goes.
#[derive(Debug, Clone)]
pub enum Place {
    /// Behind what is there.
    Behind,
    /// Where the source of that number is, of which everything stays but what is asked for at a setup.
    InsteadOf { index: usize, asked: Vec<&'static str> },
}

/// A config, and which of its lines are those of the source.
#[derive(Debug, PartialEq, Eq)]
pub struct Composed {
    /// The whole text.
    pub text: String,
    /// The lines, from 1, of the source.
    pub lines: Range<usize>,
}

/// The text with the source in it.
pub fn compose(before: &str, source: &Written<'_>, place: &Place) -> Result<Composed, Failure> {
    let keys = keys(source)?;
    match place {
        Place::Behind => Ok(behind(before, &keys)),
        Place::InsteadOf { index, asked } => instead(before, &keys, *index, asked).ok_or_else(|| {
            Failure::failed(format!(
                "source `{}`: is written in a way that can't be replaced here\n  take it out of the config by hand, and run \
                 the same again",
                source.name
            ))
        }),
    }
}

fn behind(before: &str, keys: &toml::Table) -> Composed {
    let mut text = before.to_owned();
    if !text.is_empty() {
        text.truncate(text.trim_end().len());
        text.push_str("\n\n");
    }
    let first = text.lines().count() + 1;
    text.push_str(HEADER);
    text.push('\n');
    text.push_str(&lines(keys));
    let lines = first..text.lines().count() + 1;
    Composed { text, lines }
}

/// `None` where the text is too involved: what comes out is read again, and is what was meant or nothing.
fn instead(before: &str, keys: &toml::Table, index: usize, asked: &[&str]) -> Option<Composed> {
    let ended = format!("{}\n", before.trim_end());
    let old: Vec<&str> = ended.split_inclusive('\n').collect();
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let first = old.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with(HEADER)).nth(index)?.0;
    let rest = old.get(first + 1..)?;
    let next = rest.iter().position(|line| is_header(line)).unwrap_or(rest.len());
    // What is said above the next header belongs to that.
    let is_said = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let end = rest.get(..next)?.iter().rposition(|line| is_said(line)).map_or(0, |last| last + 1);
    let goes = |key: &str| keys.contains_key(key) || asked.contains(&key);
    let stays = |line: &&str| !line.split_once('=').is_some_and(|(key, _)| goes(key.trim().trim_matches('"')));
    let kept: String = rest.get(..end)?.iter().copied().filter(stays).collect();

    let section = format!("{HEADER}\n{}{kept}", lines(keys));
    let text = [&old.get(..first)?.concat(), &section, &rest.get(end..)?.concat()].map(String::as_str).concat();

    let mut meant: toml::Table = before.parse().ok()?;
    let table = meant.get_mut("source")?.as_array_mut()?.get_mut(index)?.as_table_mut()?;
    table.retain(|key, _| !goes(key));
    table.extend(keys.clone());
    let lines = first + 1..first + 1 + section.lines().count();
    (text.parse::<toml::Table>().ok()? == meant).then_some(Composed { text, lines })
}

/// What is set of a source, its name and kind first.
fn keys(source: &Written<'_>) -> Result<toml::Table, Failure> {
    let common = [("name", Value::from(source.name)), ("kind", Value::from(source.kind))];
    let common = common.iter().map(|(key, value)| (*key, value));
    let all = common.chain(source.settings.iter().map(|(key, value)| (key.as_str(), value)));
    let toml = |(key, value): (&str, &Value)| match toml::Value::try_from(value) {
        Ok(value) => Ok((key.to_owned(), value)),
        Err(error) => Err(Failure::usage(format!("{key}: cannot be written in a config: {error}"))),
    };
    all.map(toml).collect()
}

fn lines(keys: &toml::Table) -> String {
    let mut text = String::new();
    let is_common = |key: &&String| ["name", "kind"].contains(&key.as_str());
    let common = ["name", "kind"].iter().filter_map(|key| keys.get_key_value(*key));
    for (key, value) in common.chain(keys.iter().filter(|(key, _)| !is_common(key))) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TWO: &str = "# mine\n[board]\nmouse = false\n\n[[source]] # the first\nname = \"one\"\nkind = \"rt\"\n\
                       base_url = \"https://a\"\ntoken = \"old\"\n# only these\nqueues = [\n  \"A\",\n]\ninterval = \"30s\"\n\n\
                       # the other\n[[source]]\nname = \"two\"\nkind = \"rt\"\nbase_url = \"https://b\"\n";
    const ASKED: &[&str] = &["base_url", "token", "user", "password"];

    fn replaced(text: &str, index: usize, settings: &Value) -> Result<Composed, Failure> {
        let settings = settings.as_object().unwrap().clone();
        let source = Written { name: "one", kind: "rt", settings: &settings };
        compose(text, &source, &Place::InsteadOf { index, asked: ASKED.to_vec() })
    }

    #[test]
    fn a_source_in_the_place_of_another_keeps_what_nobody_asks_for() {
        let new = json!({"base_url": "https://a", "user": "kim", "password": {"env": "P"}});
        let composed = replaced(TWO, 0, &new).unwrap();
        let expected = "# mine\n[board]\nmouse = false\n\n[[source]]\nname = \"one\"\nkind = \"rt\"\n\
                        base_url = \"https://a\"\npassword = { env = \"P\" }\nuser = \"kim\"\n# only these\n\
                        queues = [\n  \"A\",\n]\ninterval = \"30s\"\n\n\
                        # the other\n[[source]]\nname = \"two\"\nkind = \"rt\"\nbase_url = \"https://b\"\n";
        assert_eq!(composed.text, expected);
        assert_eq!(composed.lines, 5..16, "{}", composed.text);
    }

    #[test]
    fn the_last_source_may_be_replaced_too() {
        let composed = replaced(TWO, 1, &json!({"base_url": "https://c"})).unwrap();
        assert!(composed.text.ends_with("[[source]]\nname = \"one\"\nkind = \"rt\"\nbase_url = \"https://c\"\n"));
        assert!(composed.text.starts_with(TWO.split("# the other").next().unwrap()), "{}", composed.text);
    }

    #[test]
    fn what_is_too_involved_is_left_alone() {
        // A list of several lines that is to go, a table below the source, sources in one line.
        for (text, new) in [
            (TWO, json!({"queues": ["B"]})),
            ("[[source]]\nkind = \"rt\"\n[source.token]\nenv = \"T\"\n", json!({"token": {"env": "U"}})),
            ("source = [{ kind = \"rt\" }]\n", json!({})),
        ] {
            let said = replaced(text, 0, &new).unwrap_err().to_string();
            assert!(said.contains("take it out of the config by hand"), "{said}");
        }
    }

    #[test]
    fn the_lines_of_a_source_behind_the_others_are_known() {
        let settings = Map::new();
        let source = Written { name: "one", kind: "rt", settings: &settings };
        for (before, lines) in [("", 1..4), ("[board]\n\n\n", 3..6)] {
            assert_eq!(compose(before, &source, &Place::Behind).unwrap().lines, lines, "{before:?}");
        }
    }
}
