//! What the API answers, as far as it is read. Unknown fields are passed over; ids come as numbers or text, values are
//! null or absent as the version likes it.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::event::Timestamp;

/// The user who is nobody as an owner, and the system as an author.
pub(super) const NOBODY: u64 = 1;

/// A ticket.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "text")]
    pub title: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub group_id: Option<u64>,
    #[serde(deserialize_with = "maybe_number")]
    pub owner_id: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub customer_id: Option<u64>,
    #[serde(deserialize_with = "number")]
    pub state_id: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it was first closed.
    #[serde(default)]
    pub close_at: Option<Timestamp>,
    /// When it was last closed; only newer versions tell.
    #[serde(default)]
    pub last_close_at: Option<Timestamp>,
    #[serde(default)]
    pub last_contact_at: Option<Timestamp>,
    #[serde(default)]
    pub last_contact_agent_at: Option<Timestamp>,
    /// May be null but not be missing: then nobody knows who waits.
    #[serde(deserialize_with = "Option::deserialize")]
    pub last_contact_customer_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub article_count: Option<u64>,
    /// Its articles, where they are named.
    #[serde(default, deserialize_with = "maybe_numbers")]
    pub article_ids: Option<Vec<u64>>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub create_article_type_id: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub create_article_sender_id: Option<u64>,
    #[serde(default)]
    pub first_response_escalation_at: Option<Timestamp>,
    #[serde(default)]
    pub update_escalation_at: Option<Timestamp>,
    #[serde(default)]
    pub close_escalation_at: Option<Timestamp>,
    /// Names, where `expand` was understood.
    #[serde(default, deserialize_with = "text")]
    pub owner: String,
    #[serde(default, deserialize_with = "text")]
    pub group: String,
    #[serde(default, deserialize_with = "text")]
    pub customer: String,
    #[serde(default, deserialize_with = "text")]
    pub priority: String,
    #[serde(default, deserialize_with = "text")]
    pub create_article_type: String,
}

impl Ticket {
    /// Who holds it.
    pub(super) fn holder(&self) -> Option<u64> {
        self.owner_id.filter(|owner| *owner != NOBODY && *owner != 0)
    }
}

/// A message, note or record of a call in a ticket.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Article {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "maybe_number")]
    pub ticket_id: Option<u64>,
    /// `email`, `note` and the like.
    #[serde(rename = "type", default, deserialize_with = "text")]
    pub kind: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub type_id: Option<u64>,
    /// `Agent`, `Customer` or `System`.
    #[serde(default, deserialize_with = "text")]
    pub sender: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub sender_id: Option<u64>,
    /// Not for the customer's eyes.
    #[serde(default, deserialize_with = "flag")]
    pub internal: bool,
    #[serde(default, deserialize_with = "maybe_number")]
    pub created_by_id: Option<u64>,
    pub created_at: Timestamp,
}

/// A row of a ticket's history.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Row {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    /// `Ticket`, or `Ticket::Article` for rows that are not about the ticket itself.
    #[serde(default, deserialize_with = "text")]
    pub object: String,
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    #[serde(default, deserialize_with = "text")]
    pub attribute: String,
    #[serde(default, deserialize_with = "text")]
    pub value_to: String,
    #[serde(default, deserialize_with = "maybe_number")]
    pub id_from: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub id_to: Option<u64>,
    #[serde(default, deserialize_with = "maybe_number")]
    pub created_by_id: Option<u64>,
    pub created_at: Timestamp,
}

impl Row {
    /// It is about this field of the ticket.
    pub(super) fn changes(&self, attribute: &str) -> bool {
        self.kind == "updated" && self.attribute == attribute && (self.object.is_empty() || self.object == "Ticket")
    }

    /// The ticket that `ticket` was merged into.
    pub(super) fn merged_into(&self, ticket: u64) -> Option<u64> {
        if self.kind != "merged_into" {
            return None;
        }
        [self.id_to, self.id_from].into_iter().flatten().find(|id| *id != ticket && *id != 0)
    }
}

