//! The history of tickets that have ended: some in every other poll, each with all that was said and happened.

use serde::{Deserialize, Serialize};

use super::ask::{Ask, Next};
use super::ratings::rated;
use super::sides::HISTORY;
use super::start::MOST;
use super::state::State;
use super::wire::Ticket;
use super::{Gorgias, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::left::newest;
use crate::source::lenient::Id;

/// Tickets of one poll; each costs two requests.
const TICKETS: usize = 3;

/// How far the history was told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// The history begins here.
    from: Option<Timestamp>,
    /// Of those that had ended up to here all are told.
    reached: Option<Timestamp>,
    /// The history ends here: what ended later is news.
    to: Option<Timestamp>,
    /// Tickets before it whose own requests failed, and that are still to be told.
    #[serde(default)]
    left: Vec<Id>,
    /// Ended tickets that are not known, and of which the news have told something.
    #[serde(default)]
    heard_of: Vec<Id>,
    /// Where a list goes on, of which a poll has found nothing to tell.
    #[serde(skip)]
    next: Option<Next>,
    /// Tickets that were read of a list, and are not told yet.
    #[serde(skip)]
    page: Vec<Ticket>,
    /// Tickets that were told and ended at `reached`.
    #[serde(default)]
    told: Vec<Id>,
}

impl Past {
    /// Decides what is to be read: what an earlier run has read is not read again.
    pub(super) fn plan(&mut self, earlier: Option<Self>, begins_at: Timestamp, now: Timestamp) {
        let heard_of = earlier.as_ref().map(|earlier| earlier.heard_of.clone()).unwrap_or_default();
        *self = match earlier {
            Some(earlier) if earlier.from.is_some_and(|from| from <= begins_at) => earlier,
            _ if begins_at < now => {
                Self { from: Some(begins_at), reached: Some(begins_at), to: Some(now), ..Self::default() }
            }
            _ => Self::default(),
        };
        self.heard_of = heard_of;
    }

    /// Something was said or happened in an ended ticket that is not known: it is to be told whole.
    pub(super) fn hear_of(&mut self, id: Id) {
        if !self.heard_of.contains(&id) && !self.left.contains(&id) {
            self.heard_of.push(id);
            self.heard_of = newest(std::mem::take(&mut self.heard_of));
        }
    }

    /// Whether more was heard of it than is told.
    pub(super) fn has_heard_of(&self, id: Id) -> bool {
        self.heard_of.contains(&id) || self.left.contains(&id)
    }

    /// All of it is told.
    pub(super) fn heard(&mut self, id: Id) {
        self.heard_of.retain(|heard| *heard != id);
        self.left.retain(|left| *left != id);
    }

    fn reading(&self) -> Option<(Timestamp, Timestamp, Timestamp)> {
        let (from, reached, to) = (self.from?, self.reached?, self.to?);
        (reached < to).then_some((from, reached, to))
    }

    /// Up to where it was told, while it is read.
    pub(super) fn reached(&self) -> Option<Timestamp> {
        self.reading().map(|(_, reached, _)| reached)
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Option<(String, f32)> {
        let (from, reached, to) = self.reading()?;
        let all = (to - from).num_seconds().max(1);
        Some(("reading history".to_owned(), (reached - from).num_seconds() as f32 / all as f32))
    }
}

impl Gorgias {
    /// Whether a part of the history may be read now.
    pub(super) fn is_past_due(&self, now: Timestamp) -> bool {
        let past = &self.state.past;
        let is_there = past.reading().is_some() || !past.heard_of.is_empty() || !self.left_due(now).is_empty();
        is_there && !self.state.sides.rests(HISTORY, now)
    }

    /// Some tickets that failed before and may be tried again.
    fn left_due(&self, now: Timestamp) -> Vec<Id> {
        let left = self.state.past.left.iter().copied();
        left.filter(|id| !self.state.pauses.rests(id, now)).take(TICKETS).collect()
    }

    /// A part of the history: first that of tickets of which the news have told something, which is no history alone.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let heard_of: Vec<Id> = self.state.past.heard_of.iter().copied().take(TICKETS).collect();
        if self.state.sides.may_ask(HISTORY, ask.now) {
            let due = self.left_due(ask.now);
            let got = match (&heard_of[..], &due[..]) {
                ([], []) => self.go_on(ask).await,
                ([], due) => self.try_again(ask, due).await,
                (heard_of, _) => self.try_again(ask, heard_of).await,
            };
            self.state.sides.came(HISTORY, got, &mut ask.skips)?;
        }
        let progress = self.state.past.progress();
        Ok(if heard_of.is_empty() { Step::past(progress) } else { Step::more(progress) })
    }

    /// Some ended tickets, the first ended first.
    async fn go_on(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let Some((_, reached, to)) = self.state.past.reading() else { return Ok(()) };
        let mut page = self.state.past.page.clone();
        page.retain(|ticket| !self.state.tickets.contains_key(&ticket.id));
        let mut is_last = false;
        if page.is_empty() {
            (page, is_last) = self.ended(ask, reached, to).await?;
        }
        let some = page.iter().take(TICKETS).cloned().collect();
        let done = self.tell_ended(ask, some).await?;
        let past = &mut self.state.past;
        for ticket in page.drain(..done) {
            let ended_at = ticket.closed_datetime.unwrap_or(reached);
            if past.reached.is_none_or(|reached| reached < ended_at) {
                past.reached = Some(ended_at);
                past.told.clear();
            }
            past.told.push(ticket.id);
        }
        past.page = page;
        if is_last {
            past.reached = past.to;
        }
        Ok(())
    }

