//! Chatwoot 4.15 as its API shows a desk: its field shapes, its pages, its delta call, its refusals.

pub mod bad;
mod beside;
mod day;
mod doctor;
mod failing;
mod gaps;
mod odd;
mod orders;
mod surveys;

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{AgentId, Author, EventKind, PresenceState, Status, StatusBy, Timestamp};
use helptop::source::chatwoot::Chatwoot;
use helptop::source::demo::Params;
use helptop::source::http::Limits;
use helptop::source::{Source, Spec};
use serde_json::{Value, json};

use crate::agree::start;
use crate::contract::Bench;
use crate::server::{Asked, Reply, Simulator, Vendor};
use crate::world::{Chat, Customer, Logged, World};

pub const TOKEN: &str = "cw-0815-secret-token";
const API: &str = "/api/v1/accounts/1";

/// How this installation is set up.
pub struct Installation {
    pub role: &'static str,
    /// A proxy in front drops headers whose names have a `_`.
    pub drops_underscores: bool,
    /// Too old for `updated_within`.
    pub is_old: bool,
    /// Its notes are written in another language.
    pub is_translated: bool,
}

impl Installation {
    pub const fn usual() -> Self {
        Self { role: "administrator", drops_underscores: false, is_old: false, is_translated: false }
    }
}

/// A simulator of a small desk, or of another size.
pub async fn simulator(size: Params, installation: Installation) -> Simulator {
    Simulator::start(World::new(size, start()), installation).await
}

/// The source for a simulator.
pub fn source(simulator: &Simulator, settings: &Value, backfill: Duration) -> Box<dyn Source> {
    Box::new(Chatwoot::new(&spec(&simulator.base, settings, backfill), Limits::default()).unwrap())
}

pub fn spec(base: &str, settings: &Value, backfill: Duration) -> Spec {
    let mut all = json!({"base_url": base, "token": TOKEN});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Spec { name: "desk".into(), backfill, settings: all, base: ".".into() }
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "chatwoot",
        serve: |world| Box::pin(Simulator::start(world, Installation::usual())),
        source: |simulator, backfill| source(simulator, &json!({}), backfill),
        weak: Some(|world| Box::pin(Simulator::start(world, Installation { role: "agent", ..Installation::usual() }))),
        secret: TOKEN,
        variable: "CHATWOOT_TOKEN",
        address: "https://chat.example.com",
        flags: "",
        terms: day::terms,
        quiet: 3,
    }
}

/// The words of the API for how a chat stands. The bot has those that it has greeted and that nobody was given.
pub fn status_of(chat: &Chat) -> &'static str {
    let with_bot = chat.holder.is_none() && chat.messages.iter().any(|said| said.from == Author::Bot);
    match chat.status {
        Status::Resolved | Status::Closed => "resolved",
        _ if chat.merged_into.is_some() => "resolved",
        Status::Open if with_bot => "pending",
        Status::Open => "open",
        Status::Pending | Status::OnHold | Status::Snoozed => "snoozed",
    }
}

/// There is no `away`.
pub fn shown(state: PresenceState) -> PresenceState {
    if state == PresenceState::Away { PresenceState::Offline } else { state }
}

fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

