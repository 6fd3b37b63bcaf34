//! The client: one base address, one account.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::{Auth, Credentials, Grant};
use super::elapsed::Elapsed;
use super::failure::{between, causes, decode, failed, is_json, refusal};
use super::{Answer, Hidden, Limits, Secret, address, headers, hide, words};
use crate::event::Timestamp;
use crate::source::{SourceError, steps};

/// Secrets of before that are still kept out of messages: a server may repeat a token that was replaced.
const HIDDEN_MOST: usize = 4;

/// A client of one API: one base address, one account.
#[derive(Debug)]
pub struct Client {
    inner: reqwest::Client,
    base: Url,
    fixed: HeaderMap,
    grant: Option<Grant>,
    /// Held while a token is asked for, so that it is asked for once.
    granting: tokio::sync::Mutex<()>,
    held: RwLock<Held>,
    /// What else is kept out of messages.
    hidden: Hidden,
    limits: Limits,
    sent: AtomicU64,
    elapsed: Elapsed,
}

/// So much of a body that is no success is read.
const BEGINNING: usize = 4096;

/// What is sent to say who asks, and what is kept out of messages.
#[derive(Debug, Default)]
struct Held {
    credentials: Option<Credentials>,
    renew_at: Option<Timestamp>,
    hidden: Vec<Secret>,
}

impl Held {
    fn hide(&mut self, secret: &Secret) {
        // The first is the one of the config, which is never forgotten.
        if self.hidden.len() >= HIDDEN_MOST {
            self.hidden.remove(1);
        }
        self.hidden.push(secret.clone());
    }
}

/// With what body a 404 or 410 says that a record is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absence {
    Json,
    JsonOrNothing,
}

impl Absence {
    fn is_told_by(self, body: &[u8]) -> bool {
        is_json(body) || self == Self::JsonOrNothing && body.is_empty()
    }
}

