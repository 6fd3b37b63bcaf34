//! Chatwoot, cloud or self-hosted, by its application API.
//!
//! A start reads agents, teams, inboxes and the active conversations, 25 a page, and the messages of those that a
//! customer may be waiting in. After that two requests a refresh: what changed since the last one, and the agents with
//! their states; and one for the messages of each conversation that changed. Every ten minutes the active
//! conversations are counted, and walked through where the count does not fit or was right for an hour: deleted ones just
//! vanish. History is read in every other poll. What ended in a gap is among the changes of a short one, and history of a
//! longer one.
//!
//! There is no websocket here: to listen to it marks the key's owner as online, who may then be handed chats.
//!
//! A conversation is told as soon as it is read. What was not told when a poll fails, is dropped or has taken long enough
//! is read by the next one. What fails beside the conversations is left alone for a while.

mod ask;
mod check;
mod each;
mod failed;
mod map;
mod past;
mod people;
mod put_off;
mod several;
mod sides;
mod state;
mod surveys;
#[cfg(test)]
mod tests;
mod walk;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::ask::Ask;
use self::state::{Phase, State};
use self::wire::{Account, Profile};
use super::http::{Client, Limits, Secret, address};
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Quota, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Timestamp};

/// What it can tell; ratings only where the key may read them.
const CAPABILITIES: &[Capability] =
    &[Capability::Presence, Capability::Messages, Capability::Assignments, Capability::Statuses, Capability::Ratings];

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "chatwoot",
    title: "Chatwoot, cloud or self-hosted",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        ("away", "Chatwoot knows online, busy and offline; a break is one of the last two"),
        (
            "assignment times",
            "an assignment is seen at the next refresh, for Chatwoot's own note of it is translated; of what was held before the \
             first start it is not known",
        ),
        ("routing", "no answer says what a bot asked or chose"),
        ("sla", "targets are a paid part of the Enterprise edition and are not read"),
        ("conversions", "Chatwoot knows no purchases"),
        ("macros", "no answer says which macro was used"),
        ("capacity", "limits of agents are part of the Enterprise edition and are in no answer"),
    ],
    secrets: &["token"],
    setup: Some(Setup {
        key: "In Chatwoot, logged in as an administrator: Profile settings > Access Token. An agent's token sees the agent's \
              own inboxes only, and no ratings.",
        ask: &[
            Question::new("base_url", "Address of the installation", "https://app.chatwoot.com"),
            Question::new("token", "Access token", "a1B2c3D4e5F6g7H8i9J0k1L2"),
            Question::new("account", "Number of the account, as in the address of the dashboard", "1").on_need(),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Chatwoot::new(spec, Limits::default())?)),
};

/// The settings of a source of kind `chatwoot`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the installation: `https://app.chatwoot.com`, or your own.
    #[serde(default = "cloud")]
    pub base_url: String,
    /// The access token of an administrator's profile: Profile settings > Access Token. An agent's token sees the
    /// agent's own inboxes only, and no ratings.
    #[serde(default)]
    pub token: Option<Secret>,
    /// The number of the account, as it stands in the address of the dashboard; 0: the only one that the token sees.
    #[serde(default)]
    pub account: u64,
    /// Names of the inboxes to watch; empty: all that the token sees.
    #[serde(default)]
    pub inboxes: Vec<String>,
    /// Requests that the server allows a minute, of which `quota_share` is used; it tells nobody. 3000 unless its
    /// administrator set `RACK_ATTACK_LIMIT`.
    #[serde(default = "default_requests")]
    pub requests_per_minute: u32,
    /// Accept an `http://` address of another machine: the token then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

fn cloud() -> String {
    "https://app.chatwoot.com".to_owned()
}

fn default_requests() -> u32 {
    3000
}

/// A help desk on Chatwoot.
#[derive(Debug)]
pub struct Chatwoot {
    client: Arc<Client>,
    token: Secret,
    settings: Settings,
    site: String,
    backfill: Duration,
    state: State,
    /// The minute by the server's clock, and the requests that had been sent when it began.
    window: (i64, u64),
}

impl Chatwoot {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let token = settings.token.clone().filter(|token| !token.is_empty()).ok_or("token: is missing")?;
        if settings.requests_per_minute < 60 {
            return Err(format!("requests_per_minute: is {}, must be at least 60", settings.requests_per_minute));
        }
        let base = address::base_url(&settings.base_url, settings.allow_plain_http)?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        let client = Arc::new(Client::new(base, &ask::auth(&token, 0), limits)?);
        Ok(Self { client, token, settings, site, backfill: spec.backfill, state: State::default(), window: (0, 0) })
    }

    fn ask(&self, now: Timestamp) -> Ask {
        let mut ask = Ask::new(Arc::clone(&self.client), self.state.account, now);
        ask.told.clone_from(&self.state.unreadable);
        ask
    }

    /// Which account the token is to read.
    async fn account(&self, ask: &mut Ask) -> Result<Account, SourceError> {
        let Profile { accounts } = ask.first("/api/v1/profile", &self.token).await?;
        let seen = || accounts.iter().map(|one| format!("{} ({})", one.id, one.name)).collect::<Vec<_>>().join(", ");
        let wanted = self.settings.account;
        let what = match accounts.as_slice() {
            [] => {
                let (place, what) = ("token".to_owned(), "it sees no account".to_owned());
                return Err(SourceError::Unsupported { place, what });
            }
            [one] if wanted == 0 => return Ok(one.clone()),
            _ if wanted == 0 => format!("the token sees several accounts; set `account` to one of {}", seen()),
            some => match some.iter().find(|one| one.id == wanted) {
                Some(one) => return Ok(one.clone()),
                None => format!("the token does not see account {wanted}, but {}", seen()),
            },
        };
        Err(SourceError::Unsupported { place: "account".to_owned(), what: super::http::words::excerpt(&what) })
    }

    /// Our own count: the server says how often it may be asked only by refusing.
    fn quota(&mut self, before: u64, sent: u64, at: Timestamp) -> Quota {
        let minute = at.millis().div_euclid(60_000);
        if self.window.0 != minute {
            self.window = (minute, before);
        }
        let limit = u64::from(self.settings.requests_per_minute);
        let used = sent.saturating_sub(self.window.1);
        let resets_at = Some(Timestamp::from_millis((minute + 1) * 60_000));
        Quota { limit, remaining: limit.saturating_sub(used), resets_at }
    }
}

/// What can be told by a key that may read ratings, or may not.
fn capabilities(may_rate: bool) -> Vec<Capability> {
    CAPABILITIES.iter().filter(|capability| may_rate || **capability != Capability::Ratings).copied().collect()
}

#[async_trait]
impl Source for Chatwoot {
    fn capabilities(&self) -> Vec<Capability> {
        self.state.people.roster.sight.told().unwrap_or_else(|| self.state.capabilities())
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.remembered = active.to_vec();
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
        let sent = ask.sent();
        let quota = self.quota(before, sent, ask.now);
        let (at, state) = (ask.at(), &mut self.state);
        state.unreadable.keep(ask.told);
        let capabilities = state.capabilities();
        state.people.roster.sight.hello(capabilities, at, &mut state.outbox);
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.mark().cursor(),
            quota: Some(quota),
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            requests: u32::try_from(sent - before).unwrap_or(u32::MAX),
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
