//! Ranges of time, and the days of one.

use chrono_tz::Tz;

use crate::event::Timestamp;
use crate::metrics::calendar::{local, midnight};

/// A half-open range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl Period {
    /// The days of a zone that it touches, cut at its ends, and each day's name.
    pub fn days(self, zone: Tz) -> Vec<(Self, String)> {
        let mut day = local(zone, self.from).date();
        let mut days = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let Some(next) = day.succ_opt() else { break };
            let to = midnight(zone, next).min(self.to);
            // A day that a zone left out has no instant.
            if from < to {
                days.push((Self { from, to }, day.to_string()));
                from = to;
            }
            day = next;
        }
        days
    }

    /// Whether an instant lies in the range of equal length just before.
    pub fn is_before(self, at: Timestamp) -> bool {
        at < self.from && at >= self.from - (self.to - self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_cut_at_the_ends_and_as_long_as_the_clocks_make_them() {
        let at = |text| Timestamp::parse(text).unwrap();
        let period = Period { from: at("2026-03-28T12:00:00Z"), to: at("2026-03-30T01:00:00Z") };
        let days = period.days(Tz::Europe__Berlin);
        let shown: Vec<_> =
            days.iter().map(|(day, name)| (name.as_str(), day.from.to_string(), day.to.to_string())).collect();
        let row = |name, from: &str, to: &str| (name, from.to_owned(), to.to_owned());
        assert_eq!(
            shown,
            [
                row("2026-03-28", "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"),
                row("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
                row("2026-03-30", "2026-03-29T22:00:00Z", "2026-03-30T01:00:00Z"),
            ]
        );
    }
}
