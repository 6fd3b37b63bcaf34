//! The instants that a request may name, and the words that stand for them.

use serde_json::Value;

use crate::event::Timestamp;

/// The span that a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub since: Timestamp,
    pub now: Timestamp,
}

/// What stands for an instant of it.
const WORDS: [&str; 4] = ["{since}", "{since_epoch}", "{now}", "{now_epoch}"];

impl Window {
    pub(super) fn fill(self, text: &str) -> String {
        let seconds = |at: Timestamp| at.millis().div_euclid(1000).to_string();
        let values = [self.since.to_string(), seconds(self.since), self.now.to_string(), seconds(self.now)];
        WORDS.iter().zip(values).fold(text.to_owned(), |text, (word, value)| text.replace(word, &value))
    }

    pub(super) fn fill_json(self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill(text).into(),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.fill_json(value))).collect(),
            other => other.clone(),
        }
    }
}

/// Refuses a word in braces that stands for nothing: it would be sent as it is. A text with any other braces is in a
/// language of its own, such as GraphQL.
pub(super) fn check(text: &str) -> Result<(), String> {
    let Some(words) = words_in_braces(text) else { return Ok(()) };
    match words.into_iter().find(|word| !WORDS.contains(word)) {
        Some(unknown) => {
            Err(format!("`{unknown}` stands for nothing; what stands for an instant is {}", WORDS.join(", ")))
        }
        None => Ok(()),
    }
}

/// The same for all texts of a body.
pub(super) fn check_json(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(check_json),
        Value::Object(map) => map.values().try_for_each(check_json),
        _ => Ok(()),
    }
}

/// What stands in braces, with them, where that is a single word each time.
fn words_in_braces(text: &str) -> Option<Vec<&str>> {
    let (mut words, mut rest) = (Vec::new(), text);
    while let Some(begin) = rest.find(['{', '}']) {
        let end = begin + rest[begin..].find('}')?;
        let word = rest[begin..end].strip_prefix('{')?;
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        words.push(&rest[begin..=end]);
        rest = &rest[end + 1..];
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_braces_that_stands_for_nothing_is_refused_and_other_languages_are_left_alone() {
        for good in [
            "",
            "open",
            "{since}",
            "updated>{since_epoch} updated<{now_epoch}",
            "query { tickets { id } }",
            "{tickets{id}}",
            "query { tickets { ...F } } fragment F on Ticket {id}",
            "{}",
            "{\"id\": 1}",
            "a } b",
            "{open",
            "{{sinc}}",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, word) in [("{sinc}", "{sinc}"), ("updated>{since} state:{State_2}", "{State_2}")] {
            let error = check(bad).unwrap_err();
            assert!(
                error.starts_with(&format!("`{word}` stands for nothing")) && error.contains("{now_epoch}"),
                "{error}"
            );
        }
        assert!(check_json(&serde_json::json!({"filter": [{"since": "{sinc}"}], "{id}": 1})).is_err());
        assert!(check_json(&serde_json::json!({"{id}": "{now}", "n": 1})).is_ok());
    }
}
