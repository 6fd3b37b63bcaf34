//! What the news can do without, by what names, and for how long it is waited for.

use chrono::TimeDelta;

use super::state::State;
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::skips::Skips;

pub(super) const PEOPLE: &str = "people";
pub(super) const GROUPS: &str = "groups";
pub(super) const MEMBERSHIPS: &str = "who is in which group";
pub(super) const STATUSES: &str = "statuses of the account's own";
pub(super) const POLICIES: &str = "whether there are targets";
pub(super) const SWEEP: &str = "look for deleted tickets";
pub(super) const RATED: &str = "rated tickets";
pub(super) const WRITERS: &str = "who wrote";

/// What a reading of the team can do without.
const OF_THE_TEAM: [&str; 3] = [GROUPS, MEMBERSHIPS, STATUSES];

/// For so long is waited to learn who wrote on a ticket; then it is told with what is known. An agent of whom nothing is
/// known counts as a customer then, never the other way round.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

impl State {
    /// What the reading of the team did without; it is read again before it is time to.
    pub(super) fn leave_failed(
        &mut self,
        failed: &[(&'static str, SourceError)],
        now: Timestamp,
        skips: &mut Skips,
    ) -> Result<(), SourceError> {
        for what in OF_THE_TEAM {
            let error = failed.iter().find(|(one, _)| *one == what);
            if error.is_some() {
                // A pause that runs, or has just begun with this try, stays as it is.
                self.sides.may_ask(what, now);
            }
            self.sides.came(what, error.map_or(Ok(()), |(_, error)| Err(error.clone())), skips)?;
        }
        Ok(())
    }

    /// Whether the team is to be read again for what the last reading did without.
    pub(super) fn lacks_of_the_team(&mut self, now: Timestamp) -> bool {
        OF_THE_TEAM.into_iter().filter(|what| self.sides.asks_for(what, false, now)).count() > 0
    }

    /// Nobody says who somebody is: whether that is so for long enough to go on without.
    pub(super) fn is_patience_over(&self, now: Timestamp) -> bool {
        self.nameless_since.is_some_and(|since| now - since >= PATIENCE)
    }
}
