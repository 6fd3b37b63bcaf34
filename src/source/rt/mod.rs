//! Request Tracker 5 over REST2: the transaction log read as a feed.
//!
//! A start reads queues, staff, and the open tickets a hundred at a time with their whole histories, so that a ticket
//! that is on the board is right from the first moment; after that one request a refresh brings what was added to the
//! log. The history of ended tickets is read in the polls between two refreshes, a page each. Every ten minutes the open tickets are counted, and compared one page a poll where the count differs, because
//! deletions and changed rights leave no row. A start with a cursor reads the open tickets anew, the log from where the
//! cursor left it, and the history where it was interrupted. The state changes only after all requests of a poll went well: a poll
//! that fails or is dropped midway loses nothing and is simply done again.

mod adopt;
mod ask;
mod check;
mod feed;
mod history;
mod mark;
mod past;
mod people;
mod state;
mod story;
mod sweep;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use self::ask::{Ask, FEED, Records, Rounded};
use self::mark::Mark;
use self::people::People;
use self::state::{Phase, State};
use self::wire::Ticket;
use super::http::{Auth, Client, Limits, Secret, address, words::excerpt};
use super::progress::Step;
use super::{Ask as Question, Batch, Cursor, Finding, Kind, Setup, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Event, EventKind, Timestamp, VERSION};

/// What Request Tracker can tell.
const CAPABILITIES: &[Capability] = &[Capability::Messages, Capability::Assignments, Capability::Statuses];

/// Changes are looked for so much further back than the log was seen to its end: rows become visible late.
const PROBE_BACK: TimeDelta = TimeDelta::minutes(3);

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "rt",
    title: "Request Tracker 5 (REST2)",
    capabilities: CAPABILITIES,
    cannot_tell: &[
        ("presence", "Request Tracker knows no presence; the last activity of an agent is shown instead"),
        ("ratings", "Request Tracker has no satisfaction survey"),
        ("sla", "targets of the SLA extension are not read"),
        ("notes", "comments need a right of their own and are not asked for"),
        ("text", "the words of a message cost a request each and are not asked for"),
    ],
    secrets: &["token", "password"],
    setup: Some(Setup {
        key: "In Request Tracker: Settings > Auth Tokens > Create. Use an account with the rights SeeQueue, ShowTicket and \
              SeeGroup; one of its own, for each further token of an account slows every request. Where there are no tokens: \
              helptop init --vendor rt --set user=LOGIN asks for the password instead.",
        ask: &[
            Question::new("base_url", "Address of the site", "https://desk.example.com"),
            Question::new("token", "Auth token", "1-14-0123456789abcdef").or_with("user", "password"),
        ],
    }),
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Rt::new(spec, Limits::default())?)),
};

/// The settings of a source of kind `rt`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the site, such as `https://desk.example.com`; with or without `/REST/2.0`.
    pub base_url: String,
    /// Auth token of an account that may read: global rights `SeeQueue`, `ShowTicket` and `SeeGroup`. Made in RT
    /// under Settings > Auth Tokens. The account should have this one token only: each further one slows every request.
    #[serde(default)]
    pub token: Option<Secret>,
    /// Login of that account, where there are no tokens (before RT 5). Together with `password`.
    #[serde(default)]
    pub user: Option<String>,
    /// Password of that account. Together with `user`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Names of the queues to watch; empty: all that the account sees.
    #[serde(default)]
    pub queues: Vec<String>,
    /// User-defined group whose members are the agents; left out: everybody that RT calls privileged, or, where it shows
    /// that group to nobody (since a security update of November 2026), those of them who are in a group that the account sees.
    #[serde(default)]
    pub staff_group: Option<String>,
    /// Logins of programs that are no agents though they are staff: what they write answers nobody, what they open for
    /// a requestor counts as the requestor's.
    #[serde(default = "default_ignored")]
    pub ignore_staff: Vec<String>,
    /// Status words that wait for the customer.
    #[serde(default = "default_pending")]
    pub pending_statuses: Vec<String>,
    /// Status words that wait for a third party.
    #[serde(default)]
    pub on_hold_statuses: Vec<String>,
    /// Accept an `http://` address of another machine: the token then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

