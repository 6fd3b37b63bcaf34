//! A conversation as the API shows it.

use helptop::event::{Author, EventKind, Status, StatusBy, Timestamp};
use serde_json::{Value, json};

use super::{Workspace, seconds};
use crate::world::{Chat, Rated, Said, World};

/// The API's word for how it stands.
pub fn state(chat: &Chat) -> &'static str {
    if chat.merged_into.is_some() { "closed" } else { word(chat.status) }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Pending | Status::OnHold | Status::Snoozed => "snoozed",
        Status::Resolved | Status::Closed => "closed",
    }
}

/// Answers of other scales are none here.
pub fn rating(chat: &Chat) -> Option<&Rated> {
    chat.ratings.iter().find(|rated| (rated.scale - 5.0).abs() < f64::EPSILON)
}

/// When it was last closed. Closing what was resolved is nothing here.
pub fn last_close(chat: &Chat) -> Option<Timestamp> {
    let mut is_ended = false;
    let mut last = None;
    for logged in &chat.log {
        match &logged.kind {
            EventKind::Status { status, .. } => {
                if status.is_ended() && !is_ended {
                    last = Some(logged.at);
                }
                is_ended = status.is_ended();
            }
            EventKind::Message(said) if said.from == Author::Customer && said.public != Some(false) => is_ended = false,
            _ => {}
        }
    }
    last
}

pub fn admins(world: &World) -> Vec<Value> {
    let mut admins: Vec<Value> = world
        .agents
        .iter()
        .enumerate()
        .map(|(place, agent)| {
            let is_away = super::shown(agent.state) == helptop::event::PresenceState::Away;
            let mut admin = json!({"type": "admin", "id": (place + 1).to_string(), "name": agent.name, "email": agent.email,
                "away_mode_enabled": is_away, "away_mode_reassign": false, "has_inbox_seat": true,
                "team_ids": agent.teams.iter().map(|team| team + 1).collect::<Vec<_>>()});
            if is_away {
                admin["away_status_reason_id"] = 71.into();
            }
            admin
        })
        .collect();
    admins.push(json!({"type": "admin", "id": "9001", "name": "Finance", "email": "finance@acme.example",
        "away_mode_enabled": false, "has_inbox_seat": false, "team_ids": []}));
    admins
}

pub fn teams(world: &World) -> Vec<Value> {
    let team = |(place, team): (usize, &crate::world::Team)| {
        json!({"type": "team", "id": (place + 1).to_string(), "name": team.name, "admin_ids": [], "assignment_limit": null,
            "distribution_method": "round_robin"})
    };
    world.teams.iter().enumerate().map(team).collect()
}

fn author(world: &World, chat: &Chat, from: Author, agent: Option<usize>) -> Value {
    match (from, agent) {
        (Author::Customer, _) => {
            let place = chat.customer.unwrap_or_default();
            json!({"type": "user", "id": contact(chat), "name": world.customers.get(place).map(|one| &one.name), "email": null})
        }
        (Author::Agent, Some(place)) => {
            let agent = &world.agents[place];
            json!({"type": "admin", "id": (place + 1).to_string(), "name": agent.name, "email": agent.email})
        }
        _ => json!({"type": "bot", "id": "8100001", "name": "Fin", "email": "operator+ab12@intercom.io"}),
    }
}

fn contact(chat: &Chat) -> String {
    format!("65f0aa11{}", chat.customer.unwrap_or_default() + 1)
}

/// The first message, where it came with the conversation; else a bot's hello.
fn first(chat: &Chat) -> Option<&Said> {
    chat.messages.first().filter(|said| said.public && seconds(said.at) == seconds(chat.opened_at))
}

