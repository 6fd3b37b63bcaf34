//! The feeds of the whole account: everybody's messages, and what happened.

use std::collections::HashMap;

use helptop::event::{AgentId, Author, EventKind, Status, StatusBy, Timestamp};
use serde_json::{Value, json};

use super::{BOT, RULE, is_snoozed, written};
use crate::server::Asked;
use crate::world::{Chat, FIRST_CHAT, World};

/// What happened, as it will be shown.
struct Entry {
    at: Timestamp,
    place: usize,
    body: Value,
}

/// A feed in the order of time, and where in it the entries of each chat are.
#[derive(Default)]
struct Feed {
    all: Vec<Entry>,
    of: HashMap<usize, Vec<usize>>,
}

impl Feed {
    fn push(&mut self, entry: Entry) {
        self.of.entry(entry.place).or_default().push(self.all.len());
        self.all.push(entry);
    }
}

/// All of both.
#[derive(Default)]
pub struct Feeds {
    followed: usize,
    /// How many changes of each chat were followed, the first of which is its beginning.
    changes: HashMap<usize, usize>,
    stands: HashMap<usize, Status>,
    messages: Feed,
    events: Feed,
}

impl Feeds {
    /// Takes in what happened since the last time.
    pub fn follow(&mut self, world: &World) {
        for &(at, place) in &world.updates[self.followed..] {
            let nth = self.changes.entry(place).or_default();
            *nth += 1;
            let Some(logged) = nth.checked_sub(2).and_then(|nth| world.chats[place].log.get(nth)) else { continue };
            let (chat, kind, number) = (&world.chats[place], logged.kind.clone(), logged.number);
            if let EventKind::Message(said) = &kind {
                let body = message(world, chat, number, said.from);
                self.messages.push(Entry { at, place, body });
            }
            self.happened(world, chat, place, number, at, &kind);
        }
        self.followed = world.updates.len();
    }

    fn happened(&mut self, world: &World, chat: &Chat, place: usize, number: u64, at: Timestamp, kind: &EventKind) {
        let stood = self.stands.get(&place).copied().unwrap_or(Status::Open);
        let agent = |id: &Option<AgentId>| id.as_ref().and_then(|id| world.agent_number(id.as_str()));
        let team = |id: &str| world.teams.iter().position(|team| team.id.as_str() == id).map(|place| place + 1);
        let mut say = |nth: u64, kind: &str, user: Option<u64>, data: Value| {
            // As in the vendor's examples, without a zone.
            let body = json!({"id": number * 10 + nth, "type": kind, "object_type": "Ticket", "object_id": chat.number,
                "user_id": user, "context": "0f9a1c34-0000-4000-8000-5d2b7c1e9a10", "data": data,
                "created_datetime": written(at, ""), "uri": format!("/api/events/{}/", number * 10 + nth)});
            self.events.push(Entry { at, place, body });
        };
        match kind {
            EventKind::Message(said) if said.from == Author::Customer && stood.is_ended() => {
                say(1, "ticket-reopened", None, Value::Null);
                self.stands.insert(place, Status::Open);
            }
            EventKind::Assigned(to) => {
                let by = agent(&to.by);
                match &to.agent {
                    Some(Some(id)) => {
                        let data = json!({"assignee_user_id": agent(&Some(id.clone())), "auto_assigned": by.is_none()});
                        say(0, "ticket-assigned", by, data);
                    }
                    Some(None) => say(0, "ticket-unassigned", by, Value::Null),
                    None => {}
                }
                match &to.team {
                    Some(Some(id)) => {
                        say(2, "ticket-team-assigned", by, json!({"assignee_team_id": team(id.as_str())}));
                    }
                    Some(None) => say(2, "ticket-team-unassigned", by, json!({})),
                    None => {}
                }
            }
            EventKind::Status { status, by, agent: who, .. } => {
                let user = agent(who).filter(|_| *by == Some(StatusBy::Agent));
                if status.is_ended() {
                    if !stood.is_ended() {
                        say(0, "ticket-closed", user, Value::Null);
                    }
                } else if is_snoozed(*status) {
                    // Snoozing closes, too.
                    if number.is_multiple_of(2) {
                        say(0, "ticket-closed", user, Value::Null);
                    }
                    say(1, "ticket-snoozed", user, Value::Null);
                } else if is_snoozed(stood) {
                    say(0, "ticket-self-unsnoozed", None, Value::Null);
                } else {
                    say(0, "ticket-reopened", user, Value::Null);
                }
                self.stands.insert(place, *status);
            }
            EventKind::Merged { .. } => say(0, "ticket-merged", None, Value::Null),
            EventKind::Tagged { .. } => say(0, "ticket-tags-added", None, json!({"tags_added": [7]})),
            _ => {}
        }
    }

