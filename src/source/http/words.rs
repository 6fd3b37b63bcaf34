//! Foreign words inside our own messages: short, on one line, without anything a terminal obeys.

/// Longest piece of a foreign text inside a message, in characters.
const MAX_CHARS: usize = 160;

/// The first part of a foreign text on one line, made harmless.
pub fn excerpt(text: &str) -> String {
    crate::text::excerpt(text, MAX_CHARS)
}

/// The message of a vendor's error body: the JSON's own words where it has some, else the first part of the text.
pub fn error_words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json = serde_json::from_str::<serde_json::Value>(&text).ok();
    let said = json.as_ref().and_then(|json| {
        ["message", "description", "error", "detail", "title"].iter().find_map(|key| json.get(key)?.as_str())
    });
    // A server's file names are nobody's business: RT says `… at /usr/share/…/Tickets.pm line 3187.`
    let said = said.unwrap_or(&text);
    excerpt(said.split(" at /").next().unwrap_or(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_vendors_own_words() {
        for (body, words) in [
            (r#"{"message":"Forbidden"}"#, "Forbidden"),
            (r#"{"message":"Unknown field: Foo at /usr/share/x.pm line 3.\n"}"#, "Unknown field: Foo"),
            (r#"{"error":{"title":"x"}}"#, r#"{"error":{"title":"x"}}"#),
            ("Retry later\n", "Retry later"),
            ("", ""),
        ] {
            assert_eq!(error_words(body.as_bytes()), words);
        }
        assert_eq!(error_words(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
