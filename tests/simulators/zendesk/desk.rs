//! What Zendesk's database would hold: tickets with their metrics, and an audit for each update.

use std::collections::{BTreeSet, HashMap};

use helptop::event::{
    Author, ConversationId, CustomerId, Direction, Event, EventKind, SlaMetric, Status, StatusBy, Timestamp,
};
use serde_json::{Value, json};

use crate::world::{FIRST_CHAT, World};

/// Numbers of customers begin here, so that they are not those of agents.
pub const FIRST_CUSTOMER: u64 = 100_000;
pub const SYSTEM: i64 = -1;

/// Whole seconds since 1970.
pub fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

/// Whole seconds, as most answers write them.
pub fn written(at: i64) -> String {
    Timestamp::from_millis(at * 1000).to_string()
}

#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub status: &'static str,
    /// Until when it was active, for the index of the search, which lags.
    pub active_until: Option<i64>,
    pub requester: u64,
    pub submitter: u64,
    pub assignee: Option<u64>,
    pub group: Option<u64>,
    pub subject: String,
    pub channel: String,
    pub tags: Vec<String>,
    pub is_public: bool,
    pub replies: u32,
    pub requester_updated_at: Option<i64>,
    pub latest_comment_at: Option<i64>,
    pub assigned_at: Option<i64>,
    pub initially_assigned_at: Option<i64>,
    pub status_updated_at: i64,
    pub targets: Vec<(&'static str, i64)>,
    pub audits: Vec<usize>,
}

/// One update; the parts are in the form of a ticket's audits.
#[derive(Debug, Clone)]
pub struct Audit {
    pub id: u64,
    pub ticket: u64,
    pub at: i64,
    pub author: i64,
    pub rel: Option<&'static str>,
    pub events: Vec<Value>,
}

#[derive(Debug, Clone)]
pub struct Answered {
    pub id: u64,
    pub ticket: u64,
    pub at: Timestamp,
    /// When it was asked for, by which the list goes.
    pub offered: Timestamp,
    pub score: f64,
    pub comment: Option<String>,
}

/// The database, as far as the journal was read.
#[derive(Default)]
pub struct Desk {
    pub tickets: HashMap<u64, Ticket>,
    /// Tickets by their last change.
    pub by_change: BTreeSet<(i64, u64)>,
    pub audits: Vec<Audit>,
    /// Audits by time.
    pub by_time: BTreeSet<(i64, usize)>,
    pub answered: Vec<Answered>,
    customers: HashMap<CustomerId, u64>,
    read: usize,
}

/// The word of a status; there is no snoozing.
fn word(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Pending | Status::Snoozed => "pending",
        Status::OnHold => "hold",
        Status::Resolved => "solved",
        Status::Closed => "closed",
    }
}

pub fn is_active(status: &str) -> bool {
    !matches!(status, "solved" | "closed")
}

impl Desk {
    /// Takes in what happened since the last call.
    pub fn read(&mut self, world: &World) {
        for place in self.customers.len()..world.customers.len() {
            self.customers.insert(world.customers[place].id.clone(), FIRST_CUSTOMER + place as u64);
        }
        let journal = &world.journal[self.read..];
        let mut at = 0;
        while at < journal.len() {
            let subject = |event: &Event| (event.kind.conversation().cloned(), event.at);
            let first = subject(&journal[at]);
            let mut end = at + 1;
            while end < journal.len() && subject(&journal[end]) == first {
                end += 1;
            }
            if let (Some(conversation), Some(instant)) = first {
                self.update(world, &conversation, instant, &journal[at..end]);
            }
            at = end;
        }
        self.read = world.journal.len();
    }

