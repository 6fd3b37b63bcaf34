//! What the news can do without: an error there is told once and left alone for a while, and the rest goes on.

use super::Intercom;
use super::ask::{Ask, is_of_all};
use crate::event::Timestamp;
use crate::source::SourceError;

/// Its parts, by the names that people read.
pub(super) const TEAMMATES: &str = "teammates";
pub(super) const TEAMS: &str = "teams";
pub(super) const REASONS: &str = "reasons for being away";
pub(super) const RATINGS: &str = "ratings";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const WALK: &str = "list of active conversations";
pub(super) const HISTORY: &str = "history";

impl Intercom {
    /// Whether it is to be asked for now: it is time to, or it could not be read and was left alone for long enough. It
    /// is left alone from here on until it came, so that an answer that takes too long is not waited for in every poll.
    pub(super) fn asks_for(&mut self, what: &'static str, is_time: bool, now: Timestamp) -> bool {
        let sides = &mut self.state.sides;
        let asks = if sides.holds(&what) { !sides.rests(&what, now) } else { is_time };
        if asks {
            sides.failed(what, now);
        }
        asks
    }

    /// What came of it; nothing, and a remark, where it alone can't be read.
    pub(super) fn came<T>(
        &mut self,
        ask: &mut Ask,
        what: &'static str,
        got: Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        match got {
            Ok(value) => {
                self.state.sides.end(&what);
                ask.is_read_again(what);
                Ok(Some(value))
            }
            Err(error) if is_of_all(&error) => {
                self.state.sides.end(&what);
                Err(error)
            }
            Err(error) => {
                ask.skip(what.to_owned(), ".", &error.to_string());
                Ok(None)
            }
        }
    }
}
