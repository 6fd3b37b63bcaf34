//! Which keys there are: taken from the JSON schema of the config, so that a key is named in one place only.

use serde_json::{Map, Value};

use crate::text::nearest;

/// A key that does not exist.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Its path.
    pub path: String,
    /// Its own name.
    pub key: String,
    /// What may stand there.
    pub known: Vec<String>,
}

impl Unknown {
    /// The known key that was meant, or all that there are.
    pub(super) fn hint(&self) -> String {
        match nearest(&self.key, self.known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys here are: {}", self.known.join(", ")),
        }
    }
}

/// Every key of `value` that its schema does not know.
pub(super) fn unknown(value: &Value, schema: &Value) -> Vec<Unknown> {
    let mut found = Vec::new();
    collect(value, schema, "", &mut found);
    found
}

fn collect(value: &Value, schema: &Value, path: &str, found: &mut Vec<Unknown>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match child(schema, key) {
                    Child::Known(schema) => collect(value, schema, &path, found),
                    Child::Free => {}
                    Child::Unknown(known) => found.push(Unknown { path, key: key.clone(), known }),
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, value) in items.iter().enumerate() {
                    collect(value, schema, &format!("{path}[{index}]"), found);
                }
            }
        }
        _ => {}
    }
}

/// What a schema says of a key.
pub(super) enum Child<'a> {
    /// It may stand here, and this is its schema.
    Known(&'a Value),
    /// Anything may stand here.
    Free,
    /// These may stand here.
    Unknown(Vec<String>),
}

/// What the schema of a table says of a key in it.
pub(super) fn child<'a>(schema: &'a Value, key: &str) -> Child<'a> {
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
        return Child::Known(schema);
    }
    match (schema.get("additionalProperties"), properties) {
        (Some(Value::Bool(false)), properties) => Child::Unknown(names(properties)),
        (Some(schema @ Value::Object(_)), _) => Child::Known(schema),
        (_, Some(properties)) if schema.get("additionalProperties").is_none() => {
            Child::Unknown(names(Some(properties)))
        }
        _ => Child::Free,
    }
}

fn names(properties: Option<&Map<String, Value>>) -> Vec<String> {
    properties.into_iter().flat_map(Map::keys).cloned().collect()
}
