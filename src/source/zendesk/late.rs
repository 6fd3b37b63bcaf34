//! Satisfaction answers that were given long after they were asked for. The lists go by when a survey was offered, so
//! those of the last four weeks are read again once an hour, a few pages at a time; what was told by then is passed over.

use chrono::TimeDelta;

use super::Zendesk;
use super::ask::{Ask, place};
use super::ratings::Sort;
use super::surveys::{EVERY, OVERLAP};
use crate::event::Timestamp;
use crate::source::SourceError;

/// How often they are looked for.
const LATE_EVERY: TimeDelta = TimeDelta::hours(1);
/// A survey can be answered for so long.
const OFFERED: TimeDelta = TimeDelta::days(28);

/// How far late answers were looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Late {
    /// Answers that were given up to then are told, whenever they were asked for.
    pub told_to: Timestamp,
    /// When the next reading begins.
    at: Timestamp,
    walk: Option<Walk>,
}

/// A reading that was not at its end in one look: the next goes on from there.
#[derive(Debug, Clone)]
struct Walk {
    since: Timestamp,
    after: String,
    began_at: Timestamp,
}

impl Late {
    /// Of a source that begins now and has told answers up to then: the first reading comes after the start.
    pub(super) fn begin(told_to: Timestamp, now: Timestamp) -> Self {
        Self { told_to, at: now + EVERY, walk: None }
    }
}

impl Zendesk {
    /// Tells late answers, as far as one look goes. Where no list has shown an answer yet, both are tried.
    pub(super) async fn late_answers(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        if self.state.late.walk.is_none() && ask.now < self.state.late.at {
            return Ok(());
        }
        let sort = self.state.ratings_sort;
        let sorts = sort.map_or_else(|| vec![Sort::Survey, Sort::Legacy], |sort| vec![sort]);
        for one in sorts {
            let there = ask.there();
            let (since, after, began_at) = match self.state.late.walk.clone() {
                Some(walk) => (walk.since, Some(walk.after), walk.began_at),
                None => (there - OFFERED, None, there),
            };
            match self.pages(ask, one, since, after).await {
                Ok((ratings, next)) => {
                    if sort.is_none() && ratings.is_empty() && next.is_none() {
                        continue;
                    }
                    let told_to = self.state.late.told_to;
                    if !self.rate(ask, ratings.into_iter().filter(|rating| rating.at >= told_to).collect()).await? {
                        return Ok(());
                    }
                    self.state.ratings_sort = Some(one);
                    self.state.late.walk = next.map(|after| Walk { since, after, began_at });
                    if self.state.late.walk.is_none() {
                        let late = &mut self.state.late;
                        late.told_to = late.told_to.max(began_at - OVERLAP);
                        late.at = ask.now + LATE_EVERY;
                    }
                    return Ok(());
                }
                // The place in the list is good no more: the next look begins anew.
                Err(SourceError::Unsupported { .. }) if self.state.late.walk.take().is_some() => return Ok(()),
                Err(error) if sort.is_none() && !matches!(error, SourceError::Auth { .. }) => {}
                Err(error) => {
                    if let Some(error) = self.state.ratings.failed(error, ask.now)? {
                        ask.skips.note(place(one.path()), ".", &error.to_string());
                    }
                    return Ok(());
                }
            }
        }
        self.state.late.at = ask.now + LATE_EVERY;
        Ok(())
    }
}
