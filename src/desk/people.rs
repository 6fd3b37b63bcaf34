//! Agents, teams and customers: the latest that was said of each.

use std::sync::Arc;

use compact_str::CompactString;

use super::index::{SourceIx, TeamIx};
use super::log::{Dated, Log, Put, Settled};
use crate::event::{AgentId, CustomerId, PresenceState, TeamId, Timestamp};

/// A value and when it was said; a line without an instant counts as said before all others.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    at: Timestamp,
    value: T,
}

impl<T: PartialEq> Said<T> {
    const fn never(value: T) -> Self {
        Self { at: Timestamp::MIN, value }
    }

    /// Takes what was said at the same instant or later; tells whether that changed anything.
    pub(super) fn say(&mut self, at: Option<Timestamp>, value: T) -> bool {
        let at = at.unwrap_or(Timestamp::MIN);
        if at < self.at {
            return false;
        }
        self.at = at;
        let changed = self.value != value;
        self.value = value;
        changed
    }
}

/// An agent; its states are good to read when the desk is settled.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: AgentId,
    pub(super) name: Said<Option<Arc<str>>>,
    pub(super) teams: Said<Arc<[TeamIx]>>,
    pub(super) capacity: Said<Option<u32>>,
    pub(super) active: Said<bool>,
    presence: Log<Presence>,
    /// The start of the unbroken run of the last state.
    run_since: Timestamp,
    /// The last time it did anything.
    pub last_active_at: Option<Timestamp>,
    /// Listed among those that the desk has to settle.
    pub(super) unsettled: bool,
    /// Listed among the desk's changes.
    pub(super) dirty: bool,
}

/// A state from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// From when on.
    pub at: Timestamp,
    /// Which state.
    pub state: PresenceState,
    /// Why, in the vendor's words.
    pub reason: Option<Arc<str>>,
}

impl Dated for Presence {
    fn at(&self) -> Timestamp {
        self.at
    }
}

impl Agent {
    pub(super) fn new(source: SourceIx, id: AgentId) -> Self {
        Self {
            source,
            id,
            name: Said::never(None),
            teams: Said::never(Arc::from([])),
            capacity: Said::never(None),
            active: Said::never(true),
            presence: Log::default(),
            run_since: Timestamp::MAX,
            last_active_at: None,
            unsettled: false,
            dirty: false,
        }
    }

    /// Its display name; its id where none is known.
    pub fn name(&self) -> Arc<str> {
        self.name.value.clone().unwrap_or_else(|| self.id.as_str().into())
    }

    /// Its teams.
    pub fn teams(&self) -> &Arc<[TeamIx]> {
        &self.teams.value
    }

    /// Chats it takes at once.
    pub fn capacity(&self) -> Option<u32> {
        self.capacity.value
    }

    /// Whether it still works here.
    pub fn is_active(&self) -> bool {
        self.active.value
    }

    /// Its states, oldest first.
    pub fn presence(&self) -> &[Presence] {
        &self.presence
    }

    /// Its state just before an instant.
    pub fn state_before(&self, at: Timestamp) -> Option<&Presence> {
        let before = self.presence.partition_point(|presence| presence.at < at);
        self.presence[..before].last()
    }

    /// Its state now, with the start of the unbroken run of that state.
    pub fn state(&self) -> Option<(&Presence, Timestamp)> {
        self.presence.last().map(|last| (last, self.run_since))
    }

    pub(super) fn put_presence(&mut self, presence: Presence) -> Put {
        let at = presence.at;
        let goes_on = self.presence.last().is_some_and(|last| last.state == presence.state);
        let put = self.presence.put(presence);
        if put == Put::Last && !goes_on {
            self.run_since = at;
        }
        put
    }

    /// Puts late states in their places.
    pub(super) fn settle(&mut self) -> Settled {
        let settled = self.presence.settle();
        if let (true, Some(last)) = (settled.new > 0, self.presence.last()) {
            let run = self.presence.iter().rev().take_while(|other| other.state == last.state);
            self.run_since = run.last().map_or(last.at, |first| first.at);
        }
        settled
    }

    /// Notes that it did something; tells whether that is later than all it did before.
    pub(super) fn did_something(&mut self, at: Timestamp) -> bool {
        let before = self.last_active_at;
        self.last_active_at = before.max(Some(at));
        self.last_active_at != before
    }

    /// Lets go of states before `cutoff`, but for the one that held then and the start of the run that lasts.
    pub(super) fn forget_presence(&mut self, cutoff: Timestamp) {
        let held = self.presence.partition_point(|other| other.at <= cutoff).saturating_sub(1);
        let run_since = self.run_since;
        let mut i = 0;
        self.presence.retain(|other| {
            i += 1;
            i > held || other.at == run_since
        });
    }
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: TeamId,
    pub(super) name: Said<Option<Arc<str>>>,
}

impl Team {
    pub(super) const fn new(source: SourceIx, id: TeamId) -> Self {
        Self { source, id, name: Said::never(None) }
    }

    /// Its display name; its id where none is known.
    pub fn name(&self) -> Arc<str> {
        self.name.value.clone().unwrap_or_else(|| self.id.as_str().into())
    }
}

/// A customer; shared with the pictures that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Where it comes from.
    pub source: SourceIx,
    /// Its id there.
    pub id: CustomerId,
    /// Its display name; its id where none is known.
    pub name: CompactString,
    /// Its group, such as `vip`.
    pub segment: Option<Arc<str>>,
}

/// A customer, and when what is known of it was said; undated counts as before all else.
#[derive(Debug)]
pub(super) struct KnownCustomer {
    pub(super) shown: Arc<Customer>,
    name_at: Timestamp,
    segment_at: Timestamp,
}

impl KnownCustomer {
    pub(super) fn new(source: SourceIx, id: CustomerId) -> Self {
        let name = CompactString::new(id.as_str());
        let shown = Arc::new(Customer { source, id, name, segment: None });
        Self { shown, name_at: Timestamp::MIN, segment_at: Timestamp::MIN }
    }

    /// Takes what was said at the same instant or later; tells whether that changed anything.
    pub(super) fn say(&mut self, at: Option<Timestamp>, name: Option<String>, segment: Option<Arc<str>>) -> bool {
        let at = at.unwrap_or(Timestamp::MIN);
        let name = name.filter(|_| at >= self.name_at);
        let segment = segment.filter(|_| at >= self.segment_at);
        let mut changed = false;
        if let Some(name) = name {
            self.name_at = at;
            if self.shown.name != name {
                Arc::make_mut(&mut self.shown).name = CompactString::new(name);
                changed = true;
            }
        }
        if segment.is_some() {
            self.segment_at = at;
            if self.shown.segment != segment {
                Arc::make_mut(&mut self.shown).segment = segment;
                changed = true;
            }
        }
        changed
    }
}
