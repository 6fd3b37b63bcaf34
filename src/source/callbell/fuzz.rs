//! JSON of any shape in the words of this API.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::source::fuzz;

const WORDS: &str = "uuid name phoneNumber createdAt closedAt blockedAt source assignedUser team tags href conversationHref \
     contacts meta pages next messages text status sent received note users email available lastUpdatedAt \
     userCustomStatus teams whatsapp user_name";
const AT: &str = "2026-11-22T09:14:03Z";

/// Any JSON.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let texts = fuzz::texts(&[AT, "2024-11-22 21:29:43 +0100", "Conversation was assigned to Lia Prado"]);
    let record = json!({"uuid": "c1", "status": "sent", "createdAt": AT, "email": "a@x"});
    let closed_at =
        prop::sample::select(vec![None, Some(json!(null)), Some(json!(AT)), Some(json!("soon")), Some(json!(7))]);
    let needed = closed_at.prop_map(move |closed_at| {
        let mut record = record.clone();
        if let Some(closed_at) = closed_at {
            record["closedAt"] = closed_at;
        }
        record
    });
    fuzz::any_json(WORDS, texts, needed)
}
