//! A conversation and its parts into events: pure.
//!
//! Parts are exact; what they miss, the conversation's own fields say, and it is told as of its last change. Fields of a
//! conversation suffice for who waits, who holds it and how it stands; parts tell all that happened.

use chrono::TimeDelta;
use compact_str::CompactString;

use super::ask::seconds;
use super::merge::{MOMENT, Merged};
use super::wire::{Actor, Conversation, Part, some_id};
use crate::event::{
    AgentId, Assigned, Author, ConversationId, Event, EventKind, Message, Status, StatusBy, TeamId, Timestamp,
};

/// Who assigned, where a program did.
const BOT: &str = "bot";
/// An ending that only the fields show is told so long after it: the part that says whose it is may be read later, and
/// comes first then. Parts are of whole seconds.
const BEHIND_ITS_PART: TimeDelta = TimeDelta::milliseconds(1);

/// What the customer wrote in the second of an answer, or of an ending, and after it is told so long after it: its fields
/// may have told it before, and of one instant what is told first comes first.
const AFTER_THE_ANSWER: TimeDelta = TimeDelta::milliseconds(2);

/// What the events that were told of a conversation come to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fold {
    pub holder: Option<AgentId>,
    pub team: Option<TeamId>,
    pub status: Status,
    pub waiting_since: Option<Timestamp>,
    /// The last answer or ending.
    pub answered_at: Timestamp,
    /// The last ending.
    pub ended_at: Timestamp,
    /// A wait that an ending hides which was told and was none.
    pub hidden: Option<Timestamp>,
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
            ended_at: Timestamp::MIN,
            hidden: None,
            assigned_at: Timestamp::MIN,
            status_at: Timestamp::MIN,
            last_at: Timestamp::MIN,
            merged: false,
        }
    }
}

impl Fold {
    /// Of one that was ended then; nothing else is known.
    pub(super) fn ended(at: Timestamp) -> Self {
        Self { status: Status::Closed, status_at: at, answered_at: at, ended_at: at, last_at: at, ..Self::default() }
    }

    /// What was told before without the parts still holds where nothing in them is later.
    pub(super) fn keep(&mut self, told: &Self) {
        if let Some(since) = self.waiting_since.filter(|since| *since < told.answered_at) {
            self.waiting_since = told.waiting_since.filter(|since| *since > self.answered_at);
            self.hidden = Some(since).filter(|since| self.waiting_since.is_none() && *since < told.ended_at);
        }
        let is_ended = told.status.is_ended() && self.waiting_since.is_none();
        if told.status_at > self.status_at && (is_ended || !told.status.is_ended()) {
            (self.status, self.status_at) = (told.status, told.status_at);
        }
        self.answered_at = self.answered_at.max(told.answered_at);
    }
}

/// How the fields are told beside what was told already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    /// Nothing of them is dated before this, but what has a time of its own.
    pub not_before: Timestamp,
    /// All of them, for it may have been told otherwise before.
    pub all: bool,
    /// The parts were told: what the fields say beyond them, no part does.
    pub has_parts: bool,
    /// The parts can't be read: an answer that the fields show is told where it ends a wait that was told, or is of then
    /// or later, for of that an earlier run may have told a wait.
    pub unread_since: Option<Timestamp>,
}

/// Whose a part is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Who {
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

    pub(super) fn who(&self) -> Who {
        let is_program = self.from_ai_agent == Some(true) || self.is_ai_answer == Some(true);
        match (self.kind(), some_id(self.id.as_ref())) {
            ("user" | "lead" | "contact", _) => Who::Customer,
            ("admin", Some(id)) if !is_program => Who::Agent(AgentId::new(id.clone())),
            ("", None) => Who::Nobody,
            _ => Who::Bot,
        }
    }
}

