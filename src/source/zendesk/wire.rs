//! What Zendesk answers, as far as it is read. Unknown fields are passed over.

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::event::Timestamp;
use crate::source::lenient::{self, Id};
use crate::source::wanted::Record;

/// A page of any list, with what was sent beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Page(pub Map<String, Value>);

impl Page {
    /// The records under that key; nothing where there is no such list.
    pub(super) fn take(&mut self, key: &str) -> Option<Vec<Value>> {
        match self.0.remove(key) {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        }
    }

    /// Where the next page begins. Only `has_more` ends a walk: the last page has a cursor, too.
    pub(super) fn after(&self) -> Option<String> {
        let meta = self.0.get("meta")?;
        let more = meta.get("has_more").and_then(Value::as_bool).unwrap_or(false);
        meta.get("after_cursor").and_then(Value::as_str).filter(|_| more).map(str::to_owned)
    }

    /// Whether a list by pages has more, of which the cursor stands in the link (agent availabilities).
    pub(super) fn linked(&self) -> Option<String> {
        let next = self.0.get("links")?.get("next")?.as_str()?;
        let query = next.split_once('?')?.1;
        reqwest::Url::parse(&format!("http://x/?{query}"))
            .ok()?
            .query_pairs()
            .find(|(key, _)| key == "page[after]")
            .map(|(_, value)| value.into_owned())
    }

    /// Where an incremental export goes on, in seconds since 1970; nothing on an empty page.
    pub(super) fn end_time(&self) -> Option<i64> {
        self.0.get("end_time").and_then(lenient::id_of).filter(|&seconds| seconds > 0)
    }

    /// Whether an incremental export has told all there is for now.
    pub(super) fn is_end(&self) -> bool {
        let empty = self.0.get("count").and_then(Value::as_u64) == Some(0);
        self.0.get("end_of_stream").and_then(Value::as_bool).unwrap_or(empty)
    }
}

/// Where something came from: a channel, and what else is known of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Via {
    /// `email`, `web`, `rule` …; the events export has a display name instead, `Mail`.
    pub channel: CompactString,
    /// `trigger`, `merge` … where there is one.
    pub rel: CompactString,
}

impl Via {
    pub(super) fn of(value: Option<&Value>) -> Self {
        let (channel, rel) = match value {
            Some(Value::String(word)) => (word.as_str().into(), CompactString::default()),
            Some(Value::Object(via)) => {
                let channel = match via.get("channel") {
                    Some(Value::String(word)) => word.as_str().into(),
                    Some(Value::Number(number)) => CompactString::from(number.to_string()),
                    _ => CompactString::default(),
                };
                let rel = via.get("source").and_then(|source| source.get("rel")).and_then(Value::as_str);
                (channel, rel.unwrap_or_default().into())
            }
            _ => Default::default(),
        };
        Self { channel: channel.to_lowercase(), rel: rel.to_lowercase() }
    }

    /// A trigger, an automation or a macro's rule did it, not whoever is named as its author.
    pub(super) fn is_rule(&self) -> bool {
        matches!(&*self.channel, "rule" | "business rule" | "automation" | "trigger")
            || matches!(&*self.rel, "trigger" | "automation")
    }

    /// It was mailed.
    pub(super) fn is_mail(&self) -> bool {
        matches!(&*self.channel, "email" | "mail")
    }

    pub(super) fn is_merge(&self) -> bool {
        self.rel == "merge" || self.channel == "merge"
    }
}

fn via<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Via, D::Error> {
    Ok(Via::of(Some(&Value::deserialize(deserializer)?)))
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Id,
    #[serde(deserialize_with = "lenient::time")]
    pub created_at: Timestamp,
    #[serde(deserialize_with = "lenient::time")]
    pub updated_at: Timestamp,
    #[serde(deserialize_with = "lenient::word")]
    pub status: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub custom_status_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub priority: Option<CompactString>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub subject: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub requester_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub submitter_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub assignee_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub group_id: Option<Id>,
    #[serde(default)]
    pub is_public: Option<bool>,
    #[serde(default, deserialize_with = "via")]
    pub via: Via,
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "lenient::ids")]
    pub collaborator_ids: Vec<Id>,
    #[serde(default, deserialize_with = "lenient::ids")]
    pub follower_ids: Vec<Id>,
    #[serde(default, deserialize_with = "lenient::ids")]
    pub email_cc_ids: Vec<Id>,
    #[serde(default)]
    pub metric_set: Option<Metrics>,
    #[serde(default)]
    pub slas: Option<Slas>,
}

impl Record for Ticket {
    type Id = Id;

