//! What can't be read is left alone, for longer and longer: a minute at first, an hour at most.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use compact_str::CompactString;

use crate::event::Timestamp;

const SHORTEST: TimeDelta = TimeDelta::minutes(1);
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// Things that could not be read, by name, and until when each is left alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Left(BTreeMap<CompactString, Pause>);

#[derive(Debug, Clone, Copy)]
struct Pause {
    length: TimeDelta,
    until: Timestamp,
}

impl Left {
    /// What an earlier run could not read: it may be tried at once.
    pub(super) fn of(names: Vec<CompactString>) -> Self {
        let tried_at_once = Pause { length: TimeDelta::zero(), until: Timestamp::MIN };
        Self(names.into_iter().map(|name| (name, tried_at_once)).collect())
    }

    /// It could not be read.
    pub(super) fn failed(&mut self, name: &str, now: Timestamp) {
        let pause = self.0.entry(name.into()).or_insert(Pause { length: TimeDelta::zero(), until: now });
        pause.length = (pause.length * 2).clamp(SHORTEST, LONGEST);
        pause.until = now + pause.length;
    }

    /// It was read; whether it could not be before.
    pub(super) fn read(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Whether it could not be read the last time.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether it could not be read and may be tried again.
    pub(super) fn is_due(&self, name: &str, now: Timestamp) -> bool {
        self.0.get(name).is_some_and(|pause| now >= pause.until)
    }

    /// What may be tried again.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = &CompactString> {
        self.0.iter().filter(move |(_, pause)| now >= pause.until).map(|(name, _)| name)
    }

    /// All of it.
    pub(super) fn names(&self) -> Vec<CompactString> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_left_alone_for_longer_and_longer() {
        let mut left = Left::default();
        let mut now = Timestamp::from_millis(1_795_000_000_000);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            left.failed("7", now);
            let due = |at: Timestamp| left.due(at).count();
            let over = now + TimeDelta::minutes(minutes);
            assert_eq!((due(over - TimeDelta::seconds(1)), due(over)), (0, 1), "{minutes} min");
            now = over;
        }
        assert!(left.read("7") && !left.read("7") && !left.holds("7"));
        left.failed("7", now);
        assert_eq!(left.due(now + SHORTEST).count(), 1, "it begins anew");
        assert_eq!(Left::of(left.names()).due(Timestamp::MIN).count(), 1);
    }
}
