//! What the source knows between two polls, and what conversations do to it. No requests.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use chrono::TimeDelta;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::ask::{Whole, seconds};
use super::known::{Known, Look, look, print};
use super::past::{Past, Span};
use super::people::People;
use super::story::{Fold, Telling, Trust, conversation};
use super::wire::{Conversation, Part};
use crate::event::{ConversationId, Event, Timestamp};
use crate::source::pauses::Pauses;
use crate::source::roster::Roster;
use crate::source::sides::Sides;
use crate::source::skips::Named;
use crate::source::{Cursor, left};

/// Ended conversations are forgotten after this.
const FORGET: TimeDelta = TimeDelta::days(2);
/// Conversations that may wait to be read: of more, what their fields say is told at once.
pub(super) const PATIENCE: usize = 40;
/// The same of those that have ended: only their own parts say who ended them.
pub(super) const SOON: usize = 3 * PATIENCE;

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

/// A walk through all that is active.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    /// Something is amiss: it is not to take long.
    pub is_urgent: bool,
    /// Where the next page begins.
    pub after: Option<String>,
    /// Those that were met, or changed meanwhile.
    pub met: HashSet<CompactString>,
    pub read: usize,
    pub total: Option<u64>,
}

/// A list of what is new that is not read to its end yet.
#[derive(Debug, Clone)]
pub(super) struct Hearing {
    /// From when on it is asked for.
    pub since: Timestamp,
    /// Where the next page begins.
    pub after: String,
    /// When the first page was read.
    pub heard_to: Timestamp,
}

/// What the source knows.
#[derive(Debug, Default)]
pub(super) struct State {
    pub phase: Phase,
    pub people: People,
    known: HashMap<CompactString, Known>,
    /// Conversations that are to be read with their parts.
    pub queue: VecDeque<CompactString>,
    /// The same of those that had ended at the start: they can wait.
    pub later: VecDeque<CompactString>,
    queued: HashSet<CompactString>,
    /// What the fields of queued ones say: it is told where their parts can't be read.
    untold: HashMap<CompactString, Conversation>,
    /// Those that can't be read with their parts.
    pub left: Pauses<CompactString>,
    /// What else can't be read.
    pub sides: Sides,
    pub walk: Option<Walk>,
    /// When the desk was last looked over, by our clock; how often; and how many walks may follow a wrong count.
    pub looked_over_at: Timestamp,
    pub counts: u32,
    pub walks_left: u8,
    /// Up to when changes were asked for, by the server's clock, and up to when all of them are told.
    pub heard_to: Timestamp,
    pub hearing: Option<Hearing>,
    told_to: Timestamp,
    /// Up to when an earlier run has told.
    resumed_at: Timestamp,
    /// Up to when satisfaction answers were asked for; `None` where they can't be.
    pub rated_to: Option<Timestamp>,
    /// A list of satisfaction answers that is not read to its end yet.
    pub rating: Option<Hearing>,
    pub past: Past,
    pub is_past_next: bool,
    pub remembered: HashSet<CompactString>,
    /// Those that were ended because they were gone, and when.
    pub gone: BTreeMap<CompactString, Timestamp>,
    pub unreadable: Named,
    pub outbox: Vec<Event>,
}

/// What has to be remembered over a restart. Active conversations are not in it: they are read at every start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Up to when all changes are told, by the server's clock.
    pub told_to: Timestamp,
    /// From when on the history was told, but for what is still missing of it.
    pub past_from: Option<Timestamp>,
    #[serde(default)]
    pub gaps: Vec<Span>,
    /// Conversations that could not be read, among what changed and in the history.
    #[serde(default)]
    pub left: Vec<CompactString>,
    #[serde(default)]
    pub past_left: Vec<CompactString>,
    /// Up to when satisfaction answers are told.
    #[serde(default)]
    pub rated_to: Option<Timestamp>,
    /// Conversations that were ended because they were gone, and when.
    #[serde(default)]
    pub gone: Vec<(Timestamp, CompactString)>,
}

impl State {
    /// Begins anew, but for what it was told to remember.
    pub(super) fn forget(&mut self) {
        let remembered = std::mem::take(&mut self.remembered);
        *self = Self { remembered, ..Self::default() };
    }

    /// Goes on where an earlier run came to.
    pub(super) fn resume(&mut self, told_to: Option<Timestamp>, heard_to: Timestamp) {
        self.resumed_at = told_to.unwrap_or(if self.remembered.is_empty() { Timestamp::MIN } else { heard_to });
        self.told_to = told_to.unwrap_or(heard_to);
        self.heard_to = heard_to;
    }

    pub(super) fn cursor(&mut self) -> Option<Cursor> {
        if self.phase == Phase::Steady && self.queued.is_empty() {
            self.told_to = self.heard_to;
        }
        let mark = || Mark {
            told_to: self.told_to,
            past_from: self.past.told_from,
            gaps: self.past.gaps(),
            left: self.left.all(),
            past_left: self.past.left.all(),
            rated_to: self.rated_to,
            gone: left::newest(self.gone.iter().map(|(id, at)| (*at, id.clone())).collect()),
        };
        (self.phase != Phase::Cold).then(|| Cursor::of(&mark())).flatten()
    }