    fn id(&self) -> Id {
        self.id
    }

    fn changed_at(&self) -> Timestamp {
        self.updated_at
    }
}

impl Ticket {
    /// Somebody else than the requester may have written as a customer.
    pub(super) fn has_others(&self) -> bool {
        !(self.collaborator_ids.is_empty() && self.follower_ids.is_empty() && self.email_cc_ids.is_empty())
    }
}

/// The metrics of a ticket, embedded or sent beside it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Metrics {
    #[serde(default, deserialize_with = "lenient::maybe_id")]
    pub ticket_id: Option<Id>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    pub replies: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub requester_updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub status_updated_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub initially_assigned_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub assigned_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::maybe_time")]
    pub latest_comment_added_at: Option<Timestamp>,
}

/// The targets of a ticket.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Slas {
    #[serde(default, deserialize_with = "targets")]
    pub policy_metrics: Vec<Target>,
}

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub metric: CompactString,
    pub stage: CompactString,
    pub breach_at: Option<Timestamp>,
}

fn targets<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Target>, D::Error> {
    let values = Option::<Vec<Value>>::deserialize(deserializer)?;
    let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().into();
    let target = |value: Value| Target {
        metric: word(value.get("metric")),
        stage: word(value.get("stage")),
        breach_at: value.get("breach_at").and_then(lenient::time_of),
    };
    Ok(values.into_iter().flatten().map(target).collect())
}

/// Somebody: an agent, an admin or an end user.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct User {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Id,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_word")]
    pub role: Option<CompactString>,
    #[serde(default)]
    pub active: Option<bool>,
    #[serde(default)]
    pub suspended: Option<bool>,
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
}

impl User {
    /// Whether it is of the team. A custom role has a role that is one of these, too.
    pub(super) fn is_staff(&self) -> bool {
        matches!(self.role.as_deref(), Some("agent" | "admin"))
    }
}

/// A group of agents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Group {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Id,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub name: Option<String>,
    #[serde(default)]
    pub deleted: Option<bool>,
}

/// Who is in which group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Membership {
    #[serde(deserialize_with = "lenient::id")]
    pub user_id: Id,
    #[serde(deserialize_with = "lenient::id")]
    pub group_id: Id,
}

