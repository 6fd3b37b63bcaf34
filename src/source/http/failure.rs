//! What went wrong with a request, as an error with words for people; and what an answer holds.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use serde::de::DeserializeOwned;

use super::{headers, words};
use crate::event::Timestamp;
use crate::source::SourceError;

/// What an answer that is no success means.
pub(super) fn refusal(
    place: &str,
    status: StatusCode,
    headers: &HeaderMap,
    words: &str,
    now: Timestamp,
) -> SourceError {
    let place = place.to_owned();
    let code = status.as_u16();
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    match code {
        300..=399 => redirected(place, code, headers),
        401 => SourceError::Auth { place, what: format!("the credentials were refused (401){said}") },
        403 => SourceError::Forbidden { place, what: format!("the account may not read this (403){said}") },
        404 => SourceError::Unsupported { place, what: format!("not found (404){said}; is base_url right?") },
        429 => SourceError::RateLimited { place, until: headers::comes_back(headers, now) },
        408 | 425 | 500..=599 => {
            let what = format!("the server failed ({code}){said}");
            SourceError::Transient { place, what, until: headers::retry_after(headers, now), todo: None }
        }
        _ => SourceError::Unsupported { place, what: format!("the request was refused ({code}){said}") },
    }
}

/// Whether a body is that of an API, not a page of something between.
pub(super) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// What a record is refused with by something that is not the API: it says nothing of the record.
pub(super) fn between(place: &str, status: StatusCode, words: &str) -> SourceError {
    let said = if words.is_empty() { "nothing" } else { words };
    SourceError::passing(place, format!("not the API, but something between answered ({}): {said}", status.as_u16()))
}

/// Redirects are not followed: one to a login page means that the credentials were not taken.
fn redirected(place: String, code: u16, headers: &HeaderMap) -> SourceError {
    let target = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let target = words::excerpt(target.as_deref().unwrap_or_default().split(['?', '#']).next().unwrap_or_default());
    let lower = target.to_ascii_lowercase();
    if ["login", "signin", "sign_in", "sign-in", "/auth", "sso"].iter().any(|word| lower.contains(word)) {
        return SourceError::Auth { place, what: format!("sent to the login page {target} ({code})") };
    }
    let what = format!(
        "redirected to {} ({code}); redirects are not followed, so that the token goes nowhere else: is base_url right?",
        if target.is_empty() { "nowhere" } else { &target }
    );
    SourceError::Unsupported { place, what }
}

/// No answer, or not a whole one.
pub(super) fn failed(place: &str, error: &reqwest::Error) -> SourceError {
    let (what, todo) = if error.is_timeout() && error.is_connect() {
        let todo = "is base_url right, and does a firewall let this machine through?";
        ("no connection in time".to_owned(), Some(todo))
    } else if error.is_timeout() {
        ("no answer in time".to_owned(), None)
    } else if error.is_connect() {
        let why = causes(error);
        let todo = unreachable(&chain(error));
        (format!("cannot connect: {why}"), Some(todo))
    } else if error.is_body() || error.is_decode() {
        (format!("the answer broke off: {}", causes(error)), None)
    } else {
        (format!("no answer: {}", causes(error)), None)
    };
    SourceError::Transient { place: place.into(), what, until: None, todo }
}

/// What to do about a server to which there is no connection, by the words of the error and its causes.
fn unreachable(words: &str) -> &'static str {
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["dns error", "lookup address"]) {
        "no machine of that name is known: is base_url spelled right, and does this machine have a network?"
    } else if says(&["certificate"]) {
        "the certificate is not trusted: is base_url the name that it was issued for, and is it still valid?"
    } else if says(&["corrupt message", "invalid contenttype", "wrong version"]) {
        "the port does not speak https: is base_url right?"
    } else {
        "is base_url right, port included, and is the server up?"
    }
}

/// The words of an error and all its causes, in lower case.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ").to_lowercase()
}

/// The innermost words of an error; the outer ones hold the address, and with it the query.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    words::excerpt(&inner.to_string())
}

/// JSON into `T`, naming the path of what does not fit.
pub(super) fn decode<T: DeserializeOwned>(place: &str, headers: &HeaderMap, body: &[u8]) -> Result<T, SourceError> {
    let html = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
        || body.trim_ascii_start().starts_with(b"<");
    let wrong = |path: String, what: String| SourceError::Schema { place: place.into(), path, what };
    if html {
        let start = words::excerpt(&String::from_utf8_lossy(&body[..body.len().min(60)]));
        let what = format!("a web page instead of JSON (`{start}`): a wrong base_url, a login page or a proxy?");
        return Err(wrong(".".into(), what));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = words::path(&error.path().to_string());
        let inner = error.into_inner();
        let what =
            if inner.is_eof() { "the JSON ends too early".to_owned() } else { words::excerpt(&inner.to_string()) };
        wrong(path, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        let now = Timestamp::from_millis(0);
        let word = |code: u16| refusal("p", StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), "", now).word();
        for (code, expected) in [
            (400, "unsupported"),
            (401, "auth"),
            (403, "forbidden"),
            (404, "unsupported"),
            (408, "failing"),
            (422, "unsupported"),
            (429, "throttled"),
            (500, "failing"),
            (502, "failing"),
            (503, "failing"),
            (301, "unsupported"),
            (304, "unsupported"),
        ] {
            assert_eq!(word(code), expected, "{code}");
        }
    }

    #[test]
    fn the_path_into_a_deep_answer_is_cut_in_the_middle() {
        let body = "[".repeat(200);
        let error = decode::<serde_json::Value>("GET /x", &HeaderMap::new(), body.as_bytes()).unwrap_err();
        let SourceError::Schema { path, .. } = error else { panic!("{error:?}") };
        assert!(path.starts_with("[0][0]") && path.ends_with("[0][0]") && path.chars().count() == 81, "{path}");
    }

    #[test]
    fn what_to_do_depends_on_why_there_is_no_connection() {
        // As the resolver and the TLS library say it; that a port is closed and that one speaks no TLS is tried in
        // tests/source_http.rs.
        for (words, begin) in [
            (
                "client error (connect): dns error: failed to lookup address information: name or service not known",
                "no machine",
            ),
            ("client error (connect): invalid peer certificate: unknownissuer", "the certificate"),
            ("client error (connect): tcp connect error: no route to host (os error 113)", "is base_url right, port"),
        ] {
            assert!(unreachable(words).starts_with(begin), "{words}");
        }
    }
}