fn fraction(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

impl Vendor for Installation {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        let underscored = asked.header("api_access_token").filter(|_| !self.drops_underscores);
        match underscored.or(asked.header("api-access-token")) {
            Some(TOKEN) => {}
            Some(_) => return Reply::json(401, &json!({"error": "Invalid Access Token"})),
            None => {
                let words = "You need to sign in or sign up before continuing.";
                return Reply::json(401, &json!({"errors": [words]}));
            }
        }
        if asked.path == "/api/v1/profile" {
            let account = json!({"id": 1, "name": "ACME", "role": self.role, "availability_status": "offline"});
            return Reply::json(200, &json!({"id": 1, "pubsub_token": "p", "accounts": [account]}));
        }
        let missing = || Reply::json(404, &json!({"error": "Resource could not be found"}));
        let Some(path) = asked.path.strip_prefix(API) else { return missing() };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let chat = |number: &str| number.parse().ok().and_then(|number| world.chat(number));
        match parts.as_slice() {
            ["agents"] => Reply::json(200, &(0..world.agents.len()).map(|place| agent(world, place)).collect()),
            ["teams"] => Reply::json(200, &(0..world.teams.len()).map(|place| team(world, place)).collect()),
            ["teams", number, "team_members"] => {
                let team = number.parse::<usize>().unwrap() - 1;
                let members = (0..world.agents.len()).filter(|place| world.agents[*place].teams.contains(&team));
                Reply::json(200, &members.map(|place| agent(world, place)).collect())
            }
            ["inboxes"] => Reply::json(200, &json!({"payload": inboxes()})),
            ["csat_survey_responses"] if self.role != "administrator" => {
                Reply::json(401, &json!({"error": "You are not authorized to do this action"}))
            }
            ["csat_survey_responses"] => Reply::json(200, &ratings(world, asked)),
            ["conversations", "meta"] => {
                let all = world.open().filter(|chat| Some(status_of(chat)) == asked.get("status")).count();
                Reply::json(200, &json!({"meta": {"mine_count": 0, "all_count": all}}))
            }
            ["conversations"] => Reply::json(200, &self.list(world, asked)),
            ["conversations", number] => chat(number).map_or_else(missing, |c| Reply::json(200, &self.row(world, c))),
            ["conversations", number, "messages"] => {
                let Some(chat) = chat(number) else { return missing() };
                let bound = |key: &str| asked.get(key).map(|bound| bound.parse::<u64>().unwrap());
                let (after, before) = (bound("after").unwrap(), bound("before"));
                // `after` is exclusive by itself, and inclusive with `before`.
                let (numbers, most) = match before {
                    Some(before) => (after..before, 1000),
                    None => (after + 1..u64::MAX, 100),
                };
                let mut log: Vec<_> = chat.log.iter().filter(|logged| numbers.contains(&logged.number)).collect();
                log.sort_by_key(|logged| logged.at);
                let messages = log.into_iter().filter_map(|logged| self.message(world, chat, logged)).take(most);
                Reply::json(200, &json!({"meta": {"labels": chat.tags}, "payload": messages.collect::<Vec<_>>()}))
            }
            _ => missing(),
        }
    }
}

impl Installation {
    fn list(&self, world: &World, asked: &Asked) -> Value {
        let status = asked.get("status").unwrap_or("open");
        let is_wanted = |chat: &&Chat| status == "all" || status_of(chat) == status;
        let within = asked.get("updated_within").filter(|_| !self.is_old).map(|seconds| seconds.parse().unwrap());
        let mut found: Vec<&Chat> = match within {
            Some(within) => world.changed_since(world.now - TimeDelta::seconds(within)),
            None if ["open", "pending", "snoozed"].contains(&status) => world.open().collect(),
            None => world.changed_since(Timestamp::MIN),
        };
        found.retain(is_wanted);
        match asked.get("sort_by") {
            Some("created_at_asc") => found.sort_by_key(|chat| (chat.opened_at, chat.number)),
            _ => found.sort_by_key(|chat| (std::cmp::Reverse(last_activity_at(chat)), chat.number)),
        }
        let all = found.len();
        let page: usize = asked.get("page").map_or(1, |page| page.parse().unwrap());
        if within.is_none() {
            found = found.into_iter().skip((page - 1) * 25).take(25).collect();
        }
        let counts = json!({"mine_count": 0, "assigned_count": all, "unassigned_count": 0, "all_count": all});
        let rows: Vec<Value> = found.into_iter().map(|chat| self.row(world, chat)).collect();
        json!({"data": {"meta": counts, "payload": rows}})
    }

