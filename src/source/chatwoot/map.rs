//! From what the API shows of a conversation to a record for the differ. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use compact_str::{CompactString, ToCompactString};

use super::wire::{Message, Person, Row};
use crate::event::{
    Agent, AgentId, Author, ConversationId, CustomerId, Direction, Event, Opened, Status, StatusBy, TeamId, Timestamp,
    Words,
};
use crate::source::differ::{Ended, Record, Said, Since};
use crate::source::roster::Roster;

/// Message types.
const INCOMING: u64 = 0;
const OUTGOING: u64 = 1;
const ACTIVITY: u64 = 2;

/// How notes end of which only programs are the authors.
const BY_PROGRAMS: [&str; 2] = [" due to inactivity", " (no outstanding questions)"];
/// Authors of messages that are programs.
const PROGRAMS: [&str; 2] = ["agent_bot", "captain_assistant"];

/// Who answered in the channel's own app where nobody holds the conversation: a person of the team, nobody knows which.
const OUTSIDE: &str = "channel-app";

/// Who and what a conversation can point to.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Agents by number.
    pub agents: BTreeMap<u64, Person>,
    /// Inboxes by number.
    pub inboxes: HashMap<u64, Person>,
    /// The address of a conversation's page, up to its number.
    pub pages: String,
}

/// The id of a conversation.
pub(super) fn conversation(number: u64) -> ConversationId {
    ConversationId::new(number.to_string())
}

/// The id of an agent.
pub(super) fn agent(number: u64) -> AgentId {
    AgentId::new(number.to_string())
}

/// Who stands for those of the team who answer in the channel's own app.
pub(super) fn outside() -> Agent {
    Agent::new(AgentId::new(OUTSIDE), "(in the channel's own app)")
}

/// Whether there is such an answer in it.
pub(super) fn is_outside(record: &Record) -> bool {
    record.messages.iter().any(|said| said.agent.as_ref().is_some_and(|agent| agent.as_str() == OUTSIDE))
}

/// The id of a team.
pub(super) fn team(number: u64) -> TeamId {
    TeamId::new(number.to_string())
}

/// The status in the words of the stream; `None` for one that is not known.
///
/// `pending` is with the bot, whose turn it is as long as nobody is handed the chat.
pub(super) fn status(word: &str) -> Option<Status> {
    Some(match word {
        "open" => Status::Open,
        "pending" => Status::Pending,
        "snoozed" => Status::Snoozed,
        "resolved" => Status::Resolved,
        _ => return None,
    })
}

impl Row {
    /// The agent who holds it: a bot that holds it is nobody, and may have an agent's number.
    pub(super) fn holder(&self) -> Option<AgentId> {
        let is_bot = self.meta.assignee_type.as_deref().is_some_and(|kind| kind != "User");
        self.meta.assignee.as_ref().filter(|_| !is_bot).map(|person| agent(person.id))
    }

    /// Whether it is neither ended nor of a status that is not known.
    pub(super) fn is_active(&self) -> bool {
        status(&self.status).is_some_and(|status| !status.is_ended())
    }

    /// Whether only its messages can tell if a customer waits, and since when.
    pub(super) fn is_doubtful(&self) -> bool {
        match &self.last_non_activity_message {
            None => false,
            Some(last) => last.author() != Some((Author::Agent, true)),
        }
    }

    /// The last messages by time: of any kind, and that was said.
    pub(super) fn last_messages(&self) -> [Option<u64>; 2] {
        [self.messages.first().map(|last| last.id), self.last_non_activity_message.as_ref().map(|last| last.id)]
    }

    /// The last message of any kind that there was when it was read: later ones belong to a later look.
    pub(super) fn last_message(&self) -> u64 {
        let last = self.last_non_activity_message.as_ref().map_or(0, |message| message.id);
        self.messages.iter().map(|message| message.id).fold(last, u64::max)
    }

