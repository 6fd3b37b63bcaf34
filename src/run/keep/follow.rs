//! A second helptop on one store: shows what the first one keeps, and polls nobody.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::keeper::{Own, TakeOver};
use super::recorder::QUIET;
use crate::board::{StoreHealth, StoreState};
use crate::event::{Event, EventKind};
use crate::run::clock::Now;
use crate::run::engine::Recall;
use crate::store::{KeptSource, Selection, Store, StoreError};

/// How often the store is looked into.
const EVERY: Duration = Duration::from_secs(1);

/// Follows a store that another program writes.
pub struct Follower {
    /// The store.
    pub store: Box<dyn Store>,
    /// The names of the board's sources, in their order.
    pub names: Vec<String>,
    /// How to go on once the other helptop has ended.
    pub take_over: TakeOver,
    /// What the engine is told.
    pub recalls: mpsc::Sender<Recall>,
    /// Whether all is well.
    pub health: watch::Sender<StoreHealth>,
    /// The board's clock.
    pub now: Now,
}

impl Follower {
    /// Follows until the other helptop has ended, or the engine is gone.
    pub async fn run(mut self) -> Option<Own> {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut selection = Selection::Since((self.now)() - QUIET);
        loop {
            tick.tick().await;
            match self.look(&selection) {
                Ok((appends, recalls)) => {
                    self.health.send_if_modified(|health| {
                        let was_failing = health.error.take().is_some();
                        health.state = StoreState::Following;
                        was_failing
                    });
                    selection = Selection::Touched(appends);
                    for recall in recalls {
                        if self.recalls.send(recall).await.is_err() {
                            return None;
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the store that another helptop keeps");
                    self.health.send_modify(|health| {
                        health.state = StoreState::Failing;
                        health.error = Some((error.to_string(), error.hint().to_owned()));
                    });
                }
            }
            if self.recalls.is_closed() {
                return None;
            }
            // What can't be opened now is tried again.
            if let Ok(Some(own)) = (self.take_over)() {
                return Some(own);
            }
        }
    }

    /// What is new, and the number of the append that it leads to.
    fn look(&mut self, selection: &Selection) -> Result<(i64, Vec<Recall>), StoreError> {
        // Before the read: what comes in between is read twice rather than never.
        let appends = self.store.appends()?;
        let kept = self.store.sources()?;
        let mut told: Vec<Vec<Event>> = self.names.iter().map(|_| Vec::new()).collect();
        let place = |names: &[String], kept: &KeptSource| names.iter().position(|name| *name == kept.name);
        if *selection != Selection::Touched(appends) {
            let names = &self.names;
            self.store.read(selection, &mut |no, event| {
                let source = kept.iter().find(|kept| kept.no == no).and_then(|kept| place(names, kept));
                if let Some(source) = source.filter(|_| !matches!(event.kind, EventKind::Clock {})) {
                    told[source].push(event);
                }
                Ok(())
            })?;
        }
        let recalls = told.into_iter().enumerate().map(|(source, events)| {
            let of = kept.iter().find(|kept| place(&self.names, kept) == Some(source));
            Recall { source, events, good_at: of.and_then(|of| of.good_at), is_followed: true, pushes: None }
        });
        Ok((appends, recalls.collect()))
    }
}
