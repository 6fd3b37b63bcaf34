//! The requests of one poll, and what refusals mean here.

use std::sync::Arc;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map;
use super::several::{Messages, Several, read_thread};
use super::wire::{Csat, List, Message, OnlyCounts, Page, Person, Row};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::enough::Enough;
use crate::source::http::words::excerpt;
use crate::source::http::{Answer, Auth, Client, Secret};
use crate::source::skips::{self, Named, Skips, id_words};

/// Rows of a page; an installation may have another number, which is seen by its first page.
pub(super) const PER_PAGE: usize = 25;

/// How the header with the token is spelled: as it is documented, and as it passes proxies that drop names with `_`.
const SPELLINGS: [&str; 2] = ["api_access_token", "api-access-token"];

/// What the server says where a key may not see one thing; other words are about all of them.
const OUT_OF_SIGHT: &str = "not authorized to do this action";

/// The header that says who asks.
pub(super) fn auth(token: &Secret, spelling: usize) -> Auth {
    Auth::Header { name: SPELLINGS[spelling], prefix: "", token: token.clone() }
}

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    /// The number of the account; 0 as long as it is not known.
    pub account: u64,
    pub date: Option<Timestamp>,
    pub skips: Skips,
    /// Records that were told as unreadable before.
    pub told: Named,
    pub enough: Enough,
}

/// Messages of a conversation.
#[derive(Debug)]
pub(super) struct Thread {
    pub messages: Vec<Message>,
    /// They begin with the first.
    pub whole: bool,
    /// There are more behind them.
    pub is_long: bool,
}

