//! Foreign words inside our own messages: short, on one line, without anything a terminal obeys.

use serde_json::Value;

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
    if text.trim_start().starts_with('<') {
        let said = title(&text).map_or_else(|| without_tags(&text), str::to_owned);
        let said = if said.is_empty() { String::new() } else { format!(" (`{}`)", excerpt(&said)) };
        return format!("a web page{said}; does a proxy or a firewall answer?");
    }
    let json = serde_json::from_str::<Value>(&text).ok();
    let said = json.as_ref().and_then(|json| said(json, DEEPEST));
    let said = said.as_deref();
    // A server's file names are nobody's business: RT says `… at /usr/share/…/Tickets.pm line 3187.`
    let said = said.unwrap_or(&text);
    excerpt(said.split(" at /").next().unwrap_or(said))
}

/// The title of a web page.
fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title")?;
    let begin = begin + lower[begin..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    Some(page[begin..end].trim()).filter(|title| !title.is_empty())
}

/// The words of a web page.
fn without_tags(page: &str) -> String {
    let words = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, words)| words).trim());
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(" ")
}

/// How deep into an error body its words are looked for.
const DEEPEST: u8 = 4;
/// Keys of an error's name and of its words, the more telling first.
const WORDS: [&str; 8] =
    ["message", "error_human", "description", "error_description", "detail", "msg", "reason", "body"];
const NAMES: [&str; 3] = ["title", "code", "field"];
/// Keys of what holds an error, or is one.
const HOLDERS: [&str; 3] = ["error", "errors", "_error"];

/// The words of an error body: its name and what it says, where it says both.
///
/// Vendors say `{"message"}`, `{"error": "name", "description"}`, `{"error": {"title", "message"}}`,
/// `{"errors": [{"code", "title"}]}` or `{"errors": ["words"]}`.
fn said(json: &Value, deeper: u8) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(text) = text(json) {
        return Some(text);
    }
    let deeper = deeper.checked_sub(1)?;
    if let Value::Array(list) = json {
        return list.iter().find_map(|one| said(one, deeper));
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(json.get(key)?));
    let words = first(&WORDS);
    let held = || HOLDERS.iter().find_map(|key| said(json.get(key)?, deeper));
    let name = first(&NAMES).or_else(held);
    match (name, words) {
        (Some(name), Some(words)) if !words.contains(&name) && !name.contains(&words) => {
            Some(format!("{name}: {words}"))
        }
        (name, words) => words.or(name),
    }
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
            (
                r#"{"error":{"title":"No help desk","message":"There is none here"}}"#,
                "No help desk: There is none here",
            ),
            (r#"{"error":{"msg":"Unknown view","data":{"view":["is gone"]}}}"#, "Unknown view"),
            (
                r#"{"error":"RecordInvalid","description":"Record validation errors","details":{}}"#,
                "RecordInvalid: Record validation errors",
            ),
            (
                r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
                "invalid_client: Client authentication failed",
            ),
            (r#"{"error":"Invalid Access Token"}"#, "Invalid Access Token"),
            (r#"{"error":"Not authorized","error_human":"Not authorized (agent)!"}"#, "Not authorized (agent)!"),
            (r#"{"errors":["You need to sign in"]}"#, "You need to sign in"),
            (r#"{"errors":[{"code":"TooManyRequests","title":"Too Many Requests"}]}"#, "Too Many Requests"),
            (
                r#"{"type":"error.list","errors":[{"code":"unauthorized","message":"Access Token Invalid","field":null}]}"#,
                "unauthorized: Access Token Invalid",
            ),
            (
                r#"{"description":"Validation failed","errors":[{"field":"page","message":"must be positive"}]}"#,
                "page: must be positive: Validation failed",
            ),
            (r#"{"_error":{"status":403,"title":"Forbidden","message":"No such scope"}}"#, "Forbidden: No such scope"),
            (r#"{"errors":{"title":null}}"#, r#"{"errors":{"title":null}}"#),
            ("[[[[[[\"deep\"]]]]]]", "[[[[[[\"deep\"]]]]]]"),
            ("Retry later\n", "Retry later"),
            ("", ""),
        ] {
            assert_eq!(error_words(body.as_bytes()), words);
        }
        assert_eq!(error_words(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
