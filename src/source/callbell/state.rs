//! What the source knows between two polls, and what contacts and messages do to it. No requests.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::TimeDelta;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::ask::{Back, Wanted};
use super::map::{self, Credit, Held, Thread};
use super::order::Order;
use super::past::Past;
use super::people::People;
use super::walk::Walk;
use super::wire::{Closed, Contact, Message};
use crate::event::{ConversationId, Direction, Event, EventKind, Timestamp};
use crate::source::differ::{Differ, Ended};
use crate::source::left::newest;
use crate::source::pauses::Pauses;
use crate::source::roster::Roster;
use crate::source::skips::Named;
use crate::source::{Cursor, SourceError};

/// Closed chats are forgotten after this.
const FORGET: TimeDelta = TimeDelta::days(2);
/// A message of before the last look may have been in no answer yet.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(2);

/// What the next poll does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Begins.
    #[default]
    Cold,
    /// Reads all contacts.
    Fill,
    /// Reads what changed.
    Steady,
}

/// Why a contact was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// All are.
    Fill,
    /// It moved up in the list, or has new messages.
    Moved,
    /// To see what changed without that.
    Walk,
}

/// What was seen of a contact.
#[derive(Debug, Clone)]
struct Seen {
    /// Of all that it says itself.
    print: u64,
    held: Held,
    closed_at: Option<Timestamp>,
    direction: Option<Direction>,
    /// When something happened in it, as far as that is known, at the latest.
    moved_at: Timestamp,
    /// When its newest message was, and its print; `None` where its messages were not read.
    newest: Option<(Timestamp, u64)>,
}

/// A contact whose messages are still to be read.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub contact: Contact,
    pub looked_at: Timestamp,
    /// The first page of its messages, where it was read.
    pub first: Option<Vec<Message>>,
}

/// What the source knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub unassigned_answers: bool,
    pub people: People,
    pub differ: Differ,
    seen: HashMap<CompactString, Seen>,
    /// Prints of contacts as the list showed them last, which may leave out much of what they say themselves.
    rows: HashMap<CompactString, u64>,
    pub order: Order,
    pub waiting: BTreeMap<CompactString, Waiting>,
    /// Contacts that have to be looked up one by one.
    pub lookups: BTreeMap<CompactString, Why>,
    pub walk: Option<Walk>,
    /// When the next walk begins, and how long after the last one.
    pub walk_at: Timestamp,
    pub pause: TimeDelta,
    /// When the top of the list was read: by the server's clock, and by ours.
    pub heard_at: Timestamp,
    pub asked_at: Timestamp,
    /// Up to when all was told.
    pub told_to: Option<Timestamp>,
    pub past: Past,
    pub is_past_next: bool,
    pub remembered: Vec<ConversationId>,
    /// Active by what an earlier run told, and not told since.
    pub recalled: HashSet<ConversationId>,
    /// Up to when it told their messages; those that it could not read are left out.
    pub recalled_to: Option<Timestamp>,
    pub left: HashSet<CompactString>,
    pub unreadable: Named,
    /// Contacts that could not be read, and one that could.
    pub troubles: Pauses<CompactString>,
    pub readable: Option<CompactString>,
    pub outbox: Vec<Event>,
    /// What the next poll fails with: what was read before it went wrong is told first.
    pub unsaid: Option<SourceError>,
}

/// What has to be remembered over a restart. What is open is not in it: it is read at every start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Up to when all was told, by the server's clock.
    pub told_to: Option<Timestamp>,
    /// From when on the history was told, where it was told to its end.
    pub past_from: Option<Timestamp>,
    /// Else down to which closing.
    pub past_to: Option<Timestamp>,
    /// And which of those that were closed in that second.
    #[serde(default)]
    pub past_told: Vec<CompactString>,
    /// Contacts that could not be read: of these less was told.
    #[serde(default)]
    pub left: Vec<CompactString>,
}

impl State {
    /// Begins anew, but for what it was told to remember.
    pub(super) fn forget(&mut self) {
        *self = Self { remembered: std::mem::take(&mut self.remembered), ..Self::default() };
    }

    /// Whether what it was told of an earlier run is in it.
    pub(super) fn has_begun(&self) -> bool {
        self.phase != Phase::Cold
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        let (past_to, past_told) = self.past.told_to();
        let (past_from, past_told) = (self.past.told_from, past_told.to_vec());
        let left = newest(self.troubles.all());
        Cursor::of(&Mark { told_to: self.told_to, past_from, past_to, past_told, left })
    }

