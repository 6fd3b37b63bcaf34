//! Callbell, by its public API.
//!
//! A contact is a conversation here, and no answer lists conversations: a start reads all contacts, 20 a page, and the
//! messages of those that are open. After that a refresh reads from the top of the list, where the contact comes first in
//! which something happened last: the first page, the newest messages of the contact that stands first, and the messages
//! of each contact that moved up. What changes without moving up is found by a walk through the list, down to the last open
//! contact; the less such walks find, the seldomer they are. Behind the chats the agents are read, and only in as many teams
//! as it takes to see everybody: all teams are read now and then, and at once where one shows somebody new or lacks
//! somebody. History is read in every other poll.
//!
//! Nothing says who wrote a message: it is credited to the one whom the chat is assigned to, and to a bot where that is
//! nobody. There is no webhook here: an account has but one, and needs a public address for it.
//!
//! What was read is in the state at once, and what is not there yet is read by the next poll: one that fails or is dropped
//! is simply gone on with. A poll ends when it has read for half a minute, and a contact that can't be read while others
//! can is left alone for a while.

mod ask;
mod check;
mod cover;
#[cfg(test)]
mod fuzz;
mod map;
mod order;
mod past;
mod people;
mod read;
mod state;
#[cfg(test)]
mod tests;
mod walk;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use self::ask::Ask;
use self::state::{Phase, State};
use super::enough::READING;
use super::http::{Auth, Client, Limits, Secret, address};
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Quota, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Timestamp};

/// What it can tell.
const CAPABILITIES: &[Capability] =
    &[Capability::Presence, Capability::Messages, Capability::Assignments, Capability::Statuses];
/// Requests a second that are documented as allowed. No header tells what is left.
const LIMIT: u64 = 300;

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "callbell",
    title: "Callbell",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        (
            "who wrote",
            "no message says whether a bot or which agent sent it: it counts as the assignee's, and as a bot's, which answers \
             nobody, where the chat is assigned to nobody; a bot that writes in an assigned chat is not told from its agent",
        ),
        ("who closed", "no answer says it: the assignee counts"),
        (
            "earlier closings",
            "only the last closing of a chat is shown, and none once it is open again: where a chat is open at the start, the \
             customer's wait may look longer than it is",
        ),
        (
            "new conversations of known customers",
            "a contact is one chat for good, which is closed and reopened: resolution time counts from its creation",
        ),
        (
            "changes without a message",
            "where closing or assigning does not move a chat to the top of the list, it is seen by the next walk through the \
             list, some minutes later",
        ),
        ("pending", "a chat is open or closed, nothing between"),
        ("offline", "an agent is available or is not; whether one is logged in is in no answer"),
        ("notes", "nothing says who wrote a note: they are not shown"),
        ("ratings", "satisfaction answers are in no answer of the API"),
        ("routing", "no answer says what a bot asked or chose"),
        ("sla", "Callbell knows no targets"),
        ("conversions", "Callbell knows no purchases"),
    ],
    secrets: &["token"],
    setup: Some(Setup {
        key: "In Callbell: Settings > API Settings > API keys > Create API key. It is shown once, and may read and write \
              everything: keep it to yourself.",
        ask: &[Question::new("token", "API key", "k3yFr0mTheDashb0ard.0123456789")],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Callbell::new(spec, Limits::default())?)),
};

/// The settings of a source of kind `callbell`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the API.
    #[serde(default = "public")]
    pub base_url: String,
    /// An API key: Settings > API Settings > API keys > Create API key.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Whose words it is what is sent in a chat that is assigned to nobody, as the API does not say: a `bot`, which answers
    /// nobody, or an agent who is not named, so that it `answers` the customer.
    #[serde(default)]
    pub unassigned: Unassigned,
    /// Accept an `http://` address of another machine: the key then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

/// What is sent in a chat that is assigned to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unassigned {
    /// A bot's.
    #[default]
    Bot,
    /// An answer of an agent who is not named.
    Answers,
}

fn public() -> String {
    "https://api.callbell.eu/v1".to_owned()
}

/// A help desk on Callbell.
#[derive(Debug)]
pub struct Callbell {
    client: Arc<Client>,
    site: String,
    unassigned_answers: bool,
    backfill: Duration,
    reading: Duration,
    state: State,
}

impl Callbell {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let token = settings.token.filter(|token| !token.is_empty()).ok_or("token: is missing")?;
        let mut base = address::base_url(&settings.base_url, settings.allow_plain_http)?;
        let path = base.path().trim_end_matches('/').trim_end_matches("/v1").to_owned();
        base.set_path(&path);
        let site = base.as_str().trim_end_matches('/').to_owned();
        let auth = Auth::Header { name: "authorization", prefix: "Bearer ", token };
        let client = Client::new(base, &auth, limits)?.with_header("accept", "application/json")?;
        Ok(Self {
            client: Arc::new(client),
            site,
            unassigned_answers: settings.unassigned == Unassigned::Answers,
            backfill: spec.backfill,
            reading: READING,
            state: State::default(),
        })
    }

    /// The same with polls that read on for so long, and one thing at least.
    #[must_use]
    pub fn reading_for(self, reading: Duration) -> Self {
        Self { reading, ..self }
    }

    fn ask(&self, now: Timestamp) -> Ask {
        let mut ask = Ask::new(Arc::clone(&self.client), now, self.reading);
        ask.told.clone_from(&self.state.unreadable);
        ask
    }
}

#[async_trait]
impl Source for Callbell {
    fn capabilities(&self) -> Vec<Capability> {
        self.state.people.roster.sight.told().unwrap_or_else(|| CAPABILITIES.to_vec())
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.remembered = active.to_vec();
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state.forget();
        }
        if let Some(error) = self.state.unsaid.take() {
            return Err(error);
        }
        let mut ask = self.ask(now);
        let before = ask.sent();
        let step = match self.state.phase {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await,
            Phase::Fill => self.fill(&mut ask).await,
            Phase::Steady => self.refresh(&mut ask).await,
        };
        let step = match step {
            // What is new does not wait for what is wrong with the rest: that is said behind it.
            Err(error) if self.state.has_begun() && (!self.state.outbox.is_empty() || ask.skips.total > 0) => {
                self.state.unsaid = Some(error);
                Step { partial: self.state.phase != Phase::Steady, ..Step::more(None) }
            }
            step => step?,
        };
        let (sent, at) = (ask.sent() - before, ask.at());
        let state = &mut self.state;
        state.unreadable.keep(ask.told);
        state.people.roster.sight.hello(CAPABILITIES.to_vec(), at, &mut state.outbox);
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.cursor(),
            quota: Some(Quota {
                limit: LIMIT,
                remaining: LIMIT.saturating_sub(sent),
                resets_at: Some(now + TimeDelta::seconds(1)),
            }),
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            requests: u32::try_from(sent).unwrap_or(u32::MAX),
            ..Batch::default()
        }))
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = self.ask(now);
        check::check(self, &mut ask).await
    }
}
