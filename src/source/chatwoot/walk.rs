//! The polls: a start, the walk through all that is active, and the steady refresh.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::ask::{Ask, PER_PAGE};
use super::people::{read_agents, read_inboxes, read_teams};
use super::state::{Mark, Phase};
use super::wire::Row;
use super::{Chatwoot, Step, capabilities};
use crate::event::{Event, EventKind, Timestamp, VERSION};
use crate::source::SourceError;
use crate::source::differ::Differ;
use crate::source::http::words::excerpt;

/// Statuses of what is active, in the API's words.
const ACTIVE: [&str; 3] = ["open", "pending", "snoozed"];
/// Pages that a poll reads while the active conversations are read for the first time.
const PAGES: usize = 8;
/// How often what is active is counted, and ratings are asked for.
pub(super) const EVERY: TimeDelta = TimeDelta::minutes(10);
/// Changes are asked for so much further back than they were the last time.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// After a longer pause all that is active is read anew: its changes would be a long list.
const LONG_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Pages of changes, of a server that does not know the question and answers with pages of everything.
const CHANGE_PAGES: u32 = 40;
/// So many walks may follow each other at once while the count does not fit.
const WALKS: u8 = 3;
/// Every so many counts all that is active is walked through even where the count fits.
const THOROUGH: u32 = 6;

/// A walk through all that is active.
///
/// From the last page to the first, by creation: what ends meanwhile moves the others to pages that are still to come,
/// so that they are met twice rather than not at all. What comes back meanwhile can still move one past the walk, which
/// the count after it shows. The first page is read at the begin for the number of pages, and again.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Something is amiss: it is not to take long.
    is_urgent: bool,
    began_at: Option<Timestamp>,
    /// Pages still to be read, the next one last.
    todo: Vec<(&'static str, u32, Page)>,
    /// Records read, and how many there are as far as it is known.
    read: u64,
    total: u64,
}

/// What a page of a walk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// It tells how many there are.
    First,
    /// One of those.
    Counted,
    /// There is no count: a full one is followed by another.
    Blind,
}

impl Walk {
    pub(super) fn new(is_urgent: bool) -> Self {
        Self {
            is_urgent,
            began_at: None,
            todo: ACTIVE.map(|status| (status, 1, Page::First)).to_vec(),
            read: 0,
            total: 0,
        }
    }

    /// Reads the next page; gives its rows and the walk behind it.
    async fn step(&self, ask: &mut Ask) -> Result<(Self, Vec<Row>), SourceError> {
        let mut next = self.clone();
        let Some((status, page, kind)) = next.todo.pop() else { return Ok((next, Vec::new())) };
        let number = page.to_string();
        let query = [("status", status), ("sort_by", "created_at_asc"), ("page", &*number)];
        let (rows, count, total) = ask.page(&query).await?;
        next.began_at.get_or_insert(ask.at());
        next.read += count as u64;
        match (kind, total) {
            (Page::First, Some(total)) => {
                next.total += total;
                if count > 0 && total > count as u64 {
                    next.todo.push((status, 1, Page::Counted));
                    let pages = total.div_ceil(count as u64).min(u64::from(u32::MAX)) as u32;
                    next.todo.extend((2..=pages).map(|page| (status, page, Page::Counted)));
                }
            }
            (Page::First | Page::Blind, _) if count >= PER_PAGE => next.todo.push((status, page + 1, Page::Blind)),
            _ => {}
        }
        Ok((next, rows))
    }

    fn progress(&self) -> (String, f32) {
        let part = self.read as f32 / self.total.max(self.read).max(1) as f32;
        ("reading active conversations".to_owned(), part)
    }
}

impl Chatwoot {
    /// Who may ask, agents, teams, inboxes, and whether ratings may be read.
    pub(super) async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let account = self.account(ask).await?;
        ask.account = account.id;
        let agents = read_agents(ask).await?;
        let teams = read_teams(ask).await?;
        let inboxes = read_inboxes(ask).await?;
        let mut watched = HashSet::new();
        for name in &self.settings.inboxes {
            let found = inboxes.iter().find(|inbox| inbox.name == *name).ok_or_else(|| SourceError::Unsupported {
                place: "inboxes".into(),
                what: format!("there is no inbox `{}` that the token sees", excerpt(name)),
            })?;
            watched.insert(found.id);
        }
        let begins_at = super::past::begins_at(ask.now, self.backfill);
        let since = mark.as_ref().and_then(|mark| mark.rated_to).unwrap_or(begins_at);
        let ratings = match ask.ratings((since, ask.at() + TimeDelta::minutes(1)), 1).await {
            Ok(_) => Some(since),
            Err(SourceError::Forbidden { .. } | SourceError::Auth { .. } | SourceError::Unsupported { .. }) => None,
            Err(error) => return Err(error),
        };

