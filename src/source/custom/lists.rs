//! Readings of the lists that tell all active conversations, and what they prove of one that is in none of them.
//!
//! A list of several pages shifts while they are read, and a conversation moves from one list to another between two
//! readings: either way one that goes on can be met nowhere in a whole look. Two readings of such a list in a row, and
//! of each pair of lists the one read after the other both ways round, would take it moving twice at just the wrong time.
//!
//! A list that is empty all at once may be an answer that is no list: it counts when the next one is empty, too.

use std::collections::{HashMap, HashSet};

use crate::event::Timestamp;

/// A reading: its look, by the other side's clock, and its place among the requests of that.
type Reading = (Timestamp, usize);

/// The lists as they were read.
#[derive(Debug, Default)]
pub(super) struct Lists {
    readings: HashMap<usize, Readings>,
    /// Those that were empty when they were read last.
    empty: HashSet<usize>,
    gone_before: Option<Timestamp>,
}

/// The last two readings of a list.
#[derive(Debug, Clone, Copy)]
struct Readings {
    last: Reading,
    before: Option<Reading>,
    /// Whether the last one took several pages.
    is_split: bool,
}

impl Readings {
    /// The first one of a look since then.
    fn first_since(&self, then: Timestamp) -> Option<Reading> {
        self.before.into_iter().chain([self.last]).find(|(at, _)| *at >= then)
    }
}

impl Lists {
    /// Notes that a list was read whole, over so many pages, by a look as of that instant, and whether it held any record.
    pub(super) fn note(&mut self, number: usize, pages: usize, holds_any: bool, at: Timestamp) {
        if holds_any {
            self.empty.remove(&number);
        } else if self.empty.insert(number) {
            return;
        }
        let before = self.readings.get(&number).map(|known| known.last);
        self.readings.insert(number, Readings { last: (at, number), before, is_split: pages > 1 });
    }

    /// What was met in none of these lists since then has ended; `None` where nothing is proved yet.
    pub(super) fn gone_before(&mut self, lists: &[usize]) -> Option<Timestamp> {
        if let Some(all) = lists.iter().map(|number| self.readings.get(number)).collect::<Option<Vec<_>>>() {
            let looks = all.iter().flat_map(|list| [Some(list.last), list.before]).flatten().map(|(at, _)| at);
            self.gone_before = looks.filter(|then| proves(&all, *then)).chain(self.gone_before).max();
        }
        self.gone_before
    }
}

/// Whether what was met in none of the lists since then can't be in any.
fn proves(lists: &[&Readings], then: Timestamp) -> bool {
    let Some(firsts) = lists.iter().map(|list| list.first_since(then)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let is_followed = |(i, first): (usize, &Reading)| {
        let others = lists.iter().enumerate().filter(|(j, list)| i != *j || list.is_split);
        others.map(|(_, list)| list.last).all(|last| last > *first)
    };
    firsts.iter().enumerate().all(is_followed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    /// Each look is its minute and the pages that were read, by the letter of their list: `A` and `B` hold no record.
    #[rstest]
    #[case::one_page("1a 2a", "1 2")]
    #[case::several_pages("1aa 2aa 3aaa", "- 1 2")]
    #[case::several_pages_that_became_one("1aa 2a", "- 2")]
    #[case::empty_all_at_once("1a 2A 3a 4A 5A 6A", "1 1 3 3 5 6")]
    #[case::empty_from_the_start("1A 2A", "- 2")]
    #[case::two_lists("1ab 2ab 3ab", "- 1 2")]
    #[case::the_second_seldom("0ab 1a 9a 10ab 11a 12a", "- 0 0 0 10 10")]
    #[case::the_first_seldom("0ab 1b 9b 10ab", "- - - 9")]
    #[case::by_turns("0ab 2a 3b 4a", "- 0 0 2")]
    #[case::a_seldom_one_of_several_pages("0abb 1a 10abb 11a 20abb 21a", "- - 0 0 10 10")]
    fn what_is_in_no_list_has_ended_when_no_move_explains_it(#[case] looks: &str, #[case] proved: &str) {
        let (mut lists, mut told) = (Lists::default(), Vec::new());
        let numbers: Vec<usize> = if looks.contains(['b', 'B']) { vec![0, 1] } else { vec![0] };
        for look in looks.split(' ') {
            let (minute, pages) = look.split_at(look.find(char::is_alphabetic).unwrap());
            for (number, letter) in numbers.iter().zip(["a", "b"]) {
                let count = pages.to_lowercase().matches(letter).count();
                if count > 0 {
                    lists.note(*number, count, pages.contains(letter), at(minute.parse().unwrap()));
                }
            }
            let minute = |at: Timestamp| (at.millis() / 60_000).to_string();
            told.push(lists.gone_before(&numbers).map_or_else(|| "-".to_owned(), minute));
        }
        assert_eq!(told.join(" "), proved);
    }
}
