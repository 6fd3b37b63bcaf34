//! Keeps secrets out of what people are shown, in whatever way they are written.
//!
//! A secret is found as it is, with the escapes of JSON (over and over, where JSON stands in JSON), with those of
//! addresses, and inside base64. What an address gives under a name such as `api_key` is a secret, too.

use std::borrow::Cow;

use serde_json::Value;

use super::Secret;

/// What stands in a secret's place.
const MARK: &str = "[secret]";
/// Anything shorter would be found in words that are no secrets.
const LEAST: usize = 4;
/// The same for base64, where the letters count that the secret alone decides.
const LEAST_IN_BASE64: usize = 5;
/// What is in the names of settings and parameters that hold secrets.
const IN_NAMES: [&str; 12] = [
    "token",
    "secret",
    "passw",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "signature",
    "private_key",
    "credential",
    "authorization",
    "provider_config",
];
/// Whole names of that sort.
const NAMES: [&str; 4] = ["key", "auth", "sig", "pwd"];
/// The same in the names of headers, where no harmless word holds them.
const IN_HEADERS: [&str; 5] = ["key", "auth", "cookie", "token", "secret"];
/// The setting that lists headers as `Name: value`.
pub const HEADERS: &str = "headers";
/// A part of such a value that is as long may be a secret by itself; anything shorter may be a word.
const LEAST_PART: usize = 8;

/// The secrets of a source.
#[derive(Debug, Clone, Default)]
pub struct Hidden(Vec<Secret>);

impl Hidden {
    /// Those among its settings: the values of these keys, and of all whose name says so, however deep. But not of
    /// `auth`, which says how a key is sent. So are headers with such a name.
    pub fn of(keys: &[&str], settings: &Value) -> Self {
        let mut hidden = Self::default();
        hidden.collect(keys, settings);
        hidden
    }

    fn collect(&mut self, keys: &[&str], settings: &Value) {
        match settings {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if keys.contains(&key.as_str()) || is_secret(key) && key != "auth" => {
                            self.0.push(Secret::new(text.as_str()));
                        }
                        Value::Array(lines) if key == HEADERS => {
                            lines.iter().filter_map(Value::as_str).for_each(|line| self.collect_header(line));
                        }
                        other => self.collect(keys, other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(keys, item)),
            _ => {}
        }
    }

    /// What a header holds: the whole, what stands behind its scheme (`Bearer x`), and its parts (`a=x; b=y`), for a
    /// server may repeat either alone.
    fn collect_header(&mut self, line: &str) {
        let Some(value) = header_secret(line) else { return };
        let behind_scheme =
            value.split_once(' ').filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()));
        let credentials = behind_scheme.map_or(value, |(_, credentials)| credentials.trim());
        let parts = credentials.split([';', ',', ' ']).map(|part| match part.split_once('=') {
            // What `=` ends is base64.
            Some((_, behind)) if !behind.trim_matches('=').is_empty() => behind.trim_matches('"'),
            _ => part,
        });
        let parts = parts.filter(|part| part.len() >= LEAST_PART);
        self.0.extend([value, credentials].into_iter().chain(parts).map(Secret::new));
    }

    /// A text without them.
    pub fn clean(&self, text: &str) -> String {
        without(text, self.secrets())
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Secret::expose)
    }
}

/// Whether what has this name is a secret, by the name alone.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || IN_NAMES.iter().any(|part| name.contains(part))
}

/// What a header of the config, `Name: value`, holds where its name is that of a secret.
pub fn header_secret(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(':')?;
    let lower = name.to_ascii_lowercase();
    let is_named_so = is_secret(name.trim()) || IN_HEADERS.iter().any(|part| lower.contains(part));
    Some(value.trim()).filter(|value| is_named_so && !value.is_empty())
}

/// Leaves out of a JSON value what stands under the name of a secret, however deep, also in JSON inside its texts.
pub(super) fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if is_secret(key) { mask_whole(value) } else { mask(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            let Ok(written) = serde_json::from_str::<Value>(text) else { return };
            let mut masked = written.clone();
            mask(&mut masked);
            if masked != written {
                *text = masked.to_string();
            }
        }
        _ => {}
    }
}

fn mask_whole(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(mask_whole),
        Value::Array(items) => items.iter_mut().for_each(mask_whole),
        Value::String(text) if text.is_empty() => {}
        Value::String(_) | Value::Number(_) => *value = MARK.into(),
        Value::Null | Value::Bool(_) => {}
    }
}

/// A body as text; one that is no JSON and yet names a secret is left out, for where that ends can't be told.
pub(super) fn shown_body(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    if IN_NAMES.iter().any(|part| lower.contains(part)) && serde_json::from_slice::<Value>(body).is_err() {
        return "[no JSON that can be read, and it names secrets]".into();
    }
    text
}

/// What is shown of a parameter.
pub(super) fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    if is_secret(name) { MARK } else { value }
}

