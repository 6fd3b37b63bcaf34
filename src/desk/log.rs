//! What happened to one thing, in the order of time, at a cost that no order of arrival can drive up.

use std::fmt::{self, Debug, Write};
use std::hash::Hasher;
use std::ops::Deref;

use rustc_hash::{FxHashSet, FxHasher};

use crate::event::Timestamp;

/// Something with an instant.
pub(super) trait Dated {
    /// When.
    fn at(&self) -> Timestamp;
}

/// Entries ordered by time, ties by arrival, exact repeats kept once.
///
/// The latest entry is placed at once. A late one is only appended, and everything after it with it: [`Log::settle`]
/// then sorts once, whatever the number of late entries. Until then what the log shows is not in order.
#[derive(Debug, Clone)]
pub(super) struct Log<T> {
    entries: Vec<T>,
    /// Nothing while the log is in order and its last instant is small; boxed, for nearly every log has nothing.
    tail: Option<Box<Tail>>,
}

/// What is special about the end of a log.
#[derive(Debug, Clone)]
enum Tail {
    /// The last instant holds many: prints of all its entries.
    Crowd { at: Timestamp, seen: FxHashSet<u64> },
    /// Late entries wait for their places: how many were appended, and how many of them turned out to be repeats.
    Late { appended: u64, repeats: u64 },
}

/// What became of an entry that was put into a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is the last of the log, which is in order.
    Last,
    /// It is appended; its place, and whether it is a repeat, is known when the log is settled.
    Late,
    /// It was there already.
    Repeat,
}

/// What became of the late entries of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Settled {
    /// They are in.
    pub(super) new: u64,
    /// They were there already.
    pub(super) repeats: u64,
}

/// From so many entries of one instant on, repeats are told by their prints.
const CROWDED: usize = 64;

/// Room that a log has from the beginning.
const ROOM: usize = 4;

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), tail: None }
    }
}

impl<T> Deref for Log<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries
    }
}

impl<T: Dated + PartialEq + Debug> Log<T> {
    pub(super) fn put(&mut self, entry: T) -> Put {
        if let Some(Tail::Late { appended, .. }) = self.tail.as_deref_mut() {
            *appended += 1;
            self.append(entry);
            return Put::Late;
        }
        if self.entries.last().is_some_and(|last| entry.at() < last.at()) {
            self.tail = Some(Box::new(Tail::Late { appended: 1, repeats: 0 }));
            self.append(entry);
            return Put::Late;
        }
        if self.is_repeat(&entry) {
            return Put::Repeat;
        }
        self.entries.push(entry);
        Put::Last
    }

    /// Whether one more would take more memory.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= ROOM && self.entries.len() == self.entries.capacity()
    }

    /// Takes out what is before the last instant, of a log that is in order; repeats are told without it.
    pub(super) fn take_older(&mut self, to: impl FnOnce(&mut dyn Iterator<Item = T>)) {
        let Some(last_at) = self.entries.last().map(T::at) else { return };
        let older = self.entries.partition_point(|entry| entry.at() < last_at);
        if older > 0 {
            to(&mut self.entries.drain(..older));
            self.entries.shrink_to(ROOM);
        }
    }

    /// Gives back what was taken out.
    pub(super) fn put_back(&mut self, older: Vec<T>) {
        self.entries.splice(..0, older);
    }

    /// Takes no more memory than it must.
    pub(super) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// Whether entries wait for their places.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.tail.as_deref(), Some(Tail::Late { .. }))
    }

    /// Puts the late entries in their places.
    pub(super) fn settle(&mut self) -> Settled {
        if !self.is_late() {
            return Settled::default();
        }
        self.sort();
        match self.tail.take().as_deref() {
            Some(Tail::Late { appended, repeats }) => Settled { new: appended - repeats, repeats: *repeats },
            Some(Tail::Crowd { .. }) | None => Settled::default(),
        }
    }

    /// Lets the entries go for which `keep` is false, of a log that is settled.
    pub(super) fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.entries.retain(keep);
    }

    /// Lets all entries go.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Appends a late entry. A log that is full drops its repeats before it grows, so that a stream that says the
    /// same over and over takes no memory; it grows when that leaves less than half free, so that this stays rare.
    fn append(&mut self, entry: T) {
        if self.entries.len() == self.entries.capacity() {
            self.sort();
            if self.entries.len() > self.entries.capacity() / 2 {
                self.entries.reserve(self.entries.capacity());
            }
        }
        self.entries.push(entry);
    }

    /// Orders the entries, and drops repeats.
    fn sort(&mut self) {
        // Stable: entries of one instant stay in the order of their arrival.
        self.entries.sort_by_key(T::at);
        let found = repeats(&self.entries);
        if found.is_empty() {
            return;
        }
        if let Some(Tail::Late { repeats, .. }) = self.tail.as_deref_mut() {
            *repeats += found.len() as u64;
        }
        let mut found = found.into_iter().peekable();
        let mut place = 0;
        self.entries.retain(|_| {
            let is_repeat = found.next_if_eq(&place).is_some();
            place += 1;
            !is_repeat
        });
    }

    /// Whether the last instant of a log in order holds that very entry.
    fn is_repeat(&mut self, entry: &T) -> bool {
        if let Some(Tail::Crowd { at, seen }) = self.tail.as_deref_mut()
            && *at == entry.at()
        {
            return !seen.insert(print(entry));
        }
        let instant = || self.entries.iter().rev().take_while(|other| other.at() == entry.at());
        if instant().any(|other| other == entry) {
            return true;
        }
        if instant().nth(CROWDED).is_some() {
            let seen = instant().chain([entry]).map(print).collect();
            self.tail = Some(Box::new(Tail::Crowd { at: entry.at(), seen }));
        }
        false
    }
}

