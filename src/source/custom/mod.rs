//! Any JSON API over HTTP: what is asked, and the jq programs that make events or records of the answers, stand in the
//! config.
//!
//! With each poll what is due is asked, a few pages at a time (`round`); the state changes only after all of it went
//! well. Records are compared with the look before ([`super::differ`]), events are handed on as they are.

mod clock;
mod lists;
mod presence;
mod program;
mod record;
mod round;
mod settings;
mod understood;
mod walk;
mod watch;
mod window;
mod words;

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::json;

use self::clock::Clock;
use self::lists::Lists;
use self::presence::Presences;
use self::record::Given;
use self::round::{Bad, Ended, Found, Round, Without};
use self::settings::{Plan, Request, Settings};
use self::understood::{HaveRead, Tally};
use self::walk::{Walk, not_understood};
use self::window::Window;
use super::differ::Differ;
use super::http::{Auth, Client, Hidden, Limits, address, words::excerpt};
use super::pauses::Pauses;
use super::skips::{Named, Skips};
use super::{Batch, Cursor, Finding, Kind, Quota, Source, SourceError, Spec};
use crate::event::{Capability, ConversationId, EventKind, Timestamp};

/// So much is asked again with each poll: clocks differ, and records become visible late.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// Ended conversations are remembered for so long.
const REMEMBERED: TimeDelta = TimeDelta::days(2);
/// An optional request that is refused, not just not answered, is tried again after that.
const REFUSED: TimeDelta = TimeDelta::hours(1);
/// The window of `requests_per_minute`.
const MINUTE: TimeDelta = TimeDelta::minutes(1);

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
    state: State,
    clock: Clock,
    remembered: Vec<ConversationId>,
    requests_per_minute: Option<u32>,
    /// When the minute ends that is counted, and the requests in it.
    minute: (Timestamp, u64),
}

#[derive(Debug, Default)]
struct State {
    /// When each request is due again; those that are not in it are due always.
    due_at: HashMap<usize, Timestamp>,
    /// When each request with `tells_all` was read whole.
    lists: Lists,
    presences: Presences,
    /// Records that can't be read, and were named.
    named: Named,
    /// Conversations that are in a list with `tells_all`, though what it says of them can't be read, and when they were.
    unread: HashMap<ConversationId, Timestamp>,
    have_read: HaveRead,
    /// Optional requests that could not be read, and were named.
    pauses: Pauses<usize>,
    /// The look that is under way.
    round: Option<Round>,
    /// What the looks came to, from the first whole one on.
    told: Option<Told>,
}

#[derive(Debug)]
struct Told {
    differ: Differ,
    /// By the other side's clock.
    to: Timestamp,
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
        let (capabilities, state) = (settings.capabilities()?, State::default());
        let requests_per_minute = settings.requests_per_minute;
        if requests_per_minute == Some(0) {
            return Err("requests_per_minute: is 0, must be at least 1".into());
        }
        let (clock, remembered, minute) = (Clock::default(), Vec::new(), (Timestamp::MIN, 0));
        Ok(Self { client, plans, capabilities, backfill, state, clock, remembered, requests_per_minute, minute })
    }

    /// What is due, with the span that each request asks for.
    fn due(&self, known_to: Option<Timestamp>, now: Timestamp) -> VecDeque<(usize, Window)> {
        let rests = |number: &usize| self.state.pauses.rests(number, now);
        let is_due =
            |number: &usize| !rests(number) && self.state.due_at.get(number).is_none_or(|due_at| *due_at <= now);
        let now = self.clock.there(now);
        let window = |number: usize| {
            let request = &self.plans[number].request;
            // It was asked that long before the last look at most.
            let overlap = OVERLAP + request.every();
            let since = match known_to {
                Some(told_to) => told_to - overlap,
                // What was gone before anything was told is nobody's business.
                None if request.only_known => now - overlap,
                None => now - self.backfill,
            };
            (number, Window { since, now })
        };
        (0..self.plans.len()).filter(is_due).map(window).collect()
    }

    /// What is left, by the answers or by `requests_per_minute`: the lesser.
    fn left(&mut self, quota: Option<Quota>, requests: u64, now: Timestamp) -> Option<Quota> {
        if now >= self.minute.0 {
            self.minute = (now + MINUTE, 0);
        }
        self.minute.1 += requests;
        let own = self.requests_per_minute.map(|limit| {
            let limit = u64::from(limit);
            Quota { limit, remaining: limit.saturating_sub(self.minute.1), resets_at: Some(self.minute.0) }
        });
        own.into_iter().chain(quota).min_by_key(|quota| quota.remaining)
    }

    /// Tells what a whole look found, as one look.
    fn tell(&mut self, round: Round, known_to: Option<Timestamp>, batch: &mut Batch) {
        let (began_at, told_at) = (round.began_at, round.told_at(&self.clock));
        self.clock = self.clock.anew();
        let Ended { found, answered, without } = round.end();
        let remembered = std::mem::take(&mut self.remembered);
        let told =
            self.state.told.get_or_insert_with(|| Told { differ: Differ::resumed(known_to, remembered), to: told_at });
        for &number in answered.iter().filter(|number| self.plans[**number].request.tells_all) {
            let pages: Vec<&Found> = found.iter().filter(|page| page.number == number).collect();
            // Where it can't be read which conversation is there, the absence of one proves nothing.
            if !pages.iter().any(|page| page.hides_any()) {
                let holds_any = pages.iter().any(|page| page.holds_any());
                self.state.lists.note(number, pages.len(), holds_any, told_at);
            }
        }
        let (mut skips, mut named, mut presences) = (Skips::default(), self.state.named.clone(), Vec::new());
        for Found { number, at, given, bad } in found {
            let Request { only_known, tells_all, .. } = self.plans[number].request;
            for Bad { place, name, reason, conversation, .. } in bad {
                self.state.unread.extend(conversation.filter(|_| tells_all).map(|id| (id, at)));
                if named.is_new(name) {
                    skips.note(place, ".", &reason);
                }
            }
            for one in given {
                match one {
                    Given::Event(event) if matches!(event.kind, EventKind::Presence { .. }) => {
                        presences.push((number, at, event));
                    }
                    Given::Event(event) => batch.events.push(event),
                    Given::Record(record) if only_known && !told.differ.expects(&record.opened.conversation) => {}
                    Given::Record(record) => told.differ.look(*record, at, &mut batch.events),
                }
            }
        }
        self.state.presences.look(presences, began_at, &mut batch.events);
        self.state.named.keep(named);
        let lists: Vec<usize> = (0..self.plans.len()).filter(|number| self.plans[*number].request.tells_all).collect();
        if let Some(gone_before) = self.state.lists.gone_before(&lists) {
            self.state.unread.retain(|_, at| *at >= gone_before);
            let missing = told.differ.missing(gone_before).into_iter();
            for id in missing.filter(|id| !self.state.unread.contains_key(id)) {
                told.differ.vanish(&id, told_at, &mut batch.events);
            }
        }
        told.differ.due(told_at, &mut batch.events);
        let every = |number: usize| self.plans[number].request.every();
        self.state.presences.lose(&answered, every, (began_at, told_at));
        for number in &answered {
            self.state.pauses.end(number);
        }
        let again = answered.into_iter().filter(|number| self.plans[*number].request.every.is_some());
        self.state.due_at.extend(again.map(|number| (number, began_at + self.plans[number].request.every())));
        for Without { number, error, at } in without {
            let request = &self.plans[number].request;
            if self.state.pauses.failed(number, at) == 1 {
                skips.note(format!("{}, optional", request.path), ".", &error.to_string());
            }
            let until = match error {
                SourceError::Transient { until: Some(until), .. } => until,
                error if round::is_refused(&error) => at + request.every().max(REFUSED),
                _ => at,
            };
            self.state.pauses.hold_until(&number, until);
        }
        (batch.skipped, batch.skipped_total) = (skips.named, skips.total);
        told.differ.forget(told_at - REMEMBERED);
        told.to = told_at;
        batch.as_of = Some(began_at);
        batch.cursor = Some(Cursor(json!({ "told_to": told_at.millis() })));
    }
}

