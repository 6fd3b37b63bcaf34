//! Reading tickets one by one: their updates, and who made them.

use std::collections::BTreeSet;

use super::Zendesk;
use super::ask::Ask;
use super::audit::Audit;
use super::sides::WRITERS;
use super::state::State;
use super::wire::Ticket;
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::wanted::is_of_one;

impl Zendesk {
    /// Reads the updates of up to so many tickets that are wanted, and tells each at once: a poll that is given up loses
    /// none of it. One that can't be read holds up no other.
    pub(super) async fn look(&mut self, ask: &mut Ask, most: usize) -> Result<(), SourceError> {
        let mut round = self.state.wanted.begin(ask.now);
        for _ in 0..most {
            if ask.looked.is_come() {
                break;
            }
            let Some(ticket) = self.state.wanted.next(&mut round) else { break };
            let last = self.state.tickets.get(&ticket.id).map_or(0, |known| known.last);
            match ask.audits(ticket.id, last).await {
                Ok(audits) => {
                    round.is_good();
                    self.state.wanted.remove(ticket.id);
                    self.state.readable = Some(ticket.id);
                    self.take(ticket, audits, ask);
                }
                // What was read is told first.
                Err(error) if round.has_good() && !is_of_one(&error) => break,
                Err(error) => self.state.wanted.failed(ticket, error, &mut round)?,
            }
        }
        if round.is_in_doubt() {
            match self.state.another() {
                Some(id) if ask.has_audits(id).await? => round.is_good(),
                Some(_) => {}
                None => round.has_no_other(),
            }
        }
        self.state.wanted.end(round, ask.now, &mut ask.skips)?;
        self.tell_read(ask).await
    }

    /// Tells a ticket that was read, or keeps it until it is known who wrote there.
    fn take(&mut self, ticket: Ticket, audits: Option<Vec<Audit>>, ask: &mut Ask) {
        let Some(audits) = audits.filter(|_| self.is_watched(&ticket)) else {
            self.state.leave(ticket.id, ask.there());
            return;
        };
        self.state.nameless.retain(|(one, _)| one.id != ticket.id);
        let mut strangers = BTreeSet::new();
        self.state.strangers(&ticket, &audits, &mut strangers);
        if strangers.is_empty() {
            self.state.adopt(&ticket, &audits, &self.site, ask);
        } else {
            self.state.nameless.push((ticket, audits));
        }
    }

    /// Tells the tickets of which it has to be found out first who wrote there; those of which that can't be found out now
    /// are told later.
    async fn tell_read(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let mut strangers = BTreeSet::new();
        for (ticket, audits) in &self.state.nameless {
            self.state.strangers(ticket, audits, &mut strangers);
        }
        let is_known = self.look_up(ask, strangers).await?;
        let read = std::mem::take(&mut self.state.nameless);
        let is_ready = |(ticket, audits): &(Ticket, Vec<Audit>)| {
            let mut strangers = BTreeSet::new();
            self.state.unknown_authors(ticket.requester_id, audits, &mut strangers);
            is_known || strangers.is_empty()
        };
        let (read, left): (Vec<_>, Vec<_>) = read.into_iter().partition(is_ready);
        self.state.nameless = left;
        for (ticket, audits) in &read {
            self.state.prove_by(ticket, audits);
        }
        for (ticket, audits) in read {
            self.state.adopt(&ticket, &audits, &self.site, ask);
        }
        Ok(())
    }

    /// Finds out who somebody is: one request for a hundred. Whether what they did can be told: where it alone fails that
    /// waits for a while, and is told with what is known then.
    pub(super) async fn look_up(&mut self, ask: &mut Ask, strangers: BTreeSet<Id>) -> Result<bool, SourceError> {
        if strangers.is_empty() {
            return Ok(true);
        }
        if !self.state.sides.may_ask(WRITERS, ask.now) {
            return Ok(self.state.is_patience_over(ask.now));
        }
        let asked: Vec<Id> = strangers.into_iter().collect();
        let got = ask.users_by_id(&asked).await;
        let Some(users) = self.state.sides.came(WRITERS, got, &mut ask.skips)? else {
            self.state.nameless_since.get_or_insert(ask.now);
            return Ok(self.state.is_patience_over(ask.now));
        };
        self.state.nameless_since = None;
        self.state.meet(&users);
        for id in asked {
            if !users.iter().any(|user| user.id == id) {
                self.state.people.is_nobody(id);
            }
        }
        Ok(true)
    }
}

impl State {
    /// A ticket that is not wanted, to find out whether any can be read: the last that was, else each time another one.
    fn another(&mut self) -> Option<Id> {
        let last = self.readable.take().filter(|id| !self.wanted.has(*id));
        let others = || self.tickets.keys().copied().filter(|id| !self.wanted.has(*id));
        self.asked_for += 1;
        last.or_else(|| others().nth(self.asked_for % others().count().max(1)))
    }
}
