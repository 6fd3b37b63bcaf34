//! Satisfaction answers, every few minutes.

use chrono::TimeDelta;

use super::Zendesk;
use super::ask::{Ask, Tickets, place};
use super::ratings::{Rating, Sort};
use super::sides::RATED;
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::lenient::Id;

/// How often they are asked for.
pub(super) const EVERY: TimeDelta = TimeDelta::minutes(5);
/// How often the list of before is asked for while that of now is empty: an account has answers in one of both.
const LEGACY_EVERY: TimeDelta = TimeDelta::hours(1);
/// They are asked for so much further back: the list goes by when a survey was offered, and an answer becomes visible
/// late. Those that are given later than that are read by [`super::late`].
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Pages of one poll.
const MAX_PAGES: usize = 5;
/// Answers that are remembered as told.
const MAX_TOLD: usize = 100_000;

/// A reading of answers that was not at its end in one poll: the next goes on from there, for those of the overlap alone
/// may be more than one poll reads.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    since: Timestamp,
    after: String,
    newest: Timestamp,
}

impl Zendesk {
    /// What was answered since the last look; whether there is more. Where the key may not read that, or the account
    /// asks nobody, the rest goes on without.
    pub(super) async fn look_at_ratings(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        if !self.state.ratings.is_open(ask.now) || ask.now < self.state.ratings_at || ask.enough.is_come() {
            return Ok(false);
        }
        let more = self.new_answers(ask).await?;
        let is_open = self.state.ratings.is_given() && self.state.ratings.is_open(ask.now);
        if !more && is_open && !ask.enough.is_come() {
            self.late_answers(ask).await?;
        }
        Ok(more)
    }

    async fn new_answers(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let sorts: &[Sort] = match self.state.ratings_sort {
            Some(Sort::Survey) => &[Sort::Survey],
            Some(Sort::Legacy) => &[Sort::Legacy],
            None => &[Sort::Survey, Sort::Legacy],
        };
        let (mut refused, mut empty) = (None, None);
        for &sort in sorts {
            if empty.is_some() && ask.now < self.state.legacy_at {
                break;
            }
            match self.answers(ask, sort).await {
                Ok(found) => {
                    self.state.ratings.given();
                    // Which sort the account has, an answer shows, or that it has no other.
                    let is_answer = !found.0.is_empty() || found.1.is_some();
                    if is_answer || refused.is_some() || self.state.ratings_sort.is_some() {
                        self.state.ratings_sort = Some(sort);
                        return self.take_ratings(ask, found).await;
                    }
                    if sort == Sort::Legacy {
                        self.state.legacy_at = ask.now + LEGACY_EVERY;
                    }
                    empty = Some(found);
                }
                // The list of now is given, and that is enough.
                Err(error) if empty.is_some() && !matches!(error, SourceError::Auth { .. }) => {
                    self.state.legacy_at = ask.now + LEGACY_EVERY;
                }
                // A place in the list may be good for a while only: the next look begins anew.
                Err(SourceError::Unsupported { .. }) if self.state.ratings_walk.take().is_some() => {
                    self.state.ratings_at = ask.now + EVERY;
                    return Ok(false);
                }
                Err(error @ (SourceError::Forbidden { .. } | SourceError::Unsupported { .. })) => {
                    refused = Some((sort, error));
                }
                Err(error) => {
                    refused = Some((sort, error));
                    break;
                }
            }
        }
        if let Some(found) = empty {
            return self.take_ratings(ask, found).await;
        }
        if let Some((sort, error)) = refused
            && let Some(error) = self.state.ratings.failed(error, ask.now)?
        {
            ask.skips.note(place(sort.path()), ".", &error.to_string());
        }
        Ok(false)
    }

