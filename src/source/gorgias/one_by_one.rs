//! Tickets that are read one by one, each with requests of its own. One whose requests fail while those of others go well is
//! left alone for a while, longer and longer, so that it holds up no other.

use super::Gorgias;
use super::ask::Ask;
use super::sides::TICKETS;
use super::story::News;
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::enough::Enough;
use crate::source::lenient::Id;
use crate::source::wanted::{SEVERAL, is_of_one};

/// What became of some tickets that were read.
#[derive(Default)]
pub(super) struct Read {
    /// Those that are there, with all that was said and happened.
    pub told: Vec<(Id, News)>,
    /// Those that are not there any more.
    pub gone: Vec<Id>,
    /// Those whose own requests failed.
    pub failed: Vec<(Id, SourceError)>,
}

impl Read {
    /// How many that is.
    pub(super) fn count(&self) -> usize {
        self.told.len() + self.gone.len() + self.failed.len()
    }
}

impl Gorgias {
    /// Whether there are tickets to be read one by one now.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        !self.state.sides.rests(TICKETS, now) && self.state.due(now).next().is_some()
    }

    /// Reads some of the tickets that no feed tells whole.
    pub(super) async fn one_by_one(&mut self, ask: &mut Ask, most: usize) -> Result<(), SourceError> {
        let some: Vec<Id> = self.state.due(ask.now).take(most).collect();
        if some.is_empty() || !self.state.sides.may_ask(TICKETS, ask.now) {
            return Ok(());
        }
        let got = self.wholes(ask, some).await;
        let Some(read) = self.state.sides.came(TICKETS, got, &mut ask.skips)? else { return Ok(()) };
        for (_, news) in &read.told {
            self.seek(self.state.people.missed(&[], &news.messages, &news.events), ask).await?;
        }
        for (id, news) in read.told {
            self.state.whole(id, news, ask.at());
        }
        for id in read.gone {
            self.state.vanish(id, ask.at());
        }
        for (id, error) in read.failed {
            self.state.failed(id, &error, ask.now);
        }
        Ok(())
    }

    /// Reads tickets whole, as many of them as there is time for. Where some fail and none goes well, another shows
    /// whether that is their fault: if it can't be read either, it is an error of all.
    pub(super) async fn wholes(&self, ask: &mut Ask, some: Vec<Id>) -> Result<Read, SourceError> {
        let (mut read, mut enough) = (Read::default(), Enough::begin());
        for id in some {
            if enough.is_come() {
                break;
            }
            match self.whole(ask, id).await {
                Ok(Some(news)) => read.told.push((id, news)),
                Ok(None) => read.gone.push(id),
                Err(error) if is_of_one(&error) => read.failed.push((id, error)),
                Err(error) => return Err(error),
            }
        }
        let is_in_doubt = !read.failed.is_empty() && read.failed.len() == read.count();
        if is_in_doubt && !self.are_at_fault(ask, read.failed.len()).await {
            return Err(read.failed.swap_remove(0).1);
        }
        Ok(read)
    }

    /// Whether it is the fault of so many tickets that they can't be read: another one that need not be read can be. Where
    /// there is no other, a few are taken to be at fault.
    async fn are_at_fault(&self, ask: &mut Ask, count: usize) -> bool {
        match self.state.tickets.keys().next() {
            Some(id) => self.whole(ask, *id).await.is_ok(),
            None => count < SEVERAL,
        }
    }

    /// All that was said in a ticket and, where it is not known, that happened to it; `None` where it is not there any more.
    pub(super) async fn whole(&self, ask: &mut Ask, id: Id) -> Result<Option<News>, SourceError> {
        let Some(messages) = ask.thread(id).await? else { return Ok(None) };
        let is_wanted = self.state.events.is_given && !self.state.tickets.contains_key(&id);
        let events = if is_wanted { ask.story(id).await?.unwrap_or_default() } else { Vec::new() };
        Ok(Some(News { messages, events }))
    }
}
