//! The polls of a start: who there is, what is active, and the feeds as far back as that pays.

use chrono::TimeDelta;

use super::ask::{Ask, Next, PER_PAGE};
use super::before::Before;
use super::heap::{Heap, Pages};
use super::mark::Mark;
use super::people::{Staff, UNREAD, read_teams, read_users};
use super::sides::{RATINGS, TEAMS, USERS};
use super::state::{Access, Phase};
use super::walk::{Came, Feed, Walk};
use super::wire::Ticket;
use super::{Gorgias, Step, capabilities};
use crate::event::{Event, EventKind, Timestamp, VERSION};
use crate::source::SourceError;

/// Requests of one poll: a fifth of what the account allows in twenty seconds.
pub(super) const MOST: u64 = 8;
/// The feeds are read back as long as so many pages settle more tickets than they cost requests one by one.
const TRIAL: usize = 8;
/// Requests for a ticket that is read by itself.
const ALONE: usize = 2;

/// Tickets of one poll that tells what was read before.
const TOLD: usize = 1000;

/// So long before the last look of an earlier run a satisfaction answer may have been given that it did not see.
const RATED_LATE: TimeDelta = TimeDelta::minutes(20);

const OPEN: &str = "eq(ticket.status, 'open') && isEmpty(ticket.trashed_datetime)";
const SNOOZED: &str =
    "eq(ticket.status, 'closed') && isNotEmpty(ticket.snooze_datetime) && isEmpty(ticket.trashed_datetime)";

impl Gorgias {
    /// Users and teams, and what the key may read beside tickets.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let users = read_users(ask).await?;
        if users.is_none() {
            ask.skip(USERS.to_owned(), ".", UNREAD);
        }
        let teams = read_teams(ask).await;
        let events_given = is_given(ask.events(None, None).await.map(drop))?;
        let ratings_given = is_given(ask.surveys(None).await.map(drop));

