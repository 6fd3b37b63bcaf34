//! A conversation and its parts into events: pure.
//!
//! Parts are exact; what they miss, the conversation's own fields say, and it is told as of its last change. Fields of a
//! conversation suffice for who waits, who holds it and how it stands; parts tell all that happened.

use compact_str::CompactString;

use super::merge::{MOMENT, Merged};
use super::wire::{Actor, Conversation, Part, some_id};
use crate::event::{
    AgentId, Assigned, Author, ConversationId, CustomerId, Direction, Event, EventKind, Message, Opened, Status,
    StatusBy, TeamId, Timestamp, Words,
};

/// The highest satisfaction answer.
const SCALE: f64 = 5.0;
/// Who assigned, where a program did.
const BOT: &str = "bot";

/// What the events that were told of a conversation come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fold {
    pub holder: Option<AgentId>,
    pub team: Option<TeamId>,
    pub status: Status,
    pub waiting_since: Option<Timestamp>,
    /// The last answer or ending.
    pub answered_at: Timestamp,
    /// When the holder and the status were last told.
    pub assigned_at: Timestamp,
    pub status_at: Timestamp,
    /// The latest that was told.
    pub last_at: Timestamp,
    pub merged: bool,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            holder: None,
            team: None,
            status: Status::Open,
            waiting_since: None,
            answered_at: Timestamp::MIN,
            assigned_at: Timestamp::MIN,
            status_at: Timestamp::MIN,
            last_at: Timestamp::MIN,
            merged: false,
        }
    }
}

/// Whose a part is.
#[derive(Debug, Clone, PartialEq)]
enum Who {
    Customer,
    Agent(AgentId),
    Bot,
    Nobody,
}

/// The status in the words of the stream; `None` for one that is not known.
pub(super) fn status(word: &str) -> Option<Status> {
    Some(match word {
        "open" => Status::Open,
        "snoozed" => Status::Snoozed,
        "closed" => Status::Closed,
        _ => return None,
    })
}

/// The id of a conversation.
pub(super) fn conversation(id: &CompactString) -> ConversationId {
    ConversationId::new(id.clone())
}

fn holder(row: &Conversation) -> Option<AgentId> {
    some_id(row.admin_assignee_id.as_ref()).map(|id| AgentId::new(id.clone()))
}

fn team(row: &Conversation) -> Option<TeamId> {
    some_id(row.team_assignee_id.as_ref()).map(|id| TeamId::new(id.clone()))
}

impl Actor {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn who(&self) -> Who {
        let is_program = self.from_ai_agent == Some(true) || self.is_ai_answer == Some(true);
        match (self.kind(), some_id(self.id.as_ref())) {
            ("user" | "lead" | "contact", _) => Who::Customer,
            ("admin", Some(id)) if !is_program => Who::Agent(AgentId::new(id.clone())),
            ("", None) => Who::Nobody,
            _ => Who::Bot,
        }
    }
}

