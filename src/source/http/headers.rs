//! What a vendor's headers say: when to come back, what is left of the quota, what time it is there.

use chrono::{DateTime, TimeDelta};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::event::Timestamp;
use crate::source::Quota;

/// A wait that a header asks for is believed up to a day.
const LONGEST_WAIT: i64 = 86_400;

/// Names of the headers for limit, remaining and reset, as several vendors spell them.
const QUOTA_NAMES: [[&str; 3]; 5] = [
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
    ["x-rate-limit", "x-rate-limit-remaining", "x-rate-limit-reset"],
    ["rate-limit", "rate-limit-remaining", "rate-limit-reset"],
    ["x-ratelimit-total", "x-ratelimit-remaining", "x-ratelimit-reset"],
];
/// A header that says `used/limit`.
const USED_OF_LIMIT: &str = "x-gorgias-account-api-call-limit";
/// What the names of headers begin with that say `total=100; remaining=99; resets=41` of one endpoint.
const OF_ENDPOINT: [&str; 2] = ["zendesk-ratelimit-", "zendesk-rate-limit-"];

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

/// When to come back after too many requests: when `Retry-After` says, else when the spent quota begins anew.
pub fn comes_back(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let latest = now + TimeDelta::seconds(LONGEST_WAIT);
    let anew = || quota(headers, now).filter(|quota| quota.remaining == 0)?.resets_at;
    retry_after(headers, now).or_else(|| anew().map(|at| at.clamp(now, latest)))
}

/// What is left of the quota, where limit and remaining are both told; of several, the one of which least is left.
pub fn quota(headers: &HeaderMap, now: Timestamp) -> Option<Quota> {
    let all = general(headers, now).into_iter().chain(of_endpoints(headers, now));
    all.min_by(|a, b| (a.remaining * b.limit.max(1)).cmp(&(b.remaining * a.limit.max(1))))
}

fn general(headers: &HeaderMap, now: Timestamp) -> Option<Quota> {
    let text = |name: &str| headers.get(name)?.to_str().ok()?.split([',', ';']).next().map(str::trim);
    let number = |name: &str| text(name)?.parse::<u32>().ok().map(u64::from);
    let by_names = QUOTA_NAMES.iter().find_map(|[limit, remaining, reset]| {
        let resets_at = text(reset).and_then(|reset| resets_at(reset, now));
        Some(Quota { limit: number(limit)?, remaining: number(remaining)?, resets_at })
    });
    by_names.or_else(|| {
        let (used, limit) = text(USED_OF_LIMIT)?.split_once('/')?;
        let (used, limit) = (used.trim().parse::<u32>().ok()?, limit.trim().parse::<u32>().ok()?);
        Some(Quota { limit: limit.into(), remaining: limit.saturating_sub(used).into(), resets_at: None })
    })
}

/// Seconds from now, or since 1970; some vendors give fractions.
fn resets_at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
    Some(if seconds < 1e9 {
        now + TimeDelta::seconds((seconds.ceil() as i64).min(LONGEST_WAIT))
    } else {
        Timestamp::from_millis((seconds.min(1e12) * 1000.0).ceil() as i64)
    })
}

/// The quotas of single endpoints.
fn of_endpoints(headers: &HeaderMap, now: Timestamp) -> impl Iterator<Item = Quota> {
    let named = headers.iter().filter(|(name, _)| OF_ENDPOINT.iter().any(|begin| name.as_str().starts_with(begin)));
    named.filter_map(move |(_, value)| {
        let text = value.to_str().ok()?;
        let part = |key: &str| text.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
        let number = |key: &str| part(key)?.trim().parse::<u32>().ok().map(u64::from);
        let resets_at = part("resets").and_then(|resets| resets_at(resets.trim(), now));
        Some(Quota { limit: number("total")?, remaining: number("remaining")?, resets_at })
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
            (vec![("x-ratelimit-total", "50"), ("x-ratelimit-remaining", "49")], left(50, 49, None)),
            (vec![("x-gorgias-account-api-call-limit", "10/40")], left(40, 30, None)),
            (vec![("x-gorgias-account-api-call-limit", "41/40")], left(40, 0, None)),
            (
                vec![
                    ("x-ratelimit-limit", "100"),
                    ("x-ratelimit-remaining", "40"),
                    ("x-ratelimit-reset", "1800000009.5"),
                    ("zendesk-ratelimit-tickets-index", "total=100; remaining=39; resets=41"),
                    ("zendesk-ratelimit-inflight-jobs", "total=30; remaining=30; resets=1"),
                ],
                left(100, 39, Some(1_800_000_041)),
            ),
            (vec![("zendesk-ratelimit-odd", "total=; remaining=x")], None),
            (vec![("ratelimit-limit", "many"), ("ratelimit-remaining", "3")], None),
            (vec![], None),
        ] {
            assert_eq!(quota(&headers(&pairs), now), expected, "{pairs:?}");
        }
    }

    #[test]
    fn who_is_told_no_wait_comes_back_when_the_quota_begins_anew() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let spent =
            [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000009.5")];
        assert_eq!(comes_back(&headers(&spent), now), Some(now + TimeDelta::milliseconds(9500)));
        let both = [&spent[..], &[("retry-after", "7")]].concat();
        assert_eq!(comes_back(&headers(&both), now), Some(now + TimeDelta::seconds(7)));
        let left = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "9")];
        assert_eq!(comes_back(&headers(&left), now), None, "another limit was hit than the one that is told");
        let past = [("x-ratelimit-limit", "1"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000009")];
        assert_eq!(comes_back(&headers(&past), now), Some(now));
    }

    #[test]
    fn the_servers_time() {
        let found = date(&headers(&[("date", "Sun, 22 Nov 2026 05:19:49 GMT")])).unwrap();
        assert_eq!(found.to_string(), "2026-11-22T05:19:49Z");
        assert_eq!(date(&headers(&[("date", "yesterday")])), None);
    }
}
