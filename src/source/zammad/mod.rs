//! Zammad over its REST API.
//!
//! A start reads states, groups, agents, and the open tickets two hundred at a time. What their fields say is told at
//! once; those of which the fields leave in doubt whether somebody waits are read whole, with articles and history. After that
//! one search a refresh brings the tickets that changed, and each of those is read whole: a request a change, for the
//! history brings the articles that it names, and none for what is merely open. Ended tickets are read in the polls between two refreshes, the last changed first. Every ten
//! minutes the open tickets are looked through, a page a poll, for those that are gone without a change: deleted, or
//! moved where the account may not look.
//!
//! Instants are those of the server: what is asked for never depends on this machine's clock.

mod ask;
mod book;
mod check;
mod past;
mod refresh;
mod sides;
mod state;
mod story;
mod targets;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use self::ask::{Along, Ask, Condition, PER_PAGE, Place};
use self::book::Book;
use self::state::{Mark, Phase, State};
use super::http::{Auth, Client, Limits, Secret, address, words::excerpt};
use super::progress::Step;
use super::skips::Named;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Event, EventKind, Timestamp, VERSION};

/// What Zammad can tell.
const CAPABILITIES: &[Capability] =
    &[Capability::Messages, Capability::Assignments, Capability::Statuses, Capability::Sla];

/// Changes are looked for so much further back than they were seen: what is written in a long database transaction
/// becomes visible late.
const LATE: TimeDelta = TimeDelta::seconds(30);
/// A first start follows changes from so long before it, by the time of its answers, which may be that of a proxy.
const BEFORE: TimeDelta = TimeDelta::minutes(5);

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "zammad",
    title: "Zammad",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        ("presence", "Zammad's API does not tell who is there; the last activity of an agent is shown instead"),
        ("ratings", "Zammad has no satisfaction survey"),
        ("chats", "live chats are no tickets, and the API lists none that wait"),
        (
            "targets ahead",
            "Zammad moves targets, and takes them back while a ticket is pending, so one is told when it is due or was met",
        ),
        ("tags", "the tags of a ticket cost a request each and are not asked for"),
        ("text", "the words of a message are not kept, though they come with it"),
    ],
    secrets: &["token", "oauth_token", "password"],
    setup: Some(Setup {
        key: "In Zammad: your picture > Profile > Token Access > Create, with the permissions ticket.agent and, to read the names of \
              groups, admin.group. The token sees the groups that its account may read. By login: \
              helptop init --vendor zammad --set user=LOGIN asks for the password instead.",
        ask: &[
            Question::new("base_url", "Address of the site", "https://helpdesk.example.com"),
            Question::new("token", "Access token", "u2Hb7cQkT1x9Zp4Rw8").or("oauth_token").or_with("user", "password"),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Zammad::new(spec, Limits::default())?)),
};

/// The settings of a source of kind `zammad`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the site, such as `https://desk.example.com`; with or without `/api/v1`.
    pub base_url: String,
    /// Personal access token with the permission `ticket.agent`, made in Zammad under Profile > Token Access. With
    /// `admin.group` too, groups can be named in `groups`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// An OAuth 2 access token instead, sent as `Bearer`. It is not renewed.
    #[serde(default)]
    pub oauth_token: Option<Secret>,
    /// Login of the account, where password logins are allowed. Together with `password`.
    #[serde(default)]
    pub user: Option<String>,
    /// Password of that account. Together with `user`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Groups to watch, by name or number; empty: all that the account sees.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Accept an `http://` address of another machine: the token then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

impl Settings {
    fn auth(&self) -> Result<Auth, String> {
        let given = [self.token.is_some(), self.oauth_token.is_some(), self.user.is_some() || self.password.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err("token: give one of token, oauth_token, and user with password, not several".into());
        }
        let header = |prefix, token: &Secret, key: &str| {
            if token.is_empty() {
                return Err(format!("{key}: is empty"));
            }
            Ok(Auth::Header { name: "authorization", prefix, token: token.clone() })
        };
        match (&self.token, &self.oauth_token, &self.user, &self.password) {
            (Some(token), ..) => header("Token token=", token, "token"),
            (_, Some(token), ..) => header("Bearer ", token, "oauth_token"),
            (_, _, Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
                Ok(Auth::Basic { user: user.clone(), password: password.clone() })
            }
            (_, _, Some(_), Some(_)) => Err("user, password: one of them is empty".into()),
            (_, _, None, Some(_)) => Err("user: is missing beside password".into()),
            (_, _, Some(_), None) => Err("password: is missing beside user".into()),
            _ => Err("token: is missing; give a token, or user and password".into()),
        }
    }
}

