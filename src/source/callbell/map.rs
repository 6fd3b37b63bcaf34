//! From what the API shows of a contact and its messages to a record for the differ. Pure.

use std::collections::HashMap;

use compact_str::format_compact;
use xxhash_rust::xxh3::xxh3_64;

use super::wire::{Closed, Contact, Message};
use crate::event::{
    AgentId, Author, ConversationId, CustomerId, Direction, Event, Opened, Status, TeamId, Timestamp, Words,
};
use crate::source::differ::{Record, Said, Since};
use crate::source::roster::Roster;

/// The agent who stands for somebody nobody was assigned to, where such messages are to count as answers.
pub(super) const NOBODY: &str = "unassigned";
/// How the desk says in a chat that it was assigned; seen in English only.
const ASSIGNED: &str = "Conversation was assigned to ";

/// The id of a contact's conversation.
pub(super) fn conversation(uuid: &str) -> ConversationId {
    ConversationId::new(uuid)
}

/// The id of an agent: the address, in lower case as it is spelled in more ways than one.
pub(super) fn agent(email: &str) -> AgentId {
    AgentId::new(email.trim().to_lowercase())
}

/// The names of agents, to understand what the desk says of them; `None` for a name that several have.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(HashMap<String, Option<AgentId>>);

impl Names {
    pub(super) fn of<'a>(people: impl Iterator<Item = (&'a str, AgentId)>) -> Self {
        let mut names: HashMap<String, Option<AgentId>> = HashMap::new();
        for (name, agent) in people.filter(|(name, _)| !name.trim().is_empty()) {
            let known = names.entry(name.trim().to_owned()).or_insert_with(|| Some(agent.clone()));
            if known.as_ref() != Some(&agent) {
                *known = None;
            }
        }
        Self(names)
    }
}

/// Who held a chat when it was looked at before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub by: Option<AgentId>,
    pub at: Timestamp,
}

/// What was read of a contact's messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Thread {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// They begin with the first.
    pub whole: bool,
}

/// Whose a sent message is taken to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sender {
    Nobody,
    Holder(AgentId),
}

/// Whom the desk says that a chat was assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    To(AgentId),
    /// A name that nobody has who is known, or several have.
    ToSomebody,
}

/// How what is sent is credited: nothing in the API says who wrote it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credit<'a> {
    pub names: &'a Names,
    /// What is sent while nobody is assigned is an answer.
    pub unassigned_answers: bool,
}

impl Message {
    pub(super) fn is_sent(&self) -> bool {
        self.status == "sent"
    }

    pub(super) fn is_received(&self) -> bool {
        self.status == "received"
    }

    /// Whom the desk says here that the chat was assigned to.
    pub(super) fn assigned(&self, names: &Names) -> Option<Given> {
        let text = self.text.as_deref().filter(|_| self.status == "note")?;
        let name = text.trim().strip_prefix(ASSIGNED)?.trim_end_matches('.').trim();
        Some(names.0.get(name).cloned().flatten().map_or(Given::ToSomebody, Given::To))
    }

    /// What tells it from others of the same instant.
    pub(super) fn print(&self) -> u64 {
        xxh3_64(format!("{}\0{}\0{:?}", self.created_at.millis(), self.status, self.text).as_bytes())
    }
}

