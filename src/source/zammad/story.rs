//! A ticket, its articles and its history into events: pure.

use chrono::TimeDelta;
use compact_str::CompactString;

use super::book::Book;
use super::wire::{Article, NOBODY, Row, Ticket};
use crate::event::{
    AgentId, Assigned, Author, ConversationId, CustomerId, Direction, Event, EventKind, Message, Opened, Status,
    StatusBy, TeamId, Timestamp,
};

/// What is done in one go is of one moment, give or take: Zammad saves a ticket before the article that comes with it.
pub(super) const MOMENT: TimeDelta = TimeDelta::seconds(1);

/// A ticket and all that happened to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Story {
    pub ticket: Ticket,
    pub articles: Vec<Article>,
    pub rows: Vec<Row>,
}

/// What was told of a story before: only what is beyond is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// The last article.
    pub article: u64,
    /// The last row of the history.
    pub row: u64,
    /// How many articles and rows there were.
    pub counts: (usize, usize),
}

/// An id of events from one of the vendor.
pub(super) fn word(id: u64) -> CompactString {
    CompactString::from(id.to_string())
}

/// The conversation of a ticket.
pub(super) fn conversation(ticket: u64) -> ConversationId {
    ConversationId::new(word(ticket))
}

/// The agent of a user.
pub(super) fn agent(user: u64) -> AgentId {
    AgentId::new(word(user))
}

/// The team of a group.
pub(super) fn team(group: u64) -> TeamId {
    TeamId::new(word(group))
}

impl Story {
    /// How far it goes.
    pub(super) fn told(&self) -> Told {
        Told {
            article: self.articles.iter().map(|article| article.id).max().unwrap_or(0),
            row: self.rows.iter().map(|row| row.id).max().unwrap_or(0),
            counts: (self.articles.len(), self.rows.len()),
        }
    }

    /// The states that it names.
    pub(super) fn states(&self) -> impl Iterator<Item = u64> {
        let rows = self.rows.iter().filter(|row| row.changes("state"));
        rows.flat_map(|row| [row.id_from, row.id_to]).flatten().chain([self.ticket.state_id])
    }

    /// Whether no article is missing. Where the ticket names them, each has to be there; where it only counts them, there
    /// have to be as many, and it must not be one that others were merged into: those are not counted at once.
    pub(super) fn has_all_articles(&self) -> bool {
        if let Some(named) = &self.ticket.article_ids {
            return named.iter().all(|id| self.articles.iter().any(|article| article.id == *id));
        }
        let is_counted = |article: &&Article| article.sender != "System" && article.sender_id != Some(3);
        let there = self.articles.iter().filter(is_counted).count() as u64;
        let was_merged = self.rows.iter().any(|row| row.kind == "received_merge");
        !was_merged && self.ticket.article_count.is_some_and(|counted| counted > 0 && there >= counted)
    }

    /// All that happened, in its order; of what is `told`, nothing.
    pub(super) fn events(&self, book: &Book, site: &str, told: Option<Told>, out: &mut Vec<Event>) {
        let mut placed: Vec<(Timestamp, u8, u64, Event)> = Vec::new();
        let beyond = told.unwrap_or_default();
        if told.is_none() {
            self.beginning(book, site, &mut placed);
        }
        // Articles that came with a merge are older than what was told.
        let is_merged = self.rows.iter().any(|row| row.kind == "received_merge" && row.id > beyond.row);
        let (late_articles, late_rows) = self.late(told);
        let is_new = |article: &Article| is_merged || late_articles || article.id > beyond.article;
        let standing = self.standing(book);
        for article in self.articles.iter().filter(|article| is_new(article)) {
            let at = article.created_at;
            let Some(message) = message(article, self.ticket.id) else { continue };
            let stands = standing.iter().rev().find(|(from, ..)| *from <= at);
            if let Some(&(from, _, status)) = stands
                && from < at
                && status.is_ended()
                && message.from == Author::Customer
            {
                // A call that was logged on it, say: the ticket stays as it was, which the message alone would not tell.
                let conversation = conversation(self.ticket.id);
                let kind = EventKind::Status { conversation, status, by: None, agent: None };
                placed.push((at, 3, 0, Event::new(at, kind)));
            }
            placed.push((at, 2, article.id, Event::new(at, message)));
        }
        for row in &self.rows {
            let said = self.said_with(row, book);
            // An ending of which only now the article is there is told again, lest that reopens it.
            if !late_rows && row.id <= beyond.row && said.is_none_or(|article| article.id <= beyond.article) {
                continue;
            }
            if let Some(kind) = step(row, &self.ticket, book) {
                let at = said.map_or(row.created_at, |article| article.created_at);
                placed.push((at, 3, row.id, Event::new(at, kind)));
            }
        }
        placed.sort_by_key(|(at, rank, id, _)| (*at, *rank, *id));
        out.extend(placed.into_iter().map(|(.., event)| event));
    }

