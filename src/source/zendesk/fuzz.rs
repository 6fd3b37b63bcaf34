//! JSON of any shape in the words of this API.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::source::fuzz;

const WORDS: &str = "id ticket_id created_at updated_at timestamp author_id updater_id via channel source rel events \
     child_events type event_type Comment Create Change field_name value status assignee_id group_id tags public body \
     requester_id metric_set replies slas policy_metrics breach_at data included attributes agent_id agent_status \
     relationships answers subjects rating score merge closed";
const AT: &str = "2026-11-22T09:14:03Z";

/// Any JSON.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let values = prop_oneof![fuzz::texts(&[AT]), Just(json!(1_795_338_843)), "#[0-9]{0,25}".prop_map(Value::from),];
    let record =
        json!({"id": 9, "ticket_id": 5, "created_at": AT, "updated_at": "2026-11-22T09:15:03Z", "status": "open"});
    fuzz::any_json(WORDS, values, Just(record))
}
