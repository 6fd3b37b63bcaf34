//! Whether a conversation was merged into another, as far as the answers prove it.
//!
//! The vendor's description has it that merging closes the one, links it to the other, and that the other gets a part
//! `merged_primary_conversation`. Of which type the part of the one is, is not described; programs of others find
//! `merged_secondary_conversation` there. A link alone proves nothing, for there are links for other reasons.

use chrono::TimeDelta;
use compact_str::CompactString;

use super::story;
use super::wire::{Conversation, Part, some_id};
use crate::event::{ConversationId, Timestamp};

/// Both sides of it are of the same moment.
pub(super) const MOMENT: TimeDelta = TimeDelta::seconds(5);
/// Linked conversations that are looked at.
const MOST: usize = 4;

/// A conversation into which another was merged, and when.
pub(super) type Merged = (Timestamp, ConversationId);

fn links(row: &Conversation) -> Vec<&CompactString> {
    let linked = row.linked_objects.iter().flat_map(|linked| &linked.data);
    let linked = linked.filter(|one| one.kind.as_deref() == Some("conversation"));
    linked.filter_map(|one| some_id(one.id.as_ref())).filter(|id| **id != row.id).take(MOST).collect()
}

fn own_part(parts: &[Part]) -> Option<Timestamp> {
    let own = parts.iter().rfind(|part| part.kind.as_deref() == Some("merged_secondary_conversation"));
    own.map(|part| part.created_at)
}

/// A merger that it says of itself.
pub(super) fn said(row: &Conversation, parts: &[Part]) -> Option<Merged> {
    match links(row)[..] {
        [into] if row.is_ended() => Some((own_part(parts)?, story::conversation(into))),
        _ => None,
    }
}

/// The conversations of which one may have a part that says so.
pub(super) fn suspected(row: &Conversation, parts: &[Part]) -> Vec<CompactString> {
    if !row.is_ended() || said(row, parts).is_some() {
        return Vec::new();
    }
    links(row).into_iter().cloned().collect()
}

/// A merger that the parts of the other show: it was closed in the moment in which something was merged into that.
pub(super) fn proved(row: &Conversation, parts: &[Part], into: &CompactString, of_other: &[Part]) -> Option<Merged> {
    let closings = parts.iter().filter(|part| part.kind.as_deref() == Some("close")).map(|part| part.created_at);
    let by_fields = row.statistics.as_ref().and_then(|statistics| statistics.close);
    let closed_at = own_part(parts).or(closings.max()).or(by_fields)?;
    let gained = of_other.iter().filter(|part| part.kind.as_deref() == Some("merged_primary_conversation"));
    let is_proved = gained.into_iter().any(|part| (part.created_at - closed_at).abs() <= MOMENT);
    is_proved.then(|| (closed_at, story::conversation(into)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::source::intercom::tests::{part, read, row};

    fn linked(ids: &[u64], more: &Value) -> Conversation {
        let data: Vec<Value> = ids.iter().map(|id| json!({"type": "conversation", "id": id})).collect();
        let mut row = row(json!({"state": "closed", "linked_objects": {"data": data}}));
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(row)
    }

    fn parts(kind: &str, nth: i64) -> Vec<Part> {
        vec![read(part(nth, kind, "admin", json!({})))]
    }

    #[test]
    fn a_link_alone_proves_no_merger() {
        let closed = parts("close", 100);
        let of_other =
            |kind: &str, nth: i64| proved(&linked(&[9], &json!({})), &closed, &"9".into(), &parts(kind, nth));
        assert_eq!(of_other("merged_primary_conversation", 105).map(|(_, into)| into.to_string()), Some("9".into()));
        assert_eq!(of_other("merged_primary_conversation", 106), None, "something else was merged, then");
        assert_eq!(of_other("comment", 100), None);
        let reopened = proved(&linked(&[9], &json!({})), &[], &"9".into(), &parts("merged_primary_conversation", 100));
        assert_eq!(reopened, None, "nothing says when it was closed");
    }

    #[test]
    fn those_are_asked_that_may_know() {
        let closed = parts("close", 100);
        assert_eq!(suspected(&linked(&[7, 9, 10, 11, 12, 13], &json!({})), &closed), ["9", "10", "11", "12"]);
        assert_eq!(suspected(&linked(&[9], &json!({"state": "open"})), &closed), Vec::<CompactString>::new());
        assert_eq!(suspected(&linked(&[], &json!({})), &closed), Vec::<CompactString>::new());
        // It says so itself, and into which, or not.
        let own = parts("merged_secondary_conversation", 100);
        assert_eq!(suspected(&linked(&[9], &json!({})), &own), Vec::<CompactString>::new());
        assert_eq!(suspected(&linked(&[9, 10], &json!({})), &own), ["9", "10"]);
    }
}
