//! A desk, the source that watches it, and what it has told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::TimeDelta;
use helptop::board::{Engine, Options, SourceHealth};
use helptop::desk::Desk as FoldedDesk;
use helptop::event::{Event, Timestamp};
use helptop::metrics::thresholds::Thresholds;
use helptop::output::SnapshotReport;
use helptop::source::http::Limits;
use helptop::source::rt::Rt;
use helptop::source::{Batch, Cursor, Source, SourceError, Spec};
use serde_json::{Value, json};
use wiremock::MockServer;

use super::{Desk, at, serve};

/// A desk, the source that watches it, and what it has told.
pub struct Watch {
    _server: MockServer,
    pub desk: Arc<Mutex<Desk>>,
    pub rt: Rt,
    pub cursor: Option<Cursor>,
    pub now: Timestamp,
    pub told: Vec<Event>,
    spec: Spec,
}

pub fn spec(base: &str, settings: &Value) -> Spec {
    let mut all = json!({"base_url": base, "token": "1-29-secret"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Spec { name: "desk".into(), backfill: Duration::ZERO, settings: all, base: ".".into() }
}

impl Watch {
    pub async fn new(desk: Desk) -> Self {
        Self::with(desk, json!({}), Duration::ZERO).await
    }

    pub async fn with(desk: Desk, settings: Value, backfill: Duration) -> Self {
        let (server, desk) = serve(desk).await;
        let spec = Spec { backfill, ..spec(&server.uri(), &settings) };
        let rt = Rt::new(&spec, Limits::default()).unwrap();
        let now = Timestamp::parse("2026-11-20T18:00:00Z").unwrap();
        Self { _server: server, desk, rt, cursor: None, now, told: Vec::new(), spec }
    }

    /// Ends the source and starts another that knows its cursor, and what is active by what it told.
    pub fn restart(&mut self, backfill: Duration) {
        self.spec.backfill = backfill;
        self.rt = Rt::new(&self.spec, Limits::default()).unwrap();
        let mut desk = FoldedDesk::new(false);
        let source = desk.add_source();
        self.told.iter().for_each(|event| desk.apply(source, event.clone()));
        desk.settle();
        let active = desk.conversations().filter(|(_, one)| one.state().is_active());
        self.rt.remember(&active.map(|(_, one)| one.id.clone()).collect::<Vec<_>>());
    }

    /// What a store would hold: of each conversation its events in the order of time, exact repeats once; of
    /// everything else the last that was said.
    pub fn kept(&self) -> BTreeMap<String, Vec<String>> {
        let mut kept = BTreeMap::<String, Vec<(Option<Timestamp>, String)>>::new();
        for event in &self.told {
            let mut json = serde_json::to_value(event).unwrap();
            // The fake has another address each time.
            json.as_object_mut().unwrap().remove("url");
            let is_event = json["conversation"].is_string();
            let subject = if is_event { ["conversation", "conversation"] } else { ["type", "id"] };
            let lines = kept.entry(subject.map(|key| json[key].as_str().unwrap_or_default()).join(" ")).or_default();
            if !is_event {
                lines.clear();
            }
            let line = (event.at, json.to_string());
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let in_time = |mut lines: Vec<(Option<Timestamp>, String)>| {
            lines.sort_by_key(|line| line.0);
            lines.into_iter().map(|line| line.1).collect()
        };
        kept.into_iter().map(|(subject, lines)| (subject, in_time(lines))).collect()
    }

    /// The pages of ended tickets that were asked for, by the number they begin behind.
    pub fn history_pages(&self) -> Vec<String> {
        let asked = self.desk().asked.clone();
        asked.into_iter().filter(|asked| asked.contains("__Inactive__' AND LastUpdated")).collect()
    }

    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap()
    }

    pub async fn poll(&mut self) -> Result<Batch, SourceError> {
        let mut batch = self.rt.poll(self.cursor.as_ref(), self.now).await?;
        self.cursor = batch.cursor.clone().or(self.cursor.take());
        self.told.append(&mut batch.events);
        Ok(batch)
    }

    /// Polls until nothing is left to fetch at once; the last batch.
    pub async fn settle(&mut self) -> Batch {
        for _ in 0..50 {
            let batch = self.poll().await.unwrap();
            if !batch.more {
                return batch;
            }
        }
        panic!("never settled");
    }

    pub async fn later(&mut self, seconds: i64) -> Batch {
        self.now = self.now + TimeDelta::seconds(seconds);
        self.settle().await
    }

    /// The board: `ticket holder since` of the unanswered, and how many each holds.
    pub fn board(&self) -> (Vec<String>, Vec<String>) {
        let options =
            Options { thresholds: Arc::new(Thresholds::default()), keep_text: false, midnight: Arc::new(|t| t) };
        let mut engine = Engine::new(options, self.now);
        let source = engine.add_source(SourceHealth { good_at: Some(self.now), ..SourceHealth::default() });
        engine.take(source, self.told.iter().cloned(), self.now);
        engine.settle(self.now);
        let snapshot = engine.snapshot(self.now);
        let report = SnapshotReport::of(&snapshot);
        let held = report.queues.iter().map(|queue| format!("{} {}", queue.agent, queue.open)).collect();
        let waits = report
            .unanswered
            .iter()
            .map(|wait| format!("{} {} {}", wait.conversation, wait.agent.unwrap_or("-"), wait.waiting_since));
        (waits.collect(), held)
    }

    pub fn events(&self, ticket: &str) -> Vec<Value> {
        let all = self.told.iter().map(|event| serde_json::to_value(event).unwrap());
        all.filter(|event| event["conversation"] == ticket).collect()
    }
}

pub fn waits(list: &[(&str, i64)]) -> Vec<String> {
    list.iter().map(|(who, seconds)| format!("{who} {}", at(*seconds))).collect()
}
