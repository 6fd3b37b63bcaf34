//! Satisfaction answers: no list is ordered by when they were given, so the surveys of the last days are looked at.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::Gorgias;
use super::ask::{Ask, Next, Page};
use super::story::conversation;
use super::wire::Survey;
use crate::event::{Event, EventKind, Timestamp};
use crate::source::SourceError;
use crate::source::lenient::Id;

/// How often they are looked at.
const EVERY: TimeDelta = TimeDelta::minutes(10);
/// A survey that was made longer ago is not looked at again.
const WINDOW: TimeDelta = TimeDelta::days(3);
/// Pages of surveys at most.
const PAGES: usize = 5;
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
    asked_at: Timestamp,
    told: HashMap<Id, Timestamp>,
    /// Answers about tickets that are not known yet.
    pub waiting: Vec<Survey>,
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

impl Gorgias {
    /// The answers since the last time, where the key may read them.
    pub(super) async fn rate(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let ratings = &self.state.ratings;
        if !ratings.is_given {
            return Ok(());
        }
        if ask.now - ratings.asked_at >= EVERY {
            let since = ask.at() - WINDOW;
            let (mut found, mut next) = (Vec::new(), None);
            for _ in 0..PAGES {
                let page = ask.surveys(next.as_ref()).await?;
                let oldest = page.items.iter().filter_map(|survey| survey.created_datetime).min();
                found.extend(page.items);
                if page.next.is_none() || page.next == next || oldest.is_none_or(|at| at < since) {
                    break;
                }
                next = page.next;
            }
            let ratings = &mut self.state.ratings;
            ratings.asked_at = ask.now;
            for survey in found.into_iter().rev() {
                let Some(at) = survey.scored_datetime.filter(|at| *at >= ratings.since) else { continue };
                if rated(&survey).is_some() && ratings.told.insert(survey.id, at) != Some(at) {
                    ratings.waiting.push(survey);
                }
            }
            let ends = since - WINDOW;
            ratings.told.retain(|_, at| *at >= ends);
        }
        self.tell_ratings(ask).await
    }

    /// Tells answers about tickets that are known; the tickets of the others are told first, some a poll.
    async fn tell_ratings(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let (known, unknown): (Vec<Survey>, Vec<Survey>) = std::mem::take(&mut self.state.ratings.waiting)
            .into_iter()
            .partition(|survey| self.state.tickets.contains_key(&survey.ticket_id));
        self.state.outbox.extend(known.iter().filter_map(rated));
        self.state.ratings.waiting = unknown;
        if self.state.past.reached().is_some() {
            // The history tells most of those tickets anyway, and their answers with them.
            return Ok(());
        }
        let mut ids: Vec<Id> = self.state.ratings.waiting.iter().map(|survey| survey.ticket_id).collect();
        ids.dedup();
        ids.truncate(LOOKUPS);
        if ids.is_empty() {
            return Ok(());
        }
        let found = ask.tickets(&ids).await?;
        for ticket in &found {
            if let Some(news) = self.whole(ask, ticket.id).await? {
                self.state.first(ticket, news, Timestamp::MIN, ask.at());
            }
        }
        let state = &mut self.state;
        // Of a ticket that is not there any more, no answer is told.
        state.ratings.waiting.retain(|survey| {
            let is_looked_up = ids.contains(&survey.ticket_id);
            if is_looked_up && state.tickets.contains_key(&survey.ticket_id) {
                state.outbox.extend(rated(survey));
            }
            !is_looked_up
        });
        Ok(())
    }
}
