//! Endings that are told a little later: the desk's note of one, which says when and by whom, is written by a job of its
//! own and may come after the row.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::ask::Thread;
use super::map;
use super::state::{State, print};
use super::wire::Row;
use crate::event::Timestamp;

/// So long the note is waited for, and not longer than to the refresh behind that.
const WAIT: TimeDelta = TimeDelta::seconds(2);

/// A row that is ended, when it was read, and when it was put off by our clock.
type Held = (Box<Row>, Timestamp, Timestamp);

/// Rows that are put off, by number; nothing where one was and is to be told by now.
#[derive(Debug, Default)]
pub(super) struct PutOff(BTreeMap<u64, Option<Held>>);

impl PutOff {
    /// Whether it is just that row that waits for its note.
    pub(super) fn holds(&self, row: &Row) -> bool {
        self.0.get(&row.id).and_then(Option::as_ref).is_some_and(|(held, ..)| print(held) == print(row))
    }

    /// How many are ended by their rows though they were not told so.
    pub(super) fn count(&self) -> usize {
        self.0.values().flatten().count()
    }

    /// It is told, or gone.
    pub(super) fn end(&mut self, number: u64) {
        self.0.remove(&number);
    }
}

impl State {
    /// Tells what came of a conversation that waited for its messages, or puts off its ending.
    pub(super) fn take_in(&mut self, number: u64, thread: Thread, now: Timestamp) {
        let Some((row, looked_at)) = self.waiting.remove(&number) else { return };
        let is_news = !row.is_active() && self.differ.is_active(&map::conversation(number));
        let is_first = is_news && !self.put_off.0.contains_key(&number);
        if is_first && !map::is_noted(&thread.messages, &self.people.known, self.told_at(number)) {
            self.put_off.0.insert(number, Some((row, looked_at, now)));
            return;
        }
        self.put_off.end(number);
        let is_long = thread.is_long;
        self.tell(&row, thread, looked_at);
        if is_long {
            self.waiting.insert(number, (row, looked_at));
        }
    }

    /// Those whose notes were waited for: they are read again, and told.
    pub(super) fn take_up(&mut self, now: Timestamp) {
        for (number, held) in &mut self.put_off.0 {
            if let Some((row, looked_at, _)) = held.take_if(|(_, _, put_off_at)| now - *put_off_at >= WAIT) {
                self.waiting.entry(*number).or_insert((row, looked_at));
            }
        }
    }
}
