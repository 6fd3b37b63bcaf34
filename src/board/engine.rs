//! The one owner of the desk: takes events in, keeps the figures, and builds the pictures that viewers see.
//!
//! Pure: it is told what time it is, and does no I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::bygone;
use super::health::{SourceHealth, SourceState, StoreHealth};
use super::page::{Page, Query};
use super::snapshot::BoardSnapshot;
use super::timeline::conversation_page;
use super::trend::Trend;
use crate::desk::{ConversationIx, Desk, SourceIx};
use crate::event::{Capability, Event, Timestamp};
use crate::metrics::live::{LiveIndex, RiskCounts};
use crate::metrics::thresholds::Thresholds;
use crate::metrics::today::TodayIndex;

/// Events further ahead than this are held back until their time comes: a vendor's clock may be a little fast, but
/// an event of next year is no news.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// Of those, at most so many are held.
const HELD_MOST: usize = 100_000;
/// Logs of ended conversations are let go after this.
const COMPACT_AFTER: TimeDelta = TimeDelta::days(2);
/// Ended conversations are let go after this, where nobody can tell of them again.
const FORGET_AFTER: TimeDelta = TimeDelta::days(30);
/// How often something is let go.
const LET_GO_EVERY: TimeDelta = TimeDelta::hours(1);

/// What an engine is made for.
#[derive(Clone)]
pub struct Options {
    /// When a wait is at risk and when it has breached.
    pub thresholds: Arc<Thresholds>,
    /// Keep the words of messages for the chat page.
    pub keep_text: bool,
    /// The midnight before an instant, in the board's zone.
    pub midnight: Arc<dyn Fn(Timestamp) -> Timestamp + Send + Sync>,
}

/// The one owner of the desk.
pub struct Engine {
    desk: Desk,
    live: LiveIndex,
    today: TodayIndex,
    trend: Trend,
    trend_is_recalled: bool,
    risk: RiskCounts,
    /// Something differs from the last picture.
    changed: bool,
    health: Vec<SourceHealth>,
    published_health: Arc<[SourceHealth]>,
    store: Arc<StoreHealth>,
    health_changed: bool,
    held: BTreeMap<(Timestamp, u64), (SourceIx, Event)>,
    held_number: u64,
    let_go_at: Timestamp,
    forget_after: TimeDelta,
    generation: u64,
    options: Options,
}

impl Engine {
    /// An empty board at `now`.
    pub fn new(options: Options, now: Timestamp) -> Self {
        Self {
            desk: Desk::new(options.keep_text),
            live: LiveIndex::new(options.thresholds.clone()),
            today: TodayIndex::new((options.midnight)(now)),
            trend: Trend::default(),
            trend_is_recalled: false,
            risk: RiskCounts::default(),
            changed: false,
            health: Vec::new(),
            published_health: Arc::from([]),
            store: Arc::default(),
            health_changed: false,
            held: BTreeMap::new(),
            held_number: 0,
            let_go_at: now + LET_GO_EVERY,
            forget_after: FORGET_AFTER,
            generation: 0,
            options,
        }
    }

    /// Adds a source and gives its number.
    pub fn add_source(&mut self, health: SourceHealth) -> SourceIx {
        self.health.push(health);
        self.health_changed = true;
        self.desk.add_source()
    }

    /// Lets go of ended conversations sooner: whoever brings events tells those whole that are spoken of again.
    pub fn forget_after(&mut self, after: TimeDelta) {
        self.forget_after = after;
    }

    /// The desk, as good as the last [`Engine::settle`].
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The live figures and what each agent holds.
    pub fn live(&self) -> &LiveIndex {
        &self.live
    }

    /// Changes what is known of a source's health.
    pub fn set_health(&mut self, source: SourceIx, change: impl FnOnce(&mut SourceHealth)) {
        if let Some(health) = self.health.get_mut(source.at()) {
            change(health);
            self.health_changed = true;
        }
    }

    /// Notes whether what happens is kept.
    pub fn set_store_health(&mut self, health: StoreHealth) {
        self.store = Arc::new(health);
        self.health_changed = true;
    }

    /// Folds events of a source in. The figures follow with the next [`Engine::settle`].
    pub fn take(&mut self, source: SourceIx, events: impl IntoIterator<Item = Event>, now: Timestamp) {
        let horizon = now + AHEAD;
        for event in events {
            match event.at {
                Some(at) if at > horizon => self.hold(source, at, event),
                _ => self.desk.apply(source, event),
            }
        }
    }

    /// Folds in what a live board still needs of events that are history: whole conversations that have ended.
    pub fn take_history(&mut self, source: SourceIx, events: Vec<Event>, now: Timestamp) {
        let needed = bygone::still_needed(&self.desk, source, events, now - COMPACT_AFTER);
        self.take(source, needed, now);
    }

    /// Brings the figures up to date: changes of the desk, and what the passing of time alone changes. Tells
    /// whether anything that a viewer sees differs from the last picture.
    pub fn settle(&mut self, now: Timestamp) -> bool {
        self.release(now);
        let changes = self.desk.take_changes();
        let mut changed = !(changes.conversations.is_empty()
            && changes.agents.is_empty()
            && changes.teams.is_empty()
            && changes.customers.is_empty());
        if changed {
            self.live.refresh(&self.desk, &changes, now);
            self.today.refresh(&self.desk, &changes);
        }
        let midnight = (self.options.midnight)(now);
        if midnight > self.today.since() {
            self.today.begin(midnight, &self.desk);
            changed = true;
        }
        let risk = self.live.risk(now);
        changed |= std::mem::replace(&mut self.risk, risk) != risk;
        changed |= self.trend.sample(now, self.live.figures().totals.unanswered);
        if now >= self.let_go_at {
            self.let_go_at = now + LET_GO_EVERY;
            self.desk.let_go(now - COMPACT_AFTER, now - self.forget_after);
        }
        self.changed |= changed;
        self.changed || self.health_changed
    }

