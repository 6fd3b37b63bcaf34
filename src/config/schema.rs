//! The JSON schema of the config, with the keys of every kind of source.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::File;
use super::secret;
use crate::source::Kind;

/// The schema of the config file without the keys of the kinds; nothing in it is a reference.
pub(super) fn of_file() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<File>().to_value()
}

/// The keys and their schemas of a kind.
pub fn of_kind(kind: &Kind) -> Map<String, Value> {
    let schema = (kind.schema)().to_value();
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The keys, with their schemas, that a source of any kind has.
pub fn of_sources() -> Map<String, Value> {
    let schema = of_file();
    let keys = schema.pointer("/properties/source/items/properties").and_then(Value::as_object);
    keys.cloned().unwrap_or_default()
}

/// The schema of the config file with the keys of these kinds: what an editor needs to complete and check it.
pub fn full(kinds: &[Kind]) -> Value {
    let mut schema = of_file();
    let common = of_sources();
    let alternatives: Vec<Value> = kinds.iter().map(|kind| alternative(kind, &common)).collect();
    if let Some(items) = schema.pointer_mut("/properties/source/items").and_then(Value::as_object_mut) {
        items.remove("additionalProperties");
        items.insert("oneOf".to_owned(), alternatives.into());
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        if let Some(kind) = items.get_mut("properties").and_then(|properties| properties.get_mut("kind")) {
            kind["enum"] = json!(names);
        }
    }
    // References of the kinds' schemas start at the root.
    let of_kinds = kinds.iter().filter_map(|kind| (kind.schema)().to_value().get("$defs")?.as_object().cloned());
    let defs: Map<String, Value> = of_kinds.flatten().collect();
    if !defs.is_empty() {
        schema["$defs"] = Value::Object(defs);
    }
    schema
}

fn alternative(kind: &Kind, common: &Map<String, Value>) -> Value {
    let whole = (kind.schema)().to_value();
    let mut properties: Map<String, Value> = common.keys().map(|key| (key.clone(), Value::Bool(true))).collect();
    properties.insert("kind".to_owned(), json!({"const": kind.name}));
    for (key, schema) in of_kind(kind) {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let schema = if kind.secrets.contains(&key.as_str()) { secret::schema(description) } else { schema.clone() };
        properties.insert(key, schema);
    }
    let mut alternative = json!({
        "title": kind.name,
        "description": kind.title,
        "properties": properties,
        "additionalProperties": false,
    });
    if let Some(required) = whole.get("required") {
        alternative["required"] = required.clone();
    }
    alternative
}
