//! What the source has to remember over a restart, as its cursor holds it.

use serde::{Deserialize, Serialize};

use super::past::Past;
use crate::event::Timestamp;
use crate::source::{Cursor, left};

/// Where the source stands. Open tickets are not in it: they are read at every start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The highest transaction that was handled.
    pub last: u64,
    /// No transaction up to this one can still become visible.
    pub settled: u64,
    /// When the log was last seen to its end.
    pub heard_at: Timestamp,
    /// Tickets that were ended here because they left.
    pub left: Vec<u64>,
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
        let mark =
            Mark { last: 7, settled: 5, heard_at: Timestamp::default(), left: vec![3, 1], past: Past::default() };
        let cursor = mark.clone().cursor().unwrap();
        assert_eq!(cursor.read::<Mark>(), Some(Mark { left: vec![1, 3], ..mark }));
        for other in [json!(null), json!({"last": 7}), json!({"last": "x"}), json!([1]), json!({"line": 12})] {
            assert_eq!(Cursor(other).read::<Mark>(), None);
        }
    }
}
