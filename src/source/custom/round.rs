//! One look at all that is due, over as many polls as it takes: what was read stays when a page fails, and is compared
//! with the look before only when it is whole.

use std::collections::VecDeque;

use chrono::TimeDelta;
use serde_json::Value;

use super::clock::Clock;
use super::record::{self, Given, Sort};
use super::settings::Plan;
use super::understood::{HaveRead, Tally};
use super::walk::{Failure, Walk, not_understood};
use super::window::Window;
use crate::event::{ConversationId, Timestamp};
use crate::source::http::Client;
use crate::source::http::words::excerpt;
use crate::source::{Quota, SourceError};

/// Pages that one poll reads at most.
const PAGES: usize = 5;
/// A look whose last page is older is begun anew: lists have changed too much since.
const STALE: TimeDelta = TimeDelta::minutes(10);
/// Waits that the other side asks for do not count, up to so long: a look of many pages would never come to its end.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(2);

/// What was made of a page.
#[derive(Debug)]
pub(super) struct Found {
    /// Which request.
    pub number: usize,
    /// When it was read, by the other side's clock.
    pub at: Timestamp,
    pub given: Vec<Given>,
    /// What can't be read.
    pub bad: Vec<Bad>,
}

/// A value that can't be read.
#[derive(Debug)]
pub(super) struct Bad {
    /// Which value of its request.
    pub place: String,
    /// The same wherever it stands: which record, and what is wrong with it.
    pub name: String,
    pub reason: String,
    pub sort: Sort,
    /// What a record is about, where that can be read.
    pub conversation: Option<ConversationId>,
}

/// An optional request that could not be read, why, and when that was.
#[derive(Debug)]
pub(super) struct Without {
    pub number: usize,
    pub error: SourceError,
    pub at: Timestamp,
}

impl Found {
    /// Reads what a program gave. `before` values of the same request came before.
    pub(super) fn of(values: &[Value], number: usize, plan: &Plan, before: usize, at: Timestamp) -> Self {
        let mut found = Self { number, at, given: Vec::new(), bad: Vec::new() };
        for (i, value) in values.iter().enumerate() {
            match Given::of(value, plan.program.code()) {
                Ok(one) => found.given.push(one),
                Err(reason) => {
                    let mut place = format!("{}, value {}", plan.request.path, before + i);
                    let which = record::name_of(value).unwrap_or_else(|| place.clone());
                    let (sort, conversation) = (Sort::of(value), record::conversation_of(value));
                    if let Some(id) = &conversation {
                        place = format!("{place}, conversation {}", excerpt(id.as_str()));
                    }
                    let name = format!("{number} {which} {reason}");
                    found.bad.push(Bad { place, name, reason, sort, conversation });
                }
            }
        }
        found
    }

    /// Whether it holds any record, readable or not.
    pub(super) fn holds_any(&self) -> bool {
        self.given.iter().any(|one| matches!(one, Given::Record(_)))
            || self.bad.iter().any(|bad| bad.sort == Sort::Record)
    }

    /// Whether it holds a record that may be about any conversation.
    pub(super) fn hides_any(&self) -> bool {
        self.bad.iter().any(|bad| bad.sort == Sort::Record && bad.conversation.is_none())
    }
}

/// A look that is under way.
#[derive(Debug)]
pub(super) struct Round {
    /// When it began, by this machine's clock.
    pub began_at: Timestamp,
    /// The same by the other side's clock, as it was known: `{now}`.
    asked_to: Timestamp,
    /// What the last answer said of the quota.
    pub quota: Option<Quota>,
    /// What is still to be asked, by number and in order.
    due: VecDeque<(usize, Window)>,
    asked: Vec<usize>,
    /// Where the first of these has come to.
    walk: Option<Walk>,
    /// Values that it gave.
    values: usize,
    tally: Tally,
    found: Vec<Found>,
    without: Vec<Without>,
    read_at: Timestamp,
    good_until: Timestamp,
}

/// What a look came to.
#[derive(Debug)]
pub(super) struct Ended {
    /// In order.
    pub found: Vec<Found>,
    /// The numbers of the requests that were answered.
    pub answered: Vec<usize>,
    /// Those that were not, and can be done without.
    pub without: Vec<Without>,
}

impl Round {
    pub(super) fn new(due: VecDeque<(usize, Window)>, now: Timestamp, asked_to: Timestamp) -> Self {
        let asked = due.iter().map(|(number, _)| *number).collect();
        let (found, without, good_until) = (Vec::new(), Vec::new(), now + STALE);
        Self {
            began_at: now,
            asked_to,
            quota: None,
            due,
            asked,
            walk: None,
            values: 0,
            tally: Tally::default(),
            found,
            without,
            read_at: now,
            good_until,
        }
    }

