//! What the news can do without, and by what names.

use super::Intercom;
use super::ask::Ask;
use crate::event::Timestamp;
use crate::source::SourceError;

pub(super) const TEAMMATES: &str = "teammates";
pub(super) const TEAMS: &str = "teams";
pub(super) const REASONS: &str = "reasons for being away";
pub(super) const RATINGS: &str = "ratings";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const WALK: &str = "list of active conversations";
pub(super) const HISTORY: &str = "history";

impl Intercom {
    /// Whether it is to be asked for now: it is time to, or it was left alone for long enough.
    pub(super) fn asks_for(&mut self, what: &'static str, is_time: bool, now: Timestamp) -> bool {
        self.state.sides.asks_for(what, is_time, now)
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
