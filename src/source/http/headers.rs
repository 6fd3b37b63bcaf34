//! What a vendor's headers say: when to come back, what is left of the quota, what time it is there.

use chrono::{DateTime, TimeDelta};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::event::Timestamp;
use crate::source::Quota;

/// A wait that a header asks for is believed up to a day.
const LONGEST_WAIT: i64 = 86_400;

/// Names of the headers for limit, remaining and reset, as several vendors spell them.
const QUOTA_NAMES: [[&str; 3]; 4] = [
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
    ["x-rate-limit", "x-rate-limit-remaining", "x-rate-limit-reset"],
    ["rate-limit", "rate-limit-remaining", "rate-limit-reset"],
];

/// When `Retry-After` says to come back: seconds, or an HTTP date; never before `now`, never later than a day.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => seconds.ceil() as i64,
        Ok(_) => return None,
        Err(_) => (http_date(text)? - now).num_seconds(),
    };
    Some(now + TimeDelta::seconds(seconds.clamp(0, LONGEST_WAIT)))
}

/// What is left of the quota, where limit and remaining are both told.
pub fn quota(headers: &HeaderMap, now: Timestamp) -> Option<Quota> {
    let number = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        text.split([',', ';']).next()?.trim().parse::<u64>().ok()
    };
    QUOTA_NAMES.iter().find_map(|[limit, remaining, reset]| {
        let resets_at = number(reset).map(|reset| match i64::try_from(reset).unwrap_or(i64::MAX) {
            seconds if seconds < 1_000_000_000 => now + TimeDelta::seconds(seconds.min(LONGEST_WAIT)),
            epoch => Timestamp::from_millis(epoch.saturating_mul(1000)),
        });
        Some(Quota { limit: number(limit)?, remaining: number(remaining)?, resets_at })
    })
}

/// The server's own time, whole seconds.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text).ok().map(|at| Timestamp::from(at.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn retry_after_as_seconds_or_date() {
        let now = Timestamp::parse("2026-11-22T12:00:00.500Z").unwrap();
        for (text, wait) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("1.2", Some(2)),
            ("-5", Some(0)),
            ("99999999999999999999", Some(86_400)),
            ("inf", None),
            ("soon", None),
            ("", None),
            ("Sun, 22 Nov 2026 12:01:01 GMT", Some(60)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(0)),
        ] {
            let found = retry_after(&headers(&[("retry-after", text)]), now);
            assert_eq!(found, wait.map(|seconds| now + TimeDelta::seconds(seconds)), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn quota_in_several_spellings() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let left = |limit, remaining, resets: Option<i64>| {
            Some(Quota { limit, remaining, resets_at: resets.map(|s| Timestamp::from_millis(s * 1000)) })
        };
        for (pairs, expected) in [
            (
                vec![("ratelimit-limit", "700"), ("ratelimit-remaining", "699"), ("ratelimit-reset", "30")],
                left(700, 699, Some(1_800_000_030)),
            ),
            (
                vec![
                    ("x-ratelimit-limit", "5000, 5000;w=3600"),
                    ("x-ratelimit-remaining", "12"),
                    ("x-ratelimit-reset", "1800000100"),
                ],
                left(5000, 12, Some(1_800_000_100)),
            ),
            (vec![("x-rate-limit", "400"), ("x-rate-limit-remaining", "0")], left(400, 0, None)),
            (vec![("x-rate-limit", "400")], None),
            (vec![("ratelimit-limit", "many"), ("ratelimit-remaining", "3")], None),
            (vec![], None),
        ] {
            assert_eq!(quota(&headers(&pairs), now), expected, "{pairs:?}");
        }
    }

    #[test]
    fn the_servers_time() {
        let found = date(&headers(&[("date", "Sun, 22 Nov 2026 05:19:49 GMT")])).unwrap();
        assert_eq!(found.to_string(), "2026-11-22T05:19:49Z");
        assert_eq!(date(&headers(&[("date", "yesterday")])), None);
    }
}
