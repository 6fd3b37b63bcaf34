//! Intercom 2.16 as its API shows a desk: searches by cursor, parts, whole seconds, its refusals.

pub mod bad;
mod broken;
mod cost;
mod day;
mod endings;
mod gone;
mod long;
mod show;

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{EventKind, PresenceState, Timestamp};
use helptop::source::demo::Params;
use helptop::source::http::Limits;
use helptop::source::intercom::Intercom;
use helptop::source::{Source, Spec};
use serde_json::{Value, json};

use crate::agree::start;
use crate::contract::Bench;
use crate::server::{Asked, Limiter, Reply, Simulator, Vendor};
use crate::world::{Chat, Logged, World};

pub const TOKEN: &str = "dG9rOnNlY3JldC0wODE1";
/// How this workspace is set up.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings of a workspace")]
pub struct Workspace {
    /// The app may read tickets; else conversations that are tickets are left out.
    pub reads_tickets: bool,
    /// A bot's answer ends the wait, by the vendor's field.
    pub bots_answer: bool,
    /// A search shows a change so late.
    pub lag: TimeDelta,
    /// That it was rated is no change of a conversation.
    pub ratings_are_silent: bool,
    /// Records a page at most.
    pub page: usize,
    /// Parts that an answer holds.
    pub most_parts: usize,
    /// A field by which nothing can be searched.
    pub refuses: &'static str,
    /// Searches with all of these words fail, from five minutes past nine on.
    pub fails: &'static [&'static str],
    /// Its answers tell of the limit that apps have by default; where there is a limiter, that does.
    pub tells_limit: bool,
}

impl Workspace {
    pub const fn usual() -> Self {
        Self {
            reads_tickets: true,
            bots_answer: false,
            lag: TimeDelta::zero(),
            ratings_are_silent: false,
            page: 150,
            most_parts: 500,
            refuses: "none",
            fails: &["none"],
            tells_limit: false,
        }
    }
}

/// A simulator of a desk of that size.
pub async fn simulator(size: Params, workspace: Workspace) -> Simulator {
    Simulator::start(World::new(size, start()), workspace).await
}

/// The source for a simulator.
pub fn source(simulator: &Simulator, settings: &Value, backfill: Duration) -> Box<dyn Source> {
    Box::new(Intercom::new(&spec(&simulator.base, settings, backfill), Limits::default()).unwrap())
}

pub fn spec(base: &str, settings: &Value, backfill: Duration) -> Spec {
    let mut all = json!({"base_url": base, "token": TOKEN});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Spec { name: "desk".into(), backfill, settings: all, base: ".".into() }
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "intercom",
        serve: |world| Box::pin(Simulator::start(world, Workspace { tells_limit: true, ..Workspace::usual() })),
        source: |simulator, backfill| source(simulator, &json!({}), backfill),
        weak: Some(|world| {
            Box::pin(Simulator::start(
                world,
                Workspace { reads_tickets: false, tells_limit: true, ..Workspace::usual() },
            ))
        }),
        secret: TOKEN,
        variable: "INTERCOM_TOKEN",
        address: "https://api.intercom.io",
        flags: "",
        terms: day::terms,
        quiet: 3,
    }
}

/// The least that an app may ask, as far as it is documented: 1000 requests a minute, dealt out in ten seconds.
pub fn smallest() -> Limiter {
    let body = failed("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds");
    let headers = [Some("x-ratelimit-limit"), Some("x-ratelimit-remaining"), None];
    Limiter::new(167, TimeDelta::seconds(10), headers, Reply::json(429, &body))
}

/// Only `away` is told, and who has gone home has not said so.
pub fn shown(state: PresenceState) -> PresenceState {
    if state == PresenceState::Away { PresenceState::Away } else { PresenceState::Online }
}

pub fn failed(code: &str, message: &str) -> Value {
    json!({"type": "error.list", "request_id": "r1", "errors": [{"code": code, "message": message, "field": null}]})
}

pub fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1000)
}

impl Vendor for Workspace {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if token != Some(TOKEN) {
            return Reply::json(401, &failed("unauthorized", "Access Token Invalid"));
        }
        if asked.header("intercom-version") != Some("2.16") || asked.header("accept") != Some("application/json") {
            return Reply::json(400, &failed("intercom_version_invalid", "The requested version does not exist"));
        }
        let mut reply = self.reply(world, asked);
        if self.tells_limit {
            reply = reply.with("x-ratelimit-limit", 1667).with("x-ratelimit-remaining", 1660);
        }
        reply.with("x-ratelimit-reset", (seconds(world.now) / 10 + 1) * 10)
    }
}

