//! JSON of any shape, with the words of this API more often than chance would have it: nothing of it may stop the source.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::ask::Whole;
use super::state::{Phase, State};
use super::wire::{Admin, Conversation, Page, Part, Reason, Team};
use crate::event::Timestamp;
use crate::source::skips;

const WORDS: [&str; 40] = [
    "id",
    "type",
    "created_at",
    "updated_at",
    "waiting_since",
    "state",
    "open",
    "closed",
    "snoozed",
    "admin_assignee_id",
    "team_assignee_id",
    "source",
    "author",
    "delivered_as",
    "customer_initiated",
    "admin_initiated",
    "contacts",
    "tags",
    "applied_at",
    "statistics",
    "last_contact_reply_at",
    "last_close_at",
    "conversation_rating",
    "rating",
    "linked_objects",
    "data",
    "conversation_parts",
    "total_count",
    "part_type",
    "comment",
    "assignment",
    "close",
    "note",
    "body",
    "assigned_to",
    "admin",
    "user",
    "bot",
    "team",
    "merged_secondary_conversation",
];

/// Any JSON; most records nearly are one, so that what is inside is reached.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-2i64..30).prop_map(Value::from),
        (1_772_441_000i64..1_772_441_100).prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let record = leaf.boxed().prop_recursive(4, 50, 10, move |inner| {
        let key = prop_oneof![8 => word.clone(), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..12).prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    });
    (record, prop::bool::weighted(0.7), prop::sample::select(vec!["open", "snoozed", "closed"])).prop_map(
        |(value, is_usual, state)| match value {
            Value::Object(mut map) if is_usual => {
                map.insert("id".to_owned(), 9.into());
                map.insert("created_at".to_owned(), 1_772_441_050.into());
                map.insert("state".to_owned(), state.into());
                map.entry("part_type").or_insert("comment".into());
                Value::Object(map)
            }
            other => other,
        },
    )
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
            state.note(&row);
            state.tell(&Whole { row: row.clone(), parts, begins }, at);
            state.vanish(&row.id, at);
        }
        for event in &state.outbox {
            let line = serde_json::to_string(event).unwrap();
            let again = crate::event::parse_line(line.as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(event));
        }
    }
}