    /// Takes in a contact as the list showed it then; whether its messages are to be read.
    pub(super) fn note(&mut self, row: Contact, looked_at: Timestamp, why: Why) -> bool {
        let (uuid, id) = (row.uuid.clone(), map::conversation(&row.uuid));
        self.rows.insert(uuid.clone(), row.print());
        // A list that leaves out whether it is closed says nothing; only the contact itself tells.
        if row.closed_at == Closed::Untold && !row.blocked_at {
            if why != Why::Walk || self.differ.is_active(&id) || self.recalled.contains(&id) {
                self.seek(uuid, why);
            }
            return false;
        }
        self.take(row, looked_at, why)
    }

    /// A contact has to be looked up. That it moved is not forgotten by a walk that meets it.
    pub(super) fn seek(&mut self, uuid: CompactString, why: Why) {
        let known = self.lookups.entry(uuid).or_insert(why);
        if why != Why::Walk {
            *known = why;
        }
    }

    /// Takes in a contact that was read then; whether its messages are to be read.
    pub(super) fn take(&mut self, contact: Contact, looked_at: Timestamp, why: Why) -> bool {
        let (uuid, id) = (contact.uuid.clone(), map::conversation(&contact.uuid));
        if contact.blocked_at {
            self.vanish(&uuid, looked_at);
            return false;
        }
        let is_new = !self.seen.contains_key(&uuid);
        let is_wanted = match (why, contact.ended_at()) {
            (Why::Moved, _) | (Why::Fill, None) => true,
            _ if self.recalled.contains(&id) => true,
            (Why::Fill, Some(closed_at)) if is_new => self.told_to.is_some_and(|to| closed_at > to),
            _ => !self.is_as_seen(&contact),
        };
        if is_wanted {
            // What was read of its messages before is read again, behind this.
            self.waiting.insert(uuid, Waiting { contact, looked_at, first: None });
            return true;
        }
        self.differ.saw(&id, looked_at);
        if is_new {
            let held = Held { by: contact.holder(), at: looked_at };
            let closed_at = contact.ended_at();
            let seen = Seen {
                print: contact.print(),
                held,
                closed_at,
                direction: None,
                moved_at: Timestamp::MIN,
                newest: None,
            };
            self.seen.insert(uuid, seen);
            if let Some(closed_at) = closed_at {
                self.past.offer(contact, closed_at);
            }
        }
        false
    }

    /// Whether it was read since the start, or is going to be. Of a blocked one nothing is read.
    pub(super) fn has_seen(&self, contact: &Contact) -> bool {
        let uuid = &contact.uuid;
        let is_met = self.seen.contains_key(uuid) || self.waiting.contains_key(uuid) || self.lookups.contains_key(uuid);
        is_met || contact.blocked_at
    }

    /// Whether a contact says itself what it said when it was read.
    pub(super) fn is_as_seen(&self, contact: &Contact) -> bool {
        self.seen.get(&contact.uuid).is_some_and(|seen| seen.print == contact.print())
    }

    /// Whether something happened in it since the top of the list was read, as far as the list shows: its row, or the newest
    /// of its messages, are others than were read, or what was read later has told so already.
    pub(super) fn has_news(&self, row: &Contact, messages: &[Message]) -> bool {
        let seen = self.seen.get(&row.uuid);
        let is_same = self.rows.get(&row.uuid) == Some(&row.print());
        if !is_same || seen.is_none_or(|seen| seen.moved_at > self.heard_at) {
            return true;
        }
        let Some(last) = messages.last() else { return false };
        match seen.and_then(|seen| seen.newest) {
            Some((_, print)) => print != last.print(),
            None => last.created_at >= self.heard_at - LATE,
        }
    }

    /// What is to be read of a contact's messages.
    pub(super) fn wanted(&self, waiting: &Waiting) -> Wanted {
        let Waiting { contact, first, .. } = waiting;
        let seen = self.seen.get(&contact.uuid);
        let back = if let Some((at, _)) = seen.and_then(|seen| seen.newest) {
            Back::To(at)
        } else {
            let closed_at = seen.and_then(|seen| seen.closed_at);
            let is_held = seen.map_or(contact.holder().is_some(), |seen| seen.held.by.is_some());
            Back::ToAnswer { closed_at, is_held }
        };
        Wanted { uuid: contact.uuid.clone(), created_at: contact.created_at, back, first: first.clone() }
    }

