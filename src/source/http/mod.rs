//! The one HTTP client of all vendors: credentials, time limits, body limit, errors in words.
//!
//! Invariants: a secret is readable only here and is in no error; every request ends (connect, silence and whole
//! request have a limit); an answer is never held beyond the body limit; no redirect is followed, so credentials go
//! to the configured host and nowhere else.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::{Quota, SourceError};
use crate::event::Timestamp;

pub mod address;
pub mod headers;
mod secret;
pub mod words;

pub use secret::Secret;

/// How long a request may take and how large its answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Of silence while an answer is awaited or comes in.
    pub silence: Duration,
    /// The whole request.
    pub request: Duration,
    /// Of an answer, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            request: Duration::from_mins(1),
            body: 64 << 20,
        }
    }
}

/// How a request says who asks.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A header that holds the token, after a word such as `Bearer` or `token`.
    Header {
        /// The header's name in lower case, such as `authorization`.
        name: &'static str,
        /// What stands before the token, with its blank; may be empty.
        prefix: &'static str,
        /// The token.
        token: Secret,
    },
    /// User and password by HTTP Basic.
    Basic {
        /// The login.
        user: String,
        /// The password.
        password: Secret,
    },
}

impl Auth {
    fn secret(&self) -> &Secret {
        match self {
            Self::Header { token: secret, .. } | Self::Basic { password: secret, .. } => secret,
        }
    }

    /// The header to send, marked so that nothing prints it.
    fn header(&self, client: &reqwest::Client, base: &Url) -> Result<(HeaderName, HeaderValue), String> {
        match self {
            Self::Header { name, prefix, token } => {
                let mut value = HeaderValue::from_str(&format!("{prefix}{}", token.expose().trim()))
                    .map_err(|_| "token: holds characters that no token has (a line break in its file?)".to_owned())?;
                value.set_sensitive(true);
                Ok((HeaderName::from_static(name), value))
            }
            Self::Basic { user, password } => client
                .get(base.clone())
                .basic_auth(user, Some(password.expose()))
                .build()
                .ok()
                .and_then(|mut request| request.headers_mut().remove(AUTHORIZATION))
                .map(|value| (AUTHORIZATION, value))
                .ok_or_else(|| "user, password: cannot be sent".to_owned()),
        }
    }
}

/// An answer and what its headers say.
#[derive(Debug)]
pub struct Answer<T> {
    /// The decoded body.
    pub body: T,
    /// What is left of the quota.
    pub quota: Option<Quota>,
    /// The server's own time.
    pub date: Option<Timestamp>,
}

/// A client of one API: one base address, one account.
#[derive(Debug)]
pub struct Client {
    inner: reqwest::Client,
    base: Url,
    secret: Secret,
    credentials: (HeaderName, HeaderValue),
    limits: Limits,
    sent: AtomicU64,
}

impl Client {
    /// A client for `base` (see [`address::base_url`]); the error is a sentence for people.
    pub fn new(base: Url, auth: &Auth, limits: Limits) -> Result<Self, String> {
        static PROVIDER: Once = Once::new();
        // An error only says that another part of the process was first.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("helptop/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .timeout(limits.request)
            .pool_idle_timeout(Duration::from_mins(1));
        if address::is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let inner = builder.build().map_err(|error| format!("no HTTPS client: {}", causes(&error)))?;
        let credentials = auth.header(&inner, &base)?;
        Ok(Self { inner, base, secret: auth.secret().clone(), credentials, limits, sent: AtomicU64::new(0) })
    }

