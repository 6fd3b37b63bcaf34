//! What the news can do without, by what names, and for how long it is waited for.

use chrono::TimeDelta;

use super::state::State;
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::skips::Skips;

pub(super) const PEOPLE: &str = "people";
pub(super) const MEMBERSHIPS: &str = "who is in which group";
pub(super) const STATUSES: &str = "statuses of the account's own";
pub(super) const SWEEP: &str = "look for deleted tickets";
pub(super) const RATED: &str = "rated tickets";
pub(super) const WRITERS: &str = "who wrote";

/// For so long is waited to learn who wrote on a ticket; then it is told with what is known. An agent of whom nothing is
/// known counts as a customer then, never the other way round.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

impl State {
    /// What the reading of the team did without.
    pub(super) fn leave_failed(
        &mut self,
        failed: &[(&'static str, SourceError)],
        skips: &mut Skips,
    ) -> Result<(), SourceError> {
        for what in [MEMBERSHIPS, STATUSES] {
            let error = failed.iter().find(|(one, _)| *one == what);
            self.sides.came(what, error.map_or(Ok(()), |(_, error)| Err(error.clone())), skips)?;
        }
        Ok(())
    }

    /// Nobody says who somebody is: whether that is so for long enough to go on without.
    pub(super) fn is_patience_over(&self, now: Timestamp) -> bool {
        self.nameless_since.is_some_and(|since| now - since >= PATIENCE)
    }
}
