//! What the news can do without, and by what names.

use super::Chatwoot;
use super::ask::Ask;
use crate::event::Timestamp;
use crate::source::SourceError;

pub(super) const AGENTS: &str = "agents";
pub(super) const TEAMS: &str = "teams";
pub(super) const RATINGS: &str = "satisfaction answers";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const WALK: &str = "list of active conversations";

impl Chatwoot {
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
        let got = match got {
            // The count has a limit of its own.
            Err(SourceError::RateLimited { place, .. }) if what == COUNT => {
                Err(SourceError::passing(place, "too many requests"))
            }
            got => got,
        };
        self.state.sides.came(what, got, &mut ask.told, &mut ask.skips)
    }
}
