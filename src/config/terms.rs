//! Business hours and costs: what a report needs beside the events.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::file::{self, File};
use super::layers::Places;
use super::problem::Problem;
use super::zone;
use crate::metrics::calendar::{Calendars, Opening, Schedule};
use crate::metrics::history::{Business, Costs, Terms};
use crate::text::excerpt;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// Characters of a value that a message quotes.
const QUOTED: usize = 60;

/// Checks what is written of hours, costs and business.
pub(super) fn resolve(file: &File, places: &Places, system_zone: Tz, problems: &mut Vec<Problem>) -> Terms {
    let mut checker = Checker { places, system_zone, problems };
    Terms {
        calendars: checker.calendars(&file.hours),
        costs: checker.costs(&file.costs),
        business: checker.business(&file.business),
    }
}

struct Checker<'a> {
    places: &'a Places,
    system_zone: Tz,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, key: &str, what: impl Into<String>, hint: &str) {
        self.problems.push(Problem::new(self.places.of(key), what, hint));
    }

    fn calendars(&mut self, hours: &file::Hours) -> Calendars {
        let zone = if hours.zone.is_empty() { self.system_zone } else { self.zone("hours.zone", &hours.zone) };
        let holidays = self.holidays("hours.holidays", &hours.holidays);
        let file::Hours { monday, tuesday, wednesday, thursday, friday, saturday, sunday, .. } = hours;
        let week = self.week("hours", [monday, tuesday, wednesday, thursday, friday, saturday, sunday]);
        let mut calendars = Calendars::default();
        for (name, own) in &hours.team {
            let key = format!("hours.team.{name}");
            let file::TeamHours { monday, tuesday, wednesday, thursday, friday, saturday, sunday, .. } = own;
            let week = self.week(&key, [monday, tuesday, wednesday, thursday, friday, saturday, sunday]);
            if week.iter().all(Vec::is_empty) {
                self.problem(&key, format!("`{key}` has no opening hours"), "give it some: monday = [\"09:00-17:00\"]");
            }
            let zone = own.zone.as_ref().map_or(zone, |name| self.zone(&format!("{key}.zone"), name));
            let own_holidays = own.holidays.as_ref().map(|days| self.holidays(&format!("{key}.holidays"), days));
            let holidays = own_holidays.unwrap_or_else(|| holidays.clone());
            calendars.by_team.insert(name.clone(), Schedule { zone, week, holidays });
        }
        // Without any opening hours nothing is said, for a team that is never there has no durations.
        calendars.general = week.iter().any(|day| !day.is_empty()).then_some(Schedule { zone, week, holidays });
        calendars
    }

    fn zone(&mut self, key: &str, name: &str) -> Tz {
        zone::parse(name).unwrap_or_else(|error| {
            let (what, hint) = error.split_once("\n  ").unwrap_or((&error, ""));
            self.problem(key, format!("`{key}`: {what}"), hint);
            self.system_zone
        })
    }

    fn holidays(&mut self, key: &str, days: &[String]) -> BTreeSet<NaiveDate> {
        let mut found = BTreeSet::new();
        for day in days {
            match day.parse() {
                Ok(day) => {
                    found.insert(day);
                }
                Err(_) => self.problem(
                    key,
                    format!("`{key}`: {} is not a day", excerpt(day, QUOTED)),
                    "write year, month and day: \"2026-12-25\"",
                ),
            }
        }
        found
    }

    fn week(&mut self, key: &str, days: [&Vec<String>; 7]) -> [Vec<Opening>; 7] {
        let mut week: [Vec<Opening>; 7] = Default::default();
        for ((day, name), written) in week.iter_mut().zip(WEEKDAYS).zip(days) {
            let key = format!("{key}.{name}");
            for text in written {
                match opening(text) {
                    Some(opening) => day.push(opening),
                    None => self.problem(
                        &key,
                        format!("`{key}`: {} is no opening hours", excerpt(text, QUOTED)),
                        "write two times of a day, the earlier first: \"09:00-17:30\"; a night is \"22:00-24:00\" and, \
                         on the next day, \"00:00-06:00\"",
                    ),
                }
            }
            day.sort_unstable();
            if day.windows(2).any(|pair| pair[1].0 < pair[0].1) {
                self.problem(&key, format!("`{key}`: the opening hours overlap"), "write them as one");
            }
        }
        week
    }

    fn costs(&mut self, costs: &file::Costs) -> Option<Costs> {
        let file::Costs { hourly, fixed_per_month, agent } = costs;
        self.amount("costs.hourly", *hourly);
        self.amount("costs.fixed_per_month", Some(*fixed_per_month));
        for (name, hourly) in agent {
            self.amount(&format!("costs.agent.{name}"), Some(*hourly));
        }
        let by_agent = agent.iter().map(|(name, hourly)| (name.clone(), *hourly)).collect();
        (*costs != file::Costs::default()).then_some(Costs {
            hourly: *hourly,
            by_agent,
            fixed_per_month: *fixed_per_month,
        })
    }

    fn business(&mut self, business: &file::Business) -> Business {
        let file::Business { gross_margin, customers, training_days } = *business;
        self.amount("business.training_days", training_days);
        Business { gross_margin, customers, training_days }
    }

    fn amount(&mut self, key: &str, amount: Option<f64>) {
        if let Some(amount) = amount.filter(|amount| !(0.0..=1e12).contains(amount)) {
            self.problem(key, format!("`{key}` is {amount}"), "it is a number from 0 on");
        }
    }
}

/// Two times of a day.
fn opening(text: &str) -> Option<Opening> {
    let (opens, closes) = text.split_once('-')?;
    let (opens, closes) = (minute(opens.trim())?, minute(closes.trim())?);
    (opens < closes).then_some((opens, closes))
}

/// A time of a day, in minutes; 24:00 is its end.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}