fn told_to(cursor: Option<&Cursor>) -> Option<Timestamp> {
    cursor?.0.get("told_to")?.as_i64().map(Timestamp::from_millis)
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
        if cursor.is_none() && self.state.told.is_some() {
            self.state = State::default();
        }
        let known_to = self.state.told.as_ref().map(|told| told.to).or_else(|| told_to(cursor));
        let before = self.client.sent();
        let due = self.due(known_to, now);
        if self.state.round.take_if(|round| round.is_stale(now)).is_some() {
            self.clock = self.clock.anew();
        }
        let asked_to = self.clock.there(now);
        let State { round, have_read, .. } = &mut self.state;
        let round = round.get_or_insert_with(|| Round::new(due, now, asked_to));
        let read = round.read(&self.client, &self.plans, now, &mut self.clock, have_read).await;
        let requests = self.client.sent() - before;
        let quota = round.quota;
        let quota = self.left(quota, requests, now);
        read?;

        let mut batch = Batch { requests: requests as u32, quota, ..Batch::default() };
        match self.state.round.take() {
            Some(round) if round.is_whole() => self.tell(round, known_to, &mut batch),
            Some(round) => {
                batch.progress = round.progress(&self.plans);
                (batch.more, batch.partial) = (true, true);
                self.state.round = Some(round);
            }
            None => {}
        }
        self.state.presences.hello(self.capabilities.clone(), &mut batch.events);
        Ok(batch)
    }

    async fn check(&mut self, now: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let window = Window { since: now - TimeDelta::days(1), now };
        let (mut findings, mut quota, mut date) = (Vec::new(), None::<Quota>, None);
        for (number, plan) in self.plans.iter().enumerate() {
            let page = Walk::new(plan, window).page(&self.client, plan, now).await;
            let read = page.and_then(|page| {
                let found = Found::of(&page.values, number, plan, 0, now);
                let (mut tally, mut have_read) = (Tally::default(), HaveRead::new());
                tally.add(&found, &mut have_read);
                match tally.wrong(number, plan.request.tells_all, page.is_last, &have_read) {
                    Some(what) => Err(not_understood(&self.client, plan, &what)),
                    None => Ok((page, found)),
                }
            });
            let (page, found) = match read {
                Err(failure) if plan.request.optional && !failure.is_of_all => {
                    let says = format!("optional, and passed over: {}", failure.error);
                    findings.push(Finding::fact(excerpt(&plan.request.path), excerpt(&says)));
                    continue;
                }
                read => read.map_err(|failure| failure.error)?,
            };
            let records = found.given.iter().filter(|one| matches!(one, Given::Record(_))).count();
            let says = format!("{records} records and {} events on its first page", found.given.len() - records);
            findings.push(Finding::good(excerpt(&plan.request.path), says));
            let mut skips = Skips::default();
            for Bad { place, reason, .. } in found.bad {
                skips.note(place, ".", &reason);
            }
            findings.extend(Finding::skipped(skips.named, skips.total, "mend the jq program of this request"));
            (quota, date) = (page.quota.or(quota), page.date.or(date));
        }
        findings.extend(date.map(|there| Finding::clock(there, now)));
        findings.push(Finding::quota(quota));
        Ok(findings)
    }
}
