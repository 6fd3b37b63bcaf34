//! Intercom, by its REST API, version 2.16.
//!
//! A start reads teammates, teams and the active conversations, 150 a page: their fields say who waits, who holds them and
//! how they stand. After that two requests a refresh: what changed since the last one, and the teammates; and one for each
//! conversation that changed, with its parts, which are exact. Every ten minutes the active conversations are counted,
//! and walked through where the count does not fit, and once an hour: deleted ones just vanish. History is read in every
//! other poll.
//!
//! Webhooks need an address that the vendor can reach, and are not used.
//!
//! The state changes only by answers that came, and what they tell waits until a poll hands it over: one that fails or is
//! dropped is simply done again.

mod ask;
mod check;
mod fields;
#[cfg(test)]
mod fuzz;
mod known;
mod merge;
mod past;
mod people;
mod refresh;
#[cfg(test)]
mod rules;
mod sides;
mod state;
mod story;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waits;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::ask::Ask;
use self::state::{Phase, State};
use super::http::{Auth, Client, Limits, Secret, address};
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Timestamp};

/// What it can tell.
const CAPABILITIES: &[Capability] =
    &[Capability::Presence, Capability::Messages, Capability::Assignments, Capability::Statuses, Capability::Ratings];

/// The version of the API that is asked for; without it the app's own setting rules.
const VERSION: &str = "2.16";

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "intercom",
    title: "Intercom",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        (
            "offline",
            "Intercom tells who is away; everybody else counts as online, also who has gone home without saying so",
        ),
        ("routing", "no field holds what a bot asked or chose"),
        ("sla", "a conversation tells whether a target was missed, not when it is due"),
        ("conversions", "Intercom knows no purchases"),
        ("macros", "no answer says which macro was used"),
        ("capacity", "limits are set for teams; that of an agent stands in the log of activity only"),
        ("merges", "that one was merged is known only where it is linked to the other; else it is told as closed"),
        ("text", "the words of a message are not kept, though they come with it"),
        ("names of customers", "whom the team wrote first is shown by number: a name would cost a request each"),
        ("changed ratings", "of a satisfaction answer that is changed later, the first one counts"),
        ("very long conversations", "of more than 500 parts the newest 500 are shown; what was before is not told"),
    ],
    secrets: &["token"],
    setup: Some(Setup {
        key: "In Intercom: Settings > Integrations > Developer Hub > New app, for internal use. Under Authentication, give it \
              the permissions Read admins, Read conversations, Read users and Read tickets; the access token stands there too.",
        ask: &[
            Question::new(
                "base_url",
                "Address of the API (https://api.eu.intercom.io in Europe, https://api.au.intercom.io in Australia)",
                "https://api.intercom.io",
            ),
            Question::new("token", "Access token", "dG9rOmExYjJjM2Q0ZTVmNg=="),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Intercom::new(spec, Limits::default())?)),
};

/// The settings of a source of kind `intercom`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the API: `https://api.intercom.io`, for workspaces in Europe `https://api.eu.intercom.io`, in Australia
    /// `https://api.au.intercom.io`.
    #[serde(default = "us")]
    pub base_url: String,
    /// The access token of an app of your own in the Developer Hub, with the permissions Read admins, Read conversations,
    /// Read users and Read tickets.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Accept an `http://` address of another machine: the token then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

fn us() -> String {
    "https://api.intercom.io".to_owned()
}

/// A help desk on Intercom.
#[derive(Debug)]
pub struct Intercom {
    client: Arc<Client>,
    site: String,
    backfill: Duration,
    state: State,
}

impl Intercom {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let token = settings.token.filter(|token| !token.is_empty()).ok_or("token: is missing")?;
        let base = address::base_url(&settings.base_url, settings.allow_plain_http)?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        let auth = Auth::Header { name: "authorization", prefix: "Bearer ", token };
        let client = Client::new(base, &auth, limits)?
            .with_header("intercom-version", VERSION)?
            .with_header("accept", "application/json")?;
        Ok(Self { client: Arc::new(client), site, backfill: spec.backfill, state: State::default() })
    }

    fn ask(&self, now: Timestamp) -> Ask {
        Ask::new(Arc::clone(&self.client), now, self.state.unreadable.clone())
    }
}

#[async_trait]
impl Source for Intercom {
    fn capabilities(&self) -> Vec<Capability> {
        self.state.people.roster.sight.told().unwrap_or_else(|| CAPABILITIES.to_vec())
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.remember(active);
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state.forget();
        }
        let mut ask = self.ask(now);
        let before = ask.sent();
        let step = match self.state.phase {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await?,
            Phase::Fill => self.fill(&mut ask).await?,
            Phase::Steady => self.refresh(&mut ask).await?,
        };
        let at = ask.at();
        let requests = u32::try_from(ask.sent() - before).unwrap_or(u32::MAX);
        self.state.unreadable.keep(ask.told);
        let state = &mut self.state;
        state.people.roster.sight.hello(CAPABILITIES.to_vec(), at, &mut state.outbox);
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.cursor(),
            quota: ask.quota,
            requests,
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            ..Batch::default()
        }))
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = self.ask(now);
        check::check(self, &mut ask).await
    }
}
