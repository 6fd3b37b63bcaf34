//! The regular comparison with the list of open tickets: it finds what leaves no row in the log.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::ask::Ask;
use super::people::BRIEF_FIELDS;
use super::wire::Brief;
use super::{Rt, adopt};
use crate::event::Timestamp;
use crate::source::SourceError;

/// How often the open tickets are counted and the staff is read.
const EVERY: TimeDelta = TimeDelta::minutes(10);
/// Every so many counts the list is compared even where the count is right, and the queues are read.
const THOROUGH: u32 = 6;

/// A comparison under way: one page a poll, so that it costs one request more for some refreshes, whatever is open.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    after: u64,
    found: HashSet<u64>,
    /// Tickets of which something was heard since it began: their absence from a page proves nothing.
    pub touched: HashSet<u64>,
}

impl Rt {
    /// Whether the next refresh counts the open tickets; it then does nothing else that can wait.
    pub(super) fn check_is_due(&self, now: Timestamp) -> bool {
        now - self.state.checked_at >= EVERY
    }

    /// Goes on with a comparison, or begins one when it is time.
    pub(super) async fn sweep(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if self.state.sweep.is_some() {
            return self.sweep_page(ask).await;
        }
        if !self.check_is_due(ask.now) {
            return Ok(());
        }
        let thorough = (self.state.checks + 1).is_multiple_of(THOROUGH);
        let mut people = self.state.people.clone();
        let new = if thorough {
            people.read_queues(ask, &self.settings).await?;
            Vec::new()
        } else {
            people.read_staff(ask).await?
        };
        let query = self.open_query();
        let query = [("query", &*query), ("orderby", "id"), ("per_page", "1")];
        let total = ask.list::<super::wire::OnlyId>("/tickets", &query).await?.total;

        let queues_changed = people.queues != self.state.people.queues;
        self.state.people = people;
        if queues_changed {
            let teams: Vec<_> = self.state.people.teams().collect();
            self.state.outbox.extend(teams);
        }
        self.state.staff_changed(&new);
        self.state.prune();
        self.state.checked_at = ask.now;
        self.state.checks += 1;
        if thorough || queues_changed || total != Some(self.state.open() + self.state.unseen.len()) {
            self.state.sweep = Some(Sweep::default());
        }
        Ok(())
    }

    async fn sweep_page(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let after = self.state.sweep.as_ref().map_or(0, |sweep| sweep.after);
        let query = format!("{} AND id > {after}", self.open_query());
        let query = [("query", &*query), ("orderby", "id"), ("per_page", "100"), BRIEF_FIELDS];
        let page = ask.list::<Brief>("/tickets", &query).await?;
        let last = page.total.map_or(page.count == 0, |total| total <= page.count);
        let differs = |brief: &&Brief| {
            self.state.tickets.get(&brief.id).is_none_or(|known| {
                known.status != brief.status
                    || known.owner.as_ref().map_or("Nobody", |owner| owner.as_str()) != brief.owner.login()
            })
        };
        let mut wanted: Vec<u64> = page.items.iter().filter(differs).map(|brief| brief.id).collect();
        let mut missing = Vec::new();
        if last && let Some(sweep) = &self.state.sweep {
            let seen = |id: &u64| sweep.found.contains(id) || sweep.touched.contains(id) || page.ids.contains(id);
            let open = self.state.tickets.iter().filter(|(_, known)| !known.ended).map(|(&id, _)| id);
            missing = open.filter(|id| !seen(id)).collect();
            wanted.extend(&missing);
        }
        let mut stories = Vec::new();
        if !wanted.is_empty() {
            let filter = self.state.people.queue_filter("Queue", &self.settings);
            let tickets = ask.tickets_by_id(&filter, &wanted).await?;
            missing.retain(|id| tickets.iter().all(|ticket| ticket.id != *id));
            stories = adopt::adopt(ask, &mut self.state.people, tickets).await?;
        }
        let stories = self.state.set_aside(stories, ask);
        self.state.adopted(stories, &self.site, ask.now);
        for ticket in missing {
            self.state.leave(ticket, ask.now);
        }
        match &mut self.state.sweep {
            Some(sweep) if !last => {
                sweep.after = page.last_id();
                sweep.found.extend(page.ids);
                return Ok(());
            }
            sweep => {
                let found = sweep.take().unwrap_or_default().found;
                self.state.unseen.retain(|id, _| found.contains(id) || page.ids.contains(id));
            }
        }
        self.state.blindness().map_or(Ok(()), Err)
    }
}
