//! What a live board still needs of what is past: it lets go of what has long been quiet, so it takes no more of it in.

use rustc_hash::FxHashSet;

use crate::desk::{Desk, SourceIx};
use crate::event::{Event, EventKind, Timestamp};

/// Of events that are history, conversations about which anything was said since then, or that the desk holds, with
/// their customers; what else was said since then; and what is not dated.
pub(super) fn still_needed(desk: &Desk, source: SourceIx, events: Vec<Event>, since: Timestamp) -> Vec<Event> {
    let is_recent = |event: &Event| event.at.is_none_or(|at| at >= since);
    let mut conversations = FxHashSet::default();
    for event in &events {
        if let Some(id) = event.kind.conversation()
            && !conversations.contains(id)
            && (is_recent(event) || desk.knows(source, id))
        {
            conversations.insert(id.clone());
        }
    }
    let mut customers = FxHashSet::default();
    for event in &events {
        if let EventKind::Opened(opened) = &event.kind
            && conversations.contains(&opened.conversation)
        {
            customers.extend(opened.customer.clone());
        }
    }
    let is_needed = |event: &Event| match &event.kind {
        EventKind::Customer { id, .. } => customers.contains(id),
        kind => match kind.conversation() {
            Some(id) => conversations.contains(id),
            None => is_recent(event),
        },
    };
    events.into_iter().filter(is_needed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse_line;

    fn event(line: &str) -> Event {
        parse_line(line.as_bytes()).unwrap()
    }

    #[test]
    fn old_conversations_are_passed_by_with_their_customers_unless_the_desk_holds_them() {
        let mut desk = Desk::new(false);
        let source = desk.add_source();
        desk.apply(source, event(r#"{"type":"opened","conversation":"held","at":"2026-01-01T00:00:00Z"}"#));
        let lines = [
            r#"{"type":"agent","id":"ana","name":"Ana"}"#,
            r#"{"type":"customer","id":"k1","name":"Old"}"#,
            r#"{"type":"customer","id":"k2","name":"New"}"#,
            r#"{"type":"opened","conversation":"old","customer":"k1","at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"opened","conversation":"new","customer":"k2","at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"presence","agent":"ana","state":"online","at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"status","conversation":"held","status":"resolved","at":"2026-01-02T00:00:00Z"}"#,
            r#"{"type":"status","conversation":"old","status":"resolved","at":"2026-01-02T00:00:00Z"}"#,
            r#"{"type":"status","conversation":"new","status":"resolved","at":"2026-03-01T00:00:00Z"}"#,
            r#"{"type":"presence","agent":"ana","state":"online","at":"2026-03-01T00:00:00Z"}"#,
        ];
        let since = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
        let needed = still_needed(&desk, source, lines.iter().map(|line| event(line)).collect(), since);
        assert_eq!(needed, [0, 2, 4, 6, 8, 9].map(|nth: usize| event(lines[nth])), "whole conversations, in order");
    }
}
