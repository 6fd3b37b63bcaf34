//! Zendesk Support over the simulated desk: its two sorts of credentials and of keys, its ways of paging, the minute that
//! its exports leave out, the lag of its search, its limits, and its errors in the forms that were seen.

pub mod bad;
mod behind;
mod cost;
mod day;
mod desk;
mod left;
mod now_and_then;
mod sides;
mod start;
mod targets;
mod unreadable;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use helptop::event::PresenceState;
use helptop::source::Spec;
use helptop::source::demo::Params;
use helptop::source::http::Limits;
use helptop::source::zendesk::Zendesk;
use serde_json::{Value, json};

use self::desk::{Desk, FIRST_CUSTOMER, place, seconds, written};
use crate::agree::{Terms, Watch, start};
use crate::contract::Bench;
use crate::server::{Asked, Limiter, Reply, Simulator, Vendor};
use crate::world::World;

/// Events of the export in a page.
const EXPORT_PAGE: usize = 1000;
/// What the exports leave out, in seconds.
const HOLE: i64 = 60;
/// How late the search is, in seconds.
const LAG: i64 = 120;
pub const SECRET: &str = "s3cret-of-the-client";

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Admin,
    Agent,
}

/// How often it said no, for tests to look at.
#[derive(Debug, Default)]
pub struct Tally {
    pub throttled: AtomicU32,
    pub tokens: AtomicU32,
}

pub struct Vendors {
    desk: Desk,
    role: Role,
    tally: Arc<Tally>,
    exports: VecDeque<i64>,
    /// Tokens that were given, and when they end.
    tokens: HashMap<String, i64>,
    /// Records per page, for small desks to have several.
    page: usize,
}

impl Vendors {
    pub fn new(role: Role) -> (Self, Arc<Tally>) {
        let tally = Arc::new(Tally::default());
        let desk = Desk::default();
        let (exports, tokens) = (VecDeque::new(), HashMap::new());
        (Self { desk, role, tally: Arc::clone(&tally), exports, tokens, page: 100 }, tally)
    }
}

/// The limit of the account, as a plan has it.
pub fn plan(a_minute: u64) -> Limiter {
    let beyond =
        Reply::text(429, "text/plain", "Number of allowed API requests per minute exceeded").with("retry-after", 30);
    let headers = [Some("ratelimit-limit"), Some("ratelimit-remaining"), Some("ratelimit-reset")];
    Limiter::new(a_minute, TimeDelta::minutes(1), headers, beyond)
}

/// A source on that simulator.
pub fn source(base: &str, settings: &Value, backfill: TimeDelta) -> Zendesk {
    let mut all = json!({"base_url": base, "client_id": "helptop", "client_secret": SECRET});
    if settings.get("token").is_some() {
        all = json!({"base_url": base});
    }
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let backfill = backfill.to_std().unwrap();
    Zendesk::new(&Spec { name: "desk".into(), backfill, settings: all, base: ".".into() }, Limits::default()).unwrap()
}

/// A desk on which little goes on.
pub const SMALL: Params = Params { seed: 2, agents: 3, chats: 20 };

/// A desk at nine in the morning, and lists of so many records a page.
pub async fn desk_of(role: Role, page: usize, params: Params) -> Simulator {
    let (mut vendor, _) = Vendors::new(role);
    vendor.page = page;
    let mut world = World::new(params, start());
    world.advance(start() + TimeDelta::hours(9));
    Simulator::start(world, vendor).await
}

/// What a source tells of a desk, behind its start.
pub async fn begun(simulator: &Simulator) -> Watch<'_> {
    Watch::begun(Box::new(source(&simulator.base, &json!({}), TimeDelta::zero())), simulator).await
}

/// For the contract that every vendor keeps.
pub fn bench() -> Bench {
    Bench {
        kind: "zendesk",
        serve: |world| Box::pin(Simulator::start(world, Vendors::new(Role::Admin).0)),
        source: |simulator, backfill| {
            Box::new(source(&simulator.base, &json!({}), TimeDelta::from_std(backfill).unwrap()))
        },
        weak: Some(|world| Box::pin(Simulator::start(world, Vendors::new(Role::Agent).0))),
        secret: SECRET,
        variable: "ZENDESK_CLIENT_SECRET",
        address: "https://acme.zendesk.com",
        flags: "--set client_id=helptop",
        terms: Terms::exact,
        quiet: 3,
    }
}

