//! How far back a list of changes is looked at again, for what becomes visible late.

use chrono::TimeDelta;

use crate::event::Timestamp;

/// For how long a list of changes has shown nothing newer.
///
/// A look into such a list begins some time before the newest change that is known, so that what becomes visible late is
/// found. Once nothing newer was found for so long, all that was before it was seen, and none of it is read again. That
/// rests on how much time passed here, not on what time it is, here or there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Quiet {
    /// When the first look began that found nothing newer, by this machine's clock.
    since: Option<Timestamp>,
    /// For how long nothing newer was found when the last whole look began.
    lasted: TimeDelta,
}

impl Quiet {
    /// How far before the newest change a look begins, where changes become visible so late at most.
    pub(super) fn overlap(&self, late: TimeDelta) -> TimeDelta {
        late - self.lasted.min(late)
    }

    /// Something newer was found.
    pub(super) fn broken(&mut self) {
        *self = Self::default();
    }

    /// A look that began then was read to its end and found nothing newer. When the newest change was made is not known by
    /// this machine's clock, but it was before the first look that found no newer one began.
    pub(super) fn looked(&mut self, began_at: Timestamp) {
        let since = *self.since.get_or_insert(began_at);
        self.lasted = (began_at - since).max(TimeDelta::zero());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_reaches_back_until_nothing_newer_was_found_for_so_long() {
        let late = TimeDelta::seconds(30);
        let mut quiet = Quiet::default();
        // When a look begins, how far back it reaches, and whether it finds something newer.
        let looks = [
            (0, 30, false),
            (10, 30, false),
            (20, 20, false),
            (40, 10, false),
            (50, 0, false),
            (60, 0, true),
            (70, 30, false),
            (75, 30, false),
            (80, 25, false),
            // This machine's clock was set back, then on.
            (10, 20, false),
            (11, 30, false),
            (9999, 30, false),
            (9999, 0, false),
        ];
        for (nth, (seconds, back, is_newer)) in looks.into_iter().enumerate() {
            assert_eq!(quiet.overlap(late).num_seconds(), back, "look {nth}");
            if is_newer {
                quiet.broken();
            } else {
                quiet.looked(Timestamp::from_millis(1_800_000_000_000) + TimeDelta::seconds(seconds));
            }
        }
    }
}