impl Conversation {
    /// When it last changed.
    pub(super) fn changed_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at).max(self.created_at)
    }

    /// Whether it has ended.
    pub(super) fn is_ended(&self) -> bool {
        self.state == "closed"
    }

    /// Since when its customer waits, by the vendor's word: older answers hold a far future instead of null.
    fn waiting_since(&self) -> Option<Timestamp> {
        let latest = self.changed_at() + chrono::TimeDelta::days(1);
        self.waiting_since.filter(|since| *since <= latest && !self.is_ended())
    }

    /// Whether its fields do not say if its customer waits: they say nobody does, and yet the last word may be the
    /// customer's, or a bot's.
    pub(super) fn is_doubtful(&self) -> bool {
        if self.is_ended() || self.waiting_since().is_some() {
            return false;
        }
        let statistics = self.statistics.clone().unwrap_or_default();
        let first = self.first_contact_reply.as_ref().and_then(|first| first.created_at);
        let asked_at = statistics.contact_reply.max(first);
        let replied_at = statistics.admin_reply.max(statistics.close);
        asked_at > replied_at
    }

    /// The customer, and the name where it is shown.
    pub(super) fn customer(&self) -> Option<(CustomerId, Option<&str>)> {
        let author = self.source.as_ref().and_then(|source| source.author.as_ref());
        let author = author.filter(|author| author.who() == Who::Customer);
        let contact = self.contacts.iter().flat_map(|all| &all.contacts).find_map(|one| some_id(one.id.as_ref()));
        let own = author.and_then(|author| some_id(author.id.as_ref()));
        let id = contact.or(own)?;
        let name = author.filter(|_| own == Some(id)).and_then(|author| author.name.as_deref());
        Some((CustomerId::new(id.clone()), name))
    }

    /// The names of its tags, and when the last was put on.
    pub(super) fn tags(&self) -> (Vec<String>, Option<Timestamp>) {
        let all = self.tags.iter().flat_map(|tags| &tags.tags);
        let mut names: Vec<String> = all.clone().filter_map(|tag| tag.name.clone()).collect();
        names.sort_unstable();
        (names, all.filter_map(|tag| tag.applied_at).max())
    }

    /// What is said of it.
    pub(super) fn opened(&self) -> Opened {
        let source = self.source.as_ref();
        let word = |word: Option<&CompactString>| word.map(CompactString::as_str).unwrap_or_default().to_owned();
        let delivered = word(source.and_then(|source| source.delivered_as.as_ref()));
        let is_outbound = ["admin_initiated", "automated", "campaigns_initiated"].contains(&delivered.as_str());
        let channel = match source.and_then(|source| source.kind.as_deref()) {
            Some("conversation") => Some("web"),
            Some("facebook") => Some("messenger"),
            Some("phone_call" | "phone_switch") => Some("phone"),
            other => other,
        };
        let subject = source.and_then(|source| source.subject.as_deref()).map(without_tags);
        Opened {
            customer: self.customer().map(|(id, _)| id),
            channel: channel.map(str::to_owned),
            subject: self.title.clone().or(subject).filter(|subject| !subject.is_empty()),
            direction: Some(if is_outbound { Direction::Outbound } else { Direction::Inbound }),
            priority: self.priority.as_deref().filter(|one| !["none", "not_priority"].contains(one)).map(str::to_owned),
            ..Opened::new(conversation(&self.id))
        }
    }

    /// Whose the first message is. Bots and campaigns write in an admin's name.
    fn first_author(&self) -> Who {
        let Some(source) = &self.source else { return Who::Nobody };
        match source.delivered_as.as_deref() {
            Some("automated" | "operator_initiated" | "campaigns_initiated") => Who::Bot,
            Some("customer_initiated") => match source.author.as_ref().map(Actor::who) {
                None | Some(Who::Nobody) => Who::Customer,
                Some(who) => who,
            },
            _ => source.author.as_ref().map_or(Who::Nobody, Actor::who),
        }
    }

    /// The satisfaction answer; dated by the part that brought it, else by its own last change.
    pub(super) fn rated(&self, parts: &[Part]) -> Option<(Timestamp, EventKind)> {
        let rating = self.rated.as_ref()?;
        let score = rating.score.filter(|score| (1.0..=SCALE).contains(score))?;
        let part = parts.iter().find(|part| part.kind() == "conversation_rating_changed").map(|part| part.created_at);
        let at = part.or(rating.updated_at).or(rating.created_at).unwrap_or(self.changed_at());
        let (conversation, comment) = (conversation(&self.id), rating.remark.clone().map(Words::from));
        Some((at, EventKind::Rated { conversation, score, scale: SCALE, comment }))
    }
}

/// A text without its HTML tags.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.trim().to_owned()
}

impl Part {
    /// Its type, a word of an open list: matched by pattern.
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    /// Of notes on attributes, whose names may look like something else.
    fn is_attribute(&self) -> bool {
        self.kind().contains("_updated_by_") || self.kind().starts_with("custom_action")
    }

    fn is_note(&self) -> bool {
        self.kind() == "note" || self.kind().starts_with("note_")
    }

    fn is_assignment(&self) -> bool {
        !self.is_attribute() && (self.kind().contains("assignment") || self.kind().starts_with("assign_"))
    }

    /// The status that it brings.
    fn status(&self) -> Option<Status> {
        match self.kind() {
            _ if self.is_attribute() => None,
            "close" => Some(Status::Closed),
            "open" => Some(Status::Open),
            "snoozed" => Some(Status::Snoozed),
            kind if kind.ends_with("_and_close") => Some(Status::Closed),
            kind if kind.contains("unsnooze") || kind.ends_with("reopen") => Some(Status::Open),
            _ => None,
        }
    }

    /// Whether it is a word to the customer or of the customer's: a comment always, an assignment, an opening, a closing
    /// where it carries one.
    fn is_message(&self) -> bool {
        let carries = self.body.is_some() || self.attachments.as_ref().is_some_and(|all| !all.is_empty());
        match self.kind() {
            "comment" | "quick_reply" => carries || self.redacted == Some(true),
            _ => carries && !self.is_note() && (self.is_assignment() || self.status().is_some()),
        }
    }

