//! In what order tickets are read, and for how long they wait for it.

use chrono::TimeDelta;

use super::State;
use crate::event::Timestamp;
use crate::source::zendesk::story::waits;
use crate::source::zendesk::wire::Ticket;

/// Where a ticket waits longer to be read, what goes on is not told as of now. The export of events, which takes tickets
/// out of the queue, may be two minutes late.
const BEHIND: TimeDelta = TimeDelta::seconds(150);

impl State {
    /// Puts tickets first on which somebody asked since they were told, and then those of which nothing was told: what is
    /// new about others may also come by the export, which then takes them out of the queue.
    pub(in crate::source::zendesk) fn line_up(&mut self) {
        let tickets = &self.tickets;
        self.wanted.sort_by_key(|ticket: &Ticket| {
            let known = tickets.get(&ticket.id);
            let told_to = known.map_or(Timestamp::MIN, |known| known.updated_at);
            let asked_at = ticket.metric_set.as_ref().and_then(|metrics| metrics.requester_updated_at);
            let has_asked = asked_at.is_some_and(|at| at > told_to);
            let waits = has_asked && waits::seems_to_wait(ticket).is_some();
            (!waits, !has_asked, known.is_some_and(|known| known.last > 0))
        });
    }

    /// Notes since when each ticket waits to be read.
    pub(in crate::source::zendesk) fn note_queue(&mut self, now: Timestamp) {
        let before = std::mem::take(&mut self.queued_at);
        let since = |id| before.get(&id).copied().unwrap_or(now);
        self.queued_at = self.wanted.queue().map(|ticket| (ticket.id, since(ticket.id))).collect();
    }

    /// Whether what goes on is told too late to be called fresh.
    pub(in crate::source::zendesk) fn is_behind(&self, now: Timestamp) -> bool {
        let since = self.queued_at.values().copied().chain(self.fresh.behind_since()).min();
        since.is_some_and(|since| now - since > BEHIND)
    }
}
