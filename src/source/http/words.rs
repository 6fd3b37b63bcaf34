//! Foreign words inside our own messages: short, on one line, without anything a terminal obeys.

/// Longest piece of a foreign text inside a message, in characters.
const MAX_CHARS: usize = 160;

/// The first part of a foreign text on one line, made harmless.
pub fn excerpt(text: &str) -> String {
    crate::text::excerpt(text, MAX_CHARS)
}

/// Longest path into an answer inside a message, in characters.
const MAX_PATH: usize = 80;

/// A path into an answer, made harmless; of a long one, the begin and the end.
pub fn path(path: &str) -> String {
    let (path, half) = (crate::text::harmless(path), MAX_PATH / 2);
    let length = path.chars().count();
    if length <= MAX_PATH {
        return path.into_owned();
    }
    path.chars().take(half).chain(['…']).chain(path.chars().skip(length - half)).collect()
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
    fn a_long_path_is_cut_in_the_middle() {
        assert_eq!(path("items[3].Owner"), "items[3].Owner");
        let deep = format!("items{}.id\u{1b}", "[0]".repeat(127));
        let cut = path(&deep);
        assert!(cut.starts_with("items[0]") && cut.ends_with("[0].id\u{fffd}") && cut.contains('…'), "{cut}");
        assert_eq!((cut.chars().count(), path(&"x".repeat(80)).len()), (81, 80));
    }

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
