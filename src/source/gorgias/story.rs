//! Tickets, messages and what happened into events: pure.

use std::collections::HashSet;

use compact_str::ToCompactString;
use xxhash_rust::xxh3::xxh3_64;

use super::people::{self, People};
use super::threads::Thread;
use super::waits::Wait;
use super::wire::{Happened, Message, Ticket, What};
use crate::event::{
    AgentId, Assigned, Author, ConversationId, Direction, Event, EventKind, Message as Said, Opened, Status, StatusBy,
    Timestamp,
};
use crate::source::lenient::Id;

/// So long after its time a snoozed ticket may still be shown as snoozed.
const WAKES_WITHIN: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// What is less apart is of one moment.
const ONE_MOMENT: chrono::TimeDelta = chrono::TimeDelta::seconds(3);

/// Nothing that may not have been told, of holder, team and status.
const NONE: [bool; 3] = [false; 3];

/// The conversation of a ticket.
pub(super) fn conversation(ticket: Id) -> ConversationId {
    ConversationId::new(ticket.to_compact_string())
}

/// How a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub status: Status,
    pub holder: Option<Id>,
    pub team: Option<Id>,
    /// It was put away (trashed, marked as spam, gone), which is no ending of its own.
    pub is_away: bool,
}

/// What is known of a ticket that was told.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// By what was told.
    pub told: Standing,
    /// By its record.
    pub record: Standing,
    /// When its record last changed.
    pub updated_at: Timestamp,
    /// The latest that was told.
    pub last_at: Timestamp,
    /// Since when the record says something else than what was told.
    pub doubt: Option<Timestamp>,
    /// Which of its messages were told.
    pub thread: Thread,
    pub wait: Wait,
    /// When its status was last told.
    pub stood_at: Timestamp,
    /// The status that it has where it is not away.
    under: Status,
    opened: u64,
    tags: u64,
}

/// What is to be told of one ticket beside its record.
#[derive(Debug, Default)]
pub(super) struct News {
    pub messages: Vec<Message>,
    pub events: Vec<Happened>,
}

impl News {
    /// Messages before what happened at the same instant: who replies and closes at once replies first.
    fn sort(&mut self) {
        self.messages.sort_by_key(|message| (message.created_datetime, message.id));
        self.messages.dedup_by_key(|message| message.id);
        self.events.sort_by_key(|event| (event.created_datetime, event.id));
        self.events.dedup_by_key(|event| event.id);
    }

    /// A snoozed ticket is shown as closed: where both are told of one moment it was snoozed and did not end. Nor did it where
    /// only the closing is told and its record, which was written then or later, says that it is snoozed. The numbers of
    /// such closings.
    fn closings_of_snoozes(&self, record: Status, updated_at: Timestamp) -> HashSet<Id> {
        let is_snoozed =
            |closing: &Happened| record == Status::Snoozed && closing.created_datetime - updated_at < ONE_MOMENT;
        let snoozes: Vec<_> = self.events.iter().filter(|event| event.what == What::Snoozed).collect();
        let near = |closing: &Happened| {
            let gap = |snooze: &&Happened| (snooze.created_datetime - closing.created_datetime).abs();
            snoozes.iter().any(|snooze| gap(snooze) < ONE_MOMENT)
        };
        let changes = self.events.iter().filter(|event| is_status(event.what));
        let last = changes.max_by_key(|event| (event.created_datetime, event.id)).map(|event| event.id);
        let closings = self.events.iter().filter(|event| event.what == What::Closed);
        closings.filter(|one| near(one) || last == Some(one.id) && is_snoozed(one)).map(|one| one.id).collect()
    }

    fn drop_closings_of_snoozes(&mut self, record: Standing, updated_at: Timestamp) {
        let dropped = self.closings_of_snoozes(record.status, updated_at);
        self.events.retain(|event| !dropped.contains(&event.id));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.events.is_empty()
    }

