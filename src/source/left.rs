//! What a cursor holds of conversations that were ended here because they left, though nothing said why.

/// As many are remembered over a restart.
const MOST: usize = 1000;

/// Those that are remembered, in order: of too many the newest, by their numbers.
pub(super) fn newest<T: Ord>(mut left: Vec<T>) -> Vec<T> {
    left.sort_unstable();
    left.drain(..left.len().saturating_sub(MOST));
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_the_newest_are_remembered() {
        assert_eq!(newest(vec![3, 1, 2]), [1, 2, 3]);
        let kept = newest((0..2 * MOST).rev().collect());
        assert_eq!((kept.len(), kept[0]), (MOST, MOST));
    }
}
