//! Business hours: which part of a time lies inside opening hours.

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::desk::{Desk, TeamIx};
use crate::event::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Opening hours are laid out for at most so many years before the end of a range: a line dated in the year 1 must
/// not cost a million days.
const MOST_YEARS: i64 = 40;
/// The widest step of a zone's clock: Samoa left out a whole day.
const WIDEST_GAP_MINUTES: i64 = 48 * 60;

/// The instant at which a zone's clocks show a local time: the first of two where they go through it twice, the first
/// moment after the gap where they skip it. Every local time of the program is turned into an instant here.
pub fn instant_at(zone: Tz, local: NaiveDateTime) -> Timestamp {
    let step = |minutes| local.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(local);
    let shown = (0..=WIDEST_GAP_MINUTES).find_map(|minutes| zone.from_local_datetime(&step(minutes)).earliest());
    shown.map_or_else(|| local.and_utc().into(), |at| at.to_utc().into())
}

/// The first instant of a day.
pub fn midnight(zone: Tz, day: NaiveDate) -> Timestamp {
    instant_at(zone, day.and_time(NaiveTime::MIN))
}

/// What a zone's calendar and clock show at an instant.
pub fn local(zone: Tz, at: Timestamp) -> NaiveDateTime {
    at.to_utc().with_timezone(&zone).naive_local()
}

/// From when to when somebody is there, in minutes of the local day; the end is at most 24:00.
pub type Opening = (u16, u16);

/// The opening hours of a week, and the days on which they don't hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Whose clock counts.
    pub zone: Tz,
    /// By weekday from Monday on.
    pub week: [Vec<Opening>; 7],
    /// Closed all day.
    pub holidays: BTreeSet<NaiveDate>,
}

/// The schedules of the config.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendars {
    /// Where no team's own is said; the wall clock when there is none.
    pub general: Option<Schedule>,
    /// By the team's id or display name.
    pub by_team: HashMap<String, Schedule>,
}

/// A schedule laid out on the line of time, so that the open part of any span is two look-ups away.
#[derive(Debug)]
struct Layout {
    /// Opening, closing, and what was open before it, in milliseconds; in order, without overlap.
    spans: Vec<(i64, i64, i64)>,
}

impl Layout {
    fn new(schedule: &Schedule, from: Timestamp, to: Timestamp) -> Self {
        let mut day = local(schedule.zone, from.max(to - TimeDelta::days(MOST_YEARS * 366))).date();
        let last_day = local(schedule.zone, to).date();
        let mut layout = Self { spans: Vec::new() };
        while day <= last_day {
            if !schedule.holidays.contains(&day) {
                for &(opens, closes) in &schedule.week[day.weekday().num_days_from_monday() as usize] {
                    layout.open(at_minute(schedule.zone, day, opens), at_minute(schedule.zone, day, closes));
                }
            }
            let Some(next) = day.succ_opt() else { break };
            day = next;
        }
        layout
    }

    /// Adds a span after all others; clocks that are set back make it begin where the last one ended.
    fn open(&mut self, from: Timestamp, to: Timestamp) {
        let last = self.spans.last().copied().unwrap_or((i64::MIN, i64::MIN, 0));
        let (from, to) = (from.millis().max(last.1), to.millis());
        if from < to {
            let before = last.2 + if self.spans.is_empty() { 0 } else { last.1 - last.0 };
            self.spans.push((from, to, before));
        }
    }

    /// What was open up to an instant.
    fn open_until(&self, at: Timestamp) -> i64 {
        let begun = self.spans.partition_point(|span| span.0 <= at.millis());
        let Some((from, to, before)) = begun.checked_sub(1).map(|i| self.spans[i]) else { return 0 };
        before + at.millis().min(to) - from
    }
}

fn at_minute(zone: Tz, day: NaiveDate, minute: u16) -> Timestamp {
    let days = TimeDelta::days(i64::from(minute / DAY));
    let start = day.checked_add_signed(days).unwrap_or(day).and_time(NaiveTime::MIN);
    instant_at(zone, start + TimeDelta::minutes(i64::from(minute % DAY)))
}

/// Measures durations by the calendars: each by that of the conversation's team at the moment it completes.
#[derive(Debug)]
pub struct Measure {
    layouts: Vec<Layout>,
    general: Option<usize>,
    by_team: HashMap<TeamIx, usize>,
}

