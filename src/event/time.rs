//! Instants of the event stream: whole milliseconds since the Unix epoch.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Kept with its sign bit turned over, so that unsigned order is the order of time, and never 0, so that "no instant"
/// takes no room of its own: a desk remembers millions of these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(NonZeroU64);

const SIGN: u64 = 1 << 63;

impl Timestamp {
    /// Before every instant a stream can name.
    pub const MIN: Self = Self::from_millis(i64::MIN / 4);
    /// After every instant a stream can name.
    pub const MAX: Self = Self::from_millis(i64::MAX / 4);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        match NonZeroU64::new(millis as u64 ^ SIGN) {
            Some(kept) => Self(kept),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        (self.0.get() ^ SIGN) as i64
    }

    /// Reads RFC 3339 with a zone; digits below a millisecond are cut off.
    pub fn parse(text: &str) -> Result<Self, chrono::ParseError> {
        if let Some(instant) = Self::parse_usual(text.as_bytes()) {
            return Ok(instant);
        }
        DateTime::parse_from_rfc3339(text).map(|t| Self::from_millis(t.timestamp_millis()))
    }

    /// The form that nearly all instants of a stream have, `2026-03-02T09:15:04Z` with or without milliseconds, at a
    /// fraction of the cost.
    fn parse_usual(text: &[u8]) -> Option<Self> {
        let (seconds, millis) = match text {
            [seconds @ .., b'.', a, b, c, b'Z'] if seconds.len() == 19 => (seconds, number(&[*a, *b, *c])?),
            [seconds @ .., b'Z'] if seconds.len() == 19 => (seconds, 0),
            _ => return None,
        };
        let [date @ .., b'T', h1, h2, b':', m1, m2, b':', s1, s2] = seconds else { return None };
        let [year @ .., b'-', month1, month2, b'-', day1, day2] = date else { return None };
        let date = NaiveDate::from_ymd_opt(
            number(year)? as i32,
            number(&[*month1, *month2])? as u32,
            number(&[*day1, *day2])? as u32,
        )?;
        let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = i64::from(date.to_epoch_days());
        Some(Self::from_millis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
    }

    /// As a calendar instant, for formatting in a zone.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis()).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Whole seconds from `earlier` to this instant; 0 when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        ((self.millis() - earlier.millis()) / 1000).max(0)
    }
}

/// A number of nothing but digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_millis(at.timestamp_millis())
    }
}

impl Sub for Timestamp {
    type Output = TimeDelta;
    fn sub(self, earlier: Self) -> TimeDelta {
        TimeDelta::milliseconds(self.millis().saturating_sub(earlier.millis()))
    }
}

impl Add<TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, span: TimeDelta) -> Self {
        Self::from_millis(self.millis().saturating_add(span.num_milliseconds()))
    }
}

impl Sub<TimeDelta> for Timestamp {
    type Output = Self;
    fn sub(self, span: TimeDelta) -> Self {
        Self::from_millis(self.millis().saturating_sub(span.num_milliseconds()))
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::from_millis(0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.millis()).finish()
    }
}

/// RFC 3339 in UTC; milliseconds only where there are some.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = if self.millis().rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.to_utc().to_rfc3339_opts(precision, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_milliseconds_and_drops_the_rest() {
        let t = Timestamp::parse("2026-03-02T10:15:04.250999+01:00").unwrap();
        assert_eq!(t.to_string(), "2026-03-02T09:15:04.250Z");
        let whole = Timestamp::parse("2026-03-02T09:15:04Z").unwrap();
        assert_eq!(whole.to_string(), "2026-03-02T09:15:04Z");
        assert_eq!((t - whole).num_milliseconds(), 250);
    }

    #[test]
    fn instants_are_in_order_on_both_sides_of_1970_and_none_takes_no_room() {
        let millis = [i64::MIN + 1, i64::MIN / 4, -1, 0, 1, 1_800_000_000_000, i64::MAX];
        let instants = millis.map(Timestamp::from_millis);
        assert_eq!(instants.map(Timestamp::millis), millis);
        assert!(instants.is_sorted());
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<Timestamp>());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(5000))]

        #[test]
        fn the_usual_form_is_read_as_every_other(
            text in "(0000|1970|1999|2000|2026|2100)-[01][0-9]-[0-3][0-9]T[012][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{3})?Z"
        ) {
            let read = DateTime::parse_from_rfc3339(&text).ok().map(|at| Timestamp::from_millis(at.timestamp_millis()));
            if let Some(usual) = Timestamp::parse_usual(text.as_bytes()) {
                proptest::prop_assert_eq!(Some(usual), read);
            } else {
                // A leap second, or no time at all.
                proptest::prop_assert!(read.is_none() || text.contains(":60"));
            }
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        assert!(Timestamp::parse("2026-03-02T09:15:04").is_err());
        assert!(Timestamp::parse("1709370904").is_err());
    }
}
