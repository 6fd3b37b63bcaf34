//! Records of an answer that could not be read: they cost nothing good beside them, and are named and counted.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::words::{self, excerpt};
use super::{Skipped, SourceError};

/// Skipped records that are told one by one; the others are only counted.
const NAMED: usize = 20;
/// Unreadable records that are remembered, so that each is named once.
const MOST_TOLD: usize = 1000;
/// So many records of one answer may all be odd, where others of their sort can be read.
pub(super) const FEW: usize = 10;

/// What was skipped during one poll.
#[derive(Debug, Default)]
pub(super) struct Skips {
    /// The first few.
    pub named: Vec<Skipped>,
    /// How many in all.
    pub total: u64,
}

impl Skips {
    /// Notes a record that can't be used: where it is, what of it (`.` for the whole), and what is wrong.
    pub(super) fn note(&mut self, place: String, path: &str, reason: &str) {
        self.total += 1;
        if self.named.len() < NAMED {
            let reason = if path == "." { excerpt(reason) } else { excerpt(&format!("at `{path}`: {reason}")) };
            self.named.push(Skipped { place, reason });
        }
    }

    /// An answer with several records of which none could be read is an error: it is not the answer that is understood,
    /// while a single record may just be odd. `before` is how many were named before it, `path` where its records are.
    pub(super) fn understood(&self, before: usize, read: usize, count: usize, path: &str) -> Result<(), SourceError> {
        self.understood_among(false, before, read, count, path)
    }

    /// The same of an answer that may hold just a few records: where others of their sort could be read, they are only
    /// odd, and hold up nothing.
    pub(super) fn understood_among(
        &self,
        has_read: bool,
        before: usize,
        read: usize,
        count: usize,
        path: &str,
    ) -> Result<(), SourceError> {
        if has_read && count <= FEW {
            return Ok(());
        }
        let Some(first) = self.named.get(before).filter(|_| read == 0 && count > 1) else { return Ok(()) };
        let (place, what) = (first.place.clone(), format!("no record can be read; the first: {}", first.reason));
        Err(SourceError::Schema { place, path: path.to_owned(), what })
    }
}

/// Unreadable records that were named, so that each is named once however often it is met.
#[derive(Debug, Clone, Default)]
pub(super) struct Named(HashSet<String>);

impl Named {
    /// Whether a record, and what of it can't be read, was not named before. Now it is.
    pub(super) fn is_new(&mut self, name: String) -> bool {
        self.0.insert(name)
    }

    /// A record can be read again: the next time that it can't be is named anew.
    pub(super) fn forget(&mut self, record: &str) {
        self.0.retain(|named| !named.strip_prefix(record).is_some_and(|rest| rest.starts_with(' ')));
    }

    /// Remembers what was named up to the end of a poll that went well.
    pub(super) fn keep(&mut self, told: Self) {
        if told.0.len() <= MOST_TOLD {
            *self = told;
        }
    }
}

/// A record, or the path into it and what is wrong there.
pub(super) fn read<T: DeserializeOwned>(record: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(record)
        .map_err(|error| (words::path(&error.path().to_string()), error.inner().to_string()))
}

/// The end of a record's name in a message: `, id 7` where it has one.
pub(super) fn id_words(record: &Value) -> String {
    let id = match record.get("id").or_else(|| record.get("uuid")) {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Null) | None => return String::new(),
        Some(id) => id.to_string(),
    };
    format!(", id {}", excerpt(&id))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct One {
        size: u8,
    }

    #[test]
    fn a_bad_record_is_named_and_counted_and_many_are_only_counted() {
        let mut skips = Skips::default();
        for nth in 0..30 {
            let record = json!({"id": nth, "size": "x"});
            let id = id_words(&record);
            let (path, reason) = read::<One>(record).unwrap_err();
            skips.note(format!("GET /x [{nth}]{id}"), &path, &reason);
        }
        assert_eq!((skips.named.len(), skips.total), (NAMED, 30));
        assert_eq!(skips.named[7].place, "GET /x [7], id 7");
        assert!(skips.named[7].reason.starts_with("at `size`: invalid type"), "{:?}", skips.named[7]);
        skips.named.clear();
        skips.note("GET /x".into(), ".", "is no record");
        assert_eq!(skips.named[0].reason, "is no record");
        assert_eq!(read::<One>(json!({"size": 3})), Ok(One { size: 3 }));
        assert_eq!(id_words(&json!({"uuid": "a\u{1b}b"})), ", id a\u{fffd}b");
        assert_eq!(id_words(&json!({"id": null})), "");
    }

    #[test]
    fn an_answer_is_not_understood_where_none_of_several_records_can_be_read() {
        let mut skips = Skips::default();
        skips.note("GET /y".into(), ".", "of another answer");
        assert_eq!(skips.understood(1, 0, 2, "rows"), Ok(()), "nothing of it was named");
        skips.note("GET /x rows[0]".into(), "size", "is odd");
        skips.note("GET /x rows[1]".into(), "size", "is odd, too");
        for (read, count) in [(1, 3), (0, 1), (0, 0)] {
            assert_eq!(skips.understood(1, read, count, "rows"), Ok(()), "{read} of {count}");
        }
        let error = skips.understood(1, 0, 2, "rows").unwrap_err();
        for (has_read, count, is_error) in
            [(true, 2, false), (true, FEW, false), (true, FEW + 1, true), (false, 2, true)]
        {
            assert_eq!(skips.understood_among(has_read, 1, 0, count, "rows").is_err(), is_error, "{has_read} {count}");
        }
        let what = "no record can be read; the first: at `size`: is odd".to_owned();
        assert_eq!(error, SourceError::Schema { place: "GET /x rows[0]".into(), path: "rows".into(), what });
    }

    #[test]
    fn what_a_poll_that_went_well_has_named_is_not_named_again() {
        let mut kept = Named::default();
        let mut poll = kept.clone();
        assert!(poll.is_new("a".into()) && !poll.is_new("a".into()));
        assert!(kept.clone().is_new("a".into()), "one that failed has named nothing");
        kept.keep(poll);
        assert!(!kept.clone().is_new("a".into()) && kept.clone().is_new("b".into()));
        let mut many = kept.clone();
        many.0.extend((0..MOST_TOLD).map(|nth| nth.to_string()));
        kept.keep(many);
        assert!(!kept.is_new("a".into()) && kept.is_new("7".into()), "of too many none is added");
    }
}