    fn row(&self, world: &World, chat: &Chat) -> Value {
        let mut log: Vec<_> = chat.log.iter().collect();
        log.sort_by_key(|logged| logged.at);
        let messages: Vec<Value> =
            log.into_iter().rev().filter_map(|logged| self.message(world, chat, logged)).take(20).collect();
        let last = messages.iter().find(|message| message["message_type"] != 2);
        let nobody = Customer { id: "x".into(), name: String::new() };
        let place = chat.customer.unwrap_or_default();
        let customer = world.customers.get(place).unwrap_or(&nobody);
        let mut meta = json!({
            "sender": {"id": place + 1, "name": customer.name, "email": null, "phone_number": null, "identifier": null,
                "thumbnail": "", "blocked": false, "custom_attributes": {}, "additional_attributes": {}},
            "channel": channel(chat), "hmac_verified": false,
        });
        if let Some(holder) = chat.holder {
            meta["assignee"] = agent(world, holder);
            meta["assignee_type"] = "User".into();
        } else if status_of(chat) == "pending" {
            // A bot whose number is that of a person.
            meta["assignee"] = json!({"id": 1, "name": "Captain"});
            meta["assignee_type"] = "AgentBot".into();
        }
        if let Some(place) = chat.team {
            meta["team"] = team(world, place);
        }
        let subject = chat.opened.subject.as_ref().map_or(json!({}), |subject| json!({"mail_subject": subject}));
        json!({
            "meta": meta, "id": chat.number, "messages": messages.first().into_iter().collect::<Vec<_>>(),
            "account_id": 1, "uuid": "6a1b0c4e", "additional_attributes": subject, "can_reply": true,
            "agent_last_seen_at": 0, "assignee_last_seen_at": 0, "contact_last_seen_at": 0, "custom_attributes": {},
            "inbox_id": inbox(chat) + 1, "labels": chat.tags, "muted": false, "snoozed_until": null,
            "status": status_of(chat), "created_at": seconds(chat.opened_at), "updated_at": fraction(chat.updated_at),
            "timestamp": seconds(last_activity_at(chat)), "first_reply_created_at": chat.first_reply_at.map_or(0, seconds),
            "unread_count": 0, "last_non_activity_message": last, "last_activity_at": seconds(last_activity_at(chat)),
            "priority": chat.opened.priority,
            // As the vendor has it: the creation until somebody answers, bots included.
            "waiting_since": if chat.first_reply_at.is_none() { seconds(chat.opened_at) } else { 0 },
            "sla_policy_id": null,
        })
    }

    /// What happened, as a message or a note of the desk; `None` where it leaves neither.
    fn message(&self, world: &World, chat: &Chat, logged: &Logged) -> Option<Value> {
        let name = |id: &AgentId| world.agent_number(id.as_str()).map(|number| &world.agents[number as usize - 1].name);
        let mut message = json!({
            "id": logged.number, "account_id": 1, "inbox_id": inbox(chat) + 1, "conversation_id": chat.number,
            "created_at": seconds(logged.at), "private": false, "status": "sent", "source_id": null,
            "content_type": "text", "content_attributes": {},
        });
        let note = |english: String, other: String| if self.is_translated { other } else { english };
        match &logged.kind {
            EventKind::Message(said) => {
                let place = chat.messages.iter().position(|one| one.number == logged.number).unwrap();
                message["content"] = chat.messages[place].text.clone().into();
                message["private"] = (said.public == Some(false)).into();
                message["message_type"] = if said.from == Author::Customer { 0.into() } else { 1.into() };
                let by = said.agent.as_ref().and_then(|id| world.agent_number(id.as_str()));
                message["sender"] = match said.from {
                    Author::Customer => json!({"id": chat.customer.unwrap_or_default() + 1, "type": "contact"}),
                    Author::Agent => json!({"id": by, "name": "x", "type": "user"}),
                    Author::Bot => json!({"id": 1, "name": "Captain", "type": "captain_assistant"}),
                };
            }
            EventKind::Assigned(to) => {
                let to = to.agent.as_ref()?.as_ref().and_then(name)?;
                message["message_type"] = 2.into();
                message["content"] =
                    note(format!("Assigned to {to} by Ops"), format!("Atribuído a {to} por Ops")).into();
            }
            EventKind::Status { status, by, agent, .. } => {
                let who = agent.as_ref().and_then(name).map_or("system due to 1 day of inactivity", String::as_str);
                let english = match (status.is_ended(), by) {
                    (true, Some(StatusBy::Customer)) => "Conversation was resolved by Rita".to_owned(),
                    (true, _) => format!("Conversation was marked resolved by {who}"),
                    (false, _) => format!("Conversation was snoozed or reopened by {who}"),
                };
                message["message_type"] = 2.into();
                message["content"] = note(english, format!("A conversa mudou: {who}")).into();
            }
            // Chatwoot merges nothing: here it is an ending, and each has its note.
            EventKind::Merged { .. } => {
                message["message_type"] = 2.into();
                let english = "Conversation was marked resolved by system due to 1 day of inactivity".to_owned();
                message["content"] = note(english, "A conversa mudou".to_owned()).into();
            }
            EventKind::Tagged { tags, .. } => {
                message["message_type"] = 2.into();
                message["content"] = note(format!("Ops added {}", tags.join(", ")), "Ops marcou".to_owned()).into();
            }
            _ => return None,
        }
        Some(message)
    }
}