    /// Takes in the fields of a conversation, seen then: what they leave open is queued to be read with its parts.
    pub(super) fn note(&mut self, row: &Conversation, at: Timestamp) {
        if let Some(walk) = &mut self.walk {
            walk.met.insert(row.id.clone());
        }
        if let Some(known) = self.known.get(&row.id) {
            // What a search finds may be older than what was read by itself.
            let is_same = print(row) == known.print && known.is_active() != row.is_ended();
            if row.changed_at() < known.changed_at || is_same {
                return;
            }
        }
        let is_known = self.known.contains_key(&row.id) || self.remembered.contains(&row.id);
        let is_fill = self.phase == Phase::Fill;
        let is_changed = is_fill && is_known && row.changed_at() >= self.resumed_at;
        let is_pressing =
            if row.is_ended() { self.queued.len() >= SOON } else { is_fill || self.queue.len() >= PATIENCE };
        let is_unreadable = self.left.holds(&row.id);
        let is_told = is_pressing || is_unreadable;
        if is_told {
            self.outline(row, at, is_unreadable);
        }
        if is_fill && row.is_ended() && (is_told || !is_known) {
            self.put_later(row.id.clone());
        } else if !is_fill || is_changed || row.is_ended() || row.is_doubtful() {
            self.put(row.id.clone());
        }
        if self.queued.contains(&row.id) {
            self.untold.insert(row.id.clone(), row.clone());
        }
    }

    /// Queues a conversation to be read with its parts, unless it is left alone.
    pub(super) fn put(&mut self, id: CompactString) {
        if !self.left.holds(&id) && self.queued.insert(id.clone()) {
            self.queue.push_back(id);
        }
    }

    fn put_later(&mut self, id: CompactString) {
        if !self.left.holds(&id) && self.queued.insert(id.clone()) {
            self.later.push_back(id);
        }
    }

    /// Queues those that were left alone for long enough.
    pub(super) fn retry(&mut self, now: Timestamp) {
        for id in self.left.due(now) {
            if self.queued.insert(id.clone()) {
                self.queue.push_back(id.clone());
            }
        }
    }

    /// It can't be read with its parts: what its fields say is told, and it is left alone.
    pub(super) fn failed(&mut self, id: &CompactString, now: Timestamp, at: Timestamp) {
        self.left.failed(id.clone(), now);
        if let Some(row) = self.untold.remove(id) {
            self.outline(&row, at, true);
        }
    }

    /// One that should be readable, where none of these is.
    pub(super) fn witness(&self, but: &[CompactString]) -> Option<CompactString> {
        let others = self.known.iter().filter(|(id, _)| !but.contains(id) && !self.left.holds(id));
        let (id, _) = others.max_by_key(|(id, known)| (known.is_active(), known.is_whole, known.changed_at, *id))?;
        Some(id.clone())
    }

    /// The next ones to be read.
    pub(super) fn next(&self, most: usize) -> Vec<CompactString> {
        self.queue.iter().chain(&self.later).take(most).cloned().collect()
    }

    /// They were read.
    pub(super) fn done(&mut self, ids: &[CompactString]) {
        for id in ids {
            self.queued.remove(id);
            self.untold.remove(id);
        }
        self.queue.retain(|id| !ids.contains(id));
        self.later.retain(|id| !ids.contains(id));
    }

