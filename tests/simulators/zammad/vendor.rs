//! Zammad's API over the simulated desk: its searches, caps, shapes and errors.

use chrono::TimeDelta;
use helptop::event::{AgentId, Author, Direction, EventKind, Status, StatusBy, Timestamp};
use serde_json::{Map, Value, json};

use crate::server::{Asked, Reply, Vendor};
use crate::world::{Chat, FIRST_CHAT, Logged, World};

pub const KEY: &str = "zammad-key";
/// The account that asks; 1 is nobody, agents begin at 10, customers at 100,000.
const OWN: u64 = 3;
pub const FIRST_AGENT: u64 = 10;
const FIRST_CUSTOMER: u64 = 100_000;

/// How a search answers: versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Flat,
    Assets,
    Records,
}

#[expect(clippy::struct_excessive_bools, reason = "independent settings of an installation")]
pub struct Zammad {
    pub shape: Shape,
    /// The key may list groups.
    pub lists_groups: bool,
    /// The key is one of an agent.
    pub is_agent: bool,
    /// Ids are texts, values that are null are left out, `last_close_at` is not known: other versions.
    pub is_odd: bool,
    /// The fields show when the customer last wrote, not since when the customer waits.
    pub shows_last_contact: bool,
    /// Articles are beside the history that names them.
    pub shows_articles: bool,
}

impl Default for Zammad {
    fn default() -> Self {
        Self {
            shape: Shape::Flat,
            lists_groups: true,
            is_agent: true,
            is_odd: false,
            shows_last_contact: false,
            shows_articles: true,
        }
    }
}

impl Vendor for Zammad {
    fn answer(&mut self, world: &World, asked: &Asked) -> Reply {
        let Some(path) = asked.path.strip_prefix("/api/v1/") else {
            return Reply::text(404, "text/html", "<!DOCTYPE html><title>Zammad</title>");
        };
        let given = asked.header("authorization").unwrap_or_default();
        if given.is_empty() {
            return error(403, "Authentication required");
        }
        if given != format!("Token token={KEY}") && given != format!("Bearer {KEY}") {
            return error(401, "Invalid token").with("x-failure", "Invalid token");
        }
        let reply = self.route(world, asked, path);
        if reply.status >= 400 && asked.header("accept") != Some("application/json") {
            return Reply::text(reply.status, "text/html", "<!DOCTYPE html><title>Error</title>");
        }
        reply
    }
}