impl Measure {
    /// For durations between two instants of a desk.
    pub fn new(calendars: &Calendars, desk: &Desk, from: Timestamp, to: Timestamp) -> Self {
        let mut measure = Self { layouts: Vec::new(), general: None, by_team: HashMap::new() };
        let mut lay_out = |schedule: &Schedule| {
            measure.layouts.push(Layout::new(schedule, from, to));
            measure.layouts.len() - 1
        };
        measure.general = calendars.general.as_ref().map(&mut lay_out);
        let own: HashMap<&str, usize> =
            calendars.by_team.iter().map(|(name, schedule)| (name.as_str(), lay_out(schedule))).collect();
        for (i, team) in desk.teams().iter().enumerate() {
            let found = own.get(team.id.as_str()).or_else(|| own.get(&*team.name()));
            measure.by_team.extend(found.map(|&layout| (TeamIx(i as u32), layout)));
        }
        measure
    }

    /// The length of a span in milliseconds, or its part inside opening hours; 0 where it ends before it begins.
    pub fn millis(&self, team: Option<TeamIx>, from: Timestamp, to: Timestamp) -> i64 {
        if to <= from {
            return 0;
        }
        let own = team.and_then(|team| self.by_team.get(&team).copied());
        match own.or(self.general) {
            Some(layout) => self.layouts[layout].open_until(to) - self.layouts[layout].open_until(from),
            None => (to - from).num_milliseconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn time(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    /// Every day from 9 to 17, and on Sundays from 1 to 4 in the night, in Berlin; the first of May is a holiday.
    fn layout() -> Layout {
        let mut week: [Vec<Opening>; 7] = std::array::from_fn(|_| vec![(9 * 60, 17 * 60)]);
        week[6] = vec![(60, 4 * 60), (22 * 60, DAY)];
        let holidays = ["2026-05-01".parse().unwrap()].into();
        let schedule = Schedule { zone: Tz::Europe__Berlin, week, holidays };
        Layout::new(&schedule, at("2026-03-01T00:00:00Z"), at("2026-12-31T00:00:00Z"))
    }

    fn hours(from: &str, to: &str) -> f64 {
        let layout = layout();
        (layout.open_until(at(to)) - layout.open_until(at(from))) as f64 / 3_600_000.0
    }

    #[test]
    fn clocks_that_skip_or_repeat_an_hour_show_one_instant() {
        let berlin = Tz::Europe__Berlin;
        // 29 March 2026: 02:00 becomes 03:00 at 01:00Z. 25 October 2026: 03:00 becomes 02:00 at 01:00Z.
        for (local, instant) in [
            ("2026-03-29T01:59:00", "2026-03-29T00:59:00Z"),
            ("2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T02:10:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
            ("2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
        ] {
            assert_eq!(instant_at(berlin, time(local)), at(instant), "{local}");
        }
        // Beirut skips the midnight of 29 March 2026; Apia had no 30 December 2011 at all.
        assert_eq!(midnight(Tz::Asia__Beirut, "2026-03-29".parse().unwrap()), at("2026-03-28T22:00:00Z"));
        let apia = Tz::Pacific__Apia;
        assert_eq!(midnight(apia, "2011-12-30".parse().unwrap()), midnight(apia, "2011-12-31".parse().unwrap()));
    }

    #[test]
    fn only_the_open_part_of_a_span_counts() {
        // Monday 2 March 2026, 16:00 to Tuesday 10:00 in Berlin (UTC+1): an hour each.
        assert!((hours("2026-03-02T15:00:00Z", "2026-03-03T09:00:00Z") - 2.0).abs() < 1e-9);
        // In the night: nothing.
        assert!(hours("2026-03-02T20:00:00Z", "2026-03-03T05:00:00Z").abs() < 1e-9);
        // The holiday on Friday: Thursday 16:00 to Saturday 10:00 (UTC+2).
        assert!((hours("2026-04-30T14:00:00Z", "2026-05-02T08:00:00Z") - 2.0).abs() < 1e-9);
        // Open up to midnight.
        assert!((hours("2026-03-08T12:00:00Z", "2026-03-09T07:00:00Z") - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_day_on_which_clocks_change_is_as_long_as_it_is() {
        // Open 01:00–04:00 on the Sundays of the change: two hours in March, four in October.
        assert!((hours("2026-03-28T22:00:00Z", "2026-03-29T10:00:00Z") - 2.0).abs() < 1e-9);
        assert!((hours("2026-10-24T20:00:00Z", "2026-10-25T10:00:00Z") - 4.0).abs() < 1e-9);
    }
}