    /// Whether articles, and rows, are there that became visible behind others with higher numbers: then all are told
    /// again, for it is not known which.
    fn late(&self, told: Option<Told>) -> (bool, bool) {
        let Some(told) = told else { return (false, false) };
        let articles = self.articles.iter().filter(|article| article.id <= told.article).count();
        let rows = self.rows.iter().filter(|row| row.id <= told.row).count();
        (articles > told.counts.0, rows > told.counts.1)
    }

    /// The article that was written in one go with an ending, and saved a little later: the next of the same author, unless
    /// the state was changed again before.
    fn said_with(&self, row: &Row, book: &Book) -> Option<&Article> {
        let is_ending = |row: &Row| row.id_to.is_some_and(|state| book.status(state).is_ended());
        if !row.changes("state") || !is_ending(row) {
            return None;
        }
        let behind = |at: Timestamp| at > row.created_at && at <= row.created_at + MOMENT;
        let article = self
            .articles
            .iter()
            .filter(|article| behind(article.created_at) && article.created_by_id == row.created_by_id)
            .min_by_key(|article| (article.created_at, article.id))?;
        let is_between = |other: &Row| {
            other.changes("state")
                && (other.created_at, other.id) > (row.created_at, row.id)
                && other.created_at <= article.created_at
        };
        (!self.rows.iter().any(is_between)).then_some(article)
    }

    /// How the ticket stood, from when on: in order.
    fn standing(&self, book: &Book) -> Vec<(Timestamp, u64, Status)> {
        let rows = || self.rows.iter().filter(|row| row.changes("state"));
        let first = rows().next().map_or(Some(self.ticket.state_id), |row| row.id_from);
        let placed = |row: &Row| self.said_with(row, book).map_or(row.created_at, |article| article.created_at);
        let mut standing: Vec<(Timestamp, u64, Status)> =
            rows().filter_map(|row| Some((placed(row), row.id, book.status(row.id_to?)))).collect();
        // What it was created with is saved a little later, too.
        let begun_at = self.first_said_at().unwrap_or(self.ticket.created_at);
        standing.extend(first.map(|state| (begun_at, 0, book.status(state))));
        standing.sort_by_key(|(at, id, _)| (*at, *id));
        standing
    }

    /// When the article was saved that the ticket was created with, where that was in one go.
    fn first_said_at(&self) -> Option<Timestamp> {
        let created_at = self.ticket.created_at;
        let is_with_it = |at: Timestamp| at >= created_at && at <= created_at + MOMENT;
        let articles = self.articles.iter().filter(|article| is_with_it(article.created_at));
        articles.min_by_key(|article| article.id).map(|article| article.created_at)
    }

