//! Those who are in no list of users: who does something after it was read may be a program that was added since, so it is
//! read again before anything of theirs is told. Who has left is in none either, and is looked for once.

use chrono::TimeDelta;

use super::Gorgias;
use super::ask::Ask;
use super::people::{People, Staff, read_users};
use super::sides::USERS;
use super::wire::{Happened, Message, Ticket, What};
use crate::source::SourceError;
use crate::source::lenient::Id;

/// For that the list is read so often at most.
const EVERY: TimeDelta = TimeDelta::minutes(1);

impl People {
    /// Those of whom this speaks and whom the list of users may miss.
    pub(super) fn missed(&self, tickets: &[Ticket], messages: &[Message], events: &[Happened]) -> Vec<Id> {
        let holders = tickets.iter().map(|ticket| (ticket.changed_at(), ticket.assignee_user.as_ref()));
        let holders = holders.filter_map(|(at, user)| Some((at, user?.id)));
        let senders = messages.iter().filter(|message| message.from_agent && !message.is_of_rule);
        let senders = senders.filter_map(|message| Some((message.created_datetime, message.sender.as_ref()?.id)));
        let actors = events.iter().flat_map(|event| {
            let holder = event.to.filter(|_| event.what == What::Assigned);
            [event.user_id, holder].into_iter().flatten().map(|id| (event.created_datetime, id))
        });
        let all = holders.chain(senders).chain(actors);
        all.filter(|(at, id)| self.is_stranger(*id, *at)).map(|(_, id)| id).collect()
    }
}

impl Gorgias {
    /// Reads the list of users again where it misses somebody.
    pub(super) async fn seek(&mut self, missed: Vec<Id>, ask: &mut Ask) -> Result<(), SourceError> {
        let state = &mut self.state;
        if missed.is_empty() || ask.now - state.sought_at < EVERY || !state.sides.may_ask(USERS, ask.now) {
            return Ok(());
        }
        let got = read_users(ask).await;
        if let Some(users) = state.sides.came(USERS, got, &mut ask.skips)? {
            state.people.take(Staff { users, ..Staff::default() }, ask.at(), &mut state.outbox);
            state.people.sought.extend(missed);
            (state.sought_at, state.users_at) = (ask.now, ask.now);
        }
        Ok(())
    }
}
