//! How many chats an agent held over a day.

use std::collections::BTreeMap;

use super::page::Held;
use crate::event::Timestamp;

/// The number of chats held from `since` on, as steps in the order of time, from when on and until when each was held;
/// what began before counts from there.
pub(super) fn held(spells: &[(Timestamp, Option<Timestamp>)], since: Timestamp) -> Vec<Held> {
    let mut changes: BTreeMap<Timestamp, i64> = BTreeMap::from([(since, 0)]);
    for (from, to) in spells.iter().filter(|(_, to)| to.is_none_or(|to| to > since)) {
        *changes.entry((*from).max(since)).or_default() += 1;
        if let Some(to) = to {
            *changes.entry(*to).or_default() -= 1;
        }
    }
    let mut steps: Vec<Held> = Vec::new();
    let mut chats = 0;
    for (from, change) in changes {
        chats += change;
        let now = u32::try_from(chats).unwrap_or(0);
        if steps.last().is_none_or(|last| last.chats != now) {
            steps.push(Held { from, chats: now });
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chats_are_counted_from_the_day_s_begin_and_a_change_of_no_number_is_no_step() {
        let at = Timestamp::from_millis;
        let spells = [
            // Before the day, over its begin, one handed over to the next in one instant, one that lasts.
            (at(0), Some(at(50))),
            (at(10), Some(at(200))),
            (at(120), Some(at(150))),
            (at(150), Some(at(180))),
            (at(300), None),
        ];
        let steps: Vec<_> = held(&spells, at(100)).iter().map(|step| (step.from.millis(), step.chats)).collect();
        assert_eq!(steps, [(100, 1), (120, 2), (180, 1), (200, 0), (300, 1)]);
        assert_eq!(held(&[], at(100)), [Held { from: at(100), chats: 0 }]);
    }
}
