//! Callbell as its API shows a desk: contacts for chats, the most recent first, messages that do not say who wrote them.

mod alone;
pub mod bad;
mod cost;
mod day;
mod list;
mod odd;
mod people;

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, EventKind, PresenceState, Timestamp};
use helptop::source::callbell::Callbell;
use helptop::source::demo::Params;
use helptop::source::http::Limits;
use helptop::source::{Source, Spec};
use serde_json::{Value, json};

use crate::agree::{Watch, start};
use crate::contract::Bench;
use crate::server::{Asked, Limiter, Reply, Simulator, Vendor};
use crate::world::{Chat, World};

pub const TOKEN: &str = "cb-k3y.0815-secret-token";
/// Contacts of a page.
const PAGE: usize = 20;

/// What moves a contact to the top of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bumps {
    /// All that happens in it.
    All,
    /// A message that was sent or received.
    Messages,
}

/// How this account behaves where the vendor does not say.
pub struct Account {
    pub bumps: Bumps,
    /// It gives tokens for the page behind another.
    pub cursors: bool,
    /// It tells how many pages of contacts there are.
    pub meta: bool,
    /// Lists leave out when a contact was closed, as the vendor's own example does.
    pub short_rows: bool,
    /// Messages of a page.
    pub messages: usize,
    /// The list as it was sorted last, and what it was sorted at.
    sorted: (Timestamp, usize, Vec<usize>),
    walks: HashMap<u64, Vec<usize>>,
}

impl Account {
    pub fn usual() -> Self {
        Self {
            bumps: Bumps::All,
            cursors: true,
            meta: true,
            short_rows: false,
            messages: 20,
            sorted: (Timestamp::MIN, 0, Vec::new()),
            walks: HashMap::new(),
        }
    }
}

pub async fn simulator(size: Params, account: Account) -> Simulator {
    let simulator = Simulator::start(World::new(size, start()), account).await;
    simulator.inside().limiter = Some(limiter());
    simulator
}

/// The documented limit; what is said beyond it is not, nor does a header tell what is left.
pub fn limiter() -> Limiter {
    Limiter::new(300, TimeDelta::seconds(1), [None; 3], Reply::json(429, &json!({"error": "Too Many Requests"})))
}

pub fn source(simulator: &Simulator, settings: &Value, backfill: Duration) -> Box<dyn Source> {
    Box::new(Callbell::new(&spec(&simulator.base, settings, backfill), Limits::default()).unwrap())
}

/// What a source tells of a desk, behind its start.
pub async fn begun(simulator: &Simulator) -> Watch<'_> {
    Watch::begun(source(simulator, &json!({}), Duration::ZERO), simulator).await
}

pub fn spec(base: &str, settings: &Value, backfill: Duration) -> Spec {
    let mut all = json!({"base_url": format!("{base}/v1"), "token": TOKEN});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Spec { name: "desk".into(), backfill, settings: all, base: ".".into() }
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "callbell",
        serve: |world| Box::pin(Simulator::start(world, Account::usual())),
        source: |simulator, backfill| source(simulator, &json!({}), backfill),
        weak: None,
        secret: TOKEN,
        variable: "CALLBELL_TOKEN",
        address: "https://api.callbell.eu",
        flags: "",
        terms: day::terms,
        // The top of the list, the messages of the first one there, and the members of the two teams that show everybody.
        quiet: 4,
    }
}

/// The id of a chat's contact.
pub fn uuid(number: u64) -> String {
    format!("{:032x}", u128::from(number) << 64 | 0x0ddb_a11c)
}

pub fn number(uuid: &str) -> Option<u64> {
    u64::try_from(u128::from_str_radix(uuid, 16).ok()? >> 64).ok()
}

pub fn email(place: usize) -> String {
    format!("agent{}@shop.example", place + 1)
}

pub fn agent_number(id: &str) -> Option<u64> {
    id.strip_prefix("agent")?.strip_suffix("@shop.example")?.parse().ok()
}

/// An agent takes chats or does not.
pub fn shown(state: PresenceState) -> PresenceState {
    if state.is_online() { PresenceState::Online } else { PresenceState::Away }
}