fn forbidden() -> Reply {
    let message =
        "You do not have access to this page. Please contact the account owner of this help desk for further help.";
    Reply::json(403, &json!({"error": {"title": "Forbidden", "message": message}}))
}

fn not_found() -> Reply {
    Reply::json(404, &json!({"error": "RecordNotFound", "description": "Not found"}))
}

/// A page by cursor of records in their order; the cursor is the place of the next one.
fn cursor_page<T>(key: &str, all: Vec<T>, show: impl Fn(T) -> Value, asked: &Asked, most: usize) -> Value {
    let size = asked.get("page[size]").and_then(|size| size.parse().ok()).unwrap_or(most).min(most);
    let from: usize =
        asked.get("page[after]").and_then(|after| after.trim_start_matches('c').parse().ok()).unwrap_or(0);
    let more = all.len() > from + size;
    let page: Vec<Value> = all.into_iter().skip(from).take(size).map(show).collect();
    // On the last page the cursors are filled, too.
    let after = format!("c{}", from + page.len());
    json!({key: page, "meta": {"has_more": more, "after_cursor": after, "before_cursor": "c0"},
        "links": {"next": format!("https://acme.zendesk.com/x?page[after]={after}"), "prev": null}})
}

impl Vendors {
    fn is_known(&self, asked: &Asked, now: i64) -> bool {
        let Some(given) = asked.header("authorization") else { return false };
        match given.strip_prefix("Bearer ") {
            Some(token) => self.tokens.get(token).is_some_and(|until| *until > now),
            None => given == "Basic YW5hQGFjbWUuY29tL3Rva2VuOmEta2V5LW9mLWFuYQ==",
        }
    }

    fn token(&mut self, asked: &Asked, now: i64) -> Reply {
        self.tally.tokens.fetch_add(1, Ordering::Relaxed);
        if asked.body["client_id"] != "helptop" || asked.body["client_secret"] != SECRET {
            return Reply::json(
                401,
                &json!({"error": "invalid_client", "error_description": "Client authentication failed"}),
            );
        }
        assert_eq!((&asked.body["grant_type"], &asked.body["scope"]), (&json!("client_credentials"), &json!("read")));
        let lasts = asked.body["expires_in"].as_i64().unwrap();
        let token = format!("token-{}-of-helptop", self.tokens.len());
        self.tokens.insert(token.clone(), now + lasts);
        Reply::json(201, &json!({"access_token": token, "token_type": "bearer", "scope": "read", "expires_in": lasts}))
    }

    fn user(world: &World, id: u64) -> Option<Value> {
        if id >= FIRST_CUSTOMER {
            let customer = world.customers.get((id - FIRST_CUSTOMER) as usize)?;
            return Some(
                json!({"id": id, "name": customer.name, "email": null, "role": "end-user", "active": true, "suspended": false, "tags": []}),
            );
        }
        let agent = world.agents.get((id as usize).checked_sub(1)?)?;
        Some(
            json!({"id": id, "name": agent.name, "email": agent.email, "role": if id == 1 { "admin" } else { "agent" },
            "active": true, "suspended": false, "default_group_id": null, "photo": null}),
        )
    }

    /// Records of tickets and what is sent with them: metrics are embedded in lists, and beside the others.
    fn tickets(&self, world: &World, ids: &[u64], asked: &Asked, is_list: bool) -> Value {
        let include = asked.get("include").unwrap_or_default();
        let found: Vec<_> = ids
            .iter()
            .filter(|id| !world.deleted.contains(&place(**id)))
            .filter_map(|id| self.desk.tickets.get(id))
            .collect();
        let records: Vec<Value> = found.iter().map(|ticket| ticket.record(include, is_list)).collect();
        let mut page = json!({"tickets": records});
        if include.contains("metric_sets") && !is_list {
            page["metric_sets"] = found.iter().map(|ticket| ticket.metrics()).collect();
        }
        if include.contains("last_audits") {
            let last = found.iter().filter_map(|ticket| ticket.audits.last());
            page["last_audits"] = last.map(|at| self.desk.audits[*at].audit()).collect();
        }
        if include.contains("users") {
            let mut people: Vec<u64> =
                found.iter().flat_map(|ticket| [Some(ticket.requester), ticket.assignee]).flatten().collect();
            people.sort_unstable();
            people.dedup();
            page["users"] = people.into_iter().filter_map(|id| Self::user(world, id)).collect();
        }
        page
    }

