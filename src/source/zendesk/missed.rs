//! Tickets that an answer lacks, though it was asked for them: a short answer is no proof that they are gone.

use super::Zendesk;
use super::ask::{Ask, place};
use crate::source::SourceError;
use crate::source::wanted::is_of_one;

impl Zendesk {
    /// Asks for up to so many of them, each by itself, and ends those that are gone. One that can't be asked for stays as
    /// it was last told.
    pub(super) async fn ask_for_missed(&mut self, ask: &mut Ask, most: usize) -> Result<(), SourceError> {
        for _ in 0..most {
            let Some(&id) = self.state.missed.first() else { break };
            if ask.enough.is_come() {
                break;
            }
            let is_gone = match ask.is_gone(id).await {
                Err(error) if is_of_one(&error) => {
                    ask.skips.note(format!("{} {id}", place("/tickets")), ".", &error.to_string());
                    false
                }
                answer => answer?,
            };
            self.state.missed.remove(&id);
            if is_gone {
                self.state.leave(id, ask.there());
            } else {
                // The list of changes has it, where it changed since it was last told.
                self.state.remembered.remove(&id);
            }
        }
        Ok(())
    }
}
