//! The source `rt` against a running Request Tracker, polled until it is settled, folded and compared with the known
//! truth. Skipped unless `HELPTOP_RT_ENV` names the env file of the desk and `HELPTOP_RT_TRUTH` what is true of it.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says why it fails or is skipped")]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use helptop::event::{Author, Event, EventKind, Status, Timestamp};
use helptop::source::http::Limits;
use helptop::source::rt::Rt;
use helptop::source::{Batch, Cursor, Source, Spec};
use serde_json::{Value, json};

/// A hand-written fold of the few rules that these figures need, apart from the program's own.
#[derive(Default)]
struct Ticket {
    holder: Option<String>,
    ended: bool,
    merged: bool,
    told: Vec<(Timestamp, usize, EventKind)>,
}

impl Ticket {
    fn waiting_since(&mut self) -> Option<Timestamp> {
        self.told.sort_by_key(|(at, arrival, _)| (*at, *arrival));
        self.told.dedup_by(|a, b| a.0 == b.0 && a.2 == b.2);
        let mut since = None;
        (self.holder, self.ended, self.merged) = (None, false, false);
        for (at, _, kind) in &self.told {
            match kind {
                EventKind::Message(m) if m.from == Author::Customer => {
                    since = since.or(Some(*at));
                    self.ended = false;
                }
                EventKind::Message(m) if m.from == Author::Agent => since = None,
                EventKind::Assigned(to) => {
                    if let Some(agent) = &to.agent {
                        self.holder = agent.as_ref().map(ToString::to_string);
                    }
                }
                EventKind::Status { status, .. } => {
                    if status.is_ended() && !self.ended {
                        since = None;
                    }
                    self.ended = status.is_ended();
                }
                EventKind::Merged { .. } => self.merged = true,
                _ => {}
            }
        }
        since
    }
}

fn fold(events: &[Event]) -> HashMap<String, Ticket> {
    let mut tickets: HashMap<String, Ticket> = HashMap::new();
    for (arrival, event) in events.iter().enumerate() {
        let id = match &event.kind {
            EventKind::Opened(o) => &o.conversation,
            EventKind::Message(m) => &m.conversation,
            EventKind::Assigned(a) => &a.conversation,
            EventKind::Status { conversation, .. } | EventKind::Merged { conversation, .. } => conversation,
            _ => continue,
        };
        tickets.entry(id.to_string()).or_default().told.push((event.at.unwrap(), arrival, event.kind.clone()));
    }
    tickets
}

fn env_file(path: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

fn source(env: &BTreeMap<String, String>, backfill: Duration) -> Rt {
    let settings = json!({"base_url": env["RT5_URL"], "token": env["RT5_WALLBOARD_TOKEN"]});
    Rt::new(&Spec { name: "desk".into(), backfill, settings, base: ".".into() }, Limits::default()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

/// Polls until there is nothing more to fetch at once; events, requests of each poll, the cursor.
async fn settle(rt: &mut Rt) -> (Vec<Event>, Vec<u32>, Option<Cursor>) {
    let (mut events, mut requests, mut cursor) = (Vec::new(), Vec::new(), None);
    for _ in 0..1000 {
        let batch: Batch = rt.poll(cursor.as_ref(), now()).await.unwrap();
        assert_eq!(batch.skipped, []);
        events.extend(batch.events);
        requests.push(batch.requests);
        cursor = batch.cursor.or(cursor);
        if !batch.more {
            return (events, requests, cursor);
        }
    }
    panic!("never settled");
}

fn asked_for() -> Option<(BTreeMap<String, String>, Value)> {
    let (Ok(env), Ok(truth)) = (std::env::var("HELPTOP_RT_ENV"), std::env::var("HELPTOP_RT_TRUTH")) else {
        eprintln!("SKIPPED: needs a running Request Tracker, HELPTOP_RT_ENV and HELPTOP_RT_TRUTH");
        return None;
    };
    Some((env_file(&env), serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap()))
}

fn compare(events: &[Event], truth: &Value) {
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    let mut waits: BTreeMap<u64, (String, String)> = BTreeMap::new();
    for (id, mut ticket) in fold(events) {
        let since = ticket.waiting_since();
        if ticket.ended || ticket.merged {
            continue;
        }
        let holder = ticket.holder.unwrap_or_else(|| "Nobody".into());
        *open.entry(holder.clone()).or_default() += 1;
        if let Some(since) = since {
            waits.insert(id.parse().unwrap(), (holder, since.to_string()));
        }
    }
    let mut expected: BTreeMap<String, u64> = serde_json::from_value(truth["open"]["by_owner"].clone()).unwrap();
    expected.retain(|_, count| *count > 0);
    assert_eq!(open, expected);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: BTreeMap<u64, (String, String)> = truth["unanswered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["ticket"].as_u64().unwrap(), (text(&one["owner"]), text(&one["since"]))))
        .collect();
    assert_eq!(waits, expected);
}

#[tokio::test]
async fn equals_the_truth() {
    let Some((env, truth)) = asked_for() else { return };
    let mut rt = source(&env, Duration::ZERO);
    let (events, requests, cursor) = settle(&mut rt).await;
    eprintln!("cold start: {} requests in {requests:?}, {} events", requests.iter().sum::<u32>(), events.len());
    compare(&events, &truth);

    let steady = rt.poll(cursor.as_ref(), now()).await.unwrap();
    eprintln!("steady refresh: {} requests, {} events", steady.requests, steady.events.len());
    assert!(steady.requests <= 3 && steady.events.is_empty() && !steady.more);
}

#[tokio::test]
async fn history_changes_nothing_about_now() {
    let Some((env, truth)) = asked_for() else { return };
    let mut rt = source(&env, Duration::from_hours(24 * 30));
    let (events, requests, _) = settle(&mut rt).await;
    eprintln!("with 30 days: {} requests, {} events", requests.iter().sum::<u32>(), events.len());
    compare(&events, &truth);
    let tickets = fold(&events);
    let merged =
        tickets.values().filter(|ticket| ticket.told.iter().any(|(.., k)| matches!(k, EventKind::Merged { .. })));
    let known = tickets.len() - merged.count();
    assert_eq!(known as u64, truth["tickets"].as_u64().unwrap(), "every ticket, the ended ones too");
    let mut resolved = BTreeMap::<String, u64>::new();
    for (at, event) in events.iter().enumerate() {
        assert!(!events[..at].contains(event), "told twice: {event:?}");
        if let EventKind::Status { status: Status::Resolved, agent: Some(agent), .. } = &event.kind {
            *resolved.entry(agent.to_string()).or_default() += 1;
        }
    }
    let mut expected: BTreeMap<String, u64> = serde_json::from_value(truth["resolved"]["by_actor"].clone()).unwrap();
    expected.retain(|_, count| *count > 0);
    assert_eq!(resolved, expected, "each ending told once");
}

#[tokio::test]
async fn doctor_finds_all_well() {
    let Some((env, _)) = asked_for() else { return };
    let findings = source(&env, Duration::ZERO).check(now()).await.unwrap();
    for finding in &findings {
        eprintln!("{finding:?}");
        assert_ne!(finding.good, Some(false));
    }
    assert!(findings.len() >= 6);
}