    /// Whether nothing is queued.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.later.is_empty()
    }

    /// Conversations that are active by what was told.
    pub(super) fn active(&self) -> u64 {
        self.known.values().filter(|known| known.is_active()).count() as u64
    }

    /// Whether it was told in this run.
    pub(super) fn knows(&self, id: &CompactString) -> bool {
        self.known.contains_key(id) || self.queued.contains(id)
    }

    /// Whether its satisfaction answer was told.
    pub(super) fn is_rated(&self, id: &CompactString) -> bool {
        self.known.get(id).is_some_and(|known| known.is_rated)
    }

    /// Tells what the fields alone say; all of it where the parts can't be read.
    fn outline(&mut self, row: &Conversation, at: Timestamp, is_unreadable: bool) {
        let before = self.known.remove(&row.id);
        let is_whole = before.as_ref().is_some_and(|known| known.is_whole);
        // Of what was told in this run it is known whether its customer waits by that.
        let is_older = self.resumed_at > Timestamp::MIN && row.created_at <= self.resumed_at;
        let least = if is_older && !is_whole { self.resumed_at } else { Timestamp::MAX };
        let known = self.look(row, None, before, (at, is_unreadable.then_some(least)));
        self.known.insert(row.id.clone(), known);
    }

    /// Tells what is new in a conversation that was read with its parts, then. More may happen in the second of its last
    /// change: then it is read again.
    pub(super) fn tell(&mut self, whole: &Whole, looked_at: Timestamp) {
        if let Some(walk) = &mut self.walk {
            walk.met.insert(whole.row.id.clone());
        }
        let mut strangers = std::mem::take(&mut self.people.strangers);
        for (agent, name) in whole.parts.iter().filter_map(Part::agent) {
            self.people.introduce(agent, name, &mut strangers, &mut self.outbox);
        }
        self.people.strangers = strangers;
        let before = self.known.remove(&whole.row.id);
        let mut known = self.look(&whole.row, Some(whole), before, (looked_at, None));
        if seconds(looked_at) <= seconds(known.changed_at) {
            known.print = 0;
        }
        self.known.insert(whole.row.id.clone(), known);
    }

    fn look(
        &mut self,
        row: &Conversation,
        whole: Option<&Whole>,
        before: Option<Known>,
        (at, unread_since): (Timestamp, Option<Timestamp>),
    ) -> Known {
        if let Some((id, name)) = row.customer()
            && (before.is_none() || name.is_some())
        {
            self.people.roster.customer(&id, name, None, &mut self.outbox);
        }
        // What an earlier run may have told otherwise.
        let was_remembered = self.remembered.remove(&row.id);
        let is_doubted = before.is_none() && (was_remembered || row.created_at <= self.resumed_at) && !row.is_ended();
        let gone_at = self.gone.remove(&row.id);
        let seen_at = if gone_at.is_some() { at } else { Timestamp::MIN };
        let not_before = if before.is_none() { self.resumed_at.max(seen_at) } else { seen_at };
        let trust = Trust { not_before, all: is_doubted, has_parts: whole.is_some(), unread_since };
        let told = gone_at.map(Fold::ended).unwrap_or_default();
        look(&Look { row, whole, trust, told }, before, &mut self.outbox)
    }

    /// The whole life of a conversation that ended, told by itself.
    pub(super) fn recount(&mut self, whole: &Whole, strangers: &mut HashSet<crate::event::AgentId>) {
        let row = &whole.row;
        if let Some((id, name)) = row.customer() {
            Roster::default().customer(&id, name, None, &mut self.outbox);
        }
        for (agent, name) in whole.parts.iter().filter_map(Part::agent) {
            self.people.introduce(agent, name, strangers, &mut self.outbox);
        }
        let trust = Trust { not_before: Timestamp::MIN, all: false, has_parts: true, unread_since: None };
        look(&Look { row, whole: Some(whole), trust, told: Fold::default() }, None, &mut self.outbox);
    }

    /// A conversation is not there any more.
    pub(super) fn vanish(&mut self, id: &CompactString, at: Timestamp) {
        let was_remembered = self.remembered.remove(id);
        let mut unknown = Fold::default();
        let fold = match self.known.get_mut(id) {
            Some(known) if known.is_active() => &mut known.fold,
            None if was_remembered => &mut unknown,
            _ => return,
        };
        Telling::vanish(&conversation(id), at, fold, &mut self.outbox);
        self.gone.insert(id.clone(), fold.ended_at);
    }

    /// After a walk through all that is active: what was not met is looked up.
    pub(super) fn look_up_missing(&mut self, walk: &Walk) {
        let known = self.known.iter().filter(|(_, known)| known.is_active()).map(|(id, _)| id);
        let mut missing: Vec<CompactString> =
            known.chain(&self.remembered).filter(|id| !walk.met.contains(*id)).cloned().collect();
        missing.sort_unstable();
        for id in missing {
            self.put(id);
        }
    }

    /// Lets go of what ended long ago.
    pub(super) fn prune(&mut self) {
        let before = self.heard_to - FORGET;
        self.known.retain(|_, known| known.is_active() || known.changed_at >= before);
    }

    /// Hears which conversations are active by what was told in earlier runs.
    pub(super) fn remember(&mut self, active: &[ConversationId]) {
        self.remembered = active.iter().map(|id| CompactString::from(id.as_str())).collect();
    }
}

#[cfg(test)]
impl State {
    /// One that has begun.
    pub(super) fn begun(phase: Phase) -> Self {
        Self { phase, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_others_are_passed_over() {
        let (told_to, past_from) = (Timestamp::from_millis(7), Some(Timestamp::default()));
        let mark = Mark {
            told_to,
            past_from,
            gaps: Vec::new(),
            left: vec!["7".into()],
            past_left: vec!["8".into()],
            rated_to: past_from,
            gone: vec![(told_to, "9".into())],
        };
        assert_eq!(Cursor::of(&mark).unwrap().read::<Mark>(), Some(mark));
        let older = Cursor(json!({"told_to": told_to, "past_from": past_from}));
        assert!(older.read::<Mark>().is_some_and(|mark| mark.left.is_empty() && mark.gone.is_empty()));
        for other in [json!(null), json!({"told_to": 7}), json!([1]), json!({"last": 12})] {
            assert_eq!(Cursor(other).read::<Mark>(), None);
        }
    }
}
