//! Records of an answer that could not be read: they cost nothing good beside them, and are named and counted.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Skipped;
use super::http::words::{self, excerpt};

/// Skipped records that are told one by one; the others are only counted.
const NAMED: usize = 20;

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
}
