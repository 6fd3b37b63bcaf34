//! The steady refresh: what changed, and what is gone.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::ask::{Along, Ask, Condition, PER_PAGE, Place};
use super::state::Refill;
use super::story::Story;
use super::wire::Ticket;
use super::{LATE, Step, Zammad};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::wanted::{SEVERAL, is_of_one};

/// How often all open tickets are looked through, and names are read again.
const REFILL: TimeDelta = TimeDelta::minutes(10);
/// Tickets that one poll reads whole; it comes back for the others at once.
const WHOLE_A_POLL: usize = 40;
/// Pages of changes that one poll reads.
const PAGES_A_POLL: usize = 5;
/// Tickets of one look at what became of them.
const MISSING_A_POLL: usize = 40;

impl Zammad {
    /// What is new, or in every other poll a page of history, so that the news never wait for it.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if std::mem::take(&mut self.state.is_history_next) {
            return self.history_page(ask).await;
        }
        // After a poll that was cut short only because there was much to read, the rest of it comes first.
        let mut more =
            if std::mem::take(&mut self.state.is_cut) { self.state.look.is_some() } else { self.news(ask).await? };
        self.read_wanted(ask).await?;
        self.state.is_cut = self.state.wanted.queue().len() > 0;
        more |= self.state.is_cut;
        if !more {
            self.look_after(ask).await?;
            let is_time = self.state.refill.is_none() && ask.now - self.state.refilled_at >= REFILL;
            self.read_sides(ask, is_time).await?;
            self.refill(ask).await?;
            let is_missing = |id: &u64| !self.state.pauses.rests(id, ask.now);
            more = self.state.missing.iter().any(is_missing) || self.state.wanted.queue().len() > 0;
        }
        if !more {
            // A change that was made before becomes visible late.
            self.state.tell_missed(ask.there() - LATE);
        }
        let Some(progress) = self.state.past.progress() else {
            return Ok(if more { Step::more(None) } else { Step::done() });
        };
        self.state.is_history_next = !more && self.state.past.is_due(ask.now);
        let told = Some(progress);
        Ok(if more || self.state.is_history_next { Step::more(told) } else { Step::wait(told) })
    }

    /// Finds the tickets that changed; whether there are still more.
    async fn news(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let mut look = self.state.look.take().unwrap_or_else(|| self.state.look_anew(ask.now));
        for _ in 0..PAGES_A_POLL {
            let condition = Condition::default().any_of("group_id", &self.state.book.watched);
            let page = ask.search(condition, Along::Updated, look.place, PER_PAGE).await?;
            for ticket in page.tickets {
                self.state.hear(ticket.updated_at);
                if self.state.is_news(&ticket) {
                    self.state.want(ticket);
                }
            }
            let Some(next) = page.next else {
                self.state.looked(&look);
                return Ok(false);
            };
            look.place = next;
        }
        self.state.look = Some(look);
        Ok(true)
    }

    /// Reads tickets whole that are wanted, as many as fit into a poll. One that can't be read holds up no other.
    pub(super) async fn read_wanted(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let mut round = self.state.wanted.begin(ask.now);
        for _ in 0..WHOLE_A_POLL {
            if ask.enough.is_come() {
                break;
            }
            let Some(ticket) = self.state.wanted.next(&mut round) else { break };
            let id = ticket.id;
            match self.read_whole(ask, ticket.clone()).await {
                Ok(story) => {
                    round.is_good();
                    self.state.wanted.remove(id);
                    match story {
                        Some(story) => self.state.told(&story, &self.site, ask.there()),
                        None => self.state.end(id, ask.there()),
                    }
                    self.state.readable = Some(id);
                }
                Err(error) => self.state.wanted.failed(ticket, error, &mut round)?,
            }
        }
        if round.is_in_doubt() {
            match self.state.another() {
                Some(id) if ask.has_history(id).await? => round.is_good(),
                Some(_) => {}
                None => round.has_no_other(),
            }
        }
        self.state.wanted.end(round, ask.now, &mut ask.skips)
    }

    /// All that happened to a ticket, and what the states mean that it names: an ending by one that was made since the
    /// states were read would else be told as open, and never again.
    pub(super) async fn read_whole(&mut self, ask: &mut Ask, ticket: Ticket) -> Result<Option<Story>, SourceError> {
        let Some(story) = ask.story(ticket).await? else { return Ok(None) };
        let state = &self.state;
        let is_unknown = |id: &u64| !state.book.knows_state(*id) && !state.strange.rests(id, ask.now);
        let unknown: Vec<u64> = story.states().filter(is_unknown).collect();
        if unknown.is_empty() {
            return Ok(Some(story));
        }
        self.state.book.read_states(ask).await?;
        for id in unknown {
            if self.state.book.knows_state(id) {
                self.state.strange.end(&id);
            } else {
                self.state.strange.failed(id, ask.now);
            }
        }
        Ok(Some(story))
    }

    /// What became of tickets that should be open and are not among those that are.
    async fn look_after(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let is_due = |id: &u64| !self.state.pauses.rests(id, ask.now);
        let some: Vec<u64> = self.state.missing.iter().copied().filter(is_due).take(MISSING_A_POLL).collect();
        let mut failed = 0;
        for id in some {
            if ask.enough.is_come() {
                break;
            }
            let watched = &self.state.book.watched;
            let is_watched =
                |group: Option<u64>| watched.is_empty() || group.is_some_and(|group| watched.contains(&group));
            match ask.ticket(id).await {
                Ok(found) => match found.filter(|ticket| is_watched(ticket.group_id)) {
                    Some(ticket) => self.state.want(ticket),
                    None => self.state.end(id, ask.there()),
                },
                Err(error) if is_of_one(&error) && failed < SEVERAL => {
                    failed += 1;
                    self.state.pauses.leave(id, &error, ask.now, &mut ask.skips);
                    continue;
                }
                Err(error) => return Err(error),
            }
            self.state.missing.remove(&id);
            self.state.pauses.end(&id);
        }
        Ok(())
    }

    /// Goes on with a look through all open tickets, or begins one when it is time.
    async fn refill(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if self.state.refill.is_none() {
            if ask.now - self.state.refilled_at < REFILL {
                return Ok(());
            }
            self.state.prune();
            self.state.refilled_at = ask.now;
            let place = Place::at(Timestamp::from_millis(0));
            self.state.refill = Some(Refill { place, found: HashSet::new() });
            return Ok(());
        }
        let (Some(condition), Some(refill)) = (self.open_condition(), &self.state.refill) else { return Ok(()) };
        let page = ask.search(condition, Along::Created, refill.place, PER_PAGE).await?;
        for ticket in page.tickets {
            if self.state.is_news(&ticket) {
                self.state.want(ticket);
            } else if let Some(refill) = &mut self.state.refill {
                refill.found.insert(ticket.id);
            }
        }
        match (page.next, &mut self.state.refill) {
            (Some(next), Some(refill)) => refill.place = next,
            (_, refill) => {
                let found = refill.take().map(|refill| refill.found).unwrap_or_default();
                let missing: Vec<u64> = self.state.open().filter(|id| !found.contains(id)).collect();
                self.state.missing.extend(missing);
            }
        }
        Ok(())
    }
}
