//! The page of figures of the last days: which days, which grouping, and what is selected.

use super::cursor::{Cursor, Rows};
use super::past::PastSlot;
use super::view::Pane;
use crate::board::past::{OverviewFigure, OverviewPage};
use crate::board::{PastPage, PastQuery};
use crate::metrics::history::Grouping;

/// The ranges there are, in days.
pub const RANGES: [u16; 4] = [1, 7, 30, 90];
/// What the table can be grouped by, in the order of the key.
pub const GROUPINGS: [Grouping; 4] = [Grouping::Team, Grouping::Channel, Grouping::Segment, Grouping::Keyword];

/// What one viewer has chosen on the page.
#[derive(Debug, Clone)]
pub struct HistoryView {
    /// Which of the ranges.
    pub range: usize,
    /// Which of the groupings.
    pub grouping: usize,
    /// Its answer.
    pub past: PastSlot,
    /// In the list of figures.
    pub figures: Cursor<usize>,
    /// In the table of groups.
    pub groups: Cursor<usize>,
    /// Which list has the keys.
    pub pane: Pane,
}

impl Default for HistoryView {
    fn default() -> Self {
        Self {
            range: 1,
            grouping: 0,
            past: PastSlot::default(),
            figures: Cursor::default(),
            groups: Cursor::default(),
            pane: Pane::Figures,
        }
    }
}

impl HistoryView {
    /// How many days are asked for.
    pub fn days(&self) -> u16 {
        RANGES.get(self.range).copied().unwrap_or(RANGES[0])
    }

    /// What the table is to be grouped by.
    pub fn by(&self) -> Grouping {
        GROUPINGS.get(self.grouping).copied().unwrap_or(GROUPINGS[0])
    }

    /// What the page asks.
    pub fn query(&self) -> PastQuery {
        PastQuery::Overview { days: self.days(), by: Some(self.by()) }
    }

    /// The newest answer, where it is one with figures.
    pub fn page(&self) -> Option<&OverviewPage> {
        match self.past.page.as_deref() {
            Some(PastPage::Overview(page)) => Some(page),
            _ => None,
        }
    }

    /// To a longer or a shorter range; the last one stays.
    pub(super) fn step(&mut self, by: isize) {
        self.range = self.range.saturating_add_signed(by).min(RANGES.len() - 1);
    }

    /// To the next grouping.
    pub(super) fn regroup(&mut self) {
        self.grouping = (self.grouping + 1) % GROUPINGS.len();
        self.groups = Cursor::default();
    }

    /// The figures as rows.
    pub fn figure_rows(&self) -> Rows<'static, usize> {
        Rows::Made((0..self.page().map_or(0, |page| page.figures.len())).collect())
    }

    /// The groups as rows.
    pub fn group_rows(&self) -> Rows<'static, usize> {
        Rows::Made((0..self.page().map_or(0, |page| page.groups.len())).collect())
    }

    /// The figure that is selected.
    pub fn selected(&self) -> Option<&OverviewFigure> {
        self.page()?.figures.get(self.figures.selected?)
    }
}
