//! What has to be remembered over a restart, and is the cursor.

use serde::{Deserialize, Serialize};

use super::past::Past;
use super::state::{Phase, State};
use crate::event::Timestamp;
use crate::source::Cursor;
use crate::source::left::newest;
use crate::source::lenient::Id;

/// What has to be remembered over a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mark {
    /// All is told up to here; nothing is as long as the first reading goes on.
    pub told_to: Option<Timestamp>,
    /// How far the history was told.
    pub past: Past,
    /// All satisfaction answers are told that were given before.
    #[serde(default)]
    pub rated_to: Option<Timestamp>,
    /// Tickets that ended as they were put away, though their customers wait: the newest of them.
    #[serde(default)]
    pub away: Vec<(Timestamp, Id)>,
    /// Tickets with a message that could not be delivered: the newest of them.
    #[serde(default)]
    pub failed: Vec<Id>,
}

impl State {
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let is_settled = matches!(self.phase, Phase::Steady) && !self.is_partial;
        let told_to = if is_settled { Some(self.mark) } else { self.told_to };
        let away = newest(self.away.iter().map(|(id, at)| (*at, *id)).collect());
        let failed = newest(self.failed.iter().copied().collect());
        Cursor::of(&Mark { told_to, past: self.past.clone(), rated_to: Some(self.ratings.told_to), away, failed })
    }
}
