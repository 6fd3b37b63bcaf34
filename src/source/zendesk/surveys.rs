//! Satisfaction answers, every few minutes.

use chrono::TimeDelta;

use super::Zendesk;
use super::ask::{Ask, Tickets, place};
use super::ratings::{Rating, Sort};
use crate::source::SourceError;
use crate::source::lenient::Id;

/// How often they are asked for.
const EVERY: TimeDelta = TimeDelta::minutes(5);
/// They are asked for so much further back: an answer becomes visible late.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Pages of one poll.
const MAX_PAGES: usize = 5;
/// Answers that are remembered as told.
const MAX_TOLD: usize = 100_000;

impl Zendesk {
    /// What was answered since the last look; whether there is more. Where the key may not read that, or the account
    /// asks nobody, the rest goes on without.
    pub(super) async fn look_at_ratings(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        if !self.state.ratings.is_open(ask.now) || ask.now < self.state.ratings_at {
            return Ok(false);
        }
        let sorts: &[Sort] = match self.state.ratings_sort {
            Some(Sort::Survey) => &[Sort::Survey],
            Some(Sort::Legacy) => &[Sort::Legacy],
            None => &[Sort::Survey, Sort::Legacy],
        };
        let mut refused = None;
        for &sort in sorts {
            match self.answers(ask, sort).await {
                Ok((ratings, more)) => {
                    self.state.ratings.given();
                    self.state.ratings_sort = Some(sort);
                    self.rate(ask, ratings).await?;
                    self.state.ratings_at = if more { ask.now } else { ask.now + EVERY };
                    return Ok(more);
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
        if let Some((sort, error)) = refused
            && let Some(error) = self.state.ratings.failed(error, ask.now)?
        {
            ask.skips.note(place(sort.path()), ".", &error.to_string());
        }
        Ok(false)
    }

    async fn answers(&self, ask: &mut Ask, sort: Sort) -> Result<(Vec<Rating>, bool), SourceError> {
        let query = sort.query(self.state.rated_to - OVERLAP);
        let (mut ratings, mut after): (Vec<Rating>, Option<String>) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let mut asked: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, &**value)).collect();
            asked.extend(after.as_deref().map(|after| ("page[after]", after)));
            let mut page = ask.page(sort.path(), &asked).await?;
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
                _ => return Ok((ratings, false)),
            }
        }
        Ok((ratings, true))
    }

    /// Tells answers, each once. One about a ticket that is not known waits until the ticket is told: else it would
    /// look like an open one of which nothing else is known.
    async fn rate(&mut self, ask: &mut Ask, ratings: Vec<Rating>) -> Result<(), SourceError> {
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
        let found = if unknown.is_empty() { Tickets::default() } else { ask.tickets_by_id(&unknown).await? };
        self.state.meet(&found.users);
        if self.state.rated.len() >= MAX_TOLD {
            self.state.rated.clear();
        }
        for rating in ratings {
            self.state.rated_to = self.state.rated_to.max(rating.at);
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
        let queued: Vec<Id> = self.state.queue.iter().map(|ticket| ticket.id).collect();
        let new = found.items.into_iter().filter(|ticket| !queued.contains(&ticket.id)).collect::<Vec<_>>();
        self.state.queue.extend(new);
        Ok(())
    }
}
