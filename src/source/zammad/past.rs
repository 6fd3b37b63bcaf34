//! The history of ended tickets, in every other poll: a page, the last changed first, each ticket read whole. A poll reads
//! of it what half a minute is enough for; the rest of the page is kept for the next.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use chrono::TimeDelta;

use super::ask::{Along, Ask, Condition, Place};
use super::wire::Ticket;
use super::{Step, Zammad};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::pauses::Tries;
use crate::source::progress::Progress;
use crate::source::wanted::is_of_one;

/// Ended tickets of one page: each costs a request, or two.
const A_PAGE: usize = 20;
/// Tries after which a ticket that can't be read is passed over.
const MOST_TRIES: u32 = 3;

/// How far the history was read.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What is asked for: from when on, and how long that was when the run began. It stays so: were it reckoned anew in
    /// each poll, by their clock or by ours, there might always be some left.
    asked: Option<(Timestamp, TimeDelta)>,
    /// Every ended ticket that changed since then is told.
    told_from: Timestamp,
    /// The page behind it, where more tickets are of that instant than a page holds.
    page: u32,
    /// Tickets of that instant that are told: the next page begins with it.
    edge: BTreeSet<u64>,
    listed: Option<Listed>,
    tries: Tries,
}

/// A page that was listed.
#[derive(Debug, Default)]
struct Listed {
    /// Tickets that are still to be read, the last changed first.
    todo: VecDeque<Ticket>,
    /// Where the next page begins; nowhere after the last.
    next: Option<Place>,
    /// Tickets of this page that are of that instant.
    edge: BTreeSet<u64>,
}

impl Past {
    /// What changed since then is told.
    pub(super) fn begun(told_from: Timestamp) -> Self {
        Self { told_from, page: 1, ..Self::default() }
    }

    /// What changed for so long before that instant of theirs is to be told.
    pub(super) fn ask_for(&mut self, span: Duration, there: Timestamp) {
        let span = TimeDelta::from_std(span).ok().filter(|span| !span.is_zero());
        self.asked = span.map(|span| (there - span, span));
    }

    /// From when on, and of what span, history is still to be read; nothing where all of it is told.
    fn left(&self) -> Option<(Timestamp, TimeDelta)> {
        self.asked.filter(|(from, _)| *from < self.told_from)
    }

    /// How far it has come, while it is read.
    pub(super) fn progress(&self) -> Progress {
        let (from, span) = self.left()?;
        let left = (self.mark() - from).num_seconds() as f32;
        let part = 1.0 - left / span.num_seconds().max(1) as f32;
        Some(("reading history".to_owned(), part.clamp(0.0, 1.0)))
    }

    /// Where a start anew goes on.
    pub(super) fn mark(&self) -> Timestamp {
        let todo = self.listed.iter().flat_map(|listed| &listed.todo).map(|ticket| ticket.updated_at);
        todo.max().map_or(self.told_from, |newest| newest.min(self.told_from))
    }

    /// Whether it may be read on: what could not be read is left alone for a while.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.tries.is_due(now)
    }

    fn first(&self) -> Option<&Ticket> {
        self.listed.as_ref()?.todo.front()
    }

    /// The first of the page is read, or passed over.
    fn pass(&mut self) {
        if let Some(listed) = &mut self.listed {
            listed.todo.pop_front();
        }
        self.tries.end();
    }

    /// Goes on behind a page of which all is read; to the end, where it was the last.
    fn turn(&mut self, end: Timestamp) {
        if let Some(listed) = self.listed.take_if(|listed| listed.todo.is_empty()) {
            let place = listed.next.unwrap_or(Place::at(end));
            if place.at != self.told_from {
                self.edge.clear();
            }
            self.edge.extend(listed.edge);
            (self.told_from, self.page) = (place.at, place.page);
        }
    }
}

impl Zammad {
    /// A page of history, or some of it.
    pub(super) async fn history_page(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let Some((from, _)) = self.state.past.left() else { return Ok(Step::more(None)) };
        if self.state.past.listed.is_none() {
            self.state.past.listed = Some(self.list_ended(ask, from).await?);
        }
        self.recount_listed(ask).await?;
        self.state.past.turn(from);
        Ok(Step::past(self.state.past.progress()))
    }

    /// The next page.
    async fn list_ended(&mut self, ask: &mut Ask, from: Timestamp) -> Result<Listed, SourceError> {
        let Some(condition) = Condition::default().one_of("state_id", &self.state.book.states(true)) else {
            return Ok(Listed::default());
        };
        let condition = condition.any_of("group_id", &self.state.book.watched);
        // Whatever becomes of it, it is not asked for again at once.
        self.state.past.tries.begin(ask.now);
        let place = Place { at: self.state.past.told_from, page: self.state.past.page };
        let page = ask.search(condition, Along::UpdatedBack, place, A_PAGE).await?;
        self.state.past.tries.end();
        let next = page.next.filter(|next| next.at >= from);
        let is_edge = |ticket: &&Ticket| next.is_some_and(|next| ticket.updated_at == next.at);
        let edge = page.tickets.iter().filter(is_edge).map(|ticket| ticket.id).collect();
        let is_new = |ticket: &Ticket| ticket.updated_at >= from && !self.state.past.edge.contains(&ticket.id);
        let todo = page.tickets.into_iter().filter(is_new).collect();
        Ok(Listed { todo, next, edge })
    }

    /// Tells tickets of the page, as many as there is time for.
    async fn recount_listed(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        while let Some(ticket) = self.state.past.first().cloned() {
            if ask.enough.is_come() {
                break;
            }
            // What is known already is followed, and what is older than the last page was told with it.
            if !self.state.knows(ticket.id) {
                self.state.past.tries.begin(ask.now);
                match self.read_whole(ask, ticket).await {
                    Ok(Some(story)) => self.state.recount(&story, &self.site),
                    Ok(None) => {}
                    // Else nothing before it would ever be told.
                    Err(error) if is_of_one(&error) && self.state.past.tries.times() > MOST_TRIES => {
                        ask.skips.note("history".to_owned(), ".", &error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
            self.state.past.pass();
        }
        Ok(())
    }
}