/// A text without these secrets, and without those that addresses in it name.
pub(super) fn without<'a>(text: &str, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut text = without_named(text);
    for secret in secrets.map(str::trim).filter(|secret| secret.len() >= LEAST) {
        text = cut(&text, secret.as_bytes(), false);
        for form in (0..3).flat_map(|before| in_base64(secret.as_bytes(), before)) {
            text = cut(&text, &form, true);
        }
    }
    text
}

/// A text without what stands behind `name=`, where the name is that of a secret.
fn without_named(text: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let ends_value = |c: char| c.is_whitespace() || "&\"'\\#<>),".contains(c);
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('=') {
        let name = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        let value = behind.split(ends_value).next().unwrap_or_default();
        out.push_str(before);
        out.push('=');
        rest = behind;
        if is_secret(name) && !value.is_empty() {
            out.push_str(MARK);
            rest = &behind[value.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// A text without a needle; of base64 the whole word goes.
fn cut(text: &str, needle: &[u8], is_base64: bool) -> String {
    let bytes = text.as_bytes();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let (mut out, mut kept, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        let Some(mut end) = end_of(bytes, at, needle) else {
            at += 1;
            continue;
        };
        if is_base64 {
            at -= bytes[kept..at].iter().rev().take_while(|byte| is_letter(byte)).count();
            end += bytes[end..].iter().take_while(|byte| is_letter(byte)).count();
        }
        out.push_str(text.get(kept..at).unwrap_or_default());
        out.push_str(MARK);
        (kept, at) = (end, end);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

/// Where a needle ends that begins there.
fn end_of(text: &[u8], at: usize, needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    if text[at] != first && !b"\\%+".contains(&text[at]) {
        return None;
    }
    let read = |as_it_is: bool| {
        let mut at = at;
        for (i, byte) in needle.iter().enumerate() {
            // Several backslashes are as many as there are.
            if *byte == b'\\' && i > 0 && needle[i - 1] == b'\\' {
                continue;
            }
            at = behind_byte(text, at, *byte, as_it_is)?;
        }
        Some(at)
    };
    // Of a secret that looks escaped itself, the longer reading is the whole one.
    read(true).max(read(false))
}

/// Where a byte ends that begins there: as it is, or with escapes.
fn behind_byte(text: &[u8], at: usize, byte: u8, as_it_is: bool) -> Option<usize> {
    let slashes = text.get(at..)?.iter().take_while(|byte| **byte == b'\\').count();
    let at = at + slashes;
    let rest = &text[at..];
    if slashes > 0 && byte == b'\\' {
        return Some(at);
    }
    let plain = (rest.first() == Some(&byte)).then_some(at + 1);
    let in_json = || (slashes > 0 && rest.starts_with(b"u00") && hex(rest.get(3..5)?)? == byte).then_some(at + 5);
    let in_address = || {
        let digits = rest.strip_prefix(b"%")?;
        // An address inside an address has its percent signs escaped.
        let again = digits.chunks(2).take_while(|pair| *pair == b"25").count().min(if byte == b'%' { 0 } else { 9 });
        (hex(digits.get(2 * again..2 * again + 2)?)? == byte).then_some(at + 3 + 2 * again)
    };
    let blank = || (byte == b' ' && rest.first() == Some(&b'+')).then_some(at + 1);
    let escaped = || in_json().or_else(in_address).or_else(blank);
    if as_it_is { plain.or_else(escaped) } else { escaped().or(plain) }
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The letters of base64 that a secret alone decides behind so many bytes of something else, in both alphabets.
fn in_base64(secret: &[u8], before: usize) -> Vec<Vec<u8>> {
    let bit = |i: usize| usize::from(secret[i / 8] >> (7 - i % 8) & 1);
    let first = (6 - before * 8 % 6) % 6;
    let whole = (first..).step_by(6).take_while(|from| from + 6 <= secret.len() * 8);
    let numbers: Vec<usize> = whole.map(|from| (from..from + 6).fold(0, |number, i| number * 2 + bit(i))).collect();
    if numbers.len() < LEAST_IN_BASE64 {
        return Vec::new();
    }
    let letters = |last: [u8; 2]| {
        let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last).collect();
        numbers.iter().map(|number| alphabet[*number]).collect::<Vec<u8>>()
    };
    let (usual, of_addresses) = (letters(*b"+/"), letters(*b"-_"));
    if usual == of_addresses { vec![usual] } else { vec![usual, of_addresses] }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const KEY: &str = "s3c/ret+k=y9";

    #[rstest]
    #[case::as_it_is("a s3c/ret+k=y9 b", "a [secret] b")]
    #[case::in_an_address("?x=s3c%2Fret%2Bk%3Dy9&p=1", "?x=[secret]&p=1")]
    #[case::in_small_letters("s3c%2fret%2bk%3dy9", "[secret]")]
    #[case::in_an_address_in_an_address("s3c%252Fret%252Bk%253Dy9", "[secret]")]
    #[case::in_json(r#""s3c\/ret+k=y9""#, r#""[secret]""#)]
    #[case::in_json_in_json(r#"{\"a\":\"s3c\\/ret\\u002bk=y9\"}"#, r#"{\"a\":\"[secret]\"}"#)]
    #[case::with_a_login("Basic a2ltOnMzYy9yZXQraz15OQ==.", "Basic [secret].")]
    #[case::behind_two_bytes("YWFzM2MvcmV0K2s9eTk=", "[secret]")]
    #[case::alone("czNjL3JldCtrPXk5 x", "[secret] x")]
    #[case::of_another("s3c/ret is no key, nor is nonetheless", "s3c/ret is no key, nor is nonetheless")]
    #[case::twice("s3c/ret+k=y9s3c/ret+k=y9é", "[secret][secret]é")]
    fn a_secret_is_found_however_it_is_written(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(without(text, [KEY, "abc"].into_iter()), shown);
    }

    #[test]
    fn backslashes_blanks_and_percent_signs_of_a_secret_are_found_too() {
        for (secret, text) in [
            (r"ab\cd\\e", r#"{"k":"ab\\cd\\\\e"}"#),
            ("ab cd%25", "k:ab+cd%2525"),
            ("ab cd%25", "k:ab cd%25"),
            ("%abc%", "%25abc%25"),
        ] {
            let shown = without(text, [secret].into_iter());
            assert!(shown.contains(MARK) && !shown.contains("ab") && !shown.contains("25"), "{secret}: {shown}");
        }
    }

    #[rstest]
    #[case("/t?access_token=abc&after=7", "/t?access_token=[secret]&after=7")]
    #[case(r#""/t?after=7\u0026API_KEY=abc\u0026x=1""#, r#""/t?after=7\u0026API_KEY=[secret]\u0026x=1""#)]
    #[case("/t?key=&page=2 monkey=1", "/t?key=&page=2 monkey=1")]
    fn what_an_address_names_as_a_secret_is_one(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(without(text, std::iter::empty()), shown);
    }

    #[test]
    fn what_stands_under_the_name_of_a_secret_is_masked_however_deep() {
        let mut value = json!({"payload": [{"imap_password": "a1", "imap_port": 993, "hmac_token": 7, "smtp_password": "",
            "provider_config": {"phone": "b2", "more": ["c3", null]}, "inside": "{\"api_key\":\"d4\"}", "text": "[so"}]});
        mask(&mut value);
        let masked = json!({"payload": [{"imap_password": MARK, "imap_port": 993, "hmac_token": MARK, "smtp_password": "",
            "provider_config": {"phone": MARK, "more": [MARK, null]}, "inside": "{\"api_key\":\"[secret]\"}",
            "text": "[so"}]});
        assert_eq!(value, masked);
    }

    #[test]
    fn a_body_that_cannot_be_read_is_not_shown_where_it_names_a_secret() {
        let deep = format!("{}{{\"Access_Token\":\"abc\"}}{}", "[".repeat(200), "]".repeat(200));
        for body in [r#"{"smtp_password":"abc","cut"#, "<p>Password: abc", &deep] {
            assert!(!shown_body(body.as_bytes()).contains("abc"), "{body}");
        }
        for body in [r#"{"token": "told apart"}"#, "<p>down"] {
            assert_eq!(shown_body(body.as_bytes()), body);
        }
    }

    #[test]
    fn secrets_among_headers_are_known_by_their_names() {
        for (line, text, shown) in [
            ("X-App-Token: sekret-1", "got sekret-1.", "got [secret]."),
            ("x-app-id:sekret-1", "got sekret-1", "got sekret-1"),
            ("X-Subscription-KEY : sekret-1", "got sekret-1", "got [secret]"),
            ("Authorization: Bearer sekret-1", "Bearer sekret-1, sekret-1", "[secret], [secret]"),
            ("Proxy-Authorization: Basic a2ltOnMz", "Basic a2ltOnMz==; a2ltOnMz", "[secret]==; [secret]"),
            ("Authorization: Token token=\"sekret-1\", of=me", "a token: sekret-1", "a token: [secret]"),
            ("Cookie: lang=true; session=sekret-1==", "true sekret-1==", "true [secret]"),
            ("no header, but a token", "no header, but a token", "no header, but a token"),
        ] {
            let settings = json!({"headers": ["accept: application/json", line]});
            assert_eq!(Hidden::of(&[], &settings).clean(text), shown, "{line}");
        }
        assert_eq!(header_secret("X-Token: "), None);
    }

    #[test]
    fn secrets_among_settings_are_known_by_their_keys() {
        let settings = json!({"base_url": "https://h", "pass": "first-one", "auth": "basic",
            "request": [{"query": {"api_key": "second-one", "state": "open"}}], "token": "third-one"});
        let shown = Hidden::of(&["pass"], &settings).clean("basic first-one second-one third-one open https://h");
        assert_eq!(shown, "basic [secret] [secret] [secret] open https://h");
    }
}
