//! Whether what a program gives is understood: where none of its records, or none of its events, can be read, it is the
//! answer that is another now, and what it holds is not known.

use std::collections::{BTreeMap, HashSet};

use super::record::{Given, Sort};
use super::round::Found;
use crate::source::skips::FEW;

/// Requests that gave values of a sort which could be read.
pub(super) type HaveRead = HashSet<(usize, Sort)>;

/// What one request gave in a look, by the sort of value.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<Sort, Count>);

#[derive(Debug, Default)]
struct Count {
    read: usize,
    bad: usize,
    /// The first that can't be read, and why.
    first: Option<String>,
}

impl Tally {
    /// Counts what a page gave.
    pub(super) fn add(&mut self, found: &Found, have_read: &mut HaveRead) {
        for one in &found.given {
            let sort = if matches!(one, Given::Event(_)) { Sort::Event } else { Sort::Record };
            self.0.entry(sort).or_default().read += 1;
            have_read.insert((found.number, sort));
        }
        for bad in &found.bad {
            let count = self.0.entry(bad.sort).or_default();
            count.bad += 1;
            count.first.get_or_insert_with(|| format!("{}: {}", bad.place, bad.reason));
        }
    }

    /// Why it is not understood, where it is not. A few values may just be odd where others of their sort could be read
    /// before, and so may a single one; not so the records of a list that `tells_all`, for an empty list would end all.
    pub(super) fn wrong(&self, number: usize, tells_all: bool, is_last: bool, have_read: &HaveRead) -> Option<String> {
        self.0.iter().find_map(|(sort, Count { read, bad, first })| {
            let odd = match sort {
                Sort::Record if tells_all => 0,
                _ if have_read.contains(&(number, *sort)) => FEW,
                _ => 1,
            };
            let first = first.as_ref().filter(|_| *read == 0 && *bad > odd && (is_last || *bad > FEW))?;
            Some(format!("no {sort} that it gives can be read; the first: {first}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::event::Timestamp;
    use crate::source::custom::settings::Settings;

    /// `r` and `e` are a record and an event that can be read, `R` and `E` such that can't.
    fn found(values: &str) -> Found {
        let value = |letter| match letter {
            'r' => json!({"conversation": 1, "opened_at": 0, "status": "open"}),
            'R' => json!({"conversation": 1, "opened_at": null, "status": "open"}),
            'e' => json!({"type": "agent", "id": 1, "name": "Ana"}),
            _ => json!({"type": "agent", "id": 1}),
        };
        let settings = json!({"base_url": "https://h", "request": [{"path": "/t", "jq": "."}]});
        let plans = serde_json::from_value::<Settings>(settings).unwrap().plans().unwrap();
        Found::of(&values.chars().map(value).collect::<Vec<_>>(), 0, &plans[0], 0, Timestamp::MIN)
    }

    /// Pages are apart by a blank, and `/` begins a second look.
    #[rstest]
    #[case::one_may_be_odd_but_in_a_whole_list("R", "record in a whole list")]
    #[case::several_are_not("RR", "record")]
    #[case::some_can_be_read("RRRRRRRRRRRRr", "")]
    #[case::on_another_page("RR r", "")]
    #[case::a_full_page("RRRRRRRRRRR r", "record")]
    #[case::a_few_where_others_could("r/RRRRRRRRRR", "record in a whole list")]
    #[case::more_than_a_few("r/RRRRRRRRRRR", "record")]
    #[case::events_are_no_records("eRR", "record")]
    #[case::records_are_no_events("rEE", "event")]
    #[case::an_event_beside_a_whole_list("rE", "")]
    fn what_is_not_understood(#[case] looks: &str, #[case] expected: &str) {
        for tells_all in [false, true] {
            let (mut have_read, mut said) = (HaveRead::new(), None);
            for look in looks.split('/') {
                let (mut tally, pages) = (Tally::default(), look.split(' ').collect::<Vec<_>>());
                for (i, page) in pages.iter().enumerate() {
                    tally.add(&found(page), &mut have_read);
                    said = said.or_else(|| tally.wrong(0, tells_all, i + 1 == pages.len(), &have_read));
                }
            }
            let is_wrong = match expected.strip_suffix(" in a whole list") {
                Some(_) => tells_all,
                None => !expected.is_empty(),
            };
            let begin = format!("no {} that", expected.split(' ').next().unwrap());
            assert_eq!(said.is_some(), is_wrong, "{looks}, tells all: {tells_all}: {said:?}");
            assert!(said.is_none_or(|said| said.starts_with(&begin) && said.contains("the first: /t, value ")));
        }
    }
}
