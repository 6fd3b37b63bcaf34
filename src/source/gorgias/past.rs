//! The history of tickets that have ended: some in every other poll, each with all that was said and happened.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::ask::Ask;
use super::ratings::rated;
use super::wire::Ticket;
use super::{Gorgias, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::lenient::Id;

/// What could not be read is left alone so long.
const RETRY: TimeDelta = TimeDelta::minutes(1);
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
    #[serde(skip)]
    due_at: Timestamp,
    /// Tickets that were read of a list, and are not told yet.
    #[serde(skip)]
    page: Vec<Ticket>,
    /// Tickets that were told and ended at `reached`.
    #[serde(default)]
    told: Vec<Id>,
}

/// When the history that is asked for begins.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Timestamp {
    TimeDelta::from_std(backfill).map_or(Timestamp::MIN, |span| now - span).max(Timestamp::from_millis(0))
}

impl Past {
    /// Decides what is to be read: what an earlier run has read is not read again.
    pub(super) fn plan(&mut self, earlier: Option<Self>, begins_at: Timestamp, now: Timestamp) {
        *self = match earlier {
            Some(earlier) if earlier.from.is_some_and(|from| from <= begins_at) => earlier,
            _ if begins_at < now => {
                Self { from: Some(begins_at), reached: Some(begins_at), to: Some(now), ..Self::default() }
            }
            _ => Self::default(),
        };
    }

    fn reading(&self) -> Option<(Timestamp, Timestamp, Timestamp)> {
        let (from, reached, to) = (self.from?, self.reached?, self.to?);
        (reached < to).then_some((from, reached, to))
    }

    /// Up to where it was told, while it is read.
    pub(super) fn reached(&self) -> Option<Timestamp> {
        self.reading().map(|(_, reached, _)| reached)
    }

    /// Whether a part may be read now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.reading().is_some() && now >= self.due_at
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Option<(String, f32)> {
        let (from, reached, to) = self.reading()?;
        let all = (to - from).num_seconds().max(1);
        Some(("reading history".to_owned(), (reached - from).num_seconds() as f32 / all as f32))
    }
}

impl Gorgias {
    /// Some ended tickets, the first ended first.
    pub(super) async fn history(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let step = |past: &Past| Step::past(past.progress());
        let Some((_, reached, to)) = self.state.past.reading() else { return Ok(step(&self.state.past)) };
        self.state.past.due_at = ask.now + RETRY;
        let mut page = self.state.past.page.clone();
        let mut is_last = false;
        if page.is_empty() {
            (page, is_last) = self.ended(ask, reached, to).await?;
        }
        let some: Vec<Ticket> = page.drain(..page.len().min(TICKETS)).collect();
        let mut told = Vec::new();
        for ticket in &some {
            if !self.state.tickets.contains_key(&ticket.id)
                && let Some(news) = self.whole(ask, ticket.id).await?
            {
                told.push((ticket, news));
            }
        }
        let look = ask.at();
        for (ticket, news) in told {
            self.state.recount(ticket, news, look);
            let waiting = self.state.ratings.waiting.iter().filter(|survey| survey.ticket_id == ticket.id);
            let rated: Vec<_> = waiting.filter_map(rated).collect();
            self.state.ratings.waiting.retain(|survey| survey.ticket_id != ticket.id);
            self.state.outbox.extend(rated);
        }
        let past = &mut self.state.past;
        for ticket in &some {
            let ended_at = ticket.closed_datetime.unwrap_or(reached);
            if past.reached.is_none_or(|reached| reached < ended_at) {
                past.reached = Some(ended_at);
                past.told.clear();
            }
            past.told.push(ticket.id);
        }
        past.page = page;
        if is_last && past.page.is_empty() {
            past.reached = past.to;
        }
        past.due_at = ask.now;
        Ok(step(&self.state.past))
    }

    /// Tickets that ended between two instants and are not told, the first ended first; and whether these are the last.
    async fn ended(&self, ask: &mut Ask, since: Timestamp, to: Timestamp) -> Result<(Vec<Ticket>, bool), SourceError> {
        let filter = format!("eq(ticket.status, 'closed') && gte(ticket.closed_datetime, '{since}')");
        let mut next = None;
        loop {
            let page = ask.matching(&filter, "closed_datetime:asc", next.as_ref()).await?;
            let is_full = page.next.is_some() && page.next != next;
            let is_beyond = page.items.iter().any(|ticket| ticket.closed_datetime.is_none_or(|at| at >= to));
            let mut tickets = page.items;
            tickets.retain(|ticket| {
                let is_snoozed = ticket.snooze_datetime.is_some_and(|until| until > ask.at());
                ticket.closed_datetime.is_some_and(|at| at < to)
                    && !is_snoozed
                    && !ticket.spam
                    && !self.state.past.told.contains(&ticket.id)
            });
            if !tickets.is_empty() || is_beyond || !is_full {
                // As long as there is something to tell, the next list shows whether it was the last.
                let is_last = tickets.is_empty();
                return Ok((tickets, is_last));
            }
            next = page.next;
        }
    }
}
