//! The pages of one request, and what the program makes of them.

use std::sync::Arc;

use serde_json::Value;

use super::settings::{Paging, Plan};
use crate::event::Timestamp;
use crate::source::http::{Answer, Client};
use crate::source::{Quota, SourceError};

/// Pages of one request; more are taken for pages that lead in a circle.
const MOST_PAGES: usize = 2_000;

/// What to do about a program that fails.
const MEND: &str = "mend that jq program in the config, so that it takes every answer and ends soon: `[]?` and `//` pass over \
                    what is null";

/// The instants that a request may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub since: Timestamp,
    pub now: Timestamp,
}

impl Window {
    fn fill(self, text: &str) -> String {
        let seconds = |at: Timestamp| (at.millis().div_euclid(1000)).to_string();
        text.replace("{since}", &self.since.to_string())
            .replace("{since_epoch}", &seconds(self.since))
            .replace("{now}", &self.now.to_string())
            .replace("{now_epoch}", &seconds(self.now))
    }

    fn fill_json(self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill(text).into(),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.fill_json(value))).collect(),
            other => other.clone(),
        }
    }
}

/// What all pages gave.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub values: Vec<Value>,
    pub pages: usize,
    pub quota: Option<Quota>,
    pub date: Option<Timestamp>,
}

/// Asks page after page, up to `most`.
pub(super) async fn walk(
    client: &Client,
    plan: &Plan,
    window: Window,
    most: Option<usize>,
) -> Result<Walked, SourceError> {
    let request = &plan.request;
    let mut path = window.fill(&request.path);
    let mut query: Vec<(String, String)> =
        request.query.iter().map(|(key, value)| (key.clone(), window.fill(value))).collect();
    let body = request.body.as_ref().map(|body| window.fill_json(body));
    let fault = |key: &str, what: String| SourceError::Transient {
        place: format!("the program `{key}` of {}", request.path),
        what: client.without_secret(&what),
        until: None,
        todo: Some(MEND),
    };
    let mut walked = Walked::default();
    let mut last_next = None;
    loop {
        let numbered = match &plan.paging {
            Paging::Page(param) => Some((param.clone(), (walked.pages + 1).to_string())),
            Paging::Offset(param) => Some((param.clone(), walked.values.len().to_string())),
            Paging::One | Paging::Next(..) => None,
        };
        let asked: Vec<(&str, &str)> =
            query.iter().chain(&numbered).map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let Answer { body: answer, quota, date } = match &body {
            None => client.get::<Value>(&path, &asked, window.now).await?,
            Some(body) => client.post::<Value>(&path, &asked, body, window.now).await?,
        };
        let answer = Arc::new(answer);
        let found = plan.program.run(&answer).await.map_err(|what| fault("jq", what))?;
        client.told(format_args!("{path}: the program gave"), &found);
        let is_empty = found.is_empty();
        walked.values.extend(found);
        walked.pages += 1;
        walked.quota = quota.or(walked.quota);
        walked.date = date.or(walked.date);
        if walked.pages >= most.unwrap_or(MOST_PAGES) {
            if most.is_none() && !matches!(plan.paging, Paging::One) {
                return Err(fault(
                    "next",
                    format!("there are more than {MOST_PAGES} pages: do they lead in a circle?"),
                ));
            }
            return Ok(walked);
        }
        match &plan.paging {
            Paging::One => return Ok(walked),
            Paging::Page(_) | Paging::Offset(_) if is_empty => return Ok(walked),
            Paging::Page(_) | Paging::Offset(_) => {}
            Paging::Next(program, param) => {
                let next = program.run(&answer).await.map_err(|what| fault("next", what))?.into_iter().next();
                let next = match next {
                    None | Some(Value::Null | Value::Bool(false)) => return Ok(walked),
                    Some(Value::String(text)) if text.is_empty() => return Ok(walked),
                    Some(Value::String(text)) => text,
                    Some(Value::Number(number)) => number.to_string(),
                    Some(other) => return Err(fault("next", format!("gives {other}, must give text or null"))),
                };
                if last_next.as_ref() == Some(&next) {
                    return Err(fault("next", "the next page is the one that was read: pages lead in a circle".into()));
                }
                if let Some(param) = param {
                    query.retain(|(key, _)| key != param);
                    query.push((param.clone(), next.clone()));
                } else {
                    let outside = || fault("next", "gives an address that is not below base_url".into());
                    (path, query) = client.follow(&next).ok_or_else(outside)?;
                }
                last_next = Some(next);
            }
        }
    }
}
