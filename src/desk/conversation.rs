//! One conversation: its log in the order of time, and the state that folding the log gives.

use std::borrow::Cow;

use super::entry::{Entry, Fact};
use super::fold::{Rules, State, Transition};
use super::index::SourceIx;
use super::log::{self, Log, Settled};
use super::packed::Packed;
use crate::event::{ConversationId, Timestamp};

/// A conversation; good to read when the desk is settled.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: ConversationId,
    /// The older entries; every entry of one instant is here or in the log.
    packed: Option<Box<Packed>>,
    /// The newer entries, with all of the last instant.
    log: Log<Entry>,
    /// What was folded and let go, and its last instant.
    base: Option<Box<(Timestamp, State)>>,
    state: State,
    /// The state is no longer what the log comes to.
    outdated: bool,
    /// Listed among those that the desk has to settle.
    pub(super) unsettled: bool,
    /// Listed among the desk's changes.
    pub(super) dirty: bool,
}

/// What became of an event that was put into a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is in.
    New,
    /// It is older than the log's last: its place, and whether it is a repeat, is known when the desk is settled.
    Late,
    /// It was there already.
    Repeat,
    /// It is older than what was let go.
    TooLate,
}

impl Conversation {
    pub(super) fn new(source: SourceIx, id: ConversationId) -> Self {
        let (log, state) = (Log::default(), State::default());
        Self { source, id, packed: None, log, base: None, state, outdated: false, unsettled: false, dirty: false }
    }

    /// The state after the last entry.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether all its entries are still there.
    pub fn is_whole(&self) -> bool {
        self.base.is_none()
    }

    /// Its entries, oldest first; those that were let go are not in it.
    pub fn log(&self) -> Cow<'_, [Entry]> {
        match &self.packed {
            Some(packed) => Cow::Owned(packed.unpack_before(&self.log)),
            None => Cow::Borrowed(&self.log),
        }
    }

    /// The instant of its last entry.
    pub fn last_at(&self) -> Timestamp {
        let base = self.base.as_ref().map(|base| base.0);
        self.log.last().map(|entry| entry.at).or(base).unwrap_or(Timestamp::MIN)
    }

    pub(super) fn put(&mut self, entry: Entry, rules: Rules) -> Put {
        let at = entry.at;
        if self.base.as_ref().is_some_and(|base| at < base.0) {
            return Put::TooLate;
        }
        let says_ended = matches!(&entry.fact, Fact::Status { status, .. } if status.is_ended());
        if self.log.is_full() {
            self.pack();
        }
        match self.log.put(entry) {
            log::Put::Late => Put::Late,
            log::Put::Repeat => Put::Repeat,
            log::Put::Last => {
                self.outdated |= says_ended && self.state.reopened_by_message_at == Some(at);
                if !self.outdated {
                    self.state.step(&self.log, self.log.len() - 1, rules);
                }
                Put::New
            }
        }
    }

    /// Says that the state must be folded anew.
    pub(super) fn outdate(&mut self) {
        self.outdated = true;
    }

    /// Whether log and state are what they will be.
    pub(super) fn is_settled(&self) -> bool {
        !self.outdated && !self.log.is_late()
    }

    /// Puts the late entries in their places and folds the log anew, where that changes anything: then it is `true`.
    pub(super) fn settle(&mut self, rules: Rules) -> (Settled, bool) {
        if let Some(packed) = self.packed.take_if(|_| self.log.is_late()) {
            self.log.put_back(packed.unpack());
        }
        let settled = self.log.settle();
        let refold = std::mem::take(&mut self.outdated) || settled.new > 0;
        if refold {
            self.state = self.walk(rules, |_, _, _| {});
        }
        (settled, refold)
    }

    /// Folds the log from its start and shows every entry with the state after it and what it changed.
    pub fn walk(&self, rules: Rules, mut visit: impl FnMut(&Entry, &State, Transition)) -> State {
        let mut state = self.base.as_ref().map_or_else(State::default, |base| base.1.clone());
        let mut walk = |log: &[Entry]| {
            for (i, entry) in log.iter().enumerate() {
                let transition = state.step(log, i, rules);
                visit(entry, &state, transition);
            }
        };
        if let Some(packed) = &self.packed {
            walk(&packed.unpack());
        }
        walk(&self.log);
        state
    }

    /// The state just before an instant; `None` where it was not there yet, or what it was then was let go.
    pub fn state_before(&self, at: Timestamp, rules: Rules) -> Option<Cow<'_, State>> {
        if self.last_at() < at {
            return Some(Cow::Borrowed(&self.state));
        }
        let log = self.log();
        let before = log.partition_point(|entry| entry.at < at);
        let base = self.base.as_ref().filter(|base| base.0 < at);
        if before == 0 && base.is_none() {
            return None;
        }
        let mut state = base.map_or_else(State::default, |base| base.1.clone());
        for i in 0..before {
            state.step(&log, i, rules);
        }
        Some(Cow::Owned(state))
    }

    /// Moves entries to where they take less room.
    fn pack(&mut self) {
        if !self.log.is_late() {
            let packed = &mut self.packed;
            self.log.take_older(|entries| packed.get_or_insert_default().extend(entries));
        }
    }

    /// Takes less room where nothing more is likely to come.
    pub(super) fn rest(&mut self) {
        if !self.state.is_active() {
            self.pack();
            self.log.shrink();
            self.packed.iter_mut().for_each(|packed| packed.shrink());
        }
    }

    /// Lets the log of an ended conversation go and keeps what it came to.
    pub(super) fn compact(&mut self) {
        if !self.log.is_empty() {
            self.packed = None;
            self.base = Some(Box::new((self.last_at(), self.state.clone())));
            self.log.clear();
        }
    }
}
