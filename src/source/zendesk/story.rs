//! Tickets and their updates into events: pure, and the same whether an update comes from a ticket's own audits or from
//! the export of all tickets.

use compact_str::{CompactString, ToCompactString};

use super::audit::{Audit, Field, SYSTEM, Step};
use super::people::{self, People, agent, team};
use super::wire::Ticket;
use crate::event::{
    AgentId, Assigned, Author, Change, ConversationId, Direction, Event, EventKind, Message, Opened, Status, StatusBy,
    Timestamp,
};
use crate::source::lenient::Id;

/// An event and where it stands: by instant, then by the update it comes from.
pub(super) type Placed = (Timestamp, Id, Event);

/// What a rule is called as the one who did something.
pub(super) const RULE: &str = "bot";

/// The conversation of a ticket.
pub(super) fn conversation(ticket: Id) -> ConversationId {
    ConversationId::new(ticket.to_compact_string())
}

/// Tells tickets, and gathers what it tells.
pub(super) struct Teller<'a> {
    pub people: &'a People,
    /// Where a browser finds the desk.
    pub site: &'a str,
    pub out: Vec<Placed>,
    /// Status words that nobody knows, with the ticket: the change is left out.
    pub odd: Vec<(Id, CompactString)>,
}

/// Where a ticket stands after some of its updates; nothing of what they did not touch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Standing {
    pub status: Option<Status>,
    pub assignee: Change<Id>,
    pub group: Change<Id>,
}

/// What the record says of the status, with the account's own ones.
pub(super) fn status_of(ticket: &Ticket, people: &People) -> Option<Status> {
    people.status(&ticket.status).or_else(|| people.custom_status(ticket.custom_status_id?))
}

impl<'a> Teller<'a> {
    pub(super) fn new(people: &'a People, site: &'a str) -> Self {
        Self { people, site, out: Vec::new(), odd: Vec::new() }
    }

    /// The whole story of a ticket: its record and all its updates, which were read after the record.
    pub(super) fn whole(&mut self, ticket: &Ticket, audits: &[Audit]) -> Standing {
        let begin = audits.iter().find(|audit| audit.is_create());
        let mut opened = self.opened(ticket);
        opened.team = match begin {
            Some(begin) => begun_in(begin).map(team),
            None => ticket.group_id.map(team),
        };
        if let Some(tags) = begin.and_then(begun_with) {
            opened.tags = Some(tags);
        }
        opened.direction = Some(self.direction(ticket, audits));
        self.say(ticket.created_at, 0, opened);
        let mut standing = Standing::default();
        for audit in audits {
            self.audit(audit, ticket.requester_id, &mut standing);
        }
        if audits.last().is_none_or(|last| last.at <= ticket.updated_at) {
            self.assert(ticket, &mut standing);
        }
        standing
    }

    /// What its record alone tells of a ticket on which nobody waits.
    pub(super) fn brief(&mut self, ticket: &Ticket) -> Standing {
        let mut opened = self.opened(ticket);
        opened.team = ticket.group_id.map(team);
        opened.direction = Some(self.direction(ticket, &[]));
        self.say(ticket.created_at, 0, opened);
        let mut standing = Standing { group: Some(ticket.group_id), ..Standing::default() };
        self.assert(ticket, &mut standing);
        standing
    }

    /// What an update says, of a ticket that was told before.
    pub(super) fn audit(&mut self, audit: &Audit, requester: Option<Id>, standing: &mut Standing) {
        let merged = if audit.is_merge { merged_into(audit) } else { None };
        self.assigned(audit, requester, standing);
        for step in &audit.steps {
            match step {
                Step::Comment { author, public, text } => {
                    let (author, public) = (author.unwrap_or(audit.author), *public && !audit.is_merge);
                    self.comment(audit, author, public, text.clone(), requester);
                }
                Step::Macro { title } => {
                    let agent = match self.side(audit, audit.author, requester) {
                        Author::Agent => Some(agent(audit.author)),
                        _ => None,
                    };
                    let conversation = conversation(audit.ticket);
                    self.say(audit.at, audit.id, EventKind::Macro { conversation, agent, name: title.clone() });
                }
                Step::Field { field: Field::Tags(tags), created: false, .. } => {
                    let conversation = conversation(audit.ticket);
                    self.say(audit.at, audit.id, EventKind::Tagged { conversation, tags: tags.clone() });
                }
                Step::Field { field: Field::Requester(Some(id)), created: false, .. } => {
                    let customer = Some(people::customer(*id));
                    let opened = Opened { customer, ..Opened::new(conversation(audit.ticket)) };
                    self.say(audit.at, audit.id, opened);
                }
                Step::Field { .. } => {}
            }
        }
        if let Some(into) = merged {
            let kind = EventKind::Merged { conversation: conversation(audit.ticket), into: conversation(into) };
            self.say(audit.at, audit.id, kind);
            standing.status = Some(Status::Closed);
            return;
        }
        self.status(audit, requester, standing);
    }

