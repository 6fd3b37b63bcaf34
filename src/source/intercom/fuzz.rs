//! JSON of any shape in the words of this API: nothing of it may stop the source.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::ask::Whole;
use super::state::{Phase, State};
use super::wire::{Admin, Conversation, Page, Part, Reason, Team};
use crate::event::Timestamp;
use crate::source::{fuzz, skips};

const WORDS: &str = "id type created_at updated_at waiting_since state open closed snoozed admin_assignee_id \
     team_assignee_id source author delivered_as customer_initiated admin_initiated contacts tags applied_at statistics \
     last_contact_reply_at last_close_at conversation_rating rating linked_objects data conversation_parts total_count \
     part_type comment assignment close note body assigned_to admin user bot team merged_secondary_conversation \
     merged_primary_conversation conversation";

fn any_json() -> impl Strategy<Value = Value> {
    let seconds = (1_772_441_000i64..1_772_441_100).prop_map(Value::from);
    let states = prop::sample::select(vec!["open", "snoozed", "closed"]);
    let parts = prop::sample::select(vec!["comment", "comment", "assignment", "close", "note", "x"]);
    let record = |(state, part)| json!({"id": 9, "created_at": 1_772_441_050, "state": state, "part_type": part});
    fuzz::any_json(WORDS, seconds, (states, parts).prop_map(record))
}

proptest! {
    #[test]
    fn whatever_is_answered_nothing_panics(
        looks in prop::collection::vec((any_json(), prop::collection::vec(any_json(), 0..4), any::<bool>()), 1..5),
    ) {
        let mut state = State::begun(Phase::Steady);
        let at = Timestamp::from_millis(1_772_442_000_000);
        for (raw, parts, begins) in looks {
            drop((skips::read::<Page>(raw.clone()), skips::read::<Team>(raw.clone())));
            let people = &mut state.people;
            people.take_reasons(skips::read::<Reason>(raw.clone()).into_iter().collect());
            people.take_admins(skips::read::<Admin>(raw.clone()).into_iter().collect(), at, &mut state.outbox);
            let Ok(row) = skips::read::<Conversation>(raw) else { continue };
            let parts: Vec<Part> = parts.into_iter().filter_map(|part| skips::read(part).ok()).collect();
            state.note(&row, at);
            let merged = super::merge::said(&row, &parts).or_else(|| {
                let others = super::merge::suspected(&row, &parts);
                others.first().and_then(|id| super::merge::proved(&row, &parts, id, &parts))
            });
            state.tell(&Whole { row: row.clone(), parts, begins, merged }, at);
            state.vanish(&row.id, at);
        }
        for event in &state.outbox {
            let line = serde_json::to_string(event).unwrap();
            let again = crate::event::parse_line(line.as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(event));
        }
    }
}
