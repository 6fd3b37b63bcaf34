//! One conversation: its log in the order of time, and the state that folding the log gives.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashSet, FxHasher};

use super::entry::{Entry, Fact};
use super::fold::{Rules, State, Transition};
use super::index::SourceIx;
use crate::event::{ConversationId, Timestamp};

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: ConversationId,
    /// Ordered by time, ties by arrival.
    log: Vec<Entry>,
    /// What was folded and let go, and its last instant.
    base: Option<Box<(Timestamp, State)>>,
    state: State,
    /// The entries of an instant that holds many, to tell repeats without looking at each.
    crowd: Option<Box<Crowd>>,
    /// Listed among the desk's changes.
    pub(super) dirty: bool,
}

/// Prints of the entries of one instant.
#[derive(Debug, Clone)]
struct Crowd {
    at: Timestamp,
    seen: FxHashSet<u64>,
}

/// From so many entries of one instant on, repeats are told by their prints.
const CROWDED: usize = 64;

fn print(entry: &Entry) -> u64 {
    let mut hasher = FxHasher::default();
    format!("{:?}", entry.fact).hash(&mut hasher);
    hasher.finish()
}

/// What became of an event that was put into a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is in.
    New,
    /// It was there already.
    Repeat,
    /// It is older than what was let go.
    TooLate,
}

impl Conversation {
    pub(super) fn new(source: SourceIx, id: ConversationId) -> Self {
        Self { source, id, log: Vec::new(), base: None, state: State::default(), crowd: None, dirty: false }
    }

    /// The state after the last entry.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Its entries, oldest first; those that were let go are not in it.
    pub fn log(&self) -> &[Entry] {
        &self.log
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
        let end = self.log.last().map_or(0, |last| {
            if last.at <= at { self.log.len() } else { self.log.partition_point(|other| other.at <= at) }
        });
        if self.is_repeat(&entry, end) {
            return Put::Repeat;
        }
        let in_order = end == self.log.len();
        let undoes = self.state.reopened_by_message_at == Some(at)
            && matches!(&entry.fact, Fact::Status { status, .. } if status.is_ended());
        if self.log.capacity() == 0 {
            self.log.reserve_exact(4);
        }
        self.log.insert(end, entry);
        if in_order && !undoes {
            self.state.step(&self.log, end, rules);
        } else {
            self.refold(rules);
        }
        Put::New
    }

    /// Whether the log holds that very entry, before `end`.
    fn is_repeat(&mut self, entry: &Entry, end: usize) -> bool {
        if let Some(crowd) = self.crowd.as_mut().filter(|crowd| crowd.at == entry.at) {
            return !crowd.seen.insert(print(entry));
        }
        let instant = || self.log[..end].iter().rev().take_while(|other| other.at == entry.at);
        if instant().any(|other| other == entry) {
            return true;
        }
        if instant().nth(CROWDED).is_some() {
            let seen = instant().chain([entry]).map(print).collect();
            self.crowd = Some(Box::new(Crowd { at: entry.at, seen }));
        }
        false
    }

    /// Folds the log anew.
    pub(super) fn refold(&mut self, rules: Rules) {
        self.state = self.walk(rules, |_, _, _| {});
    }

    /// Folds the log from its start and shows every entry with the state after it and what it changed.
    pub fn walk(&self, rules: Rules, mut visit: impl FnMut(&Entry, &State, Transition)) -> State {
        let mut state = self.base.as_ref().map_or_else(State::default, |base| base.1.clone());
        for (i, entry) in self.log.iter().enumerate() {
            let transition = state.step(&self.log, i, rules);
            visit(entry, &state, transition);
        }
        state
    }

    /// Lets the log of an ended conversation go and keeps what it came to.
    pub(super) fn compact(&mut self) {
        if !self.log.is_empty() {
            self.base = Some(Box::new((self.last_at(), self.state.clone())));
            self.log = Vec::new();
            self.crowd = None;
        }
    }
}