    /// Whether messages came from another ticket since then, or went to one.
    pub(super) fn has_moved(&self, since: Timestamp) -> bool {
        self.events.iter().any(|event| event.what == What::Moved && event.created_datetime >= since)
    }

    /// When its ticket last ended, which ends what a customer waits for.
    pub(super) fn ended_at(&self, ticket: &Ticket, look: Timestamp) -> Option<Timestamp> {
        let dropped = self.closings_of_snoozes(status(ticket, look), ticket.changed_at());
        let endings = self.events.iter().filter(|event| event.what == What::Closed && !dropped.contains(&event.id));
        endings.map(|event| event.created_datetime).max()
    }
}

fn is_status(what: What) -> bool {
    matches!(what, What::Closed | What::Reopened | What::Snoozed | What::Unsnoozed | What::Trashed | What::Untrashed)
}

fn is_holding(what: What) -> bool {
    matches!(what, What::Assigned | What::Unassigned)
}

fn is_of_team(what: What) -> bool {
    matches!(what, What::TeamAssigned | What::TeamUnassigned)
}

fn status(ticket: &Ticket, look: Timestamp) -> Status {
    let is_snoozed = ticket.snooze_datetime.is_some_and(|until| until + WAKES_WITHIN > look);
    match &*ticket.status {
        _ if ticket.is_away() => Status::Closed,
        "open" => Status::Open,
        _ if is_snoozed => Status::Snoozed,
        _ => Status::Closed,
    }
}

/// How a record says that its ticket stands.
pub(super) fn standing(ticket: &Ticket, people: &People, look: Timestamp) -> Standing {
    let holder = people.agent(ticket.assignee_user.as_ref().map(|user| user.id));
    let team = ticket.assignee_team.as_ref().map(|team| team.id);
    Standing { status: status(ticket, look), holder, team, is_away: ticket.is_away() }
}

/// Whether the team has answered the customer with this: then nobody waits, whatever came before.
pub(super) fn is_answer(message: &Message, people: &People) -> bool {
    message.is_public && author(message, None, people).0 == Author::Agent
}

/// Whose message it is, and which agent's. What rules and bots write is a bot's.
fn author(message: &Message, holder: Option<Id>, people: &People) -> (Author, Option<Id>) {
    if !message.from_agent {
        return (Author::Customer, None);
    }
    if message.is_of_rule {
        return (Author::Bot, None);
    }
    match message.sender.as_ref().map(|sender| sender.id) {
        Some(id) if people.is_bot(id) => (Author::Bot, None),
        Some(id) => (Author::Agent, Some(id)),
        None => holder.map_or((Author::Bot, None), |id| (Author::Agent, Some(id))),
    }
}

/// Tells tickets, and gathers what it tells.
pub(super) struct Teller<'a> {
    pub people: &'a mut People,
    /// Where a browser finds a ticket, up to its number.
    pub pages: &'a str,
    pub look: Timestamp,
    pub out: Vec<Event>,
}

