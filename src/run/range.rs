//! The range of time that a report is asked for.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::cli;
use super::failure::Failure;
use crate::event::Timestamp;
use crate::length;
use crate::metrics::calendar::{local, midnight};

/// What is said of a range; an end that is not said depends on what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    since: Option<TimeDelta>,
}

impl Range {
    /// Reads the flags; `now` is what a last week is counted from.
    pub fn of(flags: &cli::Report, zone: Tz, now: Timestamp) -> Result<Self, Failure> {
        if flags.last_week {
            let today = local(zone, now).date();
            let monday = today - TimeDelta::days(i64::from(today.weekday().num_days_from_monday()));
            return Ok(Self::between(zone, monday - TimeDelta::days(7), monday));
        }
        if let Some(text) = &flags.month {
            let first: Option<NaiveDate> = format!("{text}-01").parse().ok();
            let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
            return match (first, next) {
                (Some(first), Some(next)) => Ok(Self::between(zone, first, next)),
                _ => Err(Failure::usage(format!("--month {text}: not a month\n  write it as year and month: 2026-10"))),
            };
        }
        let time = |flag, text: &Option<String>| text.as_deref().map(|text| time(flag, text, zone)).transpose();
        let since = flags.since.as_deref().map(|text| {
            let length = length::parse(text).map_err(|error| Failure::usage(format!("--since {text}: {error}")))?;
            Ok::<_, Failure>(TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX))
        });
        let range =
            Self { from: time("--from", &flags.from)?, to: time("--to", &flags.to)?, since: since.transpose()? };
        range.check(zone)?;
        Ok(range)
    }

    fn between(zone: Tz, from: NaiveDate, to: NaiveDate) -> Self {
        Self { from: Some(midnight(zone, from)), to: Some(midnight(zone, to)), since: None }
    }

    /// The same, but not beyond `now`: what is to come is not known, and nobody has been online in it.
    pub fn not_beyond(self, now: Timestamp) -> Self {
        Self { to: self.to.map(|to| to.min(now)), ..self }
    }

    /// The first instant after the range, where it is said.
    pub fn to(&self) -> Option<Timestamp> {
        self.to
    }

    /// Both ends: what is not said is that of `span`, the first and the last instant of what was read.
    pub fn ends(self, span: Option<(Timestamp, Timestamp)>, zone: Tz) -> Result<(Timestamp, Timestamp), Failure> {
        let just_after = |last: Timestamp| last + TimeDelta::milliseconds(1);
        let to = self.to.or(span.map(|(_, last)| just_after(last)));
        let from = self.from.or_else(|| Some(to? - self.since?)).or(span.map(|(first, _)| first));
        let (Some(from), Some(to)) = (from, to) else {
            return Err(Failure::usage(
                "nothing that was read says when it happened\n  give the range: --from and --to",
            ));
        };
        Self { from: Some(from), to: Some(to), since: None }.check(zone)?;
        Ok((from, to))
    }

    fn check(&self, zone: Tz) -> Result<(), Failure> {
        let (Some(from), Some(to)) = (self.from, self.to) else { return Ok(()) };
        if from < to {
            return Ok(());
        }
        let shown = |at: Timestamp| at.to_utc().with_timezone(&zone).to_rfc3339();
        Err(Failure::usage(format!(
            "the range is empty: it begins at {} and ends before {}\n  --from is the first instant, --to the first one \
             after the range; a day is meant as its midnight in --tz",
            shown(from),
            shown(to)
        )))
    }
}

fn time(flag: &str, text: &str, zone: Tz) -> Result<Timestamp, Failure> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(midnight(zone, day));
    }
    Timestamp::parse(text).map_err(|error| {
        Failure::usage(format!(
            "{flag} {text}: not a time: {error}\n  give a day, such as 2026-03-02, or RFC 3339 with a zone, such as \
             2026-03-02T09:15:00+01:00"
        ))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::run::cli::{Cli, Command};

    /// Wednesday, 1 April 2026, 10:00 in Berlin.
    const NOW: &str = "2026-04-01T08:00:00Z";

    fn ends(line: &str) -> Result<(String, String), String> {
        let cli = Cli::try_parse_from(["helptop", "report"].into_iter().chain(line.split_whitespace())).unwrap();
        let Some(Command::Report(flags)) = cli.command else { panic!("not report") };
        let at = |text| Timestamp::parse(text).unwrap();
        let span = Some((at("2026-01-05T00:00:00Z"), at("2026-03-31T12:00:00Z")));
        let zone = Tz::Europe__Berlin;
        let range = Range::of(&flags, zone, at(NOW)).and_then(|range| range.ends(span, zone));
        range.map(|(from, to)| (from.to_string(), to.to_string())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn every_way_to_say_a_range_gives_its_two_ends() {
        for (line, from, to) in [
            ("", "2026-01-05T00:00:00Z", "2026-03-31T12:00:00.001Z"),
            ("--from 2026-03-29 --to 2026-03-30", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("--from 2026-03-02T09:15:00Z --to 2026-03-03", "2026-03-02T09:15:00Z", "2026-03-02T23:00:00Z"),
            ("--from 2026-03-01", "2026-02-28T23:00:00Z", "2026-03-31T12:00:00.001Z"),
            ("--since 7d", "2026-03-24T12:00:00.001Z", "2026-03-31T12:00:00.001Z"),
            ("--since 1h30m --to 2026-03-02T09:00:00Z", "2026-03-02T07:30:00Z", "2026-03-02T09:00:00Z"),
            ("--last-week", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("--month 2026-02", "2026-01-31T23:00:00Z", "2026-02-28T23:00:00Z"),
            ("--month 2025-12", "2025-11-30T23:00:00Z", "2025-12-31T23:00:00Z"),
        ] {
            assert_eq!(ends(line), Ok((from.to_owned(), to.to_owned())), "{line}");
        }
    }

    #[test]
    fn the_month_that_goes_on_ends_now() {
        let ends = |from: &str, to: &str| {
            let [from, to] = [from, to].map(|text| Some(Timestamp::parse(text).unwrap()));
            let range = Range { from, to, since: None }.not_beyond(Timestamp::parse(NOW).unwrap());
            range.ends(None, Tz::UTC).map(|(_, to)| to.to_string()).map_err(|failure| failure.to_string())
        };
        assert_eq!(ends("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"), Ok(NOW.to_owned()));
        assert_eq!(ends("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), Ok("2026-03-02T00:00:00Z".to_owned()));
        assert!(ends("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z").unwrap_err().contains("empty"));
    }

    #[test]
    fn what_is_no_range_is_refused_with_words() {
        for (line, words) in [
            ("--from 2026-03-02 --to 2026-03-02", "the range is empty"),
            ("--from 2026-05-01", "the range is empty"),
            ("--from yesterday", "--from yesterday: not a time"),
            ("--to 2026-03-02T09:00:00", "--to 2026-03-02T09:00:00: not a time"),
            ("--month 2026-13", "--month 2026-13: not a month"),
            ("--month march", "not a month"),
            ("--since 7", "--since 7: `7` is not a length of time"),
        ] {
            let error = ends(line).unwrap_err();
            assert!(error.contains(words) && error.contains(['\n', '`']), "{line}: {error}");
        }
    }
}