impl Zammad {
    fn route(&self, world: &World, asked: &Asked, path: &str) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        let chat = |id: &str| id.parse().ok().and_then(|id| world.chat(id));
        if !self.is_agent && parts != ["users", "me"] {
            return error(403, "Not authorized (user)!");
        }
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["users", "me"]) => {
                Reply::json(200, &json!({"id": OWN, "login": "wallboard", "firstname": "Wall", "lastname": "Board"}))
            }
            ("GET", ["ticket_states"]) => Reply::json(200, &states()),
            ("GET", ["groups"]) if !self.lists_groups => error(403, "Not authorized (user)!"),
            ("GET", ["groups"]) => Reply::json(200, &groups(world)),
            ("GET", ["users", "search"]) => self.users(world, asked),
            ("POST", ["tickets", "search"]) => self.search(world, &asked.body),
            ("GET", ["tickets", id]) => {
                chat(id).map_or_else(gone, |chat| Reply::json(200, &self.odd(self.ticket(world, chat))))
            }
            ("GET", ["ticket_articles", "by_ticket", id]) => chat(id).map_or_else(gone, |chat| {
                let articles = chat.messages.iter().map(|said| self.odd(article(chat, said)));
                Reply::json(200, &articles.collect())
            }),
            ("GET", ["ticket_history", id]) => chat(id).map_or_else(gone, |chat| {
                let rows: Value = rows(world, chat).into_iter().map(|row| self.odd(row)).collect();
                Reply::json(200, &json!({"history": rows, "assets": self.beside(world, chat)}))
            }),
            _ => error(404, "No route matches"),
        }
    }

    fn users(&self, world: &World, asked: &Asked) -> Reply {
        let number = |key: &str, default: usize| asked.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
        let (page, per_page) = (number("page", 1), number("per_page", 50).min(200));
        let own = json!({"id": OWN, "login": "wallboard", "firstname": "Wall", "lastname": "Board", "active": true, "group_ids": {}});
        let agents = world.agents.iter().enumerate().map(|(place, agent)| {
            let groups: Map<String, Value> =
                agent.teams.iter().map(|team| ((team + 1).to_string(), json!(["full"]))).collect();
            json!({"id": place as u64 + FIRST_AGENT, "login": agent.email, "firstname": agent.name, "lastname": "",
                "email": agent.email, "active": true, "out_of_office": false, "group_ids": groups})
        });
        let all: Vec<Value> = std::iter::once(own).chain(agents).map(|user| self.odd(user)).collect();
        Reply::json(200, &all.into_iter().skip((page - 1) * per_page).take(per_page).collect())
    }

    fn search(&self, world: &World, body: &Value) -> Reply {
        let (mut states, mut groups) = (None, None);
        let (mut after, mut created, mut before) = (None, None, None);
        for (column, wanted) in body["condition"].as_object().into_iter().flatten() {
            let ids = || wanted["value"].as_array().map(|ids| ids.iter().filter_map(Value::as_u64).collect::<Vec<_>>());
            let at = || wanted["value"].as_str().and_then(|at| Timestamp::parse(at).ok());
            match (column.as_str(), wanted["operator"].as_str().unwrap_or_default()) {
                // An empty list is swallowed: it does not narrow the search.
                ("ticket.state_id", "is") => states = ids().filter(|ids| !ids.is_empty()),
                ("ticket.group_id", "is") => groups = ids().filter(|ids| !ids.is_empty()),
                ("ticket.updated_at", "after (absolute)") => after = at(),
                ("ticket.updated_at", "before (absolute)") => before = at(),
                ("ticket.created_at", "after (absolute)") => created = at(),
                ("ticket.state_id" | "ticket.group_id" | "ticket.updated_at" | "ticket.created_at", _) => {
                    return error(500, "Invalid operator");
                }
                _ => return error(422, "Unknown column"),
            }
        }
        let fits = |chat: &&Chat| {
            states.as_ref().is_none_or(|states| states.contains(&state(chat)))
                && groups.as_ref().is_none_or(|groups| groups.contains(&group(chat)))
                && before.is_none_or(|before| chat.updated_at <= before)
                && created.is_none_or(|created| chat.opened_at >= created)
        };
        let mut found: Vec<&Chat> = match after {
            Some(after) => world.changed_since(after).into_iter().filter(fits).collect(),
            None => world.chats.iter().filter(|chat| world.chat(chat.number).is_some()).filter(fits).collect(),
        };
        let by_change = body["sort_by"] == "updated_at";
        found.sort_by_key(|chat| (if by_change { chat.updated_at } else { chat.opened_at }, chat.number));
        if body["order_by"] == "desc" {
            found.reverse();
        }
        let number = |key: &str, default: u64| body[key].as_u64().unwrap_or(default) as usize;
        let per_page = number("per_page", 50).min(200);
        let page = found.into_iter().skip((number("page", 1) - 1) * per_page).take(per_page);
        let found: Vec<Value> = page.map(|chat| self.odd(self.ticket(world, chat))).collect();
        let ids = || found.iter().map(|ticket| ticket["id"].clone()).collect::<Value>();
        let assets = || {
            let plain = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            let by_id: Map<String, Value> = found.iter().map(|ticket| (plain(&ticket["id"]), ticket.clone())).collect();
            json!({"Ticket": by_id, "User": {}})
        };
        Reply::json(
            200,
            &match self.shape {
                Shape::Flat => json!(found),
                Shape::Assets => json!({"tickets": ids(), "tickets_count": found.len(), "assets": assets()}),
                Shape::Records => json!({"record_ids": ids(), "assets": assets(), "total_count": 9999}),
            },
        )
    }

    /// What a history names: the ticket and its articles, by number, without the names of their types.
    fn beside(&self, world: &World, chat: &Chat) -> Value {
        if !self.shows_articles {
            return json!({});
        }
        let plain = chat.messages.iter().map(|said| {
            let mut article = article(chat, said);
            let sender = match article["sender"].as_str() {
                Some("Agent") => 1,
                Some("Customer") => 2,
                _ => 3,
            };
            article["sender_id"] = sender.into();
            article["type_id"] = if article["type"] == "note" { 10.into() } else { 1.into() };
            article.as_object_mut().unwrap().retain(|key, _| key != "type" && key != "sender");
            (said.number.to_string(), self.odd(article))
        });
        let articles: Map<String, Value> = plain.collect();
        let ticket = json!({chat.number.to_string(): self.odd(self.ticket(world, chat))});
        json!({"Ticket": ticket, "TicketArticle": articles, "User": {}})
    }

    fn ticket(&self, world: &World, chat: &Chat) -> Value {
        let contact = Contact::of(chat, self.shows_last_contact);
        let closes: Vec<Timestamp> = closes(chat);
        let owner =
            if chat.merged_into.is_some() { 1 } else { chat.holder.map_or(1, |place| place as u64 + FIRST_AGENT) };
        let customer = chat.customer.map(|place| &world.customers[place]);
        json!({"id": chat.number, "number": format!("67{}", chat.number), "title": chat.opened.subject,
            "group_id": group(chat), "owner_id": owner, "customer_id": chat.customer.map(|place| place as u64 + FIRST_CUSTOMER),
            "organization_id": null, "state_id": state(chat), "priority_id": 2, "close_at": closes.first(),
            "last_close_at": closes.last(), "last_contact_at": contact.last, "last_contact_agent_at": contact.agent,
            "last_contact_customer_at": contact.customer, "last_owner_update_at": null, "article_count": chat.messages.len(),
            "create_article_type_id": 1, "create_article_sender_id": if outbound(chat) { 1 } else { 2 },
            "first_response_escalation_at": null,
            "update_escalation_at": null, "close_escalation_at": null,
            "preferences": {}, "created_at": chat.opened_at, "updated_at": chat.updated_at,
            "owner": if owner == 1 { "-".to_owned() } else { world.agents[(owner - FIRST_AGENT) as usize].email.clone() },
            "group": world.teams.get(group(chat) as usize - 1).map(|team| &team.name), "state": "open",
            "customer": customer.map(|customer| format!("{}@x.example", customer.id)), "priority": "2 normal",
            "create_article_type": "email", "article_ids": chat.messages.iter().map(|said| said.number).collect::<Vec<_>>()})
    }

    /// As other versions write it.
    fn odd(&self, mut record: Value) -> Value {
        if let (true, Some(fields)) = (self.is_odd, record.as_object_mut()) {
            fields.remove("last_close_at");
            fields.remove("article_ids");
            fields.retain(|key, value| !value.is_null() || key == "last_contact_customer_at");
            for (key, value) in fields.iter_mut() {
                if (key == "id" || key.ends_with("_id")) && value.is_u64() {
                    *value = json!(value.to_string());
                }
            }
        }
        record
    }
}

