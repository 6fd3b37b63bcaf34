//! Selection by identity and the window of rows around it: the cost is that of the rows shown, whatever the list holds.

use std::ops::Bound;

use imbl::OrdMap;

/// Rows are numbered up to this far from an end of a list in its natural order.
const FAR: usize = 2_000;

/// The rows of a list, in the order they are shown.
#[derive(Debug)]
pub enum Rows<'a, K: Ord, V = ()> {
    /// The natural order, kept by the live figures.
    Kept(&'a OrdMap<K, V>),
    /// A filtered or otherwise sorted list.
    List(&'a [K]),
    /// A list made on the spot.
    Made(Vec<K>),
}

/// What is selected, and on which line of the window it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K> {
    /// The selected row; `None` on a board nobody touched.
    pub selected: Option<K>,
    /// Its line in the window, so that a list moves under a resting selection as little as possible.
    pub line: usize,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { selected: None, line: 0 }
    }
}

/// The rows on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<K> {
    /// From top to bottom.
    pub keys: Vec<K>,
    /// Which of them is selected.
    pub selected: Option<usize>,
    /// Whether there are rows above.
    pub above: bool,
    /// Whether there are rows below.
    pub below: bool,
}

/// A move in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Down by so many rows, up where negative.
    By(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// Which end of a list shows while nothing is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// The first rows: lists by urgency.
    Top,
    /// The last rows: timelines.
    Bottom,
}

