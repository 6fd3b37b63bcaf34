//! What the news can do without: an error there is named once and left alone for longer and longer, and the rest goes on.

use std::collections::BTreeSet;

use super::SourceError;
use super::pauses::Pauses;
use super::skips::Skips;
use crate::event::Timestamp;

/// Lists beside the conversations, by the names that people read.
#[derive(Debug, Clone, Default)]
pub(super) struct Sides {
    pauses: Pauses<&'static str>,
    /// Named since they were last well.
    named: BTreeSet<&'static str>,
}

impl Sides {
    /// Whether it is to be asked for now: it is time to, or it could not be read and was left alone for long enough. It
    /// is left alone from here on until it came, so that an answer that takes too long is not waited for in every poll.
    pub(super) fn asks_for(&mut self, what: &'static str, is_time: bool, now: Timestamp) -> bool {
        let asks = if self.pauses.holds(&what) { !self.pauses.rests(&what, now) } else { is_time };
        if asks {
            self.pauses.failed(what, now);
        }
        asks
    }

    /// The same for what there is always time for.
    pub(super) fn may_ask(&mut self, what: &'static str, now: Timestamp) -> bool {
        self.asks_for(what, true, now)
    }

    /// Whether it is left alone now.
    pub(super) fn rests(&self, what: &'static str, now: Timestamp) -> bool {
        self.pauses.rests(&what, now)
    }

    /// It need not be left alone any more.
    pub(super) fn end(&mut self, what: &'static str) {
        self.pauses.end(&what);
    }

    /// What came of it; nothing, and a remark, where it alone can't be read. What is wrong with all that is asked is an
    /// error.
    pub(super) fn came<T>(
        &mut self,
        what: &'static str,
        got: Result<T, SourceError>,
        skips: &mut Skips,
    ) -> Result<Option<T>, SourceError> {
        match got {
            Ok(value) => {
                self.end(what);
                self.named.remove(what);
                Ok(Some(value))
            }
            Err(error) if error.is_of_all() => {
                self.end(what);
                Err(error)
            }
            Err(error) => {
                if let SourceError::Transient { until: Some(until), .. } = &error {
                    self.pauses.hold_until(&what, *until);
                }
                if self.named.insert(what) {
                    skips.note(what.to_owned(), ".", &format!("can't be read: {error}"));
                }
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const TEAMS: &str = "teams";

    #[test]
    fn one_that_fails_is_named_once_and_left_alone_and_named_anew_after_it_was_well() {
        let (mut sides, mut skips) = (Sides::default(), Skips::default());
        let mut now = Timestamp::from_millis(1_795_000_000_000);
        assert!(!sides.asks_for(TEAMS, false, now), "it is not time to");
        for (nth, is_good) in [false, false, true, false].into_iter().enumerate() {
            assert!(sides.asks_for(TEAMS, nth == 0 || nth == 3, now), "time, or left alone for long enough");
            assert!(!sides.asks_for(TEAMS, true, now) && sides.rests(TEAMS, now), "until it came");
            let got = if is_good { Ok(7) } else { Err(SourceError::passing("GET /teams", "the server failed (500)")) };
            assert_eq!(sides.came(TEAMS, got, &mut skips), Ok(is_good.then_some(7)));
            now = now + TimeDelta::minutes(2);
        }
        let reasons: Vec<&str> = skips.named.iter().map(|one| &*one.reason).collect();
        assert_eq!(reasons, ["can't be read: GET /teams: the server failed (500)"; 2]);
    }

    #[test]
    fn what_is_wrong_with_all_is_an_error_and_nothing_is_left_alone() {
        let (mut sides, mut skips) = (Sides::default(), Skips::default());
        let now = Timestamp::default();
        assert!(sides.asks_for(TEAMS, true, now));
        let error = SourceError::RateLimited { place: "GET /teams".into(), until: None };
        assert_eq!(sides.came::<()>(TEAMS, Err(error.clone()), &mut skips), Err(error));
        assert!(!sides.rests(TEAMS, now) && skips.total == 0);
    }

    #[test]
    fn a_server_that_names_a_time_is_left_alone_until_then() {
        let (mut sides, mut skips) = (Sides::default(), Skips::default());
        let mut now = Timestamp::from_millis(1_795_000_000_000);
        for (minutes, rests_for) in [(30, 30), (0, 2)] {
            assert!(sides.may_ask(TEAMS, now));
            let until = Some(now + TimeDelta::minutes(minutes));
            let error = SourceError::Transient { place: "GET /teams".into(), what: "down".into(), until, todo: None };
            assert_eq!(sides.came::<()>(TEAMS, Err(error), &mut skips), Ok(None));
            let over = now + TimeDelta::minutes(rests_for);
            assert!(sides.rests(TEAMS, over - TimeDelta::milliseconds(1)) && !sides.rests(TEAMS, over));
            now = over;
        }
    }
}
