//! Lengths of time as people write them: `15s`, `5m`, `1h30m`, `30d`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A length of time in the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub Duration);

/// Reads numbers each followed by w, d, h, m, s or ms, largest unit first.
pub fn parse(text: &str) -> Result<Duration, String> {
    read(text.trim()).map(Duration::from_millis).ok_or_else(|| {
        format!(
            "`{text}` is not a length of time: write numbers with units, such as \"15s\", \"5m\", \"1h30m\" or \"30d\""
        )
    })
}

fn read(text: &str) -> Option<u64> {
    let (mut rest, mut total, mut last_unit) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let millis = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        if millis >= last_unit {
            return None;
        }
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(millis)?)?;
        (rest, last_unit) = (tail, millis);
    }
    (last_unit != u64::MAX).then_some(total)
}

/// In the fewest units; `0s` for nothing.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in UNITS.into_iter().skip(1) {
            let count = rest / u128::from(millis);
            rest %= u128::from(millis);
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Length;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as \"15s\", \"5m\", \"1h30m\" or \"30d\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Length, E> {
                parse(text).map(Length).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl JsonSchema for Length {
    fn schema_name() -> Cow<'static, str> {
        "Length".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^([0-9]+(w|d|h|ms|m|s))+$", "examples": ["15s", "5m", "1h30m", "30d"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written() {
        for (text, seconds, written) in [
            ("15s", 15.0, "15s"),
            ("5m", 300.0, "5m"),
            ("1h30m", 5400.0, "1h30m"),
            ("30d", 2_592_000.0, "30d"),
            ("2w", 1_209_600.0, "14d"),
            ("90s", 90.0, "1m30s"),
            ("1m500ms", 60.5, "1m500ms"),
            ("0d", 0.0, "0s"),
            (" 7d ", 604_800.0, "7d"),
        ] {
            let length = parse(text).unwrap();
            assert!((length.as_secs_f64() - seconds).abs() < 1e-9, "{text}");
            assert_eq!(Length(length).to_string(), written);
            assert_eq!(parse(written), Ok(length));
        }
    }

    #[test]
    fn what_is_no_length_is_refused_with_examples() {
        for text in
            ["", "15", "s", "5 m", "-5m", "1.5h", "5min", "5m1h", "5m5m", "99999999999999999999d", "999999999999999w"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains(&format!("`{text}`")) && error.contains("1h30m"), "{error}");
        }
    }
}
