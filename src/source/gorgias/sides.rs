//! What the news can do without, and by what names.

use super::Gorgias;
use super::ask::Ask;
use crate::event::Timestamp;
use crate::source::SourceError;

pub(super) const USERS: &str = "users";
pub(super) const TEAMS: &str = "teams";
pub(super) const RATINGS: &str = "satisfaction ratings";
pub(super) const RATED: &str = "tickets of satisfaction ratings";
pub(super) const DELETED: &str = "look for deleted tickets";
pub(super) const TICKETS: &str = "tickets one by one";
pub(super) const HISTORY: &str = "history";

impl Gorgias {
    /// Whether it may be asked for now, or is left alone.
    pub(super) fn may_ask(&mut self, what: &'static str, now: Timestamp) -> bool {
        self.state.sides.asks_for(what, true, now)
    }

    /// What came of it; nothing, and a remark, where it alone can't be read.
    pub(super) fn came<T>(
        &mut self,
        ask: &mut Ask,
        what: &'static str,
        got: Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        self.state.sides.came(what, got, &mut ask.told, &mut ask.skips)
    }
}