fn error(status: u16, words: &str) -> Reply {
    Reply::json(status, &json!({"error": words, "error_human": words}))
}

fn gone() -> Reply {
    error(404, "Couldn't find Ticket")
}

fn states() -> Value {
    let state = |id: u64, kind: u64, name: &str| json!({"id": id, "state_type_id": kind, "name": name, "active": true});
    json!([
        state(1, 1, "new"),
        state(2, 2, "open"),
        state(3, 3, "pending reminder"),
        state(4, 5, "closed"),
        state(5, 6, "merged"),
        state(6, 7, "removed"),
        state(7, 4, "pending close")
    ])
}

fn groups(world: &World) -> Value {
    let group = |(place, team): (usize, &crate::world::Team)| json!({"id": place + 1, "name": team.name, "active": true, "user_ids": []});
    world.teams.iter().enumerate().map(group).collect()
}

fn group(chat: &Chat) -> u64 {
    chat.team.map_or(1, |place| place as u64 + 1)
}

fn outbound(chat: &Chat) -> bool {
    chat.opened.direction == Some(Direction::Outbound)
}

/// A ticket is new until an agent has answered.
fn state_of(status: Status, answered: bool) -> u64 {
    match status {
        Status::Open if answered => 2,
        Status::Open => 1,
        Status::Pending | Status::OnHold | Status::Snoozed => 3,
        Status::Resolved | Status::Closed => 4,
    }
}

fn state(chat: &Chat) -> u64 {
    if chat.merged_into.is_some() { 5 } else { state_of(chat.status, chat.first_reply_at.is_some()) }
}

fn article(chat: &Chat, said: &crate::world::Said) -> Value {
    let (sender, by) = match (said.from, said.agent) {
        // A call that an agent logs.
        (Author::Customer, Some(place)) => ("Customer", place as u64 + FIRST_AGENT),
        (Author::Customer, None) => ("Customer", chat.customer.map_or(2, |place| place as u64 + FIRST_CUSTOMER)),
        (Author::Agent, agent) => ("Agent", agent.map_or(1, |place| place as u64 + FIRST_AGENT)),
        (Author::Bot, _) => ("System", 1),
    };
    json!({"id": said.number, "ticket_id": chat.number, "type": if said.public { "email" } else { "note" },
        "sender": sender, "internal": !said.public, "from": "x", "body": said.text, "content_type": "text/plain",
        "created_by_id": by, "created_at": said.at})
}

/// The times of contact as the product keeps them, compared in whole seconds.
#[derive(Default)]
struct Contact {
    last: Option<Timestamp>,
    agent: Option<Timestamp>,
    customer: Option<Timestamp>,
}

