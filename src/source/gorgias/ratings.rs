//! Satisfaction answers: no list is ordered by when they were given, so the surveys of the last days are looked at.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::Gorgias;
use super::ask::{Ask, Next, Page};
use super::sides::{RATED, RATINGS};
use super::story::conversation;
use super::wire::Survey;
use crate::event::{Event, EventKind, Timestamp};
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::wanted::is_of_one;

/// How often they are looked at.
const EVERY: TimeDelta = TimeDelta::minutes(10);
/// A survey that was made longer ago is not looked at again.
const WINDOW: TimeDelta = TimeDelta::days(3);
/// Pages of surveys in one poll.
const PAGES: usize = 5;
/// Pages of one look at most: a list that never ends is left there.
const MOST_PAGES: usize = 500;
/// Tickets of answers that are looked up in one poll.
const LOOKUPS: usize = 2;
/// The scale of answers.
const SCALE: f64 = 5.0;

/// What is known of satisfaction answers.
#[derive(Debug, Default)]
pub(super) struct Ratings {
    pub is_given: bool,
    /// Older ones are not told.
    pub since: Timestamp,
    /// All that were given before are told, also for a later run.
    pub told_to: Timestamp,
    asked_at: Timestamp,
    /// When the last look began that came to its end.
    whole_at: Timestamp,
    walk: Option<Walk>,
    told: HashMap<Id, Timestamp>,
    /// Answers about tickets that are not known yet.
    pub waiting: Vec<Survey>,
}

/// A look that does not come to its end in one poll: the next goes on from there.
#[derive(Debug, Clone)]
struct Walk {
    begun_at: Timestamp,
    /// Surveys that were made before are not looked at.
    since: Timestamp,
    next: Option<Next>,
    pages: usize,
}

impl Ask {
    /// A page of surveys, the newest first.
    pub(super) async fn surveys(&mut self, next: Option<&Next>) -> Result<Page<Survey>, SourceError> {
        self.page("/api/satisfaction-surveys", &[("order_by", "created_datetime:desc")], next).await
    }
}

/// An answer as an event.
pub(super) fn rated(survey: &Survey) -> Option<Event> {
    let (at, score) = (survey.scored_datetime?, survey.score? as f64);
    let comment = survey.body_text.clone().map(Into::into);
    let kind = EventKind::Rated { conversation: conversation(survey.ticket_id), score, scale: SCALE, comment };
    (1.0..=SCALE).contains(&score).then(|| Event::new(at, kind))
}

impl Ratings {
    /// Answers are told from then on.
    pub(super) fn begin(&mut self, since: Timestamp) {
        (self.since, self.told_to, self.whole_at) = (since, since, since);
    }

    /// Takes answers out of what some pages brought, each once.
    fn take(&mut self, found: Vec<Survey>, since: Timestamp) {
        for survey in found.into_iter().rev() {
            let Some(at) = survey.scored_datetime.filter(|at| *at >= self.since) else { continue };
            // The last page goes beyond, and what is so old is forgotten.
            let is_young = survey.created_datetime.unwrap_or(at) >= since;
            if is_young && rated(&survey).is_some() && self.told.insert(survey.id, at) != Some(at) {
                self.waiting.push(survey);
            }
        }
    }
}

impl Gorgias {
    /// The answers since the last time, where the key may read them. Whether there are more to read at once.
    pub(super) async fn rate(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let ratings = &self.state.ratings;
        if !ratings.is_given {
            return Ok(false);
        }
        let is_time = ratings.walk.is_some() || ask.now - ratings.asked_at >= EVERY;
        if is_time && self.state.sides.may_ask(RATINGS, ask.now) {
            let got = self.look(ask).await;
            self.state.sides.came(RATINGS, got, &mut ask.skips)?;
        }
        self.tell_known();
        let ids = self.unknown(ask.now);
        if !ids.is_empty() && self.state.sides.may_ask(RATED, ask.now) {
            let got = self.look_up(ask, &ids).await;
            self.state.sides.came(RATED, got, &mut ask.skips)?;
        }
        let ratings = &mut self.state.ratings;
        if ratings.walk.is_none() && ratings.waiting.is_empty() {
            ratings.told_to = ratings.whole_at;
        }
        Ok(ratings.walk.is_some() && !self.state.sides.rests(RATINGS, ask.now))
    }

