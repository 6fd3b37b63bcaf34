//! Who is of the team, which groups there are, and what the account's statuses mean.

use std::collections::{BTreeMap, HashMap, HashSet};

use compact_str::{CompactString, ToCompactString};

use super::audit::SYSTEM;
use super::wire::{CustomStatus, Group, Membership, User};
use crate::event::{Agent, AgentId, Author, CustomerId, Event, EventKind, Status, TeamId};
use crate::source::lenient::Id;

/// Strangers of whom it is remembered whether they are of the team.
const MAX_STRANGERS: usize = 50_000;

/// Who is who.
#[derive(Debug, Clone, Default)]
pub(super) struct People {
    /// Agents and admins, by id; of those who left, what was found out about them.
    pub staff: BTreeMap<Id, Person>,
    pub groups: BTreeMap<Id, String>,
    statuses: HashMap<Id, Status>,
    /// The words of the config for staff that is no person: ids or addresses.
    bots: HashSet<CompactString>,
    /// Who was looked up and is not of the team, and by which name.
    strangers: HashMap<Id, Option<String>>,
}

/// Somebody of the team.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Person {
    pub name: String,
    pub email: Option<String>,
    pub groups: Vec<Id>,
    pub is_active: bool,
    pub capacity: Option<u32>,
}

/// The id of an agent in the stream.
pub(super) fn agent(id: Id) -> AgentId {
    AgentId::new(id.to_compact_string())
}

/// The id of a group in the stream.
pub(super) fn team(id: Id) -> TeamId {
    TeamId::new(id.to_compact_string())
}

/// The id of a customer in the stream.
pub(super) fn customer(id: Id) -> CustomerId {
    CustomerId::new(id.to_compact_string())
}

impl People {
    /// Nobody known yet, but for the words of the config.
    pub(super) fn new(bots: &[String]) -> Self {
        Self {
            bots: bots.iter().map(|word| CompactString::from(word.trim().to_lowercase())).collect(),
            ..Self::default()
        }
    }

    /// Takes in everybody of the team, as read anew; those who are missing have left.
    pub(super) fn take_staff(&mut self, users: &[User], memberships: &[Membership]) {
        for person in self.staff.values_mut() {
            person.is_active = false;
        }
        for user in users.iter().filter(|user| user.is_staff()) {
            self.take_user(user);
        }
        for person in self.staff.values_mut() {
            person.groups.clear();
        }
        for one in memberships {
            if let Some(person) = self.staff.get_mut(&one.user_id) {
                person.groups.push(one.group_id);
            }
        }
    }

    /// Who is in which group, as far as it is known.
    pub(super) fn memberships(&self) -> Vec<Membership> {
        let of = |(&user_id, person): (&Id, &Person)| {
            person.groups.iter().map(move |&group_id| Membership { user_id, group_id }).collect::<Vec<_>>()
        };
        self.staff.iter().flat_map(of).collect()
    }

    /// Takes in what is told of somebody beside something else.
    pub(super) fn take_user(&mut self, user: &User) {
        if !user.is_staff() {
            match self.staff.get_mut(&user.id) {
                Some(person) if person.name == user.id.to_string() => {
                    person.name = user.name.clone().unwrap_or_else(|| user.id.to_string());
                }
                Some(_) => {}
                None => self.is_stranger(user.id, user.name.clone()),
            }
            return;
        }
        let person = self.staff.entry(user.id).or_default();
        person.name = user.name.clone().unwrap_or_else(|| user.id.to_string());
        person.email.clone_from(&user.email);
        person.is_active = user.active != Some(false) && user.suspended != Some(true);
        self.strangers.remove(&user.id);
    }

    /// Takes in the groups.
    pub(super) fn take_groups(&mut self, groups: &[Group]) {
        let named = |group: &Group| (group.id, group.name.clone().unwrap_or_else(|| group.id.to_string()));
        self.groups = groups.iter().filter(|group| group.deleted != Some(true)).map(named).collect();
    }

    /// Takes in the account's own statuses; gives the categories that are not known.
    pub(super) fn take_statuses(&mut self, statuses: &[CustomStatus]) -> Vec<CompactString> {
        let mut unknown = Vec::new();
        for one in statuses {
            match category(&one.status_category) {
                Some(status) => drop(self.statuses.insert(one.id, status)),
                None => unknown.push(one.status_category.clone()),
            }
        }
        unknown
    }

    /// What a status word, or the id of a status of the account's own, means.
    pub(super) fn status(&self, word: &str) -> Option<Status> {
        category(word).or_else(|| self.custom_status(word.parse().ok()?))
    }

    /// What a status of the account's own means.
    pub(super) fn custom_status(&self, id: Id) -> Option<Status> {
        self.statuses.get(&id).copied()
    }

    /// Who, of those who did something on a ticket, is not known at all: to be looked up before it is told.
    pub(super) fn is_unknown(&self, author: Id, requester: Option<Id>) -> bool {
        author > 0
            && Some(author) != requester
            && !self.staff.contains_key(&author)
            && !self.strangers.contains_key(&author)
    }

    /// Who was looked up and not found is of the team no more, or never was.
    pub(super) fn is_nobody(&mut self, author: Id) {
        self.is_stranger(author, None);
    }

    fn is_stranger(&mut self, id: Id, name: Option<String>) {
        if self.strangers.len() < MAX_STRANGERS {
            self.strangers.insert(id, name);
        }
    }

    /// Somebody is shown to have been of the team; whether that was not known.
    pub(super) fn was_of_the_team(&mut self, id: Id) -> bool {
        let is_new = !self.staff.contains_key(&id);
        if is_new {
            let name = self.strangers.remove(&id).flatten().unwrap_or_else(|| id.to_string());
            self.staff.insert(id, Person { name, ..Person::default() });
        }
        is_new
    }

