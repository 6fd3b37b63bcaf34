//! The teams that it takes to see everybody. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// A team as it was read: how many pages it has, and who is in it.
pub(super) type Team<T> = (u32, BTreeSet<T>);

/// The places of teams in which together everybody is, with few pages.
///
/// The fewest of all would take too long to find where there are many teams. Of two ways that are each good where the
/// other is bad the cheaper is taken: to pick what shows most on a page, and to leave out what is dearest.
pub(super) fn cover<T: Ord>(teams: &[Team<T>]) -> Vec<usize> {
    let picked = thinned(teams, picked(teams));
    let left = thinned(teams, (0..teams.len()).collect());
    let pages = |places: &[usize]| places.iter().map(|place| teams[*place].0).sum::<u32>();
    if pages(&left) < pages(&picked) { left } else { picked }
}

/// Again and again the team that shows most on a page of those who are not seen yet.
fn picked<T: Ord>(teams: &[Team<T>]) -> Vec<usize> {
    let (mut picked, mut seen) = (Vec::new(), BTreeSet::new());
    loop {
        let unseen = teams.iter().enumerate().map(|(place, (pages, members))| {
            let count = members.iter().filter(|member| !seen.contains(member)).count();
            (place, count, *pages as usize)
        });
        let next = unseen.filter(|(_, count, _)| *count > 0).min_by(|a, b| (b.1 * a.2).cmp(&(a.1 * b.2)));
        let Some((place, ..)) = next else { return picked };
        picked.push(place);
        seen.extend(&teams[place].1);
    }
}

/// Without those, the dearest first, that show nobody who is not in another of them.
fn thinned<T: Ord>(teams: &[Team<T>], mut places: Vec<usize>) -> Vec<usize> {
    let mut times: BTreeMap<&T, usize> = BTreeMap::new();
    for member in places.iter().flat_map(|place| &teams[*place].1) {
        *times.entry(member).or_default() += 1;
    }
    places.sort_by_key(|place| (std::cmp::Reverse(teams[*place].0), *place));
    places.retain(|place| {
        let is_needed = teams[*place].1.iter().any(|member| times.get(member) == Some(&1));
        if !is_needed {
            teams[*place].1.iter().for_each(|member| *times.entry(member).or_default() -= 1);
        }
        is_needed
    });
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn teams(words: &[(u32, &str)]) -> Vec<Team<char>> {
        words.iter().map(|(pages, members)| (*pages, members.chars().collect())).collect()
    }

    #[test]
    fn few_pages_show_everybody() {
        for (words, expected) in [
            (vec![], vec![]),
            (vec![(1, "")], vec![]),
            (vec![(1, "ab"), (1, ""), (1, "cd")], vec![0, 2]),
            // Nested: one that holds the others, unless it is dearer than they are.
            (vec![(1, "ab"), (2, "abcd"), (1, "c")], vec![1]),
            (vec![(1, "ab"), (3, "abcd"), (1, "cd")], vec![0, 2]),
            (vec![(1, "ab"), (1, "ab")], vec![0]),
            // Whoever is in two is seen in one.
            (vec![(1, "ab"), (1, "bc"), (1, "cd")], vec![0, 2]),
            // The middle shows most, and is not needed once the others are read.
            (vec![(1, "abx"), (1, "bcde"), (1, "cdy"), (1, "ez")], vec![0, 2, 3]),
            // Of three that overlap, one can be left out: the dearest.
            (vec![(1, "ab"), (3, "bccc"), (2, "ca")], vec![0, 2]),
            (vec![(3, "abcdef"), (2, "abcg"), (2, "defh")], vec![1, 2]),
            // One of five pages, or ten of one each.
            (vec![(2, "abcdef"), (1, "ab"), (1, "cd"), (1, "ef")], vec![0]),
        ] {
            assert_eq!(cover(&teams(&words)), expected, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn everybody_is_seen_and_no_team_is_read_in_vain(
            teams in prop::collection::vec((1u32..5, prop::collection::btree_set(0u8..20, 0..12)), 0..8),
        ) {
            let places = cover(&teams);
            let of = |places: &[usize]| places.iter().flat_map(|place| teams[*place].1.clone()).collect::<BTreeSet<_>>();
            let all: Vec<usize> = (0..teams.len()).collect();
            prop_assert_eq!(of(&places), of(&all));
            for left_out in &places {
                let others: Vec<usize> = places.iter().copied().filter(|place| place != left_out).collect();
                prop_assert_ne!(of(&others), of(&all));
            }
        }
    }
}
