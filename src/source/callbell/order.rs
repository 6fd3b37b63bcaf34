//! The list of contacts, the most recent conversation first: what has moved to its top since it was last read. Pure.

use std::collections::HashSet;

use compact_str::CompactString;

/// So much of the list is remembered.
const MOST: usize = 1000;

/// The top of the list as it was last read.
#[derive(Debug, Clone, Default)]
pub(super) struct Order(Vec<CompactString>);

impl Order {
    /// The order of a walk through the list.
    pub(super) fn of(mut ids: Vec<CompactString>) -> Self {
        let mut met = HashSet::new();
        ids.retain(|id| met.insert(id.clone()));
        ids.truncate(MOST);
        Self(ids)
    }

    /// How many of the first ids have moved up since: the fewest without which the rest stands as it did.
    ///
    /// What moved and stands as before all the same (the first one, if nothing else) is not seen by this.
    pub(super) fn moved(&self, now: &[CompactString]) -> usize {
        let mut gone = HashSet::new();
        for (place, id) in now.iter().enumerate() {
            let before = self.0.iter().filter(|id| !gone.contains(*id));
            if before.zip(&now[place..]).all(|(before, now)| before == now) {
                return place;
            }
            gone.insert(id);
        }
        now.len()
    }

    /// The order now, of which the first ids are these.
    pub(super) fn begins(&mut self, now: Vec<CompactString>) {
        let ids = now.into_iter().chain(std::mem::take(&mut self.0)).collect();
        *self = Self::of(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(words: &str) -> Vec<CompactString> {
        words.split_whitespace().map(CompactString::from).collect()
    }

    #[test]
    fn what_moved_up_is_what_the_rest_stands_without() {
        let order = Order::of(ids("a b c d e f a"));
        for (now, moved) in [
            ("a b c", 0),
            ("b a c", 1),
            ("c a b", 1),
            ("c b a", 2),
            ("new a b", 1),
            ("f e a", 2),
            ("x y z", 3),
            // One that was removed makes those above it look moved: they are read once too often, nothing is missed.
            ("a b d", 3),
            ("", 0),
        ] {
            assert_eq!(order.moved(&ids(now)), moved, "{now}");
        }
        assert_eq!(Order::default().moved(&ids("a b")), 0);
    }

    #[test]
    fn the_order_goes_on_from_the_new_top() {
        let mut order = Order::of(ids("a b c d"));
        order.begins(ids("d a b"));
        assert_eq!(order.0, ids("d a b c"));
        order.begins((0..2000).map(|nth| CompactString::from(nth.to_string())).collect());
        assert_eq!(order.0.len(), MOST);
    }
}
