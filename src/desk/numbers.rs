//! Numbers of things by their ids, without a second copy of the ids.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// The numbers given so far; the ids stay with the things themselves.
#[derive(Debug)]
pub(super) struct Numbers<I>(HashTable<I>);

impl<I> Default for Numbers<I> {
    fn default() -> Self {
        Self(HashTable::new())
    }
}

impl<I: Copy + Eq> Numbers<I> {
    /// The number of that id, and whether it is `next`, the id being new. `id_of` tells the id behind a number.
    pub(super) fn of<'a, K: Hash + Eq + 'a>(
        &mut self,
        id: &K,
        next: I,
        id_of: impl Fn(I) -> Option<&'a K>,
    ) -> (I, bool) {
        let is_it = |ix: &I| id_of(*ix) == Some(id);
        match self.0.entry(hash(Some(id)), is_it, |ix| hash(id_of(*ix))) {
            hashbrown::hash_table::Entry::Occupied(known) => (*known.get(), false),
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(next);
                (next, true)
            }
        }
    }

    /// The number of that id, where it has one.
    pub(super) fn get<'a, K: Hash + Eq + 'a>(&self, id: &K, id_of: impl Fn(I) -> Option<&'a K>) -> Option<I> {
        self.0.find(hash(Some(id)), |ix| id_of(*ix) == Some(id)).copied()
    }

    /// Lets a number go.
    pub(super) fn remove<K: Hash>(&mut self, id: &K, ix: I) {
        if let Ok(known) = self.0.find_entry(hash(Some(id)), |other| *other == ix) {
            known.remove();
        }
    }

    /// Whether no number was given.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn hash<K: Hash>(id: Option<&K>) -> u64 {
    id.map_or(0, |id| FxBuildHasher.hash_one(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_numbers_as_the_table_grows_and_are_new_again_when_let_go() {
        let ids: Vec<String> = (0..1000).map(|i| format!("c{i}")).collect();
        let id_of = |ix: usize| ids.get(ix);
        let mut numbers = Numbers::default();
        for (ix, id) in ids.iter().enumerate() {
            assert_eq!(numbers.of(id, ix, id_of), (ix, true));
        }
        assert!(ids.iter().enumerate().all(|(ix, id)| numbers.of(id, 7777, id_of) == (ix, false)));
        assert_eq!((numbers.get(&ids[7], id_of), numbers.get(&"x".to_owned(), id_of)), (Some(7), None));
        for (ix, id) in ids.iter().enumerate().skip(1) {
            numbers.remove(id, ix);
        }
        assert_eq!(numbers.of(&ids[5], 5, id_of), (5, true), "let go, so new");
        numbers.remove(&ids[5], 5);
        assert!(!numbers.is_empty(), "the first is left");
        numbers.remove(&ids[0], 0);
        assert!(numbers.is_empty());
    }
}
