//! The list of tickets by their last change: how far it was read.

use chrono::TimeDelta;

use super::ask::Ask;
use super::wire::{Ticket, User};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::lenient::Id;
use crate::source::quiet::Quiet;

/// Changes become visible so late at most.
pub(super) const LATE: TimeDelta = TimeDelta::seconds(10);
/// Pages of one poll; what is left is read by the next, at once.
const MAX_PAGES: usize = 5;
/// Tickets of the first page where few have changed at the last look, and where many have.
const FEW: &str = "20";
const MANY: &str = "100";

/// How far the list was read, by the times of the desk: a difference of clocks does no harm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fresh {
    pub watermark: Timestamp,
    /// A walk that was not at its end in one poll.
    walk: Option<Walk>,
    quiet: Quiet,
    /// Few have changed at the last look: the next asks for a small page, which is a tenth of a large one to carry.
    is_quiet: bool,
}

impl Default for Fresh {
    fn default() -> Self {
        Self::at(Timestamp::MIN)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Walk {
    after: String,
    newest: Timestamp,
    /// When it began, by this machine's clock.
    began_at: Timestamp,
}

/// What a look into the list brought.
pub(super) struct News {
    /// Changed since the watermark, or a little before, each once, oldest first.
    pub tickets: Vec<Ticket>,
    pub users: Vec<User>,
    /// There is more than one poll reads.
    pub more: bool,
    next: Fresh,
}

impl Fresh {
    pub(super) fn at(watermark: Timestamp) -> Self {
        Self { watermark, walk: None, quiet: Quiet::default(), is_quiet: false }
    }

    /// Reads the list from its newest end down to what is known; the position is moved by [`Fresh::moved`], once what was
    /// found is safe. Pages shift while they are read, always towards the end: what moved to the front is on the next walk.
    pub(super) async fn read(&self, ask: &mut Ask) -> Result<News, SourceError> {
        let down_to = self.watermark - self.quiet.overlap(LATE);
        let mut news = News { tickets: Vec::new(), users: Vec::new(), more: false, next: self.clone() };
        let mut walk = self.walk.clone();
        for page in 1..=MAX_PAGES {
            let size = if page == 1 && walk.is_none() && self.is_quiet { FEW } else { MANY };
            let mut query = vec![("page[size]", size), ("sort", "-updated_at"), ("include", ask.include)];
            query.extend(walk.as_ref().map(|walk| ("page[after]", &*walk.after)));
            let found = match ask.tickets("/tickets", &query).await {
                Ok(found) => found,
                // The place in the list is good no more: the next poll begins at its newest end.
                Err(SourceError::Unsupported { .. }) if walk.is_some() => {
                    news.next.walk = None;
                    break;
                }
                Err(error) => return Err(error),
            };
            let first = found.items.iter().map(|ticket| ticket.updated_at).max().unwrap_or(self.watermark);
            let (newest, began_at) = walk.as_ref().map_or((first, ask.now), |walk| (walk.newest, walk.began_at));
            let reached = found.items.iter().any(|ticket| ticket.updated_at < down_to);
            news.users.extend(found.users);
            news.tickets.extend(found.items.into_iter().filter(|ticket| ticket.updated_at >= down_to));
            let same = walk.map(|walk| walk.after);
            walk = found.after.filter(|after| !reached && same.as_ref() != Some(after)).map(|after| Walk {
                after,
                newest,
                began_at,
            });
            if walk.is_none() {
                let is_quiet = page == 1 && news.tickets.len() < 10;
                news.next = Self { is_quiet, ..self.walked(newest, began_at) };
                break;
            }
            if page == MAX_PAGES || ask.enough.is_come() {
                news.more = true;
                break;
            }
        }
        if news.more {
            news.next.walk = walk;
        }
        news.tickets.sort_by_key(|ticket| (ticket.id, std::cmp::Reverse(ticket.updated_at)));
        news.tickets.dedup_by_key(|ticket| ticket.id);
        news.tickets.sort_by_key(|ticket| ticket.updated_at);
        let customers: std::collections::BTreeSet<Id> =
            news.tickets.iter().filter_map(|ticket| ticket.requester_id).collect();
        news.users.retain(|user| user.is_staff() || customers.contains(&user.id));
        Ok(news)
    }

    /// After a walk to the end that found nothing newer than that.
    fn walked(&self, newest: Timestamp, began_at: Timestamp) -> Self {
        if newest > self.watermark {
            return Self::at(newest);
        }
        let mut quiet = self.quiet;
        quiet.looked(began_at);
        Self { quiet, ..Self::at(self.watermark) }
    }

    /// Since when, by this machine's clock, there has been more than was read.
    pub(super) fn behind_since(&self) -> Option<Timestamp> {
        self.walk.as_ref().map(|walk| walk.began_at)
    }

    /// The position after what was found is in the queue.
    pub(super) fn moved(&mut self, news: &News) {
        *self = news.next.clone();
    }
}
