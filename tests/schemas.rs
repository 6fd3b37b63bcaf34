//! The committed schemas are those of the program. `HELPTOP_UPDATE=1 cargo test --test schemas` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;

use helptop::run::cli::SchemaOf;
use helptop::run::print;
use helptop::source::REGISTRY;
use serde_json::{Value, json};

fn printed(of: SchemaOf) -> String {
    let mut out = Vec::new();
    print::schema(&mut out, of, REGISTRY).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_committed_schemas_are_current() {
    for (name, of) in [
        ("config", SchemaOf::Config),
        ("snapshot", SchemaOf::Snapshot),
        ("report", SchemaOf::Report),
        ("event", SchemaOf::Event),
    ] {
        let path = format!("docs/schema/{name}.json");
        let schema = printed(of);
        if std::env::var_os("HELPTOP_UPDATE").is_some() {
            fs::create_dir_all("docs/schema").unwrap();
            fs::write(&path, &schema).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap();
        assert!(committed == schema, "{path} is old: run HELPTOP_UPDATE=1 cargo test --test schemas");
    }
}

#[test]
fn the_config_schema_accepts_the_example_and_refuses_faults() {
    let schema: Value = serde_json::from_str(&printed(SchemaOf::Config)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let example: Value = toml::from_str(helptop::config::EXAMPLE).unwrap();
    assert!(validator.is_valid(&example));
    let demo = |key: &str, value: Value| json!({"source": [{"kind": "demo", key: value}]});
    assert!(validator.is_valid(&demo("seed", json!(7))));
    assert!(validator.is_valid(&demo("interval", json!("15s"))));
    for bad in
        [demo("sead", json!(7)), demo("interval", json!("soon")), demo("kind", json!("nothing")), json!({"bord": {}})]
    {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}

#[test]
fn the_event_schema_accepts_what_the_writer_writes() {
    let schema: Value = serde_json::from_str(&printed(SchemaOf::Event)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let line = r#"{"type":"assigned","conversation":"17","agent":null,"at":"2026-03-02T09:00:00Z"}"#;
    assert!(validator.is_valid(&serde_json::from_str(line).unwrap()));
    assert!(!validator.is_valid(&json!({"type": "assigned", "at": "2026-03-02T09:00:00Z"})));
}
