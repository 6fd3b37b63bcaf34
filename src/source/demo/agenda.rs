//! What is due when: tasks by time, of one instant in the order in which they were planned.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::rhythm::MINUTE;

/// A planned task: when, its place among all planned, and what.
type Entry<T> = (i64, u64, T);

/// The tasks before a simulation.
///
/// Only the minute at hand is kept sorted, the later ones lie in a heap each: of a hundred thousand tasks most are
/// hours away, and sorting them all would cost more than all else.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    /// The tasks of `minute` and before; empty only when there are none at all.
    soon: BinaryHeap<Reverse<Entry<T>>>,
    minute: i64,
    later: BTreeMap<i64, Vec<Entry<T>>>,
    planned: u64,
}

impl<T: Ord> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { soon: BinaryHeap::new(), minute: i64::MIN, later: BTreeMap::new(), planned: 0 }
    }

    pub(super) fn plan(&mut self, at: i64, task: T) {
        self.planned += 1;
        let (minute, entry) = (at.div_euclid(MINUTE), (at, self.planned, task));
        if minute <= self.minute {
            self.soon.push(Reverse(entry));
            return;
        }
        self.later.entry(minute).or_default().push(entry);
        self.turn_page();
    }

    /// When the next task is due.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.soon.peek().map(|Reverse((at, ..))| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(i64, T)> {
        let Reverse((at, _, task)) = self.soon.pop()?;
        self.turn_page();
        Some((at, task))
    }

    fn turn_page(&mut self) {
        if !self.soon.is_empty() {
            return;
        }
        if let Some((minute, entries)) = self.later.pop_first() {
            self.minute = minute;
            self.soon.extend(entries.into_iter().map(Reverse));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.soon.len() + self.later.values().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::Dice;
    use super::*;

    #[test]
    fn tasks_come_in_time_and_of_one_instant_as_planned() {
        let (mut agenda, mut dice) = (Agenda::new(), Dice::new(1));
        let mut expected = Vec::new();
        let (mut now, mut nth) = (0, 0_usize);
        let mut done = Vec::new();
        for _ in 0..20_000 {
            if dice.chance(0.55) {
                let at = now + dice.below(200 * MINUTE as usize) as i64 / MINUTE * (MINUTE / 4);
                agenda.plan(at, nth);
                expected.push((at, nth));
                nth += 1;
            } else if let Some(next) = agenda.pop() {
                assert!(next.0 >= now);
                now = next.0;
                done.push(next);
            }
        }
        while let Some(next) = agenda.pop() {
            done.push(next);
        }
        assert_eq!((agenda.len(), agenda.next_at()), (0, None));
        expected.sort_unstable();
        assert_eq!(done, expected);
    }
}