    /// Whose side somebody is on, on a ticket of that requester. An agent who asks is a customer there.
    pub(super) fn side(&self, author: Id, requester: Option<Id>) -> Author {
        if (SYSTEM..=0).contains(&author) {
            return Author::Bot;
        }
        if Some(author) == requester {
            return Author::Customer;
        }
        match self.staff.get(&author) {
            Some(person) if self.is_bot(author, person) => Author::Bot,
            Some(_) => Author::Agent,
            None => Author::Customer,
        }
    }

    /// Whether the config names any staff that is no person.
    pub(super) fn has_bots(&self) -> bool {
        !self.bots.is_empty()
    }

    fn is_bot(&self, id: Id, person: &Person) -> bool {
        self.has_bots()
            && (self.bots.contains(&*id.to_compact_string())
                || person.email.as_ref().is_some_and(|email| self.bots.contains(&*email.to_lowercase())))
    }

    /// The line of a group.
    pub(super) fn team_line(&self, id: Id) -> Event {
        let name = self.groups.get(&id).cloned().unwrap_or_else(|| id.to_string());
        Event::undated(EventKind::Team { id: team(id), name })
    }

    /// The line of somebody of the team.
    pub(super) fn agent_line(&self, id: Id) -> Event {
        let Some(person) = self.staff.get(&id) else { return Event::undated(Agent::new(agent(id), id.to_string())) };
        Event::undated(Agent {
            email: person.email.clone(),
            teams: Some(person.groups.iter().copied().map(team).collect()),
            capacity: person.capacity,
            active: Some(person.is_active),
            ..Agent::new(agent(id), person.name.clone())
        })
    }

    /// Agents who are shown from the start: those who are there and are no programs.
    pub(super) fn shown(&self) -> Vec<Id> {
        let is_shown = |(id, person): &(&Id, &Person)| person.is_active && !self.is_bot(**id, person);
        self.staff.iter().filter(is_shown).map(|(id, _)| *id).collect()
    }
}

/// The line of somebody who asks.
pub(super) fn customer_line(user: &User) -> Event {
    let segment = user.tags.iter().any(|tag| tag == "vip").then(|| "vip".to_owned());
    Event::undated(EventKind::Customer { id: customer(user.id), name: user.name.clone(), segment })
}

/// What a status word of Zendesk's own means; old values are codes.
fn category(word: &str) -> Option<Status> {
    Some(match word.to_ascii_lowercase().as_str() {
        "new" | "open" | "0" | "1" => Status::Open,
        "pending" | "2" => Status::Pending,
        "hold" | "6" => Status::OnHold,
        "solved" | "3" => Status::Resolved,
        "closed" | "deleted" | "4" | "5" => Status::Closed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(id: Id, role: &str) -> User {
        serde_json::from_value(json!({"id": id, "name": format!("N{id}"), "role": role, "email": format!("n{id}@x")}))
            .unwrap()
    }

    #[test]
    fn sides() {
        let mut people = People::new(&["N8@X".into(), "9".into()]);
        people.take_staff(&[user(7, "agent"), user(8, "agent"), user(9, "admin"), user(10, "end-user")], &[]);
        for (author, requester, side) in [
            (7, Some(1), Author::Agent),
            (7, Some(7), Author::Customer),
            (8, Some(1), Author::Bot),
            (9, None, Author::Bot),
            (1, Some(1), Author::Customer),
            (2, Some(1), Author::Customer),
            (-1, Some(1), Author::Bot),
            (0, None, Author::Bot),
        ] {
            assert_eq!(people.side(author, requester), side, "{author} {requester:?}");
        }
        assert!(people.is_unknown(2, Some(1)) && !people.is_unknown(1, Some(1)) && !people.is_unknown(-1, None));
        people.take_user(&user(2, "end-user"));
        assert!(!people.is_unknown(2, Some(1)));
        people.take_staff(&[user(8, "agent")], &[]);
        assert_eq!(people.side(7, Some(1)), Author::Agent, "who has left was of the team when it wrote");
        assert_eq!(people.shown(), Vec::<Id>::new(), "a program is not shown");
    }

    #[test]
    fn who_has_left_is_of_the_team_by_what_updates_show() {
        let mut people = People::default();
        people.take_user(&user(7, "end-user"));
        assert_eq!(people.side(7, Some(1)), Author::Customer);
        for id in [7, 8] {
            people.was_of_the_team(id);
            people.take_user(&user(id, "end-user"));
        }
        assert_eq!((people.side(7, Some(1)), people.side(7, Some(7))), (Author::Agent, Author::Customer));
        let names: Vec<_> = people.staff.values().map(|person| (&*person.name, person.is_active)).collect();
        assert_eq!((names, people.shown()), (vec![("N7", false), ("N8", false)], vec![]));
    }

    #[test]
    fn statuses_of_the_accounts_own_are_their_category() {
        let mut people = People::default();
        let one = |id, word: &str| CustomStatus { id, status_category: word.into(), agent_label: None };
        let unknown = people.take_statuses(&[one(17001, "open"), one(17002, "hold"), one(17003, "frozen")]);
        assert_eq!(unknown, ["frozen"]);
        for (word, status) in [
            ("new", Some(Status::Open)),
            ("Pending", Some(Status::Pending)),
            ("hold", Some(Status::OnHold)),
            ("solved", Some(Status::Resolved)),
            ("closed", Some(Status::Closed)),
            ("deleted", Some(Status::Closed)),
            ("0", Some(Status::Open)),
            ("17002", Some(Status::OnHold)),
            ("17003", None),
            ("frozen", None),
            ("", None),
        ] {
            assert_eq!(people.status(word), status, "{word}");
        }
    }
}
