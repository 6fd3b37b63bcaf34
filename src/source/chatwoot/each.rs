//! Requests about one conversation each: it is looked up, or its messages are read. One that fails holds up no other.

use super::Chatwoot;
use super::ask::{Ask, Found};
use crate::source::SourceError;
use crate::source::wanted::SEVERAL;

/// Conversations whose messages a poll reads, at most and at least; a quarter of what the server allows a minute.
const THREADS: (u32, u32) = (60, 10);
/// Conversations that a poll looks up one by one.
const LOOKUPS: usize = 20;

/// What failed of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request {
    Row,
    Messages,
}

impl Chatwoot {
    /// Looks up some of those that have to be.
    pub(super) async fn look_up(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let state = &self.state;
        let due = state.lookups.iter().copied().filter(|number| !state.failing.rests(number, ask.now));
        let some: Vec<u64> = due.take(LOOKUPS).collect();
        let (mut count, mut failed) = (0, Vec::new());
        for number in some {
            if count > 0 && ask.enough.is_come() {
                break;
            }
            count += 1;
            match ask.row(number).await? {
                Found::There(row) => self.state.note(row, ask.at(), false),
                Found::Gone => self.state.vanish(number, ask.at()),
                Found::Failed(error) => {
                    failed.push((number, error));
                    continue;
                }
            }
            self.state.lookups.remove(&number);
            self.state.failing.end(&number);
        }
        let is_any_well = failed.len() < count;
        self.set_aside(ask, failed, is_any_well, Request::Row).await.map(drop)
    }

    /// Reads the messages of some of those that wait for it, and tells each as it comes. A limit that is reached behind
    /// some of them costs these nothing: the next poll meets it.
    pub(super) async fn threads(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let most = (self.settings.requests_per_minute / 4).clamp(THREADS.1, THREADS.0) as usize;
        let state = &self.state;
        let due = state.waiting.keys().copied().filter(|number| !state.failing.rests(number, ask.now));
        let wanted: Vec<(u64, u64)> = due.take(most).map(|number| (number, state.read_to(number))).collect();
        let (mut threads, mut failed, mut is_any_well) = (ask.threads(&wanted), Vec::new(), false);
        loop {
            let (number, found) = match ask.thread(&mut threads).await {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(SourceError::RateLimited { .. }) if is_any_well => break,
                Err(error) => return Err(error),
            };
            match found {
                Found::There(thread) => self.state.take_in(number, thread, ask.now),
                Found::Gone => self.state.vanish(number, ask.at()),
                Found::Failed(error) => {
                    failed.push((number, error));
                    continue;
                }
            }
            is_any_well = true;
            self.state.failing.end(&number);
        }
        self.set_aside(ask, failed, is_any_well, Request::Messages).await.map(drop)
    }

    /// Names those that failed and leaves them alone for a while; gives their numbers. Where none went well and it is not
    /// about these, it is an error.
    pub(super) async fn set_aside(
        &mut self,
        ask: &mut Ask,
        failed: Vec<(u64, SourceError)>,
        is_any_well: bool,
        request: Request,
    ) -> Result<Vec<u64>, SourceError> {
        let Some((_, first)) = failed.first() else { return Ok(Vec::new()) };
        if !is_any_well && !self.are_at_fault(ask, request, failed.len()).await? {
            return Err(first.clone());
        }
        for (number, error) in &failed {
            if self.state.failing.failed(*number, ask.now) == 1 {
                ask.skips.note(format!("conversation {number}"), ".", &error.to_string());
            }
        }
        Ok(failed.into_iter().map(|(number, _)| number).collect())
    }

    /// Whether it is the fault of so many that they can't be read: such a request is answered for another that was read
    /// before. Where there is no other, a few are taken to be at fault.
    async fn are_at_fault(&self, ask: &mut Ask, request: Request, count: usize) -> Result<bool, SourceError> {
        let Some((number, last)) = self.state.read_well() else { return Ok(count < SEVERAL) };
        Ok(match request {
            Request::Row => !matches!(ask.row(number).await?, Found::Failed(_)),
            Request::Messages => {
                let mut threads = ask.threads(&[(number, last)]);
                !matches!(ask.thread(&mut threads).await?, Some((_, Found::Failed(_))))
            }
        })
    }
}
