//! Values as vendors write them: ids as numbers or strings, null or absent fields, times in several forms.

use chrono::{DateTime, NaiveDateTime};
use compact_str::{CompactString, ToCompactString};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::event::Timestamp;

/// An id. Some authors (the system) have a negative one.
pub(super) type Id = i64;

/// The id that a value holds: a number, or a text of digits.
pub(super) fn id_of(value: &Value) -> Option<Id> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// An instant that a value holds: one of the forms below, or seconds since 1970.
pub(super) fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_time(text),
        Value::Number(number) => seconds(number.as_i64()?),
        _ => None,
    }
}

/// Seconds since 1970, where that is an instant of a desk.
fn seconds(seconds: i64) -> Option<Timestamp> {
    (0..=253_402_300_799).contains(&seconds).then(|| Timestamp::from_millis(seconds * 1000))
}

/// `2026-11-22T09:14:03Z`, with a zone, with a blank instead of the `T`, or with no zone at all, which means UTC.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse(text)
        .ok()
        .or_else(|| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok().map(|at| at.to_utc().into()))
        .or_else(|| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %#z").ok().map(|at| at.to_utc().into()))
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|at| at.and_utc().into()))
}

/// An id that has to be there.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
    let value = Value::deserialize(deserializer)?;
    id_of(&value).ok_or_else(|| de::Error::custom(format!("expected an id, found {}", shape(&value))))
}

/// An id, null or nothing.
pub(super) fn maybe_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        other => {
            id_of(other).map(Some).ok_or_else(|| de::Error::custom(format!("expected an id, found {}", shape(&value))))
        }
    }
}

/// Ids; null or nothing are none, and what is no id is passed over.
pub(super) fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Id>, D::Error> {
    let values = Option::<Vec<Value>>::deserialize(deserializer)?;
    Ok(values.into_iter().flatten().filter_map(|value| id_of(&value)).collect())
}

/// A time that has to be there.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let value = Value::deserialize(deserializer)?;
    time_of(&value).ok_or_else(|| de::Error::custom(format!("expected a time, found {}", shape(&value))))
}

/// A time; null, nothing and what can't be read are none.
pub(super) fn maybe_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(time_of(&Value::deserialize(deserializer)?))
}

/// A word that has to be there: a text or a number.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CompactString, D::Error> {
    let value = Value::deserialize(deserializer)?;
    word_of(&value).ok_or_else(|| de::Error::custom(format!("expected a word, found {}", shape(&value))))
}

/// A word; null, nothing and anything else are none.
pub(super) fn maybe_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CompactString>, D::Error> {
    Ok(word_of(&Value::deserialize(deserializer)?).filter(|word| !word.is_empty()))
}

/// A text; null, nothing and anything else are none.
pub(super) fn maybe_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}

/// Texts; null or nothing are none, and what is no text is passed over.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(texts_of(&Value::deserialize(deserializer)?))
}

/// The texts of a list, or the words of one text.
pub(super) fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A number that is small and not negative; null, nothing and anything else are none.
pub(super) fn maybe_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(id_of(&Value::deserialize(deserializer)?).and_then(|count| u32::try_from(count).ok()))
}

fn word_of(value: &Value) -> Option<CompactString> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_compact_string()),
        _ => None,
    }
}

/// What a value is, without its content, which may be a customer's.
pub(super) fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_in_all_forms_that_were_seen() {
        for (text, expected) in [
            ("2026-11-22T09:14:03Z", "2026-11-22T09:14:03Z"),
            ("2026-11-22T09:14:03+00:00", "2026-11-22T09:14:03Z"),
            ("2025-04-22 09:24:26+00:00", "2025-04-22T09:24:26Z"),
            ("2024-11-22 21:29:43 +0100", "2024-11-22T20:29:43Z"),
            ("2026-11-22T07:58:10.100000Z", "2026-11-22T07:58:10.100Z"),
            ("2026-12-20T06:18:03.261Z", "2026-12-20T06:18:03.261Z"),
            ("2026-11-22T08:00:02", "2026-11-22T08:00:02Z"),
            (" 2026-11-22T10:14:03+01:00", "2026-11-22T09:14:03Z"),
        ] {
            assert_eq!(parse_time(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "2026-11-22", "2026-13-22T09:14:03Z"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(time_of(&json!(1_795_338_843)).unwrap().to_string(), "2026-11-22T09:14:03Z");
        assert_eq!((time_of(&json!(-1)), time_of(&json!(i64::MAX)), time_of(&json!(null))), (None, None, None));
    }

    #[test]
    fn ids_as_numbers_and_strings() {
        assert_eq!(id_of(&json!(700_045)), Some(700_045));
        assert_eq!(id_of(&json!("700045")), Some(700_045));
        assert_eq!(id_of(&json!(-1)), Some(-1));
        for value in [json!(null), json!(""), json!("x"), json!([1]), json!(1.5), json!(u64::MAX)] {
            assert_eq!(id_of(&value), None, "{value}");
        }
    }
}
