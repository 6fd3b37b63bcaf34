//! The list of agents, without which the news can do: where a search engine answers it and is down, it is named once and
//! left alone for longer and longer, and the rest goes on. Who is in no list goes by name or number.

use super::Zammad;
use super::ask::Ask;
use crate::source::SourceError;

/// What it is called among the skipped.
const AGENTS: &str = "agents";

impl Zammad {
    /// Reads the agents where it is time to, or where they could not be read and were left alone for long enough.
    pub(super) async fn read_agents(&mut self, ask: &mut Ask, is_time: bool) -> Result<(), SourceError> {
        if !self.state.sides.asks_for(AGENTS, is_time, ask.now) {
            return Ok(());
        }
        let got = self.state.book.read_agents(ask).await;
        if self.state.sides.came(AGENTS, got, &mut ask.skips)?.is_some() {
            self.state.agents_changed();
        }
        Ok(())
    }

    /// Goes on without: they could not be read at the start.
    pub(super) fn without_agents(&mut self, ask: &mut Ask, error: SourceError) -> Result<(), SourceError> {
        self.state.sides.may_ask(AGENTS, ask.now);
        self.state.sides.came::<()>(AGENTS, Err(error), &mut ask.skips).map(|_| ())
    }
}
