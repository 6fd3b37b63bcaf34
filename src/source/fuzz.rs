//! JSON of any shape, for tests of what a source makes of it: with the words of its vendor more often than chance would
//! have it, and mostly nearly a record, so that what is inside is reached.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON of these `words`, parted by spaces: names of fields and of kinds. `values` are others that mean something to
/// the vendor, such as instants; `needed` are objects with the fields without which a record is none.
pub(super) fn any_json(
    words: &'static str,
    values: impl Strategy<Value = Value> + 'static,
    needed: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    let word = prop::sample::select(words.split_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned);
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => (-2i64..30).prop_map(Value::from),
        2 => values,
        1 => word.clone().prop_map(Value::from),
        1 => ".{0,20}".prop_map(Value::from),
    ];
    let record = leaf.prop_recursive(5, 60, 12, move |inner| {
        let key = prop_oneof![8 => word.clone(), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..12).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    });
    (record, needed, prop::bool::weighted(0.7)).prop_map(|(value, needed, is_usual)| match value {
        Value::Object(mut map) if is_usual => {
            map.extend(needed.as_object().cloned().unwrap_or_default());
            Value::Object(map)
        }
        other => other,
    })
}

/// One of these texts.
pub(super) fn texts(texts: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(texts).prop_map(Value::from)
}