    /// Those that failed before. Of one that is not there any more, or can't be read, nothing is told.
    async fn try_again(&mut self, ask: &mut Ask, ids: &[Id]) -> Result<(), SourceError> {
        let mut tickets = ask.tickets(ids).await?.tickets;
        tickets.retain(|ticket| !self.state.tickets.contains_key(&ticket.id));
        let wanted: Vec<Id> = tickets.iter().map(|ticket| ticket.id).collect();
        let count = self.tell_ended(ask, tickets).await?;
        for id in ids.iter().filter(|id| !wanted.contains(id)) {
            self.state.end_left(*id);
        }
        let unread = &wanted[count..];
        self.state.past.heard_of.retain(|id| !ids.contains(id) || unread.contains(id));
        Ok(())
    }

    /// Reads tickets that have ended and tells them, as far as there is time: how many of them were tried. Those whose own
    /// requests fail are left for later.
    async fn tell_ended(&mut self, ask: &mut Ask, some: Vec<Ticket>) -> Result<usize, SourceError> {
        let read = self.wholes(ask, some.iter().map(|ticket| ticket.id).collect()).await?;
        for (_, news) in &read.told {
            self.seek(self.state.people.missed(&[], &news.messages, &news.events), ask).await?;
        }
        let (count, look) = (read.count(), ask.at());
        for (id, news) in read.told {
            let Some(ticket) = some.iter().find(|ticket| ticket.id == id) else { continue };
            self.state.recount(ticket, news, look);
            self.state.end_left(id);
            let waiting = self.state.ratings.waiting.iter().filter(|survey| survey.ticket_id == ticket.id);
            let rated: Vec<_> = waiting.filter_map(rated).collect();
            self.state.ratings.waiting.retain(|survey| survey.ticket_id != ticket.id);
            self.state.outbox.extend(rated);
        }
        read.gone.into_iter().for_each(|id| self.state.end_left(id));
        for (id, error) in read.failed {
            self.state.failed(id, &error, ask.now);
            let left = &mut self.state.past.left;
            left.push(id);
            *left = newest(std::mem::take(left));
            left.dedup();
        }
        Ok(count)
    }

    /// Tickets that ended between two instants and are not told, the first ended first; and whether there are none.
    async fn ended(
        &mut self,
        ask: &mut Ask,
        since: Timestamp,
        to: Timestamp,
    ) -> Result<(Vec<Ticket>, bool), SourceError> {
        let filter = format!("eq(ticket.status, 'closed') && gte(ticket.closed_datetime, '{since}')");
        loop {
            let next = self.state.past.next.take();
            let page = match ask.matching(&filter, "closed_datetime:asc", next.as_ref()).await {
                // A cursor does not live long: from the first page again.
                Err(SourceError::Unsupported { .. }) if next.is_some() => return Ok((Vec::new(), false)),
                other => other?,
            };
            let is_full = page.next.is_some() && page.next != next;
            let is_beyond = page.items.iter().any(|ticket| ticket.closed_datetime.is_none_or(|at| at >= to));
            let last = page.items.iter().filter_map(|ticket| ticket.closed_datetime).max();
            let mut tickets = page.items;
            tickets.retain(|ticket| {
                is_of_past(ticket, since, to, ask.at())
                    && !self.state.tickets.contains_key(&ticket.id)
                    && !self.state.past.told.contains(&ticket.id)
            });
            if tickets.iter().any(|ticket| ticket.spam.is_none()) {
                tickets = without_spam(ask, tickets).await?;
            }
            if !tickets.is_empty() || is_beyond || !is_full {
                // As long as there is something to tell, the next list shows whether it was the last.
                let is_last = tickets.is_empty();
                return Ok((tickets, is_last));
            }
            if ask.sent() < MOST {
                self.state.past.next = page.next;
                continue;
            }
            // There is nothing to tell up to here; the next poll goes on there.
            match last.filter(|last| *last > since) {
                Some(last) => {
                    self.state.past.reached = Some(last);
                    self.state.past.told.clear();
                }
                None => self.state.past.next = page.next,
            }
            return Ok((Vec::new(), false));
        }
    }
}

impl State {
    /// A ticket of the history need not be tried again.
    fn end_left(&mut self, id: Id) {
        self.past.left.retain(|left| *left != id);
        self.pauses.end(&id);
    }
}

/// Leaves out spam of rows that do not say whether they are: another answer does.
async fn without_spam(ask: &mut Ask, mut rows: Vec<Ticket>) -> Result<Vec<Ticket>, SourceError> {
    let ids: Vec<Id> = rows.iter().map(|ticket| ticket.id).collect();
    let looked = ask.tickets(&ids).await?;
    let is_spam = |id: Id| looked.tickets.iter().any(|ticket| ticket.id == id && ticket.spam == Some(true));
    rows.retain(|ticket| !is_spam(ticket.id));
    Ok(rows)
}

/// Whether a ticket has ended between two instants, and that is to be told.
pub(super) fn is_of_past(ticket: &Ticket, since: Timestamp, to: Timestamp, look: Timestamp) -> bool {
    let is_snoozed = ticket.snooze_datetime.is_some_and(|until| until > look);
    ticket.closed_datetime.is_some_and(|at| (since..to).contains(&at)) && !is_snoozed && ticket.spam != Some(true)
}
