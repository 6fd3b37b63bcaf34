//! Reading tickets one by one: their updates, and who made them.

use std::collections::BTreeSet;

use super::Zendesk;
use super::ask::Ask;
use super::audit::Audit;
use crate::source::SourceError;
use crate::source::lenient::Id;

impl Zendesk {
    /// Reads the updates of up to so many tickets of the queue. What fails midway leaves the rest in the queue.
    pub(super) async fn look(&mut self, ask: &mut Ask, most: usize) -> Result<(), SourceError> {
        let some: Vec<(Id, Id)> = self
            .state
            .queue
            .iter()
            .take(most)
            .map(|ticket| (ticket.id, self.state.tickets.get(&ticket.id).map_or(0, |known| known.last)))
            .collect();
        let mut stories: Vec<Option<Vec<Audit>>> = Vec::with_capacity(some.len());
        for (ticket, last) in some {
            match ask.audits(ticket, last).await {
                Ok(audits) => stories.push(audits),
                Err(error) if stories.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        let mut strangers = BTreeSet::new();
        for (ticket, audits) in self.state.queue.iter().zip(&stories) {
            self.state.strangers(ticket, audits.as_deref().unwrap_or_default(), &mut strangers);
        }
        self.look_up(ask, strangers).await?;
        for audits in stories {
            let Some(ticket) = self.state.queue.pop_front() else { break };
            match audits {
                Some(audits) if self.is_watched(&ticket) => self.state.adopt(&ticket, &audits, &self.site, ask),
                _ => self.state.leave(ticket.id, ask.now),
            }
        }
        Ok(())
    }

    /// Finds out who somebody is: one request for a hundred.
    pub(super) async fn look_up(&mut self, ask: &mut Ask, strangers: BTreeSet<Id>) -> Result<(), SourceError> {
        if strangers.is_empty() {
            return Ok(());
        }
        let asked: Vec<Id> = strangers.into_iter().collect();
        let users = ask.users_by_id(&asked).await?;
        self.state.meet(&users);
        for id in asked {
            if !users.iter().any(|user| user.id == id) {
                self.state.people.is_nobody(id);
            }
        }
        Ok(())
    }
}
