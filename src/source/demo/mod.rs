//! The simulated desk: believable traffic with a day's rhythm, no account, no network.
//!
//! First it tells how things are now, then what goes on, and between that, a little at a time, what was before. All of
//! it follows from the settings and the day on which it was first looked at, which the cursor holds: a start anew makes
//! the same desk again and goes on where it was.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use compact_str::{CompactString, format_compact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::bygone::Bygone;
use super::{Batch, Cursor, Finding, Kind, Pace, Source, SourceError, Spec};
use crate::event::{AgentId, Capability, ConversationId, Event, EventKind, Status, StatusBy, Timestamp};

mod agenda;
mod bygone;
mod chat;
mod dice;
mod found;
mod life;
mod names;
mod rhythm;
mod roster;
mod simulation;
#[cfg(test)]
mod tests;
mod topics;

pub use simulation::{Params, Simulation};

/// The row of the registry.
pub const KIND: Kind = Kind {
    name: "demo",
    title: "the built-in simulated desk",
    capabilities: &super::ALL_CAPABILITIES,
    cannot_tell: &[],
    secrets: &[],
    setup: None,
    schema: || schemars::schema_for!(Settings),
    build: |spec| Demo::from_spec(spec).map(|demo| Box::new(demo) as Box<dyn Source>),
};

/// Settings of a `demo` source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The same seed gives the same day.
    pub seed: u64,
    /// How many people answer, from 1 to 20000.
    pub agents: usize,
    /// How many chats are open in working hours, from 1 to 1000000.
    pub chats: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, agents: 12, chats: 300 }
    }
}

/// How many events one poll hands over at once, or hardly more: while the day so far is told, what is on its way
/// takes memory that nobody gets back.
const AT_MOST: usize = 2_000;
/// How many it passes over at once that were told before.
const AT_MOST_TOLD: usize = 20_000;
/// How long a poll waits when nothing has happened.
const IDLE: Duration = Duration::from_millis(250);
/// How long between two parts of the past.
const PAUSE: Duration = Duration::from_millis(50);
/// Up to this size the desk also has the day before.
const SMALL: usize = 1_000;
/// A desk is made again up to the present as long as that is not more than so many days of a desk of one chat.
const MOST_CHAT_DAYS: i64 = 100_000;

/// Where a simulated desk stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// When it begins.
    anchor: Timestamp,
    /// Everything before this was told.
    told_to: Timestamp,
    /// When its past begins; nothing where it has none.
    past_from: Option<Timestamp>,
    /// How many events of its past were told.
    past_told: u64,
    /// All of them.
    past_over: bool,
}

/// A source that makes up what it tells.
#[derive(Debug)]
pub struct Demo {
    params: Params,
    backfill: Duration,
    running: Option<Running>,
    remembered: Vec<ConversationId>,
}

/// A desk that is being simulated.
#[derive(Debug)]
struct Running {
    simulation: Simulation,
    mark: Mark,
    /// Before this, all was told in an earlier run.
    skip_to: Timestamp,
    /// How far it was made.
    reached: Timestamp,
    /// The first state of each agent that was told.
    states: HashMap<AgentId, Timestamp>,
    past: Option<Bygone>,
    /// What goes on was just told: the next poll may tell of the past.
    is_past_next: bool,
}

impl Demo {
    /// A desk of that size.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        if !(1..=20_000).contains(&settings.agents) {
            return Err(format!("agents is {}, must be from 1 to 20000", settings.agents));
        }
        if !(1..=1_000_000).contains(&settings.chats) {
            return Err(format!("chats is {}, must be from 1 to 1000000", settings.chats));
        }
        let params = Params { seed: settings.seed, agents: settings.agents, chats: settings.chats };
        Ok(Self { params, backfill: Duration::MAX, running: None, remembered: Vec::new() })
    }

    fn from_spec(spec: &Spec) -> Result<Self, String> {
        Ok(Self { backfill: spec.backfill, ..Self::new(&super::settings(spec)?)? })
    }

    /// Where the simulation begins: a midnight in UTC, so that a day is the same whenever it is looked at.
    ///
    /// A small desk has the day before too: half of the world is in the middle of its day at that midnight.
    fn anchor(&self, now: Timestamp) -> Timestamp {
        let day = now.millis().div_euclid(rhythm::DAY) - i64::from(self.params.chats <= SMALL);
        Timestamp::from_millis(day * rhythm::DAY)
    }

    /// A desk that stands where the cursor says, if that can still be made again; else a new one.
    fn begin(&self, cursor: Option<&Cursor>, now: Timestamp) -> Running {
        let kept = cursor.and_then(Cursor::read::<Mark>);
        let most_days = MOST_CHAT_DAYS / self.params.chats as i64;
        let again = kept.filter(|mark| mark.anchor <= now && (now - mark.anchor).num_days() <= most_days.max(2));
        let anchor = again.as_ref().map_or_else(|| self.anchor(now), |mark| mark.anchor);
        let mark = again.unwrap_or_else(|| {
            let span = TimeDelta::days(bygone::days(self.params.chats));
            let span = TimeDelta::from_std(self.backfill).map_or(span, |asked| asked.min(span));
            // After an earlier run that can't be gone on with, its past is there already.
            let has_past = cursor.is_none() && !span.is_zero();
            let past_from = has_past.then(|| anchor - span);
            Mark { anchor, told_to: Timestamp::MIN, past_from, past_told: 0, past_over: !has_past }
        });
        Running {
            simulation: Simulation::begun(self.params, anchor, anchor, mark_of('c', self.params, anchor)),
            skip_to: mark.told_to,
            reached: anchor,
            mark,
            states: HashMap::new(),
            past: None,
            is_past_next: false,
        }
    }

    /// Ends the chats of an earlier run that this desk knows nothing of.
    fn end_strangers(&mut self, now: Timestamp) -> Vec<Event> {
        let Some(running) = &self.running else { return Vec::new() };
        let own = mark_of('c', self.params, running.mark.anchor);
        let strangers = std::mem::take(&mut self.remembered).into_iter().filter(|id| !id.as_str().starts_with(&*own));
        let closed = |conversation| {
            let (status, by) = (Status::Closed, Some(StatusBy::System));
            Event::new(now, EventKind::Status { conversation, status, by, agent: None })
        };
        strangers.map(closed).collect()
    }
}