impl Contact {
    /// The agent it is assigned to.
    pub(super) fn holder(&self) -> Option<AgentId> {
        self.assigned_user.as_deref().filter(|email| !email.trim().is_empty()).map(agent)
    }

    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        if let Closed::At(at) = self.closed_at { Some(at) } else { None }
    }

    /// A print of all that is told of it and that can change without a message.
    pub(super) fn print(&self) -> u64 {
        let said = (&self.name, &self.source, &self.closed_at, self.holder(), &self.team, &self.tags, self.blocked_at);
        xxh3_64(format!("{said:?}").as_bytes())
    }

    /// What is known of its customer.
    pub(super) fn tell_customer(&self, roster: &mut Roster, out: &mut Vec<Event>) {
        let name = self.name.as_deref().or(self.phone_number.as_deref());
        roster.customer(&CustomerId::new(&*self.uuid), name, None, out);
    }

    /// The record, with the messages that were read. `held` is who held it at an earlier look.
    pub(super) fn record(
        &self,
        thread: &Thread,
        held: Option<&Held>,
        looked_at: Timestamp,
        credit: Credit<'_>,
    ) -> Record {
        let Thread { messages, whole } = thread;
        let first_at = messages.first().map(|first| first.created_at);
        // A message may be a second older than the contact that it made.
        let opened_at = self.created_at.or(first_at).unwrap_or(looked_at);
        let opened_at = first_at.filter(|at| *whole && *at < opened_at).unwrap_or(opened_at);
        let opened = Opened {
            customer: Some(CustomerId::new(&*self.uuid)),
            channel: self.source.as_deref().map(channel).filter(|channel| !channel.is_empty()),
            url: self.conversation_href.clone().or_else(|| self.href.clone()),
            direction: whole.then(|| direction(messages)),
            ..Opened::new(conversation(&self.uuid))
        };
        let status = match self.closed_at {
            Closed::At(at) => Since::dated(Status::Closed, at),
            Closed::Never | Closed::Untold => Since::seen(Status::Open),
        };
        let mut record = Record::new(opened, opened_at, status);
        let holder = self.holder();
        let last = messages.iter().rev().find_map(|one| Some((one.created_at, one.assigned(credit.names)?)));
        let given_at =
            last.filter(|(_, given)| matches!(given, Given::To(to) if Some(to) == holder.as_ref())).map(|(at, _)| at);
        record.holder = Some(Since { value: holder.clone(), at: given_at });
        let team = self.team.as_ref();
        record.team = team.map(|team| Since::seen(team.uuid.as_deref().map(TeamId::new)));
        record.tags = Some(self.tags.clone());
        record.messages = said(thread, held, holder.as_ref(), credit);
        record.whole = *whole;
        record
    }
}

/// The messages, each credited to whoever held the chat when it was sent: by the desk's own notes, else by the looks.
fn said(thread: &Thread, held: Option<&Held>, holder: Option<&AgentId>, credit: Credit<'_>) -> Vec<Said> {
    let as_sender = |agent: Option<&AgentId>| agent.map_or(Sender::Nobody, |agent| Sender::Holder(agent.clone()));
    let before_looks = as_sender(held.map_or(holder, |held| held.by.as_ref()));
    let notes = || thread.messages.iter().filter_map(|one| one.assigned(credit.names));
    // Before the first note nobody had it; where there is none, whoever is seen to have it is taken to have had it.
    let mut sender = if thread.whole && notes().next().is_some() { Sender::Nobody } else { before_looks.clone() };
    let mut is_noted_since_look = false;
    let mut said = Vec::with_capacity(thread.messages.len());
    for message in &thread.messages {
        // Both are whole seconds: of one and the same, it may have been after the look.
        let is_since_look = held.is_some_and(|held| message.created_at >= held.at);
        if let Some(given) = message.assigned(credit.names) {
            sender = match given {
                Given::To(to) => Sender::Holder(to),
                Given::ToSomebody => as_sender(holder),
            };
            is_noted_since_look |= is_since_look;
        }
        let by = match (message.is_received(), message.is_sent()) {
            (true, _) => None,
            (_, true) if is_since_look && !is_noted_since_look => Some(before_looks.clone()),
            (_, true) => Some(sender.clone()),
            // Nothing says who wrote a note, and words that are not known are nobody's.
            _ => continue,
        };
        let (from, agent) = match by {
            None => (Author::Customer, None),
            Some(Sender::Holder(agent)) => (Author::Agent, Some(agent)),
            Some(Sender::Nobody) if credit.unassigned_answers => (Author::Agent, Some(AgentId::new(NOBODY))),
            Some(Sender::Nobody) => (Author::Bot, None),
        };
        said.push(Said {
            key: format_compact!("{:x}", message.print()),
            at: message.created_at,
            from,
            agent,
            public: true,
            text: message.text.clone().map(Words::from),
        });
    }
    said
}

/// Outbound where the first that was said was sent.
fn direction(messages: &[Message]) -> Direction {
    match messages.iter().find(|message| message.is_sent() || message.is_received()) {
        Some(first) if first.is_sent() => Direction::Outbound,
        _ => Direction::Inbound,
    }
}

/// The way it came, in the words of the stream.
fn channel(source: &str) -> String {
    match source {
        "facebook" => "messenger".to_owned(),
        other => other.to_lowercase(),
    }
}
