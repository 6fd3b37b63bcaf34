//! What is read beside the news: the history of ended tickets, and what became of those that were open before.

use super::ask::Ask;
use super::{Rt, Step, adopt, past};
use crate::event::Timestamp;
use crate::source::SourceError;

/// Tickets of one look at what became of them.
const A_POLL: usize = 100;

impl Rt {
    /// Decides what history is to be read, now that the open tickets are known.
    pub(super) fn plan_history(&mut self, now: Timestamp) {
        let queues: Vec<u64> = self.state.people.queues.keys().copied().collect();
        self.state.past.plan(&queues, past::begins_at(now, self.backfill));
    }

    /// One page of ended tickets that changed within the time that is asked for.
    pub(super) async fn history_page(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let Some(reading) = &mut self.state.past.reading else { return Ok(Step::more(None)) };
        reading.tries.begin(ask.now);
        let after = reading.after;
        let query =
            format!("{}{}", reading.condition(ask.now), self.state.people.queue_filter("Queue", &self.settings));
        let page = ask.tickets(&query, after).await?;
        let (count, after) = (page.count, page.last_id().max(after));
        let left = page.total.map_or(count, |total| total.saturating_sub(count));
        // What is known already is followed in the log.
        let new = page.items.into_iter().filter(|ticket| !self.state.tickets.contains_key(&ticket.id)).collect();
        let stories = adopt::adopt(ask, &mut self.state.people, new).await?;
        let stories = self.state.set_aside(stories, ask);
        self.state.recount(&stories, &self.site);
        if count == 0 || left == 0 {
            self.state.past.complete();
            self.plan_history(ask.now);
        } else if let Some(reading) = &mut self.state.past.reading {
            reading.told(after, count, left);
        }
        Ok(Step::past(self.state.past.reading.as_ref().map(|reading| ("reading history".to_owned(), reading.part()))))
    }

    /// Looks after tickets that were open by what was told before this start and are not known now; whether there are
    /// more. Those that are found are told whole, the others have left.
    pub(super) async fn look_after(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let some: Vec<u64> = self.state.remembered.iter().take(A_POLL).copied().collect();
        if some.is_empty() {
            return Ok(false);
        }
        let filter = self.state.people.queue_filter("Queue", &self.settings);
        let tickets = ask.tickets_by_id(&filter, &some).await?;
        let found: Vec<u64> = tickets.iter().map(|ticket| ticket.id).collect();
        let stories = adopt::adopt(ask, &mut self.state.people, tickets).await?;
        let stories = self.state.set_aside(stories, ask);
        self.state.adopted(stories, &self.site, ask.now);
        for ticket in some {
            self.state.remembered.remove(&ticket);
            if !found.contains(&ticket) {
                self.state.end(ticket, ask.now);
            }
        }
        Ok(!self.state.remembered.is_empty())
    }
}
