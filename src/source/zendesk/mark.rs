//! What the source has to remember over a restart, as its cursor holds it.

use serde::{Deserialize, Serialize};

use super::past::Past;
use crate::event::Timestamp;
use crate::source::lenient::Id;
use crate::source::{Cursor, left};

/// Where the source stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// All tickets that were open at the start were told: what was told since is in the store, and need not be read anew.
    pub settled: bool,
    /// Every change up to here is told, by the times of the desk.
    pub watermark: Timestamp,
    /// Where the export of events goes on, in seconds since 1970.
    pub position: i64,
    /// Satisfaction answers up to here are told.
    pub rated_to: Timestamp,
    /// The same of those that were given late.
    #[serde(default)]
    pub late_to: Option<Timestamp>,
    /// Targets that are due up to here are told.
    #[serde(default)]
    pub targets_to: Timestamp,
    /// Tickets that were ended here because they left.
    pub left: Vec<Id>,
    /// Tickets that were to be read, or could not be read.
    #[serde(default)]
    pub unread: Vec<Id>,
    /// How far the history was read.
    pub past: Past,
}

impl Mark {
    /// As a cursor.
    pub(super) fn cursor(mut self) -> Option<Cursor> {
        self.left = left::newest(self.left);
        Cursor::of(&self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_others_are_passed_over() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let (left, unread, past) = (vec![3, 1], vec![8], Past::default());
        let (rated_to, late_to) = (at, Some(at));
        let mark =
            Mark { settled: true, watermark: at, position: 7, rated_to, late_to, targets_to: at, left, unread, past };
        let cursor = mark.clone().cursor().unwrap();
        assert_eq!(cursor.read::<Mark>(), Some(Mark { left: vec![1, 3], ..mark }));
        for other in [json!(null), json!({"settled": true}), json!([1]), json!({"line": 12})] {
            assert_eq!(Cursor(other).read::<Mark>(), None);
        }
    }
}
