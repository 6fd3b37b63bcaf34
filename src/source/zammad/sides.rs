//! The lists of groups and agents, without which the news can do: one that can't be read, as where a search engine that
//! answers it is down, is named once and left alone for longer and longer, and the rest goes on. Names of groups come with
//! the tickets, too, and who is in no list goes by name or number.

use super::Zammad;
use super::ask::Ask;
use super::book::Book;
use crate::source::SourceError;
use crate::source::sides::Sides;
use crate::source::wanted::is_of_one;

/// What they are called among the skipped.
const AGENTS: &str = "agents";
const GROUPS: &str = "groups";

/// Reads both for a start, and finds the groups that the config names: without their list that can't be done.
pub(super) async fn read(ask: &mut Ask, book: &mut Book, watched: &[String]) -> Result<Sides, SourceError> {
    let mut sides = Sides::default();
    sides.may_ask(GROUPS, ask.now);
    match book.read_groups(ask).await {
        Err(error) if !watched.is_empty() => return Err(error),
        groups => sides.came(GROUPS, groups, &mut ask.skips)?,
    };
    book.watched = book.watch(watched)?;
    sides.may_ask(AGENTS, ask.now);
    let passes = |error: &SourceError| matches!(error, SourceError::Transient { .. }) && is_of_one(error);
    match book.read_agents(ask).await {
        // A right that is missing, or a shape that is not known, is told before anything else is.
        Err(error) if !passes(&error) => return Err(error),
        agents => sides.came(AGENTS, agents, &mut ask.skips)?,
    };
    Ok(sides)
}

impl Zammad {
    /// Reads the agents where it is time to, and what could not be read and was left alone for long enough.
    pub(super) async fn read_sides(&mut self, ask: &mut Ask, is_time: bool) -> Result<(), SourceError> {
        if self.state.sides.asks_for(AGENTS, is_time, ask.now) {
            let got = self.state.book.read_agents(ask).await;
            if self.state.sides.came(AGENTS, got, &mut ask.skips)?.is_some() {
                self.state.agents_changed();
            }
        }
        if self.state.sides.asks_for(GROUPS, false, ask.now) {
            let got = self.state.book.read_groups(ask).await;
            if self.state.sides.came(GROUPS, got, &mut ask.skips)?.is_some() {
                self.state.outbox.extend(self.state.book.teams().collect::<Vec<_>>());
            }
        }
        Ok(())
    }
}