/// A name for how tickets stand.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TicketState {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(deserialize_with = "number")]
    pub state_type_id: u64,
}

/// A group of agents, and of their tickets.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Group {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
}

/// Somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "text")]
    pub login: String,
    #[serde(default, deserialize_with = "text")]
    pub firstname: String,
    #[serde(default, deserialize_with = "text")]
    pub lastname: String,
    #[serde(default, deserialize_with = "text")]
    pub email: String,
    #[serde(default)]
    pub active: Option<bool>,
    /// By group, what may be done there.
    #[serde(default)]
    pub group_ids: Value,
}

impl User {
    /// The groups that the user is in.
    pub(super) fn groups(&self) -> Vec<u64> {
        let mut groups: Vec<u64> = match &self.group_ids {
            Value::Object(by_group) => by_group.keys().filter_map(|id| id.parse().ok()).collect(),
            Value::Array(ids) => ids.iter().filter_map(loose).collect(),
            _ => Vec::new(),
        };
        groups.sort_unstable();
        groups
    }

    /// What the user is called: the name, else the login.
    pub(super) fn name(&self) -> String {
        let name = format!("{} {}", self.firstname.trim(), self.lastname.trim());
        let named = [name.trim(), &self.login, &self.email].into_iter().find(|name| !name.is_empty());
        named.map_or_else(|| self.id.to_string(), str::to_owned)
    }
}

/// The records of an answer, each read by itself so that a bad one loses no other. Versions and engines answer
/// `[{…}]`, `{"tickets": [1], "assets": {"Ticket": {"1": {…}}}}` or `{"record_ids": [1], "assets": …, "total_count": 1}`.
pub(super) fn records(answer: Value, kind: &str) -> Result<Vec<Value>, &'static str> {
    let mut answer = match answer {
        Value::Array(records) => return Ok(records),
        Value::Object(answer) => answer,
        _ => return Err("is neither a list nor an object with `assets`"),
    };
    let list = format!("{}s", kind.to_lowercase());
    let ids_of = format!("{}_ids", kind.to_lowercase());
    let ids = [list.as_str(), "record_ids", &ids_of].into_iter().find_map(|key| answer.remove(key));
    let Some(Value::Array(ids)) = ids else { return Err("has no list of records") };
    let mut assets = answer.remove("assets").and_then(|mut assets| assets.get_mut(kind).map(Value::take));
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        if id.is_object() {
            found.push(id);
        } else if let Some(id) = loose(&id)
            && let Some(record) = assets.as_mut().and_then(|assets| assets.get_mut(id.to_string()))
        {
            found.push(record.take());
        } else {
            return Err("names a record that is not among its `assets`");
        }
    }
    Ok(found)
}

/// The rows of a history and the records beside it: `{"history": […], "assets": {}}`, or the bare list.
pub(super) fn history(answer: Value) -> Result<(Vec<Value>, Value), &'static str> {
    match answer {
        Value::Array(rows) => Ok((rows, Value::Null)),
        Value::Object(mut answer) => match answer.remove("history") {
            Some(Value::Array(rows)) => Ok((rows, answer.remove("assets").unwrap_or_default())),
            _ => Err("has no list `history`"),
        },
        _ => Err("is no history"),
    }
}

/// The articles of a ticket among the records beside its history, oldest first; those that can't be read are left out.
pub(super) fn articles_beside(mut beside: Value, ticket: u64) -> Vec<Article> {
    let Some(Value::Object(by_id)) = beside.get_mut("TicketArticle").map(Value::take) else { return Vec::new() };
    let read = by_id.into_iter().filter_map(|(_, article)| Article::deserialize(article).ok());
    let mut articles: Vec<Article> = read.filter(|article| article.ticket_id == Some(ticket)).collect();
    articles.sort_by_key(|article| (article.created_at, article.id));
    articles
}

