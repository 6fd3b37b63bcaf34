//! Records that are read one by one, each with requests of its own: which is next, and what becomes of one whose requests
//! fail while those of others go well. It is left alone for a while, longer and longer, so that it holds up no other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::SourceError;
use super::pauses::Pauses;
use super::skips::Skips;
use crate::event::Timestamp;

/// So many that fail before any goes well are no fault of theirs.
pub(super) const SEVERAL: usize = 3;

/// What is read one by one.
pub(super) trait Record: Clone {
    /// What it goes by.
    type Id: Copy + Ord;

    /// Its number.
    fn id(&self) -> Self::Id;

    /// When it changed, as this look at it shows.
    fn changed_at(&self) -> Timestamp;
}

/// Whether a request failed in a way that may be the fault of the record that it was about. What a key may not do, what
/// came too often, and a server that is not there or asks for time, is about all.
pub(super) fn is_of_one(error: &SourceError) -> bool {
    match error {
        SourceError::Auth { .. } | SourceError::RateLimited { .. } => false,
        SourceError::Transient { until, todo, .. } => until.is_none() && todo.is_none(),
        SourceError::Forbidden { .. } | SourceError::Schema { .. } | SourceError::Unsupported { .. } => true,
    }
}

/// Records that are to be read.
#[derive(Debug)]
pub(super) struct Wanted<T: Record> {
    queue: VecDeque<T>,
    /// Who is in the queue, which may be long.
    queued: BTreeSet<T::Id>,
    /// Those that are left alone.
    aside: BTreeMap<T::Id, T>,
    pauses: Pauses<T::Id>,
}

impl<T: Record> Default for Wanted<T> {
    fn default() -> Self {
        let (queue, queued, aside) = (VecDeque::new(), BTreeSet::new(), BTreeMap::new());
        Self { queue, queued, aside, pauses: Pauses::default() }
    }
}

/// What one poll reads of them.
#[derive(Debug)]
pub(super) struct Round<T> {
    /// So many of the queue were not tried yet.
    rest: usize,
    due: std::vec::IntoIter<T>,
    is_good: bool,
    failed: Vec<(T, SourceError)>,
}

impl<T> Round<T> {
    /// A request like theirs went well.
    pub(super) fn is_good(&mut self) {
        self.is_good = true;
    }

    /// Whether any went well.
    pub(super) fn has_good(&self) -> bool {
        self.is_good
    }

    /// Some failed, and none went well: whether that is their fault or the server's shows a request for another.
    pub(super) fn is_in_doubt(&self) -> bool {
        !self.is_good && !self.failed.is_empty()
    }

    /// There is no other to ask for. A few are then taken to be at fault themselves.
    pub(super) fn has_no_other(&mut self) {
        self.is_good |= self.failed.len() < SEVERAL;
    }
}

impl<T: Record> Wanted<T> {
    /// One is to be read; of two looks at it the newer counts. One that is left alone stays so.
    pub(super) fn want(&mut self, record: T) {
        let id = record.id();
        let wanted = if self.queued.contains(&id) {
            self.queue.iter_mut().find(|wanted| wanted.id() == id)
        } else {
            self.aside.get_mut(&id)
        };
        match wanted {
            Some(wanted) if wanted.changed_at() < record.changed_at() => *wanted = record,
            Some(_) => {}
            None => {
                self.queued.insert(id);
                self.queue.push_back(record);
            }
        }
    }

    /// Those that are to be read now; nothing of those that are left alone.
    pub(super) fn queue(&self) -> impl ExactSizeIterator<Item = &T> {
        self.queue.iter()
    }

