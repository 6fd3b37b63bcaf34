//! Transactions into events: pure, and the same whether a row comes from a history or from the feed.

use compact_str::CompactString;

use super::people::{NOBODY, People, SYSTEM, holder, team};
use super::wire::{Row, Ticket};
use crate::event::{
    AgentId, Assigned, Author, ConversationId, CustomerId, Direction, Event, EventKind, Message, Opened, Status,
    StatusBy, Timestamp,
};

/// An event and where it stands: by instant, then by the transaction it comes from.
pub(super) type Placed = (Timestamp, u64, Event);

/// A ticket and all its transactions that matter, by id.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub ticket: Ticket,
    pub rows: Vec<Row>,
    /// Tickets that were merged into it, with theirs.
    pub merged: Vec<(u64, Vec<Row>)>,
}

/// The conversation of a ticket number.
pub(super) fn conversation(ticket: u64) -> ConversationId {
    ConversationId::new(CompactString::from(ticket.to_string()))
}

impl Story {
    /// The logins of those who ask.
    pub(super) fn requestors(&self) -> Vec<CompactString> {
        self.ticket.requestors.iter().map(|one| one.login().clone()).collect()
    }

    /// The row that created it. Every ticket has one, so where none is seen, what else happened may not be seen either.
    pub(super) fn create(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == "Create")
    }

    /// Whether the last that was said between team and requestor is the requestor's.
    pub(super) fn waits(&self, people: &People) -> bool {
        let requestors = self.requestors();
        let said = self.rows.iter().rev().filter(|row| is_message(row));
        let mut sides = said.filter_map(|row| author(people, row, &requestors)).filter(|side| *side != Author::Bot);
        sides.next() == Some(Author::Customer)
    }

    /// Everything that happened to the ticket, and to those merged into it; their messages are told on both.
    pub(super) fn events(&self, people: &People, site: &str, out: &mut Vec<Placed>) {
        let requestors = self.requestors();
        let (ticket, rows) = (&self.ticket, &self.rows);
        let first = |is: fn(&Row) -> bool| rows.iter().find(|row| is(row)).map(|row| &row.old);
        let queue = first(Row::is_queue_change).and_then(|old| old.parse().ok()).or(ticket.queue.id.parse().ok());
        let create = self.create();
        let creator = create.map(|row| row.creator.login());

        let mut opened = Opened::new(conversation(ticket.id));
        opened.customer = customer(people, &requestors, creator);
        opened.channel = Some("email".into());
        opened.team = queue.map(team);
        opened.subject = Some(ticket.subject.clone()).filter(|subject| !subject.is_empty());
        opened.url = Some(format!("{site}/Ticket/Display.html?id={}", ticket.id));
        opened.direction = Some(direction(people, creator));
        let at = ticket.created;
        out.push((at, 0, Event::new(at, opened)));

        let owner = match first(Row::is_owner_change) {
            Some(number) => people.owner(number),
            None => holder(ticket.owner.login()),
        };
        if let Some(owner) = owner {
            let by = creator.filter(|login| people.staff.contains(*login)).map(|login| AgentId::new(login.clone()));
            let assigned = Assigned { by, ..Assigned::to(conversation(ticket.id), Some(owner)) };
            out.push((at, 0, Event::new(at, assigned)));
        }
        for row in rows {
            step(row, conversation(ticket.id), people, &requestors, out);
        }
        let initial = first(Row::is_status_change).unwrap_or(&ticket.status);
        let status = people.status(initial);
        if status != Status::Open {
            let (by, agent) = creator.map_or((None, None), |login| actor(people, login, &requestors));
            let kind = EventKind::Status { conversation: conversation(ticket.id), status, by, agent };
            // After the first message: a ticket that was opened as resolved is resolved.
            out.push((at, create.map_or(0, |row| row.id), Event::new(at, kind)));
        }
        for (number, rows) in &self.merged {
            self.merged_events(*number, rows, people, &requestors, out);
        }
    }

    /// What happened to a ticket that was merged into this one. Its own record is gone; its rows are not.
    fn merged_events(
        &self,
        number: u64,
        rows: &[Row],
        people: &People,
        requestors: &[CompactString],
        out: &mut Vec<Placed>,
    ) {
        if let Some(create) = rows.iter().find(|row| row.kind == "Create") {
            let creator = create.creator.login();
            let mut opened = Opened::new(conversation(number));
            let own = requestors.contains(creator).then(|| vec![creator.clone()]);
            opened.customer = customer(people, own.as_deref().unwrap_or(requestors), Some(creator));
            opened.channel = Some("email".into());
            opened.direction = Some(direction(people, Some(creator)));
            out.push((create.created, 0, Event::new(create.created, opened)));
        }
        for row in rows {
            step(row, conversation(number), people, requestors, out);
            if is_message(row) {
                step(row, conversation(self.ticket.id), people, requestors, out);
            }
        }
    }
}

