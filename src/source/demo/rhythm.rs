//! How busy the world is: a day's curve in each of three regions, lighter at weekends.

use crate::event::Timestamp;

pub(super) const SECOND: i64 = 1000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// A part of the world whose customers and agents share a clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Region {
    /// What its teams are called by.
    pub(super) name: &'static str,
    /// Hours its clock is ahead of UTC.
    pub(super) ahead: i64,
    /// Its part of the demand.
    pub(super) weight: f64,
}

pub(super) const REGIONS: [Region; 3] = [
    Region { name: "Europe", ahead: 1, weight: 0.44 },
    Region { name: "Americas", ahead: -4, weight: 0.34 },
    Region { name: "Asia", ahead: 6, weight: 0.22 },
];

/// Demand by local hour: late morning and afternoon are the peaks.
const HOURLY: [f64; 24] = [
    0.10, 0.06, 0.05, 0.04, 0.05, 0.08, 0.16, 0.34, 0.62, 0.86, 1.00, 1.00, 0.88, 0.84, 0.95, 0.98, 0.90, 0.76, 0.60,
    0.52, 0.46, 0.36, 0.25, 0.16,
];

/// The sum over the regions at its highest, so that a busy Tuesday afternoon is about 1.
const PEAK: f64 = 0.86;

/// Monday 0 to Sunday 6.
pub(super) fn weekday(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

impl Region {
    /// The local day that holds the instant, counted from 1970-01-01.
    pub(super) fn day(self, at: i64) -> i64 {
        (at + self.ahead * HOUR).div_euclid(DAY)
    }

    /// When that local day begins.
    pub(super) fn midnight(self, day: i64) -> i64 {
        day * DAY - self.ahead * HOUR
    }

    /// Its part of the demand at that moment.
    pub(super) fn demand(self, at: i64) -> f64 {
        let hours = (at + self.ahead * HOUR).rem_euclid(DAY) as f64 / HOUR as f64;
        let (hour, part) = (hours as usize % 24, hours.fract());
        let curve = HOURLY[hour] * (1.0 - part) + HOURLY[(hour + 1) % 24] * part;
        let week = [1.06, 1.0, 0.97, 0.97, 0.95, 0.66, 0.6][weekday(self.day(at))];
        self.weight * week * curve
    }
}

/// How busy the desk is: about 1 on a weekday afternoon, a third of it at night.
pub(super) fn level(at: Timestamp) -> f64 {
    REGIONS.iter().map(|region| region.demand(at.millis())).sum::<f64>() / PEAK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn afternoons_are_busy_nights_quiet_and_weekends_lighter() {
        let tuesday = level(at("2026-11-17T15:00:00Z"));
        let night = level(at("2026-11-17T04:00:00Z"));
        let sunday = level(at("2026-11-22T15:00:00Z"));
        assert!((0.9..1.1).contains(&tuesday), "{tuesday}");
        assert!((0.2..0.5).contains(&night), "{night}");
        assert!(sunday < 0.75 * tuesday, "{sunday}");
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        assert_eq!(weekday(REGIONS[0].day(at("2026-11-22T12:00:00Z").millis())), 6);
        assert_eq!(weekday(REGIONS[2].day(at("2026-11-22T19:00:00Z").millis())), 0, "already Monday in Asia");
    }
}
