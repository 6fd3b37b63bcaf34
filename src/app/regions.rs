//! Where the last frame put things, so that clicks and pages know what they mean.

use super::derive::SortBy;
use super::view::Pane;

/// A rectangle of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

impl Area {
    /// Whether a cell lies in it.
    pub const fn contains(&self, x: u16, y: u16) -> bool {
        x >= self.x && x - self.x < self.width && y >= self.y && y - self.y < self.height
    }
}

/// Where a list's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRegion {
    /// Which list.
    pub pane: Pane,
    /// Its rows, without frame and header.
    pub rows: Area,
}

/// Where a link is, for terminals that let people click on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRegion {
    /// The cells that show it.
    pub area: Area,
    /// Where it leads: http or https, without control characters.
    pub url: String,
}

/// Where the last frame put things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regions {
    /// The lists, in the order of Tab.
    pub lists: Vec<ListRegion>,
    /// The column titles that sort.
    pub headers: Vec<(Area, SortBy)>,
    /// The ranges of the page of figures, by number.
    pub ranges: Vec<(Area, usize)>,
    /// The links.
    pub links: Vec<LinkRegion>,
}

impl Regions {
    /// How many rows of a list the screen shows; 0 where it shows none.
    pub fn height(&self, pane: Pane) -> usize {
        self.lists.iter().find(|list| list.pane == pane).map_or(0, |list| usize::from(list.rows.height))
    }
}