    /// By the last change, newest first; the cursor names the last record, so that pages may shift.
    fn list(&self, world: &World, asked: &Asked) -> Reply {
        if asked.get("sort") != Some("-updated_at") || asked.get("per_page").is_some() {
            return Reply::json(
                400,
                &json!({"error": "InvalidPaginationParameter", "description": "sort is not valid"}),
            );
        }
        let size = asked.get("page[size]").and_then(|size| size.parse().ok()).unwrap_or(100).min(self.page);
        let after = asked
            .get("page[after]")
            .and_then(|after| after.split_once('-'))
            .map(|(at, id)| (at.parse().unwrap(), id.parse().unwrap()));
        let before = after.unwrap_or((i64::MAX, u64::MAX));
        let is_there = |id: &u64| !world.deleted.contains(&place(*id));
        let mut ids: Vec<(i64, u64)> =
            self.desk.by_change.range(..before).rev().filter(|(_, id)| is_there(id)).take(size + 1).copied().collect();
        let more = ids.len() > size;
        ids.truncate(size);
        let numbers: Vec<u64> = ids.iter().map(|(_, id)| *id).collect();
        let mut page = self.tickets(world, &numbers, asked, true);
        let cursor = ids.last().map(|(at, id)| format!("{at}-{id}"));
        page["meta"] = json!({"has_more": more, "after_cursor": cursor, "before_cursor": cursor});
        page["links"] = json!({"next": "https://acme.zendesk.com/api/v2/tickets?…", "prev": null});
        Reply::json(200, &page).with("zendesk-ratelimit-tickets-index", "total=20000; remaining=19999; resets=41")
    }

    fn search(&self, asked: &Asked, now: i64) -> Reply {
        if asked.get("filter[type]") != Some("ticket")
            || !asked.get("query").is_some_and(|query| query.starts_with("status<solved"))
        {
            return Reply::json(422, &json!({"error": "invalid", "description": "filter[type] is required"}));
        }
        let groups: Vec<u64> =
            asked.get("query").unwrap().split("group:").skip(1).map(|id| id.trim().parse().unwrap()).collect();
        let mut found: Vec<_> = self.desk.tickets.values().filter(|ticket| ticket.was_open(now - LAG)).collect();
        found.retain(|ticket| groups.is_empty() || ticket.group.is_some_and(|group| groups.contains(&group)));
        found.sort_by_key(|ticket| std::cmp::Reverse((ticket.created_at, ticket.id)));
        let result = |ticket: &desk::Ticket| {
            let mut record = ticket.record("", false);
            record["result_type"] = "ticket".into();
            record
        };
        Reply::json(200, &cursor_page("results", found, result, asked, self.page))
    }

    fn audits(&self, world: &World, id: u64, asked: &Asked) -> Reply {
        let found = self.desk.tickets.get(&id).filter(|_| !world.deleted.contains(&place(id)));
        let Some(ticket) = found else { return not_found() };
        let mut audits: Vec<Value> = ticket.audits.iter().map(|at| self.desk.audits[*at].audit()).collect();
        if asked.get("sort") == Some("-created_at") {
            audits.reverse();
        }
        Reply::json(200, &cursor_page("audits", audits, |audit| audit, asked, self.page))
    }

