//! The page of the last days: every figure with its change, day by day, hour by hour of the week, and by group.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, TimeDelta, Timelike};
use chrono_tz::Tz;

use super::{Span, Standpoint};
use crate::event::Timestamp;
use crate::metrics::calendar::{instant_at, local, midnight};
use crate::metrics::history::{Better, Figures, Filter, Grouping, History, Query, Report, Row, Value};

/// Bars by day reach back at least so many days.
const BARS: u16 = 14;
/// A period before the range is compared with when at most one in so many parts of it lies before all that is kept.
const MISSING: i32 = 20;
/// What a lead looks at first; the others follow in the order of the registry.
const FIRST: [&str; 14] = [
    "new",
    "resolved",
    "backlog",
    "first_response_time",
    "response_time",
    "resolution_time",
    "csat",
    "sla_met",
    "reopened",
    "fcr",
    "closed",
    "handling_time",
    "worked",
    "online_time",
];
/// Of figures by name, so many names are shown.
const NAMES: usize = 5;

/// The page of the last days.
#[derive(Debug, Clone)]
pub struct OverviewPage {
    /// How many days; 1 = today.
    pub days: u16,
    /// The range: the last of the days ends now.
    pub range: Span,
    /// What it is compared with: as many days before, up to the same time of day; `None` where that is not kept.
    pub before: Option<Span>,
    /// Whose days and hours count.
    pub zone: Tz,
    /// The first instant from which what happened is kept whole.
    pub begins_at: Option<Timestamp>,
    /// Whether all of the past is told that was asked for: what is not may be of any of these days.
    pub is_told: bool,
    /// Every figure, those that are looked at first first.
    pub figures: Vec<OverviewFigure>,
    /// New conversations by weekday, Monday first, and hour; `None` for hours that the range does not hold.
    pub heat: Heat,
    /// What `groups` are.
    pub by: Option<Grouping>,
    /// The groups, those with most to do first.
    pub groups: Vec<OverviewGroup>,
}

/// A number for each hour of the week.
pub type Heat = [[Option<u64>; 24]; 7];

/// A figure of the page.
#[derive(Debug, Clone)]
pub struct OverviewFigure {
    /// Which.
    pub row: &'static Row,
    /// The name, currency or target that it is of, where the row has several.
    pub part: Option<Arc<str>>,
    /// In the range.
    pub value: Value,
    /// In the period before; `None` where that is not known.
    pub before: Option<Value>,
    /// Day by day, the last one today; `None` where nothing is kept or nothing was counted.
    pub daily: Vec<Option<f64>>,
}

/// A group of the table.
#[derive(Debug, Clone)]
pub struct OverviewGroup {
    /// Its source, where several are read and names are ids.
    pub source: Option<String>,
    /// Its display name.
    pub name: String,
    /// Its figures, without days.
    pub figures: Vec<OverviewFigure>,
}

/// By how much a figure differs from what it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// As a part of what it was.
    Part(f64),
    /// In points of a hundred.
    Points(f64),
}

impl Change {
    /// How much, whichever way it is told.
    pub fn size(self) -> f64 {
        match self {
            Self::Part(size) | Self::Points(size) => size,
        }
    }
}

impl OverviewFigure {
    /// By how much it differs from the period before; `None` where one of the two is not known.
    pub fn change(&self) -> Option<Change> {
        let (now, before) = (self.value.measure()?, self.before.as_ref()?.measure()?);
        match self.value {
            Value::Share(_) => Some(Change::Points((now - before) * 100.0)),
            Value::Score { .. } => Some(Change::Points(now - before)),
            _ => (before != 0.0).then(|| Change::Part((now - before) / before)),
        }
    }

    /// Whether it became better or worse, where one way is good.
    pub fn is_better(&self) -> Option<bool> {
        let size = self.change()?.size();
        match self.row.better {
            _ if size == 0.0 => None,
            Better::Either => None,
            Better::More => Some(size > 0.0),
            Better::Less => Some(size < 0.0),
        }
    }

    /// Its place on the page: what is looked at first, then all others, then those with nothing to count.
    fn place(&self) -> (bool, usize) {
        let first = FIRST.iter().position(|key| *key == self.row.key);
        let counted = self.value.measure().is_some_and(|measure| measure != 0.0 || first.is_some());
        (!counted, first.unwrap_or(FIRST.len()))
    }
}