    /// What happened to a ticket in one moment becomes one audit.
    #[expect(clippy::too_many_lines, reason = "an arm for each type of event")]
    fn update(&mut self, world: &World, conversation: &ConversationId, instant: Timestamp, events: &[Event]) {
        let Some(id) = world.chat_number(conversation.as_str()) else { return };
        let at = seconds(instant);
        let agent = |id: &helptop::event::AgentId| world.agent_number(id.as_str());
        let opened = events.iter().find_map(|event| match &event.kind {
            EventKind::Opened(opened) => Some(opened),
            _ => None,
        });
        if let Some(opened) = opened {
            let requester = opened.customer.as_ref().map_or(FIRST_CUSTOMER - 1, |customer| self.customers[customer]);
            self.tickets.entry(id).or_insert_with(|| Ticket {
                id,
                created_at: at,
                updated_at: at,
                status: "new",
                active_until: None,
                requester,
                submitter: requester,
                assignee: None,
                group: opened.team.as_ref().and_then(|team| group(world, team)),
                subject: opened.subject.clone().unwrap_or_default(),
                channel: opened.channel.clone().unwrap_or_default(),
                tags: opened.tags.clone().unwrap_or_default(),
                is_public: false,
                replies: 0,
                requester_updated_at: None,
                latest_comment_at: None,
                assigned_at: None,
                initially_assigned_at: None,
                status_updated_at: at,
                targets: Vec::new(),
                audits: Vec::new(),
            });
        }
        let is_outbound = opened.is_some_and(|opened| opened.direction == Some(Direction::Outbound));
        let Some(ticket) = self.tickets.get_mut(&id) else { return };
        let before = ticket.clone();
        let (mut author, mut parts, mut rel, mut is_said) = (None, Vec::new(), None, false);
        let change = |parts: &mut Vec<Value>, name: &str, value: Value, previous: Value, is_rule: bool| {
            let kind = if opened.is_some() { "Create" } else { "Change" };
            let mut part = json!({"type": kind, "field_name": name, "value": value});
            if opened.is_none() {
                part["previous_value"] = previous;
            }
            if is_rule {
                part["via"] =
                    json!({"channel": "rule", "source": {"from": {"id": 3, "title": "Route"}, "rel": "trigger"}});
            }
            parts.push(part);
        };
        for event in events {
            match &event.kind {
                EventKind::Message(message) => {
                    let by = match message.from {
                        Author::Customer => ticket.requester as i64,
                        Author::Agent => message.agent.as_ref().and_then(agent).map_or(SYSTEM, |id| id as i64),
                        Author::Bot => SYSTEM,
                    };
                    let public = message.public != Some(false);
                    let text = serde_json::to_value(&message.text).unwrap();
                    parts.push(json!({"id": 0, "type": "Comment", "author_id": by, "public": public, "body": text,
                        "html_body": "<p></p>", "plain_body": text, "attachments": []}));
                    author = Some(by);
                    is_said = true;
                    ticket.is_public |= public;
                    ticket.latest_comment_at = Some(at);
                    if message.from == Author::Agent && public && !is_outbound {
                        ticket.replies += 1;
                    }
                    if message.from == Author::Customer {
                        ticket.requester_updated_at = Some(at);
                        // The stream leaves that unsaid; a desk writes it down.
                        if public && opened.is_none() && !is_active(ticket.status) {
                            change(&mut parts, "status", "open".into(), ticket.status.into(), false);
                            put(ticket, "open", at);
                        }
                    }
                    if is_outbound && by > 0 {
                        ticket.submitter = by as u64;
                    }
                }
                EventKind::Assigned(to) => {
                    let by = to.by.as_ref().and_then(agent);
                    if !is_said {
                        author = author.or(by.map(|id| id as i64));
                    }
                    if let Some(holder) = &to.agent {
                        let holder = holder.as_ref().and_then(agent);
                        if holder != ticket.assignee {
                            let id = |id: Option<u64>| id.map_or(Value::Null, |id| id.to_string().into());
                            change(&mut parts, "assignee_id", id(holder), id(ticket.assignee), by.is_none());
                            ticket.assignee = holder;
                            if holder.is_some() {
                                ticket.assigned_at = Some(at);
                                ticket.initially_assigned_at.get_or_insert(at);
                            }
                        }
                    }
                    if let Some(team) = &to.team {
                        let team = team.as_ref().and_then(|team| group(world, team));
                        if team != ticket.group {
                            change(&mut parts, "group_id", json!(team), json!(ticket.group), by.is_none());
                            ticket.group = team;
                        }
                    }
                }
                EventKind::Status { status, by, agent: who, .. } => {
                    let who = who.as_ref().and_then(agent).map(|id| id as i64);
                    let is_rule = matches!(by, Some(StatusBy::Bot));
                    if !is_said {
                        author = author.or(match by {
                            Some(StatusBy::Customer) => Some(ticket.requester as i64),
                            _ => who,
                        });
                    }
                    if *by == Some(StatusBy::Customer) {
                        ticket.requester_updated_at = Some(at);
                    }
                    let now = word(*status);
                    if now != ticket.status {
                        change(&mut parts, "status", now.into(), ticket.status.into(), is_rule);
                        put(ticket, now, at);
                    }
                }
                EventKind::Tagged { tags, .. } => {
                    change(&mut parts, "tags", json!(tags), json!(ticket.tags), false);
                    ticket.tags.clone_from(tags);
                }
                EventKind::Macro { agent: who, name, .. } => {
                    author = author.or(who.as_ref().and_then(agent).map(|id| id as i64));
                    parts.push(json!({"type": "AgentMacroReference", "macro_id": "77", "macro_title": name}));
                }
                EventKind::Merged { into, .. } => {
                    let into = world.chat_number(into.as_str()).unwrap();
                    author = author.or(ticket.assignee.map(|id| id as i64));
                    rel = Some("merge");
                    parts.push(json!({"id": 0, "type": "Comment", "author_id": author, "public": false,
                        "body": format!("This request was closed and merged into request #{into} \"{}\".", ticket.subject)}));
                    change(&mut parts, "status", "closed".into(), ticket.status.into(), false);
                    put(ticket, "closed", at);
                }
                EventKind::Sla { metric, due, .. } => {
                    let metric = match metric {
                        SlaMetric::FirstResponse => "first_reply_time",
                        SlaMetric::NextResponse => "next_reply_time",
                        SlaMetric::Resolution => "total_resolution_time",
                    };
                    ticket.targets.push((metric, seconds(*due)));
                }
                EventKind::Rated { score, comment, .. } => {
                    let comment = serde_json::to_value(comment).unwrap().as_str().map(str::to_owned);
                    let id = self.answered.len() as u64 + 1;
                    // An ended ticket is asked about when it ends, another a minute before the answer.
                    let offered = if is_active(ticket.status) {
                        instant - chrono::TimeDelta::minutes(1)
                    } else {
                        Timestamp::from_millis(ticket.status_updated_at * 1000)
                    };
                    self.answered.push(Answered {
                        id,
                        ticket: ticket.id,
                        at: instant,
                        offered,
                        score: *score,
                        comment,
                    });
                }
                _ => {}
            }
        }
        if opened.is_some() {
            // Customer chats begin as new; what is said in the moment of the beginning is part of it.
            for (name, value) in [
                ("subject", json!(ticket.subject)),
                ("requester_id", ticket.requester.to_string().into()),
                ("status", ticket.status.into()),
                ("group_id", before.group.map_or(Value::Null, |id| id.to_string().into())),
                ("tags", json!(ticket.tags)),
                ("priority", Value::Null),
            ] {
                if !parts.iter().any(|part| part["field_name"] == name) {
                    parts.push(json!({"type": "Create", "field_name": name, "value": value}));
                }
            }
            author = author.or(Some(ticket.submitter as i64));
        }
        if parts.is_empty() {
            return;
        }
        let number = self.audits.len();
        self.by_change.remove(&(before.updated_at, id));
        ticket.updated_at = at.max(ticket.updated_at);
        self.by_change.insert((ticket.updated_at, id));
        ticket.audits.push(number);
        self.by_time.insert((at, number));
        let author = author.unwrap_or(SYSTEM);
        self.audits.push(Audit { id: 55_000 + number as u64 * 10, ticket: id, at, author, rel, events: parts });
    }
}