/// A help desk on Zammad.
#[derive(Debug)]
pub struct Zammad {
    client: Arc<Client>,
    settings: Settings,
    site: String,
    backfill: Duration,
    state: State,
    unreadable: Named,
}

impl Zammad {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let base = ask::site(address::base_url(&settings.base_url, settings.allow_plain_http)?);
        let auth = settings.auth()?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        // Without it, errors come as web pages.
        let client = Client::new(base, &auth, limits)?.with_header("accept", "application/json")?;
        let (state, unreadable) = (State::default(), Named::default());
        Ok(Self { client: Arc::new(client), settings, site, backfill: spec.backfill, state, unreadable })
    }

    /// Who is who and how things are called; the tickets follow page by page.
    async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let mut book = Book::read(ask).await?;
        let sides = sides::read(ask, &mut book, &self.settings.groups).await?;
        let missing = std::mem::take(&mut self.state.missing);
        self.state = State::begun(book, mark, ask.there() - BEFORE, missing);
        self.state.past.ask_for(self.backfill, ask.there());
        let hello = EventKind::Hello { version: VERSION, source: None, capabilities: CAPABILITIES.to_vec() };
        self.state.outbox.push(Event::undated(hello));
        self.state.outbox.extend(self.state.book.teams().collect::<Vec<_>>());
        self.state.sides = sides;
        self.state.introduce_agents();
        self.state.phase = Phase::Open(Place::at(Timestamp::from_millis(0)));
        Ok(Step::more(Some(("reading open tickets".to_owned(), 0.0))))
    }

    /// What open tickets meet; nothing where no state is open.
    fn open_condition(&self) -> Option<Condition> {
        let condition = Condition::default().one_of("state_id", &self.state.book.states(false))?;
        Some(condition.any_of("group_id", &self.state.book.watched))
    }

    /// One page of open tickets.
    async fn open_page(&mut self, ask: &mut Ask, place: Place) -> Result<Step, SourceError> {
        let next = match self.open_condition() {
            Some(condition) => {
                let page = ask.search(condition, Along::Created, place, PER_PAGE).await?;
                self.state.found(page.tickets, &self.site);
                page.next
            }
            None => None,
        };
        match next {
            Some(next) => self.state.phase = Phase::Open(next),
            None => self.state.all_found(),
        }
        // How many there are is not told.
        Ok(Step::more(Some(("reading open tickets".to_owned(), if next.is_some() { 0.3 } else { 0.6 }))))
    }

    /// The tickets of which the fields leave a doubt.
    async fn doubtful(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        self.read_wanted(ask).await?;
        if self.state.wanted.queue().len() == 0 {
            self.state.phase = Phase::Steady;
            self.state.refilled_at = ask.now;
        }
        // At once on to what happened meanwhile.
        Ok(Step::more(Some(("reading what waits".to_owned(), 0.9))))
    }
}

#[async_trait]
impl Source for Zammad {
    fn capabilities(&self) -> Vec<Capability> {
        CAPABILITIES.to_vec()
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.missing = active.iter().filter_map(|id| id.as_str().parse().ok()).collect();
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state.forget();
            self.unreadable = Named::default();
        }
        let before = self.client.sent();
        let mut ask = Ask::new(Arc::clone(&self.client), now);
        ask.told.clone_from(&self.unreadable);
        ask.has_read = self.state.knows_any();
        let step = match self.state.phase {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await?,
            Phase::Open(place) => self.open_page(&mut ask, place).await?,
            Phase::Doubtful => self.doubtful(&mut ask).await?,
            Phase::Steady => self.refresh(&mut ask).await?,
        };
        self.unreadable.keep(ask.told);
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.cursor(),
            quota: ask.quota,
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            requests: (self.client.sent() - before) as u32,
            partial: self.state.phase != Phase::Steady,
            ..Batch::default()
        }))
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = Ask::new(Arc::clone(&self.client), now);
        check::check(&mut ask, &self.settings).await
    }
}