impl<K: Ord + Clone, V> Rows<'_, K, V> {
    fn list(&self) -> &[K] {
        match self {
            Self::Kept(_) => &[],
            Self::List(list) => list,
            Self::Made(list) => list,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        if let Self::Kept(map) = self { map.len() } else { self.list().len() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first row.
    pub fn first(&self) -> Option<K> {
        if let Self::Kept(map) = self {
            map.get_min().map(|(key, _)| key.clone())
        } else {
            self.list().first().cloned()
        }
    }

    /// The last row.
    pub fn last(&self) -> Option<K> {
        if let Self::Kept(map) = self { map.get_max().map(|(key, _)| key.clone()) } else { self.list().last().cloned() }
    }

    /// Up to `n` rows before a row, nearest first.
    fn before(&self, key: &K, n: usize) -> Vec<K> {
        if let Self::Kept(map) = self {
            return map
                .range::<_, K>((Bound::Unbounded, Bound::Excluded(key)))
                .rev()
                .take(n)
                .map(|(key, _)| key.clone())
                .collect();
        }
        let list = self.list();
        let at = list.iter().position(|known| known == key).unwrap_or(0);
        list[..at].iter().rev().take(n).cloned().collect()
    }

    /// Up to `n` rows from a row on, itself first.
    fn from(&self, key: &K, n: usize) -> Vec<K> {
        if let Self::Kept(map) = self {
            return map
                .range::<_, K>((Bound::Included(key), Bound::Unbounded))
                .take(n)
                .map(|(key, _)| key.clone())
                .collect();
        }
        let list = self.list();
        let at = list.iter().position(|known| known == key).unwrap_or(0);
        list[at..].iter().take(n).cloned().collect()
    }

    /// The selected row as the list knows it now. One that left the list hands on to the row in its place.
    pub fn resolve(&self, cursor: &Cursor<K>, fresh: impl Fn(&K) -> Option<K>) -> Option<K> {
        let selected = cursor.selected.as_ref()?;
        let key = fresh(selected).unwrap_or_else(|| selected.clone());
        match self {
            Self::Kept(map) if map.contains_key(&key) => Some(key),
            Self::Kept(map) => map
                .range::<_, K>((Bound::Included(selected), Bound::Unbounded))
                .next()
                .or_else(|| map.get_max().map(|(key, value)| (key, value)))
                .map(|(key, _)| key.clone()),
            _ if self.list().contains(&key) => Some(key),
            _ => self.list().get(cursor.line).or_else(|| self.list().last()).cloned(),
        }
    }

    /// The rows that a window of `height` lines shows; `selected` is a resolved row.
    pub fn window(&self, selected: Option<&K>, line: usize, height: usize, rest: Rest) -> Window<K> {
        let anchor = match (selected, rest) {
            (Some(key), _) => Some((key.clone(), line.min(height.saturating_sub(1)))),
            (None, Rest::Top) => self.first().map(|key| (key, 0)),
            (None, Rest::Bottom) => self.last().map(|key| (key, height.saturating_sub(1))),
        };
        let Some((anchor, line)) = anchor.filter(|_| height > 0) else {
            return Window { keys: Vec::new(), selected: None, above: false, below: !self.is_empty() };
        };
        let mut after = self.from(&anchor, height + 1);
        let wanted = line.max(height.saturating_sub(after.len()));
        let mut keys = self.before(&anchor, wanted + 1);
        let above = keys.len() > wanted;
        keys.truncate(wanted);
        keys.reverse();
        let at = keys.len();
        let room = height - at;
        let below = after.len() > room;
        after.truncate(room);
        keys.append(&mut after);
        Window { keys, selected: selected.map(|_| at), above, below }
    }

    /// Which row of all a row is, counted from 0; `None` where that is far from both ends, so that it costs little
    /// in a list of any length.
    pub fn position(&self, key: &K) -> Option<usize> {
        let Self::Kept(map) = self else { return self.list().iter().position(|known| known == key) };
        let before = map.range::<_, K>((Bound::Unbounded, Bound::Excluded(key))).take(FAR).count();
        if before < FAR {
            return Some(before);
        }
        let behind = map.range::<_, K>((Bound::Included(key), Bound::Unbounded)).take(FAR).count();
        (behind < FAR).then(|| map.len() - behind)
    }

    /// The row `delta` rows away from a row, at most at an end, and how far that is.
    pub fn step(&self, from: &K, delta: isize) -> (K, isize) {
        let n = delta.unsigned_abs();
        if delta >= 0 {
            let walk = self.from(from, n + 1);
            let moved = walk.len().saturating_sub(1);
            (walk.last().unwrap_or(from).clone(), moved as isize)
        } else {
            let walk = self.before(from, n);
            (walk.last().unwrap_or(from).clone(), -(walk.len() as isize))
        }
    }
}

impl<K: Ord + Clone> Cursor<K> {
    /// Moves; the first step on an untouched list selects the row it rests on.
    pub fn go<V>(
        &mut self,
        rows: &Rows<'_, K, V>,
        step: Step,
        height: usize,
        rest: Rest,
        fresh: impl Fn(&K) -> Option<K>,
    ) {
        let from = rows.resolve(self, fresh);
        let (from, delta) = match (step, from, rest) {
            (Step::First, ..) | (Step::By(_), None, Rest::Top) => return self.select_first(rows),
            (Step::Last, ..) | (Step::By(_), None, Rest::Bottom) => return self.select_last(rows, height),
            (Step::By(delta), Some(from), _) => (from, delta),
        };
        let (key, moved) = rows.step(&from, delta);
        self.line = self.line.min(height.saturating_sub(1)).saturating_add_signed(moved).min(height.saturating_sub(1));
        self.selected = Some(key);
    }

    /// Selects the first row.
    fn select_first<V>(&mut self, rows: &Rows<'_, K, V>) {
        *self = Self { selected: rows.first(), line: 0 };
    }

    /// Selects the last row.
    fn select_last<V>(&mut self, rows: &Rows<'_, K, V>, height: usize) {
        *self = Self { selected: rows.last(), line: height.min(rows.len()).saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both<T: std::fmt::Debug + PartialEq>(values: &[u32], check: impl Fn(&Rows<'_, u32>) -> T) -> T {
        let set: OrdMap<u32, ()> = values.iter().map(|value| (*value, ())).collect();
        let (from_set, from_list) = (check(&Rows::Kept(&set)), check(&Rows::List(values)));
        assert_eq!(from_set, from_list);
        from_set
    }

    #[test]
    fn a_window_is_full_whenever_the_list_is_long_enough() {
        let values: Vec<u32> = (0..10).collect();
        let shown =
            |selected: Option<u32>, line, rest| both(&values, |rows| rows.window(selected.as_ref(), line, 4, rest));
        assert_eq!(shown(None, 0, Rest::Top).keys, [0, 1, 2, 3]);
        assert_eq!(shown(None, 0, Rest::Bottom).keys, [6, 7, 8, 9]);
        assert_eq!(shown(Some(5), 1, Rest::Top).keys, [4, 5, 6, 7]);
        let end = shown(Some(9), 0, Rest::Top);
        assert_eq!((end.keys, end.selected, end.above, end.below), (vec![6, 7, 8, 9], Some(3), true, false));
        let start = shown(Some(1), 3, Rest::Top);
        assert_eq!((start.keys, start.selected, start.above, start.below), (vec![0, 1, 2, 3], Some(1), false, true));
    }

    #[test]
    fn rows_are_numbered_near_the_ends() {
        let values: Vec<u32> = (0..10_000).collect();
        assert_eq!(both(&values, |rows| rows.position(&0)), Some(0));
        assert_eq!(both(&values, |rows| rows.position(&1_999)), Some(1_999));
        assert_eq!(both(&values, |rows| rows.position(&8_001)), Some(8_001));
        let set: OrdMap<u32, ()> = values.iter().map(|value| (*value, ())).collect();
        assert_eq!(Rows::Kept(&set).position(&5_000), None);
        assert_eq!(both(&[3, 5], |rows| rows.position(&5)), Some(1));
    }

    #[test]
    fn short_lists_and_no_room_do_no_harm() {
        assert_eq!(both(&[7], |rows| rows.window(Some(&7), 3, 9, Rest::Top).keys), [7]);
        assert!(both(&[], |rows| rows.window(None, 0, 9, Rest::Bottom)).keys.is_empty());
        assert!(both(&[1, 2], |rows| rows.window(Some(&2), 1, 0, Rest::Top)).keys.is_empty());
        assert_eq!(both(&[1, 2], |rows| rows.step(&1, -5)), (1, 0));
        assert_eq!(both(&[1, 2, 3], |rows| rows.step(&1, 9)), (3, 2));
    }

    #[test]
    fn a_row_that_left_hands_on_to_its_neighbour() {
        let cursor = Cursor { selected: Some(5), line: 1 };
        assert_eq!(both(&[1, 6, 9], |rows| rows.resolve(&cursor, |_| None)), Some(6));
        let last = Cursor { selected: Some(50), line: 2 };
        assert_eq!(both(&[1, 6, 9], |rows| rows.resolve(&last, |_| None)), Some(9));
        assert_eq!(both(&[], |rows| rows.resolve(&cursor, |_| None)), None);
    }

    #[test]
    fn a_row_that_moved_is_followed() {
        let cursor = Cursor { selected: Some(5), line: 0 };
        assert_eq!(both(&[1, 6, 9], |rows| rows.resolve(&cursor, |_| Some(9))), Some(9));
    }

    #[test]
    fn moving_keeps_the_line_inside_the_window() {
        let values: Vec<u32> = (0..100).collect();
        let rows: Rows<u32> = Rows::List(&values);
        let mut cursor = Cursor::default();
        cursor.go(&rows, Step::By(1), 4, Rest::Top, |_| None);
        assert_eq!(cursor, Cursor { selected: Some(0), line: 0 });
        cursor.go(&rows, Step::By(20), 4, Rest::Top, |_| None);
        assert_eq!(cursor, Cursor { selected: Some(20), line: 3 });
        cursor.go(&rows, Step::By(-1), 4, Rest::Top, |_| None);
        assert_eq!(cursor, Cursor { selected: Some(19), line: 2 });
        cursor.go(&rows, Step::Last, 4, Rest::Top, |_| None);
        assert_eq!(cursor, Cursor { selected: Some(99), line: 3 });
    }
}
