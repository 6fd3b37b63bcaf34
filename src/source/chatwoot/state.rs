//! What the source knows between two polls, and what rows and messages do to it. No requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::CAPABILITIES;
use super::ask::Thread;
use super::failed::Failed;
use super::map;
use super::past::Past;
use super::people::People;
use super::put_off::PutOff;
use super::surveys::Reading;
use super::walk::Walk;
use super::wire::{Csat, Row};
use crate::event::{AgentId, Capability, ConversationId, Event, EventKind, Timestamp};
use crate::source::Cursor;
use crate::source::differ::{Differ, Rating};
use crate::source::left;
use crate::source::pauses::Pauses;
use crate::source::roster::Roster;
use crate::source::sides::Sides;
use crate::source::skips::Named;

/// Ended conversations are forgotten after this.
const FORGET: TimeDelta = TimeDelta::days(2);
/// A number that is given first may come to light last: with what is new the messages of so many numbers before it are
/// read again. The differ remembers as many.
const AGAIN: u64 = 15;
/// The scale of satisfaction answers.
const SCALE: f64 = 5.0;

/// What the next poll does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Begins.
    #[default]
    Cold,
    /// Reads what is active.
    Fill,
    /// Reads what changed.
    Steady,
}

/// What was read of a conversation.
#[derive(Debug, Clone)]
struct Seen {
    /// Of all that its row says.
    print: u64,
    /// The last message that was told.
    last_id: u64,
    /// The last messages by time, as its row showed them.
    shown: [Option<u64>; 2],
    failed: Failed,
    looked_at: Timestamp,
}

/// What the source knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub account: u64,
    /// What the key can tell, as far as it was found out.
    pub capabilities: Option<Vec<Capability>>,
    pub people: People,
    /// The inboxes that are watched; all where there is none.
    pub inboxes: HashSet<u64>,
    pub differ: Differ,
    seen: HashMap<u64, Seen>,
    /// Rows whose messages are still to be read, and when each was read.
    pub waiting: BTreeMap<u64, (Box<Row>, Timestamp)>,
    /// Conversations that have to be looked up one by one.
    pub lookups: BTreeSet<u64>,
    /// Those of both whose own requests failed.
    pub failing: Pauses<u64>,
    /// Parts beside the conversations that could not be read.
    pub sides: Sides,
    pub put_off: PutOff,
    /// Conversations of which an earlier run was about to tell something.
    pub untold: BTreeSet<u64>,
    /// The latest look of an earlier run.
    pub resumed_at: Option<Timestamp>,
    /// Changes from then on are still to be asked for, by the server's clock; `None` once they were.
    pub unheard_from: Option<Timestamp>,
    pub walk: Option<Walk>,
    /// When what is active was last counted, how often it was, and how many walks may follow a wrong count.
    pub counted_at: Timestamp,
    pub counts: u32,
    pub walks_left: u8,
    /// When changes were last asked for, by our clock.
    pub heard_at: Timestamp,
    /// The latest look, by the server's clock.
    pub looked_at: Timestamp,
    /// Up to when satisfaction answers were read; `None` where the key may not.
    pub rated_to: Option<Timestamp>,
    pub rated_at: Timestamp,
    pub survey: Option<Reading>,
    /// Answers that were taken in and may be met again, by conversation and instant.
    rated_once: HashSet<(u64, Timestamp)>,
    /// Answers about conversations that were not told yet.
    rated: HashMap<u64, Vec<Rating>>,
    pub past: Past,
    pub is_past_next: bool,
    pub remembered: Vec<ConversationId>,
    pub unreadable: Named,
    pub outbox: Vec<Event>,
}

/// What has to be remembered over a restart. Active conversations are not in it: they are read at every start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The latest look, by the server's clock.
    pub looked_at: Timestamp,
    /// Up to when satisfaction answers were told: not beyond one whose conversation is still to be told.
    pub rated_to: Option<Timestamp>,
    /// From when on the history was told.
    pub past_from: Option<Timestamp>,
    /// From when on it is not known yet what ended while nobody watched; `None` where all of that was told.
    #[serde(default)]
    pub missed_from: Option<Timestamp>,
    /// Conversations that had changed and were still to be told.
    #[serde(default)]
    pub untold: Vec<u64>,
}

