//! JSON for programs, to the contract of docs/metrics.md.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use crate::event::Timestamp;
use crate::metrics::history::{Group, REGISTRY, Report, Row, Shape, Value};
use crate::metrics::stats::{DurationFigure, ShareFigure};
use crate::output::escaped;

/// Writes the report as one JSON object, indented; safe to look at in a terminal, too.
pub fn write_json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&JsonReport::of(report))?;
    out.write_all(escaped(&text).as_bytes())?;
    out.write_all(b"\n")
}

/// The figures of a range: what `helptop report --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Report")]
pub struct JsonReport<'a> {
    /// The first instant of the range.
    from: Timestamp,
    /// The first instant after it.
    to: Timestamp,
    /// The zone whose days and hours count, by its name.
    tz: &'a str,
    /// The figures of everything that the filters let through.
    total: Figures<'a>,
    /// The figures by what `--by` names, in the order of names, or of time; empty without it.
    groups: Vec<JsonGroup<'a>>,
}

/// The figures of one group.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
struct JsonGroup<'a> {
    /// Its source, where several are read and the key is an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    /// Its id, or the word, day or hour itself.
    key: &'a str,
    /// Its display name.
    name: &'a str,
    #[serde(flatten)]
    figures: Figures<'a>,
}

impl<'a> JsonReport<'a> {
    /// A report in the words of the contract.
    pub fn of(report: &'a Report) -> Self {
        Self {
            from: report.from,
            to: report.to,
            tz: report.zone.name(),
            total: Figures(&report.total),
            groups: report.groups.iter().map(JsonGroup::of).collect(),
        }
    }

    /// The JSON schema of the report.
    pub fn schema() -> Json {
        let settings = SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<Self>().to_value()
    }
}

impl<'a> JsonGroup<'a> {
    fn of(group: &'a Group) -> Self {
        Self { source: group.source.as_deref(), key: &group.key, name: &group.name, figures: Figures(&group.figures) }
    }
}

/// Figures by key, in the order of the registry.
#[derive(Debug)]
struct Figures<'a>(&'a [(&'static Row, Value)]);

impl Serialize for Figures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(row, value)| (row.key, Figure(value))))
    }
}

impl JsonSchema for Figures<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Figures".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let row = |row: &Row| {
            let mut schema = shape(row.shape, generator);
            schema.insert("description".to_owned(), row.definition.into());
            (row.key.to_owned(), schema.to_value())
        };
        let properties: Map<String, Json> = REGISTRY.iter().map(row).collect();
        json_schema!({"type": "object", "properties": properties})
    }
}

fn shape(shape: Shape, generator: &mut SchemaGenerator) -> Schema {
    match shape {
        Shape::Count => json_schema!({"type": "integer", "minimum": 0}),
        Shape::Duration | Shape::Numbers => generator.subschema_for::<DurationFigure>(),
        Shape::Seconds => json_schema!({"type": "number", "minimum": 0}),
        Shape::Share => generator.subschema_for::<ShareFigure>(),
        Shape::Shares => generator.subschema_for::<BTreeMap<String, ShareFigure>>(),
        Shape::Change | Shape::Money | Shape::Number => json_schema!({"type": ["number", "null"]}),
        Shape::Score => json_schema!({
            "type": "object",
            "properties": {
                "n": {"type": "integer", "minimum": 0},
                "score": {"type": ["number", "null"], "minimum": -100, "maximum": 100},
            },
            "required": ["n", "score"],
        }),
        Shape::Counts => generator.subschema_for::<BTreeMap<String, u64>>(),
        Shape::Amounts => generator.subschema_for::<BTreeMap<String, f64>>(),
    }
}

struct Figure<'a>(&'a Value);

impl Serialize for Figure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Count(n) => n.serialize(serializer),
            Value::Duration(figure) => figure.serialize(serializer),
            Value::Millis(millis) if millis % 1000 == 0 => (millis / 1000).serialize(serializer),
            Value::Millis(millis) => (*millis as f64 / 1000.0).serialize(serializer),
            Value::Share(share) => share.serialize(serializer),
            Value::Shares(shares) => serializer.collect_map(shares.iter().map(|(metric, share)| (metric, share))),
            Value::Number(number) => number.serialize(serializer),
            Value::Score { n, score } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("n", n)?;
                map.serialize_entry("score", score)?;
                map.end()
            }
            Value::Counts(counts) => serializer.collect_map(counts.iter().map(|(name, n)| (&**name, n))),
            Value::Amounts(sums) => serializer.collect_map(sums.iter().map(|(currency, sum)| (&**currency, sum))),
        }
    }
}