    /// Whether there was that message when it was read. One that came by time before the last one may have a greater
    /// number.
    pub(super) fn knows(&self, message: &Message) -> bool {
        let last = self.last_non_activity_message.as_ref().map(|last| last.created_at);
        let last = self.messages.iter().filter_map(|last| last.created_at).fold(last, |a, b| a.max(Some(b)));
        message.id <= self.last_message() || Some(message.created_at) < last
    }

    /// The row for what is to be told with its messages, which bring the words of the last one, too: a start may hold
    /// many.
    pub(super) fn without_words(mut self) -> Self {
        if let Some(last) = &mut self.last_non_activity_message {
            (last.content, last.sender) = (None, None);
        }
        self
    }

    /// What tells one state of it from the next.
    pub(super) fn changed_at(&self) -> Timestamp {
        self.updated_at.or(self.last_activity_at).unwrap_or(self.created_at)
    }

    /// What is known of its customer.
    pub(super) fn tell_customer(&self, roster: &mut Roster, out: &mut Vec<Event>) {
        if let Some(sender) = &self.meta.sender {
            let name = Some(sender.name.as_str()).filter(|name| !name.is_empty());
            roster.customer(&CustomerId::new(sender.id.to_string()), name, None, out);
        }
    }

    /// The record, with the messages that are known: all of them where they are `whole`, else some of the last ones.
    ///
    /// `since` is when it was looked at before: nothing that is not dated by a message happened before that. `None`
    /// where its status is a word that is not known.
    pub(super) fn record(
        &self,
        messages: &[Message],
        whole: bool,
        known: &Known,
        since: Option<Timestamp>,
    ) -> Option<Record> {
        let opened = Opened {
            customer: self.meta.sender.as_ref().map(|sender| CustomerId::new(sender.id.to_string())),
            channel: Some(self.channel(known)).filter(|channel| !channel.is_empty()),
            subject: self.additional_attributes.mail_subject.clone(),
            url: Some(format!("{}{}", known.pages, self.id)),
            direction: whole.then(|| direction(messages)),
            priority: self.priority.clone(),
            ..Opened::new(conversation(self.id))
        };
        let status = status(&self.status)?;
        let holder = self.holder();
        let mut record = Record::new(opened, self.created_at, Since::seen(status));
        if status.is_ended() {
            let ending = ending(messages, known, since);
            // Where no message says when: at the last change that a later look sees, else not before the last that happened.
            let changed_at = since.map(|since| self.changed_at().max(since)).or(self.last_activity_at);
            record.status.at = ending.as_ref().map(|ending| ending.0).or(changed_at);
            (record.by, record.by_agent) = ending.map_or((None, None), |(_, by, agent)| (by, agent));
        } else if status == Status::Open {
            record.status.at = reopened(messages, known, since);
        }
        let given_at = holder.as_ref().and_then(|holder| given(messages, holder, known));
        record.holder = Some(Since { value: holder.clone(), at: given_at });
        record.team = Some(Since::seen(self.meta.team.as_ref().map(|one| team(one.id))));
        record.tags = Some(self.labels.clone());
        record.messages = messages.iter().filter_map(|message| message.said(holder.as_ref())).collect();
        record.endings = messages.iter().filter_map(|message| message.ending(messages, known)).collect();
        record.whole = whole;
        Some(record)
    }

    /// Adds to its last message what only the row tells of it.
    pub(super) fn complete(&self, messages: &mut [Message]) {
        let Some(last) = &self.last_non_activity_message else { return };
        for message in messages.iter_mut().filter(|message| message.id == last.id) {
            let campaign = &mut message.additional_attributes.campaign_id;
            *campaign = campaign.or(last.additional_attributes.campaign_id);
        }
    }

    /// The way it came, in the words of the stream where it has one.
    fn channel(&self, known: &Known) -> String {
        let kind = self.meta.channel.trim_start_matches("Channel::");
        let medium = self.inbox_id.and_then(|inbox| known.inboxes.get(&inbox)).map(|inbox| inbox.medium.as_str());
        match (kind, medium) {
            ("WebWidget", _) => "web",
            ("FacebookPage", _) => "messenger",
            ("TwilioSms", Some("whatsapp")) => "whatsapp",
            ("TwilioSms", _) => "sms",
            ("TwitterProfile", _) => "twitter",
            _ => return kind.to_ascii_lowercase(),
        }
        .to_owned()
    }
}

