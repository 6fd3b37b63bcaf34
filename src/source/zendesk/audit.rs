//! What happened to a ticket in one update. A ticket's audits and the export of all tickets' events tell the same
//! updates, by the same id, in two forms; here they become one.

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::proofs::{Deed, team};
use super::wire::Via;
use crate::event::Timestamp;
use crate::source::lenient::{Id, id_of, texts_of, time_of};

/// One update of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Audit {
    pub id: Id,
    pub ticket: Id,
    /// Its own time, for all its parts: theirs differ by seconds between one form and the other.
    pub at: Timestamp,
    /// Who made it: not always the author of its comment.
    pub author: Id,
    pub is_rule: bool,
    pub is_merge: bool,
    pub steps: Vec<Step>,
    /// Those whom it shows to be of the team.
    pub team: Vec<Id>,
}

/// One part of an update.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Somebody wrote.
    Comment { author: Option<Id>, public: bool, text: Option<String> },
    /// A field has another value; `created` where it began with it.
    Field { field: Field, created: bool, is_rule: bool },
    /// A macro was used.
    Macro { title: String },
}

/// A field and its new value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Status(CompactString),
    CustomStatus(Id),
    Assignee(Option<Id>),
    Group(Option<Id>),
    Requester(Option<Id>),
    Tags(Vec<String>),
}

/// The path of what can't be read, and why.
pub(super) type Unreadable = (&'static str, &'static str);

impl Audit {
    /// From the audits of a ticket, or from the export.
    pub(super) fn of(value: &Value) -> Result<Self, Unreadable> {
        let id = value.get("id").and_then(id_of).ok_or(("id", "expected an id"))?;
        let ticket = value.get("ticket_id").and_then(id_of).ok_or(("ticket_id", "expected an id"))?;
        let at = value.get("created_at").and_then(time_of).or_else(|| value.get("timestamp").and_then(time_of));
        let at = at.ok_or(("created_at", "expected a time"))?;
        // A missing author is the system.
        let author = value.get("author_id").or_else(|| value.get("updater_id")).and_then(id_of).unwrap_or(SYSTEM);
        let via = Via::of(value.get("via"));
        let parts = value.get("events").or_else(|| value.get("child_events"));
        let parts = match parts {
            Some(Value::Array(parts)) => parts.as_slice(),
            // Targets change in updates without parts.
            Some(Value::Null) | None => &[],
            Some(_) => return Err(("events", "expected a list")),
        };
        let steps: Vec<Step> = parts.iter().filter_map(Step::of).flatten().collect();
        let team = team(&Deed { author, via: &via, steps: &steps, parts });
        Ok(Self { id, ticket, at, author, is_rule: via.is_rule(), is_merge: via.is_merge(), steps, team })
    }

    /// It tells how the ticket began.
    pub(super) fn is_create(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Field { created: true, .. }))
    }
}

/// The author of what the help desk does by itself.
pub(super) const SYSTEM: Id = -1;

impl Step {
    /// The parts of interest in one event of an update: the export may hold several fields in one.
    fn of(value: &Value) -> Option<Vec<Self>> {
        let event = value.as_object()?;
        let kind = event.get("event_type").or_else(|| event.get("type")).and_then(Value::as_str)?;
        match kind {
            "Comment" | "VoiceComment" => Some(vec![comment(event)]),
            "Create" | "Change" => {
                let created = kind == "Create";
                let is_rule = Via::of(event.get("via")).is_rule();
                let fields = match event.get("field_name").and_then(Value::as_str) {
                    Some(name) => Field::of(name, event.get("value").unwrap_or(&Value::Null)).into_iter().collect(),
                    None => event.iter().filter_map(|(name, value)| Field::of(name, value)).collect::<Vec<_>>(),
                };
                Some(fields.into_iter().map(|field| Self::Field { field, created, is_rule }).collect())
            }
            "AgentMacroReference" => {
                let title = event.get("macro_title").and_then(Value::as_str)?;
                Some(vec![Self::Macro { title: title.to_owned() }])
            }
            _ => None,
        }
    }
}

fn comment(event: &Map<String, Value>) -> Step {
    // Without the sideload the export tells only that there is one, and whether it is public. A comment of which that is
    // not told is no public one: to take a note for an answer would hide a wait.
    let public = event.get("public").or_else(|| event.get("comment_public")).and_then(Value::as_bool).unwrap_or(false);
    let text = event.get("body").and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    Step::Comment { author: event.get("author_id").and_then(id_of), public, text }
}