    /// Reads some pages more.
    pub(super) async fn read(
        &mut self,
        client: &Client,
        plans: &[Plan],
        now: Timestamp,
        clock: &mut Clock,
        have_read: &mut HaveRead,
    ) -> Result<(), SourceError> {
        for _ in 0..PAGES {
            let Some((number, window)) = self.due.front().copied() else { break };
            let plan = &plans[number];
            let walk = self.walk.get_or_insert_with(|| Walk::new(plan, window));
            let page = match walk.page(client, plan, now).await {
                Ok(page) => page,
                Err(failure) => {
                    self.failed(number, plan, failure, now)?;
                    continue;
                }
            };
            clock.note(page.date, now);
            let found = Found::of(&page.values, number, plan, self.values, clock.there(now));
            self.tally.add(&found, have_read);
            if let Some(what) = self.tally.wrong(number, plan.request.tells_all, page.is_last, have_read) {
                self.walk_again(number);
                self.failed(number, plan, not_understood(client, plan, &what), now)?;
                continue;
            }
            self.found.push(found);
            (self.read_at, self.good_until, self.quota) = (now, now + STALE, page.quota.or(self.quota));
            // Who has used up its share waits for the next one.
            let spent = page.quota.filter(|quota| quota.remaining <= quota.limit / 2);
            if let Some(anew_at) = spent.and_then(|quota| quota.resets_at) {
                self.wait_until(anew_at);
            }
            self.values += page.values.len();
            if page.is_last {
                self.next();
            }
        }
        Ok(())
    }

    /// A page was not read: an error, unless the rest can do without what was asked.
    fn failed(&mut self, number: usize, plan: &Plan, failure: Failure, now: Timestamp) -> Result<(), SourceError> {
        let Failure { error, is_of_all } = failure;
        if plan.request.optional && !is_of_all {
            self.walk_again(number);
            self.without.push(Without { number, error, at: now });
            self.next();
            return Ok(());
        }
        if let SourceError::RateLimited { until: Some(until), .. } = &error {
            self.wait_until(*until);
        }
        // A page that is refused stays so: what leads to it may have been good for a while only.
        if !may_pass(&error) {
            self.walk_again(number);
        }
        Err(error)
    }

    fn next(&mut self) {
        (self.walk, self.values, self.tally) = (None, 0, Tally::default());
        self.due.pop_front();
    }

    fn wait_until(&mut self, until: Timestamp) {
        self.good_until = self.good_until.max(until.min(self.read_at + LONGEST_WAIT) + STALE);
    }

    fn walk_again(&mut self, number: usize) {
        (self.walk, self.values, self.tally) = (None, 0, Tally::default());
        self.found.retain(|found| found.number != number);
    }

    /// Whether all was read that is due.
    pub(super) fn is_whole(&self) -> bool {
        self.due.is_empty()
    }

    /// Whether it is too old to be gone on with.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        now > self.good_until
    }

    /// How far it has come: what is read, and which part of the requests is.
    pub(super) fn progress(&self, plans: &[Plan]) -> Option<(String, f32)> {
        let (number, _) = self.due.front()?;
        let page = self.walk.as_ref().map_or(0, |walk| walk.pages) + 1;
        let done = self.asked.len() - self.due.len();
        Some((format!("{}, page {page}", plans[*number].request.path), done as f32 / self.asked.len() as f32))
    }

    /// As of when it is told, by the other side's clock. It was asked for nothing later, and nothing that it found is earlier.
    pub(super) fn told_at(&self, clock: &Clock) -> Timestamp {
        clock.there(self.began_at).min(self.asked_to)
    }

    /// What it came to.
    pub(super) fn end(self) -> Ended {
        let Self { found, without, asked, .. } = self;
        let is_without = |number: &usize| without.iter().any(|one| one.number == *number);
        Ended { answered: asked.into_iter().filter(|number| !is_without(number)).collect(), found, without }
    }
}

/// Whether the account may not read it, or the API does not have it.
pub(super) const fn is_refused(error: &SourceError) -> bool {
    matches!(error, SourceError::Forbidden { .. } | SourceError::Unsupported { .. })
}

/// Whether the same page may come with another try.
const fn may_pass(error: &SourceError) -> bool {
    matches!(error, SourceError::Transient { .. } | SourceError::RateLimited { .. } | SourceError::Auth { .. })
}
