//! What every kind of source owes to the rest, row by row of the registry.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use helptop::source::{Ask, Kind, REGISTRY, Spec, kind};
use serde_json::{Map, Value, json};

fn properties(kind: &Kind) -> Map<String, Value> {
    let schema = (kind.schema)().to_value();
    schema.get("properties").and_then(Value::as_object).cloned().expect("settings are an object")
}

fn required(kind: &Kind) -> Vec<String> {
    let schema = (kind.schema)().to_value();
    let keys = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn spec(settings: Value) -> Spec {
    Spec { name: "desk".to_owned(), backfill: Duration::from_hours(24), settings, base: PathBuf::new() }
}

#[test]
fn names_are_stable_words_and_unique() {
    let names: Vec<&str> = REGISTRY.iter().map(|kind| kind.name).collect();
    for wanted in ["command", "demo", "replay"] {
        assert!(names.contains(&wanted), "{wanted} is a public name");
    }
    for kind in REGISTRY {
        let word = kind.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        assert!(word && !kind.name.is_empty(), "{:?} is no lowercase word", kind.name);
        assert!(!kind.title.is_empty() && !kind.title.contains('\n'), "{}", kind.name);
    }
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(REGISTRY.iter().all(|row| kind(row.name).is_some_and(|found| found.name == row.name)));
    assert!(kind("no such kind").is_none());
}

#[test]
fn every_setting_has_help_and_a_default_or_has_to_be_given() {
    for kind in REGISTRY {
        for (key, property) in properties(kind) {
            let help = property.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(help.len() > 10, "{}.{key} has no help", kind.name);
            let settled = property.get("default").is_some()
                || required(kind).contains(&key)
                || kind.secrets.contains(&key.as_str());
            assert!(settled, "{}.{key} has no default, is not required and no secret", kind.name);
            let taken = ["name", "kind", "interval", "quota_share", "backfill"];
            assert!(!taken.contains(&key.as_str()), "{}.{key} is a key of every source", kind.name);
        }
    }
}

#[test]
fn secrets_are_settings() {
    for kind in REGISTRY {
        let keys = properties(kind);
        for secret in kind.secrets {
            assert!(keys.contains_key(*secret), "{}.{secret}", kind.name);
        }
    }
}

#[test]
fn a_person_who_sets_it_up_is_asked_for_all_that_it_needs() {
    for kind in REGISTRY {
        let Some(setup) = kind.setup else { continue };
        let (keys, asked) = (properties(kind), setup.ask.iter().map(|ask| ask.key).collect::<Vec<_>>());
        for key in setup.ask.iter().flat_map(Ask::keys) {
            assert!(keys.contains_key(key), "{} has no setting {key}", kind.name);
        }
        for key in required(kind) {
            assert!(asked.contains(&key.as_str()), "{} needs {key} and does not ask for it", kind.name);
        }
        assert!(asked.iter().any(|key| kind.secrets.contains(key)), "{} asks for no secret", kind.name);
        assert!(setup.key.len() > 40, "{}: where is the key to be had?", kind.name);
        let always = setup.ask.iter().filter(|ask| !ask.on_need);
        let settings: Map<String, Value> = always.map(|ask| (ask.key.to_owned(), ask.example.into())).collect();
        assert!((kind.build)(&spec(settings.into())).is_ok(), "{}: its examples are good answers", kind.name);
    }
}

#[test]
fn what_a_kind_can_and_cannot_tell_is_said_in_words() {
    for kind in REGISTRY {
        let told: BTreeSet<_> = kind.capabilities.iter().collect();
        assert_eq!(told.len(), kind.capabilities.len(), "{} repeats itself", kind.name);
        for (what, why) in kind.cannot_tell {
            assert!(!what.is_empty() && why.len() > 10, "{}: {what}: {why}", kind.name);
            let claimed = kind.capabilities.iter().any(|capability| capability.to_string() == *what);
            assert!(!claimed, "{} both can and can't tell {what}", kind.name);
        }
    }
}

#[tokio::test]
async fn without_settings_it_is_built_or_names_the_key_that_is_missing() {
    for kind in REGISTRY {
        if let Err(error) = (kind.build)(&spec(json!({}))) {
            let named = properties(kind).keys().any(|key| error.contains(key.as_str()));
            assert!(named, "{}: {error:?} names no key", kind.name);
        }
    }
}

#[tokio::test]
async fn an_unknown_or_wrong_setting_is_refused_by_name() {
    for kind in REGISTRY {
        let error = (kind.build)(&spec(json!({"colour": 1}))).err().unwrap();
        assert!(error.contains("colour"), "{}: {error}", kind.name);
        for key in properties(kind).keys() {
            let error = (kind.build)(&spec(json!({key.as_str(): {"no": "such shape"}}))).err();
            let error = error.unwrap_or_else(|| format!("{}.{key} takes an object", kind.name));
            assert!(error.contains(key.as_str()), "{}.{key}: {error}", kind.name);
        }
    }
}

#[test]
fn nobody_goes_by_silence_where_a_program_may_tell_only_what_has_changed() {
    let silent: Vec<&str> =
        REGISTRY.iter().filter(|kind| !kind.tells_everybody_at_a_start()).map(|kind| kind.name).collect();
    assert_eq!(silent, ["custom", "command"]);
}