    /// Some pages of surveys, the newest first, from where the look before has stopped.
    async fn look(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let begun = self.state.ratings.walk.clone();
        let is_later = begun.is_some();
        let mut walk =
            begun.unwrap_or_else(|| Walk { begun_at: ask.at(), since: ask.at() - WINDOW, next: None, pages: 0 });
        let (mut found, mut is_over, mut came) = (Vec::new(), false, Ok(()));
        for _ in 0..PAGES {
            let page = match ask.surveys(walk.next.as_ref()).await {
                Err(SourceError::Unsupported { .. }) if is_later => {
                    // A cursor does not live long: the next look begins anew.
                    (self.state.ratings.walk, self.state.ratings.asked_at) = (None, ask.now);
                    return Ok(());
                }
                Err(error) if walk.next.is_none() => return Err(error),
                Err(error) => {
                    // It goes on there; what was found before is told.
                    came = Err(error);
                    break;
                }
                Ok(page) => page,
            };
            walk.pages += 1;
            let oldest = page.items.iter().filter_map(|survey| survey.created_datetime).min();
            found.extend(page.items);
            is_over = page.next.is_none()
                || page.next == walk.next
                || oldest.is_none_or(|at| at < walk.since)
                || walk.pages >= MOST_PAGES;
            if is_over {
                break;
            }
            walk.next = page.next;
        }
        let ratings = &mut self.state.ratings;
        ratings.take(found, walk.since);
        ratings.asked_at = ask.now;
        if is_over {
            ratings.told.retain(|_, at| *at >= walk.since);
            ratings.whole_at = walk.begun_at;
        }
        ratings.walk = Some(walk).filter(|_| !is_over);
        came
    }

    /// Tells answers about tickets that are known.
    fn tell_known(&mut self) {
        let (known, unknown): (Vec<Survey>, Vec<Survey>) = std::mem::take(&mut self.state.ratings.waiting)
            .into_iter()
            .partition(|survey| self.state.tickets.contains_key(&survey.ticket_id));
        self.state.outbox.extend(known.iter().filter_map(rated));
        self.state.ratings.waiting = unknown;
    }

    /// Some tickets of the other answers.
    fn unknown(&self, now: Timestamp) -> Vec<Id> {
        if self.state.past.reached().is_some() {
            // The history tells most of those tickets anyway, and their answers with them.
            return Vec::new();
        }
        let mut ids: Vec<Id> = self.state.ratings.waiting.iter().map(|survey| survey.ticket_id).collect();
        ids.dedup();
        ids.retain(|id| !self.state.pauses.rests(id, now));
        ids.truncate(LOOKUPS);
        ids
    }

    /// Tells tickets that are not known, and then their answers.
    async fn look_up(&mut self, ask: &mut Ask, ids: &[Id]) -> Result<(), SourceError> {
        let looked = ask.tickets(ids).await?;
        let mut failed = Vec::new();
        for ticket in &looked.tickets {
            match self.whole(ask, ticket.id).await {
                Ok(Some(news)) => {
                    self.state.pauses.end(&ticket.id);
                    self.state.first(ticket, news, Timestamp::MIN, ask.at());
                }
                Ok(None) => {}
                Err(error) if is_of_one(&error) => {
                    self.state.failed(ticket.id, &error, ask.now);
                    failed.push(ticket.id);
                }
                Err(error) => return Err(error),
            }
        }
        let state = &mut self.state;
        // Of a ticket that is not there any more, or can't be read, no answer is told.
        state.ratings.waiting.retain(|survey| {
            let is_looked_up = ids.contains(&survey.ticket_id) && !failed.contains(&survey.ticket_id);
            if is_looked_up && state.tickets.contains_key(&survey.ticket_id) {
                state.outbox.extend(rated(survey));
            }
            !is_looked_up
        });
        Ok(())
    }
}