fn put(ticket: &mut Ticket, status: &'static str, at: i64) {
    if is_active(ticket.status) && !is_active(status) {
        ticket.active_until = Some(at);
    }
    ticket.status = status;
    ticket.status_updated_at = at;
}

fn group(world: &World, team: &helptop::event::TeamId) -> Option<u64> {
    world.teams.iter().position(|one| one.id == *team).map(|place| 3301 + place as u64)
}

impl Audit {
    /// As a ticket's audits show it: ids are texts here and there.
    pub fn audit(&self) -> Value {
        let events = self.events.iter().enumerate().map(|(nth, event)| {
            let mut event = event.clone();
            event["id"] = (self.id + 1 + nth as u64).into();
            event
        });
        json!({"id": self.id, "ticket_id": self.ticket, "created_at": written(self.at), "author_id": self.author,
            "metadata": {"system": {}, "custom": {}}, "events": events.collect::<Vec<_>>(),
            "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": self.rel}}})
    }

    /// As the export of all tickets' events shows it: the field is the key, and what did it a display name.
    pub fn exported(&self) -> Value {
        let children = self.events.iter().enumerate().map(|(nth, event)| {
            let kind = event["type"].as_str().unwrap();
            let via = if event.get("via").is_some() { "Rule" } else { "Web form" };
            let mut child = match event.get("field_name") {
                None => event.clone(),
                Some(name) => {
                    let value = match name.as_str().unwrap() {
                        // Numbers here, but for the words.
                        "assignee_id" | "group_id" | "requester_id" => event["value"]
                            .as_str()
                            .and_then(|id| id.parse::<u64>().ok())
                            .map_or(event["value"].clone(), Into::into),
                        _ => event["value"].clone(),
                    };
                    json!({name.as_str().unwrap(): value, "previous_value": event.get("previous_value")})
                }
            };
            child["event_type"] = kind.into();
            child["id"] = (self.id + 1 + nth as u64).into();
            child["via"] = via.into();
            child["via_reference_id"] = Value::Null;
            if kind == "Comment" {
                // Its own time is a little later than that of the update.
                child["created_at"] = written(self.at + 4).into();
                child["audit_id"] = self.id.into();
            }
            child
        });
        json!({"id": self.id, "ticket_id": self.ticket, "timestamp": self.at, "created_at": written(self.at),
            "updater_id": self.author, "via": if self.rel.is_some() { "Merge" } else { "Web form" }, "system": {}, "metadata": {},
            "event_type": "Audit", "child_events": children.collect::<Vec<_>>()})
    }
}

