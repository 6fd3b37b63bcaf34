//! The source `rt` against a running Request Tracker, polled until it is settled, folded and compared with the known
//! truth. Skipped unless `HELPTOP_RT_ENV` names the env file of the desk and `HELPTOP_RT_TRUTH` what is true of it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::explicit_write,
    reason = "a test says why it fails or is skipped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use helptop::board::{Engine, Options, SourceHealth};
use helptop::event::{Event, EventKind, Status, Timestamp};
use helptop::metrics::thresholds::Thresholds;
use helptop::output::SnapshotReport;
use helptop::source::http::Limits;
use helptop::source::rt::Rt;
use helptop::source::{Batch, Cursor, Source, Spec};
use serde_json::{Value, json};

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
        // Past the test runner, which keeps what a passing test prints.
        writeln!(std::io::stderr(), "SKIPPED: needs a running Request Tracker, HELPTOP_RT_ENV and HELPTOP_RT_TRUTH")
            .unwrap();
        return None;
    };
    Some((env_file(&env), serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap()))
}

/// Queues per owner and unanswered with since-when, as `helptop snapshot` would show them.
fn compare(events: &[Event], truth: &Value) {
    let options = Options { thresholds: Arc::new(Thresholds::default()), keep_text: false, midnight: Arc::new(|t| t) };
    let mut engine = Engine::new(options, now());
    let source = engine.add_source(SourceHealth { good_at: Some(now()), ..SourceHealth::default() });
    engine.take(source, events.iter().cloned(), now());
    engine.settle(now());
    let snapshot = engine.snapshot(now());
    let report = SnapshotReport::of(&snapshot);

    let mut open: BTreeMap<String, u64> = report.queues.iter().map(|q| (q.agent.to_owned(), q.open.into())).collect();
    open.insert("Nobody".into(), report.unassigned.open.into());
    let mut expected: BTreeMap<String, u64> = serde_json::from_value(truth["open"]["by_owner"].clone()).unwrap();
    open.retain(|_, count| *count > 0);
    expected.retain(|_, count| *count > 0);
    assert_eq!(open, expected);

    let waits = report.unanswered.iter().map(|wait| {
        let owner = wait.agent.unwrap_or("Nobody").to_owned();
        (wait.conversation.parse().unwrap(), owner, wait.customer.unwrap().to_owned(), wait.waiting_since.to_string())
    });
    let waits: BTreeSet<(u64, String, String, String)> = waits.collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected = truth["unanswered"].as_array().unwrap().iter().map(|one| {
        (one["ticket"].as_u64().unwrap(), text(&one["owner"]), text(&one["requestor"]), text(&one["since"]))
    });
    assert_eq!(waits, expected.collect());
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
    let opened = events.iter().filter_map(|event| match &event.kind {
        EventKind::Opened(opened) => Some(&opened.conversation),
        _ => None,
    });
    let merged = events.iter().filter_map(|event| match &event.kind {
        EventKind::Merged { conversation, .. } => Some(conversation),
        _ => None,
    });
    let opened: BTreeSet<_> = opened.collect();
    let merged = merged.collect();
    let live = opened.difference(&merged).count();
    assert_eq!(live as u64, truth["tickets"].as_u64().unwrap(), "every ticket, the ended ones too");
    let mut resolved = BTreeMap::<String, u64>::new();
    for (at, event) in events.iter().enumerate() {
        let is_repeat = event.at.is_some() && events[..at].contains(event);
        assert!(!is_repeat, "told twice: {event:?}");
        if let EventKind::Status { status: Status::Resolved, agent: Some(agent), .. } = &event.kind {
            *resolved.entry(agent.to_string()).or_default() += 1;
        }
    }
    let mut expected: BTreeMap<String, u64> = serde_json::from_value(truth["resolved"]["by_actor"].clone()).unwrap();
    expected.retain(|_, count| *count > 0);
    assert_eq!(resolved, expected, "each ending told once");
}

/// Of each agent: the conversations resolved in its hands, and how many first responses with which median.
type ByAgent = BTreeMap<String, (u64, u64, Option<f64>)>;

/// What the truth holds of it. A rejected ticket has ended, too; a merged one is neither.
fn agents_of(truth: &Value) -> ByAgent {
    let tickets = || truth["per_ticket"].as_object().unwrap().values();
    let ended = |login: &str| {
        let is_ended = |one: &&Value| one["status"] == "resolved" || one["status"] == "rejected";
        tickets().filter(is_ended).filter(|one| one["owner"] == login).count() as u64
    };
    let agents = truth["agents"].as_object().unwrap().iter();
    let of = |agent: &Value| (agent["first_responses"].as_u64().unwrap(), agent["first_response_median_s"].as_f64());
    agents.map(|(login, agent)| (login.clone(), (ended(login), of(agent).0, of(agent).1))).collect()
}

#[test]
fn a_report_of_its_history_equals_the_truth() {
    let Some((env, truth)) = asked_for() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let source = format!(
        "[[source]]\nname = \"desk\"\nkind = \"rt\"\nbackfill = \"60d\"\nbase_url = \"{}\"\n\
         token = {{ env = \"RT5_WALLBOARD_TOKEN\" }}\n",
        env["RT5_URL"]
    );
    std::fs::write(&config, source).unwrap();
    let helptop = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helptop"));
        command.arg("--config").arg(&config).args(arguments);
        let output = command.env("RT5_WALLBOARD_TOKEN", &env["RT5_WALLBOARD_TOKEN"]).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let stream = folder.path().join("stream.jsonl");
    std::fs::write(&stream, helptop(&["events"])).unwrap();
    let from = (now() - chrono::TimeDelta::days(60)).to_string();
    let to = (now() + chrono::TimeDelta::seconds(1)).to_string();
    let stream = stream.to_string_lossy();
    let report = ["report", "--events", &stream, "--by", "agent", "--format", "json", "--from", &from, "--to", &to];
    let report: Value = serde_json::from_slice(&helptop(&report)).unwrap();
    let groups = report["groups"].as_array().unwrap().iter();
    let found: ByAgent = groups
        .map(|group| {
            let (resolved, first) = (group["resolved"].as_u64().unwrap(), &group["first_response_time"]);
            let agent = group["key"].as_str().unwrap().to_owned();
            (agent, (resolved, first["n"].as_u64().unwrap(), first["median"].as_f64()))
        })
        .collect();
    let expected = agents_of(&truth);
    assert_eq!(found, expected);
    let total = expected.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(total.0 > 10 && total.1 > 30, "{total:?}");
    eprintln!("{} agents, {} resolved, {} first responses: as the truth has them", expected.len(), total.0, total.1);
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
