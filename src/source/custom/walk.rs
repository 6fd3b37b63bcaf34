//! The pages of one request, and what the program makes of them.

use std::sync::Arc;

use serde_json::Value;

use super::program::Program;
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

/// What a page gave.
#[derive(Debug)]
pub(super) struct Page {
    pub values: Vec<Value>,
    pub is_last: bool,
    pub quota: Option<Quota>,
    pub date: Option<Timestamp>,
}

/// Where the pages of one request have come to.
#[derive(Debug)]
pub(super) struct Walk {
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    /// Pages that were read.
    pub pages: usize,
    /// Records that were on them, whatever the program made of those.
    records: usize,
    last_next: Option<String>,
}

impl Walk {
    /// Before the first page.
    pub(super) fn new(plan: &Plan, window: Window) -> Self {
        let request = &plan.request;
        Self {
            path: window.fill(&request.path),
            query: request.query.iter().map(|(key, value)| (key.clone(), window.fill(value))).collect(),
            body: request.body.as_ref().map(|body| window.fill_json(body)),
            pages: 0,
            records: 0,
            last_next: None,
        }
    }

    /// Reads the next page. Where that fails, or is given up, nothing has changed.
    pub(super) async fn page(&mut self, client: &Client, plan: &Plan, now: Timestamp) -> Result<Page, SourceError> {
        let request = &plan.request;
        let fault = |key: &str, what: String| fault(client, plan, key, &what);
        if self.pages >= MOST_PAGES {
            let what = format!("there are more than {MOST_PAGES} pages: do they lead in a circle?");
            return Err(SourceError::Schema { place: request.path.clone(), path: "next".into(), what });
        }
        let numbered = match &plan.paging {
            Paging::Page(param) => Some((param.clone(), (self.pages + 1).to_string())),
            Paging::Offset(param) => Some((param.clone(), self.records.to_string())),
            Paging::One | Paging::Next(..) => None,
        };
        let asked: Vec<(&str, &str)> =
            self.query.iter().chain(&numbered).map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let Answer { body: answer, quota, date } = match &self.body {
            None => client.get::<Value>(&self.path, &asked, now).await?,
            Some(body) => client.post::<Value>(&self.path, &asked, body, now).await?,
        };
        let answer = Arc::new(answer);
        let values = plan.program.run(&answer).await.map_err(|what| fault("jq", what))?;
        client.told(format_args!("{}: the program gave", self.path), &values);
        let mut page = Page { values, is_last: true, quota, date };
        match &plan.paging {
            Paging::One => {}
            Paging::Page(_) | Paging::Offset(_) => {
                let by_number = matches!(plan.paging, Paging::Page(_));
                let records =
                    match records(&answer, plan.records.as_ref()).await.map_err(|what| fault("records", what))? {
                        Some(records) => records,
                        // The number of a page needs no count: an empty one is the last.
                        None if by_number => page.values.len(),
                        None => return Err(fault("records", UNCOUNTED.into())),
                    };
                page.is_last = records == 0 || request.page_size.is_some_and(|size| records < size);
                self.records += records;
            }
            Paging::Next(program, param) => {
                let found = program.run(&answer).await.map_err(|what| fault("next", what))?;
                if let Some(next) = address(found).map_err(|what| fault("next", what))? {
                    self.go_to(next, param.as_ref(), client).map_err(|what| fault("next", what.into()))?;
                    page.is_last = false;
                }
            }
        }
        self.pages += 1;
        Ok(page)
    }

    fn go_to(&mut self, next: String, param: Option<&String>, client: &Client) -> Result<(), &'static str> {
        if self.last_next.as_ref() == Some(&next) {
            return Err("the next page is the one that was read: pages lead in a circle");
        }
        if let Some(param) = param {
            self.query.retain(|(key, _)| key != param);
            self.query.push((param.clone(), next.clone()));
        } else {
            (self.path, self.query) = client.follow(&next).ok_or("gives an address that is not below base_url")?;
        }
        self.last_next = Some(next);
        Ok(())
    }
}

/// Why a page can't be counted.
const UNCOUNTED: &str = "how many records the page holds is not seen: the answer is no list, and holds not just one; say where they \
                         stand with `records`, such as `records = \".tickets\"`";

fn fault(client: &Client, plan: &Plan, key: &str, what: &str) -> SourceError {
    SourceError::Transient {
        place: format!("the program `{key}` of {}", plan.request.path),
        what: client.without_secret(what),
        until: None,
        todo: Some(MEND),
    }
}

/// What leads to the next page.
fn address(found: Vec<Value>) -> Result<Option<String>, String> {
    match found.into_iter().next() {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("gives {other}, must give text or null")),
    }
}

/// How many records an answer holds: as many as its list, or as the program says. `None` where nothing says so.
async fn records(answer: &Arc<Value>, program: Option<&Program>) -> Result<Option<usize>, String> {
    let Some(program) = program else {
        let list = match &**answer {
            Value::Array(list) => Some(list),
            Value::Object(map) => {
                let mut lists = map.values().filter_map(Value::as_array);
                lists.next().filter(|_| lists.next().is_none())
            }
            _ => None,
        };
        return Ok(list.map(Vec::len));
    };
    match program.run(answer).await?.into_iter().next() {
        None | Some(Value::Null) => Ok(Some(0)),
        Some(Value::Array(list)) => Ok(Some(list.len())),
        Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64().and_then(|number| number.try_into().ok())),
        Some(_) => Err("must give a list or a number".into()),
    }
}