impl Teller<'_> {
    fn say(&mut self, at: Timestamp, kind: impl Into<EventKind>) {
        self.out.push(Event::new(at, kind));
    }

    /// Those who are spoken of, each before the first word about them.
    fn introduce(&mut self, ticket: Option<&Ticket>, news: &News) {
        if let Some(customer) = ticket.and_then(|ticket| ticket.customer.as_ref().or(ticket.requester.as_ref())) {
            self.people.roster.customer(&people::customer(customer.id), customer.called(), None, &mut self.out);
        }
        let senders = news.messages.iter().filter(|message| message.from_agent && !message.is_of_rule);
        let senders = senders.filter_map(|message| message.sender.as_deref());
        for person in senders.chain(ticket.and_then(|ticket| ticket.assignee_user.as_ref())) {
            self.people.meet(person, &mut self.out);
        }
    }

    fn opened(&self, ticket: &Ticket) -> Opened {
        let customer = ticket.customer.as_ref().or(ticket.requester.as_ref());
        Opened {
            customer: customer.map(|person| people::customer(person.id)),
            channel: ticket.channel.as_deref().map(channel),
            subject: ticket.subject.as_deref().map(str::to_owned),
            url: Some(format!("{}{}", self.pages, ticket.id)),
            direction: Some(if ticket.from_agent { Direction::Outbound } else { Direction::Inbound }),
            priority: ticket.priority.as_ref().map(ToString::to_string),
            ..Opened::new(conversation(ticket.id))
        }
    }

    /// A ticket that was not told before. `from` is the instant from which on all its messages and all that happened to
    /// it are known: what holds from before that is told to hold at that instant, as it did at the latest then. Where it may
    /// have been told before, up to `told_to`, nothing is said of before that, and all of how it stands at its end.
    pub(super) fn first(
        &mut self,
        ticket: &Ticket,
        mut news: News,
        from: Timestamp,
        told_to: Option<Timestamp>,
    ) -> Known {
        self.introduce(Some(ticket), &news);
        let record = standing(ticket, self.people, self.look);
        news.sort();
        let (created_at, updated_at) = (ticket.created_datetime, ticket.changed_at());
        news.drop_closings_of_snoozes(record, updated_at);
        let is_whole = from <= created_at;
        let mut opened = self.opened(ticket);
        let (print, tags) = (print_of(&opened), ticket.tags.clone());
        let has_team_change = news.events.iter().any(|event| is_of_team(event.what));
        let team = record.team.filter(|_| !has_team_change);
        if told_to.is_none() {
            opened.team = team.map(people::team);
            opened.tags = Some(tags.clone()).filter(|tags| !tags.is_empty());
        }
        self.say(created_at, opened);
        let mut known = Known {
            told: Standing { status: Status::Open, holder: None, team, is_away: false },
            record,
            updated_at,
            last_at: created_at,
            doubt: None,
            thread: Thread::default(),
            wait: Wait::default(),
            stood_at: created_at,
            under: Status::Open,
            opened: print,
            tags: print_of(&tags),
        };
        known.thread.record(ticket);
        let has_holder_change = news.events.iter().any(|event| is_holding(event.what));
        if !is_whole {
            let has_status_change = news.events.iter().any(|event| is_status(event.what));
            let before = Standing {
                holder: if has_holder_change { None } else { record.holder },
                status: if has_status_change || record.status.is_ended() { Status::Open } else { record.status },
                team,
                is_away: false,
            };
            if told_to.is_none_or(|told_to| told_to <= from) {
                self.assert(ticket.id, before, from, NONE, &mut known);
            } else {
                (known.told, known.under) = (before, before.status);
            }
        }
        // What happened since then speaks for itself.
        let may_miss = [is_holding, is_of_team, is_status].map(|is_of_it: fn(What) -> bool| {
            let is_since = |event: &Happened, told_to| is_of_it(event.what) && event.created_datetime > told_to;
            told_to.is_some_and(|told_to| !news.events.iter().any(|event| is_since(event, told_to)))
        });
        self.play(ticket.id, news, &mut known);
        // A record that is older than what happened is no witness.
        let is_witness = known.updated_at >= known.last_at;
        let at = undated(ticket, &known).max(told_to.unwrap_or(Timestamp::MIN));
        if told_to.is_some() {
            self.say(at, EventKind::Tagged { conversation: conversation(ticket.id), tags });
        }
        let holder = if has_holder_change { known.told.holder } else { record.holder };
        let happened = Standing { holder, ..known.told };
        if is_witness || told_to.is_some() {
            self.assert(ticket.id, if is_witness { record } else { happened }, at, may_miss, &mut known);
        }
        known
    }

    /// What happened in a ticket that was told before.
    pub(super) fn more(&mut self, ticket: Option<&Ticket>, id: Id, mut news: News, known: &mut Known) {
        news.messages.retain(|message| !known.thread.is_told(message));
        self.introduce(ticket, &news);
        if let Some(ticket) = ticket {
            known.thread.record(ticket);
            known.record = standing(ticket, self.people, self.look);
            let updated_at = ticket.updated_datetime.unwrap_or(self.look);
            known.updated_at = known.updated_at.max(updated_at);
            let opened = self.opened(ticket);
            let print = print_of(&opened);
            let at = updated_at.max(ticket.created_datetime);
            if std::mem::replace(&mut known.opened, print) != print {
                self.say(at, opened);
            }
            let tags = ticket.tags.clone();
            let print = print_of(&tags);
            if std::mem::replace(&mut known.tags, print) != print {
                self.say(at, EventKind::Tagged { conversation: conversation(id), tags });
            }
        }
        news.sort();
        news.drop_closings_of_snoozes(known.record, known.updated_at);
        self.play(id, news, known);
        // A merge leaves no ending: its ticket is just put away, and that is dated.
        if let Some(at) = ticket.and_then(|ticket| ticket.trashed_datetime) {
            let to = Standing { status: Status::Closed, is_away: true, ..known.told };
            if !known.told.status.is_ended() {
                self.assert(id, to, at.max(known.last_at), NONE, known);
            }
        }
    }

    /// Where what was told does not explain how the ticket stands, its record has the last word.
    pub(super) fn settle(&mut self, id: Id, known: &mut Known) {
        let (record, at) = (known.record, known.updated_at.max(known.last_at));
        self.assert(id, record, at, NONE, known);
        known.doubt = None;
    }

    /// Ends a ticket that is not there any more.
    pub(super) fn vanish(&mut self, id: Id, known: &mut Known) {
        if !known.told.status.is_ended() {
            let to = Standing { status: Status::Closed, is_away: true, ..known.told };
            let at = self.look.max(known.last_at);
            self.assert(id, to, at, NONE, known);
        }
    }

    /// A ticket that an earlier run told to be away is back, and nothing of it told that.
    pub(super) fn come_back(&mut self, id: Id, ended_at: Timestamp, known: &mut Known) {
        let status = known.told.status;
        if status.is_ended() {
            return;
        }
        let at = known.updated_at.max(known.last_at).max(ended_at + chrono::TimeDelta::milliseconds(1));
        if known.stood_at <= ended_at {
            self.say(at, EventKind::Status { conversation: conversation(id), status, by: None, agent: None });
            (known.stood_at, known.last_at) = (at, at);
        }
        if known.wait.asked_at().is_some_and(|asked_at| asked_at <= ended_at) {
            self.wait_again(id, at, known);
        }
    }

    /// The customer waits from now on, though they said nothing: the ending that is taken back has ended their wait.
    fn wait_again(&mut self, id: Id, at: Timestamp, known: &mut Known) {
        self.say(at, Said::public(conversation(id), Author::Customer, None));
        known.wait.asks(at);
    }

    /// What the status that was told means for a customer who waits.
    fn stood(&mut self, id: Id, at: Timestamp, known: &mut Known) {
        known.stood_at = at;
        if !known.told.is_away {
            known.under = known.told.status;
        }
        match (known.told.status.is_ended(), known.told.is_away) {
            (true, true) => known.wait.holds(at),
            (true, false) => known.wait.settles(at),
            _ if known.wait.is_held() => self.wait_again(id, at, known),
            _ => {}
        }
    }

    /// How a ticket stands: what was told otherwise, and of its holder, team and status what may not have been told.
    fn assert(&mut self, id: Id, to: Standing, at: Timestamp, may_miss: [bool; 3], known: &mut Known) {
        let told = std::mem::replace(&mut known.told, to);
        let is_new = [told.holder != to.holder, told.team != to.team, told.status != to.status];
        let [holder, team, status] = std::array::from_fn(|nth| is_new[nth] || may_miss[nth]);
        if holder || team {
            let agent = holder.then(|| to.holder.map(people::agent));
            let team = team.then(|| to.team.map(people::team));
            self.say(at, Assigned { conversation: conversation(id), agent, team, by: None });
        }
        if status {
            let by = to.status.is_ended().then_some(StatusBy::System);
            self.say(at, EventKind::Status { conversation: conversation(id), status: to.status, by, agent: None });
            known.stood_at = at;
        }
        if holder || team || status || told != to {
            known.last_at = known.last_at.max(at);
        }
        if is_new[2] {
            self.stood(id, at, known);
        }
    }

    /// Messages and what happened, in the order of time.
    fn play(&mut self, id: Id, news: News, known: &mut Known) {
        let mut events = news.events.into_iter().peekable();
        for message in news.messages {
            while let Some(event) = events.next_if(|event| event.created_datetime < message.created_datetime) {
                self.event(id, &event, known);
            }
            self.message(id, message, known);
        }
        for event in events {
            self.event(id, &event, known);
        }
    }

    fn message(&mut self, id: Id, message: Message, known: &mut Known) {
        let (from, by) = author(&message, known.told.holder, self.people);
        let is_public = message.is_public;
        let at = message.created_datetime;
        known.last_at = known.last_at.max(at);
        known.thread.tell(&message);
        match from {
            Author::Customer if is_public => {
                if known.told.status.is_ended() && at > known.stood_at {
                    (known.told.status, known.told.is_away, known.under) = (Status::Open, false, Status::Open);
                    known.stood_at = at;
                }
                known.wait.asks(at);
            }
            Author::Agent if is_public => known.wait.settles(at),
            _ => {}
        }
        let text = message.text.map(|text| String::from(text).into());
        let agent = by.map(people::agent);
        let public = (!is_public).then_some(false);
        self.say(at, Said { conversation: conversation(id), from, agent, public, text });
    }

    fn event(&mut self, id: Id, event: &Happened, known: &mut Known) {
        let (conversation, at) = (conversation(id), event.created_datetime);
        let actor = self.people.agent(event.user_id);
        let by = Some(actor.filter(|_| !event.auto_assigned).map_or_else(|| AgentId::new("bot"), people::agent));
        if is_holding(event.what) {
            let holder = self.people.agent(event.to);
            known.told.holder = holder;
            self.say(at, Assigned { conversation, agent: Some(holder.map(people::agent)), team: None, by });
        } else if is_of_team(event.what) {
            known.told.team = event.to;
            self.say(at, Assigned { conversation, agent: None, team: Some(event.to.map(people::team)), by });
        } else if is_status(event.what) {
            let status = match event.what {
                What::Closed | What::Trashed => Status::Closed,
                What::Snoozed => Status::Snoozed,
                What::Untrashed => known.under,
                _ => Status::Open,
            };
            let before = std::mem::replace(&mut known.told.status, status);
            known.told.is_away = event.what == What::Trashed;
            if event.what == What::Untrashed && status == before {
                return;
            }
            let is_theirs = !matches!(event.what, What::Trashed | What::Untrashed);
            let agent = actor.filter(|_| is_theirs).map(people::agent);
            let by = match (&agent, event.user_id) {
                (Some(_), _) => StatusBy::Agent,
                (None, Some(id)) if self.people.is_bot(id) => StatusBy::Bot,
                _ => StatusBy::System,
            };
            self.say(at, EventKind::Status { conversation, status, by: Some(by), agent });
            self.stood(id, at, known);
        } else {
            return;
        }
        known.last_at = known.last_at.max(at);
    }
}

/// When what nobody dated came to be, at the latest.
fn undated(ticket: &Ticket, known: &Known) -> Timestamp {
    let ended_at = ticket.trashed_datetime.or(ticket.closed_datetime).filter(|_| known.record.status.is_ended());
    ended_at.unwrap_or(known.updated_at).max(known.last_at)
}

fn print_of(value: &impl serde::Serialize) -> u64 {
    serde_json::to_vec(value).map_or(0, |json| xxh3_64(&json))
}

/// The channel in the words of the stream.
fn channel(word: &str) -> String {
    match word {
        "chat" | "contact_form" | "help-center" => "web",
        "facebook-messenger" | "facebook_messenger" => "messenger",
        "instagram-direct-message" => "instagram",
        other => other,
    }
    .to_owned()
}