impl Field {
    fn of(name: &str, value: &Value) -> Option<Self> {
        Some(match name {
            "status" => Self::Status(value.as_str()?.into()),
            "custom_status_id" => Self::CustomStatus(id_of(value)?),
            "assignee_id" => Self::Assignee(id_of(value)),
            "group_id" => Self::Group(id_of(value)),
            "requester_id" => Self::Requester(id_of(value)),
            "tags" | "current_tags" if !value.is_null() => Self::Tags(texts_of(value)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPORTED: &str = r#"{"id":55001,"ticket_id":48213,"timestamp":1795338843,"created_at":"2026-11-22T09:14:03Z","updater_id":900123,"via":"Mail","system":{},"metadata":{},"event_type":"Audit","child_events":[{"id":55002,"type":"Comment","event_type":"Comment","author_id":900123,"public":true,"body":"Any news?","audit_id":55001,"created_at":"2026-11-22T09:14:07Z","attachments":[]},{"id":55003,"via":"Mail","via_reference_id":null,"event_type":"Change","status":"open","previous_value":"pending"}]}"#;

    fn status(word: &str, is_rule: bool) -> Step {
        Step::Field { field: Field::Status(word.into()), created: false, is_rule }
    }

    #[test]
    fn both_forms_of_an_update_are_the_same() {
        let exported = Audit::of(&serde_json::from_str(EXPORTED).unwrap()).unwrap();
        let told = json!({"id": 55001, "ticket_id": "48213", "created_at": "2026-11-22T09:14:03+00:00", "author_id": 900_123,
            "via": {"channel": "email", "source": {"rel": null}}, "metadata": {}, "events": [
                {"id": 55002, "type": "Comment", "author_id": "900123", "public": true, "body": "Any news?"},
                {"id": 55003, "type": "Change", "field_name": "status", "value": "open", "previous_value": "pending"},
                {"id": 55004, "type": "Notification", "recipients": [1]}]});
        let audit = Audit::of(&told).unwrap();
        assert_eq!(audit, exported);
        assert_eq!(audit.at.to_string(), "2026-11-22T09:14:03Z", "one time for all its parts");
        let text = Some("Any news?".to_owned());
        assert_eq!(audit.steps, [Step::Comment { author: Some(900_123), public: true, text }, status("open", false)]);
        assert!(!audit.is_create());
    }

    #[test]
    fn each_part() {
        for (part, expected) in [
            (
                json!({"type": "Change", "field_name": "assignee_id", "value": "700045"}),
                Some(Field::Assignee(Some(700_045))),
            ),
            (json!({"event_type": "Change", "assignee_id": null, "previous_value": "7"}), Some(Field::Assignee(None))),
            (json!({"event_type": "Change", "group_id": 3301}), Some(Field::Group(Some(3301)))),
            (
                json!({"event_type": "Change", "tags": ["a", "b"], "added_tags": ["b"], "removed_tags": []}),
                Some(Field::Tags(vec!["a".into(), "b".into()])),
            ),
            (
                json!({"type": "Change", "field_name": "tags", "value": "a b"}),
                Some(Field::Tags(vec!["a".into(), "b".into()])),
            ),
            (
                json!({"type": "Change", "field_name": "custom_status_id", "value": "17001"}),
                Some(Field::CustomStatus(17001)),
            ),
            (json!({"type": "Change", "field_name": "requester_id", "value": "5"}), Some(Field::Requester(Some(5)))),
            (json!({"type": "Change", "field_name": "360001", "value": "x"}), None),
            (json!({"event_type": "Change", "status": null}), None),
        ] {
            let steps = Step::of(&part).unwrap();
            let wanted: Vec<_> =
                expected.into_iter().map(|field| Step::Field { field, created: false, is_rule: false }).collect();
            assert_eq!(steps, wanted, "{part}");
        }
        let ruled = json!({"event_type": "Change", "via": "Rule", "via_reference_id": 3, "status": "solved"});
        assert_eq!(Step::of(&ruled).unwrap(), [status("solved", true)]);
        let ruled = json!({"type": "Change", "field_name": "status", "value": "solved", "via": {"channel": "rule", "source": {"rel": "trigger"}}});
        assert_eq!(Step::of(&ruled).unwrap(), [status("solved", true)]);
        let used = json!({"type": "AgentMacroReference", "macro_id": "1", "macro_title": "Refund"});
        assert_eq!(Step::of(&used).unwrap(), [Step::Macro { title: "Refund".into() }]);
        let brief = json!({"event_type": "Comment", "comment_present": true, "comment_public": false});
        assert_eq!(Step::of(&brief).unwrap(), [Step::Comment { author: None, public: false, text: None }]);
        let strange = json!({"type": "Comment", "author_id": 3, "body": "x"});
        assert_eq!(
            Step::of(&strange).unwrap(),
            [Step::Comment { author: Some(3), public: false, text: Some("x".into()) }]
        );
        for part in [json!({"type": "Unheard"}), json!({}), json!(null), json!({"type": "AgentMacroReference"})] {
            assert_eq!(Step::of(&part), None, "{part}");
        }
    }

    #[test]
    fn the_path_of_what_is_wrong_is_named() {
        let read = |edit: Value| {
            let mut value: Value = serde_json::from_str(EXPORTED).unwrap();
            value.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
            Audit::of(&value)
        };
        assert_eq!(read(json!({"id": null})).unwrap_err(), ("id", "expected an id"));
        assert_eq!(read(json!({"ticket_id": {}})).unwrap_err(), ("ticket_id", "expected an id"));
        assert_eq!(read(json!({"created_at": "?", "timestamp": null})).unwrap_err(), ("created_at", "expected a time"));
        assert_eq!(read(json!({"child_events": "x"})).unwrap_err(), ("events", "expected a list"));
        assert_eq!(
            read(json!({"created_at": null})).unwrap().at.to_string(),
            "2026-11-22T09:14:03Z",
            "by its timestamp"
        );
        assert_eq!(read(json!({"child_events": []})).unwrap().steps, []);
        assert_eq!(read(json!({"updater_id": null})).unwrap().author, SYSTEM);
    }
}
