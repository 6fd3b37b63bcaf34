//! A tiny Request Tracker: enough of its search to answer the source `rt`, with faults on demand.

pub mod watch;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, TimeZone, Utc};
use helptop::event::Timestamp;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A ticket of the fake.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: u64,
    pub status: String,
    pub owner: &'static str,
    pub requestors: Vec<&'static str>,
    pub queue: u64,
    pub at: i64,
    /// Merged, deleted or hidden: no search gives it.
    pub gone: bool,
}

/// What the fake holds; tests change it between two polls.
#[derive(Debug, Default)]
pub struct Desk {
    pub tickets: Vec<Ticket>,
    /// Transactions as they are answered.
    pub rows: Vec<Value>,
    /// Transactions that are not visible yet.
    pub late: BTreeSet<u64>,
    /// Transactions that the account may not see: dropped after the page was cut.
    pub hidden: BTreeSet<u64>,
    /// Tickets that changed within the last minutes.
    pub changed: usize,
    pub staff: Vec<&'static str>,
    /// It shows its own groups to nobody, and in another one these are beside the staff, who are not privileged.
    pub guests: Option<Vec<&'static str>>,
    pub active: Vec<&'static str>,
    /// The request of that number, from 1, fails.
    pub fails: Option<usize>,
    /// Searches for ended tickets fail.
    pub refuses_history: bool,
    pub asked: Vec<String>,
    /// Its clock, in seconds after noon; without one, everything has changed just now.
    pub now: Option<i64>,
    /// What the headers say of requests: left and limit.
    pub left: Option<(u64, u64)>,
}

/// Numbers behind logins.
const USERS: [(u64, &str, &str); 6] = [
    (6, "Nobody", ""),
    (29, "wallboard", "Wall"),
    (43, "ana", "Ana Petrović"),
    (45, "bogdan", "Bogdan Ilie"),
    (47, "chiara", ""),
    (99, "gone", "Gone Person"),
];

