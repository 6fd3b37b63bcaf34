//! The requests of one poll, and what refusals mean here.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::wire::{Happened, List, Message, Meta, Ticket};
use crate::event::Timestamp;
use crate::source::http::{Answer, Client};
use crate::source::lenient::{Id, id_of};
use crate::source::skips::{self, Named, Skips, id_words};
use crate::source::{Quota, SourceError};

/// Records of a page.
pub(super) const PER_PAGE: usize = 100;
/// Pages of one ticket's messages or events at most, from either end.
const THREAD_PAGES: usize = 10;
/// The bucket of requests drains within this.
const DRAINS: TimeDelta = TimeDelta::seconds(20);

/// What becomes of tickets and is worth telling.
pub(super) const TYPES: [&str; 12] = [
    "ticket-assigned",
    "ticket-unassigned",
    "ticket-team-assigned",
    "ticket-team-unassigned",
    "ticket-closed",
    "ticket-reopened",
    "ticket-snoozed",
    "ticket-self-unsnoozed",
    "ticket-trashed",
    "ticket-untrashed",
    "ticket-merged",
    "ticket-split",
];

/// What is put into the query for the next page.
pub(super) type Next = Vec<(String, String)>;

/// One page.
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Next>,
}

/// What became of tickets that were looked up.
pub(super) struct Looked {
    /// Those that can be read.
    pub tickets: Vec<Ticket>,
    /// All that were in the answer; `None` where it leaves open which those are.
    there: Option<HashSet<Id>>,
}

impl Looked {
    /// Whether the answer shows that a ticket is not there any more: one that can't be read still is.
    pub(super) fn is_gone(&self, id: Id) -> bool {
        self.there.as_ref().is_some_and(|there| !there.contains(&id))
    }
}

