//! The requests of one poll, and what they brought besides their answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::audit::Audit;
use super::wire::{Metrics, Page, Ticket, User};
use crate::event::Timestamp;
use crate::source::enough::Enough;
use crate::source::http::{Answer, Client};
use crate::source::lenient::{Id, id_of};
use crate::source::skips::{self, Skips, id_words};
use crate::source::wanted::is_of_one;
use crate::source::{Quota, SourceError};

/// The largest page that most lists give, and as many ids as one request may name.
pub(super) const PER_PAGE: usize = 100;
/// Pages of a ticket's updates: a ticket with more is read as far as that.
const MAX_AUDIT_PAGES: usize = 20;
pub(super) const API: &str = "/api/v2";
/// For so long single tickets are read in a poll.
const LOOKING: Duration = Duration::from_secs(20);

/// The requests of one poll.
pub(super) struct Ask {
    client: Arc<Client>,
    pub now: Timestamp,
    pub quota: Option<Quota>,
    /// What time it is there.
    pub date: Option<Timestamp>,
    pub skips: Skips,
    /// What is asked for with each ticket.
    pub include: &'static str,
    /// Whether it has asked for long enough.
    pub enough: Enough,
    /// The same of single tickets: the rest of the time is for what stands beside them.
    pub looked: Enough,
    /// Whether any ticket could be read, in this poll or before.
    pub has_read: bool,
}

/// A page of records.
pub(super) struct Records<T> {
    pub items: Vec<T>,
    /// Where the next page begins.
    pub after: Option<String>,
}

/// A page of tickets.
#[derive(Default)]
pub(super) struct Tickets {
    pub items: Vec<Ticket>,
    /// Everybody who was sent with them.
    pub users: Vec<User>,
    /// The ids of all records, readable or not.
    pub ids: Vec<Id>,
    /// The last update of each, where it was sent with them.
    pub last: HashMap<Id, Audit>,
    pub after: Option<String>,
}

impl Tickets {
    fn take(&mut self, page: Self) {
        self.items.extend(page.items);
        self.users.extend(page.users);
        self.ids.extend(page.ids);
        self.last.extend(page.last);
    }
}

impl Ask {
    pub(super) fn new(client: Arc<Client>, now: Timestamp, include: &'static str) -> Self {
        let (enough, looked) = (Enough::begin(), Enough::after(LOOKING));
        let skips = Skips::default();
        Self { client, now, quota: None, date: None, skips, include, enough, looked, has_read: false }
    }

