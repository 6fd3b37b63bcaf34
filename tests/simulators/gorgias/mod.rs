//! Gorgias over the simulated desk: its cursors, the views that are asked for by PUT, its leaky bucket, feeds of the whole
//! account, snoozed tickets that look closed, and what a key of a lesser role may not read.

mod again;
pub mod bad;
mod broken;
mod cost;
mod day;
mod feeds;
mod lost;
mod past;
mod ratings;
mod reading;
mod seldom;
mod start;

use std::time::Duration;

use chrono::TimeDelta;
use helptop::event::{Author, Direction, Status, Timestamp};
use helptop::source::gorgias::Gorgias;
use helptop::source::http::Limits;
use helptop::source::{Source, Spec};
use serde_json::{Value, json};

use self::feeds::Feeds;
use crate::agree::{Watch, start};
use crate::contract::Bench;
use crate::server::{Asked, Reply, Simulator, Vendor};
use crate::world::{Chat, World};

pub const TOKEN: &str = "g0rg-s3cret-key";
const BASIC: &str = "Basic YW5hQGFjbWUuY29tOmcwcmctczNjcmV0LWtleQ==";
/// Users who are programs.
const BOT: u64 = 900;
const RULE: u64 = 31;

/// An account.
pub struct Account {
    pub role: &'static str,
    /// The bucket holds 40 requests and drains in twenty seconds; else it is never full.
    pub limited: bool,
    /// Records a page at most.
    pub page: usize,
    bucket: (Timestamp, f64),
    feeds: Feeds,
}

impl Account {
    pub fn usual() -> Self {
        Self { role: "admin", limited: false, page: 100, bucket: (start(), 0.0), feeds: Feeds::default() }
    }
}

/// The source for a simulator.
pub fn source(simulator: &Simulator, settings: &Value, backfill: Duration) -> Box<dyn Source> {
    Box::new(Gorgias::new(&spec(&simulator.base, settings, backfill), Limits::default()).unwrap())
}

/// A source that has read all that is active, and is watched.
async fn watched(simulator: &Simulator) -> Watch<'_> {
    Watch::begun(source(simulator, &json!({}), Duration::ZERO), simulator).await
}

pub fn spec(base: &str, settings: &Value, backfill: Duration) -> Spec {
    let mut all = json!({"base_url": base, "email": "ana@acme.com", "token": TOKEN});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Spec { name: "desk".into(), backfill, settings: all, base: ".".into() }
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "gorgias",
        serve: |world| {
            let mut account = Account::usual();
            // On a large desk this takes longer than a source waits for an answer.
            account.feeds.follow(&world);
            Box::pin(Simulator::start(world, account))
        },
        source: |simulator, backfill| source(simulator, &json!({}), backfill),
        weak: Some(|world| Box::pin(Simulator::start(world, Account { role: "agent", ..Account::usual() }))),
        secret: TOKEN,
        variable: "GORGIAS_TOKEN",
        address: "https://acme.gorgias.com",
        flags: "--set email=ana@acme.com",
        terms: day::terms,
        quiet: 3,
    }
}

/// With microseconds, and a zone or none.
pub fn written(at: Timestamp, zone: &str) -> String {
    format!("{}000{zone}", at.to_utc().format("%Y-%m-%dT%H:%M:%S%.3f"))
}

fn at(at: Timestamp) -> Value {
    written(at, "+00:00").into()
}

/// Parameters that a path takes: others are refused.
fn parameters(path: &str) -> &'static [&'static str] {
    match path {
        "/api/tickets" => &[
            "order_by",
            "customer_id",
            "view_id",
            "rule_id",
            "external_id",
            "ticket_ids",
            "trashed",
            "cursor",
            "limit",
        ],
        "/api/views/0/items" => &["limit", "cursor", "direction", "ignored_item", "order_by"],
        "/api/messages" | "/api/satisfaction-surveys" => &["ticket_id", "order_by", "cursor", "limit"],
        "/api/events" => {
            &["types", "user_ids", "object_id", "object_type", "created_datetime[gte]", "order_by", "cursor", "limit"]
        }
        _ => &["order_by", "cursor", "limit"],
    }
}

