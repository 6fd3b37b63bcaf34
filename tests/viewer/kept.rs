//! What was kept of the last month of the sample desk: a stream made by rule, and the pages that come of it.

use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use chrono_tz::Tz;
use helptop::board::{PastAnswer, PastPage, PastQuery, Standpoint};
use helptop::event::{Event, Timestamp, parse_line};
use helptop::metrics::history::{History, Terms};
use serde_json::{Value, json};

use crate::sample::NOW;

const DAYS: i64 = 30;
const CHATS_A_DAY: i64 = 14;

/// Names that the stream tells.
pub(crate) struct Names<'a> {
    pub(crate) agents: &'a [&'a str],
    pub(crate) teams: &'a [&'a str],
    pub(crate) customers: &'a [&'a str],
    pub(crate) subjects: &'a [&'a str],
}

const NAMES: Names<'_> = Names {
    agents: &[
        "Ana Petrović",
        "Bogdan Ilie",
        "Chiara Neri",
        "Daisuke Mori 森大輔",
        "Elif Şahin",
        "Fatou N'Diaye",
        "Gabriel Szabó",
    ],
    teams: &["Billing", "Shipping", "Support"],
    customers: &["M. Rossi", "Kelechi Okafor", "łukasz w.", "Chiara Bianchi", "山田 太郎", "Olena Kovalenko"],
    subjects: &["Charged twice for order 20417", "Parcel says delivered", "promo code not accepted"],
};

fn line(line: &Value) -> Event {
    parse_line(line.to_string().as_bytes()).unwrap_or_else(|reject| panic!("{line}: {reject}"))
}

fn at<T>(list: &[T], number: i64) -> &T {
    &list[number.unsigned_abs() as usize % list.len()]
}

/// The chats of one day, `day` days ago.
fn chats(day: i64, names: &Names<'_>, events: &mut Vec<Event>) {
    for number in 0..CHATS_A_DAY {
        let id = format!("{}", 19_000 - day * CHATS_A_DAY - number);
        let mixed = (day * 131 + number * 7919) % 997;
        let begun = NOW - TimeDelta::days(day) - TimeDelta::seconds(number * 1_700 + 2_000);
        let agent = format!("a{}", (day * 3 + number * 5) % 7);
        let mut say = |seconds: i64, mut what: Value| {
            let then = begun + TimeDelta::seconds(seconds);
            if then < NOW {
                what["conversation"] = id.clone().into();
                what["at"] = then.to_string().into();
                events.push(line(&what));
            }
        };
        let customer = format!("c{}", (mixed % 11) % names.customers.len() as i64);
        say(
            0,
            json!({"type": "opened", "customer": customer, "channel": at(&["whatsapp", "email", "web"], mixed),
            "team": format!("t{}", mixed % 3), "subject": at(names.subjects, mixed)}),
        );
        say(0, json!({"type": "message", "from": "customer"}));
        say(30, json!({"type": "assigned", "agent": agent}));
        say(60 + mixed, json!({"type": "message", "from": "agent", "agent": agent}));
        let ended = 400 + mixed * (1 + mixed % 9);
        say(ended, json!({"type": "status", "status": "resolved", "by": "agent", "agent": agent}));
        if mixed % 3 == 0 {
            say(ended + 60, json!({"type": "rated", "score": 1 + mixed % 5, "scale": 5}));
        }
        if mixed % 13 == 0 {
            say(ended + 200, json!({"type": "message", "from": "customer"}));
            say(ended + 500, json!({"type": "message", "from": "agent", "agent": agent}));
            say(ended + 600, json!({"type": "status", "status": "closed", "by": "agent", "agent": agent}));
        }
    }
}

/// A month in which these names are told.
pub(crate) fn history(names: &Names<'_>) -> History {
    let mut events = vec![line(&json!({"type": "hello", "version": 1,
        "capabilities": ["presence", "messages", "assignments", "statuses", "ratings"]}))];
    for (i, name) in names.teams.iter().enumerate() {
        events.push(line(&json!({"type": "team", "id": format!("t{i}"), "name": name})));
    }
    for (i, name) in names.agents.iter().enumerate() {
        let teams = [format!("t{}", i % 3), format!("t{}", (i + 1) % 3)];
        events.push(line(&json!({"type": "agent", "id": format!("a{i}"), "name": name, "teams": teams})));
    }
    for (i, name) in names.customers.iter().enumerate() {
        let segment = if i == 0 { "vip" } else { "other" };
        events.push(line(&json!({"type": "customer", "id": format!("c{i}"), "name": name, "segment": segment})));
    }
    for day in 0..DAYS {
        chats(day, names, &mut events);
        for agent in 0..7 {
            for (hours, state) in [(-6, "online"), (2 + agent % 2, "offline")] {
                let then = NOW - TimeDelta::days(day) + TimeDelta::hours(hours);
                if then < NOW {
                    let agent = format!("a{agent}");
                    events.push(line(&json!({"type": "presence", "agent": agent, "state": state,
                        "at": then.to_string()})));
                }
            }
        }
    }
    let mut history = History::new();
    let source = history.add_source("desk");
    for event in events {
        history.take(source, event);
    }
    history.settle();
    history
}

/// The page that answers a question about a month.
pub(crate) fn page_of(history: &History, query: &PastQuery) -> PastPage {
    let terms = Terms::default();
    let begins_at: Option<Timestamp> = history.span().map(|(first, _)| first);
    query.page(history, &Standpoint { now: NOW, zone: Tz::Etc__GMTMinus1, terms: &terms, begins_at, is_told: true })
}

/// The answer to a question about the sample's past.
pub(crate) fn answer(query: &PastQuery) -> PastAnswer {
    static HISTORY: OnceLock<History> = OnceLock::new();
    PastAnswer::Page(Arc::new(page_of(HISTORY.get_or_init(|| history(&NAMES)), query)))
}
