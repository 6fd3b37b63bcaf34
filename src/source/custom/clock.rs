//! How far the other side's clock is from this machine's: instants of looks are by theirs, as those in its records are.

use chrono::TimeDelta;

use crate::event::Timestamp;

/// A difference that is larger is none of clocks: something between answers out of its memory.
const BELIEVED: TimeDelta = TimeDelta::days(1);
/// A difference that is smaller may be that of whole seconds and slow answers.
const NOTICED: TimeDelta = TimeDelta::seconds(5);

/// The difference, as far as answers have told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    held: TimeDelta,
    /// The least of this look: an answer that takes long makes the other clock seem ahead.
    least: Option<TimeDelta>,
}

impl Clock {
    /// Notes the server's time of an answer, in a poll that began at `now`.
    pub(super) fn note(&mut self, date: Option<Timestamp>, now: Timestamp) {
        let ahead = date.map(|date| date - now).filter(|ahead| ahead.abs() <= BELIEVED);
        self.least = ahead.into_iter().chain(self.least).min();
    }

    /// What the other clock shows at an instant of this machine.
    pub(super) fn there(&self, here: Timestamp) -> Timestamp {
        here + self.ahead()
    }

    fn ahead(&self) -> TimeDelta {
        self.least.filter(|least| (*least - self.held).abs() > NOTICED).unwrap_or(self.held)
    }

    /// As it is known when the next look begins.
    pub(super) fn anew(&self) -> Self {
        Self { held: self.ahead(), least: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_difference_of_a_look_counts_where_it_is_one_of_clocks() {
        let at = |seconds: i64| Timestamp::from_millis(1_800_000_000_000 + seconds * 1000);
        let mut clock = Clock::default();
        let mut shown = |date: Option<i64>| {
            clock.note(date.map(at), at(0));
            let shown = (clock.there(at(0)) - at(0)).num_seconds();
            clock = clock.anew();
            shown
        };
        assert_eq!(
            [None, Some(-4), Some(90_000), Some(-360), Some(-357), None].map(&mut shown),
            [0, 0, 0, -360, -360, -360]
        );
        let mut clock = Clock::default();
        for date in [-300, -360, -340] {
            clock.note(Some(at(date)), at(0));
        }
        assert_eq!(clock.there(at(0)), at(-360));
    }
}