pub fn conversation(world: &World, chat: &Chat, workspace: &Workspace, with_parts: bool) -> Value {
    let said = first(chat);
    let delivered = match said.map(|said| said.from) {
        Some(Author::Customer) => "customer_initiated",
        Some(Author::Agent) => "admin_initiated",
        _ => "operator_initiated",
    };
    let channel = match chat.opened.channel.as_deref() {
        Some("web") | None => "conversation",
        Some("messenger") => "facebook",
        Some("phone") => "phone_call",
        Some(other) => other,
    };
    let by_customer = |said: &&Said| said.from == Author::Customer && said.public;
    let by_agent = |said: &&Said| said.from == Author::Agent && said.public;
    let first_asked = chat.messages.iter().find(by_customer).map(|said| seconds(said.at));
    let last_asked = chat.messages.iter().rev().find(by_customer).map(|said| seconds(said.at));
    let last_replied = chat.messages.iter().rev().find(by_agent).map(|said| seconds(said.at));
    let bot_answered = workspace.bots_answer && chat.messages.last().is_some_and(|said| said.from == Author::Bot);
    let is_active = state(chat) != "closed";
    let waiting = chat.waiting_since.filter(|_| is_active && !bot_answered).map(seconds);
    let rated = rating(chat).map(|rated| {
        json!({"rating": rated.score, "remark": rated.comment, "created_at": seconds(rated.at) - 30,
            "updated_at": seconds(rated.at), "replied_at": seconds(rated.at),
            "contact": {"type": "contact", "id": contact(chat)}, "teammate": {"type": "admin", "id": 1}})
    });
    let is_young = seconds(world.now) - seconds(chat.opened_at) < 30;
    let statistics = json!({"type": "conversation_statistics", "first_contact_reply_at": first_asked,
        "first_admin_reply_at": chat.first_reply_at.map(seconds), "last_contact_reply_at": last_asked,
        "last_admin_reply_at": last_replied, "last_close_at": last_close(chat).map(seconds), "last_closed_by_id": null,
        "last_assignment_at": chat.holder.map(|_| seconds(chat.holder_at)), "count_reopens": 0, "count_assignments": 1});
    let linked = chat.merged_into.as_ref().and_then(|into| world.chat_number(into.as_str()));
    let linked: Vec<Value> =
        linked.into_iter().map(|number| json!({"type": "conversation", "id": number.to_string()})).collect();
    let mut shown = json!({
        "type": "conversation", "id": chat.number.to_string(), "title": null, "created_at": seconds(chat.opened_at),
        "updated_at": seconds(chat.updated_at), "waiting_since": waiting, "snoozed_until": null, "open": is_active,
        "state": state(chat), "read": false, "priority": chat.opened.priority.as_deref().unwrap_or("none"),
        "admin_assignee_id": chat.holder.map(|place| place + 1), "team_assignee_id": chat.team.map(|place| place + 1),
        "source": {"type": channel, "id": "2719", "delivered_as": delivered, "subject": chat.opened.subject, "body": "<p>x</p>",
            "author": author(world, chat, said.map_or(Author::Bot, |said| said.from), said.and_then(|said| said.agent)),
            "attachments": [], "url": null, "redacted": false},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact(chat), "external_id": null}]},
        "first_contact_reply": first_asked.map(|at| json!({"created_at": at, "type": channel, "url": null})),
        "tags": {"type": "tag.list", "tags": chat.tags.iter().enumerate().map(|(nth, tag)| json!({"type": "tag", "id": nth,
            "name": tag, "applied_at": seconds(chat.opened_at), "applied_by": {"type": "contact", "id": "x"}})).collect::<Vec<_>>()},
        "statistics": if is_young { Value::Null } else { statistics }, "conversation_rating": rated, "teammates": null,
        "sla_applied": null, "ai_agent_participated": false, "ai_agent": null, "custom_attributes": {},
        "linked_objects": {"type": "list", "data": linked, "total_count": linked.len(), "has_more": false},
    });
    // Nobody is 0 by the description, null by its examples.
    if chat.holder.is_none() && chat.number.is_multiple_of(2) {
        shown["admin_assignee_id"] = 0.into();
    }
    if with_parts {
        let mut parts = parts(world, chat);
        let total = parts.len();
        parts.drain(..total.saturating_sub(workspace.most_parts));
        shown["conversation_parts"] =
            json!({"type": "conversation_part.list", "conversation_parts": parts, "total_count": total});
    }
    shown
}