pub fn seconds(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn ended_at(chat: &Chat) -> Option<Timestamp> {
    match (chat.status.is_ended(), &chat.merged_into) {
        (_, Some(_)) => Some(chat.updated_at),
        (true, None) => Some(chat.status_at),
        (false, None) => None,
    }
}

impl Vendor for Account {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        let Some(path) = asked.path.strip_prefix("/v1/") else {
            return Reply::text(404, "text/html", "<!DOCTYPE html><title>Not found</title>");
        };
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Reply::json(401, &json!({"error": "Unauthorized"}));
        }
        assert_eq!(asked.method, "GET", "the same key may write: {}", asked.line());
        let parts: Vec<&str> = path.split('/').collect();
        let chat = |uuid: &str| number(uuid).and_then(|number| world.chat(number));
        let page: usize = asked.get("page").map_or(1, |page| page.parse().unwrap());
        let missing = || Reply::json(404, &json!({"error": "Not Found"}));
        match parts.as_slice() {
            ["auth", "me"] => {
                Reply::json(200, &json!({"status": "ok", "user_email": email(0), "user_name": "Ops", "api_key": TOKEN}))
            }
            ["teams"] => {
                let teams: Vec<Value> = (0..world.teams.len()).map(|place| team(world, place)).collect();
                Reply::json(200, &json!({"teams": teams, "meta": {"page": 1, "pages": 1}}))
            }
            ["teams", uuid, "members"] => {
                let of = number(uuid).unwrap() as usize - 1;
                let all: Vec<usize> =
                    (0..world.agents.len()).filter(|place| world.agents[*place].teams.contains(&of)).collect();
                let users: Vec<Value> =
                    all.iter().skip((page - 1) * PAGE).take(PAGE).map(|place| member(world, *place)).collect();
                Reply::json(200, &json!({"users": users, "meta": {"page": page, "pages": all.len().div_ceil(PAGE)}}))
            }
            ["contacts"] => self.list(world, asked, page),
            ["contacts", uuid] => {
                chat(uuid).map_or_else(missing, |c| Reply::json(200, &json!({"contact": [contact(world, c)]})))
            }
            ["contacts", uuid, "messages"] => {
                let Some(chat) = chat(uuid) else { return missing() };
                let all: Vec<Value> = messages(world, chat);
                let some: Vec<&Value> = all.iter().rev().skip((page - 1) * self.messages).take(self.messages).collect();
                Reply::json(200, &json!({"messages": some}))
            }
            _ => missing(),
        }
    }
}

impl Account {
    fn list(&mut self, world: &World, asked: &Asked, page: usize) -> Reply {
        if page > 500 {
            return Reply::json(400, &json!({"error": "Pagination limit exceeded"}));
        }
        self.sort(world);
        let all = &self.sorted.2;
        let (walk, from, list) = match asked.get("after") {
            Some(token) => {
                let parts = token.strip_prefix("tok-").and_then(|rest| rest.split_once('-'));
                let parts = parts.and_then(|(walk, from)| Some((walk.parse().ok()?, from.parse::<usize>().ok()?)));
                let Some((walk, from)) = parts.filter(|(walk, _)| self.walks.contains_key(walk)) else {
                    return Reply::json(400, &json!({"error": "Invalid pagination cursor"}));
                };
                (walk, from, self.walks[&walk].clone())
            }
            None => (self.walks.len() as u64, (page - 1) * PAGE, all.clone()),
        };
        if self.cursors {
            self.walks.insert(walk, list.clone());
        }
        let some = list.iter().skip(from).take(PAGE).filter(|place| !world.deleted.contains(place));
        let rows: Vec<Value> = some.map(|place| self.row(world, &world.chats[*place])).collect();
        let mut body = json!({"contacts": rows});
        if self.meta {
            body["meta"] = json!({"page": from / PAGE + 1, "pages": list.len().div_ceil(PAGE)});
        }
        if self.cursors {
            let is_last = from + PAGE >= list.len();
            body["meta"]["next"] = if is_last { Value::Null } else { format!("tok-{walk}-{}", from + PAGE).into() };
        }
        Reply::json(200, &body)
    }

    fn row(&self, world: &World, chat: &Chat) -> Value {
        let mut row = contact(world, chat);
        if self.short_rows {
            for key in ["closedAt", "team", "channel"] {
                row.as_object_mut().unwrap().remove(key);
            }
        }
        row
    }

