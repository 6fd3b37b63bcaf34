//! The steady refresh: what changed, what is gone, and the history in between.

use std::collections::HashSet;
use std::time::Duration;

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
/// Ended tickets of one poll: each costs a request, or two.
const HISTORY_A_POLL: usize = 20;
/// Tries of a page of history after which a ticket that can't be read is passed over.
const HISTORY_TRIES: u32 = 3;
/// Tickets of one look at what became of them.
const MISSING_A_POLL: usize = 40;
/// How long history is left alone after a page that could not be read, at first and at most.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);

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
            self.read_agents(ask, is_time).await?;
            self.refill(ask).await?;
            let is_missing = |id: &u64| !self.state.pauses.rests(id, ask.now);
            more = self.state.missing.iter().any(is_missing) || self.state.wanted.queue().len() > 0;
        }
        if !more {
            // A change that was made before becomes visible late.
            self.state.tell_missed(ask.there() - LATE);
        }
        let Some(progress) = self.history_progress(ask.there()) else {
            return Ok(if more { Step::more(None) } else { Step::done() });
        };
        self.state.is_history_next = !more && self.state.history_again_at.is_none_or(|at| ask.now >= at);
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

    /// When the history that the config asks for begins; nothing where all of it is told.
    fn history_from(&self, there: Timestamp) -> Option<Timestamp> {
        if self.backfill == Duration::ZERO {
            return None;
        }
        let from = there - TimeDelta::from_std(self.backfill).ok()?;
        (from < self.state.told_from).then_some(from)
    }

    fn history_progress(&self, there: Timestamp) -> Option<(String, f32)> {
        let from = self.history_from(there)?;
        let left = (self.state.told_from - from).num_seconds() as f32;
        let part = 1.0 - left / (self.backfill.as_secs_f32().max(1.0));
        Some(("reading history".to_owned(), part.clamp(0.0, 1.0)))
    }

    /// One page of ended tickets, the last changed first.
    async fn history_page(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let Some(from) = self.history_from(ask.there()) else { return Ok(Step::more(None)) };
        // Whatever becomes of it, it is not asked for again at once.
        let pause = FIRST_PAUSE * (1 << self.state.history_tries.min(10));
        self.state.history_tries += 1;
        self.state.history_again_at = Some(ask.now + pause.min(LONGEST_PAUSE));

        let Some(condition) = Condition::default().one_of("state_id", &self.state.book.states(true)) else {
            self.state.told_from = from;
            return Ok(Step::more(None));
        };
        let condition = condition.any_of("group_id", &self.state.book.watched);
        let mut place = Place { at: self.state.told_from, page: self.state.history_page };
        let page = ask.search(condition, Along::UpdatedBack, place, HISTORY_A_POLL).await?;
        let mut stories = Vec::new();
        for ticket in page.tickets.into_iter().filter(|ticket| ticket.updated_at >= from) {
            // What is known already is followed, and what is older than the last page was told with it.
            if self.state.knows(ticket.id) {
                continue;
            }
            match ask.story(ticket).await {
                Ok(story) => stories.extend(story),
                // Else nothing before it would ever be told.
                Err(error) if is_of_one(&error) && self.state.history_tries > HISTORY_TRIES => {
                    ask.skips.note("history".to_owned(), ".", &error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        for story in &stories {
            self.state.recount(story, &self.site);
        }
        match page.next.filter(|next| next.at >= from) {
            Some(next) => place = next,
            None => place = Place::at(from),
        }
        (self.state.told_from, self.state.history_page) = (place.at, place.page);
        (self.state.history_tries, self.state.history_again_at) = (0, None);
        Ok(Step::past(self.history_progress(ask.there())))
    }
}
