//! The history of chats that are closed: some in every other poll, the last closed first, each with its messages.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use compact_str::CompactString;
use futures_util::StreamExt;

use super::ask::{Ask, Back, Wanted};
use super::map;
use super::read::{Sort, Tally};
use super::troubles::Troubles;
use super::wire::Contact;
use super::{Callbell, Step};
use crate::event::Timestamp;
use crate::source::SourceError;

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
    /// Up to when it was told in an earlier run that did not come to its end, from the end on.
    told_to: Option<Timestamp>,
    /// From when on it was told.
    pub told_from: Option<Timestamp>,
    /// What is still to be read, the last closed at the end.
    todo: Vec<(Timestamp, Contact)>,
    total: usize,
    is_planned: bool,
    due_at: Timestamp,
}

/// When the history that is asked for begins; not before 1970.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Timestamp {
    TimeDelta::from_std(backfill).map_or(Timestamp::MIN, |span| now - span).max(Timestamp::from_millis(0))
}

impl Past {
    /// What an earlier run has told, and what is asked for.
    pub(super) fn new(told_from: Option<Timestamp>, told_to: Option<Timestamp>, begins_at: Timestamp) -> Self {
        Self { begins_at, told_to, told_from, ..Self::default() }
    }

    /// Takes note of a chat that was closed then, where it belongs to what is to be read.
    pub(super) fn offer(&mut self, contact: Contact, closed_at: Timestamp) {
        let is_told = self.told_from.is_some_and(|from| closed_at >= from)
            || self.told_from.is_none() && self.told_to.is_some_and(|to| closed_at >= to);
        if closed_at >= self.begins_at && !is_told {
            self.todo.push((closed_at, contact));
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
            self.told_to = None;
        }
    }

    /// Up to when it was told, where it was not told to its end.
    pub(super) const fn told_to(&self) -> Option<Timestamp> {
        self.told_to
    }

    /// One is told that was closed then.
    fn done(&mut self, closed_at: Timestamp, uuid: &CompactString) {
        self.told_to = Some(self.told_to.map_or(closed_at, |to| to.min(closed_at)));
        self.give_up(uuid);
    }

    /// One is not to be read any more.
    fn give_up(&mut self, uuid: &CompactString) {
        if let Some(place) = self.todo.iter().rposition(|(_, one)| one.uuid == uuid) {
            self.todo.remove(place);
        }
        self.finish();
    }

    /// Whether some may be read now.
    pub(super) fn is_due(&self, now: Timestamp, troubles: &Troubles) -> bool {
        let may_be = |(_, one): &(Timestamp, Contact)| !troubles.is_paused(&one.uuid, now);
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
        let due = past.todo.iter().rev().filter(|(_, contact)| !state.troubles.is_paused(&contact.uuid, ask.now));
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
            let Some((closed_at, contact)) = some.remove(&uuid) else { continue };
            if let Some(read) = tally.take(&uuid, read)? {
                let thread = read.map(|raw| ask.thread(raw));
                let state = &mut self.state;
                state.troubles.over(&uuid);
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
            if times >= MOST_TIMES {
                past.give_up(&uuid);
            }
        }
        past.due_at = ask.now;
        Ok(Step::past(past.progress()))
    }
}
