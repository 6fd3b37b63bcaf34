//! Takes lines of the event stream into a batch: what a recorded file and a child program have in common.

use std::collections::HashSet;

use super::{Batch, Skipped};
use crate::event::{Capability, Event, EventKind, Reject};
use crate::text::excerpt;

/// The most records a batch names one by one; all are counted.
const MOST_NAMED: usize = 20;
/// The most unknown types that are told apart; a stream of made-up types must not fill the memory.
const MOST_TYPES: usize = 256;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// Sorts events from rejects, and remembers what was reported before.
#[derive(Debug, Default)]
pub(super) struct Intake {
    unknown: HashSet<String>,
    capabilities: Vec<Capability>,
}

impl Intake {
    /// The event of a line; a reject is counted, and named unless it is one of many or its type was named before.
    pub(super) fn sort(
        &mut self,
        event: Result<Event, Reject>,
        batch: &mut Batch,
        place: impl FnOnce() -> String,
    ) -> Option<Event> {
        let reject = match event {
            Ok(event) => {
                if let EventKind::Hello { capabilities, .. } = &event.kind {
                    self.capabilities.clone_from(capabilities);
                }
                return Some(event);
            }
            Err(reject) => reject,
        };
        batch.skipped_total += 1;
        let known = match &reject {
            Reject::UnknownType(name) => {
                let name = excerpt(name, 100);
                self.unknown.contains(&name) || self.unknown.len() >= MOST_TYPES || !self.unknown.insert(name)
            }
            Reject::Line(_) | Reject::Field { .. } => false,
        };
        if !known && batch.skipped.len() < MOST_NAMED {
            let reason = excerpt(&reject.to_string(), LONGEST_REASON);
            batch.skipped.push(Skipped { place: place(), reason });
        }
        None
    }

    /// What the last `hello` claimed.
    pub(super) fn capabilities(&self) -> Vec<Capability> {
        self.capabilities.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse_line;

    #[test]
    fn rejects_are_counted_named_and_cut() {
        let (mut intake, mut batch) = (Intake::default(), Batch::default());
        let lines = [
            r#"{"type":"party","at":"2026-03-02T09:00:00Z"}"#.to_owned(),
            r#"{"type":"party","at":"2026-03-02T09:00:00Z"}"#.to_owned(),
            r#"{"type":"clock"}"#.to_owned(),
            format!(r#"{{"type":"\u001b]0;x{}"}}"#, "y".repeat(1000)),
            r#"{"type":"hello","version":1,"capabilities":["presence"]}"#.to_owned(),
        ];
        let mut taken = 0;
        for (nth, line) in lines.iter().enumerate() {
            let event = parse_line(line.as_bytes());
            taken += usize::from(intake.sort(event, &mut batch, || format!("f:{}", nth + 1)).is_some());
        }
        assert_eq!((taken, batch.skipped_total), (1, 4));
        let named: Vec<(&str, &str)> =
            batch.skipped.iter().map(|skipped| (skipped.place.as_str(), skipped.reason.as_str())).collect();
        assert_eq!(named[..2], [("f:1", "unknown type `party`"), ("f:3", "field `at`: is missing")]);
        assert_eq!(named[2].0, "f:4");
        assert!(!named[2].1.contains('\u{1b}') && named[2].1.chars().count() <= LONGEST_REASON + 1);
        assert_eq!(intake.capabilities(), [Capability::Presence]);
    }

    #[test]
    fn a_thousand_bad_lines_name_twenty() {
        let (mut intake, mut batch) = (Intake::default(), Batch::default());
        for nth in 0..1000 {
            intake.sort(Err(Reject::UnknownType(format!("t{nth}"))), &mut batch, String::new);
        }
        assert_eq!((batch.skipped.len(), batch.skipped_total), (MOST_NAMED, 1000));
        assert_eq!(intake.unknown.len(), MOST_TYPES);
    }
}