/// Seconds after noon, as the server writes them.
pub fn at(seconds: i64) -> String {
    let noon = Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap();
    (noon + TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Desk {
    /// A desk with two agents and nothing else.
    pub fn new() -> Self {
        Self {
            staff: vec!["root", "wallboard", "ana", "bogdan"],
            active: vec!["new", "open", "stalled"],
            ..Self::default()
        }
    }

    /// A ticket and the transaction that created it.
    pub fn create(&mut self, id: u64, row: u64, at: i64, creator: &'static str, requestor: &'static str) {
        self.tickets.push(Ticket {
            id,
            status: "new".into(),
            owner: "Nobody",
            requestors: vec![requestor],
            queue: 3,
            at,
            gone: false,
        });
        self.row(row, at, id, "Create", "", creator, "", "");
    }

    pub fn reply(&mut self, row: u64, at: i64, ticket: u64, who: &'static str) {
        self.row(row, at, ticket, "Correspond", "", who, "", "");
    }

    pub fn status(&mut self, row: u64, at: i64, ticket: u64, who: &'static str, to: &str) {
        let old = std::mem::replace(&mut self.ticket(ticket).status, to.into());
        self.row(row, at, ticket, "Status", "Status", who, &old, to);
    }

    pub fn owner(&mut self, row: u64, at: i64, ticket: u64, who: &'static str, to: &'static str) {
        let old = std::mem::replace(&mut self.ticket(ticket).owner, to);
        self.row(row, at, ticket, "Set", "Owner", who, &number(old), &number(to));
    }

    pub fn merge(&mut self, row: u64, at: i64, ticket: u64, into: u64, who: &'static str) {
        let target = format!("fsck.com-rt://desk.example/ticket/{into}");
        self.row(row, at, ticket, "AddLink", "MergedInto", who, "", &target);
        self.row(row + 1, at, into, "AddLink", "MergedInto", who, "", &target);
        self.ticket(ticket).gone = true;
        let requestors = self.ticket(ticket).requestors.clone();
        self.ticket(into).requestors.extend(requestors);
    }

    pub fn ticket(&mut self, id: u64) -> &mut Ticket {
        self.tickets.iter_mut().find(|ticket| ticket.id == id).unwrap()
    }

    #[expect(clippy::too_many_arguments, reason = "a transaction has that many columns")]
    pub fn row(&mut self, id: u64, time: i64, ticket: u64, kind: &str, field: &str, who: &str, old: &str, new: &str) {
        self.rows.push(json!({"id": id.to_string(), "type": "transaction", "Type": kind, "Field": field, "OldValue": old,
            "NewValue": new, "Creator": {"id": who, "type": "user"}, "Created": at(time), "ObjectId": ticket.to_string()}));
    }

    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().trim_start_matches("/REST/2.0").to_owned();
        let asked = |key: &str| request.url.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.into_owned());
        let query = asked("query").unwrap_or_default();
        self.asked.push(format!("{path} {query}"));
        let is_refused = self.refuses_history && query.contains("__Inactive__' AND LastUpdated");
        if is_refused || self.fails == Some(self.asked.len()) {
            return ResponseTemplate::new(500);
        }
        let page = |items: Vec<Value>, total: Option<usize>| json!({"items": items, "total": total, "pages": null});
        let per_page: usize = asked("per_page").and_then(|n| n.parse().ok()).unwrap_or(20);
        let user = |(id, name, real): &(u64, &str, &str)| json!({"id": id, "Name": name, "RealName": real});
        let body = match path.as_str() {
            "/rt" => json!({"Version": "5.0.3"}),
            "/queues/all" => {
                page(vec![json!({"id": 3, "Name": "Support"}), json!({"id": "4", "Name": "Billing"})], Some(2))
            }
            "/groups" if self.guests.is_some() && query.contains("SystemInternal") => page(vec![], Some(0)),
            "/groups" => page(vec![json!({"id": "4"})], Some(1)),
            "/group/4" => {
                let members = self.staff.iter().chain(self.guests.iter().flatten());
                json!({"Members": members.map(|id| json!({"id": id, "type": "user"})).collect::<Vec<_>>()})
            }
            "/users" => {
                page(USERS.iter().filter(|u| query.contains(&format!("\"{}\"", u.1))).map(user).collect(), None)
            }
            "/tickets" if query.starts_with("LastUpdated >") => page(vec![], Some(self.changed)),
            "/tickets" => self.search(&query, per_page),
            "/transactions" => {
                let number = asked("page").and_then(|n| n.parse().ok()).unwrap_or(1);
                self.log(&query, per_page, number, asked("order").is_some())
            }
            other => match other.strip_prefix("/user/").and_then(|id| USERS.iter().find(|u| u.0.to_string() == id)) {
                Some((_, name, real)) => {
                    let is_privileged = self.staff.contains(name);
                    json!({"Name": name, "RealName": real, "Privileged": if is_privileged { json!(1) } else { json!("") }})
                }
                None => return ResponseTemplate::new(404).set_body_string(r#"{"message":"Not Found"}"#),
            },
        };
        let answer = ResponseTemplate::new(200).set_body_json(body);
        let Some((left, limit)) = self.left else { return answer };
        answer
            .insert_header("x-ratelimit-limit", limit.to_string())
            .insert_header("x-ratelimit-remaining", left.to_string())
    }

    fn search(&self, query: &str, per_page: usize) -> Value {
        let (ids, after) = (numbers(query, "id="), numbers(query, "id > ").last().copied().unwrap_or(0));
        let queues = numbers(query, "Queue='");
        let words: BTreeSet<_> = self.tickets.iter().map(|t| &t.status).collect();
        let words: Vec<_> = words.into_iter().filter(|w| query.contains(&format!("'{w}'"))).collect();
        let bound = |mark: &str| {
            let (count, rest) = query.split_once(mark)?.1.split_once(' ')?;
            let unit = if rest.starts_with("days") { 86_400 } else { 3_600 };
            // Four digits are a time of day to the real one.
            Some(if count.len() < 4 { count.parse::<i64>().unwrap() * unit } else { 0 })
        };
        let (since, until) = (bound("LastUpdated > '"), bound("LastUpdated < '"));
        let updated = if since.is_some() { self.last_updated() } else { HashMap::new() };
        let age = |t: &Ticket| self.now.map(|now| now - updated.get(&t.id.to_string()).unwrap_or(&now));
        let mut found: Vec<_> = self
            .tickets
            .iter()
            .filter(|t| age(t).is_none_or(|age| since.is_none_or(|most| age < most)))
            .filter(|t| age(t).is_none_or(|age| until.is_none_or(|least| age > least)))
            .filter(|t| !t.gone && t.id > after && (ids.is_empty() || ids.contains(&t.id)))
            .filter(|t| queues.is_empty() || queues.contains(&t.queue))
            .filter(|t| !query.contains("__Active__") || self.active.contains(&t.status.as_str()))
            .filter(|t| !query.contains("__Inactive__") || !self.active.contains(&t.status.as_str()))
            .filter(|t| words.is_empty() || words.contains(&&t.status))
            .collect();
        found.sort_by_key(|t| t.id);
        let total = found.len();
        let items: Vec<_> = found.iter().take(per_page).map(|t| t.json()).collect();
        json!({"items": items, "total": total, "pages": if total == 0 { json!(0.0) } else { json!(1) }})
    }

    /// Seconds after noon at which each ticket was last changed.
    fn last_updated(&self) -> HashMap<String, i64> {
        let noon = Timestamp::parse(&at(0)).unwrap();
        let mut updated = HashMap::new();
        for row in &self.rows {
            let Ok(at) = Timestamp::parse(row["Created"].as_str().unwrap_or_default()) else { continue };
            let last = updated.entry(row["ObjectId"].as_str().unwrap_or_default().to_owned()).or_insert(i64::MIN);
            *last = (at - noon).num_seconds().max(*last);
        }
        updated
    }

    fn log(&self, query: &str, per_page: usize, page: usize, newest_first: bool) -> Value {
        let (tickets, after) = (numbers(query, "ObjectId="), numbers(query, "AND id > ").last().copied().unwrap_or(0));
        let merged_only = query.contains("Field='MergedInto' AND (");
        let id = |row: &Value| row["id"].as_str().unwrap().parse::<u64>().unwrap();
        let of = |row: &Value| row["ObjectId"].as_str().unwrap_or("0").parse::<u64>().unwrap();
        let mut found: Vec<_> = self
            .rows
            .iter()
            .filter(|row| id(row) > after && !self.late.contains(&id(row)))
            .filter(|row| tickets.is_empty() || tickets.contains(&of(row)))
            .filter(|row| !merged_only || row["Field"] == "MergedInto")
            .cloned()
            .collect();
        found.sort_by_key(id);
        if newest_first {
            found.reverse();
        }
        let cut = found.into_iter().skip((page - 1) * per_page).take(per_page);
        let found: Vec<_> = cut.filter(|row| !self.hidden.contains(&id(row))).collect();
        json!({"items": found, "total": null, "pages": null})
    }
}

impl Ticket {
    fn json(&self) -> Value {
        let requestors: Vec<_> =
            self.requestors.iter().map(|r| json!({"id": 1000, "Name": r, "RealName": ""})).collect();
        let (number, name, real) = USERS.iter().find(|u| u.1 == self.owner).unwrap();
        let owner = json!({"id": number, "Name": name, "RealName": real});
        json!({"id": self.id.to_string(), "Subject": format!("Case {}", self.id), "Status": self.status,
            "Owner": owner, "Queue": {"id": self.queue.to_string()},
            "Requestor": requestors, "Created": at(self.at)})
    }
}

fn number(login: &str) -> String {
    USERS.iter().find(|u| u.1 == login).unwrap().0.to_string()
}

/// The numbers that stand right behind `mark`.
fn numbers(query: &str, mark: &str) -> Vec<u64> {
    let boundary = |at: usize| at == 0 || !query.as_bytes()[at - 1].is_ascii_alphabetic();
    let found = query.match_indices(mark).filter(|(at, _)| boundary(*at));
    found
        .filter_map(|(at, _)| {
            let digits: String = query[at + mark.len()..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect()
}

struct Answers(Arc<Mutex<Desk>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().answer(request)
    }
}

/// Serves the desk on loopback.
pub async fn serve(desk: Desk) -> (MockServer, Arc<Mutex<Desk>>) {
    let desk = Arc::new(Mutex::new(desk));
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Answers(Arc::clone(&desk))).mount(&server).await;
    (server, desk)
}