    /// Tells what some pages brought, and notes how far the reading has come; whether there is more.
    async fn take_ratings(
        &mut self,
        ask: &mut Ask,
        (ratings, walk): (Vec<Rating>, Option<Walk>),
    ) -> Result<bool, SourceError> {
        let so_far = self.state.ratings_walk.as_ref().map_or(self.state.rated_to, |walk| walk.newest);
        let newest = ratings.iter().map(|rating| rating.at).fold(so_far, Timestamp::max);
        if !self.rate(ask, ratings).await? {
            self.state.ratings_at = ask.now + EVERY;
            return Ok(false);
        }
        let more = walk.is_some();
        if !more {
            self.state.rated_to = self.state.rated_to.max(newest);
        }
        self.state.ratings_walk = walk.map(|walk| Walk { newest, ..walk });
        self.state.ratings_at = if more { ask.now } else { ask.now + EVERY };
        Ok(more)
    }

    /// Some pages of answers, and where the rest begins.
    async fn answers(&self, ask: &mut Ask, sort: Sort) -> Result<(Vec<Rating>, Option<Walk>), SourceError> {
        let walk = self.state.ratings_walk.clone();
        let since = walk.as_ref().map_or(self.state.rated_to - OVERLAP, |walk| walk.since);
        let (ratings, next) = self.pages(ask, sort, since, walk.map(|walk| walk.after)).await?;
        Ok((ratings, next.map(|after| Walk { since, after, newest: since })))
    }

    /// Up to so many pages as one look reads of the answers to what was offered since then, and where the rest begins.
    pub(super) async fn pages(
        &self,
        ask: &mut Ask,
        sort: Sort,
        since: Timestamp,
        mut after: Option<String>,
    ) -> Result<(Vec<Rating>, Option<String>), SourceError> {
        let query = sort.query(since);
        let mut ratings: Vec<Rating> = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut asked: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, &**value)).collect();
            asked.extend(after.as_deref().map(|after| ("page[after]", after)));
            let mut page = ask.optional(sort.path(), &asked).await?;
            let items = page.take(sort.key()).ok_or_else(|| SourceError::Schema {
                place: place(sort.path()),
                path: sort.key().into(),
                what: "a list is missing there".into(),
            })?;
            for item in items {
                match sort.rating(&item) {
                    Ok(rating) => ratings.extend(rating),
                    Err(path) => {
                        ask.skips.note(format!("{} {}", place(sort.path()), sort.key()), path, "can't be read");
                    }
                }
            }
            match page.after() {
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok((ratings, None)),
            }
            if ask.enough.is_come() {
                break;
            }
        }
        Ok((ratings, after))
    }

    /// Tells answers, each once; whether it could. One about a ticket that is not known waits until the ticket is told: else it would
    /// look like an open one of which nothing else is known.
    pub(super) async fn rate(&mut self, ask: &mut Ask, ratings: Vec<Rating>) -> Result<bool, SourceError> {
        let is_new = |rating: &&Rating| !self.state.rated.contains(&rating.id);
        let live = |rating: &&Rating| rating.at >= self.state.begun_at || self.state.settled;
        let mut unknown: Vec<Id> = ratings
            .iter()
            .filter(is_new)
            .filter(live)
            .map(|rating| rating.ticket)
            .filter(|ticket| !self.state.tickets.contains_key(ticket))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        let mut found = Tickets::default();
        if !unknown.is_empty() {
            if !self.state.sides.may_ask(RATED, ask.now) {
                return Ok(false);
            }
            let got = ask.tickets_by_id(&unknown).await;
            let Some(got) = self.state.sides.came(RATED, got, &mut ask.skips)? else { return Ok(false) };
            found = got;
        }
        self.state.meet(&found.users);
        if self.state.rated.len() >= MAX_TOLD {
            self.state.rated.clear();
        }
        for rating in ratings {
            if !self.state.rated.insert(rating.id.clone()) {
                continue;
            }
            let ticket = rating.ticket;
            let event = rating.event();
            if self.state.tickets.contains_key(&ticket) {
                self.state.outbox.push(event);
            } else {
                self.state.rated_of.entry(ticket).or_default().push(event);
            }
        }
        // What is not watched, or gone, is never told.
        for ticket in unknown {
            match found.items.iter().find(|one| one.id == ticket).filter(|one| self.is_watched(one)) {
                Some(one) => self.state.wanted.want(one.clone()),
                None => drop(self.state.rated_of.remove(&ticket)),
            }
        }
        Ok(true)
    }
}
