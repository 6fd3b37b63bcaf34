//! What the news can do without: an error there is named once and left alone for longer and longer, and the rest goes on.

use super::Chatwoot;
use super::ask::Ask;
use crate::event::Timestamp;
use crate::source::SourceError;

/// Its parts, by the names that people read.
pub(super) const AGENTS: &str = "agents";
pub(super) const TEAMS: &str = "teams";
pub(super) const RATINGS: &str = "satisfaction answers";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const WALK: &str = "list of active conversations";

/// Whether another request would fare no better: the key, the limit and the way to the server are everybody's.
pub(super) fn is_of_all(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::Auth { .. } | SourceError::RateLimited { .. } | SourceError::Transient { todo: Some(_), .. }
    )
}

impl Chatwoot {
    /// Whether it may be asked for now, or is left alone. It is left alone from here on until it came, so that an answer
    /// that takes too long is not waited for in every poll.
    pub(super) fn may_ask(&mut self, what: &'static str, now: Timestamp) -> bool {
        let may = !self.state.sides.rests(&what, now);
        if may {
            self.state.sides.failed(what, now);
        }
        may
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
                ask.told.forget(what);
                Ok(Some(value))
            }
            // The count has a limit of its own.
            Err(error) if is_of_all(&error) && !(what == COUNT && matches!(error, SourceError::RateLimited { .. })) => {
                self.state.sides.end(&what);
                Err(error)
            }
            Err(error) => {
                ask.skip(what.to_owned(), ".", &format!("can't be read: {error}"));
                Ok(None)
            }
        }
    }
}