    fn export(&mut self, asked: &Asked, now: i64) -> Reply {
        while self.exports.front().is_some_and(|at| now - at >= 60) {
            self.exports.pop_front();
        }
        if self.exports.len() >= 10 {
            self.tally.throttled.fetch_add(1, Ordering::Relaxed);
            let body = json!({"error": "APIRateLimitExceeded", "description": "Number of allowed incremental ticket export API requests per minute exceeded"});
            return Reply::json(429, &body).with("retry-after", 20);
        }
        self.exports.push_back(now);
        let since: i64 = asked.get("start_time").and_then(|since| since.parse().ok()).unwrap_or(0);
        if since > now - HOLE {
            return Reply::json(
                400,
                &json!({"error": "StartTimeTooRecent", "description": "Too recent start_time. Use a start_time older than 60 seconds"}),
            );
        }
        assert_eq!(asked.get("include"), Some("comment_events"));
        let mut found: Vec<usize> = Vec::new();
        let mut end = None;
        // A page is never cut inside a second.
        for (at, number) in self.desk.by_time.range((since, 0)..(now - HOLE, usize::MAX)) {
            if found.len() >= EXPORT_PAGE && end != Some(*at) {
                break;
            }
            found.push(*number);
            end = Some(*at);
        }
        let last = self.desk.by_time.range(..(now - HOLE, usize::MAX)).next_back().map(|(at, _)| *at);
        let events: Vec<Value> = found.iter().map(|number| self.desk.audits[*number].exported()).collect();
        let next =
            end.map(|end| format!("https://acme.zendesk.com/api/v2/incremental/ticket_events.json?start_time={end}"));
        let (count, is_end) = (events.len(), end.is_none() || end == last);
        Reply::json(200, &json!({"ticket_events": events, "count": count, "end_of_stream": is_end, "end_time": end, "next_page": next}))
            .with("zendesk-ratelimit-incremental-exports", format!("total=10; remaining={}; resets=30", 10 - self.exports.len()))
    }

    fn availabilities(&self, world: &World, asked: &Asked) -> Reply {
        let (mut data, mut included) = (Vec::new(), Vec::new());
        let from: usize = asked.get("page[after]").and_then(|after| after.parse().ok()).unwrap_or(0);
        for (place, agent) in world.agents.iter().enumerate().skip(from).take(self.page) {
            let id = place + 1;
            let (status, word) = match agent.state {
                PresenceState::Online => (3, "online"),
                PresenceState::Busy => (5, "transfers_only"),
                PresenceState::Away => (4, "away"),
                PresenceState::Offline => (2, "offline"),
            };
            let at = agent.state_at.to_utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            let own = format!("agent_availabilities|{id}");
            data.push(json!({"id": own, "type": "agent_availabilities", "attributes": {"agent_id": id,
                "agent_status": {"id": status, "name": word, "reason": "UNKNOWN", "updated_at": at}, "group_ids": [], "skills": [], "version": 512},
                "links": {"self": "https://acme..."}}));
            included.push(json!({"id": format!("{own}|channels|messaging"), "type": "channels", "attributes": {"name": "messaging",
                "status": word, "max_capacity": 4, "work_item_count": 1, "updated_at": at}}));
        }
        let more = world.agents.len() > from + self.page;
        let next = more.then(|| {
            format!("https://acme.zendesk.com/api/v2/agent_availabilities?page%5Bafter%5D={}", from + self.page)
        });
        Reply::json(
            200,
            &json!({"data": data, "included": included, "links": {"next": next}, "meta": {"has_more": more}}),
        )
    }

    fn surveys(&self, asked: &Asked) -> Reply {
        let since: i64 = asked.get("filter[created_at_start]").and_then(|since| since.parse().ok()).unwrap_or(0);
        let answers = self.desk.answered.iter().filter(|one| one.offered.millis() >= since).map(|one| {
            let at = one.at.to_utc().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            let rated = json!({"type": "rating_scale", "rating": one.score, "rating_category": "good", "created_at": at, "updated_at": at});
            let said = one.comment.as_ref().map(|words| json!({"type": "open_ended", "value": words, "created_at": at, "updated_at": at}));
            let answers: Vec<_> = [Some(rated), said].into_iter().flatten().collect();
            json!({"id": format!("01K{}", one.id), "subjects": [{"id": one.ticket.to_string(), "type": "ticket", "zrn": format!("zen:ticket:{}", one.ticket)}],
                "responder_id": "1", "answers": answers})
        });
        Reply::json(200, &cursor_page("survey_responses", answers.collect(), |answer| answer, asked, 50))
    }
}