/// A whole number, or one in a text.
pub(super) fn loose(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    loose(&value).ok_or_else(|| wrong(&value))
}

fn maybe_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => loose(&value).map(Some).ok_or_else(|| wrong(&value)),
    }
}

/// Numbers, where there is a list of nothing else.
fn maybe_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u64>>, D::Error> {
    let Value::Array(values) = Value::deserialize(deserializer)? else { return Ok(None) };
    Ok(values.iter().map(loose).collect())
}

fn wrong<E: serde::de::Error>(value: &Value) -> E {
    E::custom(format!("`{}` is no number", super::excerpt(&value.to_string())))
}

/// Any value as text: what is only shown must not fail a record.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::<bool>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SAMPLE: &str = r#"{"id":4711,"number":"6704711","title":"Invoice shows the old VAT number","group_id":2,"owner_id":14,"customer_id":903,"organization_id":61,
 "state_id":2,"priority_id":2,"first_response_at":"2026-03-02T09:31:40.002Z","close_at":null,"last_close_at":null,
 "last_contact_at":"2026-03-02T11:05:12.480Z","last_contact_agent_at":"2026-03-02T09:31:40.002Z","last_contact_customer_at":"2026-03-02T11:05:12.480Z",
 "last_owner_update_at":null,"create_article_type_id":1,"create_article_sender_id":2,"article_count":3,"escalation_at":"2026-03-02T13:05:12.480Z",
 "first_response_escalation_at":null,"first_response_in_min":17,"first_response_diff_in_min":43,"close_in_min":null,"pending_time":null,
 "preferences":{},"created_at":"2026-03-02T09:14:05.120Z","updated_at":"2026-03-02T11:05:12.611Z","owner":"ana.ruiz@example.com","group":"Billing","state":"open"}"#;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn the_documented_ticket_is_read_without_loss() {
        let ticket: Ticket = serde_json::from_str(SAMPLE).unwrap();
        assert_eq!(
            (ticket.id, ticket.group_id, ticket.holder(), ticket.customer_id),
            (4711, Some(2), Some(14), Some(903))
        );
        assert_eq!((ticket.state_id, ticket.article_count), (2, Some(3)));
        assert_eq!((ticket.group.as_str(), ticket.owner.as_str()), ("Billing", "ana.ruiz@example.com"));
        assert_eq!(ticket.created_at, at("2026-03-02T09:14:05.120Z"));
        assert_eq!(ticket.updated_at, at("2026-03-02T11:05:12.611Z"));
        assert_eq!(ticket.last_contact_customer_at, Some(at("2026-03-02T11:05:12.480Z")));
        assert_eq!(ticket.last_contact_agent_at, Some(at("2026-03-02T09:31:40.002Z")));
        assert_eq!((ticket.close_at, ticket.last_close_at), (None, None));
        assert_eq!((ticket.create_article_type_id, ticket.create_article_sender_id), (Some(1), Some(2)));
    }

    #[test]
    fn the_documented_history_is_read_without_loss() {
        let answer = json!({"history":[{"id":88121,"o_id":4711,"object":"Ticket","type":"updated","attribute":"owner",
            "value_from":"-","value_to":"Ana Ruiz","id_from":1,"id_to":14,"created_by_id":14,
            "created_at":"2026-03-02T09:20:00.431Z"}],"assets":{}});
        let rows = history(answer).unwrap().0;
        let row: Row = serde_json::from_value(rows[0].clone()).unwrap();
        assert!(row.changes("owner") && !row.changes("state"));
        assert_eq!((row.id, row.id_from, row.id_to, row.created_by_id), (88_121, Some(1), Some(14), Some(14)));
        assert_eq!((row.value_to.as_str(), row.created_at), ("Ana Ruiz", at("2026-03-02T09:20:00.431Z")));
        assert_eq!(history(json!([1, 2])), Ok((vec![json!(1), json!(2)], Value::Null)));
        assert!(history(json!({"assets": {}})).is_err());
    }

    #[test]
    fn articles_come_beside_the_history_with_ids_for_names() {
        let article = |id: u64, ticket: u64, second: u64| {
            json!({"id": id, "ticket_id": ticket, "type_id": 10, "sender_id": 1, "internal": false, "created_by_id": 14,
                "created_at": format!("2026-03-02T09:20:0{second}.000Z")})
        };
        let beside = json!({"User": {}, "TicketArticle":
            {"10": article(10, 4711, 1), "9": article(9, 4711, 0), "8": article(8, 4712, 0), "7": {"id": "odd"}}});
        let read: Vec<u64> = articles_beside(beside, 4711).iter().map(|article| article.id).collect();
        assert_eq!(read, [9, 10], "in their order, and none of another ticket");
        assert!(articles_beside(Value::Null, 4711).is_empty() && articles_beside(json!({}), 4711).is_empty());
    }

    #[test]
    fn a_search_answers_in_three_shapes() {
        let record = json!({"id": 7});
        for answer in [
            json!([record]),
            json!({"tickets": [7], "tickets_count": 1, "assets": {"Ticket": {"7": record}, "User": {}}}),
            json!({"record_ids": ["7"], "assets": {"Ticket": {"7": record}}, "total_count": 1}),
            json!({"tickets": [record], "total_count": 1}),
        ] {
            assert_eq!(records(answer.clone(), "Ticket"), Ok(vec![record.clone()]), "{answer}");
        }
        assert_eq!(records(json!({"tickets": [], "assets": {}}), "Ticket"), Ok(vec![]), "an empty account");
        for bad in [json!(7), json!(null), json!({"error": "x"}), json!({"tickets": [7], "assets": {}})] {
            assert!(records(bad.clone(), "Ticket").is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_numbers_or_text_and_values_null_or_absent() {
        let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
        let plain: Ticket = serde_json::from_value(value.clone()).unwrap();
        for key in ["id", "group_id", "owner_id", "state_id", "customer_id", "article_count"] {
            value[key] = json!(value[key].to_string());
        }
        for key in ["close_at", "last_close_at"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value["something_new"] = json!([{"a": 1}]);
        assert_eq!(serde_json::from_value::<Ticket>(value.clone()).unwrap(), plain);
        value["title"] = Value::Null;
        value["group_id"] = Value::Null;
        let bare: Ticket = serde_json::from_value(value).unwrap();
        assert_eq!((bare.title.as_str(), bare.group_id), ("", None));
    }

    #[test]
    fn a_missing_renamed_or_odd_field_is_named() {
        let broken = |key: &str, new: Value| {
            let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
            value[key] = new;
            let error = serde_path_to_error::deserialize::<_, Ticket>(value).unwrap_err();
            format!("{}: {}", error.path(), error.inner())
        };
        assert_eq!(broken("state_id", json!("open")), "state_id: `\"open\"` is no number");
        assert_eq!(broken("state_id", Value::Null), "state_id: `null` is no number");
        assert!(broken("updated_at", json!("yesterday")).starts_with("updated_at: "));
        let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
        value.as_object_mut().unwrap().remove("owner_id");
        assert!(serde_json::from_value::<Ticket>(value).unwrap_err().to_string().contains("`owner_id`"));
    }

    #[test]
    fn the_groups_of_an_agent() {
        let user =
            |ids: Value| serde_json::from_value::<User>(json!({"id": 3, "login": "ana", "group_ids": ids})).unwrap();
        assert_eq!(user(json!({"2": ["full"], "10": ["read"]})).groups(), [2, 10]);
        assert_eq!(user(json!([4, "5"])).groups(), [4, 5]);
        assert_eq!(user(Value::Null).groups(), [0; 0]);
        assert_eq!(user(Value::Null).name(), "ana");
    }
}