    fn comment(&mut self, audit: &Audit, author: Id, public: bool, text: Option<String>, requester: Option<Id>) {
        let from = if audit.is_rule { Author::Bot } else { self.people.side(author, requester) };
        let message = Message {
            conversation: conversation(audit.ticket),
            from,
            agent: (from == Author::Agent).then(|| agent(author)),
            public: (!public).then_some(false),
            text: text.map(Into::into),
        };
        self.say(audit.at, audit.id, message);
    }

    /// Who holds it, and which team's it is, in one event. That it belongs to nobody at the start needs no saying.
    fn assigned(&mut self, audit: &Audit, requester: Option<Id>, standing: &mut Standing) {
        let mut to = Assigned { agent: None, team: None, ..Assigned::to(conversation(audit.ticket), None) };
        for step in &audit.steps {
            let Step::Field { field, created, is_rule } = step else { continue };
            match field {
                Field::Assignee(id) => {
                    standing.assignee = Some(*id);
                    if !(*created && id.is_none()) {
                        to.agent = Some(id.map(agent));
                    }
                }
                Field::Group(id) => {
                    standing.group = Some(*id);
                    if !created {
                        to.team = Some(id.map(team));
                    }
                }
                _ => continue,
            }
            to.by = match self.actor(audit, *is_rule, requester) {
                (StatusBy::Agent, by) => by,
                (StatusBy::Customer, _) => None,
                _ => Some(AgentId::new(RULE)),
            };
        }
        if to.agent.is_some() || to.team.is_some() {
            self.say(audit.at, audit.id, to);
        }
    }

    /// The status comes last: a reply that solves is a reply to an open ticket.
    fn status(&mut self, audit: &Audit, requester: Option<Id>, standing: &mut Standing) {
        let (mut found, mut odd) = (None, None);
        for step in &audit.steps {
            let Step::Field { field, created, is_rule } = step else { continue };
            let status = match field {
                Field::Status(word) => self.people.status(word).or_else(|| {
                    odd = Some(word.clone());
                    None
                }),
                // The word says it where both are told; another status of the same category is no change.
                Field::CustomStatus(id) => {
                    let status = self.people.custom_status(*id);
                    status.filter(|status| found.is_none() && Some(*status) != standing.status)
                }
                _ => None,
            };
            if let Some(status) = status {
                found = Some((status, *created, *is_rule));
            }
        }
        let Some((status, created, is_rule)) = found else {
            self.odd.extend(odd.map(|word| (audit.ticket, word)));
            return;
        };
        standing.status = Some(status);
        if created && status == Status::Open {
            return;
        }
        let (by, agent) = self.actor(audit, is_rule, requester);
        let conversation = conversation(audit.ticket);
        self.say(audit.at, audit.id, EventKind::Status { conversation, status, by: Some(by), agent });
    }

    /// Where the updates do not explain how the ticket stands, its record has the last word.
    pub(super) fn assert(&mut self, ticket: &Ticket, standing: &mut Standing) {
        let metrics = ticket.metric_set.as_ref();
        let within = |at: Option<Timestamp>| at.unwrap_or(ticket.updated_at).max(ticket.created_at);
        if standing.assignee.unwrap_or(None) != ticket.assignee_id {
            let at = within(metrics.and_then(|metrics| metrics.assigned_at.or(metrics.initially_assigned_at)));
            self.say(at, Id::MAX, Assigned::to(conversation(ticket.id), ticket.assignee_id.map(agent)));
            standing.assignee = Some(ticket.assignee_id);
        }
        if standing.group.is_some_and(|group| group != ticket.group_id) {
            let to = Assigned { agent: None, ..Assigned::to(conversation(ticket.id), None) };
            self.say(ticket.updated_at, Id::MAX, Assigned { team: Some(ticket.group_id.map(team)), ..to });
            standing.group = Some(ticket.group_id);
        }
        let Some(status) = status_of(ticket, self.people) else {
            self.odd.push((ticket.id, ticket.status.clone()));
            return;
        };
        if standing.status.unwrap_or(Status::Open) != status {
            let at = within(metrics.and_then(|metrics| metrics.status_updated_at));
            let conversation = conversation(ticket.id);
            self.say(at, Id::MAX, EventKind::Status { conversation, status, by: None, agent: None });
        }
        standing.status = Some(status);
    }