/// When the last message or note came; what leaves neither is no activity.
fn last_activity_at(chat: &Chat) -> Timestamp {
    let is_activity = |kind: &EventKind| match kind {
        EventKind::Assigned(to) => matches!(to.agent, Some(Some(_))),
        EventKind::Message(_) | EventKind::Status { .. } | EventKind::Merged { .. } | EventKind::Tagged { .. } => true,
        _ => false,
    };
    chat.log.iter().rev().find(|logged| is_activity(&logged.kind)).map_or(chat.opened_at, |logged| logged.at)
}

fn agent(world: &World, place: usize) -> Value {
    let agent = &world.agents[place];
    json!({"id": place + 1, "account_id": 1, "name": agent.name, "available_name": agent.name, "email": agent.email,
        "role": "agent", "confirmed": true, "provider": "email", "thumbnail": "", "auto_offline": true,
        "availability_status": shown(agent.state), "custom_role_id": null})
}

fn team(world: &World, place: usize) -> Value {
    json!({"id": place + 1, "name": world.teams[place].name, "description": "", "allow_auto_assign": true,
        "account_id": 1, "is_member": false})
}

const CHANNELS: [(&str, &str, &str); 8] = [
    ("whatsapp", "Channel::TwilioSms", "whatsapp"),
    ("email", "Channel::Email", ""),
    ("web", "Channel::WebWidget", ""),
    ("instagram", "Channel::Instagram", ""),
    ("messenger", "Channel::FacebookPage", ""),
    ("telegram", "Channel::Telegram", ""),
    ("phone", "Channel::Api", ""),
    ("sms", "Channel::TwilioSms", "sms"),
];

fn inbox(chat: &Chat) -> usize {
    CHANNELS.iter().position(|(word, ..)| chat.opened.channel.as_deref() == Some(word)).unwrap_or_default()
}

fn channel(chat: &Chat) -> &'static str {
    CHANNELS[inbox(chat)].1
}

fn inboxes() -> Vec<Value> {
    let one = |(place, (word, kind, medium)): (usize, &(&str, &str, &str))| {
        let medium = if medium.is_empty() { Value::Null } else { (*medium).into() };
        json!({"id": place + 1, "name": word, "channel_type": kind, "medium": medium})
    };
    CHANNELS.iter().enumerate().map(one).collect()
}

/// Answers of other scales are no satisfaction answers here.
fn is_of_five(scale: f64) -> bool {
    (scale - 5.0).abs() < f64::EPSILON
}

fn ratings(world: &World, asked: &Asked) -> Value {
    let bound = |key: &str| asked.get(key).unwrap().parse::<i64>().unwrap();
    let (since, until) = (bound("since"), bound("until"));
    let page: usize = asked.get("page").unwrap().parse().unwrap();
    let all = world.chats.iter().flat_map(|chat| chat.ratings.iter().map(move |rating| (chat, rating)));
    let mut all: Vec<_> =
        all.filter(|(_, rating)| is_of_five(rating.scale) && (since..until).contains(&seconds(rating.at))).collect();
    all.sort_by_key(|(_, rating)| std::cmp::Reverse(rating.at));
    let some = all.into_iter().skip((page - 1) * 25).take(25).map(|(chat, rating)| {
        json!({"id": rating.number, "rating": rating.score as u64, "feedback_message": rating.comment,
            "conversation_id": chat.number, "message_id": rating.number, "created_at": seconds(rating.at)})
    });
    some.collect()
}