    fn credit(&self) -> Credit<'_> {
        Credit { names: &self.people.names, unassigned_answers: self.unassigned_answers }
    }

    /// Tells what is new in a chat.
    pub(super) fn tell(&mut self, contact: &Contact, mut thread: Thread, looked_at: Timestamp) {
        let id = map::conversation(&contact.uuid);
        // What came before what was told is not told later: by then it may be credited to somebody else.
        thread.whole &= !self.differ.knows(&id) || self.differ.is_whole(&id);
        // Later messages than the contact was read at belong to a later look, which knows what became of it.
        thread.messages.retain(|message| message.created_at <= looked_at);
        let before = self.seen.get(&contact.uuid);
        let held = before.map(|seen| &seen.held);
        let mut record = contact.record(&thread, held, looked_at, self.credit());
        // A closing that is not shown any more ended whatever was asked before it.
        let closed_at = before.and_then(|seen| seen.closed_at).filter(|at| contact.ended_at() != Some(*at));
        record.endings.extend(closed_at.map(|at| Ended { at, by: None, agent: None, before: None }));
        let direction = before.and_then(|seen| seen.direction).or(record.opened.direction);
        record.opened.direction = direction;
        let last = thread.messages.last().map(|last| (last.created_at, last.print()));
        let newest = last.or_else(|| before.and_then(|seen| seen.newest));
        let moved_at = match (before, last) {
            (Some(before), _) if before.print == contact.print() && before.newest == newest => before.moved_at,
            (Some(_), _) => looked_at,
            (None, Some((at, _))) => at,
            (None, None) => Timestamp::MIN,
        };
        let held = Held { by: contact.holder(), at: looked_at };
        let closed_at = contact.ended_at().or_else(|| before.and_then(|seen| seen.closed_at));
        let seen = Seen { print: contact.print(), held, closed_at, direction, moved_at, newest };
        self.seen.insert(contact.uuid.clone(), seen);
        let was_read = self.recalled.remove(&id) && !self.left.contains(&contact.uuid);
        let told_to = self.recalled_to.filter(|_| was_read);
        if let Some(holder) = contact.holder() {
            self.people.meet(&holder);
        }
        contact.tell_customer(&mut self.people.roster, &mut self.outbox);
        let mut told = Vec::new();
        self.differ.look(record, looked_at, &mut told);
        // Who holds it now need not be who held it when an earlier run told what was said.
        told.retain(|event| event.at >= told_to || !matches!(event.kind, EventKind::Message(_)));
        self.outbox.append(&mut told);
    }

    /// The life of a chat that is closed, told by itself.
    pub(super) fn recount(&mut self, contact: &Contact, thread: &Thread, looked_at: Timestamp) {
        let record = contact.record(thread, None, looked_at, self.credit());
        contact.tell_customer(&mut Roster::default(), &mut self.outbox);
        self.differ.recounted(&record.opened.conversation, record.opened_at);
        Differ::default().look(record, looked_at, &mut self.outbox);
    }

    /// A contact is not there any more, or not to be seen.
    pub(super) fn vanish(&mut self, uuid: &CompactString, at: Timestamp) {
        let id = map::conversation(uuid);
        self.waiting.remove(uuid);
        self.troubles.end(uuid);
        self.seen.remove(uuid);
        self.rows.remove(uuid);
        self.recalled.remove(&id);
        self.differ.vanish(&id, at, &mut self.outbox);
    }

    /// What is open as far as it is known, and was not met since then.
    pub(super) fn missing(&self, began_at: Timestamp) -> Vec<ConversationId> {
        let mut missing = self.differ.missing(began_at);
        missing.retain(|id| !self.waiting.contains_key(id.as_str()) && !self.lookups.contains_key(id.as_str()));
        missing
    }

    /// Whether it is active by what was told.
    pub(super) fn is_told_active(&self, uuid: &CompactString) -> bool {
        self.differ.is_active(&map::conversation(uuid))
    }

    /// Whether some that were met are to be read now.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        self.waiting.keys().chain(self.lookups.keys()).any(|uuid| !self.troubles.rests(uuid, now))
    }

    /// Whether all that was met and can be read is told; then notes how far that is.
    pub(super) fn is_drained(&mut self, now: Timestamp) -> bool {
        let is_drained = !self.is_behind(now);
        if is_drained && self.phase == Phase::Steady {
            self.told_to = self.told_to.max(Some(self.heard_at));
        }
        is_drained
    }

    /// Lets go of what was closed long ago.
    pub(super) fn prune(&mut self) {
        self.differ.forget(self.heard_at - FORGET);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_others_are_passed_over() {
        let at = Some(Timestamp::from_millis(7));
        let mark = Mark { told_to: at, past_from: at, past_to: None, past_told: Vec::new(), left: Vec::new() };
        let past = Past::new(Some(mark.clone()), Timestamp::default());
        let state = State { told_to: at, past, ..State::default() };
        assert_eq!(state.cursor().unwrap().read::<Mark>(), Some(mark));
        for other in [json!(null), json!([1]), json!(7)] {
            assert_eq!(Cursor(other).read::<Mark>(), None);
        }
    }
}