impl Message {
    /// Whose it is and whether the customer sees it, who sees nothing of what could not be delivered; `None` for what is no
    /// message. What a person wrote in the channel's own app has no author, but is marked.
    pub(super) fn author(&self) -> Option<(Author, bool)> {
        let kind = self.sender.as_ref().map_or("", |sender| sender.kind.as_str());
        let by_program =
            self.content_attributes.automation_rule_id.is_some() || self.additional_attributes.campaign_id.is_some();
        let author = match self.kind {
            ACTIVITY => return None,
            INCOMING => return Some((Author::Customer, !self.private)),
            OUTGOING if !by_program && (kind == "user" || self.content_attributes.external_echo) => Author::Agent,
            _ => Author::Bot,
        };
        Some((author, !self.private && self.status != "failed"))
    }

    fn said(&self, holder: Option<&AgentId>) -> Option<Said> {
        let (from, public) = self.author()?;
        let sender = self.sender.as_ref().filter(|sender| sender.kind == "user");
        let by = sender.map(|sender| agent(sender.id)).or_else(|| holder.cloned());
        let by = by.unwrap_or_else(|| AgentId::new(OUTSIDE));
        Some(Said {
            key: self.key(),
            at: self.created_at,
            from,
            agent: (from == Author::Agent).then_some(by),
            public,
            text: self.content.clone().map(Words::from),
        })
    }

    /// Whether a person wrote it in the channel's own app: nobody knows which.
    fn is_echo(&self) -> bool {
        self.author().is_some_and(|(from, _)| from == Author::Agent)
            && self.sender.as_ref().is_none_or(|sender| sender.kind != "user")
    }

    /// The ending that a note of the desk tells of, where its words are understood. A program is known by the form of the
    /// note, or by a message of it among these; of a name that is nobody's, agents may have been renamed or be gone, it is
    /// not said whose it is.
    fn ending(&self, among: &[Self], known: &Known) -> Option<Ended> {
        let words = self.activity()?;
        let by = |by, agent| Some(Ended { at: self.created_at, by, agent, before: self.followed_by(among) });
        if words.starts_with("Conversation was resolved by ") {
            return by(Some(StatusBy::Customer), None);
        }
        let who = words.strip_prefix("Conversation was marked resolved by ")?;
        if who == "Automation System" || who.starts_with("system due to ") {
            return by(Some(StatusBy::System), None);
        }
        if BY_PROGRAMS.iter().any(|form| who.ends_with(form)) {
            return by(Some(StatusBy::Bot), None);
        }
        let agents = known.named(who, among);
        if !agents.is_empty() {
            return by(Some(StatusBy::Agent), one_of(agents));
        }
        let programs =
            among.iter().filter_map(|one| one.sender.as_ref()).filter(|sender| PROGRAMS.contains(&&*sender.kind));
        let is_program = |name: &str| !name.is_empty() && (who == name || who.split(": ").next() == Some(name));
        let is_bot = programs.into_iter().any(|sender| is_program(&sender.name));
        by(is_bot.then_some(StatusBy::Bot), None)
    }

    /// What tells it from others of the conversation.
    fn key(&self) -> CompactString {
        self.id.to_compact_string()
    }

    /// The first message of the same second that came after it, as their numbers tell.
    fn followed_by(&self, among: &[Self]) -> Option<CompactString> {
        let is_after = |one: &&Self| one.created_at == self.created_at && one.id > self.id && one.author().is_some();
        among.iter().filter(is_after).min_by_key(|one| one.id).map(Self::key)
    }

    /// The words of a note that the desk itself wrote.
    fn activity(&self) -> Option<&str> {
        self.content.as_deref().filter(|_| self.kind == ACTIVITY)
    }
}

