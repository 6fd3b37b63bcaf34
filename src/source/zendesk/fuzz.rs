//! JSON of any shape, with the words of this API more often than chance would have it.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const WORDS: [&str; 44] = [
    "id",
    "ticket_id",
    "created_at",
    "updated_at",
    "timestamp",
    "author_id",
    "updater_id",
    "via",
    "channel",
    "source",
    "rel",
    "events",
    "child_events",
    "type",
    "event_type",
    "Comment",
    "Create",
    "Change",
    "field_name",
    "value",
    "status",
    "assignee_id",
    "group_id",
    "tags",
    "public",
    "body",
    "requester_id",
    "metric_set",
    "replies",
    "slas",
    "policy_metrics",
    "breach_at",
    "data",
    "included",
    "attributes",
    "agent_id",
    "agent_status",
    "relationships",
    "answers",
    "subjects",
    "rating",
    "score",
    "merge",
    "closed",
];

/// Any JSON.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-2i64..30).prop_map(Value::from),
        Just(json!("2026-11-22T09:14:03Z")),
        Just(json!(1_795_338_843)),
        word.clone().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "#[0-9]{0,25}".prop_map(Value::from),
    ];
    let leaf = leaf.boxed();
    let record = leaf.clone().prop_recursive(5, 60, 12, move |inner| {
        let key = prop_oneof![8 => word.clone(), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..12).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    });
    // Most are nearly a record, so that what is inside is reached.
    (record, prop::bool::weighted(0.7)).prop_map(|(value, usual)| match value {
        Value::Object(mut map) if usual => {
            let usual = json!({"id": 9, "ticket_id": 5, "created_at": "2026-11-22T09:14:03Z", "updated_at": "2026-11-22T09:15:03Z", "status": "open"});
            map.extend(usual.as_object().cloned().unwrap_or_default());
            Value::Object(map)
        }
        other => other,
    })
}
