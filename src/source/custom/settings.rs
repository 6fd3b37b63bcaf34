//! What the config says of an API that only its reader knows.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::program::Program;
use super::window;
use crate::event::Capability;
use crate::length::Length;
use crate::source::http::{Auth, Secret, header_secret};

/// The settings of a source of kind `custom`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the API begins, such as `https://desk.example.com/api/v2`.
    pub base_url: String,
    /// The key of the API. How it is sent, `auth` says.
    #[serde(default)]
    pub token: Option<Secret>,
    /// How the token is sent: `bearer`, `basic` (as password, with `user`), `basic-key` (as login), or the name of a
    /// header that holds it.
    #[serde(default = "default_auth")]
    pub auth: String,
    /// The login, for `auth = "basic"`.
    #[serde(default)]
    pub user: Option<String>,
    /// Further headers of each request, as `Name: value`. Values of names such as `Authorization`, `Cookie` or
    /// `X-App-Token` are secrets.
    #[serde(default)]
    pub headers: Vec<String>,
    /// What the API can tell: `messages`, `assignments`, `statuses`, `presence`, `ratings`, `sla` …
    #[serde(default = "default_capabilities")]
    pub capabilities: Vec<String>,
    /// What is asked, in this order.
    pub request: Vec<Request>,
    /// How many requests a minute the API allows, where its answers do not say so, or tell of another limit. helptop uses
    /// `quota_share` of it.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Accept an `http://` address of another machine: the token then travels readable.
    #[serde(default)]
    pub allow_plain_http: bool,
}

/// One thing that is asked. In path, query and body `{since}`, `{since_epoch}`, `{now}` and `{now_epoch}` stand for
/// instants; `{since}` is two minutes, and `every`, before the last whole look, and at the start the beginning of `backfill`:
/// what is open and did not change in that span is not found.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Below `base_url`, with a slash before it; what stands behind a question mark goes into `query`.
    pub path: String,
    /// What stands behind the question mark.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// A JSON body; the request is then a POST.
    #[serde(default)]
    pub body: Option<Value>,
    /// The parameter that holds the number of the page, from 1 on.
    #[serde(default)]
    pub page_param: Option<String>,
    /// The parameter that holds how many records come before the page. They are counted in the answers: see `records`.
    #[serde(default)]
    pub offset_param: Option<String>,
    /// A jq program that finds what leads to the next page: an address, or the value of `next_param`; null at the end. With
    /// `page_param` beside `next_param`, `page_param` counts the pages for as long as no new value is found.
    #[serde(default)]
    pub next: Option<String>,
    /// The parameter that holds what `next` finds.
    #[serde(default)]
    pub next_param: Option<String>,
    /// A jq program that finds the records of a page, as a list or as their number. Left out, they are the answer itself or
    /// its only list.
    #[serde(default)]
    pub records: Option<String>,
    /// How many records a full page holds: one of fewer is the last, and no empty one is asked for.
    #[serde(default)]
    pub page_size: Option<usize>,
    /// A jq program that makes of each answer events (with a `type`, see docs/events.md) or records of conversations.
    pub jq: String,
    /// How often it is asked; with each poll where left out.
    #[serde(default)]
    pub every: Option<Length>,
    /// It tells all active conversations: one that is not among them any more has ended.
    #[serde(default)]
    pub tells_all: bool,
    /// Its records say what became of conversations that were told before; others are passed over. For lists of what was
    /// deleted, or is spam.
    #[serde(default)]
    pub only_known: bool,
    /// The rest can do without it: where it can't be read it is named, passed over, and asked for again after a minute, then
    /// later and later; after an hour where the account may not read it, or the API does not have it.
    #[serde(default)]
    pub optional: bool,
}

fn default_auth() -> String {
    "bearer".into()
}

fn default_capabilities() -> Vec<String> {
    ["messages", "assignments", "statuses"].map(str::to_owned).into()
}

/// How pages follow each other.
#[derive(Debug)]
pub(super) enum Paging {
    /// There is one.
    One,
    /// By number.
    Page(String),
    /// By what came before.
    Offset(String),
    /// By what the answer names, as an address or for a parameter.
    Next(Program, Option<String>),
    /// By what the answer names for a parameter; by number for as long as it is none that is new.
    Key(Key),
}

/// What leads on from the last record of a page.
#[derive(Debug)]
pub(super) struct Key {
    pub program: Program,
    pub param: String,
    pub page_param: String,
}

/// A request with its programs compiled.
#[derive(Debug)]
pub(super) struct Plan {
    pub request: Request,
    pub program: Program,
    pub records: Option<Program>,
    pub paging: Paging,
}

