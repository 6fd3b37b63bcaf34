//! The page of the last days: every figure with its change, day by day, hour by hour of the week, and by group.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::{Span, Standpoint};
use crate::event::Timestamp;
use crate::metrics::calendar::{instant_at, local, midnight};
use crate::metrics::history::{Better, Figures, Filter, Grouping, History, Query, Report, Row, Value};

/// Bars by day reach back at least so many days.
const BARS: u16 = 14;
/// A period before the range is compared with when at most one in so many parts of it lies before all that is kept.
const MISSING: i32 = 20;
/// Of figures by name, so many names are shown.
const NAMES: usize = 5;

/// The page of the last days.
#[derive(Debug, Clone)]
pub struct OverviewPage {
    /// How many days; 1 = today.
    pub days: u16,
    /// The range: the last of the days ends now.
    pub range: Span,
    /// What it is compared with: as many days before, up to the same time of day.
    pub before: Span,
    /// Whose days and hours count.
    pub zone: Tz,
    /// The first instant of which anything is kept.
    pub begins_at: Option<Timestamp>,
    /// Every figure, those for the first look first.
    pub figures: Vec<OverviewFigure>,
    /// New conversations by weekday, Monday first, and hour.
    pub heat: [[u64; 24]; 7],
    /// What `groups` are.
    pub by: Option<Grouping>,
    /// The groups, those with most to do first.
    pub groups: Vec<OverviewGroup>,
}

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

    /// Whether there was anything to count.
    pub fn is_known(&self) -> bool {
        self.value.measure().is_some_and(|measure| measure != 0.0)
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
        let earlier = is_kept(before, from.begins_at).then(|| report(before, by));
        let mut figures = figures(&now.total, earlier.as_ref().map(|report| &report.total));
        for figure in &mut figures {
            figure.daily = daily(figure, &by_day, from);
        }
        figures.sort_by_key(|figure| (!figure.row.headline, !figure.is_known()));
        Self {
            days: days.max(1),
            range,
            before,
            zone: from.zone,
            begins_at: from.begins_at,
            figures,
            heat: heat(&report(range, Some(Grouping::WeekdayHour))),
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

fn heat(report: &Report) -> [[u64; 24]; 7] {
    let mut heat = [[0; 24]; 7];
    for (cell, group) in heat.iter_mut().flatten().zip(&report.groups) {
        let new = group.figures.iter().find(|(row, _)| row.key == "new");
        *cell = new.and_then(|(_, value)| value.measure()).unwrap_or(0.0) as u64;
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
