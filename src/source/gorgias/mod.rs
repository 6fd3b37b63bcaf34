//! Gorgias, by its REST API: three feeds of the whole account, each the newest first.
//!
//! A start reads users, teams and the active tickets, a hundred a page, and then the account's messages and what happened,
//! back from now, as long as that settles more tickets than it costs requests; the rest is read one by one. After that a
//! refresh asks for the tickets that changed, and only where there are any, for messages and for what happened: three
//! requests, whatever is open. Everything has its own exact time. Where what happened does not explain how a ticket
//! stands, its record is believed after half a minute. Deleted tickets vanish without a word: a hundred active ones are
//! looked at every two minutes. History is read in every other poll.
//!
//! The state changes only after all requests of a poll's part went well: one that fails or is dropped is done again.

#[cfg(test)]
mod again;
mod ask;
mod before;
mod check;
mod heap;
#[cfg(test)]
mod lost;
mod mark;
mod one_by_one;
mod past;
mod people;
mod ratings;
mod reading;
mod refresh;
#[cfg(test)]
mod rules;
mod settings;
mod sides;
mod start;
mod state;
mod story;
mod strangers;
#[cfg(test)]
mod tests;
mod threads;
mod waits;
mod walk;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::settings::Settings;

use self::ask::Ask;
use self::state::{Phase, State};
use super::http::{Client, Limits};
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Timestamp};

/// What it can tell; ratings only where the key may read them.
const CAPABILITIES: &[Capability] =
    &[Capability::Messages, Capability::Assignments, Capability::Statuses, Capability::Ratings];

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "gorgias",
    title: "Gorgias",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        ("presence", "no documented answer of Gorgias says who is online; that a user may log in is not presence"),
        ("pending and on hold", "a ticket is open, snoozed or closed; there is nothing between"),
        ("routing", "rules place tickets; no field holds a keyword"),
        ("sla", "targets are in no answer for single tickets"),
        ("conversions", "no answer about tickets tells of purchases"),
        ("macros", "that one was used is told, but its name is not documented"),
        ("merges", "where a merged ticket lives on is not documented; it counts as closed by the system"),
        ("late ratings", "an answer to a survey that is more than three days old is not seen"),
        (
            "programs without an admin",
            "the list of users alone says who is a program: where a key may not read it, a program counts as an agent, but \
             for what a rule writes",
        ),
        (
            "first replies of before",
            "of a ticket that was open at the first start and was answered lately, earlier replies are not read: its first response, \
             its replies and whether it took only one are those of what is known",
        ),
        ("capacity", "how many tickets an agent may hold is in no answer"),
    ],
    secrets: &["token"],
    setup: Some(Setup {
        key: "In Gorgias, as an admin: Settings > REST API > Create API key. Only admins can make one; it may read what \
              its user may. The address beside it is the user's.",
        ask: &[
            Question::new("subdomain", "The part of your address before .gorgias.com", "acme").or("base_url"),
            Question::new("email", "Address of the user who made the key", "ana@acme.com"),
            Question::new("token", "API key", "0123456789abcdef"),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Gorgias::new(spec, Limits::default())?)),
};

/// A help desk on Gorgias.
#[derive(Debug)]
pub struct Gorgias {
    client: Arc<Client>,
    site: String,
    backfill: Duration,
    state: State,
}

impl Gorgias {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let base = settings.base()?;
        let auth = settings.auth()?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        let client = Arc::new(Client::new(base, &auth, limits)?);
        Ok(Self { client, site, backfill: spec.backfill, state: State::default() })
    }

    fn ask(&self, now: Timestamp) -> Ask {
        let mut ask = Ask::new(Arc::clone(&self.client), now, self.state.named.clone());
        ask.takes_types = self.state.events.is_typed || matches!(self.state.phase, Phase::Cold);
        ask
    }
}

/// What can be told by a key that may read ratings, or may not.
fn capabilities(may_rate: bool) -> Vec<Capability> {
    CAPABILITIES.iter().filter(|capability| may_rate || **capability != Capability::Ratings).copied().collect()
}

#[async_trait]
impl Source for Gorgias {
    fn capabilities(&self) -> Vec<Capability> {
        self.state.capabilities.clone().unwrap_or_else(|| CAPABILITIES.to_vec())
    }

    fn remember(&mut self, active: &[ConversationId]) {
        for id in active {
            match id.as_str().parse() {
                Ok(number) => {
                    self.state.remembered.insert(number);
                }
                Err(_) => self.state.strangers.push(id.clone()),
            }
        }
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() && !matches!(self.state.phase, Phase::Cold) {
            self.state.forget();
        }
        let mut ask = self.ask(now);
        let step = match self.state.phase.clone() {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await,
            Phase::Open { snoozed, next, read } => self.open(&mut ask, snoozed, next, read).await,
            Phase::Recall => self.recall(&mut ask).await,
            Phase::Walk(walk) => self.walk(&mut ask, *walk).await,
            Phase::Tell { from, look } => Ok(self.tell(from, look)),
            Phase::Steady => self.refresh(&mut ask).await,
        };
        let step = step?;
        self.state.events.is_typed = ask.takes_types;
        let requests = u32::try_from(ask.sent()).unwrap_or(u32::MAX);
        self.state.named.keep(ask.told);
        let mut skips = std::mem::take(&mut self.state.unsaid);
        skips.named.extend(ask.skips.named);
        skips.total += ask.skips.total;
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.cursor(),
            quota: ask.quota,
            skipped: skips.named,
            skipped_total: skips.total,
            requests,
            ..Batch::default()
        }))
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = self.ask(now);
        let findings = check::check(self, &mut ask).await?;
        let may_rate = findings.iter().any(|finding| finding.what == check::RATINGS && finding.good == Some(true));
        self.state.capabilities = Some(capabilities(may_rate));
        Ok(findings)
    }
}