/// The event of one transaction, where it is one.
pub(super) fn step(
    row: &Row,
    conversation: ConversationId,
    people: &People,
    requestors: &[CompactString],
    out: &mut Vec<Placed>,
) {
    let login = row.creator.login();
    let kind: EventKind = if is_message(row) {
        let Some(author) = author(people, row, requestors) else { return };
        let agent = (author == Author::Agent).then(|| AgentId::new(login.clone()));
        Message::public(conversation, author, agent).into()
    } else if row.is_status_change() {
        let (by, agent) = actor(people, login, requestors);
        EventKind::Status { conversation, status: people.status(&row.new), by, agent }
    } else if row.is_owner_change() {
        let by = people.staff.contains(login).then(|| AgentId::new(login.clone()));
        Assigned { by, ..Assigned::to(conversation, people.owner(&row.new)) }.into()
    } else if row.is_queue_change() {
        let Ok(queue) = row.new.parse() else { return };
        let by = people.staff.contains(login).then(|| AgentId::new(login.clone()));
        Assigned { conversation, agent: None, team: Some(Some(team(queue))), by }.into()
    } else if let Some(into) = row.merged_into().filter(|&into| into != row.ticket) {
        EventKind::Merged { conversation, into: self::conversation(into) }
    } else {
        return;
    };
    out.push((row.created, row.id, Event { kind, at: Some(row.created) }));
}

fn is_message(row: &Row) -> bool {
    matches!(&*row.kind, "Create" | "Correspond")
}

/// Whose message it is. A ticket that a program opened for a requestor (a web form) begins with the requestor's words.
fn author(people: &People, row: &Row, requestors: &[CompactString]) -> Option<Author> {
    match people.side(row.creator.login(), requestors) {
        Some(Author::Bot) if row.kind == "Create" && !requestors.is_empty() => Some(Author::Customer),
        side => side,
    }
}

/// Who asks: the first requestor, else whoever opened it and is not of the team.
fn customer(people: &People, requestors: &[CompactString], creator: Option<&CompactString>) -> Option<CustomerId> {
    let known = |login: &&CompactString| !login.is_empty() && **login != NOBODY && **login != SYSTEM;
    let stranger = creator.filter(|login| people.side(login, &[]).is_none());
    requestors.first().or(stranger).filter(known).map(|login| CustomerId::new(login.clone()))
}

fn direction(people: &People, creator: Option<&CompactString>) -> Direction {
    match creator {
        Some(login) if people.staff.contains(login) => Direction::Outbound,
        _ => Direction::Inbound,
    }
}

/// Who changed a status.
fn actor(people: &People, login: &CompactString, requestors: &[CompactString]) -> (Option<StatusBy>, Option<AgentId>) {
    match people.side(login, requestors) {
        Some(Author::Agent) => (Some(StatusBy::Agent), Some(AgentId::new(login.clone()))),
        Some(Author::Customer) => (Some(StatusBy::Customer), None),
        Some(Author::Bot) if login != SYSTEM => (Some(StatusBy::Bot), None),
        _ => (Some(StatusBy::System), None),
    }
}
