//! The simulated desk: believable traffic with a day's rhythm, no account, no network.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Batch, Cursor, Finding, Kind, Pace, Source, SourceError, Spec};
use crate::event::{Capability, Timestamp};

mod agenda;
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
/// How long a poll waits when nothing has happened.
const IDLE: Duration = Duration::from_millis(250);
/// Up to this size the desk also has the day before.
const SMALL: usize = 1_000;

/// A source that makes up what it tells.
#[derive(Debug)]
pub struct Demo {
    params: Params,
    simulation: Option<Simulation>,
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
        Ok(Self { params, simulation: None })
    }

    fn from_spec(spec: &Spec) -> Result<Self, String> {
        Self::new(&super::settings(spec)?)
    }

    /// Where the simulation begins: a midnight in UTC, so that a day is the same whenever it is looked at.
    ///
    /// A small desk has the day before too: half of the world is in the middle of its day at that midnight.
    fn anchor(&self, now: Timestamp) -> Timestamp {
        let day = now.millis().div_euclid(rhythm::DAY) - i64::from(self.params.chats <= SMALL);
        Timestamp::from_millis(day * rhythm::DAY)
    }
}

#[async_trait]
impl Source for Demo {
    fn pace(&self) -> Pace {
        Pace::Push
    }

    fn capabilities(&self) -> Vec<Capability> {
        super::ALL_CAPABILITIES.to_vec()
    }

    async fn poll(&mut self, _: Option<&Cursor>, now: Timestamp) -> Result<Batch, SourceError> {
        let (params, anchor) = (self.params, self.anchor(now));
        let simulation = self.simulation.get_or_insert_with(|| Simulation::new(params, anchor));
        let mut events = Vec::new();
        let more = simulation.advance(now, AT_MOST, &mut events);
        if events.is_empty() {
            tokio::time::sleep(IDLE).await;
        }
        let told = events.iter().rev().find_map(|event| event.at).filter(|_| more);
        let progress = told.map(|told| {
            let part = (told - anchor).as_seconds_f32() / (now - anchor).as_seconds_f32().max(1.0);
            ("telling the day so far".to_owned(), part.clamp(0.0, 1.0))
        });
        Ok(Batch { events, more, partial: more, progress, ..Batch::default() })
    }

    async fn check(&mut self, _: Timestamp) -> Result<Vec<Finding>, SourceError> {
        let Params { seed, agents, chats } = self.params;
        let says = format!("{agents} agents, about {chats} open chats, seed {seed}");
        Ok(vec![Finding::good("simulated desk", says)])
    }
}