/// All that happened, as parts.
fn parts(world: &World, chat: &Chat) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut status = Status::Open;
    let first = first(chat).map(|said| said.number);
    let place = |id: &Option<helptop::event::AgentId>| {
        id.as_ref().and_then(|id| world.agent_number(id.as_str())).map(|number| number as usize - 1)
    };
    for logged in chat.log.iter().filter(|logged| Some(logged.number) != first) {
        let mut add = |nth: u64, kind: &str, author: Value, now: Status, to: Value, body: Option<&str>| {
            let at = seconds(logged.at);
            parts.push(json!({"type": "conversation_part", "id": (logged.number * 10 + nth).to_string(), "part_type": kind,
                "body": body, "created_at": at, "updated_at": at, "notified_at": at, "assigned_to": to, "author": author,
                "attachments": [], "external_id": null, "redacted": false, "state": word(now), "app_package_code": null}));
        };
        match &logged.kind {
            EventKind::Message(said) => {
                let is_public = said.public != Some(false);
                let by = author(world, chat, said.from, place(&said.agent));
                let mut kind = if is_public { "comment" } else { "note" };
                if said.from == Author::Customer && is_public && status.is_ended() {
                    // A reply to what is closed is one part.
                    (kind, status) = ("open", Status::Open);
                }
                // On comments, too, it is filled.
                let to = json!({"type": "admin", "id": chat.holder.map(|place| (place + 1).to_string())});
                add(0, kind, by, status, to, Some("x"));
            }
            EventKind::Assigned(to) => {
                let by = match to.by.as_ref().and_then(|by| world.agent_number(by.as_str())) {
                    Some(number) => author(world, chat, Author::Agent, Some(number as usize - 1)),
                    None => author(world, chat, Author::Bot, None),
                };
                if let Some(team) = &to.team {
                    let number = team.as_ref().and_then(|id| world.teams.iter().position(|one| one.id == *id));
                    let team = json!({"type": "team", "id": number.map(|place| (place + 1).to_string())});
                    add(0, "default_assignment", by.clone(), status, team, None);
                }
                if let Some(agent) = &to.agent {
                    let to = match place(agent) {
                        Some(place) => json!({"type": "admin", "id": (place + 1).to_string()}),
                        None => json!({"type": "nobody_admin", "id": null}),
                    };
                    add(1, "assignment", by, status, to, None);
                }
            }
            EventKind::Status { status: now, by, agent, .. } => {
                let kind = match (status.is_ended(), now) {
                    (true, Status::Resolved | Status::Closed) => continue,
                    (_, Status::Resolved | Status::Closed) => "close",
                    (false, Status::Open) if status != Status::Open => "unsnoozed",
                    (_, Status::Open) => "open",
                    _ => "snoozed",
                };
                status = *now;
                let by = match (by, place(agent)) {
                    (Some(StatusBy::Customer), _) => author(world, chat, Author::Customer, None),
                    (_, Some(place)) => author(world, chat, Author::Agent, Some(place)),
                    _ => author(world, chat, Author::Bot, None),
                };
                add(0, kind, by, status, Value::Null, None);
            }
            EventKind::Rated { scale, .. } if (scale - 5.0).abs() < f64::EPSILON => {
                let by = author(world, chat, Author::Customer, None);
                add(0, "conversation_rating_changed", by, status, Value::Null, None);
            }
            EventKind::Merged { .. } => {
                // Which it is, is not described.
                let kind = if chat.number.is_multiple_of(2) { "close" } else { "merged_secondary_conversation" };
                status = Status::Closed;
                add(0, kind, author(world, chat, Author::Agent, Some(0)), status, Value::Null, None);
            }
            _ => {}
        }
    }
    let into_it = world.chats.iter().filter(|other| other.merged_into.as_ref() == Some(&chat.id));
    let mergers = into_it.flat_map(|other| &other.log).filter(|logged| matches!(logged.kind, EventKind::Merged { .. }));
    for merger in mergers {
        let at = seconds(merger.at);
        let by = author(world, chat, Author::Agent, Some(0));
        parts.push(json!({"type": "conversation_part", "id": (merger.number * 10 + 5).to_string(),
            "part_type": "merged_primary_conversation", "body": null, "created_at": at, "updated_at": at,
            "notified_at": at, "assigned_to": null, "author": by, "state": word(status)}));
    }
    parts.sort_by_key(|part| part["created_at"].as_i64());
    parts
}