/// The places of those of ordered entries that equal an earlier one of their instant.
fn repeats<T: Dated + PartialEq + Debug>(entries: &[T]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut begin = 0;
    for instant in entries.chunk_by(|one, other| one.at() == other.at()) {
        let places = 0..instant.len();
        if instant.len() > CROWDED {
            let mut seen = FxHashSet::default();
            found.extend(places.filter(|&i| !seen.insert(print(&instant[i]))).map(|i| begin + i));
        } else {
            found.extend(places.filter(|&i| instant[..i].contains(&instant[i])).map(|i| begin + i));
        }
        begin += instant.len();
    }
    found
}

/// A number that equal entries share, and others hardly ever.
fn print(entry: &impl Debug) -> u64 {
    let mut hashing = Hashing(FxHasher::default());
    // Hashing has no way to fail.
    let _ = write!(hashing, "{entry:?}");
    hashing.0.finish()
}

struct Hashing(FxHasher);

impl Write for Hashing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// How often an entry was looked at, in whatever way.
        static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Clone)]
    struct Line(i64, usize);

    impl Dated for Line {
        fn at(&self) -> Timestamp {
            LOOKS.set(LOOKS.get() + 1);
            Timestamp::from_millis(self.0)
        }
    }

    impl PartialEq for Line {
        fn eq(&self, other: &Self) -> bool {
            LOOKS.set(LOOKS.get() + 1);
            (self.0, self.1) == (other.0, other.1)
        }
    }

    impl Debug for Line {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            LOOKS.set(LOOKS.get() + 1);
            write!(f, "{} {}", self.0, self.1)
        }
    }

    const MANY: usize = 10_000;

    fn log(lines: impl IntoIterator<Item = Line>) -> (Log<Line>, Settled) {
        let mut log = Log::default();
        for line in lines {
            log.put(line);
        }
        let settled = log.settle();
        (log, settled)
    }

    fn many(at: impl Fn(usize) -> i64) -> Vec<Line> {
        (0..MANY).map(|i| Line(at(i), i)).collect()
    }

    #[test]
    fn no_order_of_arrival_makes_a_line_dear() {
        let newest_first = many(|i| -(i as i64));
        let one_instant = many(|_| 0);
        let streams = [
            ("newest first", newest_first.clone()),
            ("one instant", one_instant.clone()),
            ("one instant, late", [vec![Line(1, 0)], one_instant.clone()].concat()),
            ("one instant, twice", [one_instant.clone(), one_instant.clone()].concat()),
            ("one instant, late, twice", [vec![Line(1, 0)], one_instant.clone(), one_instant].concat()),
            ("newest first, twice", [newest_first.clone(), newest_first].concat()),
            ("one late line again and again", [many(|i| i as i64), vec![Line(0, 0); MANY]].concat()),
            ("two instants by turns", many(|i| (i % 2) as i64)),
        ];
        for (name, lines) in streams {
            let count = lines.len();
            LOOKS.set(0);
            log(lines);
            let looks = LOOKS.get() / count;
            assert!(looks < 100, "{name}: {looks} looks at entries for each line");
        }
    }

    #[test]
    fn late_entries_find_their_places_ties_by_arrival_and_repeats_are_dropped() {
        let (log, settled) =
            log([Line(2, 0), Line(1, 7), Line(2, 5), Line(1, 3), Line(1, 7), Line(2, 0), Line(3, 1), Line(1, 3)]);
        let places: Vec<_> = log.iter().map(|line| (line.0, line.1)).collect();
        assert_eq!(places, [(1, 7), (1, 3), (2, 0), (2, 5), (3, 1)]);
        assert_eq!(settled, Settled { new: 4, repeats: 3 });
    }

    #[test]
    fn repeats_are_told_in_a_crowd_that_came_late_and_in_one_that_goes_on_after_it() {
        let crowd = || (0..200).map(|i| Line(0, i));
        let (mut log, settled) = log([Line(0, 500), Line(-1, 0)].into_iter().chain(crowd()).chain(crowd()));
        assert_eq!((log.len(), settled), (202, Settled { new: 201, repeats: 200 }));
        assert_eq!(
            [log.put(Line(0, 7)), log.put(Line(0, 600)), log.put(Line(0, 600))],
            [Put::Repeat, Put::Last, Put::Repeat]
        );
    }

    #[test]
    fn a_flood_of_repeats_takes_no_memory() {
        let (log, settled) = log((0..100).map(|i| Line(i, 0)).chain((0..MANY).map(|i| Line((i % 99) as i64, 0))));
        assert_eq!((log.len(), settled), (100, Settled { new: 0, repeats: MANY as u64 }));
        assert!(log.entries.capacity() <= 512, "{}", log.entries.capacity());
    }
}
