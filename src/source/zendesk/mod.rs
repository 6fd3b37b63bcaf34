//! Zendesk Support: the list of tickets by their last change, and the updates of those that changed.
//!
//! A start reads groups, agents and the open tickets a hundred at a time, each with its last update. Where that is no
//! answer and somebody may wait, all updates are read, one request a ticket: no field says who spoke last. From then on one request a refresh brings what changed, and
//! one more a ticket that changed, as far as the quota goes; an admin's key brings the updates of all tickets besides,
//! complete but a minute late, in one request a minute. Updates are told by their own times and numbers, so it does no
//! harm that both ways bring them. The history of ended tickets is read in the polls between two refreshes from the same
//! export. A start with a cursor goes on where it left off. The state changes only by functions that do not wait: a poll
//! that fails or is dropped midway loses nothing but its requests.

mod access;
mod ask;
mod attendance;
mod audit;
mod check;
mod export;
mod feed;
#[cfg(test)]
mod fuzz;
mod history;
mod late;
mod look;
mod mark;
mod missed;
mod past;
mod people;
mod presence;
mod proofs;
mod ratings;
mod refresh;
mod settings;
mod sides;
mod start;
mod state;
mod story;
mod surveys;
mod targets;
mod team;
mod wire;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::settings::Settings;

use self::ask::Ask;
use self::state::{Phase, State};
use self::team::Reading;
use super::http::{Client, Limits, words::excerpt};
use super::lenient::Id;
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Quota, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Timestamp};

/// What Zendesk can tell at most; what a key may not read is left out of the stream's `hello`.
const CAPABILITIES: &[Capability] = &[
    Capability::Presence,
    Capability::Messages,
    Capability::Assignments,
    Capability::Statuses,
    Capability::Ratings,
    Capability::Sla,
    Capability::Macros,
];

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "zendesk",
    title: "Zendesk Support",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        ("routing", "Zendesk's bots place chats by tags and groups; no field holds their keyword"),
        ("conversions", "Zendesk knows nothing of purchases"),
        ("presence without an admin", "agents' availability can be read with an admin's key only"),
        ("history without an admin", "tickets that had ended before the start can be read with an admin's key only"),
        ("running messaging chats", "words of a messaging chat reach its ticket late, so waits there may be too short"),
        ("changed ratings", "of a satisfaction answer that is changed later, the first one counts"),
        (
            "targets long ahead",
            "Zendesk may move a target while it runs, so one is told when it was answered, or half an hour before it is \
             due; one that is moved after that stays as it was told",
        ),
        ("nps", "the answers of Zendesk's NPS surveys have no API"),
    ],
    secrets: &["client_secret", "token"],
    setup: Some(Setup {
        key: "In Zendesk, as an admin: Admin Center > Apps and integrations > APIs > OAuth clients > Add OAuth client. Client \
              kind confidential, scope read. The secret is shown once. Another's key may read less: no presence, no \
              ratings, no history.",
        ask: &[
            Question::new("subdomain", "The part of your address before .zendesk.com", "acme").or("base_url"),
            Question::new("client_id", "Identifier of the OAuth client", "helptop").or("email"),
            Question::new("client_secret", "Secret of the OAuth client", "0123456789abcdef").or_with("email", "token"),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Zendesk::new(spec, Limits::default())?)),
};

/// A help desk on Zendesk.
#[derive(Debug)]
pub struct Zendesk {
    client: Arc<Client>,
    settings: Settings,
    site: String,
    backfill: Duration,
    /// The groups that are watched; everything where none are named.
    watched: HashSet<Id>,
    /// What the account allows, as it was last told.
    quota: Option<Quota>,
    /// What a check found that it can tell.
    checked: Option<Vec<Capability>>,
    /// Whether any ticket could be read.
    has_read: bool,
    /// A reading of the team that is under way.
    reading: Option<Reading>,
    state: State,
}

impl Zendesk {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = serde_path_to_error::deserialize(&spec.settings)
            .map_err(|error| format!("{}: {}", error.path(), excerpt(&error.inner().to_string())))?;
        let base = settings.base()?;
        let auth = settings.auth()?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        let client = Arc::new(Client::new(base, &auth, limits)?);
        let (watched, quota, state) = (HashSet::new(), None, State::default());
        let (checked, has_read, backfill) = (None, false, spec.backfill);
        Ok(Self { client, settings, site, backfill, watched, quota, checked, has_read, reading: None, state })
    }

    /// What is asked for with each ticket. Targets make an answer much larger, so only where there are any.
    fn include(&self) -> &'static str {
        if self.state.has_targets { "metric_sets,users,slas" } else { "metric_sets,users" }
    }

    /// Tickets that are read one by one in a poll: a tenth of what the account allows a minute, so that four polls a
    /// minute keep within half of it.
    fn looks(&self) -> usize {
        self.quota.map_or(20, |quota| (quota.limit / 10).clamp(5, 60) as usize)
    }
}

#[async_trait]
impl Source for Zendesk {
    fn capabilities(&self) -> Vec<Capability> {
        self.state.sight.told().or_else(|| self.checked.clone()).unwrap_or_else(|| CAPABILITIES.to_vec())
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.remembered = active.iter().filter_map(|id| id.as_str().parse().ok()).collect();
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state.forget();
        }
        let before = self.client.sent();
        let mut ask = Ask::new(Arc::clone(&self.client), now, self.include());
        ask.has_read = self.has_read;
        let step = match self.state.phase.clone() {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await,
            Phase::Beside => self.beside(&mut ask).await,
            Phase::Open { after, read } => self.open_page(&mut ask, after, read).await,
            Phase::Recall => self.recall(&mut ask).await,
            Phase::Stories { total } => self.stories(&mut ask, total).await,
            Phase::Steady => self.refresh(&mut ask).await,
        };
        (self.quota, self.has_read) = (ask.quota.or(self.quota), ask.has_read);
        let step = step?;
        if matches!(self.state.phase, Phase::Stories { .. } | Phase::Steady) {
            self.state.tell_targets(&ask);
        }
        let has_said_hello = self.state.phase != Phase::Beside;
        Ok(step.said_in(Batch {
            events: if has_said_hello { std::mem::take(&mut self.state.outbox) } else { Vec::new() },
            // Before its state is made the place is that of before.
            cursor: (self.state.phase != Phase::Cold).then(|| self.state.mark().cursor()).flatten(),
            quota: ask.quota,
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            requests: (self.client.sent() - before) as u32,
            partial: self.state.phase != Phase::Steady || self.state.is_behind(now),
            ..Batch::default()
        }))
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = Ask::new(Arc::clone(&self.client), now, "metric_sets");
        let findings = check::check(&mut ask, &self.settings).await?;
        let is_missing = |capability: &Capability| {
            let word = capability.to_string();
            findings.iter().any(|finding| finding.what == word && finding.good != Some(true))
        };
        self.checked = Some(CAPABILITIES.iter().copied().filter(|capability| !is_missing(capability)).collect());
        Ok(findings)
    }
}
