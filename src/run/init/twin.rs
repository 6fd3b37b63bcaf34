//! Whether the config has a source of the same desk already: all of it would count twice.

use serde_json::{Map, Value};

use crate::config::{file, schema};
use crate::source::Kind;

/// A source of the config that reads the same desk.
#[derive(Debug, PartialEq, Eq)]
pub struct Twin {
    /// Its number in the config.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Whether its secrets are the same, too: if not, it may be of another account where nothing else tells them apart.
    pub has_same_key: bool,
}

/// The first of these sources that is of the desk that the settings name.
pub fn find(sources: &[file::Source], kind: &Kind, settings: &Map<String, Value>) -> Option<Twin> {
    let (index, source) = sources
        .iter()
        .enumerate()
        .find(|(_, source)| source.kind == kind.name && are_of_one_desk(kind, &source.settings.0, settings))?;
    let has_same_key = kind.secrets.iter().all(|key| source.settings.0.get(*key) == settings.get(*key));
    Some(Twin { index, name: source.name.clone().unwrap_or_else(|| source.kind.clone()), has_same_key })
}

/// Whether address and account are the same. An account that is not said may be any, and an address may end in the path of
/// its API.
fn are_of_one_desk(kind: &Kind, one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let is_one_account = match (one.get("account"), other.get("account")) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let (one, other) = (address(kind, one), address(kind, other));
    let goes_on = |short: &str, long: &str| long.strip_prefix(short).is_some_and(begins_a_part);
    let begins = |short: &str, long: &str| goes_on(short, long) || short.ends_with('.') && long.starts_with(short);
    is_one_account && (begins(&one, &other) || begins(&other, &one))
}

fn begins_a_part(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The address of a desk, in small letters: as it is given, by default, or as far as a subdomain tells it.
fn address(kind: &Kind, settings: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map(|text| text.trim().trim_end_matches('/').to_lowercase());
    let given = settings.get("base_url").and_then(text);
    let by_subdomain = || settings.get("subdomain").and_then(text).map(|name| format!("https://{name}."));
    let by_default = || schema::of_kind(kind).get("base_url")?.get("default").and_then(text);
    given.or_else(by_subdomain).or_else(by_default).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source;

    fn found(kind: &str, there: &Value, new: &Value) -> Option<Twin> {
        let mut written = json!({"name": "desk", "kind": kind});
        written.as_object_mut().unwrap().extend(there.as_object().unwrap().clone());
        let other = json!({"kind": "demo"});
        let sources = [other, written].map(|source| serde_json::from_value(source).unwrap());
        find(&sources, source::kind(kind).unwrap(), new.as_object().unwrap())
    }

    #[test]
    fn a_desk_is_known_by_address_and_account() {
        let rt = "https://desk.example.com";
        for (kind, there, new) in [
            ("rt", json!({"base_url": rt}), json!({"base_url": "https://Desk.example.com/"})),
            ("rt", json!({"base_url": rt, "queues": ["A"]}), json!({"base_url": "https://desk.example.com/REST/2.0"})),
            ("zendesk", json!({"subdomain": "acme"}), json!({"base_url": "https://acme.zendesk.com/api/v2"})),
            ("chatwoot", json!({"account": 1}), json!({"base_url": "https://app.chatwoot.com", "account": 1})),
            ("chatwoot", json!({"account": 1}), json!({})),
            ("callbell", json!({}), json!({"base_url": "https://api.callbell.eu"})),
        ] {
            let expected = Twin { index: 1, name: "desk".to_owned(), has_same_key: true };
            assert_eq!(found(kind, &there, &new), Some(expected), "{kind}: {there} {new}");
            assert!(found(kind, &new, &there).is_some(), "{kind}: {new} {there}");
        }
        for (kind, there, new) in [
            ("rt", json!({"base_url": rt}), json!({"base_url": "https://desk.example.com.evil"})),
            ("rt", json!({"base_url": rt}), json!({"base_url": "https://desk.example.co"})),
            ("chatwoot", json!({"account": 1}), json!({"account": 2})),
            ("zendesk", json!({"subdomain": "acme"}), json!({"subdomain": "acm"})),
            ("intercom", json!({}), json!({"base_url": "https://api.eu.intercom.io"})),
        ] {
            assert_eq!(found(kind, &there, &new), None, "{kind}: {there} {new}");
        }
    }

    #[test]
    fn another_key_may_be_that_of_another_account() {
        let (one, other) = (json!({"token": {"env": "A"}}), json!({"token": {"env": "B"}}));
        assert!(found("callbell", &one, &one).unwrap().has_same_key);
        assert!(!found("callbell", &one, &other).unwrap().has_same_key);
    }
}
