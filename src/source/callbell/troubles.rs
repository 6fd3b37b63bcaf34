//! Contacts that can't be read though others can: each is left alone for a while, longer each time. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use compact_str::CompactString;

use crate::event::Timestamp;

/// The first pause; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

/// How often one could not be read, and when it is tried again.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    times: u32,
    due_at: Timestamp,
}

/// The contacts that can't be read.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<CompactString, Trouble>);

impl Troubles {
    /// It could not be read, once more; how often that makes in a row.
    pub(super) fn failed(&mut self, uuid: &CompactString, now: Timestamp) -> u32 {
        let times = self.0.get(uuid).map_or(0, |trouble| trouble.times).saturating_add(1);
        let pause = (FIRST_PAUSE * (1 << (times - 1).min(6))).min(LONGEST_PAUSE);
        self.0.insert(uuid.clone(), Trouble { times, due_at: now + pause });
        times
    }

    /// It was read, or there is nothing to read any more.
    pub(super) fn over(&mut self, uuid: &CompactString) {
        self.0.remove(uuid);
    }

    /// Whether it could not be read the last time.
    pub(super) fn knows(&self, uuid: &CompactString) -> bool {
        self.0.contains_key(uuid)
    }

    /// Whether it is left alone now.
    pub(super) fn is_paused(&self, uuid: &CompactString, now: Timestamp) -> bool {
        self.0.get(uuid).is_some_and(|trouble| now < trouble.due_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_an_hour_and_ends_when_it_is_read() {
        let (mut troubles, uuid, mut now) = (Troubles::default(), CompactString::from("c1"), Timestamp::default());
        for (nth, minutes) in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().enumerate() {
            assert_eq!(troubles.failed(&uuid, now) as usize, nth + 1);
            let due_at = now + TimeDelta::minutes(minutes);
            assert!(troubles.is_paused(&uuid, due_at - TimeDelta::seconds(1)) && !troubles.is_paused(&uuid, due_at));
            now = due_at;
        }
        assert!(troubles.knows(&uuid) && !troubles.is_paused(&"c2".into(), now));
        troubles.over(&uuid);
        assert!(!troubles.knows(&uuid));
        assert_eq!(troubles.failed(&uuid, now), 1);
    }
}
