//! Errors without the values they would hold: those may be a customer's, and an error is shown whatever is masked.

use serde_json::Value;

use crate::event::Reject;
use crate::source::http::words::excerpt;
use crate::source::lenient::shape;

/// What a program fails with: a value is told as what it is, unless it stands in the program itself.
pub(super) fn of_program(said: &str, code: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(said)
        && !stands_in(code, &value)
    {
        return format!("fails with {}, which is not shown: it may be a customer's", shape(&value));
    }
    let (mut out, mut rest) = (String::new(), said);
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphabetic() { word(rest) } else { value(rest).unwrap_or(first.len_utf8()) };
        let (part, behind) = rest.split_at(length);
        match serde_json::from_str::<Value>(part) {
            Ok(value) if !stands_in(code, &value) => out.push_str(shape(&value)),
            Err(_) if length > 1 && "\"{[".contains(first) => out.push_str("a value"),
            _ => out.push_str(part),
        }
        rest = behind;
    }
    excerpt(&out)
}

/// What is said of an event that can't be read, without what stands in it.
pub(super) fn of_reject(reject: &Reject, code: &str) -> String {
    match reject {
        Reject::Line(what) => of_field(what, code),
        Reject::Field { field, reason } => format!("field `{field}`: {}", of_field(reason, code)),
        Reject::UnknownType(word) if stands_in_whole(code, word) => excerpt(&reject.to_string()),
        Reject::UnknownType(_) => "unknown type, a text which is not shown: it may be a customer's".to_owned(),
    }
}

/// What is said of a field that can't be read, without what stands there, unless it stands in the program itself.
pub(super) fn of_field(said: &str, code: &str) -> String {
    let found = ["invalid type: ", "invalid value: "].iter().find_map(|begin| said.strip_prefix(begin));
    let Some((found, expected)) = found.and_then(|rest| rest.rsplit_once(", expected ")) else {
        let is_number =
            said.strip_prefix("is ").is_some_and(|rest| rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()));
        return if is_number {
            "is a number that does not fit".to_owned()
        } else {
            excerpt(&without_texts(said, code))
        };
    };
    // The name of ours says nothing to people.
    let expected = if expected.starts_with("struct ") { "an object" } else { expected };
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
    excerpt(&format!("is of the wrong type: {kind}, expected {expected}"))
}

/// The same with each text in quotes told as one.
fn without_texts(said: &str, code: &str) -> String {
    let (mut out, mut rest) = (String::new(), said);
    while let Some(begin) = rest.find('"') {
        let (before, from) = rest.split_at(begin);
        let (text, behind) = from.split_at(value(from).unwrap_or(from.len()));
        let is_own = text.len() > 2 && stands_in_whole(code, text.trim_matches('"'));
        out.push_str(before);
        out.push_str(if is_own { text } else { "a text" });
        rest = behind;
    }
    out + rest
}

/// Whether a value is one of the program's own.
fn stands_in(code: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.is_empty() || stands_in_whole(code, text),
        Value::Number(number) => stands_in_whole(code, &number.to_string()),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a text stands there as whole words.
fn stands_in_whole(code: &str, text: &str) -> bool {
    let ends = |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric());
    code.match_indices(text)
        .any(|(at, _)| ends(code[..at].chars().next_back()) && ends(code[at + text.len()..].chars().next()))
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())
}

/// How long the value is that begins there, if one does; one without an end goes to the end.
fn value(text: &str) -> Option<usize> {
    match text.chars().next()? {
        '"' | '{' | '[' => {}
        c if c.is_ascii_digit() || c == '-' => {
            return Some(text.find(|c: char| !(c.is_alphanumeric() || "+-.".contains(c))).unwrap_or(text.len()));
        }
        _ => return None,
    }
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            '{' | '[' if !in_text => depth += 1,
            '}' | ']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !in_text {
            return Some(at + c.len_utf8());
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_what_they_are_unless_they_stand_in_the_program() {
        let code = r#".[] | .customer.id + 5, error("no state")"#;
        for (said, shown) in [
            (r#"cannot index "Rita \"Alves\" +351" with "id""#, r#"cannot index a text with "id""#),
            (r#"cannot index "custom" with "Rita""#, "cannot index a text with a text"),
            (r#"cannot use {"a":["Rita]"]} as array"#, "cannot use an object as array"),
            (r#"cannot calculate ["Rita"] + 5"#, "cannot calculate a list + 5"),
            ("cannot calculate 351911000111 + null", "cannot calculate a number + null"),
            (r#"cannot use {1:"Rita"} as string"#, "cannot use a value as string"),
            (r#"cannot use "Rita"#, "cannot use a value"),
            (r#""no state""#, r#""no state""#),
            (r#""Rita has no state""#, "fails with a text, which is not shown: it may be a customer's"),
            (r#"{"name":"Rita"}"#, "fails with an object, which is not shown: it may be a customer's"),
        ] {
            assert_eq!(of_program(said, code), shown);
        }
    }

    #[test]
    fn what_stands_in_a_field_is_not_said() {
        for (said, shown) in [
            (
                r#"invalid type: string "Rita, expected", expected a boolean"#,
                "is of the wrong type: string, expected a boolean",
            ),
            (
                "invalid type: integer `351911000111`, expected a sequence",
                "is of the wrong type: integer, expected a sequence",
            ),
            ("missing field `status`", "missing field `status`"),
        ] {
            assert_eq!(of_field(said, "missing"), shown);
        }
    }
}