impl Running {
    /// What goes on, up to `now`; whether there is more.
    fn live(&mut self, now: Timestamp, events: &mut Vec<Event>) -> bool {
        let at_most = if self.reached < self.skip_to { AT_MOST_TOLD } else { AT_MOST };
        let more = self.simulation.advance(now, at_most, events);
        let reached = events.iter().rev().find_map(|event| event.at);
        if !self.mark.past_over && self.past.is_none() {
            for event in events.iter() {
                if let (EventKind::Presence { agent, .. }, Some(at)) = (&event.kind, event.at) {
                    self.states.entry(agent.clone()).or_insert(at);
                }
            }
        }
        events.retain(|event| event.at.is_none_or(|at| at >= self.skip_to));
        self.reached = if more { reached.unwrap_or(self.reached) } else { now };
        self.mark.told_to = self.mark.told_to.max(self.reached);
        more
    }

    /// A part of the past, and which part of it is told then.
    fn past(&mut self, params: Params) -> (Vec<Event>, f32) {
        let Some(from) = self.mark.past_from.filter(|_| !self.mark.past_over) else { return (Vec::new(), 1.0) };
        let (anchor, states) = (self.mark.anchor, &mut self.states);
        let past = self.past.get_or_insert_with(|| Bygone::new(params, from, anchor, std::mem::take(states)));
        let told = self.mark.past_told;
        let is_again = past.told < told;
        let mut events = past.tell(if is_again { AT_MOST_TOLD } else { AT_MOST });
        if is_again {
            let over = past.told.saturating_sub(told).min(events.len() as u64) as usize;
            events.drain(..events.len() - over);
        }
        self.mark.past_told = told.max(past.told);
        let part = past.part();
        if past.is_told() {
            self.mark.past_over = true;
            self.past = None;
        }
        (events, part)
    }

    fn cursor(&self) -> Option<Cursor> {
        serde_json::to_value(&self.mark).ok().map(Cursor)
    }
}

/// What the ids of a desk's chats begin with, so that those of two desks differ.
fn mark_of(letter: char, params: Params, start: Timestamp) -> CompactString {
    let Params { seed, agents, chats } = params;
    let print = [agents as u64, chats as u64, start.millis() as u64].into_iter().fold(seed, dice::mix);
    format_compact!("{letter}{:05x}-", print & 0xF_FFFF)
}

#[async_trait]
impl Source for Demo {
    fn pace(&self) -> Pace {
        Pace::Push
    }

    fn capabilities(&self) -> Vec<Capability> {
        super::ALL_CAPABILITIES.to_vec()
    }

    fn remember(&mut self, active: &[ConversationId]) {
        self.remembered = active.to_vec();
    }

    async fn poll(&mut self, cursor: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        let params = self.params;
        let mut events = Vec::new();
        if self.running.is_none() {
            self.running = Some(self.begin(cursor, now));
            events = self.end_strangers(now);
        }
        let Some(running) = &mut self.running else { return Ok(Batch::default()) };
        if running.is_past_next {
            tokio::time::sleep(PAUSE).await;
            running.is_past_next = false;
            let (events, part) = running.past(params);
            let progress = (!running.mark.past_over).then(|| ("reading history".to_owned(), part));
            return Ok(Batch { events, cursor: running.cursor(), history: true, progress, ..Batch::default() });
        }
        let strangers = std::mem::take(&mut events);
        let more = running.live(now, &mut events);
        running.is_past_next = !more && !running.mark.past_over;
        if more {
            let anchor = running.mark.anchor;
            let part = (running.reached - anchor).as_seconds_f32() / (now - anchor).as_seconds_f32().max(1.0);
            let progress = Some(("telling the day so far".to_owned(), part.clamp(0.0, 1.0)));
            events.extend(strangers);
            let cursor = running.cursor();
            return Ok(Batch { events, cursor, more, partial: more, progress, ..Batch::default() });
        }
        events.extend(strangers);
        if events.is_empty() && !running.is_past_next {
            tokio::time::sleep(IDLE).await;
        }
        let past = running.past.as_ref().map_or(0.0, Bygone::part);
        let progress = running.is_past_next.then(|| ("reading history".to_owned(), past));
        let cursor = running.cursor().filter(|_| !events.is_empty());
        Ok(Batch { events, cursor, progress, ..Batch::default() })
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let Params { seed, agents, chats } = self.params;
        let says = format!("{agents} agents, about {chats} open chats, seed {seed}");
        Ok(vec![Finding::good("simulated desk", says)])
    }
}
