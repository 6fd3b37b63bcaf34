//! The requests of one poll. Tickets are searched by `condition`, which goes to the database: exact, and without the
//! lag of the search engine. Pages go on from the last record's own time, so that records that leave move none away.

use std::sync::Arc;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::story::Story;
use super::wire::{self, Ticket, User};
use crate::event::Timestamp;
use crate::source::enough::Enough;
use crate::source::http::{Answer, Client, words};
use crate::source::skips::{self, FEW, Named, Skips, id_words};
use crate::source::wanted::is_of_one;
use crate::source::{Quota, SourceError};

/// The largest page of a search.
pub(super) const PER_PAGE: usize = 200;
/// A page of so many, or a multiple, may be a whole one of a server that gives less than it is asked for.
const LEAST_CAP: usize = 50;
const API: &str = "/api/v1";
const TOKENS_OFF: &str = "access by token is switched off in Zammad (403 API token access disabled!)";
const TOKENS_ON: &str = "let an admin of Zammad switch token access on, under Admin > System > API";

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub quota: Option<Quota>,
    /// The server's own time.
    pub date: Option<Timestamp>,
    pub skips: Skips,
    /// Tickets could be read before.
    pub has_read: bool,
    /// Records that were told as unreadable before.
    pub told: Named,
    /// Whether it has asked for long enough.
    pub enough: Enough,
}

/// A time field that pages go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// When tickets were created, the oldest first.
    Created,
    /// When they were changed, the longest ago first.
    Updated,
    /// The same, the last changed first.
    UpdatedBack,
}

/// Where the next page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// At this instant, inclusive.
    pub at: Timestamp,
    /// So many pages further: where more records are of one instant than a page holds.
    pub page: u32,
}

impl Place {
    pub(super) const fn at(at: Timestamp) -> Self {
        Self { at, page: 1 }
    }
}

/// A page of tickets, and where it goes on; nowhere after the last.
pub(super) struct Page {
    pub tickets: Vec<Ticket>,
    pub next: Option<Place>,
}

/// What tickets are searched by.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition(Map<String, Value>);

impl Condition {
    /// The field is one of these. The server drops a condition with an empty list, and then gives every ticket: so for
    /// no values at all there is no condition.
    pub(super) fn one_of(mut self, field: &str, values: &[u64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        self.0.insert(format!("ticket.{field}"), json!({"operator": "is", "value": values}));
        Some(self)
    }

    /// The same, but no values stand for any.
    pub(super) fn any_of(self, field: &str, values: &[u64]) -> Self {
        self.clone().one_of(field, values).unwrap_or(self)
    }

    fn bounded(mut self, along: Along, at: Timestamp) -> Self {
        let (field, operator) = match along {
            Along::Created => ("created_at", "after (absolute)"),
            Along::Updated => ("updated_at", "after (absolute)"),
            Along::UpdatedBack => ("updated_at", "before (absolute)"),
        };
        self.0.insert(format!("ticket.{field}"), json!({"operator": operator, "value": at.to_string()}));
        self
    }
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, now: Timestamp) -> Self {
        let (skips, told) = (Skips::default(), Named::default());
        Self { client, now, quota: None, date: None, skips, has_read: false, told, enough: Enough::begin() }
    }

    /// The time there, as near as it is known.
    pub(super) fn there(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }

    /// The account that asks.
    pub(super) async fn me(&mut self) -> Result<User, SourceError> {
        self.get("/users/me", &[]).await
    }