impl Mark {
    /// As a cursor.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        Cursor::of(self)
    }
}

/// What is to be read of a conversation before it can be told.
enum Need {
    /// It is as it was.
    Nothing,
    /// What the row says will do.
    Row,
    /// Its messages, too.
    Messages,
}

impl Seen {
    /// Whether there is nothing new to be read in its messages, as far as the row can tell.
    fn has_all_of(&self, row: &Row) -> bool {
        let is_shown = self.shown == row.last_messages() || self.last_id == row.last_message();
        row.last_message() <= self.last_id && is_shown && self.failed.is_empty()
    }
}

impl State {
    /// What can be told as far as it is known, who is there put aside.
    pub(super) fn capabilities(&self) -> Vec<Capability> {
        self.capabilities.clone().unwrap_or_else(|| CAPABILITIES.to_vec())
    }

    /// Begins anew, but for what it was told to remember.
    pub(super) fn forget(&mut self) {
        *self = Self { remembered: std::mem::take(&mut self.remembered), ..Self::default() };
    }

    pub(super) fn mark(&self) -> Mark {
        let untold = self.rated.values().flatten().map(|rating| rating.at).min();
        let rated_to = self.rated_to.map(|to| untold.map_or(to, |at| at.min(to)));
        let missed_from = [self.past.missed_from, self.unheard_from].into_iter().flatten().min();
        let untold: BTreeSet<u64> = self.waiting.keys().chain(&self.untold).copied().collect();
        Mark {
            looked_at: self.looked_at,
            rated_to,
            past_from: self.past.told_from,
            missed_from,
            untold: left::newest(untold.into_iter().collect()),
        }
    }

    /// Takes in a row that was read then. In a first fill, what nobody can be waiting in is told by its row alone.
    pub(super) fn note(&mut self, row: Row, looked_at: Timestamp, is_fill: bool) {
        self.looked_at = self.looked_at.max(looked_at);
        if !self.inboxes.is_empty() && row.inbox_id.is_none_or(|inbox| !self.inboxes.contains(&inbox)) {
            self.rated.remove(&row.id);
            return;
        }
        match self.need(&row, is_fill) {
            Need::Nothing => self.differ.saw(&map::conversation(row.id), looked_at),
            Need::Row => {
                let last = row.last_non_activity_message.clone().filter(|_| is_fill);
                let messages = last.into_iter().map(|last| *last).collect();
                self.tell(&row, Thread { messages, whole: false, is_long: false }, looked_at);
            }
            Need::Messages => {
                self.waiting.insert(row.id, (Box::new(row.without_words()), looked_at));
            }
        }
    }

    fn need(&self, row: &Row, is_fill: bool) -> Need {
        let id = map::conversation(row.id);
        // The note of it may be there by now.
        let is_ending = !row.is_active() && self.differ.is_active(&id);
        match self.seen.get(&row.id) {
            Some(_) if self.waiting.contains_key(&row.id) => Need::Messages,
            Some(_) if self.put_off.holds(row) => Need::Nothing,
            Some(seen) if seen.print == print(row) && !self.rated.contains_key(&row.id) => Need::Nothing,
            Some(seen) if self.differ.is_whole(&id) && seen.has_all_of(row) && !is_ending => Need::Row,
            None if is_fill && !row.is_doubtful() => Need::Row,
            _ => Need::Messages,
        }
    }

    /// The message behind which those of a conversation are to be read; 0 for all.
    pub(super) fn read_to(&self, number: u64) -> u64 {
        let whole = self.differ.is_whole(&map::conversation(number));
        self.seen
            .get(&number)
            .filter(|_| whole)
            .map_or(0, |seen| seen.failed.read_to(seen.last_id.saturating_sub(AGAIN)))
    }

