//! What holds for all events.

use std::collections::BTreeMap;

use helptop::event::{Event, EventKind, Timestamp, write_event};
use helptop::store::{Mark, Pack, Selection, SqliteStore, Store};
use proptest::prelude::*;

use super::kinds::kinds;
use super::story::said;

/// An event as a line.
fn line(event: &Event) -> String {
    let mut line = Vec::new();
    write_event(&mut line, event).unwrap();
    String::from_utf8(line).unwrap()
}

/// What an event is about.
fn subject(event: &Event) -> String {
    let value: serde_json::Value = serde_json::from_str(&line(event)).unwrap();
    let kind = value["type"].as_str().unwrap();
    let id = ["conversation", "agent", "id", "article"].iter().find_map(|key| value[key].as_str()).unwrap_or_default();
    let about = match kind {
        "hello" | "team" | "agent" | "customer" | "presence" | "article_vote" => kind,
        _ => "conversation",
    };
    format!("{about} {id}")
}

proptest! {
    #[test]
    fn every_event_survives_the_store_in_its_order(
        told in prop::collection::vec((kinds(), prop_oneof![Just(5_i64), 0i64..4_000_000_000_000, Just(-9)]), 1..60),
        parts in 1usize..9,
        keep_text in any::<bool>(),
    ) {
        let events: Vec<Event> = told
            .into_iter()
            .map(|(kind, millis)| Event { kind, at: Some(Timestamp::from_millis(millis)) })
            .filter(|event| event.kind != EventKind::Clock {})
            .collect();
        let mut store = SqliteStore::temporary(keep_text).unwrap();
        let source = store.source("test").unwrap();
        let mut new = 0;
        for part in events.chunks(events.len().div_ceil(parts).max(1)) {
            new += store.append(source, part, &Mark::default()).unwrap().new;
        }
        let found = said(&mut store, &Selection::All);
        prop_assert_eq!(found.len() as u64, new);
        let mut expected: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
        for event in &events {
            let about = expected.entry(subject(event)).or_default();
            let is_said = matches!(
                event.kind,
                EventKind::Hello { .. } | EventKind::Team { .. } | EventKind::Agent(_) | EventKind::Customer { .. }
            );
            if is_said {
                about.retain(|other| *other != event);
            }
            if !about.contains(&event) {
                about.push(event);
            }
        }
        let mut kept: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
        for event in &found {
            kept.entry(subject(event)).or_default().push(event);
        }
        // Words that are not kept are equal to their prints.
        prop_assert_eq!(kept, expected);
        if keep_text {
            let mut lines: Vec<_> = found.iter().map(line).collect();
            let mut told: Vec<_> = events.iter().map(line).collect();
            lines.sort();
            told.sort();
            told.dedup();
            prop_assert_eq!(lines, told);
        }
    }
    #[test]
    fn every_event_comes_out_of_a_pack_as_out_of_a_store(
        told in prop::collection::vec((kinds(), prop::option::of(-9i64..4_000_000_000_000)), 0..60),
        sizes in prop::collection::vec(1usize..9, 1..6),
        keep_text in any::<bool>(),
    ) {
        let at = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let events: Vec<Event> = told.into_iter().map(|(kind, millis)| Event { kind, at: at(millis) }).collect();
        let (mut pack, mut parts, mut rest) = (Pack::default(), Vec::new(), &events[..]);
        for size in sizes.iter().cycle() {
            let (some, others) = rest.split_at((*size).min(rest.len()));
            parts.push(pack.extend(some, keep_text));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        let too_much = pack.extend(&events, keep_text);
        pack.cut_last(too_much);
        let mut found = Vec::new();
        for part in parts {
            let some = pack.split_first(part).unpack().unwrap();
            prop_assert_eq!(some.len(), part.events);
            found.extend(some);
        }
        prop_assert!(pack.unpack().unwrap().is_empty());
        prop_assert_eq!(&found, &events);
        if keep_text {
            prop_assert_eq!(found.iter().map(line).collect::<Vec<_>>(), events.iter().map(line).collect::<Vec<_>>());
        } else {
            let words = |event: &Event| match &event.kind {
                EventKind::Message(message) => message.text.clone(),
                EventKind::Rated { comment, .. } => comment.clone(),
                _ => None,
            };
            prop_assert!(found.iter().filter_map(words).all(|words| words.text().is_none()));
        }
    }
}
