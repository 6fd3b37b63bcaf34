//! What can't be read is left alone for longer and longer, so that it holds up nothing else: a minute at first, an hour at
//! most. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::SourceError;
use super::skips::Skips;
use crate::event::Timestamp;

const SHORTEST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// For how long something is left alone that could not be read so many times in a row: each time twice as long.
pub(super) fn pause(times: u32) -> TimeDelta {
    match times {
        0 => TimeDelta::zero(),
        times => (SHORTEST * (1 << (times - 1).min(10))).min(LONGEST),
    }
}

/// Things that could not be read, by what they go by, and until when each is left alone.
#[derive(Debug, Clone)]
pub(super) struct Pauses<I>(BTreeMap<I, Pause>);

#[derive(Debug, Clone, Copy)]
struct Pause {
    /// It could not be read so many times in a row; 0 for what an earlier run could not read.
    times: u32,
    until: Timestamp,
}

impl<I> Default for Pauses<I> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<I: Ord + Clone> Pauses<I> {
    /// What an earlier run could not read: it may be tried at once.
    pub(super) fn of(ids: Vec<I>) -> Self {
        let at_once = Pause { times: 0, until: Timestamp::MIN };
        Self(ids.into_iter().map(|id| (id, at_once)).collect())
    }

    /// It could not be read; how often that was so in a row.
    pub(super) fn failed(&mut self, id: I, now: Timestamp) -> u32 {
        let one = self.0.entry(id).or_insert(Pause { times: 0, until: now });
        one.times = one.times.saturating_add(1);
        one.until = now + pause(one.times);
        one.times
    }

    /// It is left alone until then at least.
    pub(super) fn hold_until(&mut self, id: &I, until: Timestamp) {
        if let Some(one) = self.0.get_mut(id) {
            one.until = one.until.max(until);
        }
    }

    /// The same, and the first time it is named among the skipped, as the request that failed.
    pub(super) fn leave(&mut self, id: I, error: &SourceError, now: Timestamp, skips: &mut Skips) {
        if self.failed(id, now) == 1 {
            let (place, what) = told(error);
            skips.note(place, ".", &format!("{what}; it is left alone and tried again later"));
        }
    }

    /// It was read, or is not wanted any more; whether it could not be read before.
    pub(super) fn end(&mut self, id: &I) -> bool {
        self.0.remove(id).is_some()
    }

    /// Whether it could not be read the last time.
    pub(super) fn holds(&self, id: &I) -> bool {
        self.0.contains_key(id)
    }

    /// Whether it is left alone now.
    pub(super) fn rests(&self, id: &I, now: Timestamp) -> bool {
        self.0.get(id).is_some_and(|one| now < one.until)
    }

    /// What could not be read and may be tried again.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &I> {
        self.0.iter().filter(move |(_, one)| now >= one.until).map(|(id, _)| id)
    }

    /// All that could not be read the last time.
    pub(super) fn all(&self) -> Vec<I> {
        self.0.keys().cloned().collect()
    }
}

/// Where it failed, and what went wrong there.
fn told(error: &SourceError) -> (String, String) {
    match error {
        SourceError::Schema { place, path, what } => (place.clone(), format!("unexpected answer at `{path}`: {what}")),
        SourceError::Auth { place, what }
        | SourceError::Forbidden { place, what }
        | SourceError::Transient { place, what, .. }
        | SourceError::Unsupported { place, what } => (place.clone(), what.clone()),
        SourceError::RateLimited { place, .. } => (place.clone(), "too many requests".to_owned()),
    }
}

/// One thing that is asked for again and again, such as the next page of a history.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tries {
    times: u32,
    again_at: Option<Timestamp>,
}

impl Tries {
    /// It is asked for: whatever becomes of it, it is not asked for again at once.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.times = self.times.saturating_add(1);
        self.again_at = Some(now + pause(self.times));
    }

    /// Whether it may be asked for.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.again_at.is_none_or(|at| now >= at)
    }

    /// How often it was asked for without an answer that could be read.
    pub(super) const fn times(&self) -> u32 {
        self.times
    }

    /// It was read.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: [i64; 9] = [1, 2, 4, 8, 16, 32, 60, 60, 60];

    fn later(now: Timestamp, minutes: i64) -> Timestamp {
        now + TimeDelta::minutes(minutes)
    }

    #[test]
    fn it_is_left_alone_for_longer_and_longer() {
        let mut pauses = Pauses::default();
        let mut now = Timestamp::from_millis(1_795_000_000_000);
        for (nth, minutes) in MINUTES.into_iter().enumerate() {
            assert_eq!(pauses.failed("7", now) as usize, nth + 1);
            let over = later(now, minutes);
            for (at, rests) in [(over - TimeDelta::milliseconds(1), true), (over, false)] {
                let seen = (pauses.rests(&"7", at), pauses.due(at).count());
                assert_eq!(seen, (rests, usize::from(!rests)), "{minutes} min");
            }
            now = over;
        }
        assert!(pauses.holds(&"7") && !pauses.holds(&"8") && !pauses.rests(&"8", now));
        assert!(pauses.end(&"7") && !pauses.end(&"7") && !pauses.holds(&"7"));
        assert_eq!(pauses.failed("7", now), 1, "it begins anew");
        let after_a_restart = Pauses::of(pauses.all());
        assert!(after_a_restart.holds(&"7") && after_a_restart.due(Timestamp::MIN).eq([&"7"]));
    }

    #[test]
    fn it_is_named_once_as_the_request_that_failed() {
        let (mut pauses, mut skips, now) = (Pauses::default(), Skips::default(), Timestamp::default());
        let error = SourceError::passing("GET /x/7", "the server failed (500)");
        for _ in 0..3 {
            pauses.leave(7, &error, now, &mut skips);
        }
        pauses.leave(8, &SourceError::RateLimited { place: "GET /x/8".into(), until: None }, now, &mut skips);
        let path = SourceError::Schema { place: "GET /x/9".into(), path: "at".into(), what: "no time".into() };
        pauses.leave(9, &path, now, &mut skips);
        let named: Vec<String> = skips.named.iter().map(|one| format!("{}: {}", one.place, one.reason)).collect();
        let left = "; it is left alone and tried again later";
        assert_eq!(named[0], format!("GET /x/7: the server failed (500){left}"));
        assert_eq!(named[1], format!("GET /x/8: too many requests{left}"));
        assert_eq!(named[2], format!("GET /x/9: unexpected answer at `at`: no time{left}"));
        assert_eq!((named.len(), skips.total), (3, 3));
    }

    #[test]
    fn what_is_asked_for_again_and_again_waits_longer_and_longer() {
        let (mut tries, now) = (Tries::default(), Timestamp::default());
        assert!(tries.is_due(now));
        for (nth, minutes) in MINUTES.into_iter().enumerate() {
            tries.begin(now);
            assert_eq!(tries.times() as usize, nth + 1);
            let over = later(now, minutes);
            assert!(!tries.is_due(over - TimeDelta::milliseconds(1)) && tries.is_due(over), "{minutes} min");
        }
        tries.end();
        assert!(tries.is_due(now) && tries.times() == 0);
    }
}