impl Settings {
    pub(super) fn auth(&self) -> Result<Option<Auth>, String> {
        let Some(token) = &self.token else {
            return if self.user.is_some() { Err("token: is missing beside user".into()) } else { Ok(None) };
        };
        if token.is_empty() {
            return Err("token: is empty".into());
        }
        let token = token.clone();
        Ok(Some(match (self.auth.as_str(), &self.user) {
            ("basic", Some(user)) => Auth::Basic { user: user.clone(), password: token },
            ("basic", None) => return Err("user: is missing, auth = \"basic\" needs it".into()),
            ("basic-key", _) => Auth::Login { token },
            ("bearer", _) => Auth::Header { name: "authorization", prefix: "Bearer ", token },
            (name, _) => Auth::Named { name: header_name("auth", name)?, token },
        }))
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, String> {
        let pairs = self.headers.iter().enumerate().map(|(number, line)| {
            // What it holds instead may be a secret.
            let (name, value) =
                line.split_once(':').ok_or_else(|| format!("headers[{number}]: is no `Name: value`"))?;
            let mut value = HeaderValue::from_str(value.trim())
                .map_err(|_| format!("headers: `{name}` holds characters that no header has"))?;
            value.set_sensitive(header_secret(line).is_some());
            Ok((header_name("headers", name)?, value))
        });
        pairs.collect()
    }

    pub(super) fn capabilities(&self) -> Result<Vec<Capability>, String> {
        let read = |word: &String| word.parse().map_err(|_| format!("capabilities: there is no `{word}`"));
        self.capabilities.iter().map(read).collect()
    }

    pub(super) fn plans(&self) -> Result<Vec<Plan>, String> {
        if self.request.is_empty() {
            return Err("request: nothing is asked".into());
        }
        self.request.iter().enumerate().map(|(i, request)| request.plan(i)).collect()
    }
}

fn header_name(key: &str, name: &str) -> Result<HeaderName, String> {
    HeaderName::try_from(name).map_err(|_| format!("{key}: `{name}` is no name of a header"))
}

impl Request {
    /// The least time between two looks.
    pub(super) fn every(&self) -> TimeDelta {
        self.every.map_or_else(TimeDelta::zero, |every| TimeDelta::from_std(every.0).unwrap_or(TimeDelta::days(365)))
    }

    /// Whether it asks for what changed since an instant.
    pub(super) fn asks_since(&self) -> bool {
        let body = self.body.as_ref().map(Value::to_string);
        let mut texts = self.query.values().chain([&self.path]).chain(&body);
        texts.any(|text| text.contains("{since}") || text.contains("{since_epoch}"))
    }

    fn plan(&self, number: usize) -> Result<Plan, String> {
        let wrong = |key: &str, what: String| format!("request[{number}].{key}: {what}");
        if !self.path.starts_with('/') {
            return Err(wrong("path", "must begin with a slash".into()));
        }
        if self.path.contains(['?', '#']) {
            // What stands there may be a secret.
            return Err(wrong("path", "must end before `?` and `#`; what stands behind `?` goes into `query`".into()));
        }
        window::check(&self.path).map_err(|what| wrong("path", what))?;
        for (name, value) in &self.query {
            window::check(value).map_err(|what| wrong(&format!("query.{name}"), what))?;
        }
        self.body.iter().try_for_each(window::check_json).map_err(|what| wrong("body", what))?;
        let program = Program::new(&self.jq).map_err(|what| wrong("jq", what))?;
        let next = |next: &str| Program::new(next).map_err(|what| wrong("next", what));
        let paging = match (&self.page_param, &self.offset_param, &self.next) {
            (None, None, None) => Paging::One,
            (Some(page), None, None) => Paging::Page(page.clone()),
            (None, Some(offset), None) => Paging::Offset(offset.clone()),
            (None, None, Some(program)) => Paging::Next(next(program)?, self.next_param.clone()),
            (Some(page), None, Some(program)) => {
                let param = self.next_param.clone();
                let param = param.ok_or_else(|| wrong("next_param", "is missing beside page_param and next".into()))?;
                Paging::Key(Key { program: next(program)?, param, page_param: page.clone() })
            }
            _ => {
                let what = "give one of page_param, offset_param and next, or page_param with next and next_param";
                return Err(wrong("next", what.into()));
            }
        };
        let counts = !matches!(paging, Paging::One | Paging::Next(..));
        if !counts && (self.records.is_some() || self.page_size.is_some()) {
            return Err(wrong("records", "records and page_size go with page_param or offset_param".into()));
        }
        if self.page_size == Some(0) {
            return Err(wrong("page_size", "must be at least 1".into()));
        }
        let records = self.records.as_deref().map(Program::new).transpose().map_err(|what| wrong("records", what))?;
        Ok(Plan { request: self.clone(), program, records, paging })
    }
}