fn refused(code: u16, words: &str) -> Reply {
    Reply::json(code, &json!({"error": {"msg": words}}))
}

impl Vendor for Account {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        // A bucket that drains as time goes on.
        let drained = (asked.at - self.bucket.0).num_milliseconds() as f64 / 500.0;
        let level = if self.limited { (self.bucket.1 - drained).max(0.0) + 1.0 } else { 1.0 };
        if level > 40.0 {
            self.bucket = (asked.at, level - 1.0);
            return refused(429, "Too many requests")
                .with("retry-after", 10)
                .with("x-gorgias-account-api-call-limit", "40/40");
        }
        self.bucket = (asked.at, level);
        self.reply(world, asked).with("x-gorgias-account-api-call-limit", format!("{}/40", level.ceil() as u64))
    }
}

impl Account {
    fn reply(&mut self, world: &World, asked: &Asked) -> Reply {
        if asked.header("authorization") != Some(BASIC) {
            return Reply::json(401, &json!({"message": "Unauthorized"}));
        }
        let path = asked.path.as_str();
        let known = parameters(path);
        if let Some((key, _)) = asked.query.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            return Reply::json(
                400,
                &json!({"error": {"msg": "Invalid parameters", "data": {key.as_str(): ["Unknown field."]}}}),
            );
        }
        let limit: usize = asked.get("limit").map_or(30, |limit| limit.parse().unwrap());
        if limit > 100 {
            return refused(400, "limit: must be at most 100");
        }
        let is_closed = ["/api/users", "/api/events", "/api/satisfaction-surveys"].contains(&path);
        if self.role != "admin" && is_closed {
            return refused(403, "You do not have the permission to access this resource");
        }
        self.feeds.follow(world);
        let limit = limit.min(self.page);
        match path {
            "/api/users/0" => {
                Reply::json(200, &json!({"id": 1, "name": "Ana", "email": "ana@acme.com", "role": {"name": self.role}}))
            }
            // These two are seen as bare lists, too.
            "/api/users" => Reply::json(200, &paged(&users(world), asked, limit)),
            "/api/teams" => Reply::json(200, &teams(world).into()),
            "/api/tickets" => Reply::json(200, &tickets(world, asked, limit)),
            "/api/views/0/items" if asked.method == "PUT" => items(world, asked, limit),
            "/api/messages" => Reply::json(200, &self.feeds.messages(world, asked, limit)),
            "/api/events" => Reply::json(200, &self.feeds.events(world, asked, limit)),
            "/api/satisfaction-surveys" => Reply::json(200, &paged(&surveys(world), asked, limit)),
            _ => refused(404, "Not found"),
        }
    }
}

/// A page of a list that is all there, by a cursor.
fn paged(all: &[Value], asked: &Asked, limit: usize) -> Value {
    let first: usize = asked.get("cursor").map_or(0, |cursor| cursor.trim_start_matches("c-").parse().unwrap());
    let data: Vec<&Value> = all.iter().skip(first).take(limit).collect();
    let next = (first + limit < all.len()).then(|| format!("c-{}", first + limit));
    json!({"object": "list", "uri": asked.path, "data": data, "meta": {"prev_cursor": null, "next_cursor": next}})
}

fn users(world: &World) -> Vec<Value> {
    let bot =
        json!({"id": BOT, "active": true, "name": "Gorgias Bot", "email": "bot@gorgias.com", "role": {"name": "bot"}});
    let people = world.agents.iter().enumerate().map(|(place, agent)| {
        json!({"id": place + 1, "active": true, "name": agent.name, "email": agent.email, "role": {"name": "agent"},
            "timezone": "Europe/Lisbon", "created_datetime": "2024-01-10T08:00:00.000000+00:00"})
    });
    std::iter::once(bot).chain(people).collect()
}

