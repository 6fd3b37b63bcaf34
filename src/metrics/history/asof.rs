//! What the board showed at an instant of the past.

use super::record::History;
use crate::event::{Capability, Timestamp};
use crate::metrics::today::TodayFigures;

/// What the board showed at an instant: what happened at it or later is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AsOf {
    /// The instant.
    pub at: Timestamp,
    /// Active conversations.
    pub active: u32,
    /// Of them unanswered.
    pub unanswered: u32,
    /// Since when the longest of these waits.
    pub longest_since: Option<Timestamp>,
    /// Active conversations with no holder.
    pub unassigned: u32,
    /// Agents online or busy; `None` where nobody tells.
    pub online: Option<u32>,
    /// The figures of that day up to the instant.
    pub today: TodayFigures,
}

impl History {
    /// What the board showed at an instant of a day that began at `since`. Everything that was active then, or of which
    /// anything was said on that day, must be here and settled; more does no harm.
    pub fn as_of(&self, at: Timestamp, since: Timestamp) -> AsOf {
        let desk = &self.desk;
        let states: Vec<_> =
            desk.conversations().filter_map(|(_, one)| one.state_before(at, desk.rules(one.source))).collect();
        let mut as_of =
            AsOf { at, today: TodayFigures::of(states.iter().map(AsRef::as_ref), since), ..AsOf::default() };
        for state in states.iter().filter(|state| state.is_active()) {
            as_of.active += 1;
            as_of.unassigned += u32::from(state.holder.is_none());
            if let Some(waiting_since) = state.waiting_since {
                as_of.unanswered += 1;
                as_of.longest_since = Some(as_of.longest_since.map_or(waiting_since, |first| first.min(waiting_since)));
            }
        }
        let told: Vec<_> = desk.agents().iter().filter_map(|agent| agent.state_before(at)).collect();
        let online = told.iter().filter(|presence| presence.state.is_online()).count() as u32;
        as_of.online = (desk.any_can_tell(Capability::Presence) || !told.is_empty()).then_some(online);
        as_of
    }
}