    /// What is left alone is still wanted, too.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.queue.iter().chain(self.aside.values())
    }

    /// Those that are left alone.
    pub(super) fn aside(&self) -> impl Iterator<Item = T::Id> {
        self.aside.keys().copied()
    }

    /// Whether it is to be read.
    pub(super) fn has(&self, id: T::Id) -> bool {
        self.aside.contains_key(&id) || self.queued.contains(&id)
    }

    /// Those come first of which that is least; else the order stays.
    pub(super) fn sort_by_key<K: Ord>(&mut self, rank: impl Fn(&T) -> K) {
        self.queue.make_contiguous().sort_by_key(rank);
    }

    /// Lets go of those of which that is false.
    pub(super) fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        let gone: BTreeSet<T::Id> = self.all().filter(|wanted| !is_wanted(wanted)).map(Record::id).collect();
        self.queue.retain(|wanted| !gone.contains(&wanted.id()));
        for id in gone {
            self.queued.remove(&id);
            self.aside.remove(&id);
            self.pauses.end(&id);
        }
    }

    /// It was read, or is not wanted any more.
    pub(super) fn remove(&mut self, id: T::Id) {
        self.leave_queue(id);
        self.aside.remove(&id);
        self.pauses.end(&id);
    }

    fn leave_queue(&mut self, id: T::Id) {
        if !self.queued.remove(&id) {
            return;
        }
        if self.queue.front().is_some_and(|first| first.id() == id) {
            self.queue.pop_front();
        } else {
            self.queue.retain(|wanted| wanted.id() != id);
        }
    }

    /// Begins to read.
    pub(super) fn begin(&self, now: Timestamp) -> Round<T> {
        let due = self.aside.values().filter(|wanted| !self.pauses.rests(&wanted.id(), now)).cloned();
        let due = due.collect::<Vec<_>>().into_iter();
        Round { rest: self.queue.len(), due, is_good: false, failed: Vec::new() }
    }

    /// The next one; nothing where it looks as if none could be read.
    pub(super) fn next(&self, round: &mut Round<T>) -> Option<T> {
        if !round.is_good && round.failed.len() >= SEVERAL {
            return None;
        }
        if round.rest > 0 {
            round.rest -= 1;
            return self.queue.front().cloned();
        }
        round.due.next()
    }

    /// One can't be read. What is not its own fault is an error of the whole; else the next try begins with another.
    pub(super) fn failed(&mut self, one: T, error: SourceError, round: &mut Round<T>) -> Result<(), SourceError> {
        if !is_of_one(&error) {
            return Err(error);
        }
        if self.queue.front().is_some_and(|first| first.id() == one.id()) {
            self.queue.rotate_left(1);
        }
        round.failed.push((one, error));
        Ok(())
    }

    /// Leaves those alone that could not be read; where that is not their fault, it is an error of the whole.
    pub(super) fn end(&mut self, round: Round<T>, now: Timestamp, skips: &mut Skips) -> Result<(), SourceError> {
        if round.is_in_doubt() {
            return round.failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error));
        }
        for (one, error) in round.failed {
            let id = one.id();
            self.leave_queue(id);
            self.aside.insert(id, one);
            self.pauses.leave(id, &error, now, skips);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct One(u64, i64);

    impl Record for One {
        type Id = u64;

        fn id(&self) -> u64 {
            self.0
        }

        fn changed_at(&self) -> Timestamp {
            at(self.1)
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    fn fault() -> SourceError {
        SourceError::passing("GET /x", "the server failed (500)")
    }

    /// Reads what is wanted at that second; the ones that fail are given. Which were tried, and how it ended.
    fn read(wanted: &mut Wanted<One>, second: i64, bad: &[u64], skips: &mut Skips) -> (Vec<u64>, bool) {
        let (mut round, mut tried) = (wanted.begin(at(second)), Vec::new());
        while let Some(one) = wanted.next(&mut round) {
            tried.push(one.0);
            if bad.contains(&one.0) {
                wanted.failed(one, fault(), &mut round).unwrap();
            } else {
                round.is_good();
                wanted.remove(one.0);
            }
        }
        (tried, wanted.end(round, at(second), skips).is_ok())
    }

    #[test]
    fn one_that_can_not_be_read_holds_up_no_other_and_is_tried_less_and_less_often() {
        let (mut wanted, mut skips) = (Wanted::default(), Skips::default());
        (1..=4).for_each(|id| wanted.want(One(id, 0)));
        assert_eq!(read(&mut wanted, 0, &[1], &mut skips), (vec![1, 2, 3, 4], true));
        assert_eq!((wanted.queue().len(), wanted.has(1), skips.total), (0, true, 1), "named, and still wanted");
        assert_eq!(skips.named[0].place, "GET /x");
        let mut tries = Vec::new();
        for minute in 0..300 {
            // There is always another one, which goes well.
            wanted.want(One(9, 0));
            if read(&mut wanted, minute * 60, &[1], &mut skips).0.contains(&1) {
                tries.push(minute);
            }
        }
        assert_eq!((tries, skips.total), (vec![1, 3, 7, 15, 31, 63, 123, 183, 243], 1), "and named once");
        wanted.want(One(1, 5));
        assert_eq!((wanted.queue().len(), wanted.all().cloned().collect::<Vec<_>>()), (0, vec![One(1, 5)]));
        assert_eq!(read(&mut wanted, 400 * 60, &[], &mut skips), (vec![1], true));
        assert!(!wanted.has(1));
    }

    #[test]
    fn what_is_wanted_once_is_there_once_and_what_is_let_go_is_not() {
        let (mut wanted, mut skips) = (Wanted::default(), Skips::default());
        for (id, second) in [(1, 5), (2, 0), (3, 0), (1, 7), (1, 6)] {
            wanted.want(One(id, second));
        }
        wanted.sort_by_key(|one| one.0 == 1);
        assert_eq!(wanted.queue().cloned().collect::<Vec<_>>(), [One(2, 0), One(3, 0), One(1, 7)]);
        assert_eq!(read(&mut wanted, 0, &[2, 3], &mut skips), (vec![2, 3, 1], true));
        wanted.want(One(4, 0));
        wanted.want(One(5, 0));
        wanted.retain(|one| one.0 % 2 == 1);
        let left: Vec<u64> = (1..=5).filter(|id| wanted.has(*id)).collect();
        assert_eq!((left, wanted.queue().len(), wanted.aside().collect::<Vec<_>>()), (vec![3, 5], 1, vec![3]));
        wanted.want(One(2, 0));
        wanted.remove(5);
        assert_eq!((wanted.has(5), wanted.queue().len()), (false, 1), "and is wanted anew");
    }

    #[test]
    fn where_none_can_be_read_the_whole_fails_and_nothing_is_left_alone() {
        let (mut wanted, mut skips) = (Wanted::default(), Skips::default());
        (1..=9).for_each(|id| wanted.want(One(id, 0)));
        let all: Vec<u64> = (1..=9).collect();
        assert_eq!(read(&mut wanted, 0, &all, &mut skips), (vec![1, 2, 3], false));
        assert_eq!(read(&mut wanted, 1, &all, &mut skips), (vec![4, 5, 6], false), "the next try begins with others");
        assert_eq!((wanted.queue().len(), wanted.aside().count(), skips.total), (9, 0, 0));
    }

    #[test]
    fn a_few_are_at_fault_where_another_can_be_read_or_there_is_none() {
        for (bad, has_other, is_good, expected) in
            [(1, true, true, true), (1, true, false, false), (2, false, false, true), (3, false, false, false)]
        {
            let (mut wanted, mut skips) = (Wanted::default(), Skips::default());
            (1..=bad).for_each(|id| wanted.want(One(id, 0)));
            let mut round = wanted.begin(at(0));
            while let Some(one) = wanted.next(&mut round) {
                wanted.failed(one, fault(), &mut round).unwrap();
            }
            assert!(round.is_in_doubt());
            match (has_other, is_good) {
                (true, true) => round.is_good(),
                (true, false) => {}
                (false, _) => round.has_no_other(),
            }
            assert_eq!(wanted.end(round, at(0), &mut skips).is_ok(), expected, "{bad} {has_other} {is_good}");
        }
    }

    #[rstest]
    #[case(SourceError::passing("p", "w"), true)]
    #[case(SourceError::Schema { place: "p".into(), path: "x".into(), what: "w".into() }, true)]
    #[case(SourceError::Forbidden { place: "p".into(), what: "w".into() }, true)]
    #[case(SourceError::Unsupported { place: "p".into(), what: "w".into() }, true)]
    #[case(SourceError::Auth { place: "p".into(), what: "w".into() }, false)]
    #[case(SourceError::RateLimited { place: "p".into(), until: None }, false)]
    #[case(SourceError::Transient { place: "p".into(), what: "w".into(), until: Some(at(9)), todo: None }, false)]
    #[case(SourceError::Transient { place: "p".into(), what: "w".into(), until: None, todo: Some("mend it") }, false)]
    fn what_may_be_the_fault_of_one(#[case] error: SourceError, #[case] expected: bool) {
        assert_eq!(is_of_one(&error), expected);
        let mut wanted = Wanted::default();
        wanted.want(One(1, 0));
        let mut round = wanted.begin(at(0));
        let one = wanted.next(&mut round).unwrap();
        assert_eq!(wanted.failed(one, error, &mut round).is_ok(), expected);
    }
}