/// A status of the account's own, and the category that it belongs to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct CustomStatus {
    #[serde(deserialize_with = "lenient::id")]
    pub id: Id,
    #[serde(deserialize_with = "lenient::word")]
    pub status_category: CompactString,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub agent_label: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TICKET: &str = r#"{"id":48213,"url":"https://acme.zendesk.com/api/v2/tickets/48213.json","external_id":null,"via":{"channel":"email","source":{"from":{"address":"ines@example.net","name":"Ines Roca"},"to":{"address":"help@acme.com","name":"Acme"},"rel":null}},"created_at":"2026-11-22T08:02:11Z","updated_at":"2026-11-22T09:14:03Z","generated_timestamp":1795338843,"type":"question","subject":"Refund missing","raw_subject":"Refund missing","description":"Hello...","priority":"high","status":"open","custom_status_id":17001,"recipient":"help@acme.com","requester_id":900123,"submitter_id":900123,"assignee_id":700045,"organization_id":null,"group_id":3301,"is_public":true,"from_messaging_channel":false,"tags":["refund"],"satisfaction_rating":{"score":"unoffered"},"brand_id":21,"ticket_form_id":5}"#;
    const METRICS: &str = r#"{"id":91,"ticket_id":48213,"created_at":"2026-11-22T08:02:11Z","updated_at":"2026-11-22T09:14:03Z","group_stations":2,"assignee_stations":1,"reopens":0,"replies":1,"assignee_updated_at":"2026-11-22T08:40:20Z","requester_updated_at":"2026-11-22T09:14:03Z","status_updated_at":"2026-11-22T09:14:03Z","initially_assigned_at":"2026-11-22T08:10:00Z","assigned_at":"2026-11-22T08:10:00Z","solved_at":null,"latest_comment_added_at":"2026-11-22T09:14:03Z","reply_time_in_minutes":{"calendar":38,"business":38}}"#;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn the_sheets_ticket_and_metrics() {
        let ticket: Ticket = serde_json::from_str(TICKET).unwrap();
        assert_eq!((ticket.id, ticket.requester_id, ticket.assignee_id), (48213, Some(900_123), Some(700_045)));
        assert_eq!((ticket.group_id, ticket.custom_status_id), (Some(3301), Some(17001)));
        assert_eq!((ticket.created_at, ticket.updated_at), (at("2026-11-22T08:02:11Z"), at("2026-11-22T09:14:03Z")));
        assert_eq!((&*ticket.via.channel, &*ticket.status, ticket.is_public), ("email", "open", Some(true)));
        assert_eq!(ticket.tags, ["refund"]);
        assert!(!ticket.has_others());
        let metrics: Metrics = serde_json::from_str(METRICS).unwrap();
        assert_eq!((metrics.ticket_id, metrics.replies), (Some(48213), Some(1)));
        assert_eq!(metrics.assigned_at, Some(at("2026-11-22T08:10:00Z")));
        assert_eq!(metrics.requester_updated_at, metrics.latest_comment_added_at);
    }

    #[test]
    fn a_ticket_with_next_to_nothing_is_a_ticket() {
        let ticket = json!({"id": "7", "created_at": "2026-11-22T08:02:11Z", "updated_at": 1_795_338_843, "status": "new",
            "priority": null, "requester_id": "900123", "assignee_id": null, "group_id": "", "via": {"channel": 67},
            "tags": null, "is_public": null, "follower_ids": [null, "5"]});
        let ticket: Ticket = serde_json::from_value(ticket).unwrap();
        assert_eq!((ticket.id, ticket.requester_id, ticket.assignee_id), (7, Some(900_123), None));
        assert_eq!((ticket.group_id, &*ticket.via.channel, ticket.follower_ids.len()), (None, "67", 1));
    }

    #[test]
    fn the_path_of_what_is_missing_or_wrong_is_named() {
        for (edit, path, words) in [
            (json!({"created_at": null}), "created_at", "expected a time, found null"),
            (json!({"id": "x"}), "id", "expected an id, found a text"),
            (json!({"requester_id": {"id": 1}}), "requester_id", "expected an id, found an object"),
            (json!({"status": null}), "status", "expected a word, found null"),
        ] {
            let mut ticket: Value = serde_json::from_str(TICKET).unwrap();
            ticket.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
            let error = serde_path_to_error::deserialize::<_, Ticket>(ticket).unwrap_err();
            assert_eq!((error.path().to_string(), error.inner().to_string()), (path.to_owned(), words.to_owned()));
        }
        let mut ticket: Value = serde_json::from_str(TICKET).unwrap();
        ticket.as_object_mut().unwrap().remove("updated_at");
        let error = serde_path_to_error::deserialize::<_, Ticket>(ticket).unwrap_err();
        assert_eq!(error.inner().to_string(), "missing field `updated_at`");
    }

    #[test]
    fn only_has_more_ends_a_walk() {
        let page = |value: Value| -> Page { serde_json::from_value(value).unwrap() };
        let meta = |more: Value| {
            page(json!({"meta": {"has_more": more, "after_cursor": "eyJv"}, "links": {"next": "https://x"}}))
        };
        assert_eq!(meta(json!(true)).after().as_deref(), Some("eyJv"));
        assert_eq!(meta(json!(false)).after(), None, "the last page has a cursor, too");
        assert_eq!(page(json!({"meta": {"has_more": true, "after_cursor": null}})).after(), None);
        let empty = page(json!({"ticket_events": [], "count": 0, "next_page": null, "end_time": null}));
        assert_eq!((empty.end_time(), empty.is_end()), (None, true));
        let full = page(json!({"count": 1, "end_of_stream": false, "end_time": 1_795_338_843}));
        assert_eq!((full.end_time(), full.is_end()), (Some(1_795_338_843), false));
        let linked = page(
            json!({"links": {"next": "https://other.example/api/v2/agent_availabilities?page%5Bafter%5D=xyz%3D&page%5Bsize%5D=100"}}),
        );
        assert_eq!(linked.linked().as_deref(), Some("xyz="));
        assert_eq!(page(json!({"links": {"next": null}})).linked(), None);
    }

    #[test]
    fn targets_without_a_due_and_of_any_stage() {
        let slas: Slas = serde_json::from_str(r#"{"policy_metrics":[{"metric":"next_reply_time","stage":"active","breach_at":"2026-11-22T11:14:03Z","hours":1},{"metric":"first_reply_time","stage":"achieved","breach_at":null,"minutes":-12}]}"#).unwrap();
        assert_eq!(slas.policy_metrics.len(), 2);
        assert_eq!(slas.policy_metrics[0].breach_at, Some(at("2026-11-22T11:14:03Z")));
        assert_eq!(slas.policy_metrics[1].breach_at, None);
        assert_eq!(serde_json::from_str::<Slas>(r#"{"policy_metrics":null}"#).unwrap().policy_metrics, []);
    }
}
