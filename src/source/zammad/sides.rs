//! The list of agents, without which the news can do: where a search engine answers it and is down, it is named once and
//! left alone for longer and longer, and the rest goes on. Who is in no list goes by name or number.

use super::Zammad;
use super::ask::Ask;
use crate::source::SourceError;
use crate::source::wanted::is_of_one;

/// What it is called among the skipped.
const AGENTS: &str = "agents";

impl Zammad {
    /// Reads the agents where it is time to, or where they could not be read and were left alone for long enough.
    pub(super) async fn read_agents(&mut self, ask: &mut Ask, is_time: bool) -> Result<(), SourceError> {
        let pauses = &mut self.state.sides;
        let asks = if pauses.holds(&AGENTS) { !pauses.rests(&AGENTS, ask.now) } else { is_time };
        if !asks {
            return Ok(());
        }
        // Left alone until they came: an answer that takes too long is not waited for in every poll.
        pauses.failed(AGENTS, ask.now);
        let got = self.state.book.read_agents(ask).await;
        match got {
            Ok(()) => {
                self.state.sides.end(&AGENTS);
                ask.told.forget(AGENTS);
                self.state.agents_changed();
                Ok(())
            }
            Err(error) if is_of_one(&error) => {
                self.without_agents(ask, &error);
                Ok(())
            }
            Err(error) => {
                self.state.sides.end(&AGENTS);
                Err(error)
            }
        }
    }

    /// Goes on without: they could not be read.
    pub(super) fn without_agents(&mut self, ask: &mut Ask, error: &SourceError) {
        if !self.state.sides.holds(&AGENTS) {
            self.state.sides.failed(AGENTS, ask.now);
        }
        if ask.told.is_new(format!("{AGENTS} .")) {
            ask.skips.note(AGENTS.to_owned(), ".", &error.to_string());
        }
    }
}