    fn opened(&self, ticket: &Ticket) -> Opened {
        Opened {
            customer: ticket.requester_id.map(people::customer),
            channel: Some(channel(&ticket.via.channel)),
            subject: ticket.subject.clone(),
            url: Some(format!("{}/agent/tickets/{}", self.site, ticket.id)),
            tags: Some(ticket.tags.clone()),
            priority: ticket.priority.as_ref().map(ToString::to_string),
            ..Opened::new(conversation(ticket.id))
        }
    }

    /// Outbound is what somebody of the team began with words to the customer.
    fn direction(&self, ticket: &Ticket, audits: &[Audit]) -> Direction {
        let comments = audits.iter().flat_map(|audit| {
            audit.steps.iter().filter_map(move |step| match step {
                Step::Comment { author, public, .. } => Some((author.unwrap_or(audit.author), *public)),
                _ => None,
            })
        });
        let first = comments.into_iter().next();
        let (author, public) = first.or(ticket.submitter_id.map(|id| (id, true))).unwrap_or((SYSTEM, false));
        match self.people.side(author, ticket.requester_id) {
            Author::Agent if public => Direction::Outbound,
            _ => Direction::Inbound,
        }
    }

    fn side(&self, audit: &Audit, author: Id, requester: Option<Id>) -> Author {
        if audit.is_rule { Author::Bot } else { self.people.side(author, requester) }
    }

    /// Who did it.
    fn actor(&self, audit: &Audit, is_rule: bool, requester: Option<Id>) -> (StatusBy, Option<AgentId>) {
        if is_rule || audit.is_rule {
            return (StatusBy::Bot, None);
        }
        match self.people.side(audit.author, requester) {
            Author::Agent => (StatusBy::Agent, Some(agent(audit.author))),
            Author::Customer => (StatusBy::Customer, None),
            Author::Bot if audit.author > 0 => (StatusBy::Bot, None),
            Author::Bot => (StatusBy::System, None),
        }
    }

    fn say(&mut self, at: Timestamp, id: Id, kind: impl Into<EventKind>) {
        self.out.push((at, id, Event::new(at, kind)));
    }
}

/// The group that a ticket began in.
fn begun_in(begin: &Audit) -> Option<Id> {
    begin.steps.iter().find_map(|step| match step {
        Step::Field { field: Field::Group(group), created: true, .. } => *group,
        _ => None,
    })
}

/// The tags that a ticket began with.
fn begun_with(begin: &Audit) -> Option<Vec<String>> {
    begin.steps.iter().find_map(|step| match step {
        Step::Field { field: Field::Tags(tags), created: true, .. } => Some(tags.clone()),
        _ => None,
    })
}

/// Which ticket a merged one lives on in: only the words of its last comment say so, "… merged into request #123 …".
fn merged_into(audit: &Audit) -> Option<Id> {
    let ends = audit.steps.iter().any(|step| {
        matches!(step, Step::Field { field: Field::Status(word), created: false, .. } if matches!(&**word, "closed" | "solved"))
    });
    let texts = audit.steps.iter().filter_map(|step| match step {
        Step::Comment { text: Some(text), .. } if ends => Some(text),
        _ => None,
    });
    texts.flat_map(|text| numbers_after_hash(text)).find(|into| *into != audit.ticket)
}

fn numbers_after_hash(text: &str) -> impl Iterator<Item = Id> {
    text.split('#').skip(1).filter_map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse().ok()
    })
}

/// The channel in the words of the stream.
fn channel(word: &str) -> String {
    match word {
        "" => "other",
        "mail" => "email",
        "web" | "chat" | "native_messaging" | "web_widget" | "web_form" | "help_center" | "web_messenger" => "web",
        "facebook" | "facebook_messenger" | "messenger" => "messenger",
        "instagram_dm" | "instagram" => "instagram",
        "voice" | "phone" | "phone_call" | "voicemail" => "phone",
        "text" | "sms" => "sms",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests;
pub(super) mod waits;
