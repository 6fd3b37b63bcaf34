//! What the news can do without: where such a request alone fails it is named once and left alone for a while, and the
//! rest goes on.

use chrono::TimeDelta;

use super::ask::Ask;
use super::state::State;
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::wanted::is_of_one;

/// Its parts.
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
    /// What came of such a request; nothing where it alone failed. What is about all, wrong credentials, too many
    /// requests or a server that is not there, is an error of the whole.
    pub(super) fn came<T>(
        &mut self,
        ask: &mut Ask,
        what: &'static str,
        got: Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        match got {
            Ok(value) => {
                self.sides.end(&what);
                Ok(Some(value))
            }
            Err(error) if is_of_one(&error) => {
                self.sides.leave(what, &error, ask.now, &mut ask.skips);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What the reading of the team did without.
    pub(super) fn leave_failed(&mut self, failed: &[(&'static str, SourceError)], ask: &mut Ask) {
        for what in [MEMBERSHIPS, STATUSES] {
            match failed.iter().find(|(one, _)| *one == what) {
                Some((_, error)) => self.sides.leave(what, error, ask.now, &mut ask.skips),
                None => drop(self.sides.end(&what)),
            }
        }
    }

    /// Nobody says who somebody is: whether that is so for long enough to go on without.
    pub(super) fn is_patience_over(&self, now: Timestamp) -> bool {
        self.nameless_since.is_some_and(|since| now - since >= PATIENCE)
    }
}