    /// Everybody who may be an agent.
    pub(super) async fn agents(&mut self) -> Result<Vec<User>, SourceError> {
        let mut all: Vec<User> = Vec::new();
        for page in 1_u32.. {
            let page = page.to_string();
            let query = [
                ("query", "*"),
                ("permissions", "ticket.agent"),
                ("per_page", "200"),
                ("page", &page),
                ("expand", "true"),
            ];
            let answer: Value = self.get("/users/search", &query).await?;
            let place = place_of("GET", "/users/search");
            let (users, count) = self.read::<User>(answer, "User", &place, false)?;
            let before = all.len();
            all.extend(users);
            all.sort_by_key(|user| user.id);
            all.dedup_by_key(|user| user.id);
            if is_last(count) || all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// A list that is given whole; a few records of which none can be read may be odd, or are an error.
    pub(super) async fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        kind: &str,
        query: &[(&str, &str)],
        may_be_odd: bool,
    ) -> Result<Vec<T>, SourceError> {
        let answer: Value = self.get(path, query).await?;
        let place = place_of("GET", path);
        self.read(answer, kind, &place, may_be_odd).map(|(records, _)| records)
    }

    /// A page of tickets that meet the condition, and from where on the next page goes.
    pub(super) async fn search(
        &mut self,
        condition: Condition,
        along: Along,
        from: Place,
        per_page: usize,
    ) -> Result<Page, SourceError> {
        let (column, order) = match along {
            Along::Created => ("created_at", "asc"),
            Along::Updated => ("updated_at", "asc"),
            Along::UpdatedBack => ("updated_at", "desc"),
        };
        let body = json!({
            "condition": condition.bounded(along, from.at).0, "sort_by": column, "order_by": order,
            "page": from.page, "per_page": per_page, "expand": true,
        });
        let answer = self.client.post(&format!("{API}/tickets/search"), &[], &body, self.now).await;
        let answer: Value = self.heard(answer)?;
        let place = place_of("POST", "/tickets/search");
        let (tickets, count) = self.read::<Ticket>(answer, "Ticket", &place, self.has_read)?;
        let last = tickets.last().map(|ticket| match along {
            Along::Created => ticket.created_at,
            Along::Updated | Along::UpdatedBack => ticket.updated_at,
        });
        let next = match last {
            _ if count < per_page && (count == 0 || per_page < LEAST_CAP || is_last(count)) => None,
            Some(at) if at != from.at => Some(Place::at(at)),
            _ => Some(Place { page: from.page + 1, ..from }),
        };
        Ok(Page { tickets, next })
    }

    /// The ticket of a number; nothing where it is not there any more, or may not be seen.
    pub(super) async fn ticket(&mut self, id: u64) -> Result<Option<Ticket>, SourceError> {
        let found = self.client.find(&format!("{API}/tickets/{id}"), &[("expand", "true")], self.now).await;
        self.unless_gone(found)
    }

    /// Whether the history of a ticket can be read, or is said not to be there.
    pub(super) async fn has_history(&mut self, id: u64) -> Result<bool, SourceError> {
        let found = self.client.find::<Value>(&format!("{API}/ticket_history/{id}"), &[], self.now).await;
        match self.unless_gone(found) {
            Ok(_) => Ok(true),
            Err(error) if is_of_one(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All that happened to a ticket; nothing where it is not there any more, or may not be seen. The history brings the
    /// articles that it names, so they are asked for by themselves only where it lacks some: after a merge, an import.
    pub(super) async fn story(&mut self, ticket: Ticket) -> Result<Option<Story>, SourceError> {
        let path = format!("/ticket_history/{}", ticket.id);
        let found = self.client.find(&format!("{API}{path}"), &[], self.now).await;
        let Some(answer) = self.unless_gone::<Value>(found)? else { return Ok(None) };
        let place = place_of("GET", &path);
        let (rows, beside) = wire::history(answer).map_err(|what| wrong(&place, what))?;
        let (rows, _) = self.each(rows, &place, false)?;
        let articles = wire::articles_beside(beside, ticket.id);
        let story = Story { ticket, articles, rows };
        if story.has_all_articles() {
            return Ok(Some(story));
        }
        let path = format!("/ticket_articles/by_ticket/{}", story.ticket.id);
        let found = self.client.find(&format!("{API}{path}"), &[("expand", "true")], self.now).await;
        let Some(articles) = self.unless_gone::<Value>(found)? else { return Ok(None) };
        let (articles, _) = self.read(articles, "TicketArticle", &place_of("GET", &path), false)?;
        Ok(Some(Story { articles, ..story }))
    }

    /// The records of an answer, and how many there were.
    fn read<T: DeserializeOwned>(
        &mut self,
        answer: Value,
        kind: &str,
        place: &str,
        may_be_odd: bool,
    ) -> Result<(Vec<T>, usize), SourceError> {
        let records = wire::records(answer, kind).map_err(|what| wrong(place, what))?;
        self.each(records, place, may_be_odd)
    }

    /// Reads each record; one that can't be read is skipped, and named and counted once. Where it is all of them, the shape has
    /// changed: that is an error, unless they are only a few and may be odd.
    fn each<T: DeserializeOwned>(
        &mut self,
        records: Vec<Value>,
        place: &str,
        may_be_odd: bool,
    ) -> Result<(Vec<T>, usize), SourceError> {
        let count = records.len();
        let mut read = Vec::with_capacity(count);
        let mut bad = Vec::new();
        for (nth, record) in records.into_iter().enumerate() {
            let id = id_words(&record);
            match skips::read(record) {
                Ok(record) => read.push(record),
                Err((path, what)) => bad.push((nth, id, path, what)),
            }
        }
        if read.is_empty()
            && !(may_be_odd && count <= FEW)
            && let Some((nth, _, path, what)) = bad.first()
        {
            let path = format!("[{nth}].{path}");
            return Err(SourceError::Schema { place: place.to_owned(), path, what: words::excerpt(what) });
        }
        for (nth, id, path, what) in bad {
            // The place in the list changes from answer to answer, the record does not.
            if self.told.is_new(format!("{place}{id} {path}")) {
                self.skips.note(format!("{place} [{nth}]{id}"), &path, &what);
            }
        }
        Ok((read, count))
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str, query: &[(&str, &str)]) -> Result<T, SourceError> {
        let answer = self.client.get(&format!("{API}{path}"), query, self.now).await;
        self.heard(answer)
    }

    fn heard<T>(&mut self, answer: Result<Answer<T>, SourceError>) -> Result<T, SourceError> {
        let Answer { body, quota, date } = answer.map_err(meant)?;
        self.quota = quota.or(self.quota);
        self.date = date.or(self.date);
        Ok(body)
    }

    /// A ticket that was moved where the account may not look is as gone as one that was deleted. Zammad itself says that
    /// with the words of its own; what something between forbids says nothing of the ticket.
    fn unless_gone<T>(&mut self, answer: Result<Option<Answer<T>>, SourceError>) -> Result<Option<T>, SourceError> {
        match answer.map_err(meant) {
            Ok(Some(answer)) => self.heard(Ok(answer)).map(Some),
            Ok(None) => Ok(None),
            Err(SourceError::Forbidden { what, .. }) if what.contains(": Not authorized") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What messages call a request.
pub(super) fn place_of(method: &str, path: &str) -> String {
    format!("{method} {API}{path}")
}

/// Without credentials, or where tokens are switched off, the server answers 403: that is no missing right.
fn meant(error: SourceError) -> SourceError {
    match error {
        SourceError::Forbidden { place, what } if what.contains("Authentication required") => {
            SourceError::Auth { place, what: "no key reached it (403 Authentication required)".to_owned() }
        }
        SourceError::Forbidden { place, what } if what.contains("API token access disabled") => {
            SourceError::Transient { place, what: TOKENS_OFF.to_owned(), until: None, todo: Some(TOKENS_ON) }
        }
        other => other,
    }
}

fn wrong(place: &str, what: &str) -> SourceError {
    SourceError::Schema { place: place.to_owned(), path: ".".to_owned(), what: format!("the answer {what}") }
}

/// Whether a page of so many records is the last one.
fn is_last(count: usize) -> bool {
    count == 0 || !count.is_multiple_of(LEAST_CAP)
}

/// The address of the site, from that or from the address of its API.
pub(super) fn site(mut base: Url) -> Url {
    let path = base.path().trim_end_matches('/').trim_end_matches(API).to_owned();
    base.set_path(&path);
    base
}