/// A request without its address.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    now: Timestamp,
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
        let client = Self {
            inner,
            base,
            fixed: HeaderMap::new(),
            grant: if let Auth::Grant(grant) = auth { Some(grant.clone()) } else { None },
            granting: tokio::sync::Mutex::default(),
            held: RwLock::default(),
            hidden: Hidden::default(),
            limits,
            sent: AtomicU64::new(0),
            elapsed: Elapsed::default(),
        };
        client.replace(auth)?;
        Ok(client)
    }

    /// The same with one more header on each request, such as `accept` or the version of the API.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Result<Self, String> {
        let value = HeaderValue::from_str(value).map_err(|_| format!("{name}: holds characters that no header has"))?;
        self.fixed.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// The same with more headers on each request.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.fixed.extend(headers);
        self
    }

    /// The same, and these are kept out of messages, too.
    #[must_use]
    pub fn hiding(mut self, hidden: Hidden) -> Self {
        self.hidden = hidden;
        self
    }

    /// Path and query of an address that an answer names, whatever its host: credentials stay with the configured one.
    /// A path alone may begin at the base, too. `None` where it does not lie below the base.
    pub fn follow(&self, address: &str) -> Option<(String, Vec<(String, String)>)> {
        let url = self.base.join(address).ok()?;
        let below = url.path().strip_prefix(self.base.path().trim_end_matches('/'));
        let is_path = address.starts_with('/') && !address.starts_with("//");
        let path = below.filter(|path| path.starts_with('/')).or_else(|| is_path.then(|| url.path()))?.to_owned();
        let query = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        Some((path, query))
    }

    /// Says in another way who asks from now on; what was said before is still kept out of messages.
    pub fn replace(&self, auth: &Auth) -> Result<(), String> {
        let credentials = auth.header(&self.inner, &self.base)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = auth.secret() {
            held.hide(secret);
        }
        held.credentials = credentials;
        held.renew_at = None;
        Ok(())
    }

    /// Requests sent since it was made, failed ones and those for tokens included.
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
        self.send(Ask { method: &Method::GET, path, query, body: None, now }).await
    }

    /// The same for a record that may not be there any more: `None` for a 404 or 410 with a JSON body, as the API itself
    /// says it. A page of something between says nothing of the record: that is an error that passes.
    pub async fn find<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Option<Answer<T>>, SourceError> {
        self.find_as(path, query, now, Absence::Json).await
    }

    /// The same where it is not documented how the API says that a record is not there: an empty body counts, too.
    pub async fn find_unless_silent<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Option<Answer<T>>, SourceError> {
        self.find_as(path, query, now, Absence::JsonOrNothing).await
    }

    async fn find_as<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        now: Timestamp,
        absence: Absence,
    ) -> Result<Option<Answer<T>>, SourceError> {
        let ask = Ask { method: &Method::GET, path, query, body: None, now };
        self.send_unless(ask, Some(absence)).await.map_err(|error| self.clean(error))
    }

    /// Sends a JSON body, such as a search, and decodes the JSON it gets.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
        now: Timestamp,
    ) -> Result<Answer<T>, SourceError> {
        self.send_json(&Method::POST, path, query, body, now).await
    }

    /// The same by PUT: some vendors search so.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
        now: Timestamp,
    ) -> Result<Answer<T>, SourceError> {
        self.send_json(&Method::PUT, path, query, body, now).await
    }

    async fn send_json<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: &impl Serialize,
        now: Timestamp,
    ) -> Result<Answer<T>, SourceError> {
        let body = serde_json::to_value(body).map_err(|error| SourceError::Unsupported {
            place: format!("{method} {path}"),
            what: format!("the question is no JSON: {}", words::excerpt(&error.to_string())),
        })?;
        self.send(Ask { method, path, query, body: Some(&body), now }).await
    }

    async fn send<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<Answer<T>, SourceError> {
        let answer = self.send_unless(ask, None).await.map_err(|error| self.clean(error))?;
        // Without a status that may be, there is an answer or an error.
        answer.ok_or_else(|| SourceError::passing(self.place(ask), "no answer"))
    }

    /// With credentials that are good for now. A token that is refused though it was given is asked for anew, once.
    async fn send_unless<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        absence: Option<Absence>,
    ) -> Result<Option<Answer<T>>, SourceError> {
        let is_new = self.renew(ask.now).await?;
        let answer = self.exchange(ask, self.credentials(), absence).await;
        if self.grant.is_none() || is_new || !matches!(answer, Err(SourceError::Auth { .. })) {
            return answer;
        }
        self.held.write().unwrap_or_else(PoisonError::into_inner).credentials = None;
        self.renew(ask.now).await?;
        self.exchange(ask, self.credentials(), absence).await
    }

    fn credentials(&self) -> Option<Credentials> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).credentials.clone()
    }

    /// Asks for a token where there is none or the one there is ends soon; whether it did.
    async fn renew(&self, now: Timestamp) -> Result<bool, SourceError> {
        let Some(grant) = &self.grant else { return Ok(false) };
        let is_good = || {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.credentials.is_some() && held.renew_at.is_none_or(|at| now < at)
        };
        if is_good() {
            return Ok(false);
        }
        let _granting = self.granting.lock().await;
        if is_good() {
            return Ok(false);
        }
        let body = grant.request();
        let ask = Ask { method: &Method::POST, path: grant.path, query: &[], body: Some(&body), now };
        let answer = self.exchange::<Value>(ask, None, None).await.map_err(|error| match error {
            // A client that is not known is told as 400 or 401, as vendors like it.
            SourceError::Unsupported { place, what } | SourceError::Forbidden { place, what } => {
                SourceError::Auth { place, what: format!("no token was given: {what}") }
            }
            other => other,
        })?;
        let wrong = |(path, what): (&str, &str)| SourceError::Schema {
            place: self.place(ask),
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let token = Grant::token(&answer.map_or(Value::Null, |answer| answer.body), now).map_err(wrong)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.hide(&token.secret);
        held.credentials = Some(token.credentials);
        held.renew_at = token.renew_at;
        Ok(true)
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    fn place(&self, ask: Ask<'_>) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("{} {} ({host})", ask.method, self.address(ask.path).path())
    }

    /// One request and its answer; `None` where the record may be absent, and is.
    async fn exchange<T: DeserializeOwned>(
        &self,
        ask: Ask<'_>,
        credentials: Option<Credentials>,
        absence: Option<Absence>,
    ) -> Result<Option<Answer<T>>, SourceError> {
        let mut url = self.address(ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let place = self.place(ask);
        let mut request = self.inner.request(ask.method.clone(), url).headers(self.fixed.clone());
        let asks_for_token = self.grant.is_some() && credentials.is_none();
        if let Some((name, value)) = credentials {
            request = request.header(name, value);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = request.send().await.map_err(|error| failed(&place, &error))?;
        let status = answer.status();
        let came_at = self.elapsed.came_at(answer.headers(), ask.now);
        if !status.is_success() {
            let (headers, body) = beginning(answer).await;
            if let Some(absence) = absence {
                let is_gone = [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&status);
                if is_gone && absence.is_told_by(&body) {
                    return Ok(None);
                }
                if (is_gone || status == StatusCode::FORBIDDEN) && !is_json(&body) {
                    return Err(between(&place, status, &self.words(&body)));
                }
            }
            self.told(format_args!("{place}: {status}"), &shown_query(ask.query));
            return Err(refusal(&place, status, &headers, &self.words(&body), came_at));
        }
        let headers = answer.headers().clone();
        let body = self.body(&place, answer).await?;
        // What a token is given for holds the token.
        if !asks_for_token && steps::are_told() {
            let text = hide::shown_body(&body);
            self.told(format_args!("{place}: {status}, {} bytes", body.len()), &(shown_query(ask.query), text));
        }
        let body = decode(&place, &headers, &body)?;
        Ok(Some(Answer { body, quota: headers::quota(&headers, came_at), date: headers::date(&headers) }))
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

    /// Tells a step and what it came to, as JSON, without secrets; costs nothing while nobody listens.
    pub(in crate::source) fn told(&self, step: fmt::Arguments<'_>, value: &impl Serialize) {
        if steps::are_told() {
            let mut json = serde_json::to_value(value).unwrap_or_default();
            hide::mask(&mut json);
            steps::told(&self.without_secret(&step.to_string()), &self.without_secret(&json.to_string()));
        }
    }

    /// What the body of an answer that is no success says.
    fn words(&self, body: &[u8]) -> String {
        words::error_words(self.without_secret(&String::from_utf8_lossy(body)).as_bytes())
    }

    /// A server that echoes what it was sent must not bring a secret into a message.
    pub(in crate::source) fn without_secret(&self, text: &str) -> String {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let sent = held.credentials.as_ref().and_then(|(_, value)| value.to_str().ok()).unwrap_or_default();
        let sent = sent.rsplit(' ').next().unwrap_or_default();
        let held = held.hidden.iter().map(Secret::expose).chain([sent]);
        hide::without(text, held.chain(self.hidden.secrets()))
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

/// A query as it is shown.
fn shown_query<'a>(query: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    query.iter().map(|(name, value)| (*name, hide::shown(name, value))).collect()
}

/// The headers of an answer that is no success, and the first part of its body.
async fn beginning(mut answer: Response) -> (HeaderMap, Vec<u8>) {
    let mut body = Vec::new();
    while body.len() < BEGINNING {
        let Ok(Some(chunk)) = answer.chunk().await else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(BEGINNING)]);
    }
    (answer.headers().clone(), body)
}