fn default_ignored() -> Vec<String> {
    vec!["root".into()]
}

fn default_pending() -> Vec<String> {
    vec!["stalled".into()]
}

impl Settings {
    fn auth(&self) -> Result<Auth, String> {
        match (&self.token, &self.user, &self.password) {
            (Some(token), None, None) if !token.is_empty() => {
                Ok(Auth::Header { name: "authorization", prefix: "token ", token: token.clone() })
            }
            (None, Some(user), Some(password)) if !user.is_empty() => {
                Ok(Auth::Basic { user: user.clone(), password: password.clone() })
            }
            (Some(_), None, None) => Err("token: is empty".into()),
            (None, None, None) => Err("token: is missing; give a token, or user and password".into()),
            (None, None, Some(_)) => Err("user: is missing beside password".into()),
            (None, Some(_), None) => Err("password: is missing beside user".into()),
            (None, Some(_), Some(_)) => Err("user: is empty".into()),
            (Some(_), _, _) => Err("token: give either a token or user and password, not both".into()),
        }
    }
}

/// A help desk on Request Tracker.
#[derive(Debug)]
pub struct Rt {
    client: Arc<Client>,
    settings: Settings,
    site: String,
    backfill: Duration,
    state: State,
}

impl Rt {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = serde_path_to_error::deserialize(&spec.settings)
            .map_err(|error| format!("{}: {}", error.path(), excerpt(&error.inner().to_string())))?;
        let base = ask::site(address::base_url(&settings.base_url, settings.allow_plain_http)?);
        let auth = settings.auth()?;
        let site = base.as_str().trim_end_matches('/').to_owned();
        let client = Arc::new(Client::new(base, &auth, limits)?);
        Ok(Self { client, settings, site, backfill: spec.backfill, state: State::default() })
    }

    fn open_query(&self) -> String {
        format!("Status='__Active__'{}", self.state.people.queue_filter("Queue", &self.settings))
    }

    /// Queues, staff and the end of the log; the tickets follow page by page.
    async fn begin(&mut self, ask: &mut Ask, mark: Option<Mark>) -> Result<Step, SourceError> {
        let people = People::read(ask, &self.settings).await?;
        let query = format!("{FEED}{}", people.queue_filter("TicketQueue", &self.settings));
        let newest = [("query", &*query), ("orderby", "id"), ("order", "DESC"), ("per_page", "100")];
        let newest = ask.list::<wire::OnlyId>("/transactions", &newest).await?;
        let (is_blank, newest) = (newest.count == 0, newest.last_id());
        let mut state = match mark {
            Some(mark) => State::resumed(people, mark, newest),
            None => State::begun(people, newest, ask.now),
        };
        state.remembered = std::mem::take(&mut self.state.remembered);
        state.phase = Phase::Open { after: 0, read: 0 };
        let hello = EventKind::Hello { version: VERSION, source: None, capabilities: CAPABILITIES.to_vec() };
        state.outbox.push(Event::undated(hello));
        state.outbox.extend(state.people.teams());
        state.introduce_staff();
        self.state = state;
        if !is_blank {
            return Ok(Step::more_of("reading open tickets", 0, 0));
        }
        // No row is seen. With open tickets that means a missing right, which is found out before anything is told.
        let step = self.open_page(ask, 0, 0).await?;
        self.state.see()?;
        Ok(step)
    }

    /// One page of open tickets, each with its whole history.
    async fn open_page(&mut self, ask: &mut Ask, after: u64, read: usize) -> Result<Step, SourceError> {
        let page = ask.tickets(&self.open_query(), after).await?;
        self.state.people.learn(&page.items, true);
        let next = self.take_page(ask, page, after).await?;
        let read = read + next.count;
        if next.last {
            self.state.see()?;
            self.state.settle(ask.now);
            self.plan_history(ask.now);
            // At once on to what happened meanwhile.
            return Ok(Step::more_of("reading open tickets", 1, 1));
        }
        self.state.phase = Phase::Open { after: next.after, read };
        Ok(Step::more_of("reading open tickets", read, read + next.left))
    }

    async fn take_page(&mut self, ask: &mut Ask, page: Records<Ticket>, after: u64) -> Result<Next, SourceError> {
        let (count, after) = (page.count, page.last_id().max(after));
        let left = page.total.map_or(count, |total| total.saturating_sub(count));
        // What is known already is followed in the log.
        let new = page.items.into_iter().filter(|ticket| !self.state.tickets.contains_key(&ticket.id)).collect();
        let stories = adopt::adopt(ask, &mut self.state.people, new).await?;
        let stories = self.state.set_aside(stories, ask);
        self.state.adopted(stories, &self.site, ask.now);
        Ok(Next { count, after, left, last: count == 0 || left == 0 })
    }

    /// What is new, or in every other poll a page of history, so that the news never wait for it.
    async fn refresh(&mut self, ask: &mut Ask) -> Result<Step, SourceError> {
        if std::mem::take(&mut self.state.is_history_next) {
            return self.history_page(ask).await;
        }
        let mut more = self.news(ask).await?;
        if !more {
            more = self.look_after(ask).await?;
        }
        self.sweep(ask).await?;
        let Some(reading) = &self.state.past.reading else {
            return Ok(if more { Step::more(None) } else { Step::done() });
        };
        let told = Some(("reading history".to_owned(), reading.part()));
        self.state.is_history_next = !more && reading.tries.is_due(ask.now);
        Ok(if more || self.state.is_history_next { Step::more(told) } else { Step::wait(told) })
    }

    /// The rows that were added to the log, and the tickets that they make known; whether there are still more.
    async fn news(&mut self, ask: &mut Ask) -> Result<bool, SourceError> {
        let filter = self.state.people.queue_filter("TicketQueue", &self.settings);
        let since = ask::ago(ask.now - self.state.heard_at + PROBE_BACK, Rounded::Away);
        let changed = format!("LastUpdated > {since}{}", self.state.people.queue_filter("Queue", &self.settings));
        let fresh =
            self.state.position.read(ask, &filter, Some(&*changed).filter(|_| !self.check_is_due(ask.now))).await?;
        let wanted = self.state.to_adopt(&fresh.rows);
        let mut stories = Vec::new();
        if !wanted.is_empty() {
            let filter = self.state.people.queue_filter("Queue", &self.settings);
            let tickets = ask.tickets_by_id(&filter, &wanted).await?;
            stories = adopt::adopt(ask, &mut self.state.people, tickets).await?;
        }
        let people = &mut self.state.people;
        people.read_owners(ask, &fresh.rows).await?;
        let statuses = fresh.rows.iter().filter(|row| row.is_status_change()).map(|row| &row.new);
        people.read_statuses(ask, statuses).await?;
        let stories = self.state.set_aside(stories, ask);
        self.state.told(&fresh.rows, &wanted, stories, &self.site, ask.now);
        self.state.position.moved(&fresh, ask.now);
        if fresh.is_end() {
            self.state.heard_at = ask.now;
        }
        Ok(fresh.more)
    }
}

/// What one page left to do.
struct Next {
    count: usize,
    after: u64,
    left: usize,
    last: bool,
}

#[async_trait]
impl Source for Rt {
    fn capabilities(&self) -> Vec<Capability> {
        CAPABILITIES.to_vec()
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state.forget();
        }
        let before = self.client.sent();
        let mut ask = Ask::new(Arc::clone(&self.client), now);
        let step = match self.state.phase {
            Phase::Cold => self.begin(&mut ask, cursor.and_then(Cursor::read)).await?,
            Phase::Open { after, read } => self.open_page(&mut ask, after, read).await?,
            Phase::Steady => self.refresh(&mut ask).await?,
        };
        Ok(step.said_in(Batch {
            events: std::mem::take(&mut self.state.outbox),
            cursor: self.state.mark().cursor(),
            quota: ask.quota,
            skipped: ask.skips.named,
            skipped_total: ask.skips.total,
            requests: (self.client.sent() - before) as u32,
            partial: self.state.phase != Phase::Steady,
            ..Batch::default()
        }))
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.state.remembered = active.iter().filter_map(|id| id.as_str().parse().ok()).collect();
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let mut ask = Ask::new(Arc::clone(&self.client), now);
        check::check(&mut ask, &self.settings).await
    }
}