    /// The list, the contact first in which something happened last.
    fn sort(&mut self, world: &World) {
        let stamp = (world.now, world.updates.len() + world.deleted.len());
        if (self.sorted.0, self.sorted.1) == stamp {
            return;
        }
        let bumps = self.bumps;
        let moved_at = |chat: &Chat| {
            let is_seen = |kind: &EventKind| match kind {
                EventKind::Message(said) => bumps == Bumps::All || said.public != Some(false),
                EventKind::Assigned(_)
                | EventKind::Status { .. }
                | EventKind::Tagged { .. }
                | EventKind::Merged { .. } => bumps == Bumps::All,
                _ => false,
            };
            chat.log.iter().rev().find(|one| is_seen(&one.kind)).map_or(chat.opened_at, |one| one.at)
        };
        let places = (0..world.chats.len()).filter(|place| !world.deleted.contains(place));
        let mut all: Vec<(Timestamp, usize)> = places.map(|place| (moved_at(&world.chats[place]), place)).collect();
        all.sort_by(|a, b| b.cmp(a));
        self.sorted = (stamp.0, stamp.1, all.into_iter().map(|(_, place)| place).collect());
    }
}

fn contact(world: &World, chat: &Chat) -> Value {
    let id = uuid(chat.number);
    let name = chat.customer.map(|place| world.customers[place].name.clone()).unwrap_or_default();
    let source = match chat.opened.channel.as_deref() {
        Some("messenger") => "facebook",
        Some(other) => other,
        None => "whatsapp",
    };
    json!({
        "uuid": id, "name": name, "phoneNumber": null, "avatarUrl": null, "createdAt": seconds(chat.opened_at),
        "blockedAt": null, "closedAt": ended_at(chat).map(seconds), "source": source,
        "assignedUser": chat.holder.map(email), "team": chat.team.map_or(json!({}), |place| team(world, place)),
        "channel": {"uuid": "aa00bb11cc22dd33ee44ff5566778899", "title": "Main number", "type": source, "main": true},
        "funnelId": null, "tags": chat.tags, "customFields": {},
        "href": format!("https://dash.callbell.eu/contacts/{id}"),
        "conversationHref": format!("https://dash.callbell.eu/chat/{id}"),
    })
}

fn team(world: &World, place: usize) -> Value {
    let members = world.agents.iter().filter(|agent| agent.teams.contains(&place)).count();
    json!({"uuid": uuid(place as u64 + 1), "name": world.teams[place].name, "createdAt": "2024-01-10T08:00:00Z",
        "default": place == 0, "members": members})
}

fn member(world: &World, place: usize) -> Value {
    let agent = &world.agents[place];
    let mut member = json!({"email": email(place), "name": agent.name, "available": agent.state.is_online(),
        "lastUpdatedAt": seconds(agent.state_at)});
    if agent.state == PresenceState::Busy {
        member["userCustomStatus"] = json!({"id": "3f0c", "name": "Focus", "emoji": "🍙",
            "updatedAt": agent.state_at.to_utc().format("%Y-%m-%d %H:%M:%S +0000").to_string()});
    }
    member
}

/// What can be read of a chat, oldest first. Only what was sent has an id.
fn messages(world: &World, chat: &Chat) -> Vec<Value> {
    let (customer, desk) = ("351912000111", "351210000222");
    let row = |text: &str, status: &str, at: Timestamp| {
        let (from, to) = match status {
            "received" => (customer, desk),
            "sent" => (desk, customer),
            _ => (customer, customer),
        };
        json!({"text": text, "status": status, "channel": "whatsapp", "from": from, "to": to, "createdAt": seconds(at)})
    };
    let mut all = Vec::new();
    for one in &chat.log {
        match &one.kind {
            EventKind::Message(said) => {
                let text = &chat.messages.iter().find(|message| message.number == one.number).unwrap().text;
                let status = match (said.from, said.public != Some(false)) {
                    (Author::Customer, _) => "received",
                    (_, true) => "sent",
                    (_, false) => "note",
                };
                let mut message = row(text, status, one.at);
                if status == "sent" {
                    message["uuid"] = uuid(one.number).into();
                }
                all.push(message);
            }
            EventKind::Assigned(to) => {
                if let Some(to) = to.agent.as_ref().and_then(|to| world.agent_number(to.as_ref()?.as_str())) {
                    let name = &world.agents[to as usize - 1].name;
                    all.push(row(&format!("Conversation was assigned to {name}"), "note", one.at));
                }
            }
            _ => {}
        }
    }
    all
}
