//! The history of chats that are closed: some in every other poll, the last closed first, each with its messages.

use std::collections::HashMap;

use chrono::TimeDelta;
use compact_str::CompactString;
use futures_util::StreamExt;

use super::ask::{Ask, Back, Wanted};
use super::map;
use super::read::{Sort, Tally};
use super::state::Mark;
use super::wire::Contact;
use super::{Callbell, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::pauses::Pauses;

/// Chats that a poll reads.
const AT_ONCE: usize = 10;
/// What could not be read is left alone so long.
const RETRY: TimeDelta = TimeDelta::minutes(1);
/// One that can't be read while others can is tried so often, in half an hour.
const MOST_TIMES: u32 = 6;

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    begins_at: Timestamp,
    /// Where it was not told to its end: of those closed later all were told, and of those closed in that second these.
    told_to: Option<Timestamp>,
    told: Vec<CompactString>,
    /// From when on it was told.
    pub told_from: Option<Timestamp>,
    /// What is still to be read, the last closed at the end.
    todo: Vec<(Timestamp, Contact)>,
    total: usize,
    is_planned: bool,
    due_at: Timestamp,
}

impl Past {
    /// What an earlier run has told, and what is asked for.
    pub(super) fn new(mark: Option<Mark>, begins_at: Timestamp) -> Self {
        let Some(Mark { past_from, past_to, past_told, .. }) = mark else {
            return Self { begins_at, ..Self::default() };
        };
        Self { begins_at, told_to: past_to, told: past_told, told_from: past_from, ..Self::default() }
    }

    /// Takes note of a chat that was closed then, where it belongs to what is to be read.
    pub(super) fn offer(&mut self, contact: Contact, closed_at: Timestamp) {
        let is_behind = |to| closed_at > to || closed_at == to && self.told.contains(&contact.uuid);
        let is_told = self.told_from.is_some_and(|from| closed_at >= from)
            || self.told_from.is_none() && self.told_to.is_some_and(is_behind);
        if closed_at >= self.begins_at && !is_told {
            // While all are offered they are in no order yet.
            let place =
                if self.is_planned { self.todo.partition_point(|(at, _)| *at <= closed_at) } else { self.todo.len() };
            self.todo.insert(place, (closed_at, contact));
        }
    }

    /// All that there is was offered.
    pub(super) fn plan(&mut self) {
        self.todo.sort_by(|a, b| (a.0, &a.1.uuid).cmp(&(b.0, &b.1.uuid)));
        self.todo.dedup_by(|a, b| a.1.uuid == b.1.uuid);
        (self.total, self.is_planned) = (self.todo.len(), true);
        self.finish();
    }

    fn finish(&mut self) {
        if self.is_planned && self.todo.is_empty() {
            let begins_at = self.begins_at;
            self.told_from = Some(self.told_from.map_or(begins_at, |from| from.min(begins_at)));
            (self.told_to, self.told) = (None, Vec::new());
        }
    }

    /// How far it was told, where it was not told to its end: all that was closed after a second, and these of that second.
    pub(super) fn told_to(&self) -> (Option<Timestamp>, &[CompactString]) {
        (self.told_to, &self.told)
    }

    /// One that was closed then is told, or can't be.
    fn done(&mut self, closed_at: Timestamp, uuid: &CompactString) {
        if let Some(place) = self.todo.iter().rposition(|(_, one)| one.uuid == uuid) {
            self.todo.remove(place);
        }
        // Many may have been closed in one second.
        if let Some((next_at, _)) = self.todo.last() {
            if self.told_to.replace(*next_at) != Some(*next_at) {
                self.told.clear();
            }
            if closed_at == *next_at {
                self.told.push(uuid.clone());
            }
        }
        self.finish();
    }