/// The requests of one poll, and what they brought besides their answers.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub date: Option<Timestamp>,
    pub quota: Option<Quota>,
    pub skips: Skips,
    /// Records that were told as unreadable before.
    pub told: Named,
    /// The server takes the types of events that are asked for.
    pub takes_types: bool,
    begun_with: u64,
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, now: Timestamp, told: Named) -> Self {
        let begun_with = client.sent();
        Self { client, now, date: None, quota: None, skips: Skips::default(), told, takes_types: true, begun_with }
    }

    /// The instant by the server's clock.
    pub(super) fn at(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }

    /// Requests so far.
    pub(super) fn sent(&self) -> u64 {
        self.client.sent() - self.begun_with
    }

    fn took<T>(&mut self, answer: Answer<T>) -> T {
        self.date = answer.date.or(self.date);
        if let Some(quota) = answer.quota {
            // The header says how full the bucket is, not when it is empty: windows of its whole drain are kept to.
            let length = DRAINS.num_milliseconds();
            let resets_at = (self.now.millis().div_euclid(length) + 1) * length;
            self.quota = Some(Quota { resets_at: Some(Timestamp::from_millis(resets_at)), ..quota });
        }
        answer.body
    }

    /// One answer.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, SourceError> {
        let answer = self.client.get(path, query, self.now).await.map_err(meant)?;
        Ok(self.took(answer))
    }

    /// A page of a list, each record by itself.
    pub(super) async fn page<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        next: Option<&Next>,
    ) -> Result<Page<T>, SourceError> {
        let mut all = vec![("limit", "100")];
        all.extend_from_slice(query);
        all.extend(next.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())));
        let list: List = self.get(path, &all).await?;
        self.records(&format!("GET {path}"), list)
    }

    /// A page of the tickets that match a filter; nothing is saved by that.
    pub(super) async fn matching(
        &mut self,
        filters: &str,
        order: &str,
        next: Option<&Next>,
    ) -> Result<Page<Ticket>, SourceError> {
        let path = "/api/views/0/items";
        let mut query = vec![("limit", "100"), ("order_by", order)];
        query.extend(next.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())));
        let body = json!({"view": {"type": "ticket-list", "filters": filters}});
        let answer = self.client.put(path, &query, &body, self.now).await.map_err(meant)?;
        let list: List = self.took(answer);
        let page = self.records(&format!("PUT {path}"), list)?;
        Ok(self.known("PUT /api/views/0/items", page))
    }

    /// A page of tickets, the last changed first.
    pub(super) async fn changed(&mut self, next: Option<&Next>) -> Result<Page<Ticket>, SourceError> {
        let page = self.page("/api/tickets", &[("order_by", "updated_datetime:desc")], next).await?;
        Ok(self.known("GET /api/tickets", page))
    }

    /// Tickets by number, a hundred at most.
    pub(super) async fn tickets(&mut self, ids: &[Id]) -> Result<Looked, SourceError> {
        let ids: Vec<String> = ids.iter().take(PER_PAGE).map(ToString::to_string).collect();
        let mut query = vec![("limit", "100")];
        query.extend(ids.iter().map(|id| ("ticket_ids", id.as_str())));
        let list: List = self.get("/api/tickets", &query).await?;
        let numbers = list.data().iter().map(|record| record.get("id").and_then(id_of));
        let there: Option<HashSet<Id>> = numbers.collect();
        let page = if there.is_some() {
            // Each of them is known by its number, so none of them is taken for gone.
            self.read_list("GET /api/tickets", list)
        } else {
            self.records("GET /api/tickets", list)?
        };
        let there = there.filter(|_| page.next.is_none());
        Ok(Looked { tickets: self.known("GET /api/tickets", page).items, there })
    }

    /// A page of everybody's messages, the newest first.
    pub(super) async fn messages(&mut self, next: Option<&Next>) -> Result<Page<Message>, SourceError> {
        self.page("/api/messages", &[("order_by", "created_datetime:desc")], next).await
    }

    /// A page of what happened, the newest first.
    pub(super) async fn events(
        &mut self,
        since: Option<Timestamp>,
        next: Option<&Next>,
    ) -> Result<Page<Happened>, SourceError> {
        let since = since.map(|since| since.to_string());
        let mut query = vec![("order_by", "created_datetime:desc")];
        query.extend(since.as_deref().map(|since| ("created_datetime[gte]", since)));
        if self.takes_types {
            let typed: Vec<_> = query.iter().copied().chain(TYPES.map(|kind| ("types", kind))).collect();
            match self.page("/api/events", &typed, next).await {
                Err(SourceError::Unsupported { .. }) if next.is_none() => self.takes_types = false,
                other => return other,
            }
        }
        self.page("/api/events", &query, next).await
    }

    /// All messages of a ticket; `None` where it is not there any more.
    pub(super) async fn thread(&mut self, ticket: Id) -> Result<Option<Vec<Message>>, SourceError> {
        let id = ticket.to_string();
        self.all("/api/messages", &[("ticket_id", &*id)]).await
    }

    /// All that happened to a ticket; `None` where it is not there any more.
    pub(super) async fn story(&mut self, ticket: Id) -> Result<Option<Vec<Happened>>, SourceError> {
        let id = ticket.to_string();
        self.all("/api/events", &[("object_id", &*id), ("object_type", "Ticket")]).await
    }

    /// All of a ticket; of very much the oldest and the newest, so that it is known how the ticket stands.
    async fn all<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<Vec<T>>, SourceError> {
        let mut all = Vec::new();
        for order in ["created_datetime:asc", "created_datetime:desc"] {
            let query: Vec<_> = query.iter().copied().chain([("order_by", order)]).collect();
            let mut next = None;
            for _ in 0..THREAD_PAGES {
                let page = match self.page(path, &query, next.as_ref()).await {
                    Err(SourceError::Unsupported { what, .. }) if what.starts_with("not found") => return Ok(None),
                    other => other?,
                };
                all.extend(page.items);
                if page.next.is_none() || page.next == next {
                    return Ok(Some(all));
                }
                next = page.next;
            }
        }
        Ok(Some(all))
    }

    /// The records of a page; where none of several can be read, it is the answer that is not understood.
    fn records<T: DeserializeOwned>(&mut self, place: &str, list: List) -> Result<Page<T>, SourceError> {
        let (count, before) = (list.data().len(), self.skips.named.len());
        let page = self.read_list(place, list);
        self.skips.understood(before, page.items.len(), count, "data")?;
        Ok(page)
    }

    fn read_list<T: DeserializeOwned>(&mut self, place: &str, list: List) -> Page<T> {
        let (data, meta) = match list {
            List::Paged { data, meta } => (data, meta),
            List::Bare(data) => (data, Meta::default()),
        };
        let count = data.len();
        let items = self.read_all(place, data);
        let by_address = meta.next_items.and_then(|address| self.client.follow(&address)).map(|(_, query)| {
            let is_place = |key: &str| ["cursor", "ignored_item", "direction"].contains(&key);
            query.into_iter().filter(|(key, _)| is_place(key)).collect::<Next>()
        });
        let by_cursor = meta.next_cursor.map(|cursor| vec![("cursor".to_owned(), cursor)]);
        let next = by_cursor.or(by_address).filter(|next| !next.is_empty() && count > 0);
        Page { items, next }
    }

    fn read_all<T: DeserializeOwned>(&mut self, place: &str, data: Vec<Value>) -> Vec<T> {
        let mut read = Vec::with_capacity(data.len());
        for (nth, one) in data.into_iter().enumerate() {
            let id = id_words(&one);
            match skips::read(one) {
                Ok(record) => read.push(record),
                Err((inner, reason)) => self.skip(format!("{place} data[{nth}]{id}"), &inner, &reason),
            }
        }
        read
    }

    /// Tickets of a status that is known.
    fn known(&mut self, place: &str, mut page: Page<Ticket>) -> Page<Ticket> {
        page.items.retain(|ticket| {
            let is_known = matches!(&*ticket.status, "open" | "closed");
            if !is_known {
                let reason = format!("`{}` is no status that is known", ticket.status);
                self.skip(format!("{place} data, id {}", ticket.id), "status", &reason);
            }
            is_known
        });
        page
    }

    /// Notes a record that can't be used, unless it was told before.
    pub(super) fn skip(&mut self, place: String, path: &str, reason: &str) {
        // The place in the list changes from answer to answer, the record does not.
        let name = match place.rsplit_once(", id ") {
            Some((list, id)) => format!("{} {id} {path}", list.split(" data").next().unwrap_or_default()),
            None => format!("{place} {path}"),
        };
        if self.told.is_new(name) {
            self.skips.note(place, path, reason);
        }
    }
}

/// What the key may follows from its user's role.
fn meant(error: SourceError) -> SourceError {
    match error {
        SourceError::Forbidden { place, what } => {
            SourceError::Forbidden { place, what: format!("{what}; make the key with an admin of the account") }
        }
        other => other,
    }
}