/// Outbound where the first that was said was said by the team.
fn direction(messages: &[Message]) -> Direction {
    let first = messages.iter().filter(|message| !message.private).find_map(Message::author);
    match first {
        Some((Author::Agent, _)) => Direction::Outbound,
        _ => Direction::Inbound,
    }
}

/// Whether a note of the desk dates an ending that came since then.
pub(super) fn is_noted(messages: &[Message], known: &Known, since: Option<Timestamp>) -> bool {
    ending(messages, known, since).is_some()
}

/// When and by whom it was ended, by the last note of the desk that says so. The notes are translated: where none is
/// understood, the last note of any kind since the look before dates it, and nobody is named.
fn ending(
    messages: &[Message],
    known: &Known,
    since: Option<Timestamp>,
) -> Option<(Timestamp, Option<StatusBy>, Option<AgentId>)> {
    // A note from before the customer's last message is about an earlier ending.
    let asked_at = messages.iter().rev().find(|message| message.kind == INCOMING).map(|asked| asked.created_at);
    let after = asked_at.max(since).unwrap_or(Timestamp::MIN);
    let notes = || messages.iter().rev().filter(|message| message.created_at >= after);
    let said =
        notes().find_map(|message| message.ending(messages, known)).map(|ended| (ended.at, ended.by, ended.agent));
    let last = || notes().find(|message| message.activity().is_some()).map(|note| (note.created_at, None, None));
    said.or_else(last)
}

/// When it was opened again, by the last note of the desk since the look before that says so, where none says that it
/// ended after that.
fn reopened(messages: &[Message], known: &Known, since: Option<Timestamp>) -> Option<Timestamp> {
    let mut notes = messages.iter().rev().take_while(|message| Some(message.created_at) >= since);
    let last = notes.find_map(|message| match message.activity() {
        Some(words) if words.starts_with("Conversation was reopened by ") => Some(Some(message.created_at)),
        _ => message.ending(messages, known).map(|_| None),
    });
    last.flatten()
}

/// Takes out of the record of what an earlier run told the answers from the channel's own app up to then: who held the
/// conversation at the time is not known any more, and they would be told as those of who holds it now.
pub(super) fn without_echoes(record: &mut Record, messages: &[Message], told_to: Timestamp) {
    let told = messages.iter().filter(|message| message.is_echo() && message.created_at <= told_to);
    let told: BTreeSet<String> = told.map(|message| message.id.to_string()).collect();
    record.messages.retain(|said| !told.contains(&*said.key));
}

/// When the holder got it, by the last note of the desk that says who did; they are translated, so mostly it is not known.
fn given(messages: &[Message], holder: &AgentId, known: &Known) -> Option<Timestamp> {
    let note = messages.iter().rev().find_map(|message| {
        let words = message.activity()?;
        let to = words
            .strip_prefix("Assigned to ")
            .and_then(|rest| rest.split(" by ").next())
            .map(|to| to.split(" via ").next().unwrap_or(to))
            .or_else(|| words.strip_suffix(" self-assigned this conversation"))?;
        Some((message.created_at, one_of(known.named(to, messages))))
    })?;
    (note.1.as_ref() == Some(holder)).then_some(note.0)
}

impl Known {
    /// The agents of that name; where there is none, those who wrote under it and may be agents no more.
    fn named(&self, name: &str, among: &[Message]) -> BTreeSet<AgentId> {
        let is_it = |person: &&Person| !name.is_empty() && (person.name == name || person.available_name == name);
        let now: BTreeSet<_> = self.agents.values().filter(is_it).map(|person| agent(person.id)).collect();
        if !now.is_empty() {
            return now;
        }
        let people =
            among.iter().filter_map(|message| message.sender.as_deref()).filter(|sender| sender.kind == "user");
        people.filter(is_it).map(|person| agent(person.id)).collect()
    }
}

/// The one where there is one only.
fn one_of(agents: BTreeSet<AgentId>) -> Option<AgentId> {
    let mut agents = agents.into_iter();
    agents.next().filter(|_| agents.next().is_none())
}