impl Ticket {
    /// The record, with what was asked for embedded.
    pub fn record(&self, include: &str, is_embedded: bool) -> Value {
        let mut record = json!({"id": self.id, "url": format!("https://acme.zendesk.com/api/v2/tickets/{}.json", self.id),
            "external_id": null, "via": {"channel": self.channel, "source": {"from": {}, "to": {}, "rel": null}},
            "created_at": written(self.created_at), "updated_at": written(self.updated_at),
            "type": "question", "subject": self.subject, "raw_subject": self.subject, "description": "…", "priority": null,
            "status": self.status, "custom_status_id": null, "recipient": null, "requester_id": self.requester,
            "submitter_id": self.submitter, "assignee_id": self.assignee, "organization_id": null, "group_id": self.group,
            "collaborator_ids": [], "follower_ids": [], "email_cc_ids": [], "is_public": self.is_public,
            "from_messaging_channel": false, "tags": self.tags, "satisfaction_rating": {"score": "unoffered"},
            "problem_id": null, "brand_id": 21, "ticket_form_id": 5, "custom_fields": []});
        if include.contains("metric_sets") && is_embedded {
            record["metric_set"] = self.metrics();
        }
        if include.contains("slas") {
            let policies = self.targets.iter().map(|(metric, due)| {
                let is_done = if *metric == "total_resolution_time" { !is_active(self.status) } else { self.replies > 0 };
                json!({"metric": metric, "stage": if is_done { "achieved" } else { "active" }, "breach_at": written(*due), "minutes": 5})
            });
            record["slas"] = json!({"policy_metrics": policies.collect::<Vec<_>>()});
        }
        record
    }

    pub fn metrics(&self) -> Value {
        let time = |at: Option<i64>| at.map(written);
        let none = json!({"calendar": null, "business": null});
        json!({"id": self.id + 7, "ticket_id": self.id, "created_at": written(self.created_at), "updated_at": written(self.updated_at),
            "group_stations": 1, "assignee_stations": 1, "reopens": 0, "replies": self.replies,
            "assignee_updated_at": null, "requester_updated_at": time(self.requester_updated_at),
            "status_updated_at": written(self.status_updated_at), "initially_assigned_at": time(self.initially_assigned_at),
            "assigned_at": time(self.assigned_at), "solved_at": null, "latest_comment_added_at": time(self.latest_comment_at),
            "reply_time_in_minutes": none, "first_resolution_time_in_minutes": none, "on_hold_time_in_minutes": {"calendar": 0, "business": 0}})
    }

    /// As the index of the search knows it: two minutes late.
    pub fn was_open(&self, at: i64) -> bool {
        self.created_at <= at && (is_active(self.status) || self.active_until.is_some_and(|until| until > at))
    }
}

/// The number of a chat of the world.
pub fn place(ticket: u64) -> usize {
    (ticket - FIRST_CHAT) as usize
}