    fn who(&self) -> Who {
        self.author.as_ref().map_or(Who::Nobody, Actor::who)
    }

    /// The teammate who wrote or did it, and the name.
    pub(super) fn agent(&self) -> Option<(AgentId, Option<&str>)> {
        let Who::Agent(agent) = self.who() else { return None };
        Some((agent, self.author.as_ref().and_then(|author| author.name.as_deref())))
    }
}

/// Tells of one conversation, and keeps what that comes to.
pub(super) struct Telling<'a> {
    id: ConversationId,
    pub fold: Fold,
    /// When it was merged into another: then it was not closed.
    merged_at: Option<Timestamp>,
    out: &'a mut Vec<Event>,
}

impl<'a> Telling<'a> {
    /// Goes on after what was told.
    pub(super) fn new(row: &Conversation, fold: Fold, out: &'a mut Vec<Event>) -> Self {
        Self { id: conversation(&row.id), fold, merged_at: None, out }
    }

    /// All that happened, in order; of one that was merged into another, that in the place of its closing.
    pub(super) fn parts(&mut self, parts: &[Part], merged: Option<&Merged>) {
        self.merged_at = merged.map(|(at, _)| *at);
        for part in parts {
            self.part(part);
        }
        if let Some((at, into)) = merged.filter(|_| !self.fold.merged) {
            self.fold.merged = true;
            self.say(*at, EventKind::Merged { conversation: self.id.clone(), into: into.clone() });
        }
    }

    fn say(&mut self, at: Timestamp, kind: impl Into<EventKind>) {
        self.fold.last_at = self.fold.last_at.max(at);
        self.out.push(Event::new(at, kind));
    }

    fn message(&mut self, at: Timestamp, who: &Who, public: bool) {
        let (from, agent) = match who {
            Who::Customer => (Author::Customer, None),
            Who::Agent(agent) => (Author::Agent, Some(agent.clone())),
            Who::Bot | Who::Nobody => (Author::Bot, None),
        };
        match from {
            Author::Customer if public => {
                self.fold.waiting_since.get_or_insert(at);
                if self.fold.status.is_ended() {
                    self.fold.status = Status::Open;
                }
            }
            Author::Agent if public => (self.fold.waiting_since, self.fold.answered_at) = (None, at),
            _ => {}
        }
        let message = Message::public(self.id.clone(), from, agent);
        self.say(at, Message { public: (!public).then_some(false), ..message });
    }

    fn assigned(&mut self, at: Timestamp, to: Assigned) {
        if let Some(agent) = &to.agent {
            self.fold.holder.clone_from(agent);
            self.fold.assigned_at = at;
        }
        if let Some(team) = &to.team {
            self.fold.team.clone_from(team);
        }
        self.say(at, to);
    }

    fn status(&mut self, at: Timestamp, status: Status, by: Option<StatusBy>, agent: Option<AgentId>) {
        if status.is_ended() {
            (self.fold.waiting_since, self.fold.answered_at) = (None, at);
        }
        (self.fold.status, self.fold.status_at) = (status, at);
        self.say(at, EventKind::Status { conversation: self.id.clone(), status, by, agent });
    }

    /// How it began, with its first message. Who has it from the start is seen by there being no part that says since
    /// when.
    pub(super) fn beginning(&mut self, row: &Conversation, parts: &[Part], whole: bool) {
        let mut opened = row.opened();
        let to = |kind: &str| {
            parts
                .iter()
                .any(|part| part.is_assignment() && part.assigned_to.as_ref().is_some_and(|to| to.kind() == kind))
        };
        if whole && !to("team") {
            opened.team = team(row);
            self.fold.team.clone_from(&opened.team);
        }
        self.say(row.created_at, opened);
        match row.first_author() {
            Who::Nobody => {}
            who => self.message(row.created_at, &who, true),
        }
        if let Some(holder) = holder(row).filter(|_| whole && !parts.iter().any(Part::is_assignment)) {
            self.assigned(row.created_at, Assigned::to(self.id.clone(), Some(holder)));
        }
    }

    /// A conversation of which only the fields are known.
    pub(super) fn outline(&mut self, row: &Conversation) {
        self.say(row.created_at, row.opened());
    }

    /// What is said of it now.
    pub(super) fn opened_anew(&mut self, row: &Conversation) {
        self.say(self.fold.last_at.max(row.changed_at()), row.opened());
    }