    /// How it was when it was created: what it is, but for what the first change of each field says was there before.
    fn beginning(&self, book: &Book, site: &str, placed: &mut Vec<(Timestamp, u8, u64, Event)>) {
        let (ticket, at) = (&self.ticket, self.ticket.created_at);
        let first = |attribute: &str| self.rows.iter().find(|row| row.changes(attribute));
        let group = first("group").map_or(ticket.group_id, |row| row.id_from);
        let mut opened = opened(ticket, site);
        opened.team = group.map(team);
        placed.push((at, 0, 0, Event::new(at, opened)));

        let owner = first("owner").map_or(ticket.owner_id, |row| row.id_from);
        if let Some(owner) = owner.filter(|owner| *owner != NOBODY && *owner != 0) {
            let assigned = Assigned::to(conversation(ticket.id), Some(agent(owner)));
            placed.push((at, 1, 0, Event::new(at, assigned)));
        }
        let state = first("state").map_or(Some(ticket.state_id), |row| row.id_from);
        let status = state.map(|state| book.status(state)).filter(|status| *status != Status::Open);
        if let Some(status) = status {
            let creator = self.rows.iter().find(|row| row.kind == "created").and_then(|row| row.created_by_id);
            let (by, agent) = actor(creator, ticket, book);
            let kind = EventKind::Status { conversation: conversation(ticket.id), status, by, agent };
            // After the message that it was created with: what was opened as closed is closed.
            let at = self.first_said_at().unwrap_or(at);
            placed.push((at, 3, 0, Event::new(at, kind)));
        }
    }
}

/// What is said of a ticket itself.
pub(super) fn opened(ticket: &Ticket, site: &str) -> Opened {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && text != "-");
    let mut opened = Opened::new(conversation(ticket.id));
    opened.customer = ticket.customer_id.filter(|customer| *customer > NOBODY).map(|id| CustomerId::new(word(id)));
    opened.channel = channel(ticket);
    opened.team = ticket.group_id.map(team);
    opened.subject = some(&ticket.title);
    opened.url = Some(format!("{site}/#ticket/zoom/{}", ticket.id));
    let is_outbound = ticket.create_article_sender_id == Some(1);
    opened.direction = Some(if is_outbound { Direction::Outbound } else { Direction::Inbound });
    opened.priority = some(&ticket.priority);
    opened
}

/// How it came, by the type of its first article: the name where it is told, else the number that installations have.
fn channel(ticket: &Ticket) -> Option<String> {
    let named = ticket.create_article_type.to_lowercase();
    let word = match ticket.create_article_type_id {
        _ if !named.is_empty() => named.split(' ').next().unwrap_or_default(),
        Some(1) => "email",
        Some(2) => "sms",
        Some(3) => "chat",
        Some(4) => "fax",
        Some(5) => "phone",
        Some(6 | 7) => "twitter",
        Some(8 | 9) => "facebook",
        Some(10) => "note",
        Some(11) => "web",
        _ => return None,
    };
    Some(word.to_owned())
}

/// Whether the customer is meant to read it, or wrote it: everything but notes.
fn is_communication(article: &Article) -> bool {
    let note = if article.kind.is_empty() { article.type_id == Some(10) } else { article.kind == "note" };
    !note && !article.internal
}

/// It answers the customer.
pub(super) fn is_reply(article: &Article) -> bool {
    author(article) == Author::Agent && is_communication(article)
}

/// Whose it is.
pub(super) fn author(article: &Article) -> Author {
    match (article.sender.as_str(), article.sender_id) {
        ("Customer", _) | ("", Some(2)) => Author::Customer,
        ("Agent", _) | ("", Some(1)) if article.created_by_id.is_some_and(|user| user > NOBODY) => Author::Agent,
        _ => Author::Bot,
    }
}

/// The message of an article. A note answers nobody, public or not; a customer's is no message at all.
fn message(article: &Article, ticket: u64) -> Option<Message> {
    let from = author(article);
    let by = article.created_by_id.filter(|_| from == Author::Agent).map(agent);
    let mut message = Message::public(conversation(ticket), from, by);
    if !is_communication(article) {
        if from != Author::Agent {
            return None;
        }
        message.public = Some(false);
    }
    Some(message)
}

