//! Satisfaction answers, every ten minutes: some pages a poll, the newest answers first.

use chrono::TimeDelta;

use super::Chatwoot;
use super::ask::{Ask, PER_PAGE};
use super::sides::RATINGS;
use super::walk::EVERY;
use crate::event::Timestamp;
use crate::source::SourceError;

/// Pages of one poll.
const PAGES: u32 = 8;

/// A reading of answers that did not come to its end in one poll: the next one goes on behind its last page. What is
/// answered meanwhile moves the others to later pages, so that some are met twice.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    since: Timestamp,
    until: Timestamp,
    /// The next page.
    page: u32,
    newest: Timestamp,
    /// The first answer of the last page: a server that knows no pages shows it again.
    first: Option<(u64, Timestamp)>,
}

impl Chatwoot {
    /// The answers since the last time, where the key may read them.
    pub(super) async fn ratings(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let Some(since) = self.state.rated_to else { return Ok(()) };
        let under_way = self.state.survey.clone();
        if under_way.is_none() && ask.now - self.state.rated_at < EVERY || !self.state.sides.may_ask(RATINGS, ask.now) {
            return Ok(());
        }
        let until = ask.at() + TimeDelta::minutes(1);
        let mut reading = under_way.unwrap_or(Reading { since, until, page: 1, newest: since, first: None });
        let (mut answers, mut is_over) = (Vec::new(), false);
        for _ in 0..PAGES {
            let got = ask.ratings((reading.since, reading.until), reading.page).await;
            let Some((some, count)) = self.state.sides.came(RATINGS, got, &mut ask.skips)? else { return Ok(()) };
            let first = some.first().map(|answer| (answer.conversation_id, answer.created_at));
            let is_repeated = first.is_some() && first == reading.first;
            (reading.first, reading.page) = (first, reading.page + 1);
            reading.newest = some.iter().map(|answer| answer.created_at).fold(reading.newest, Timestamp::max);
            answers.extend(some);
            is_over = count < PER_PAGE || is_repeated;
            if is_over || ask.enough.is_come() {
                break;
            }
        }
        self.state.rate(answers);
        if is_over {
            self.state.rated_up_to(reading.newest, ask.now);
            self.state.survey = None;
        } else {
            self.state.survey = Some(reading);
        }
        self.state.look_up_rated();
        Ok(())
    }
}