    /// Fills the trend of the last hour from the desk's own history, once the first data is in.
    pub fn recall_trend(&mut self, now: Timestamp) {
        self.desk.settle();
        self.trend.recall(&self.desk, now);
        self.trend_is_recalled = true;
    }

    /// Whether the trend was filled from history.
    pub fn trend_is_recalled(&self) -> bool {
        self.trend_is_recalled
    }

    /// The picture as of the last [`Engine::settle`]. Before a source has told all that goes on now it holds no figure:
    /// those of a part are wrong.
    pub fn snapshot(&mut self, now: Timestamp) -> BoardSnapshot {
        self.generation += 1;
        self.changed = false;
        if std::mem::take(&mut self.health_changed) {
            for (i, health) in self.health.iter_mut().enumerate() {
                let said = self.desk.capabilities(SourceIx(i as u32));
                if health.capabilities != said {
                    health.capabilities = said.to_vec();
                }
            }
            self.published_health = self.health.as_slice().into();
        }
        let unheard = BoardSnapshot {
            generation: self.generation,
            at: now,
            sources: self.published_health.clone(),
            store: Arc::clone(&self.store),
            thresholds: self.options.thresholds.clone(),
            ..BoardSnapshot::default()
        };
        if !unheard.knows_anything() {
            return unheard;
        }
        BoardSnapshot {
            live: self.live.figures().clone(),
            today: self.today.figures(),
            tells_ratings: self.desk.any_can_tell(Capability::Ratings) || self.today.figures().csat.of > 0,
            tells_presence: self.desk.any_can_tell(Capability::Presence) || self.knows_presence(),
            risk: self.risk,
            risk_ahead: self.live.risk_ahead(),
            waiting_trend: self.trend.samples(),
            ..unheard
        }
    }

    /// What is behind a row.
    pub fn page(&mut self, query: Query, now: Timestamp) -> Page {
        self.desk.settle();
        let history = super::history::History { desk: &self.desk, live: &self.live, since: self.today.since(), now };
        match query {
            Query::Agent(ix) => history.agent(ix).map_or(Page::Gone, |page| Page::Agent(Box::new(page))),
            Query::Conversation(ix) => self.conversation(Some(ix)),
            Query::Named(source, id) => self.conversation(self.desk.find_conversation(source, &id)),
            Query::Customer(..) => Page::Gone,
        }
    }

    fn conversation(&self, ix: Option<ConversationIx>) -> Page {
        let page = ix.and_then(|ix| conversation_page(&self.desk, ix));
        page.map_or(Page::Gone, |page| Page::Conversation(Box::new(page)))
    }

    fn knows_presence(&self) -> bool {
        let totals = self.live.figures().totals;
        totals.online + totals.away + totals.offline > 0
    }

    fn hold(&mut self, source: SourceIx, at: Timestamp, event: Event) {
        let fate = if self.held.len() < HELD_MOST {
            self.held.insert((at, self.held_number), (source, event));
            self.held_number += 1;
            "is held back until then"
        } else {
            "is dropped, for too many are held back already"
        };
        self.set_health(source, |health| {
            health.skip(format!("event of {at}: lies in the future and {fate}; is a clock wrong?"));
        });
    }

    fn release(&mut self, now: Timestamp) {
        let horizon = (now + AHEAD, u64::MAX);
        if self.held.first_key_value().is_none_or(|(key, _)| *key > horizon) {
            return;
        }
        let later = self.held.split_off(&horizon);
        for (source, event) in std::mem::replace(&mut self.held, later).into_values() {
            self.desk.apply(source, event);
        }
    }
}

impl SourceHealth {
    /// Notes a record that could not be read.
    pub fn skip(&mut self, what: String) {
        const KEPT: usize = 20;
        self.skipped_total += 1;
        if self.skipped.len() == KEPT {
            self.skipped.remove(0);
        }
        self.skipped.push(what);
    }

    /// Notes an answer at `at` that tells how things are.
    pub fn good(&mut self, at: Timestamp, finished: bool) {
        self.good_at = Some(at);
        self.alive(at, finished);
    }

    /// Notes that all was well at `at` though nothing was said: the data is as old as before.
    pub fn alive(&mut self, at: Timestamp, finished: bool) {
        self.alive_at = Some(at);
        self.error = None;
        self.state = if finished { SourceState::Finished } else { SourceState::Fresh };
    }

    /// Notes that it answered, but not what goes on now: the data is as old as before, and nobody says that it is well.
    pub fn answered(&mut self) {
        self.error = None;
        if self.state == SourceState::Failing {
            self.state = SourceState::Fresh;
        }
    }

    /// Notes that what was kept tells how things were at `at`; whatever went wrong since then still is.
    pub fn recall(&mut self, at: Timestamp) {
        let error = self.error.take();
        let state = self.state;
        self.good(at, false);
        if error.is_some() {
            (self.error, self.state) = (error, state);
        }
    }

    /// Notes a failure; an error that lasts keeps the instant it began.
    pub fn bad(&mut self, at: Timestamp, error: String, hint: String) {
        let since = self.error.as_ref().map_or(at, |(_, _, since)| *since);
        self.error = Some((error, hint, since));
        self.state = SourceState::Failing;
    }
}
