//! The requests of one poll, and what refusals mean here.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map;
use super::wire::{Csat, List, Message, OnlyCounts, OnlyId, Page, Payload, Row};
use crate::event::Timestamp;
use crate::source::SourceError;
use crate::source::http::words::excerpt;
use crate::source::http::{Answer, Auth, Client, Secret};
use crate::source::skips::{self, Named, Skips, id_words};

/// Rows of a page; an installation may have another number, which is seen by its first page.
pub(super) const PER_PAGE: usize = 25;
/// Messages of an answer to `after`.
const MESSAGES: usize = 100;
/// Messages of an answer to `after` and `before`.
const BETWEEN: usize = 1000;
/// Messages of a conversation that are read at once.
const MOST_MESSAGES: usize = 10_000;
/// No message has a greater number.
const NO_BOUND: u64 = i64::MAX as u64;
/// Requests that are under way at once.
const AT_ONCE: usize = 4;

/// How the header with the token is spelled: as it is documented, and as it passes proxies that drop names with `_`.
const SPELLINGS: [&str; 2] = ["api_access_token", "api-access-token"];

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
        Self { client, now, account, date: None, skips: Skips::default(), told: Named::default() }
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

    /// The messages of conversations behind a message each (0 for all), several at once.
    pub(super) async fn threads(&mut self, wanted: &[(u64, u64)]) -> Result<Vec<Found<Thread>>, SourceError> {
        let (account, now) = (self.account, self.now);
        let read =
            |&(number, after): &(u64, u64)| read_thread(Arc::clone(&self.client), account, number, after, now).boxed();
        let reads: Vec<_> = wanted.iter().map(read).collect();
        let raw: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut threads = Vec::with_capacity(raw.len());
        for (one, (_, after)) in raw.into_iter().zip(wanted) {
            threads.push(match self.of_one(one)? {
                Found::There((path, raw, is_long)) => {
                    let mut messages: Vec<Message> = self.read_all(&format!("GET {path}"), "payload", raw);
                    messages.sort_by_key(|message| (message.created_at, message.id));
                    messages.dedup_by_key(|message| message.id);
                    Found::There(Thread { messages, whole: *after == 0, is_long })
                }
                Found::Gone => Found::Gone,
                Found::Failed(error) => Found::Failed(error),
            });
        }
        Ok(threads)
    }

    /// What an answer about one conversation means: an error only where it is not about this one.
    fn of_one<T>(&self, answer: Result<Option<T>, SourceError>) -> Result<Found<T>, SourceError> {
        match answer.map_err(|error| meant(error, self.at())) {
            Ok(Some(found)) => Ok(Found::There(found)),
            Ok(None) => Ok(Found::Gone),
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

/// The messages of a conversation behind one, as they came: where from, and whether there are more.
///
/// They come by time, which is not the order of their numbers where some were imported or delayed: a full page says
/// nothing of which numbers are still to come. So what does not fit into a page is asked for between two numbers, which
/// brings more of them, and between closer ones as long as that is full, too.
async fn read_thread(
    client: Arc<Client>,
    account: u64,
    number: u64,
    after: u64,
    now: Timestamp,
) -> Result<Option<(String, Vec<Value>, bool)>, SourceError> {
    let path = format!("/api/v1/accounts/{account}/conversations/{number}/messages");
    let Some(answer) = client.find::<Payload>(&path, &[("after", &after.to_string())], now).await? else {
        return Ok(None);
    };
    let page = answer.body.payload;
    if page.len() < MESSAGES {
        return Ok(Some((path, page, false)));
    }
    let (mut first, mut bound, mut all) = (after + 1, NO_BOUND, Vec::new());
    loop {
        let (from, to) = (first.to_string(), bound.to_string());
        let Some(answer) = client.find::<Payload>(&path, &[("after", &from), ("before", &to)], now).await? else {
            return Ok(None);
        };
        let part = answer.body.payload;
        if all.is_empty() && bound == NO_BOUND && part.len() < page.len() {
            // A server that does not know the question.
            return Ok(Some((path, page, true)));
        }
        let middle = if part.len() < BETWEEN { NO_BOUND } else { middle_of(&part) };
        if (first + 1..bound).contains(&middle) {
            bound = middle;
            continue;
        }
        all.extend(part);
        if bound == NO_BOUND || all.len() >= MOST_MESSAGES {
            return Ok(Some((path, all, bound < NO_BOUND)));
        }
        (first, bound) = (bound, NO_BOUND);
    }
}

/// The number that half of these messages have not reached.
fn middle_of(messages: &[Value]) -> u64 {
    let ids = messages.iter().filter_map(|one| OnlyId::deserialize(one).ok());
    let mut ids: Vec<u64> = ids.map(|one| one.id).collect();
    ids.sort_unstable();
    ids.get(ids.len() / 2).copied().unwrap_or(NO_BOUND)
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