impl Contact {
    fn of(chat: &Chat, shows_last: bool) -> Self {
        let second = |at: Timestamp| at.millis().div_euclid(1000);
        let mut contact = Self::default();
        for said in chat.messages.iter().filter(|said| said.public && said.from != Author::Bot) {
            contact.last = Some(said.at);
            if said.from == Author::Agent {
                contact.agent = Some(said.at);
                continue;
            }
            let is_answered = match (contact.customer, contact.agent) {
                (Some(customer), Some(agent)) => second(customer) < second(agent),
                (None, _) => true,
                (Some(_), None) => false,
            };
            if is_answered || shows_last {
                contact.customer = Some(said.at);
            }
        }
        contact
    }
}

fn closes(chat: &Chat) -> Vec<Timestamp> {
    let mut ended = false;
    let mut closes = Vec::new();
    for Logged { at, kind, .. } in &chat.log {
        match kind {
            EventKind::Status { status, .. } => {
                if status.is_ended() && !ended {
                    closes.push(*at);
                }
                ended = status.is_ended();
            }
            EventKind::Message(message) if message.from == Author::Customer => ended = false,
            _ => {}
        }
    }
    closes
}

/// A ticket is saved so long before the article that was written with it.
const SAVING: TimeDelta = TimeDelta::milliseconds(20);

/// The history of a ticket: a row a change, in order. What somebody sets with an article has a row before that.
fn rows(world: &World, chat: &Chat) -> Vec<Value> {
    let customer = chat.customer.map_or(2, |place| place as u64 + FIRST_CUSTOMER);
    let user = |id: &Option<AgentId>| {
        id.as_ref().and_then(|id| world.agent_number(id.as_str())).map_or(1, |number| number + FIRST_AGENT - 1)
    };
    let team = |id: &helptop::event::TeamId| {
        world.teams.iter().position(|team| team.id == *id).map_or(1, |place| place as u64 + 1)
    };
    let mut told = vec![json!({"id": chat.number, "o_id": chat.number, "object": "Ticket", "type": "created",
        "created_by_id": customer, "created_at": chat.opened_at})];
    let (mut owner, mut group, mut at_state, mut status, mut answered) =
        (1, chat.opened.team.as_ref().map_or(1, team), 1, Status::Open, false);
    for Logged { number, at, kind } in &chat.log {
        let last_at = told.last().and_then(|row| Timestamp::parse(row["created_at"].as_str()?).ok()).unwrap_or(*at);
        let mut row = |nth: u64, attribute: &str, from: u64, to: u64, by: u64| {
            let is_with_it = |said: &crate::world::Said| said.at == *at && article(chat, said)["created_by_id"] == by;
            let is_with_article = chat.messages.iter().any(is_with_it);
            let at = if is_with_article { last_at.max(*at - SAVING).min(*at) } else { *at };
            told.push(json!({"id": number * 10 + nth, "o_id": chat.number, "object": "Ticket", "type": "updated",
                "attribute": attribute, "value_from": from.to_string(), "value_to": to.to_string(),
                "id_from": from, "id_to": to, "created_by_id": by, "created_at": at}));
        };
        match kind {
            EventKind::Assigned(to) => {
                let by = user(&to.by);
                if let Some(agent) = &to.agent
                    && user(agent) != owner
                {
                    row(0, "owner", owner, user(agent), by);
                    owner = user(agent);
                }
                if let Some(Some(to)) = &to.team
                    && team(to) != group
                {
                    row(1, "group", group, team(to), by);
                    group = team(to);
                }
                continue;
            }
            EventKind::Status { status: to, by, agent, .. } => {
                status = *to;
                let by = match by {
                    Some(StatusBy::Agent) => user(agent),
                    Some(StatusBy::Customer) => customer,
                    _ => 1,
                };
                if state_of(status, answered) != at_state {
                    row(2, "state", at_state, state_of(status, answered), by);
                }
            }
            EventKind::Message(message) => {
                answered |= message.from == Author::Agent && message.public != Some(false);
                if message.from == Author::Customer && status.is_ended() {
                    status = Status::Open;
                }
                if state_of(status, answered) != at_state {
                    row(
                        3,
                        "state",
                        at_state,
                        state_of(status, answered),
                        if message.from == Author::Customer { customer } else { user(&message.agent) },
                    );
                }
            }
            EventKind::Merged { into, .. } => {
                row(4, "owner", owner, 1, 1);
                row(5, "state", at_state, 5, 1);
                let into = world.chat_number(into.as_str()).unwrap_or(FIRST_CHAT);
                told.push(
                    json!({"id": number * 10 + 3, "o_id": chat.number, "object": "Ticket", "type": "merged_into",
                    "id_from": chat.number, "id_to": into, "created_by_id": 1, "created_at": at}),
                );
                continue;
            }
            _ => continue,
        }
        at_state = state_of(status, answered);
    }
    told
}