    /// One object.
    pub(super) async fn page(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Page, SourceError> {
        let answer = self.client.get::<Page>(&format!("{API}{path}"), query, self.now).await?;
        Ok(self.heard(answer, true))
    }

    /// The same of what not every key may read, and not every account has: only the API itself can say so, in JSON.
    pub(super) async fn optional(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Page, SourceError> {
        let answer = self.refusable(path, query).await?;
        Ok(self.heard(answer, true))
    }

    /// One page of an incremental export. Its own limit is counted here, as no header tells it reliably; a quota in the
    /// answer is that limit, not the account's.
    pub(super) async fn export(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Page, SourceError> {
        let answer = self.refusable(path, query).await?;
        Ok(self.heard(answer, false))
    }

    async fn refusable(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer<Page>, SourceError> {
        let found = self.client.find::<Page>(&format!("{API}{path}"), query, self.now).await?;
        let what = "the account has no such list (404)".to_owned();
        found.ok_or_else(|| SourceError::Unsupported { place: place(path), what })
    }

    fn heard(&mut self, answer: Answer<Page>, is_quota: bool) -> Page {
        let Answer { body, quota, date } = answer;
        self.quota = quota.filter(|_| is_quota).or(self.quota);
        self.date = date.or(self.date);
        body
    }

    /// One page of a list; a record that can't be read is skipped, named and counted.
    pub(super) async fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        key: &str,
        query: &[(&str, &str)],
    ) -> Result<Records<T>, SourceError> {
        let mut page = self.page(path, query).await?;
        let items = records(&mut page, path, key)?;
        Ok(Records { items: self.read(path, key, items), after: page.after() })
    }

    /// A page of tickets from any list of them, with everything that is sent beside them. One that can't be read is
    /// skipped, and so are a few where others could be read before; else where none of several can, it is the answer that
    /// is not understood.
    pub(super) async fn tickets(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Tickets, SourceError> {
        let mut page = self.page(path, query).await?;
        let items = records(&mut page, path, "tickets")?;
        let ids = items.iter().filter_map(|item| item.get("id").and_then(id_of)).collect();
        let (count, before) = (items.len(), self.skips.named.len());
        let mut items: Vec<Ticket> = self.read(path, "tickets", items);
        self.skips.understood_among(self.has_read, before, items.len(), count, "tickets")?;
        self.has_read |= !items.is_empty();
        let beside = page.take("metric_sets").unwrap_or_default();
        if !beside.is_empty() {
            let beside: Vec<Metrics> = self.read(path, "metric_sets", beside);
            for metrics in beside {
                let of = items.iter_mut().find(|ticket| Some(ticket.id) == metrics.ticket_id);
                if let Some(ticket) = of {
                    ticket.metric_set.get_or_insert(metrics);
                }
            }
        }
        let users = page.take("users").unwrap_or_default();
        let users = self.read(path, "users", users);
        // What can't be read there is read with the ticket's own updates.
        let last = page.take("last_audits").unwrap_or_default();
        let last = last.iter().filter_map(|audit| Audit::of(audit).ok()).map(|audit| (audit.ticket, audit)).collect();
        Ok(Tickets { items, users, ids, last, after: page.after() })
    }

    /// Tickets by number; those that were deleted or may not be seen are missing.
    pub(super) async fn tickets_by_id(&mut self, ids: &[Id]) -> Result<Tickets, SourceError> {
        self.tickets_with(ids, self.include).await
    }

    /// The same, each with its last update.
    pub(super) async fn tickets_with_last(&mut self, ids: &[Id]) -> Result<Tickets, SourceError> {
        let include = format!("{},last_audits", self.include);
        self.tickets_with(ids, &include).await
    }

    async fn tickets_with(&mut self, ids: &[Id], include: &str) -> Result<Tickets, SourceError> {
        let mut found = Tickets::default();
        for some in ids.chunks(PER_PAGE) {
            let named = joined(some);
            let page = self.tickets("/tickets/show_many", &[("ids", &named), ("include", include)]).await?;
            found.take(page);
            // An answer may be short: what it lacks is asked for once more.
            let missing: Vec<Id> = some.iter().copied().filter(|id| !found.ids.contains(id)).collect();
            if !missing.is_empty() {
                let named = joined(&missing);
                let page = self.tickets("/tickets/show_many", &[("ids", &named), ("include", include)]).await?;
                found.take(page);
            }
        }
        Ok(found)
    }

    /// People by number.
    pub(super) async fn users_by_id(&mut self, ids: &[Id]) -> Result<Vec<User>, SourceError> {
        let mut found = Vec::new();
        for some in ids.chunks(PER_PAGE) {
            let named = joined(some);
            found.extend(self.list::<User>("/users/show_many", "users", &[("ids", &named)]).await?.items);
        }
        Ok(found)
    }

    /// Whether the updates of a ticket can be read, or it is said to be gone.
    pub(super) async fn has_audits(&mut self, ticket: Id) -> Result<bool, SourceError> {
        match self.newest_audit(ticket).await {
            Ok(_) => Ok(true),
            Err(error) if is_of_one(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a ticket is said to be gone by its own request, or that this key may not see it any more.
    pub(super) async fn is_gone(&mut self, ticket: Id) -> Result<bool, SourceError> {
        match self.newest_audit(ticket).await {
            Ok(found) => Ok(found.is_none()),
            Err(SourceError::Forbidden { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn newest_audit(&self, ticket: Id) -> Result<Option<Answer<Page>>, SourceError> {
        let path = format!("{API}/tickets/{ticket}/audits");
        self.client.find::<Page>(&path, &[("page[size]", "1")], self.now).await
    }

    /// The updates of a ticket after the one of that number, oldest first; `None` where the ticket is gone.
    pub(super) async fn audits(&mut self, ticket: Id, since: Id) -> Result<Option<Vec<Audit>>, SourceError> {
        let path = format!("/tickets/{ticket}/audits");
        let (mut audits, mut after): (Vec<Audit>, Option<String>) = (Vec::new(), None);
        // Of one that is known only the newest are wanted.
        let size = if since > 0 { "20" } else { "100" };
        for _ in 0..MAX_AUDIT_PAGES {
            let mut query = vec![("page[size]", size), ("sort", "-created_at")];
            query.extend(after.as_deref().map(|after| ("page[after]", after)));
            let found = self.client.find::<Page>(&format!("{API}{path}"), &query, self.now).await?;
            let Some(answer) = found else { return Ok(None) };
            let mut page = self.heard(answer, true);
            let items = records(&mut page, &path, "audits")?;
            let told = self.read_audits(&path, "audits", &items);
            let reached = told.iter().any(|audit| audit.id <= since);
            audits.extend(told.into_iter().filter(|audit| audit.id > since && audit.ticket == ticket));
            match page.after() {
                Some(next) if !reached && after.as_ref() != Some(&next) => after = Some(next),
                _ => break,
            }
        }
        audits.sort_by_key(|audit| (audit.at, audit.id));
        audits.dedup_by_key(|audit| audit.id);
        Ok(Some(audits))
    }

    /// Updates of tickets, in either form.
    pub(super) fn read_audits(&mut self, path: &str, key: &str, items: &[Value]) -> Vec<Audit> {
        let mut audits = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match Audit::of(item) {
                Ok(audit) => audits.push(audit),
                Err((field, what)) => self.skips.note(record(path, key, at, item), field, what),
            }
        }
        audits
    }

    fn read<T: DeserializeOwned>(&mut self, path: &str, key: &str, items: Vec<Value>) -> Vec<T> {
        let mut read = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            let named = record(path, key, at, &item);
            match skips::read(item) {
                Ok(item) => read.push(item),
                Err((inner, reason)) => self.skips.note(named, &inner, &reason),
            }
        }
        read
    }

    /// What time it is there: ours, where it did not say.
    pub(super) fn there(&self) -> Timestamp {
        self.date.unwrap_or(self.now)
    }
}

/// How an endpoint is called in messages.
pub(super) fn place(path: &str) -> String {
    format!("GET {API}{path}")
}

fn record(path: &str, key: &str, at: usize, item: &Value) -> String {
    format!("{} {key}[{at}]{}", place(path), id_words(item))
}

/// The records of a page; an answer without them is not the one that was asked for.
fn records(page: &mut Page, path: &str, key: &str) -> Result<Vec<Value>, SourceError> {
    // The search calls all that it finds results.
    let found = page.take(key).or_else(|| page.take("results"));
    found.ok_or_else(|| SourceError::Schema {
        place: place(path),
        path: key.to_owned(),
        what: "a list is missing there".into(),
    })
}

fn joined(ids: &[Id]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
