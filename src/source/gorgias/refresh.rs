//! The steady refresh: what changed, and only where something did, what was said and what happened.

use chrono::TimeDelta;

use super::ask::{Ask, PER_PAGE};
use super::heap::{Heap, Pages};
use super::people::read_staff;
use super::start::MOST;
use super::state::OVERLAP;
use super::story::News;
use super::wire::Ticket;
use super::{Gorgias, Step};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::lenient::Id;

/// Messages and events are read at least so often, also where no ticket seems to have changed.
const LEAST: TimeDelta = TimeDelta::minutes(2);
/// Tickets that are read one by one in a poll that does more than that.
const SOME: usize = 2;
/// While many tickets are read one by one, the feeds are read so often.
const NEWS_EVERY: TimeDelta = TimeDelta::seconds(20);
/// After a longer pause all that is active is read anew.
const LONG_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// How often a hundred active tickets are looked at whether they are still there.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(2);
/// How often users and teams are read.
const PEOPLE_EVERY: TimeDelta = TimeDelta::minutes(30);

impl Gorgias {
    /// What is new; in every other poll a part of the history instead, so that the news never wait for it.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if self.state.read_at != Timestamp::MIN && ask.now - self.state.read_at > LONG_PAUSE {
            self.state.told_to = Some(self.state.mark);
            self.open_again(ask.at());
            return Ok(Step::part("reading open tickets", 0.0));
        }
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        let is_waiting = !self.state.queue.is_empty();
        if !is_waiting || ask.now - self.state.asked_at >= NEWS_EVERY {
            self.news(ask).await?;
            self.one_by_one(ask, SOME).await?;
        } else {
            self.one_by_one(ask, MOST as usize / 2).await?;
        }
        let mut more = !self.state.queue.is_empty();
        if !more {
            self.state.is_partial = false;
            self.sweep(ask).await?;
            self.reread_staff(ask).await?;
            more = self.rate(ask).await? || !self.state.queue.is_empty();
        }
        self.state.prune();
        let progress = self.state.past.progress();
        self.state.is_past_next = !more && self.state.past.is_due(ask.now);
        if self.state.is_partial {
            return Ok(Step::part(&format!("reading {} tickets one by one", self.state.queue.len()), 1.0));
        }
        let more = more || self.state.is_past_next;
        Ok(Step { more, partial: false, history: false, progress })
    }

    /// The feeds since they were last read.
    async fn news(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let mut pages = Pages::default();
        let (mark, changed_to) = (self.state.mark, self.state.changed_to);
        let since = mark - OVERLAP;
        let (mut next, mut newest) = (None, changed_to);
        let mut begun_at = None;
        let mut has_changes = false;
        loop {
            let page = ask.changed(next.as_ref()).await?;
            begun_at.get_or_insert(ask.at());
            let times = || page.items.iter().filter_map(|ticket| ticket.updated_datetime);
            newest = times().fold(newest, Timestamp::max);
            let oldest = times().min();
            for ticket in page.items {
                let updated_at = ticket.updated_datetime.unwrap_or(ticket.created_datetime);
                has_changes |= !self.is_told(&ticket, updated_at);
                if updated_at >= since {
                    pages.tickets.push(ticket);
                }
            }
            let goes_on = page.next.is_some() && page.next != next && oldest.is_some_and(|at| at >= since);
            if !goes_on {
                break;
            }
            next = page.next;
        }
        let begun_at = begun_at.unwrap_or_else(|| ask.at());
        let is_due = ask.now - self.state.read_at >= LEAST;
        // Without the feeds nothing is told: what was met is met again.
        if has_changes || is_due {
            self.feeds(ask, since, &mut pages).await?;
            self.state.read_at = ask.now;
            self.state.heap = Heap::default();
            self.state.keep_all(pages);
            self.state.tell(since, ask.at(), usize::MAX);
            self.state.mark = begun_at;
        }
        self.state.changed_to = newest;
        self.state.asked_at = ask.now;
        self.state.judge_doubts(ask.at());
        Ok(())
    }

    /// Whether all that a record tells was told.
    fn is_told(&self, ticket: &Ticket, updated_at: Timestamp) -> bool {
        match self.state.tickets.get(&ticket.id) {
            Some(known) => updated_at <= known.updated_at,
            None => updated_at <= self.state.changed_to,
        }
    }

    /// What was said and what happened since then.
    async fn feeds(&self, ask: &mut Ask, since: Timestamp, pages: &mut Pages) -> Result<(), SourceError> {
        let mut next = None;
        loop {
            let page = ask.messages(next.as_ref()).await?;
            let oldest = page.items.iter().map(|message| message.created_datetime).min();
            pages.messages.extend(page.items);
            if page.next.is_none() || page.next == next || oldest.is_none_or(|at| at < since) {
                break;
            }
            next = page.next;
        }
        next = None;
        if !self.state.events.is_given {
            return Ok(());
        }
        loop {
            let page = ask.events(Some(since), next.as_ref()).await?;
            let oldest = page.items.iter().map(|event| event.created_datetime).min();
            pages.events.extend(page.items);
            if page.next.is_none() || page.next == next || oldest.is_none_or(|at| at < since) {
                break;
            }
            next = page.next;
        }
        Ok(())
    }

    /// Reads some of the tickets that no feed tells whole.
    async fn one_by_one(&mut self, ask: &mut Ask, most: usize) -> Result<(), SourceError> {
        let some: Vec<Ticket> = self.state.queue.values().take(most).map(|ticket| (**ticket).clone()).collect();
        for ticket in some {
            match self.whole(ask, ticket.id).await? {
                Some(news) => {
                    self.state.queue.remove(&ticket.id);
                    self.state.first(&ticket, news, Timestamp::MIN, ask.at());
                }
                None => self.state.vanish(ticket.id, ask.at()),
            }
        }
        Ok(())
    }

    /// All that was said in a ticket and that happened to it; `None` where it is not there any more.
    pub(super) async fn whole(&self, ask: &mut Ask, id: Id) -> Result<Option<News>, SourceError> {
        let Some(messages) = ask.thread(id).await? else { return Ok(None) };
        let events = if self.state.events.is_given { ask.story(id).await?.unwrap_or_default() } else { Vec::new() };
        Ok(Some(News { messages, events }))
    }

    /// Looks at a hundred active tickets, the next ones each time: deleted ones vanish without a word.
    async fn sweep(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.now - self.state.sweep_at < SWEEP_EVERY {
            return Ok(());
        }
        let active = self.state.active_after(self.state.sweep_after, PER_PAGE);
        if !active.is_empty() {
            let found = ask.tickets(&active).await?;
            for id in active.iter().filter(|id| !found.iter().any(|ticket| ticket.id == **id)) {
                self.state.vanish(*id, ask.at());
            }
            // What changed without a word in the list of changes; newer changes are told with what happened.
            let late = ask.at() - OVERLAP * 2;
            for ticket in found {
                let known = self.state.tickets.get(&ticket.id).map(|known| known.updated_at);
                let is_missed =
                    ticket.updated_datetime.is_some_and(|at| at < late && known.is_some_and(|old| at > old));
                if is_missed {
                    let standing = super::story::standing(&ticket, &self.state.people, ask.at());
                    if let Some(known) = self.state.tickets.get_mut(&ticket.id) {
                        known.record = standing;
                        known.updated_at = ticket.updated_datetime.unwrap_or(known.updated_at);
                    }
                    self.state.doubt(ticket.id);
                }
            }
        }
        self.state.sweep_after = active.last().copied().filter(|_| active.len() == PER_PAGE).unwrap_or(0);
        self.state.sweep_at = ask.now;
        Ok(())
    }

    async fn reread_staff(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if ask.now - self.state.people_at < PEOPLE_EVERY {
            return Ok(());
        }
        let staff = read_staff(ask).await?;
        self.state.people.take(staff, ask.at(), &mut self.state.outbox);
        self.state.people_at = ask.now;
        Ok(())
    }
}