    /// Requests sent since it was made, failed ones included.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Asks for `path` (below the base, with a leading slash) and decodes the JSON it gets.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Answer<T>, SourceError> {
        self.ask(path, query, now).await.map_err(|error| self.clean(error))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Answer<T>, SourceError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let place = format!("GET {} ({})", url.path(), self.base.host_str().unwrap_or_default());
        self.sent.fetch_add(1, Ordering::Relaxed);
        let (name, value) = self.credentials.clone();
        let answer = self.inner.get(url).header(name, value).send().await.map_err(|error| failed(&place, &error))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.refused(&place, answer, now).await);
        }
        let headers = answer.headers().clone();
        let body = self.body(&place, answer).await?;
        let body = decode(&place, &headers, &body)?;
        Ok(Answer { body, quota: headers::quota(&headers, now), date: headers::date(&headers) })
    }

    /// The body, as long as it keeps within the limit; the rest of a longer one is never read.
    async fn body(&self, place: &str, mut answer: Response) -> Result<Vec<u8>, SourceError> {
        let told = answer.content_length().unwrap_or(0);
        let mut body = Vec::new();
        if told <= self.limits.body as u64 {
            body.reserve(told as usize);
            loop {
                match answer.chunk().await.map_err(|error| failed(place, &error))? {
                    None => return Ok(body),
                    Some(chunk) if body.len() + chunk.len() > self.limits.body => break,
                    Some(chunk) => body.extend_from_slice(&chunk),
                }
            }
        }
        let limit = match self.limits.body {
            bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
            bytes => format!("{bytes} bytes"),
        };
        let what = format!("the answer is larger than {limit}, it was cut off");
        Err(SourceError::Schema { place: place.into(), path: ".".into(), what })
    }

    /// An answer that is no success, as an error; only the first part of its body is read.
    async fn refused(&self, place: &str, mut answer: Response, now: Timestamp) -> SourceError {
        let mut body = Vec::new();
        while body.len() < 4096 {
            let Ok(Some(chunk)) = answer.chunk().await else { break };
            body.extend_from_slice(&chunk[..chunk.len().min(4096)]);
        }
        let words = words::error_words(self.without_secret(&String::from_utf8_lossy(&body)).as_bytes());
        refusal(place, answer.status(), answer.headers(), &words, now)
    }

    /// A server that echoes what it was sent must not bring the token into a message.
    fn without_secret(&self, text: &str) -> String {
        let sent = self.credentials.1.to_str().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        let hidden = [self.secret.expose().trim(), sent];
        hidden
            .iter()
            .filter(|hidden| hidden.len() >= 4)
            .fold(text.to_owned(), |text, hidden| text.replace(hidden, "[secret]"))
    }

    fn clean(&self, mut error: SourceError) -> SourceError {
        match &mut error {
            SourceError::Schema { what, path, .. } => {
                *what = self.without_secret(what);
                *path = self.without_secret(path);
            }
            SourceError::Auth { what, .. }
            | SourceError::Forbidden { what, .. }
            | SourceError::Transient { what, .. }
            | SourceError::Unsupported { what, .. } => *what = self.without_secret(what),
            SourceError::RateLimited { .. } => {}
        }
        error
    }
}

/// What an answer that is no success means.
fn refusal(place: &str, status: StatusCode, headers: &HeaderMap, words: &str, now: Timestamp) -> SourceError {
    let place = place.to_owned();
    let code = status.as_u16();
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    match code {
        300..=399 => redirected(place, code, headers),
        401 => SourceError::Auth { place, what: format!("the credentials were refused (401){said}") },
        403 => SourceError::Forbidden { place, what: format!("the account may not read this (403){said}") },
        404 => SourceError::Unsupported { place, what: format!("not found (404){said}; is base_url right?") },
        429 => SourceError::RateLimited { place, until: headers::retry_after(headers, now) },
        408 | 425 | 500..=599 => {
            let what = format!("the server failed ({code}){said}");
            SourceError::Transient { place, what, until: headers::retry_after(headers, now), todo: None }
        }
        _ => SourceError::Unsupported { place, what: format!("the request was refused ({code}){said}") },
    }
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
fn failed(place: &str, error: &reqwest::Error) -> SourceError {
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
fn causes(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    words::excerpt(&inner.to_string())
}

/// JSON into `T`, naming the path of what does not fit.
fn decode<T: DeserializeOwned>(place: &str, headers: &HeaderMap, body: &[u8]) -> Result<T, SourceError> {
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
