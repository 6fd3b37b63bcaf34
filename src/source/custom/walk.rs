//! The pages of one request, and what the program makes of them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::program::Program;
use super::settings::{Key, Paging, Plan};
use super::window::Window;
use crate::event::Timestamp;
use crate::source::http::{Answer, Client};
use crate::source::lenient::shape;
use crate::source::{Quota, SourceError};

/// Pages of one request; more are taken for pages that lead in a circle.
const MOST_PAGES: usize = 2_000;

/// What to do about a program that fails.
const MEND: &str = "mend that jq program in the config, so that it takes every answer and ends soon: `[]?` and `//` pass over \
                    what is null";
/// The same where nothing may be passed over in silence.
const MEND_ALL: &str = "mend that jq program in the config, so that it takes every record and ends soon; but let it fail where \
                        the list is missing, for a list without records ends every conversation";
/// What to do about a program that gives what can't be read.
const ADAPT: &str = "mend that jq program in the config: does the API call its fields otherwise now?";
/// What to do about an address that leads elsewhere.
const LEAD: &str = "let `next` give an address below base_url, such as \"/tickets?page=2\", or name the parameter that takes its \
                    value: next_param";
/// What to do about pages that are all the same.
const NAME: &str =
    "call page_param or offset_param as the API calls it, or leave it out where all records are on one page";

/// What a page gave.
#[derive(Debug)]
pub(super) struct Page {
    pub values: Vec<Value>,
    pub is_last: bool,
    pub quota: Option<Quota>,
    pub date: Option<Timestamp>,
}

/// Why a page was not read.
#[derive(Debug)]
pub(super) struct Failure {
    pub error: SourceError,
    /// Whether another request would fare no better.
    pub is_of_all: bool,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self { is_of_all: error.is_of_all(), error }
    }
}

impl Failure {
    /// What the config says of this request does not go with its answers.
    fn of_config(place: String, what: String, todo: &'static str) -> Self {
        Self { error: SourceError::Transient { place, what, until: None, todo: Some(todo) }, is_of_all: false }
    }
}

/// Where the pages of one request have come to.
#[derive(Debug)]
pub(super) struct Walk {
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    /// Pages that were read.
    pub pages: usize,
    /// Those that are counted for `page_param`.
    numbered: usize,
    /// Records that were on them, whatever the program made of those.
    records: usize,
    last_next: Option<String>,
    /// What it has gone on behind.
    keys: HashSet<String>,
    /// The mark of the page before, where the next one can't be the same.
    last_mark: Option<u64>,
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
            numbered: 0,
            records: 0,
            last_next: None,
            keys: HashSet::new(),
            last_mark: None,
        }
    }

    /// Reads the next page. Where that fails, or is given up, nothing has changed.
    pub(super) async fn page(&mut self, client: &Client, plan: &Plan, now: Timestamp) -> Result<Page, Failure> {
        let request = &plan.request;
        let fault = |key: &str, what: String| fault_of(client, plan, key, &what, MEND);
        if self.pages >= MOST_PAGES {
            let what = format!("there are more than {MOST_PAGES} pages: do they lead in a circle?");
            return Err(SourceError::Schema { place: request.path.clone(), path: "next".into(), what }.into());
        }
        let numbered = match &plan.paging {
            Paging::Page(param) | Paging::Key(Key { page_param: param, .. }) => {
                Some((param.clone(), (self.numbered + 1).to_string()))
            }
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
        let mend = if request.tells_all { MEND_ALL } else { MEND };
        let values = plan.program.run(&answer).await.map_err(|what| fault_of(client, plan, "jq", &what, mend))?;
        client.told(format_args!("{}: the program gave", self.path), &values);
        let mut page = Page { values, is_last: true, quota, date };
        match &plan.paging {
            Paging::One => {}
            Paging::Page(_) | Paging::Offset(_) | Paging::Key(_) => {
                let counted = records(&answer, plan.records.as_ref()).await.map_err(|what| fault("records", what))?;
                let (records, mark) = match counted {
                    Some(counted) => counted,
                    None if matches!(plan.paging, Paging::Offset(_)) => {
                        return Err(fault("records", UNCOUNTED.into()));
                    }
                    // The number of a page needs no count: an empty one is the last.
                    None => (page.values.len(), mark(&answer)),
                };
                if let Some((param, value)) = numbered.filter(|_| records > 0 && self.last_mark == Some(mark)) {
                    return Err(same_page(plan, &param, &value));
                }
                page.is_last = records == 0 || request.page_size.is_some_and(|size| records < size);
                let mut key = None;
                if let (Paging::Key(Key { program, .. }), false) = (&plan.paging, page.is_last) {
                    let found = program.run(&answer).await.map_err(|what| fault("next", what))?;
                    key = address(found).map_err(|what| fault("next", what))?;
                    page.is_last = key.is_none();
                }
                self.records += records;
                self.numbered += 1;
                self.last_mark = Some(mark);
                if let (Paging::Key(Key { param, .. }), Some(key)) = (&plan.paging, key) {
                    self.go_behind(param, key);
                }
            }
            Paging::Next(program, param) => {
                let found = program.run(&answer).await.map_err(|what| fault("next", what))?;
                if let Some(next) = address(found).map_err(|what| fault("next", what))? {
                    let wrong = |(what, todo): (&str, _)| fault_of(client, plan, "next", what, todo);
                    self.go_to(next, param.as_ref(), client).map_err(wrong)?;
                    page.is_last = false;
                }
            }
        }
        self.pages += 1;
        Ok(page)
    }

    /// Goes on behind what a page ended with. Where that was done before, as a page is full of one instant, it is by number.
    fn go_behind(&mut self, param: &str, key: String) {
        self.keys.extend(self.query.iter().filter(|(name, _)| name == param).map(|(_, value)| value.clone()));
        if self.keys.contains(&key) {
            return;
        }
        self.query.retain(|(name, _)| name != param);
        self.query.push((param.to_owned(), key));
        // The first page of that may be the one that was read.
        (self.numbered, self.last_mark) = (0, None);
    }

    fn go_to(
        &mut self,
        next: String,
        param: Option<&String>,
        client: &Client,
    ) -> Result<(), (&'static str, &'static str)> {
        if self.last_next.as_ref() == Some(&next) {
            return Err(("the next page is the one that was read: pages lead in a circle", MEND));
        }
        if let Some(param) = param {
            self.query.retain(|(key, _)| key != param);
            self.query.push((param.clone(), next.clone()));
        } else {
            let elsewhere = ("gives an address that is not below base_url", LEAD);
            (self.path, self.query) = client.follow(&next).ok_or(elsewhere)?;
        }
        self.last_next = Some(next);
        Ok(())
    }
}