    /// Tells what is new in a conversation; later messages than its row knows of are left for the next row.
    pub(super) fn tell(&mut self, row: &Row, mut thread: Thread, looked_at: Timestamp) {
        thread.messages.retain(|message| row.knows(message));
        row.complete(&mut thread.messages);
        let before = self.seen.remove(&row.id);
        let since = before.as_ref().map(|before| before.looked_at);
        let (last_id, mut failed) = before.map_or((0, Failed::default()), |before| (before.last_id, before.failed));
        failed.meet(&mut thread.messages, row.changed_at());
        if thread.is_long {
            // The rest is read from the last one on.
            failed = Failed::default();
        }
        let last_id = thread.messages.iter().map(|message| message.id).fold(last_id, u64::max);
        self.seen.insert(row.id, Seen { print: print(row), last_id, shown: row.last_messages(), failed, looked_at });
        let known = &self.people.known;
        let Some(mut record) = row.record(&thread.messages, thread.whole, known, since) else { return };
        let was_ended = since.is_some() && !self.differ.is_active(&record.opened.conversation);
        if was_ended && record.status.value.is_ended() && !map::is_noted(&thread.messages, known, since) {
            // It is as it was, whatever its customer wrote meanwhile.
            record.status.at = Some(record.opened_at);
        }
        record.ratings = self.rated.remove(&row.id).unwrap_or_default();
        let was_untold = self.untold.remove(&row.id);
        if let Some(told_to) = self.resumed_at.filter(|_| since.is_none() && !was_untold)
            && self.differ.expects(&record.opened.conversation)
        {
            map::without_echoes(&mut record, &thread.messages, told_to);
        }
        row.tell_customer(&mut self.people.roster, &mut self.outbox);
        self.people.meet(&record, &mut self.outbox);
        self.differ.look(record, looked_at, &mut self.outbox);
    }

    /// The whole life of a conversation that ended, told by itself.
    pub(super) fn recount(&mut self, row: &Row, mut thread: Thread, looked_at: Timestamp) {
        row.complete(&mut thread.messages);
        let Some(mut record) = row.record(&thread.messages, thread.whole, &self.people.known, None) else { return };
        record.ratings = self.rated.remove(&row.id).unwrap_or_default();
        row.tell_customer(&mut Roster::default(), &mut self.outbox);
        if map::is_outside(&record) {
            self.outbox.push(Event::undated(map::outside()));
        }
        self.differ.recounted(&record.opened.conversation, record.opened_at);
        Differ::default().look(record, looked_at, &mut self.outbox);
    }

    /// Whether it was read since the start.
    pub(super) fn has_seen(&self, number: u64) -> bool {
        self.seen.contains_key(&number) || self.waiting.contains_key(&number)
    }

    /// Whether messages are to be read now.
    pub(super) fn has_unread(&self, now: Timestamp) -> bool {
        self.waiting.keys().any(|number| !self.failing.rests(number, now))
    }

    /// Whether anything of single conversations is to be asked for now.
    pub(super) fn has_work(&self, now: Timestamp) -> bool {
        self.has_unread(now) || self.lookups.iter().any(|number| !self.failing.rests(number, now))
    }

    /// How many are active, by what was told and by the rows that are not told yet.
    pub(super) fn active(&self) -> u64 {
        let is_told = |number: u64| self.differ.is_active(&map::conversation(number));
        let untold = |(number, (row, _)): (&u64, &(Box<Row>, Timestamp))| {
            i64::from(row.is_active()) - i64::from(is_told(*number))
        };
        let more: i64 = self.waiting.iter().map(untold).sum();
        (self.differ.active().saturating_sub(self.put_off.count()) as u64).saturating_add_signed(more)
    }

    /// Whether an agent holds anything active, by what was told and by the rows that are not told yet.
    pub(super) fn is_holder(&self, agent: &AgentId) -> bool {
        let is_theirs = |(row, _): &(Box<Row>, Timestamp)| row.is_active() && row.holder().as_ref() == Some(agent);
        self.differ.is_holder(agent) || self.waiting.values().any(is_theirs)
    }

    /// A conversation that was read and has not failed since, and its last message.
    pub(super) fn read_well(&self) -> Option<(u64, u64)> {
        let is_well = |number: &u64| !self.failing.holds(number) && !self.waiting.contains_key(number);
        self.seen.iter().find(|(number, _)| is_well(number)).map(|(number, seen)| (*number, seen.last_id))
    }

    /// A conversation is not there any more.
    pub(super) fn vanish(&mut self, number: u64, at: Timestamp) {
        self.waiting.remove(&number);
        self.seen.remove(&number);
        self.rated.remove(&number);
        self.untold.remove(&number);
        self.put_off.end(number);
        self.differ.vanish(&map::conversation(number), at, &mut self.outbox);
    }