/// The event of one row of the history, where it is one.
fn step(row: &Row, ticket: &Ticket, book: &Book) -> Option<EventKind> {
    let conversation = conversation(ticket.id);
    if let Some(into) = row.merged_into(ticket.id) {
        return Some(EventKind::Merged { conversation, into: self::conversation(into) });
    }
    let by = row.created_by_id.filter(|user| book.is_agent(*user)).map(agent);
    if row.changes("owner") {
        let to = row.id_to.filter(|owner| *owner != NOBODY && *owner != 0).map(agent);
        return Some(Assigned { by, ..Assigned::to(conversation, to) }.into());
    }
    if row.changes("group") {
        return Some(Assigned { conversation, agent: None, team: Some(row.id_to.map(team)), by }.into());
    }
    if row.changes("state") {
        // The row of a merge says that it ends; without it, it ends all the same.
        let status = book.status(row.id_to?);
        let (by, agent) = actor(row.created_by_id, ticket, book);
        return Some(EventKind::Status { conversation, status, by, agent });
    }
    None
}

/// Who changed a state.
fn actor(user: Option<u64>, ticket: &Ticket, book: &Book) -> (Option<StatusBy>, Option<AgentId>) {
    match user {
        Some(user) if book.is_agent(user) => (Some(StatusBy::Agent), Some(agent(user))),
        Some(user) if user != NOBODY && Some(user) == ticket.customer_id => (Some(StatusBy::Customer), None),
        Some(NOBODY) => (Some(StatusBy::System), None),
        // Somebody who is no agent any more, or another customer.
        _ => (None, None),
    }
}

/// What the fields of a ticket say without its articles and history, true at its last change: who holds it, how it
/// stands, and since when its customer waits, if that is not [`doubtful`].
pub(super) fn cheap(ticket: &Ticket, book: &Book, site: &str, out: &mut Vec<Event>) {
    let (id, at) = (ticket.id, ticket.updated_at);
    out.push(Event::new(ticket.created_at, opened(ticket, site)));
    if let Some(asked_at) = ticket.last_contact_customer_at
        && waits(ticket) == Some(true)
    {
        out.push(Event::new(asked_at, Message::public(conversation(id), Author::Customer, None)));
    }
    if let Some(owner) = ticket.holder() {
        out.push(Event::new(at, Assigned::to(conversation(id), Some(agent(owner)))));
    }
    let status = book.status(ticket.state_id);
    if status != Status::Open {
        let kind = EventKind::Status { conversation: conversation(id), status, by: None, agent: None };
        out.push(Event::new(at, kind));
    }
}

/// Whether its customer waits, by the fields alone; `None` where they don't say. They are compared in whole seconds, as
/// the vendor does: within one second of a reply, the next customer message is hidden. Closing leaves them as they were.
pub(super) fn waits(ticket: &Ticket) -> Option<bool> {
    let second = |at: Timestamp| at.millis().div_euclid(1000);
    let closed = ticket.last_close_at.or(ticket.close_at).map(second);
    let asked = ticket.last_contact_customer_at.map(second);
    let replied = ticket.last_contact_agent_at.map(second);
    let last = ticket.last_contact_at.map(second);
    let is_first_close_only = ticket.last_close_at.is_none() && ticket.close_at.is_some();
    match (asked, replied) {
        (None, None) => Some(false),
        (None, Some(replied)) => last.is_none_or(|last| last <= replied).then_some(false),
        (Some(asked), Some(replied)) if asked == replied => None,
        (Some(asked), Some(replied)) if asked < replied => last.is_none_or(|last| last <= replied).then_some(false),
        (Some(asked), _) => (!is_first_close_only && closed.is_none_or(|closed| asked > closed)).then_some(true),
    }
}

/// Whether the fields show the first customer message of a wait, not the last: the vendor has a setting for it that only
/// an admin may read. A ticket that proves it has had contact after the customer began to wait.
pub(super) fn shows_first_contact(ticket: &Ticket) -> bool {
    let second = |at: Timestamp| at.millis().div_euclid(1000);
    let (Some(asked), Some(last)) = (ticket.last_contact_customer_at, ticket.last_contact_at) else { return false };
    waits(ticket) == Some(true) && second(last) > second(asked)
}