fn teams(world: &World) -> Vec<Value> {
    let members = |team: usize| {
        let inside = world.agents.iter().enumerate().filter(|(_, agent)| agent.teams.contains(&team));
        inside.map(|(place, _)| json!({"id": place + 1})).collect::<Vec<_>>()
    };
    let one = |(place, team): (usize, &crate::world::Team)| json!({"id": place + 1, "name": team.name, "description": null, "decoration": null, "members": members(place)});
    world.teams.iter().enumerate().map(one).collect()
}

/// Answers of other scales are no satisfaction answers here.
pub fn is_of_five(scale: f64) -> bool {
    (scale - 5.0).abs() < f64::EPSILON
}

fn surveys(world: &World) -> Vec<Value> {
    let all = world.chats.iter().flat_map(|chat| chat.ratings.iter().map(move |rating| (chat, rating)));
    let mut all: Vec<_> = all.filter(|(_, rating)| is_of_five(rating.scale)).collect();
    all.sort_by_key(|(_, rating)| std::cmp::Reverse((rating.at, rating.number)));
    let one = |(chat, rating): (&Chat, &crate::world::Rated)| {
        json!({"id": rating.number, "ticket_id": chat.number, "customer_id": 1, "score": rating.score as i64,
            "body_text": rating.comment, "created_datetime": at(rating.at - TimeDelta::minutes(1)), "sent_datetime": null,
            "scored_datetime": at(rating.at), "should_send_datetime": null})
    };
    all.into_iter().map(one).collect()
}

/// Neither open nor ended looks closed, with a time in the future.
pub fn is_snoozed(status: Status) -> bool {
    matches!(status, Status::Pending | Status::OnHold | Status::Snoozed)
}

fn is_open(chat: &Chat) -> bool {
    chat.status == Status::Open && chat.merged_into.is_none()
}

fn ended_at(chat: &Chat) -> Option<Timestamp> {
    (chat.status.is_ended() || chat.merged_into.is_some()).then_some(if chat.status.is_ended() {
        chat.status_at
    } else {
        chat.updated_at
    })
}

fn ticket(world: &World, chat: &Chat) -> Value {
    let person = |place: Option<usize>| {
        place.map(|place| json!({"id": place + 1, "name": world.agents[place].name, "email": world.agents[place].email, "meta": {}}))
    };
    let team =
        chat.team.map(|place| json!({"id": place + 1, "name": world.teams[place].name, "decoration": {"emoji": "x"}}));
    let customer =
        chat.customer.map(|place| json!({"id": place + 1, "name": world.customers[place].name, "email": null}));
    let last = |wanted: fn(&Author) -> bool| {
        chat.messages.iter().rev().find(|said| said.public && wanted(&said.from)).map(|said| at(said.at))
    };
    let tags: Vec<Value> = chat.tags.iter().map(|tag| json!({"id": 7, "name": tag})).collect();
    let is_outbound = chat.opened.direction == Some(Direction::Outbound);
    let snooze = is_snoozed(chat.status).then_some("2026-12-31T08:00:00.000000+00:00");
    json!({
        "id": chat.number, "uri": format!("/api/tickets/{}/", chat.number), "external_id": null,
        "status": if is_open(chat) { "open" } else { "closed" }, "priority": chat.opened.priority,
        "channel": chat.opened.channel, "via": "email", "from_agent": is_outbound, "is_unread": false, "spam": false,
        "language": null, "subject": chat.opened.subject, "excerpt": "x", "customer": customer,
        "assignee_user": person(chat.holder), "assignee_team": team, "tags": tags, "messages_count": chat.messages.len(),
        "created_datetime": at(chat.opened_at), "opened_datetime": null,
        "last_received_message_datetime": last(|from| *from == Author::Customer), "last_message_datetime": last(|_| true),
        "updated_datetime": at(chat.updated_at), "closed_datetime": ended_at(chat).map(at), "snooze_datetime": snooze,
        "trashed_datetime": chat.merged_into.as_ref().map(|_| at(chat.updated_at)),
    })
}