    /// After a walk through all that is active: what was not met has to be looked up. What waits for its messages was.
    pub(super) fn look_up_missing(&mut self, began_at: Timestamp) {
        for id in self.differ.missing(began_at) {
            match id.as_str().parse() {
                Ok(number) if self.waiting.contains_key(&number) => {}
                Ok(number) => {
                    self.lookups.insert(number);
                }
                Err(_) => self.differ.vanish(&id, began_at, &mut self.outbox),
            }
        }
    }

    /// When a conversation was told last.
    pub(super) fn told_at(&self, number: u64) -> Option<Timestamp> {
        self.seen.get(&number).map(|seen| seen.looked_at)
    }

    /// Behind the first walk: what an earlier run was about to tell, and was not met, has to be looked up.
    pub(super) fn look_up_untold(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        let unmet: Vec<u64> = untold.iter().copied().filter(|number| !self.has_seen(*number)).collect();
        self.lookups.extend(unmet);
        self.untold = untold;
    }

    /// Takes in satisfaction answers; of conversations that are not told, they wait until those are.
    pub(super) fn rate(&mut self, answers: Vec<Csat>) {
        let told_to = self.rated_to.unwrap_or(Timestamp::MIN);
        for answer in answers.into_iter().rev().filter(|answer| answer.created_at >= told_to) {
            let (number, conversation) = (answer.conversation_id, map::conversation(answer.conversation_id));
            let (score, comment) = (answer.rating as f64, answer.feedback_message.map(Into::into));
            if !self.rated_once.insert((number, answer.created_at)) || !(1.0..=SCALE).contains(&score) {
                continue;
            }
            if self.differ.knows(&conversation) && !self.waiting.contains_key(&number) {
                let kind = EventKind::Rated { conversation, score, scale: SCALE, comment };
                self.outbox.push(Event::new(answer.created_at, kind));
                continue;
            }
            let rating = Rating { at: answer.created_at, score, scale: SCALE, comment };
            self.rated.entry(number).or_default().push(rating);
        }
    }

    /// All answers up to then were taken in.
    pub(super) fn rated_up_to(&mut self, newest: Timestamp, now: Timestamp) {
        self.rated_to = self.rated_to.map(|to| to.max(newest));
        self.rated_at = now;
        // The next reading begins with that second.
        let second = newest.millis().div_euclid(1000);
        self.rated_once.retain(|(_, at)| at.millis().div_euclid(1000) >= second);
    }

    /// What was answered about conversations that nothing else will tell has to be looked up; the history may bring some.
    pub(super) fn look_up_rated(&mut self) {
        if !self.past.is_reading() {
            self.lookups.extend(self.rated.keys().filter(|number| !self.waiting.contains_key(number)));
        }
    }

    /// Lets go of what ended long ago.
    pub(super) fn prune(&mut self) {
        self.differ.forget(self.looked_at - FORGET);
        let differ = &self.differ;
        self.seen.retain(|number, _| differ.knows(&map::conversation(*number)));
    }
}

/// A print of all that a row says and that can change without a message.
pub(super) fn print(row: &Row) -> u64 {
    let sender = row.meta.sender.as_ref().map(|sender| (sender.id, &sender.name));
    let team = row.meta.team.as_ref().map(|team| team.id);
    let last = row.last_non_activity_message.as_ref().map(|message| message.id);
    let said = (row.changed_at(), &row.status, row.holder(), team, &row.labels, &row.priority, sender, last);
    xxh3_64(format!("{said:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_others_are_passed_over() {
        let mark = Mark {
            looked_at: Timestamp::from_millis(7),
            rated_to: None,
            past_from: Some(Timestamp::default()),
            missed_from: Some(Timestamp::from_millis(5)),
            untold: vec![7],
        };
        assert_eq!(mark.cursor().unwrap().read::<Mark>(), Some(mark));
        let older = json!({"looked_at": "2026-03-02T10:00:00Z", "rated_to": null, "past_from": null});
        let older = Cursor(older).read::<Mark>().unwrap();
        assert_eq!((older.missed_from, older.untold), (None, vec![]), "of a version that knew no gaps");
        for other in [json!(null), json!({"looked_at": 7}), json!([1]), json!({"last": 12})] {
            assert_eq!(Cursor(other).read::<Mark>(), None);
        }
    }
}
