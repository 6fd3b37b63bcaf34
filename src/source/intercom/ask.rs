//! The requests of one poll, and what refusals mean here.

use std::sync::Arc;

use compact_str::CompactString;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::merge::Merged;
use super::wire::{Admin, Admins, Conversation, Me, Page, Part, Reason, Reasons, Team, Teams};
use super::{merge, story};
use crate::event::Timestamp;
use crate::source::enough::Enough;
use crate::source::http::{Answer, Client};
use crate::source::skips::{self, Named, Skips, id_words};
use crate::source::{Quota, SourceError};

/// Conversations a page: the most that the vendor allows.
pub(super) const PER_PAGE: usize = 150;
/// Requests that are under way at once.
pub(super) const AT_ONCE: usize = 4;
/// Fields that every conversation has: where none of several has one, it has another name now.
const ALWAYS: [&str; 2] = ["admin_assignee_id", "waiting_since"];
/// Where conversations are searched.
const SEARCH: &str = "/conversations/search";

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub date: Option<Timestamp>,
    pub quota: Option<Quota>,
    pub skips: Skips,
    /// Records that were told as unreadable before.
    pub told: Named,
    /// Whether it has read for long enough.
    pub enough: Enough,
}

/// A page of conversations.
pub(super) struct Rows {
    pub found: Vec<Conversation>,
    /// Where the next page begins.
    pub next: Option<String>,
    pub total: Option<u64>,
}

/// A conversation with all that happened in it.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub row: Conversation,
    pub parts: Vec<Part>,
    /// The parts begin with the first.
    pub begins: bool,
    /// Into which it was merged, and when, where that is known.
    pub merged: Option<Merged>,
}

/// A question: a field, an operator, a value.
pub(super) fn filter(field: &str, operator: &str, value: impl Into<Value>) -> Value {
    json!({"field": field, "operator": operator, "value": value.into()})
}

/// The question for what has not ended.
pub(super) fn active() -> Value {
    json!({"operator": "OR", "value": [filter("state", "=", "open"), filter("state", "=", "snoozed")]})
}