/// The instants that a page of so many days is about.
struct Ranges {
    range: Span,
    before: Span,
    bars: Span,
}

impl Ranges {
    fn new(days: u16, now: Timestamp, zone: Tz) -> Self {
        let days = days.max(1);
        let here = local(zone, now);
        let ago = |days: u16| here.date() - TimeDelta::days(i64::from(days));
        let from = midnight(zone, ago(days - 1));
        let same_time = instant_at(zone, ago(days).and_time(here.time()));
        let long = days.saturating_mul(2);
        Self {
            range: span(from, now),
            before: span(midnight(zone, ago(long - 1)), same_time),
            bars: span(midnight(zone, ago(long.max(BARS) - 1)), now),
        }
    }
}

/// At midnight a day that has just begun is still a range.
fn span(from: Timestamp, to: Timestamp) -> Span {
    Span { from, to: to.max(from + TimeDelta::milliseconds(1)) }
}

/// The stretch of time that the page of so many days needs.
pub(super) fn needed(days: u16, now: Timestamp, zone: Tz) -> Span {
    Ranges::new(days, now, zone).bars
}

impl OverviewPage {
    /// The page of so many days, from all that happened in them and as long before.
    pub fn new(history: &History, days: u16, by: Option<Grouping>, from: &Standpoint<'_>) -> Self {
        let Ranges { range, before, bars } = Ranges::new(days, from.now, from.zone);
        let report = |span: Span, by| {
            let query = Query { from: span.from, to: span.to, zone: from.zone, by, filter: Filter::default() };
            history.report(&query, from.terms)
        };
        let (now, by_day) = (report(range, by), report(bars, Some(Grouping::Day)));
        let before = Some(before).filter(|before| from.is_told && is_kept(*before, from.begins_at));
        let earlier = before.map(|before| report(before, by));
        let mut figures = figures(&now.total, earlier.as_ref().map(|report| &report.total));
        for figure in &mut figures {
            figure.daily = daily(figure, &by_day, from);
        }
        figures.sort_by_key(OverviewFigure::place);
        Self {
            days: days.max(1),
            range,
            before,
            zone: from.zone,
            begins_at: from.begins_at,
            is_told: from.is_told,
            figures,
            heat: heat(&report(range, Some(Grouping::WeekdayHour)), from),
            by,
            groups: groups(&now, earlier.as_ref()),
        }
    }
}

/// Whether enough of a stretch is kept to compare with it.
fn is_kept(stretch: Span, begins_at: Option<Timestamp>) -> bool {
    begins_at.is_some_and(|begins_at| begins_at <= stretch.from + (stretch.to - stretch.from) / MISSING)
}

/// A figure, or each part of one that has several.
fn figures(now: &Figures, before: Option<&Figures>) -> Vec<OverviewFigure> {
    let mut shown = Vec::new();
    for (row, value) in now.iter().filter(|(row, _)| row.key != "new_change") {
        let earlier = before.and_then(|figures| figures.iter().find(|(known, _)| known.key == row.key));
        let earlier = earlier.map(|(_, value)| value);
        let figure = |part, value, before| OverviewFigure { row, part, value, before, daily: Vec::new() };
        match value.parts() {
            None => shown.push(figure(None, value.clone(), earlier.cloned())),
            Some(parts) => shown.extend(parts.into_iter().take(NAMES).map(|(name, value)| {
                let earlier = earlier.and_then(|value| value.part(&name));
                figure(Some(name), value, earlier)
            })),
        }
    }
    shown
}

/// A figure's measure on each day.
fn daily(figure: &OverviewFigure, by_day: &Report, from: &Standpoint<'_>) -> Vec<Option<f64>> {
    let begins_on = from.begins_at.map(|at| local(from.zone, at).date());
    let days = by_day.groups.iter().map(|day| {
        let date: Option<NaiveDate> = day.key.parse().ok();
        let kept = begins_on.is_some_and(|first| date.is_some_and(|date| date >= first));
        let (_, value) = day.figures.iter().find(|(row, _)| row.key == figure.row.key && kept)?;
        match &figure.part {
            None => value.measure(),
            Some(name) => value.part(name)?.measure(),
        }
    });
    days.collect()
}