/// What became of a conversation that was asked for.
#[derive(Debug)]
pub(super) enum Found<T> {
    There(T),
    /// It is not there any more.
    Gone,
    /// Its own request failed, which says nothing of others.
    Failed(SourceError),
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, account: u64, now: Timestamp) -> Self {
        let (skips, told, enough) = (Skips::default(), Named::default(), Enough::begin());
        Self { client, now, account, date: None, skips, told, enough }
    }

    /// The instant by the server's clock.
    pub(super) fn at(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }

    /// Below the account.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let path = format!("/api/v1/accounts/{}{path}", self.account);
        self.get_at(&path, query).await
    }

    /// Below the address of the installation.
    pub(super) async fn get_at<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let Answer { body, date, .. } =
            self.client.get(path, query, self.now).await.map_err(|error| meant(error, self.at()))?;
        self.date = date.or(self.date);
        Ok(body)
    }

    /// The same; where no token arrived at all, with the other spelling of its header from then on.
    pub(super) async fn first<T: DeserializeOwned>(&mut self, path: &str, token: &Secret) -> Result<T, SourceError> {
        let error = match self.get_at(path, &[]).await {
            Err(error @ SourceError::Auth { .. }) => error,
            other => return other,
        };
        let replace = |spelling| self.client.replace(&auth(token, spelling));
        if replace(1).is_ok()
            && let Ok(answer) = self.get_at(path, &[]).await
        {
            return Ok(answer);
        }
        let client = Arc::clone(&self.client);
        // What could be sent before can be sent again.
        client.replace(&auth(token, 0)).ok();
        Err(error)
    }

    /// One page of conversations, and how many there are in all. A record that can't be read is skipped; where none
    /// of several can, it is the answer that is not understood.
    pub(super) async fn page(&mut self, query: &[(&str, &str)]) -> Result<(Vec<Row>, usize, Option<u64>), SourceError> {
        let List { data: Page { payload, meta } } = self.get("/conversations", query).await?;
        let count = payload.len();
        let place = format!("GET /api/v1/accounts/{}/conversations", self.account);
        let before = self.skips.named.len();
        let mut rows: Vec<Row> = self.read_all(&place, "data.payload", payload);
        rows.retain(|row| {
            let is_known = map::status(&row.status).is_some();
            if !is_known {
                self.skip(format!("{place} data.payload, id {}", row.id), "status", &unknown(&row.status));
            }
            is_known
        });
        self.skips.understood(before, rows.len(), count, "data.payload")?;
        Ok((rows, count, meta.all_count))
    }

    /// How many conversations of a status there are, where it is told.
    pub(super) async fn count(&mut self, status: &str) -> Result<Option<u64>, SourceError> {
        let OnlyCounts { meta } = self.get("/conversations/meta", &[("status", status)]).await?;
        Ok(meta.all_count)
    }

    /// One conversation.
    pub(super) async fn row(&mut self, number: u64) -> Result<Found<Row>, SourceError> {
        let path = format!("/api/v1/accounts/{}/conversations/{number}", self.account);
        let found = self.client.find::<Value>(&path, &[], self.now).await;
        let Answer { body, date, .. } = match self.of_one(found)? {
            Found::There(answer) => answer,
            Found::Gone => return Ok(Found::Gone),
            Found::Failed(error) => return Ok(Found::Failed(error)),
        };
        self.date = date.or(self.date);
        let wrong = |(path_inside, what): (String, String)| {
            let what = excerpt(&what);
            Found::Failed(SourceError::Schema { place: format!("GET {path}"), path: path_inside, what })
        };
        Ok(match skips::read::<Row>(body) {
            Ok(row) if map::status(&row.status).is_none() => wrong(("status".into(), unknown(&row.status))),
            Ok(row) => Found::There(row),
            Err(error) => wrong(error),
        })
    }

    /// The requests for the messages of conversations behind a message each (0 for all).
    pub(super) fn threads(&self, wanted: &[(u64, u64)]) -> Several<(u64, u64, Messages)> {
        let (account, now) = (self.account, self.now);
        let read = |&(number, after): &(u64, u64)| {
            let client = Arc::clone(&self.client);
            async move { (number, after, read_thread(client, account, number, after, now).await) }.boxed()
        };
        Several::new(wanted.iter().map(read).collect())
    }

    /// The next of them that came: of which conversation, and what; `None` behind the last that this poll reads.
    pub(super) async fn thread(
        &mut self,
        threads: &mut Several<(u64, u64, Messages)>,
    ) -> Result<Option<(u64, Found<Thread>)>, SourceError> {
        let Some((number, after, answer)) = threads.next(&mut self.enough).await else { return Ok(None) };
        let found = match self.of_one(answer)? {
            Found::There((path, raw, is_long)) => {
                let mut messages: Vec<Message> = self.read_all(&format!("GET {path}"), "payload", raw);
                messages.sort_by_key(|message| (message.created_at, message.id));
                messages.dedup_by_key(|message| message.id);
                Found::There(Thread { messages, whole: after == 0, is_long })
            }
            Found::Gone => Found::Gone,
            Found::Failed(error) => Found::Failed(error),
        };
        Ok(Some((number, found)))
    }

    /// Who is in these teams, as far as this poll can read it; nobody where the key may not see it, or where it is not
    /// answered for that team alone.
    pub(super) async fn members(&mut self, teams: &[u64]) -> Result<Vec<(u64, Vec<Person>)>, SourceError> {
        let (account, now) = (self.account, self.now);
        let read = |&team: &u64| {
            let client = Arc::clone(&self.client);
            let path = format!("/api/v1/accounts/{account}/teams/{team}/team_members");
            async move { (team, client.get::<Vec<Value>>(&path, &[], now).await) }.boxed()
        };
        let (mut requests, mut read) = (Several::new(teams.iter().map(read).collect()), Vec::new());
        while let Some((team, answer)) = requests.next(&mut self.enough).await {
            match answer.map_err(|error| meant(error, self.at())) {
                Ok(answer) => read.push((team, self.read_all("GET /teams/:id/team_members", "", answer.body))),
                Err(SourceError::Forbidden { .. } | SourceError::Unsupported { .. }) => read.push((team, Vec::new())),
                Err(error) if error.is_of_all() => return Err(error),
                Err(error) => {
                    self.skip(format!("team, id {team}"), ".", &format!("who is in it can't be read: {error}"));
                    read.push((team, Vec::new()));
                }
            }
        }
        Ok(read)
    }

    /// What an answer about one conversation means: an error only where it is not about this one.
    fn of_one<T>(&self, answer: Result<Option<T>, SourceError>) -> Result<Found<T>, SourceError> {
        match answer.map_err(|error| meant(error, self.at())) {
            Ok(Some(found)) => Ok(Found::There(found)),
            Ok(None) => Ok(Found::Gone),
            // The key has lost sight of it, as an agent's does who leaves an inbox.
            Err(SourceError::Forbidden { what, .. }) if what.contains(OUT_OF_SIGHT) => Ok(Found::Gone),
            // What a person has to do something about is wrong with the server.
            Err(error @ (SourceError::Transient { todo: None, .. } | SourceError::Schema { .. })) => {
                Ok(Found::Failed(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Satisfaction answers from an instant up to another, newest first: a page, and how many there are on it.
    pub(super) async fn ratings(
        &mut self,
        (since, until): (Timestamp, Timestamp),
        page: u32,
    ) -> Result<(Vec<Csat>, usize), SourceError> {
        let seconds = |at: Timestamp| at.millis().div_euclid(1000).to_string();
        let (since, until, page) = (seconds(since), seconds(until), page.to_string());
        let query = [("since", &*since), ("until", &*until), ("sort", "-created_at"), ("page", &*page)];
        let raw: Vec<Value> = self.get("/csat_survey_responses", &query).await?;
        let count = raw.len();
        Ok((self.read_all("GET /csat_survey_responses", "", raw), count))
    }

    /// A list of records, each by itself.
    pub(super) fn read_all<T: DeserializeOwned>(&mut self, place: &str, path: &str, raw: Vec<Value>) -> Vec<T> {
        let mut read = Vec::with_capacity(raw.len());
        for (nth, one) in raw.into_iter().enumerate() {
            let id = id_words(&one);
            match skips::read(one) {
                Ok(record) => read.push(record),
                Err((inner, reason)) => self.skip(format!("{place} {path}[{nth}]{id}"), &inner, &reason),
            }
        }
        read
    }

    /// Notes a record that can't be used, unless it was told before.
    pub(super) fn skip(&mut self, place: String, path: &str, reason: &str) {
        // The place in the list changes from answer to answer, the record does not.
        let name = place.rsplit(", id ").next().unwrap_or_default();
        if !self.told.is_new(format!("{name} {path}")) {
            return;
        }
        self.skips.note(place, path, reason);
    }

    /// Requests sent by the client so far.
    pub(super) fn sent(&self) -> u64 {
        self.client.sent()
    }
}

fn unknown(status: &str) -> String {
    format!("`{status}` is no status that is known")
}

/// What a refusal means here: a missing right is told as 401, and who asks too often is told no time.
fn meant(error: SourceError, at: Timestamp) -> SourceError {
    match error {
        SourceError::Auth { place, what } if what.contains("not authorized") => {
            let what = format!("this key may not read it; make the key with an administrator ({what})");
            SourceError::Forbidden { place, what }
        }
        SourceError::Auth { place, what } if what.contains("suspended") => SourceError::Forbidden { place, what },
        // Windows are whole minutes of the server's clock.
        SourceError::RateLimited { place, until: None } => {
            let next = at.millis().div_euclid(60_000).saturating_add(1).saturating_mul(60_000);
            SourceError::RateLimited { place, until: Some(Timestamp::from_millis(next)) }
        }
        other => other,
    }
}