fn tickets(world: &World, asked: &Asked, limit: usize) -> Value {
    let list = |chats: &[&Chat], next: Option<String>| {
        let data: Vec<Value> = chats.iter().map(|chat| ticket(world, chat)).collect();
        json!({"object": "list", "uri": "/api/tickets", "data": data, "meta": {"prev_cursor": null, "next_cursor": next}})
    };
    let wanted = asked.query.iter().filter(|(key, _)| key == "ticket_ids").map(|(_, id)| id.parse().unwrap());
    let wanted: Vec<u64> = wanted.collect();
    if !wanted.is_empty() {
        assert!(wanted.len() <= 100);
        let found: Vec<&Chat> = wanted.into_iter().filter_map(|number| world.chat(number)).collect();
        return list(&found, None);
    }
    assert_eq!(asked.get("order_by"), Some("updated_datetime:desc"));
    let key = |chat: &Chat| (chat.updated_at.millis(), chat.number);
    let before: Option<(i64, u64)> = asked.get("cursor").map(|cursor| {
        let (at, number) = cursor.split_once('-').unwrap();
        (at.parse().unwrap(), number.parse().unwrap())
    });
    let begin = before.map_or(world.now, |(at, _)| Timestamp::from_millis(at));
    for hours in [1, 24, 24 * 365] {
        let mut found = world.changed_since(begin - TimeDelta::hours(hours));
        found.retain(|chat| before.is_none_or(|before| key(chat) < before));
        if found.len() > limit || hours > 24 {
            found.sort_by_key(|chat| std::cmp::Reverse(key(chat)));
            let has_more = found.len() > limit;
            found.truncate(limit);
            let next =
                found.last().filter(|_| has_more).map(|chat| format!("{}-{}", chat.updated_at.millis(), chat.number));
            return list(&found, next);
        }
    }
    list(&[], None)
}

/// Tickets that match a filter; the list goes on at an address.
fn items(world: &World, asked: &Asked, limit: usize) -> Reply {
    let Some(filter) = asked.body["view"]["filters"].as_str() else { return refused(400, "view: is missing") };
    let mut found: Vec<&Chat> = if filter.contains("'open'") {
        world.open().filter(|chat| is_open(chat)).collect()
    } else if filter.contains("isNotEmpty(ticket.snooze_datetime)") {
        world.open().filter(|chat| is_snoozed(chat.status)).collect()
    } else {
        let since = filter.split("gte(ticket.closed_datetime, '").nth(1).unwrap();
        let since = Timestamp::parse(since.split('\'').next().unwrap()).unwrap();
        let all = world.chats.iter().filter(|chat| world.chat(chat.number).is_some());
        all.filter(|chat| ended_at(chat).is_some_and(|at| at >= since)).collect()
    };
    let is_by_end = asked.get("order_by") == Some("closed_datetime:asc");
    let key = |chat: &Chat| {
        (if is_by_end { ended_at(chat).unwrap_or_default() } else { chat.opened_at }.millis(), chat.number)
    };
    found.sort_by_key(|chat| key(chat));
    if let Some(cursor) = asked.get("cursor") {
        let (at, number) = cursor.split_once('-').unwrap();
        let after = (at.parse().unwrap(), number.parse().unwrap());
        found.retain(|chat| key(chat) > after);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|chat| {
        let (at, number) = key(chat);
        format!("/api/views/0/items?cursor={at}-{number}&direction=next&ignored_item={number}&limit={limit}")
    });
    let data = found.into_iter().map(|chat| {
        let mut row = ticket(world, chat);
        // Rows of a view are seen without it.
        row.as_object_mut().unwrap().remove("spam");
        row
    });
    let data: Vec<Value> = data.collect();
    Reply::json(200, &json!({"object": "list", "data": data, "meta": {"prev_items": null, "next_items": next}}))
}
