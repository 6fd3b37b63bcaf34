//! What a check of a source found out, for `doctor`.

use std::time::Duration;

use super::{Quota, Skipped};
use crate::event::Timestamp;
use crate::length::Length;

/// A difference of clocks that falsifies waits, in seconds.
const SKEW: i64 = 30;
/// Records that can't be read are shown up to so many: they mostly are of one kind.
const SHOWN: usize = 3;

/// One line of what `doctor` found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be; `None` for a mere fact.
    pub good: Option<bool>,
    /// What was looked at.
    pub what: String,
    /// What it is.
    pub says: String,
    /// What to do, where it is not good.
    pub hint: Option<String>,
}

impl Finding {
    /// A mere fact.
    pub fn fact(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { good: None, what: what.into(), says: says.into(), hint: None }
    }

    /// Something that is as it should be.
    pub fn good(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self { good: Some(true), ..Self::fact(what, says) }
    }

    /// Something that is not, and what to do.
    pub fn bad(what: impl Into<String>, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { good: Some(false), hint: Some(hint.into()), ..Self::fact(what, says) }
    }

    /// How old the newest that a source tells of is.
    pub fn age(newest: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(at) = newest else { return Self::fact("age", "it tells of nothing dated yet") };
        let seconds = Duration::from_secs((now - at).num_seconds().unsigned_abs());
        let (age, when) = (Length(seconds), if at > now { "ahead" } else { "ago" });
        Self::fact("age", format!("the newest that it tells of is of {at}, {age} {when}"))
    }

    /// What the other side's clock shows.
    pub fn clock(there: Timestamp, now: Timestamp) -> Self {
        let skew = (there - now).num_seconds();
        let says = format!("{skew:+} s against this machine");
        if skew.abs() <= SKEW {
            return Self::good("clock", says);
        }
        Self::bad("clock", says, "waits are wrong by that: set both clocks")
    }

    /// What is left of the requests that the other side allows.
    pub fn quota(quota: Option<Quota>) -> Self {
        match quota {
            None => Self::fact("quota", "it tells of no limit"),
            Some(Quota { limit, remaining: 0, .. }) => {
                Self::bad("quota", format!("0 of {limit} requests left"), "wait until it fills up; who else uses it?")
            }
            Some(Quota { limit, remaining, .. }) => {
                Self::good("quota", format!("{remaining} of {limit} requests left"))
            }
        }
    }

    /// The first few records that can't be read, and how many more there are.
    pub fn skipped(skipped: Vec<Skipped>, total: u64, hint: &str) -> Vec<Self> {
        let shown = skipped.len().min(SHOWN);
        let mut findings: Vec<Self> =
            skipped.into_iter().take(SHOWN).map(|one| Self::bad(one.place, one.reason, hint)).collect();
        let more = total.saturating_sub(shown as u64);
        if more > 0 && shown > 0 {
            findings.push(Self { hint: None, ..Self::bad("and", format!("{more} more that can't be read"), "") });
        }
        findings
    }
}