fn heat(report: &Report, from: &Standpoint<'_>) -> Heat {
    let mut heat = Heat::default();
    let begins_at = from.begins_at.unwrap_or(report.to).max(report.from);
    let mut at = begins_at;
    // Every hour of the week comes in the first seven days, and those of one that clocks skip in the next.
    while at < report.to && at - begins_at <= TimeDelta::days(14) {
        let here = local(from.zone, at);
        heat[here.weekday().num_days_from_monday() as usize][here.hour() as usize] = Some(0);
        at = at + TimeDelta::minutes(30);
    }
    for (cell, group) in heat.iter_mut().flatten().zip(&report.groups) {
        let new = group.figures.iter().find(|(row, _)| row.key == "new");
        let new = new.and_then(|(_, value)| value.measure()).unwrap_or(0.0) as u64;
        *cell = cell.map(|_| new);
    }
    heat
}

fn groups(now: &Report, before: Option<&Report>) -> Vec<OverviewGroup> {
    let mut groups: Vec<_> = now
        .groups
        .iter()
        .map(|group| {
            let is_same = |one: &&crate::metrics::history::Group| one.key == group.key && one.source == group.source;
            let earlier = before.and_then(|report| report.groups.iter().find(is_same));
            OverviewGroup {
                source: group.source.clone(),
                name: group.name.clone(),
                figures: figures(&group.figures, earlier.map(|group| &group.figures)),
            }
        })
        .collect();
    let size = |group: &OverviewGroup| group.figures.first().and_then(|figure| figure.value.measure()).unwrap_or(0.0);
    groups.sort_by(|one, other| size(other).total_cmp(&size(one)));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse_line;
    use crate::metrics::history::Terms;

    const BERLIN: Tz = Tz::Europe__Berlin;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn shown(span: Span) -> (String, String) {
        (span.from.to_string(), span.to.to_string())
    }

    #[test]
    fn ranges_are_days_of_the_zone_and_compare_with_as_many_before_up_to_the_same_time() {
        // Clocks in Berlin go back on 25 October 2026.
        let now = at("2026-10-28T10:00:00Z");
        for (days, range, before, bars) in [
            (1, "2026-10-27T23:00:00Z", ("2026-10-26T23:00:00Z", "2026-10-27T10:00:00Z"), "2026-10-14T22:00:00Z"),
            (7, "2026-10-21T22:00:00Z", ("2026-10-14T22:00:00Z", "2026-10-21T09:00:00Z"), "2026-10-14T22:00:00Z"),
            (30, "2026-09-28T22:00:00Z", ("2026-08-29T22:00:00Z", "2026-09-28T09:00:00Z"), "2026-08-29T22:00:00Z"),
        ] {
            let ranges = Ranges::new(days, now, BERLIN);
            let own = |text: &str| text.to_owned();
            assert_eq!(shown(ranges.range), (own(range), now.to_string()), "{days}");
            assert_eq!(shown(ranges.before), (own(before.0), own(before.1)), "{days}");
            assert_eq!(shown(ranges.bars), (own(bars), now.to_string()), "{days}");
        }
        let midnight = Ranges::new(1, at("2026-10-27T23:00:00Z"), BERLIN);
        assert!(midnight.range.from < midnight.range.to && midnight.before.from < midnight.before.to);
    }

    #[test]
    fn a_stretch_of_which_a_twentieth_is_missing_is_not_compared_with() {
        let stretch = Span { from: at("2026-03-01T00:00:00Z"), to: at("2026-03-02T00:00:00Z") };
        assert!(is_kept(stretch, Some(at("2026-03-01T01:12:00Z"))));
        assert!(!is_kept(stretch, Some(at("2026-03-01T01:12:00.001Z"))));
        assert!(!is_kept(stretch, None));
    }

    /// A day with two chats, one with one, and today, half over, with three: on each, the first is answered after as many
    /// minutes as the day has chats.
    fn desk() -> History {
        let mut history = History::new();
        let source = history.add_source("desk");
        let mut say = |line: String| history.take(source, parse_line(line.as_bytes()).unwrap());
        for (day, chats) in [("03", 2), ("04", 1), ("05", 3)] {
            for chat in 0..chats {
                let head = format!(r#""conversation":"{day}-{chat}","at":"2026-03-{day}T0{chat}"#);
                say(format!(r#"{{"type":"opened","channel":"web",{head}:00:00Z"}}"#));
                say(format!(r#"{{"type":"message","from":"customer",{head}:00:00Z"}}"#));
                say(format!(r#"{{"type":"macro","macro":"hello","agent":"a",{head}:01:00Z"}}"#));
                if chat == 0 {
                    say(format!(r#"{{"type":"message","from":"agent","agent":"a",{head}:0{chats}:00Z"}}"#));
                    say(format!(r#"{{"type":"rated","score":5,"scale":5,{head}:30:00Z"}}"#));
                }
            }
        }
        history.settle();
        history
    }

    fn page(days: u16, begins_at: Option<&str>) -> OverviewPage {
        page_of(days, begins_at, true)
    }

    fn page_of(days: u16, begins_at: Option<&str>, is_told: bool) -> OverviewPage {
        let terms = Terms::default();
        let (now, begins_at) = (at("2026-03-05T12:00:00Z"), begins_at.map(at));
        let standpoint = Standpoint { now, zone: Tz::UTC, terms: &terms, begins_at, is_told };
        OverviewPage::new(&desk(), days, Some(Grouping::Channel), &standpoint)
    }

    fn figure<'a>(page: &'a OverviewPage, key: &str) -> &'a OverviewFigure {
        page.figures.iter().find(|figure| figure.row.key == key).unwrap()
    }

    #[test]
    fn each_figure_has_its_value_its_change_and_its_days() {
        let page = page(1, Some("2026-03-03T00:00:00Z"));
        let new = figure(&page, "new");
        assert_eq!(
            (new.value.clone(), new.change(), new.is_better()),
            (Value::Count(3), Some(Change::Part(2.0)), None)
        );
        let tail = |figure: &OverviewFigure| figure.daily[figure.daily.len() - 4..].to_vec();
        assert_eq!(tail(new), [None, Some(2.0), Some(1.0), Some(3.0)], "of 2 March nothing is kept");
        let first = figure(&page, "first_response_time");
        assert_eq!((first.value.measure(), first.change()), (Some(180.0), Some(Change::Part(2.0))));
        assert_eq!(first.is_better(), Some(false), "three minutes instead of one");
        assert_eq!(tail(first), [None, Some(120.0), Some(60.0), Some(180.0)]);
        let csat = figure(&page, "csat");
        assert_eq!((csat.change(), csat.is_better()), (Some(Change::Points(0.0)), None), "neither better nor worse");
        let hello = figure(&page, "macros");
        assert_eq!(
            (hello.part.as_deref(), &hello.value, &hello.before),
            (Some("hello"), &Value::Count(3), &Some(Value::Count(1)))
        );
        let web = &page.groups[0];
        assert_eq!((web.name.as_str(), web.figures[0].change()), ("web", Some(Change::Part(2.0))));
        assert_eq!(page.figures[0].row.key, "new");
    }

    #[test]
    fn what_is_not_kept_is_unknown_and_not_nothing() {
        let page = page(1, Some("2026-03-04T09:00:00Z"));
        assert_eq!((page.before, figure(&page, "new").change()), (None, None));
        assert!(page.groups[0].figures.iter().all(|figure| figure.before.is_none()));
        let partly_told = page_of(1, Some("2026-02-01T00:00:00Z"), false);
        assert_eq!((partly_told.before, figure(&partly_told, "new").change()), (None, None));
        let unkept = self::page(7, None);
        assert!(figure(&unkept, "new").daily.iter().all(Option::is_none));
        assert!(unkept.heat.iter().flatten().all(Option::is_none));
    }

    #[test]
    fn hours_that_the_range_does_not_hold_are_blank() {
        let page = page(1, Some("2026-03-01T00:00:00Z"));
        let known = |day: usize| page.heat[day].iter().flatten().count();
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(known), [0, 0, 0, 12, 0, 0, 0], "Thursday up to noon");
        assert_eq!(page.heat[3][..4], [Some(1), Some(1), Some(1), Some(0)]);
        let week = self::page(7, Some("2026-03-01T00:00:00Z"));
        let blank = |day: usize| week.heat[day].iter().filter(|new| new.is_none()).count();
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(blank), [0, 0, 0, 12, 24, 24, 0], "before 1 March nothing is kept");
    }
}