fn numbers(asked: &Asked) -> Vec<u64> {
    let mut ids: Vec<u64> = asked.get("ids").unwrap_or_default().split(',').filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

impl Vendor for Vendors {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        self.desk.read(world);
        let now = seconds(world.now);
        if asked.path == "/oauth/tokens" {
            return self.token(asked, now);
        }
        let Some(path) = asked.path.strip_prefix("/api/v2") else {
            return Reply::text(404, "text/html", "<html>No help desk</html>");
        };
        if !self.is_known(asked, now) {
            // The trap: nobody is somebody.
            return match path {
                "/users/me" => {
                    Reply::json(200, &json!({"user": {"id": null, "name": "Anonymous user", "role": "end-user"}}))
                }
                _ if asked.header("authorization").is_some_and(|given| given.starts_with("Bearer")) => Reply::json(
                    401,
                    &json!({"error": "invalid_token", "error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons."}),
                ),
                _ => Reply::json(401, &json!({"error": "Couldn't authenticate you"})),
            };
        }
        let is_admin = self.role == Role::Admin;
        let id = |begin: &str, end: &str| path.strip_prefix(begin)?.strip_suffix(end)?.parse::<u64>().ok();
        match path {
            "/tickets" => self.list(world, asked),
            "/tickets/count" => {
                Reply::json(200, &json!({"count": {"value": self.desk.tickets.len(), "refreshed_at": written(now)}}))
            }
            "/tickets/show_many" => Reply::json(200, &self.tickets(world, &numbers(asked), asked, false)),
            "/search/export" => self.search(asked, now),
            "/users/me" => Reply::json(200, &json!({"user": Self::user(world, if is_admin { 1 } else { 2 })})),
            "/users" => {
                let all = (1..=world.agents.len() as u64).collect();
                let user = |id| Self::user(world, id).unwrap();
                Reply::json(200, &cursor_page("users", all, user, asked, self.page))
            }
            "/users/show_many" => {
                let users: Vec<Value> = numbers(asked).into_iter().filter_map(|id| Self::user(world, id)).collect();
                Reply::json(
                    200,
                    &json!({"users": users, "count": users.len(), "next_page": null, "previous_page": null}),
                )
            }
            "/groups" => {
                let groups = world
                    .teams
                    .iter()
                    .enumerate()
                    .map(|(place, team)| json!({"id": 3301 + place, "name": team.name, "deleted": false}));
                Reply::json(200, &cursor_page("groups", groups.collect(), |group| group, asked, self.page))
            }
            "/group_memberships" => {
                let of = |(place, agent): (usize, &crate::world::Agent)| {
                    agent
                        .teams
                        .iter()
                        .map(|team| json!({"id": place * 10 + team, "user_id": place + 1, "group_id": 3301 + team}))
                        .collect::<Vec<_>>()
                };
                let all = world.agents.iter().enumerate().flat_map(of).collect();
                Reply::json(200, &cursor_page("group_memberships", all, |one| one, asked, self.page))
            }
            "/custom_statuses" => Reply::json(
                200,
                &json!({"custom_statuses": [{"id": 17001, "status_category": "open", "agent_label": "Open", "active": true}]}),
            ),
            "/slas/policies" if is_admin => {
                Reply::json(200, &json!({"sla_policies": [{"id": 1, "title": "VIP"}], "count": 1}))
            }
            "/agent_availabilities" if is_admin => self.availabilities(world, asked),
            "/incremental/ticket_events" if is_admin => self.export(asked, now),
            "/guide/survey_responses" if is_admin => self.surveys(asked),
            "/slas/policies"
            | "/agent_availabilities"
            | "/incremental/ticket_events"
            | "/guide/survey_responses"
            | "/satisfaction_ratings" => forbidden(),
            _ => match id("/tickets/", "/audits") {
                Some(ticket) => self.audits(world, ticket, asked),
                None => Reply::json(404, &json!({"error": "InvalidEndpoint", "description": "Not found"})),
            },
        }
    }
}