impl Part {
    /// Its type, a word of an open list: matched by pattern.
    pub(super) fn kind(&self) -> &str {
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
                self.fold.hidden = None;
                if self.fold.status.is_ended() {
                    (self.fold.status, self.fold.status_at) = (Status::Open, at);
                }
            }
            Author::Agent if public => {
                (self.fold.waiting_since, self.fold.hidden, self.fold.answered_at) = (None, None, at);
            }
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
            (self.fold.waiting_since, self.fold.hidden) = (None, None);
            (self.fold.answered_at, self.fold.ended_at) = (at, at);
        }
        (self.fold.status, self.fold.status_at) = (status, at);
        self.say(at, EventKind::Status { conversation: self.id.clone(), status, by, agent });
    }

    /// How it began, with its first message. Who has it from the start is seen by there being no part that says since
    /// when. Where the parts do not begin there, the first message waits for none of them: it is told with its answer.
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
        let answered_at = row.statistics.as_ref().and_then(|statistics| statistics.first_reply);
        let answer = answered_at.filter(|at| parts.first().is_some_and(|part| *at < part.created_at)).zip(holder(row));
        match row.first_author() {
            Who::Nobody => {}
            Who::Customer if !whole && answer.is_none() => {}
            who => self.message(row.created_at, &who, true),
        }
        // Nothing says who it was: whoever holds it, most likely.
        if let Some((at, holder)) = answer.filter(|_| !whole) {
            self.message(at, &Who::Agent(holder), true);
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

    /// When a part is told: parts are of whole seconds, and in their order.
    fn instant(&self, part: &Part, who: &Who) -> Timestamp {
        let (at, is_asked) = (part.created_at, *who == Who::Customer && part.is_message());
        let same_second = self.fold.waiting_since.filter(|since| seconds(*since) == seconds(at));
        if is_asked && self.fold.answered_at == at {
            return at + AFTER_THE_ANSWER;
        }
        same_second.map_or(at, |since| since.max(at))
    }

    /// One thing that happened.
    fn part(&mut self, part: &Part) {
        let who = part.who();
        let at = self.instant(part, &who);
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

    /// What the fields say and nothing that was told does, as of the last change.
    pub(super) fn correct(&mut self, row: &Conversation, trust: Trust) {
        if self.fold.merged {
            return;
        }
        let all = trust.all;
        let at = row.changed_at().max(trust.not_before).max(self.fold.last_at);
        // Of parts that begin later than the wait, the fields say when it began.
        if let Some(since) = row.waiting_since()
            && self.fold.waiting_since.is_none_or(|told| since < told)
            && since > self.fold.answered_at
        {
            self.message(since, &Who::Customer, true);
            self.fold.waiting_since = Some(since);
        }
        let is_back = self.fold.status.is_ended() && !row.is_ended();
        let statistics = row.statistics.clone().unwrap_or_default();
        let (holder, team) = (holder(row), team(row));
        // Nothing says who it was: whoever holds it, most likely.
        if let (Some(least), Some(since), Some(agent)) = (trust.unread_since, row.answered_at(), &holder)
            && since > self.fold.answered_at
            && (since >= least || self.fold.waiting_since.is_some_and(|told| told <= since))
        {
            self.message(since, &Who::Agent(agent.clone()), true);
        }
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
            let since = closed_at.filter(|since| *since >= least && *since <= at).unwrap_or(at);
            let is_early = row.is_ended() && !trust.has_parts;
            self.status(if is_early { since + BEHIND_ITS_PART } else { since }, status, None, None);
        }
        // Who waits still though an ending was told that was none waits from now on.
        let is_hidden = self.fold.hidden.is_some() && trust.has_parts;
        let waits = is_hidden || row.waiting_since().is_some() && (is_back || self.fold.hidden.is_some());
        if waits && !row.is_ended() && self.fold.waiting_since.is_none() {
            self.message(at, &Who::Customer, true);
        }
    }

    /// It is not there any more.
    pub(super) fn vanish(id: &ConversationId, at: Timestamp, fold: &mut Fold, out: &mut Vec<Event>) {
        let mut telling = Telling { id: id.clone(), fold: fold.clone(), merged_at: None, out };
        let at = at.max(telling.fold.last_at);
        let waits = telling.fold.waiting_since;
        telling.status(at, Status::Closed, Some(StatusBy::System), None);
        *fold = Fold { hidden: waits, ..telling.fold };
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