/// Why a page can't be counted.
const UNCOUNTED: &str = "how many records the page holds is not seen: the answer is no list, and holds not just one; say where they \
                         stand with `records`, such as `records = \".tickets\"`";

/// A program that does not take what the API answers.
fn fault_of(client: &Client, plan: &Plan, key: &str, what: &str, todo: &'static str) -> Failure {
    Failure::of_config(format!("the program `{key}` of {}", plan.request.path), client.without_secret(what), todo)
}

/// What a program gives is not understood.
pub(super) fn not_understood(client: &Client, plan: &Plan, what: &str) -> Failure {
    fault_of(client, plan, "jq", what, ADAPT)
}

/// Asking on would bring the same for ever.
fn same_page(plan: &Plan, param: &str, value: &str) -> Failure {
    let what = format!("with `{param}` {value} comes the same page as before: the API does not heed that parameter");
    Failure::of_config(format!("the pages of {}", plan.request.path), what, NAME)
}

/// A mark of what a page holds.
fn mark(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What leads to the next page.
fn address(found: Vec<Value>) -> Result<Option<String>, String> {
    match found.into_iter().next() {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("gives {}, must give text or null", shape(&other))),
    }
}

/// How many records an answer holds, with a mark of them: as many as its list, or as the program says. `None` where nothing
/// says so.
async fn records(answer: &Arc<Value>, program: Option<&Program>) -> Result<Option<(usize, u64)>, String> {
    let of_list = |list: &Value| (list.as_array().map_or(0, Vec::len), mark(list));
    let Some(program) = program else {
        let list = match &**answer {
            Value::Array(_) => Some(&**answer),
            Value::Object(map) => {
                let mut lists = map.values().filter(|value| value.is_array());
                lists.next().filter(|_| lists.next().is_none())
            }
            _ => None,
        };
        return Ok(list.map(of_list));
    };
    match program.run(answer).await?.into_iter().next() {
        None | Some(Value::Null) => Ok(Some((0, 0))),
        Some(list @ Value::Array(_)) => Ok(Some(of_list(&list))),
        Some(Value::Number(number)) if number.is_u64() => {
            let count = number.as_u64().and_then(|number| number.try_into().ok());
            Ok(count.map(|count| (count, mark(answer))))
        }
        Some(_) => Err("must give a list or a number".into()),
    }
}