    /// Whether some may be read now.
    pub(super) fn is_due(&self, now: Timestamp, troubles: &Pauses<CompactString>) -> bool {
        let may_be = |(_, one): &(Timestamp, Contact)| !troubles.rests(&one.uuid, now);
        self.is_planned && now >= self.due_at && self.todo.iter().rev().any(may_be)
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Option<(String, f32)> {
        let read = self.total - self.todo.len().min(self.total);
        (!self.todo.is_empty()).then(|| ("reading history".to_owned(), read as f32 / self.total.max(1) as f32))
    }
}

impl Callbell {
    /// Some closed chats, the last closed first.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let state = &mut self.state;
        let past = &mut state.past;
        past.due_at = ask.now + RETRY;
        let due = past.todo.iter().rev().filter(|(_, contact)| !state.troubles.rests(&contact.uuid, ask.now));
        let mut some: HashMap<CompactString, (Timestamp, Contact)> =
            due.take(AT_ONCE).map(|one| (one.1.uuid.clone(), one.clone())).collect();
        let back = Back::To(past.begins_at);
        let wanted = some.values().map(|(_, contact)| Wanted {
            uuid: contact.uuid.clone(),
            created_at: contact.created_at,
            back,
            first: None,
        });
        let mut reads = ask.threads(wanted.collect(), &state.people.names);
        let mut tally = Tally::new(Sort::Messages, ask);
        while let Some((uuid, read)) = reads.next().await {
            if let Some(read) = tally.take(&uuid, read)?
                && let Some((closed_at, contact)) = some.remove(&uuid)
            {
                let thread = read.map(|raw| ask.thread(raw));
                let state = &mut self.state;
                state.troubles.end(&uuid);
                // What came back meanwhile is told as what goes on.
                if let Some(thread) = thread.filter(|_| !state.differ.knows(&map::conversation(&uuid))) {
                    state.recount(&contact, &thread, ask.at());
                }
                state.past.done(closed_at, &uuid);
            }
            if !tally.goes_on(ask) {
                break;
            }
        }
        let failed = self.judge(ask, tally).await?;
        let past = &mut self.state.past;
        for (uuid, times) in failed {
            if let Some(closed_at) = some.remove(&uuid).filter(|_| times >= MOST_TIMES).map(|one| one.0) {
                past.done(closed_at, &uuid);
            }
        }
        past.due_at = ask.now;
        Ok(Step::past(past.progress()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::{Cursor, skips};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// What is to be read of a, b, c and d, closed in one second, and of e and f, closed a second later and earlier.
    fn offered(mark: Option<Mark>) -> Past {
        let mut past = Past::new(mark, at(0));
        for (uuid, seconds) in [("a", 10), ("b", 10), ("e", 11), ("c", 10), ("f", 9), ("d", 10)] {
            past.offer(skips::read(json!({"uuid": uuid})).unwrap(), at(seconds));
        }
        past.plan();
        past
    }

    fn todo(past: &Past) -> String {
        past.todo.iter().rev().map(|(_, contact)| contact.uuid.as_str()).collect()
    }

    #[test]
    fn after_a_stop_in_the_middle_of_a_second_the_rest_of_it_is_read() {
        let mut past = offered(None);
        assert_eq!(todo(&past), "edcbaf");
        for (uuid, seconds, rest) in
            [("e", 11, "dcbaf"), ("d", 10, "cbaf"), ("b", 10, "caf"), ("c", 10, "af"), ("a", 10, "f")]
        {
            past.done(at(seconds), &uuid.into());
            assert_eq!(todo(&past), rest);
            let (past_to, past_told) = past.told_to();
            let mark = Mark {
                told_to: None,
                past_from: past.told_from,
                past_to,
                past_told: past_told.to_vec(),
                left: Vec::new(),
            };
            let mark = Cursor::of(&mark).unwrap().read::<Mark>();
            assert_eq!(todo(&offered(mark)), rest, "and after a start anew");
        }
        past.done(at(9), &"f".into());
        assert_eq!((past.told_to(), past.told_from), ((None, &[][..]), Some(at(0))));
    }

    #[test]
    fn one_that_is_left_for_later_is_not_told_by_those_after_it() {
        let mut past = offered(None);
        for (uuid, seconds) in [("d", 10), ("c", 10), ("b", 10), ("a", 10), ("f", 9)] {
            past.done(at(seconds), &uuid.into());
        }
        assert_eq!((todo(&past), past.told_to()), ("e".to_owned(), (Some(at(11)), &[][..])));
        past.offer(skips::read(json!({"uuid": "g"})).unwrap(), at(10));
        assert_eq!(todo(&past), "eg", "in order");
    }

    #[test]
    fn a_mark_without_the_told_of_its_second_is_one_of_which_none_was() {
        let mark = Cursor(json!({"told_to": null, "past_from": null, "past_to": at(10)})).read::<Mark>();
        assert_eq!(todo(&offered(mark)), "dcbaf");
    }
}
