//! Which tickets that are not known may have been told before: by an earlier run, as history, or by this run before it
//! forgot them. Of those nothing is taken for told: where they stand is said in full.

use std::collections::HashSet;

use super::wire::Ticket;
use crate::event::Timestamp;
use crate::source::lenient::Id;

/// So many tickets of this run are remembered one by one.
const MOST: usize = 100_000;

/// What was told of tickets that are not known.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Up to where an earlier run may have told.
    told_to: Timestamp,
    /// Tickets that began up to then may have been told.
    begun_to: Timestamp,
    /// Those of this run, and when the last of them began, at the latest.
    told: HashSet<Id>,
    told_begun_to: Timestamp,
}

impl Before {
    /// An earlier run may have told all up to then.
    pub(super) fn resumed(told_to: Timestamp) -> Self {
        Self { told_to, begun_to: told_to, ..Self::default() }
    }

    /// This run has told a ticket that began then, or before, and does not know it any more.
    pub(super) fn add(&mut self, id: Id, began_at: Timestamp) {
        self.told.insert(id);
        self.told_begun_to = self.told_begun_to.max(began_at);
        if self.told.len() > MOST {
            self.told.clear();
            self.begun_to = self.begun_to.max(self.told_begun_to);
        }
    }

    /// Where a ticket may have been told: up to when an earlier run may have done so.
    pub(super) fn of(&self, ticket: &Ticket) -> Option<Timestamp> {
        let may_be = ticket.created_datetime <= self.begun_to || self.told.contains(&ticket.id);
        may_be.then_some(self.told_to)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rules::record;
    use super::*;

    #[test]
    fn of_too_many_none_is_taken_for_new_that_began_before_the_last() {
        let mut before = Before::default();
        let ticket = record(json!({}));
        before.add(ticket.id, ticket.created_datetime);
        let other = record(json!({"id": 5}));
        assert_eq!((before.of(&ticket).is_some(), before.of(&other)), (true, None));
        (1_000..).take(MOST).for_each(|id| before.add(id, ticket.created_datetime));
        let later = record(json!({"id": 6, "created_datetime": "2026-06-01T10:31:00"}));
        assert_eq!((before.of(&other).is_some(), before.of(&later)), (true, None));
        assert!(before.told.len() < MOST);
    }
}
