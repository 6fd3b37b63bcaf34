//! JSON of any shape, with the words of this API more often than chance would have it.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

const WORDS: [&str; 30] = [
    "uuid",
    "name",
    "phoneNumber",
    "createdAt",
    "closedAt",
    "blockedAt",
    "source",
    "assignedUser",
    "team",
    "tags",
    "href",
    "conversationHref",
    "contacts",
    "meta",
    "pages",
    "next",
    "messages",
    "text",
    "status",
    "sent",
    "received",
    "note",
    "users",
    "email",
    "available",
    "lastUpdatedAt",
    "userCustomStatus",
    "teams",
    "whatsapp",
    "user_name",
];

/// Any JSON.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!("2026-11-22T09:14:03Z")),
        Just(json!("2024-11-22 21:29:43 +0100")),
        Just(json!("Conversation was assigned to Lia Prado")),
        word.clone().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let leaf = leaf.boxed();
    let record = leaf.clone().prop_recursive(4, 40, 10, move |inner| {
        let key = prop_oneof![8 => word.clone(), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..12).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    });
    // Most are nearly a record, so that what is inside is reached.
    (record, leaf, prop::bool::weighted(0.7)).prop_map(|(value, leaf, usual)| match value {
        Value::Object(mut map) if usual => {
            let usual = json!({"uuid": "c1", "status": "sent", "createdAt": "2026-11-22T09:14:03Z", "email": "a@x"});
            map.extend(usual.as_object().cloned().unwrap_or_default());
            map.entry("closedAt").or_insert(leaf);
            Value::Object(map)
        }
        other => other,
    })
}