    /// One thing that happened.
    fn part(&mut self, part: &Part) {
        let (at, who) = (part.created_at, part.who());
        if part.is_note() {
            self.message(at, &who, false);
        } else if part.is_message() {
            let before = self.fold.status;
            self.message(at, &who, true);
            // A customer's word brings back what was put off, with or without a part of its own.
            if who == Who::Customer
                && part.status().is_none()
                && before == Status::Snoozed
                && part.state.as_deref() == Some("open")
            {
                self.status(at, Status::Open, Some(StatusBy::Customer), None);
            }
        }
        if part.is_assignment() {
            let to = part.assigned_to.as_ref();
            let id = to.and_then(|to| some_id(to.id.as_ref()));
            let by = match &who {
                Who::Agent(agent) => Some(agent.clone()),
                Who::Bot => Some(AgentId::new(BOT)),
                Who::Customer | Who::Nobody => None,
            };
            let nobody = Assigned { by, ..Assigned::to(self.id.clone(), None) };
            let is_team = to.is_some_and(|to| to.kind().contains("team"));
            let to = if is_team {
                Assigned { agent: None, team: Some(id.map(|id| TeamId::new(id.clone()))), ..nobody }
            } else {
                Assigned { agent: Some(id.map(|id| AgentId::new(id.clone()))), ..nobody }
            };
            self.assigned(at, to);
        }
        let is_merger = self.merged_at.is_some_and(|merged_at| (at - merged_at).abs() <= MOMENT);
        if let Some(status) = part.status().filter(|status| !is_merger || !status.is_ended()) {
            let (by, agent) = match who {
                _ if part.kind().starts_with("timer") => (StatusBy::System, None),
                Who::Agent(agent) => (StatusBy::Agent, Some(agent)),
                Who::Customer => (StatusBy::Customer, None),
                Who::Bot => (StatusBy::Bot, None),
                Who::Nobody => (StatusBy::System, None),
            };
            self.status(at, status, Some(by), agent);
        }
    }

    /// What the fields say and nothing that was told does, as of the last change; all of it where that is wanted, for
    /// it may have been told otherwise before.
    pub(super) fn correct(&mut self, row: &Conversation, not_before: Timestamp, all: bool) {
        if self.fold.merged {
            return;
        }
        let at = row.changed_at().max(not_before).max(self.fold.last_at);
        // Of parts that begin later than the wait, the fields say when it began.
        if let Some(since) = row.waiting_since()
            && self.fold.waiting_since.is_none_or(|told| since < told)
            && since > self.fold.answered_at
        {
            self.message(since, &Who::Customer, true);
            self.fold.waiting_since = Some(since);
        }
        let statistics = row.statistics.clone().unwrap_or_default();
        let (holder, team) = (holder(row), team(row));
        if self.fold.team != team || all {
            let to = Assigned { agent: None, team: Some(team), ..Assigned::to(self.id.clone(), None) };
            self.assigned(at, to);
        }
        if self.fold.holder != holder || all {
            // The last assignment may be of the team only; nothing says more.
            let since = statistics.assignment;
            let since =
                since.filter(|since| !all && *since >= self.fold.assigned_at.max(row.created_at) && *since <= at);
            self.assigned(since.unwrap_or(at), Assigned::to(self.id.clone(), holder));
        }
        if let Some(status) = status(&row.state)
            && (self.fold.status != status || all)
        {
            let least = self.fold.status_at.max(row.created_at).max(self.fold.waiting_since.unwrap_or(Timestamp::MIN));
            let closed_at = statistics.close.filter(|_| row.is_ended());
            self.status(closed_at.filter(|since| *since >= least && *since <= at).unwrap_or(at), status, None, None);
        }
    }

    /// It is not there any more.
    pub(super) fn vanish(id: &ConversationId, at: Timestamp, fold: &mut Fold, out: &mut Vec<Event>) {
        let mut telling = Telling { id: id.clone(), fold: fold.clone(), merged_at: None, out };
        let at = at.max(telling.fold.last_at);
        telling.status(at, Status::Closed, Some(StatusBy::System), None);
        *fold = telling.fold;
    }

    /// A satisfaction answer.
    pub(super) fn rated(&mut self, (at, kind): (Timestamp, EventKind)) {
        self.say(at, kind);
    }

    /// Its tags.
    pub(super) fn tagged(&mut self, tags: Vec<String>, at: Timestamp) {
        self.say(at, EventKind::Tagged { conversation: self.id.clone(), tags });
    }
}
