//! Any JSON API over HTTP: what is asked, and the jq programs that make events or records of the answers, stand in the
//! config.
//!
//! With each poll what is due is asked, page by page; the state changes only after all of it went well. Records are
//! compared with the look before ([`super::differ`]), events are handed on as they are.

mod program;
mod record;
mod settings;
mod walk;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};

use self::record::Given;
use self::settings::{Plan, Settings};
use self::walk::{Walked, Window, walk};
use super::differ::Differ;
use super::http::{Auth, Client, Hidden, Limits, address, words::excerpt};
use super::{Batch, Cursor, Finding, Kind, Quota, Skipped, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, Event, EventKind, Timestamp, VERSION};

/// So much is asked again with each poll: clocks differ, and records become visible late.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// Ended conversations are remembered for so long.
const REMEMBERED: TimeDelta = TimeDelta::days(2);
/// Records that can't be read are named up to so many.
const NAMED: usize = 20;

/// The row of [`super::REGISTRY`].
pub const KIND: Kind = Kind {
    name: "custom",
    title: "Any JSON API, by jq",
    capabilities: &super::ALL_CAPABILITIES,
    cannot_tell: &[("what the API lacks", "`capabilities` says what it tells; the rest is unknown, never 0")],
    secrets: &["token"],
    setup: None,
    schema: || schemars::schema_for!(Settings),
    build: |spec| Ok(Box::new(Custom::new(spec, Limits::default())?)),
};

/// A desk behind an API that only its reader knows.
#[derive(Debug)]
pub struct Custom {
    client: Client,
    plans: Vec<Plan>,
    capabilities: Vec<Capability>,
    backfill: TimeDelta,
    /// When each request is due; `None` before it was asked.
    due_at: Vec<Option<Timestamp>>,
    state: Option<State>,
    remembered: Vec<ConversationId>,
}

#[derive(Debug)]
struct State {
    differ: Differ,
    told_to: Option<Timestamp>,
}

impl Custom {
    /// A source for what the config says; asks nobody yet. The error is a sentence that names the key.
    pub fn new(spec: &Spec, limits: Limits) -> Result<Self, String> {
        let settings: Settings = super::settings(spec)?;
        let base = address::base_url(&settings.base_url, settings.allow_plain_http)?;
        let plans = settings.plans()?;
        if let Some(number) =
            plans.iter().position(|plan| plan.request.asks_since()).filter(|_| spec.backfill.is_zero())
        {
            return Err(format!(
                "backfill: is 0s, and request[{number}] asks since `{{since}}`: nothing would be found that did not \
                 change just now; say how far back what is open may have changed last, such as \"30d\""
            ));
        }
        let client = Client::new(base, &settings.auth()?.unwrap_or(Auth::Nobody), limits)?
            .with_headers(settings.headers()?)
            .hiding(Hidden::of(KIND.secrets, &spec.settings));
        let backfill = TimeDelta::from_std(spec.backfill).unwrap_or(TimeDelta::MAX);
        let (capabilities, due_at) = (settings.capabilities()?, vec![None; plans.len()]);
        Ok(Self { client, plans, capabilities, backfill, due_at, state: None, remembered: Vec::new() })
    }

    /// Asks what is due; what each request gave, by its number.
    async fn ask(&self, window: Window) -> Result<Vec<(usize, Walked)>, SourceError> {
        let mut all = Vec::new();
        for (i, plan) in self.plans.iter().enumerate() {
            if self.due_at[i].is_none_or(|due_at| due_at <= window.now) {
                all.push((i, walk(&self.client, plan, window, None).await?));
            }
        }
        Ok(all)
    }
}

fn told_to(cursor: Option<&Cursor>) -> Option<Timestamp> {
    cursor?.0.get("told_to")?.as_i64().map(Timestamp::from_millis)
}

/// Reads what a request gave; what can't be read is counted, and some of it named.
fn read(path: &str, values: &[Value], batch: &mut Batch) -> Vec<Given> {
    let mut given = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        match Given::of(value) {
            Ok(one) => given.push(one),
            Err(reason) => {
                batch.skipped_total += 1;
                if batch.skipped.len() < NAMED {
                    batch.skipped.push(Skipped { place: format!("{path}, value {i}"), reason });
                }
            }
        }
    }
    given
}

#[async_trait]
impl Source for Custom {
    fn capabilities(&self) -> Vec<Capability> {
        self.capabilities.clone()
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.remembered = active.to_vec();
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        if cursor.is_none() {
            self.state = None;
        }
        let known_to = self.state.as_ref().map_or_else(|| told_to(cursor), |state| state.told_to);
        let since = known_to.map_or(now - self.backfill, |told_to| told_to - OVERLAP);
        let before = self.client.sent();
        let all = self.ask(Window { since, now }).await?;

        let mut batch = Batch::default();
        let is_first = self.state.is_none();
        let remembered = std::mem::take(&mut self.remembered);
        let state =
            self.state.get_or_insert_with(|| State { differ: Differ::resumed(known_to, remembered), told_to: None });
        if is_first {
            let capabilities = self.capabilities.clone();
            batch.events.push(Event::undated(EventKind::Hello { version: VERSION, source: None, capabilities }));
        }
        for (i, walked) in all {
            let request = &self.plans[i].request;
            for given in read(&request.path, &walked.values, &mut batch) {
                match given {
                    Given::Event(event) => batch.events.push(event),
                    Given::Record(record) => state.differ.look(*record, now, &mut batch.events),
                }
            }
            // Where records can't be read, their absence proves nothing.
            if request.tells_all && batch.skipped_total == 0 {
                for id in state.differ.missing(now) {
                    state.differ.vanish(&id, now, &mut batch.events);
                }
            }
            batch.quota = walked.quota.or(batch.quota);
            self.due_at[i] = request.every.map(|every| now + TimeDelta::from_std(every.0).unwrap_or(TimeDelta::MAX));
        }
        state.differ.forget(now - REMEMBERED);
        state.told_to = Some(now);
        batch.cursor = Some(Cursor(json!({ "told_to": now.millis() })));
        batch.requests = (self.client.sent() - before) as u32;
        Ok(batch)
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let window = Window { since: now - TimeDelta::days(1), now };
        let (mut findings, mut quota, mut date) = (Vec::new(), None::<Quota>, None);
        for plan in &self.plans {
            let walked = walk(&self.client, plan, window, Some(1)).await?;
            let mut batch = Batch::default();
            let given = read(&plan.request.path, &walked.values, &mut batch);
            let records = given.iter().filter(|one| matches!(one, Given::Record(_))).count();
            let says = format!("{records} records and {} events on its first page", given.len() - records);
            findings.push(Finding::good(excerpt(&plan.request.path), says));
            findings.extend(Finding::skipped(
                batch.skipped,
                batch.skipped_total,
                "mend the jq program of this request",
            ));
            (quota, date) = (walked.quota.or(quota), walked.date.or(date));
        }
        findings.extend(date.map(|there| Finding::clock(there, now)));
        findings.push(Finding::quota(quota));
        Ok(findings)
    }
}