    /// A page of messages.
    pub fn messages(&self, world: &World, asked: &Asked, limit: usize) -> Value {
        let of: Option<u64> = asked.get("ticket_id").map(|id| id.parse().unwrap());
        page(&self.messages, world, asked, limit, of, |_| true)
    }

    /// A page of what happened.
    pub fn events(&self, world: &World, asked: &Asked, limit: usize) -> Value {
        let of: Option<u64> = asked.get("object_id").map(|id| id.parse().unwrap());
        assert!(of.is_some() || asked.get("object_type").is_none(), "a type needs an object");
        let since = asked.get("created_datetime[gte]").map(|since| Timestamp::parse(since).unwrap());
        let types: Vec<&str> =
            asked.query.iter().filter(|(key, _)| key == "types").map(|(_, kind)| kind.as_str()).collect();
        page(&self.events, world, asked, limit, of, |entry| {
            since.is_none_or(|since| entry.at >= since)
                && (types.is_empty() || entry.body["type"].as_str().is_some_and(|kind| types.contains(&kind)))
        })
    }
}

fn page(
    feed: &Feed,
    world: &World,
    asked: &Asked,
    limit: usize,
    of: Option<u64>,
    wanted: impl Fn(&Entry) -> bool,
) -> Value {
    let place = of.map(|number| (number - FIRST_CHAT) as usize);
    let cursor: Option<usize> = asked.get("cursor").map(|cursor| cursor.trim_start_matches("k-").parse().unwrap());
    let all = &feed.all;
    let is_shown = |nth: &usize| !world.deleted.contains(&all[*nth].place) && wanted(&all[*nth]);
    let is_asc = asked.get("order_by") == Some("created_datetime:asc");
    let rest = if is_asc { cursor.map_or(0, |cursor| cursor + 1)..all.len() } else { 0..cursor.unwrap_or(all.len()) };
    let some = |mut places: Box<dyn DoubleEndedIterator<Item = usize> + '_>| -> Vec<usize> {
        let next = || if is_asc { places.next() } else { places.next_back() };
        std::iter::from_fn(next).filter(is_shown).take(limit + 1).collect()
    };
    let found = match place {
        Some(place) => {
            let of = feed.of.get(&place).map_or(&[][..], Vec::as_slice);
            some(Box::new(of.iter().copied().filter(|nth| rest.contains(nth))))
        }
        None => some(Box::new(rest)),
    };
    let next = (found.len() > limit).then(|| format!("k-{}", found[limit - 1]));
    let data: Vec<&Value> = found.iter().take(limit).map(|nth| &all[*nth].body).collect();
    json!({"object": "list", "uri": asked.path, "data": data, "meta": {"prev_cursor": null, "next_cursor": next}})
}

fn message(world: &World, chat: &Chat, number: u64, from: Author) -> Value {
    let said = chat.messages.iter().find(|said| said.number == number).unwrap();
    let by = said.agent.map(|place| json!({"id": place + 1}));
    // A bot is a rule, or a user who is a program.
    let (sender, rule) = match from {
        Author::Customer => {
            (chat.customer.map(|place| json!({"id": place + 1, "name": world.customers[place].name})), None)
        }
        Author::Agent => (by, None),
        Author::Bot if number.is_multiple_of(2) => (Some(json!({"id": 1})), Some(RULE)),
        Author::Bot => (Some(json!({"id": BOT})), None),
    };
    json!({
        "id": number, "ticket_id": chat.number, "from_agent": from != Author::Customer, "public": said.public,
        "sender": sender, "receiver": null, "channel": if said.public { "email" } else { "internal-note" }, "via": "email",
        "rule_id": rule, "integration_id": null, "body_text": said.text, "stripped_text": said.text, "subject": null,
        "created_datetime": written(said.at, "+00:00"), "sent_datetime": null, "failed_datetime": null, "opened_datetime": null,
    })
}