impl Workspace {
    fn reply(&self, world: &World, asked: &Asked) -> Reply {
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["me"]) => Reply::json(
                200,
                &json!({"type": "admin", "id": "1", "avatar": {"type": "avatar"}, "app": {"type": "app", "id_code": "ab12cd34",
                    "name": "ACME", "region": "US", "timezone": "America/Los_Angeles", "created_at": 1_700_000_000}}),
            ),
            ("GET", ["admins"]) => Reply::json(200, &json!({"type": "admin.list", "admins": show::admins(world)})),
            ("GET", ["teams"]) => Reply::json(200, &json!({"type": "team.list", "teams": show::teams(world)})),
            ("GET", ["away_status_reasons"]) => Reply::json(
                200,
                &json!({"type": "list", "data": [
                {"type": "away_status_reason", "id": "71", "label": "On a break", "emoji": "x", "order": 1, "deleted": false,
                    "created_at": 1_734_537_243, "updated_at": 1_734_537_243}]}),
            ),
            ("POST", ["tickets", "search"]) if !self.reads_tickets => {
                Reply::json(403, &failed("forbidden", "Not authorized to access resource"))
            }
            ("POST", ["tickets", "search"]) => {
                Reply::json(200, &json!({"type": "ticket.list", "tickets": [], "total_count": 0}))
            }
            ("POST", ["conversations", "search"]) => self.search(world, asked),
            ("GET", ["conversations", id]) => match id.parse().ok().and_then(|number| world.chat(number)) {
                Some(chat) if self.may_read(chat) && asked.get("display_as") == Some("plaintext") => {
                    Reply::json(200, &show::conversation(world, chat, self, true))
                }
                _ => Reply::json(404, &failed("not_found", "Conversation not found")),
            },
            _ => Reply::json(404, &failed("not_found", "Resource Not Found")),
        }
    }

    fn may_read(&self, chat: &Chat) -> bool {
        self.reads_tickets || !chat.number.is_multiple_of(7)
    }

    /// The last changed first. A cursor names the last of a page: what changes meanwhile is before it, and is not met.
    fn search(&self, world: &World, asked: &Asked) -> Reply {
        let (query, pagination) = (&asked.body["query"], &asked.body["pagination"]);
        let size = pagination["per_page"].as_u64().unwrap_or(20) as usize;
        if size > 150 {
            return Reply::json(400, &failed("parameter_invalid", "per_page is too big"));
        }
        let size = size.min(self.page);
        if query.to_string().contains(self.refuses) {
            return Reply::json(400, &failed("parameter_invalid", "that field can't be asked"));
        }
        let words = asked.body.to_string();
        if world.now >= start() + TimeDelta::minutes(545) && self.fails.iter().all(|one| words.contains(one)) {
            return Reply::json(500, &failed("server_error", "that takes too long"));
        }
        let seen_to = world.now - self.lag;
        let mut found: Vec<&Chat> = match query["field"].as_str() {
            Some("updated_at") => {
                let since = Timestamp::from_millis(query["value"].as_i64().unwrap() * 1000);
                world.changed_since(since)
            }
            _ if query.to_string().contains("\"open\"") => world.open().collect(),
            _ => world.changed_since(Timestamp::MIN),
        };
        found.retain(|chat| {
            self.may_read(chat) && chat.updated_at <= seen_to.max(chat.opened_at) && is_wanted(chat, query)
        });
        if self.ratings_are_silent && query["field"] == "updated_at" {
            let is_rating = |logged: &Logged| matches!(logged.kind, EventKind::Rated { .. });
            found.retain(|chat| !chat.log.last().is_some_and(is_rating));
        }
        found.sort_by_key(|chat| std::cmp::Reverse(place(chat)));
        let total = found.len();
        if let Some(after) = pagination["starting_after"].as_str() {
            let last: (i64, u64) = serde_json::from_str(after).unwrap();
            found.retain(|chat| place(chat) < last);
        }
        let next = (found.len() > size).then(|| place(found[size - 1]));
        found.truncate(size);
        let mut pages = json!({"type": "pages", "page": 1, "per_page": size, "total_pages": total.div_ceil(size)});
        if let Some(next) = next {
            pages["next"] = json!({"per_page": size, "starting_after": serde_json::to_string(&next).unwrap()});
        }
        let rows: Vec<Value> = found.into_iter().map(|chat| show::conversation(world, chat, self, false)).collect();
        let answer = json!({"type": "conversation.list", "total_count": total, "pages": pages, "conversations": rows});
        Reply::json(200, &answer)
    }
}

fn place(chat: &Chat) -> (i64, u64) {
    (seconds(chat.updated_at), chat.number)
}

/// Whether a conversation answers a question; `>` and `<` hold at the value, too.
fn is_wanted(chat: &Chat, query: &Value) -> bool {
    let all = || query["value"].as_array().unwrap();
    let compare = |value: Option<i64>| {
        let than = query["value"].as_i64().unwrap();
        value.is_some_and(|value| match query["operator"].as_str().unwrap() {
            ">" => value >= than,
            "<" => value <= than,
            "=" => value == than,
            other => panic!("{other}"),
        })
    };
    match (query["operator"].as_str().unwrap(), query["field"].as_str()) {
        ("AND", None) => all().iter().all(|one| is_wanted(chat, one)),
        ("OR", None) => all().iter().any(|one| is_wanted(chat, one)),
        ("=", Some("state")) => query["value"] == show::state(chat),
        (_, Some("updated_at")) => compare(Some(seconds(chat.updated_at))),
        (_, Some("statistics.last_close_at")) => compare(show::last_close(chat).map(seconds)),
        (_, Some("conversation_rating.replied_at")) => compare(show::rating(chat).map(|rated| seconds(rated.at))),
        other => panic!("{other:?} can't be asked"),
    }
}