/// An instant as the API takes it.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, now: Timestamp, told: Named) -> Self {
        Self { client, now, date: None, quota: None, skips: Skips::default(), told, enough: Enough::begin() }
    }

    /// The instant by the server's clock.
    pub(super) fn at(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }

    /// Requests sent by the client so far.
    pub(super) fn sent(&self) -> u64 {
        self.client.sent()
    }

    fn take<T>(&mut self, answer: Result<Answer<T>, SourceError>) -> Result<T, SourceError> {
        let Answer { body, quota, date } = answer.map_err(meant)?;
        self.date = date.or(self.date);
        self.quota = quota.or(self.quota);
        Ok(body)
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, SourceError> {
        let answer = self.client.get(path, &[], self.now).await;
        self.take(answer)
    }

    /// Whose account it is.
    pub(super) async fn me(&mut self) -> Result<Me, SourceError> {
        self.get("/me").await
    }

    /// The teammates that can be read, and whether these are all.
    pub(super) async fn admins(&mut self) -> Result<(Vec<Admin>, bool), SourceError> {
        let Admins { admins } = self.get("/admins").await?;
        let count = admins.len();
        let admins = self.read_all("GET /admins", "admins", admins);
        let is_whole = admins.len() == count;
        Ok((admins, is_whole))
    }

    /// The teams.
    pub(super) async fn teams(&mut self) -> Result<Vec<Team>, SourceError> {
        let Teams { teams } = self.get("/teams").await?;
        Ok(self.read_all("GET /teams", "teams", teams))
    }

    /// Why people are away; none where the account has no such reasons.
    pub(super) async fn reasons(&mut self) -> Result<Vec<Reason>, SourceError> {
        match self.get::<Reasons>("/away_status_reasons").await {
            Ok(Reasons { data }) => Ok(self.read_all("GET /away_status_reasons", "data", data)),
            Err(SourceError::Forbidden { .. } | SourceError::Unsupported { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether conversations that are tickets may be read.
    pub(super) async fn tickets(&mut self) -> Result<(), SourceError> {
        let body = json!({"query": filter("created_at", ">", 0), "pagination": {"per_page": 1}});
        let answer = self.client.post::<Value>("/tickets/search", &[], &body, self.now).await;
        self.take(answer).map(drop)
    }

    /// How many conversations answer a question.
    pub(super) async fn count(&mut self, query: &Value) -> Result<Option<u64>, SourceError> {
        Ok(self.search(query, None, 1).await?.total)
    }

    /// One page of those that answer a question. A record that can't be read is skipped; where none of several can, it
    /// is the answer that is not understood.
    pub(super) async fn page(&mut self, query: &Value, after: Option<&str>) -> Result<Rows, SourceError> {
        self.search(query, after, PER_PAGE).await
    }

    async fn search(&mut self, query: &Value, after: Option<&str>, size: usize) -> Result<Rows, SourceError> {
        let mut body = json!({"query": query, "pagination": {"per_page": size}});
        if let Some(after) = after {
            body["pagination"]["starting_after"] = after.into();
        }
        let answer = self.client.post::<Page>(SEARCH, &[], &body, self.now).await;
        let Page { conversations, pages, total_count } = self.take(answer)?;
        let place = format!("POST {SEARCH}");
        let wrong = |path: &str, what: String| SourceError::Schema { place: place.clone(), path: path.into(), what };
        let count = conversations.len();
        let lacks = |key: &&&str| conversations.iter().all(|one| one.is_object() && one.get(**key).is_none());
        if let Some(key) = ALWAYS.iter().find(|key| count > 1 && lacks(key)) {
            return Err(wrong("conversations", format!("no record has the field `{key}`")));
        }
        let before = self.skips.named.len();
        let rows = self.rows(&place, "conversations", conversations);
        if rows.is_empty()
            && count > 1
            && let Some(first) = self.skips.named.get(before)
        {
            return Err(wrong("conversations", format!("no record can be read; the first: {}", first.reason)));
        }
        let next = pages.and_then(|pages| pages.next).and_then(|next| next.starting_after);
        if next.is_some() && next.as_deref() == after {
            return Err(wrong("pages.next", "leads to the same page again".to_owned()));
        }
        Ok(Rows { found: rows, next: next.filter(|_| count > 0), total: total_count })
    }

    /// Conversations of an answer, but for those of a state that is not known.
    fn rows(&mut self, place: &str, path: &str, raw: Vec<Value>) -> Vec<Conversation> {
        let mut rows: Vec<Conversation> = self.read_all(place, path, raw);
        rows.retain(|row| {
            let is_known = is_known(row);
            if let Err(reason) = &is_known {
                self.skip(format!("{place} {path}, id {}", row.id), "state", reason);
            }
            is_known.is_ok()
        });
        rows
    }

    /// Conversations with their parts, at once: no more than [`AT_ONCE`]. What was found may be less than was asked for:
    /// an error that is not of one of them alone ends it, or that it has read for long enough. Where none of them can be
    /// read, a witness is: if that can't be read either, the error is of all.
    pub(super) async fn wholes(
        &mut self,
        ids: &[CompactString],
        witness: impl FnOnce() -> Option<CompactString>,
    ) -> (Vec<Found>, Option<SourceError>) {
        let (mut found, error) = self.read_wholes(ids).await;
        let error = self.trace_mergers(&mut found).await.or(error);
        if error.is_none()
            && found.iter().all(Found::has_failed)
            && let Some(Found::Failed(first)) = found.first().cloned()
            && let Some(witness) = witness()
        {
            let (of_witness, error) = self.read_wholes(&[witness]).await;
            if error.is_some() || of_witness.iter().all(Found::has_failed) {
                found.clear();
                return (found, Some(error.unwrap_or(first)));
            }
        }
        (found, error)
    }

    /// Looks into those that are linked to what has ended whether it was merged into one of them. One that can't be read
    /// proves nothing.
    async fn trace_mergers(&mut self, found: &mut Vec<Found>) -> Option<SourceError> {
        for nth in 0..found.len() {
            let Some(Found::Whole(whole)) = found.get(nth) else { continue };
            let suspected = merge::suspected(&whole.row, &whole.parts);
            if !suspected.is_empty() && nth > 0 && self.enough.is_come() {
                found.truncate(nth);
                break;
            }
            let (others, error) = self.read_wholes(&suspected).await;
            if error.is_some() {
                found.truncate(nth);
                return error;
            }
            let Some(Found::Whole(whole)) = found.get_mut(nth) else { continue };
            let mut proofs = suspected.iter().zip(&others).filter_map(|(id, other)| {
                let Found::Whole(other) = other else { return None };
                merge::proved(&whole.row, &whole.parts, id, &other.parts)
            });
            let merged = proofs.next();
            whole.merged = merged.or(whole.merged.take());
        }
        None
    }

    async fn read_wholes(&mut self, ids: &[CompactString]) -> (Vec<Found>, Option<SourceError>) {
        let (client, now) = (Arc::clone(&self.client), self.now);
        let reads: Vec<_> = ids.iter().map(|id| find(Arc::clone(&client), id.clone(), now).boxed()).collect();
        let mut answers = stream::iter(reads).buffered(AT_ONCE);
        let mut found = Vec::with_capacity(ids.len());
        while let Some(answer) = answers.next().await {
            let Some(id) = ids.get(found.len()) else { break };
            found.push(match answer.map_err(meant) {
                Ok(None) => Found::Gone,
                Ok(Some(Answer { body, quota, date })) => {
                    self.date = date.or(self.date);
                    // They were under way at once: what is least is last.
                    let left = [self.quota, quota].into_iter().flatten();
                    self.quota = left.max_by_key(|quota| (quota.resets_at, std::cmp::Reverse(quota.remaining)));
                    self.whole(id, body)
                }
                Err(error) if error.is_of_all() => return (found, Some(error)),
                Err(error) => Found::Failed(error),
            });
        }
        (found, None)
    }

    fn whole(&mut self, id: &CompactString, body: Value) -> Found {
        let place = format!("GET /conversations/{id}");
        let wrong = |path: String, what: String| {
            let place = place.clone();
            Found::Failed(SourceError::Schema { place, path, what })
        };
        let mut row: Conversation = match skips::read(body) {
            Ok(row) => row,
            Err((path, what)) => return wrong(path, what),
        };
        if let Err(what) = is_known(&row) {
            return wrong("state".to_owned(), what);
        }
        let parts = row.parts.take();
        let total = parts.as_ref().and_then(|parts| parts.total_count);
        let raw = parts.map(|parts| parts.conversation_parts).unwrap_or_default();
        let begins = total.is_none_or(|total| total <= raw.len() as u64);
        let mut parts: Vec<Part> = self.read_all(&place, "conversation_parts", raw);
        // Several are of one second: then the order of the list is that of things.
        parts.sort_by_key(|part| part.created_at);
        let merged = merge::said(&row, &parts);
        Found::Whole(Box::new(Whole { row, parts, begins, merged }))
    }

    /// A list of records, each by itself.
    fn read_all<T: DeserializeOwned>(&mut self, place: &str, path: &str, raw: Vec<Value>) -> Vec<T> {
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
        if self.told.is_new(format!("{name} {path}")) {
            self.skips.note(place, path, reason);
        }
    }

    /// Notes a conversation that can't be read, unless that was told before.
    pub(super) fn skip_whole(&mut self, id: &CompactString, error: &SourceError) {
        // Where an answer that is cut off breaks changes from look to look.
        if !self.told.is_new(format!("{id} .")) {
            return;
        }
        let (path, reason) = match error {
            SourceError::Schema { path, what, .. } => (path.as_str(), what.clone()),
            SourceError::Transient { what, .. }
            | SourceError::Forbidden { what, .. }
            | SourceError::Unsupported { what, .. } => (".", what.clone()),
            other => (".", other.to_string()),
        };
        self.skips.note(format!("GET /conversations/{id}, id {id}"), path, &reason);
    }

    /// It can be read again: the next time that it can't be is told anew.
    pub(super) fn is_read_again(&mut self, name: &str) {
        self.told.forget(name);
    }
}

/// What became of a conversation that was asked for.
#[derive(Debug, Clone)]
pub(super) enum Found {
    Whole(Box<Whole>),
    Gone,
    /// It can't be read.
    Failed(SourceError),
}

impl Found {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// Whether its state is known; else why it can't be told.
fn is_known(row: &Conversation) -> Result<(), String> {
    story::status(&row.state).map(drop).ok_or_else(|| format!("`{}` is no state that is known", row.state))
}

async fn find(client: Arc<Client>, id: CompactString, now: Timestamp) -> Result<Option<Answer<Value>>, SourceError> {
    client.find(&format!("/conversations/{id}"), &[("display_as", "plaintext")], now).await
}

/// What to do about a missing permission.
pub(super) const NEEDS: &str = "in the Developer Hub, give the app the permissions Read admins, Read conversations, Read users \
                                and Read tickets";

/// What a refusal means here.
fn meant(error: SourceError) -> SourceError {
    match error {
        SourceError::Auth { place, what } => {
            let what = format!("{what}; is the token whole, and base_url that of the workspace's region?");
            SourceError::Auth { place, what }
        }
        SourceError::Unsupported { place, what } if what.contains("(402)") => SourceError::Forbidden { place, what },
        SourceError::Forbidden { place, what } if what.contains("api_plan_restricted") => {
            SourceError::Forbidden { place, what: format!("Intercom's plan does not include it ({what})") }
        }
        SourceError::Forbidden { place, what } => SourceError::Forbidden { place, what: format!("{NEEDS} ({what})") },
        other => other,
    }
}