        let state = &mut self.state;
        let remembered = std::mem::take(&mut state.remembered);
        state.forget();
        state.account = account.id;
        state.inboxes = watched;
        state.rated_to = ratings;
        let capabilities = capabilities(ratings.is_some());
        state.capabilities = Some(capabilities.clone());
        state.outbox.push(Event::undated(EventKind::Hello { version: VERSION, source: None, capabilities }));
        state.people.known.pages = format!("{}/app/accounts/{}/conversations/", self.site, account.id);
        state.people.take_inboxes(inboxes);
        state.people.take_teams(teams, &mut state.outbox);
        state.people.take_agents(agents, ask.at(), &mut state.outbox);
        state.differ = Differ::resumed(mark.as_ref().map(|mark| mark.looked_at), remembered);
        state.looked_at = mark.as_ref().map_or(Timestamp::MIN, |mark| mark.looked_at);
        state.past.plan(mark.and_then(|mark| mark.past_from), begins_at, ask.now);
        state.heard_at = ask.now;
        state.walk = Some(Walk::new(true));
        state.phase = Phase::Fill;
        Ok(Step {
            more: true,
            partial: true,
            history: false,
            progress: Some(("reading agents and teams".to_owned(), 0.0)),
        })
    }

    /// A part of what is active: pages, then messages, then what was active before and is not met any more.
    pub(super) async fn fill(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        let mut progress = self.state.walk.as_ref().map(Walk::progress);
        for _ in 0..PAGES {
            if !self.walk_on(ask, true).await? {
                break;
            }
        }
        let is_walked = self.state.walk.is_none();
        if is_walked {
            self.ratings(ask).await?;
            self.look_up(ask).await?;
            self.threads(ask).await?;
        }
        let done = is_walked && !self.state.has_work(ask.now);
        if done {
            self.state.phase = Phase::Steady;
            // What was moved past the walk is found by a count at once.
            (self.state.counted_at, self.state.walks_left) = (Timestamp::MIN, WALKS);
        } else if is_walked {
            progress = Some(("reading messages".to_owned(), 1.0));
        }
        // At once on to what happened meanwhile.
        Ok(Step { more: true, partial: !done, history: false, progress })
    }

    /// What changed, who is there, and a page of the walk; in every other poll a page of history instead.
    pub(super) async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if ask.now - self.state.heard_at > LONG_PAUSE {
            self.state.heard_at = ask.now;
            self.state.walk = Some(Walk::new(true));
            self.state.phase = Phase::Fill;
            return self.fill(ask).await;
        }
        if std::mem::take(&mut self.state.is_past_next) {
            return self.history(ask).await;
        }
        self.changes(ask).await?;
        let agents = read_agents(ask).await?;
        self.state.people.take_agents(agents, ask.at(), &mut self.state.outbox);
        self.look_up(ask).await?;
        self.threads(ask).await?;
        let mut more = self.state.has_work(ask.now);
        if !more {
            if self.state.walk.is_none() && ask.now - self.state.counted_at >= EVERY {
                self.count(ask).await?;
            }
            self.ratings(ask).await?;
            let pages = if self.state.walk.as_ref().is_some_and(|walk| walk.is_urgent) { PAGES } else { 1 };
            for _ in 0..pages {
                if !self.walk_on(ask, false).await? {
                    break;
                }
            }
            more = self.state.has_work(ask.now) || self.state.survey.is_some();
        }
        let progress = self.state.past.progress(ask.now);
        self.state.is_past_next = !more && self.state.past.is_due(ask.now);
        Ok(Step { more: more || self.state.is_past_next, partial: false, history: false, progress })
    }

    /// The conversations that changed since they were last asked for, in one answer.
    async fn changes(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let span = (ask.now - self.state.heard_at).max(TimeDelta::zero()) + OVERLAP;
        let within = span.num_seconds().to_string();
        for page in 1..=CHANGE_PAGES {
            let number = page.to_string();
            let query = [("status", "all"), ("updated_within", &*within), ("page", &*number)];
            let (rows, count, _) = ask.page(&query).await?;
            // A server that does not know the question answers with a page of all there is, the last active first.
            let since = ask.at() - span - OVERLAP;
            let is_new = |row: &Row| row.changed_at() >= since;
            let is_paged = count == PER_PAGE && rows.iter().all(is_new);
            let known = self.state.waiting.len();
            for row in rows.into_iter().filter(is_new) {
                self.state.note(row, ask.at(), false);
            }
            if !is_paged || page > 1 && self.state.waiting.len() == known {
                break;
            }
        }
        self.state.looked_at = self.state.looked_at.max(ask.at());
        self.state.heard_at = ask.now;
        Ok(())
    }

    /// Counts what is active, and walks through it where the count does not fit or it is time to.
    async fn count(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let mut there = Some(0);
        for status in ACTIVE.into_iter().filter(|_| self.state.inboxes.is_empty()) {
            there = ask.count(status).await?.zip(there).map(|(count, sum)| count + sum);
        }
        let fits = self.state.inboxes.is_empty() && there.is_none_or(|there| there == self.state.active());
        let is_time = there.is_none() || !self.state.inboxes.is_empty() || self.state.counts.is_multiple_of(THOROUGH);
        self.state.counts += 1;
        self.state.counted_at = ask.now;
        self.state.prune();
        self.state.walks_left = if fits { WALKS } else { self.state.walks_left.saturating_sub(1) };
        let is_urgent = !fits && self.state.inboxes.is_empty();
        if is_urgent || is_time && self.state.counts > 1 {
            self.state.walk = Some(Walk::new(is_urgent));
        }
        Ok(())
    }

    /// A page of the walk, if there is one under way; whether there are more. At its end what was not met is noted.
    async fn walk_on(&mut self, ask: &mut Ask, is_fill: bool) -> Result<bool, SourceError> {
        let Some(walk) = &self.state.walk else { return Ok(false) };
        let (walk, rows) = walk.step(ask).await?;
        for row in rows {
            self.state.note(row, ask.at(), is_fill);
        }
        let is_over = walk.todo.is_empty();
        let (began_at, is_urgent) = (walk.began_at.unwrap_or(ask.at()), walk.is_urgent);
        self.state.walk = Some(walk);
        if !is_over {
            return Ok(true);
        }
        if is_fill {
            self.state.walk = None;
            self.state.look_up_missing(began_at);
        } else if !self.state.has_unread(ask.now) {
            // Not before all that was met is told: what is not told yet would be missed.
            self.state.walk = None;
            self.state.look_up_missing(began_at);
            if is_urgent && self.state.walks_left > 0 {
                self.state.counted_at = Timestamp::MIN;
            }
        }
        Ok(false)
    }
}