        self.state.forget();
        for side in [TEAMS, RATINGS] {
            self.state.sides.may_ask(side, ask.now);
        }
        let teams = self.state.sides.came(TEAMS, teams, &mut ask.skips)?;
        // Where that can't be found out now, it is said later.
        let ratings_given = self.state.sides.came(RATINGS, ratings_given, &mut ask.skips)?.unwrap_or(true);
        let state = &mut self.state;
        state.events = Access { is_given: events_given, is_typed: ask.takes_types };
        state.ratings.is_given = ratings_given;
        let capabilities = capabilities(ratings_given);
        state.capabilities = Some(capabilities.clone());
        state.outbox.push(Event::undated(EventKind::Hello { version: VERSION, source: None, capabilities }));
        state.pages = format!("{}/app/ticket/", self.site);
        let at = ask.at();
        (state.users_at, state.tried_at) = (ask.now, ask.now);
        state.teams_at = teams.as_ref().map_or(Timestamp::MIN, |_| ask.now);
        state.people.take(Staff { users, teams: teams.flatten() }, at, &mut state.outbox);
        let begins_at = crate::source::backfill::begins_at(ask.now, self.backfill);
        let (past, rated_to) = match mark {
            Some(mark) => {
                state.told_to = mark.told_to;
                state.before = Before::resumed(mark.told_to.unwrap_or(at));
                state.failed = mark.failed.into_iter().collect();
                state.away = mark.away.into_iter().map(|(at, id)| (id, at)).collect();
                (Some(mark.past), mark.rated_to)
            }
            None => (None, None),
        };
        state.past.plan(past, begins_at, at);
        // What an earlier run told need not be told again; answers about what the history is still to tell come with it.
        let rated_to = rated_to.map(|rated_to| rated_to - RATED_LATE);
        state.ratings.begin(state.past.reached().into_iter().chain(rated_to).min().unwrap_or(begins_at));
        self.open_again(at);
        Ok(Step::part("reading users and teams", 0.0))
    }

    /// Reads all that is active from here on.
    pub(super) fn open_again(&mut self, at: Timestamp) {
        self.state.mark = at;
        self.state.heap = Heap::default();
        self.state.recalled.clear();
        self.state.reading = None;
        self.state.is_partial = true;
        self.state.phase = Phase::Open { snoozed: false, next: None, read: 0 };
    }

    /// Pages of what is active.
    pub(super) async fn open(
        &mut self,
        ask: &mut Ask,
        mut snoozed: bool,
        mut next: Option<Next>,
        mut read: usize,
    ) -> Result<Step, SourceError> {
        let mut tickets = Vec::new();
        let is_later = next.is_some();
        loop {
            let filter = if snoozed { SNOOZED } else { OPEN };
            let page = match ask.matching(filter, "created_datetime:asc", next.as_ref()).await {
                Err(SourceError::Unsupported { .. }) if is_later => {
                    // A cursor does not live long: from the first page again.
                    self.state.phase = Phase::Open { snoozed: false, next: None, read: 0 };
                    return Ok(Step::part("reading open tickets", 0.0));
                }
                other => other?,
            };
            if read == 0 && !is_later && !snoozed {
                // By the server's clock, which is known from here on.
                self.state.mark = ask.at();
            }
            read += page.items.len();
            tickets.extend(page.items);
            let goes_on = page.next.is_some() && page.next != next;
            next = page.next.filter(|_| goes_on);
            if next.is_none() {
                if snoozed {
                    break;
                }
                snoozed = true;
            }
            if ask.sent() >= MOST {
                self.keep(tickets, ask);
                self.state.phase = Phase::Open { snoozed, next, read };
                return Ok(Step::part(&format!("reading open tickets, {read} so far"), 0.0));
            }
        }
        self.keep(tickets, ask);
        self.state.phase = Phase::Recall;
        Ok(Step::part("reading messages", 0.0))
    }

    /// A record that was looked up: of what has ended, it is of use where it was told to be active, or is known.
    fn recalled(&mut self, ticket: Ticket, ask: &Ask) {
        let id = ticket.id;
        let is_active = !super::story::standing(&ticket, &self.state.people, ask.at()).status.is_ended();
        if is_active || self.state.remembered.contains(&id) || self.state.tickets.contains_key(&id) {
            self.state.heap.record(ticket);
        } else {
            self.state.heap.records.remove(&id);
        }
    }

    fn keep(&mut self, tickets: Vec<Ticket>, ask: &Ask) {
        for ticket in tickets {
            let is_active = !super::story::standing(&ticket, &self.state.people, ask.at()).status.is_ended();
            if is_active || self.state.tickets.contains_key(&ticket.id) {
                self.state.heap.record(ticket);
            }
        }
    }

    /// What was active by what was told and is not among what is active now, and rows that do not say whether they are
    /// spam: a hundred a request.
    pub(super) async fn recall(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let unsure = self.state.unsure(PER_PAGE);
        if !unsure.is_empty() {
            let looked = ask.tickets(&unsure).await?;
            for id in unsure.iter().filter(|id| looked.is_gone(**id)) {
                self.state.heap.records.remove(id);
                self.state.vanish(*id, ask.at());
            }
            self.state.recalled.extend(unsure);
            for ticket in looked.tickets {
                self.recalled(ticket, ask);
            }
            return Ok(Step::part("reading messages", 0.0));
        }
        for conversation in std::mem::take(&mut self.state.strangers) {
            self.state.end(conversation, ask.at());
        }
        let told_to = self.state.told_to;
        let events = if self.state.events.is_given { Feed::default() } else { Feed::over() };
        let tickets = if told_to.is_some() { Feed::default() } else { Feed::over() };
        let walk = Walk { events, tickets, told_to, ..Walk::default() };
        self.state.phase = Phase::Walk(Box::new(walk));
        Ok(Step::part("reading messages", 0.0))
    }

    /// Some pages of the feeds, back from now; then what they tell.
    pub(super) async fn walk(&mut self, ask: &mut Ask, walk: Walk) -> Result<Step, SourceError> {
        let (mut walk, mut pages) = (walk, Pages::default());
        let mut came = Came::Page;
        while came == Came::Page && ask.sent() < MOST {
            came = walk.read(ask, &mut pages).await?;
        }
        self.seek(self.state.people.missed(&pages.tickets, &pages.messages, &pages.events), ask).await?;
        let mut is_over = came == Came::End;
        self.state.keep_active(pages);
        let from = walk.from();
        walk.told += self.state.tell_whole(from, ask.at());
        let all = walk.told + self.state.heap.records.len();
        let settled = walk.told + self.state.settled(from, ask.at());
        is_over |= settled == all && !walk.is_missing(&walk.messages) && !walk.is_missing(&walk.events);
        if walk.pages >= TRIAL && walk.target().is_none_or(|target| from <= target) {
            is_over |= (settled - walk.settled.min(settled)) * ALONE < walk.pages;
            (walk.pages, walk.settled) = (0, settled);
        }
        if !is_over {
            self.state.phase = Phase::Walk(Box::new(walk));
            return Ok(Step::part("reading messages", settled as f32 / all.max(1) as f32));
        }
        self.state.phase = Phase::Tell { from, look: ask.at() };
        Ok(Step::part("reading messages", 1.0))
    }

    /// Some of what the feeds told, so that it does not come all at once.
    pub(super) fn tell(&mut self, from: Timestamp, look: Timestamp) -> Step {
        if !self.state.tell(from, look, TOLD) {
            return Step::part("reading messages", 1.0);
        }
        self.state.told_to = None;
        self.state.read_at = Timestamp::MIN;
        self.state.asked_at = Timestamp::MIN;
        self.state.phase = Phase::Steady;
        Step::part("reading messages", 1.0)
    }
}

/// Whether the key may read it.
pub(super) fn is_given(answer: Result<(), SourceError>) -> Result<bool, SourceError> {
    match answer {
        Ok(()) => Ok(true),
        Err(SourceError::Forbidden { .. } | SourceError::Unsupported { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
