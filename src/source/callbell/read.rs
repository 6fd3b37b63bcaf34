//! Reading single contacts and their messages, each as it comes. One that can't be read though others can is left alone for
//! a while, and holds up no other.

use std::collections::BTreeMap;

use compact_str::CompactString;
use futures_util::StreamExt;

use super::Callbell;
use super::ask::{Ask, Wanted};
use super::map::Thread;
use super::state::{State, Waiting, Why};
use crate::source::SourceError;
use crate::source::http::words::excerpt;

/// Contacts whose messages a poll reads.
const THREADS: usize = 60;
/// Contacts that a poll looks up one by one.
const LOOKUPS: usize = 40;
/// After so many that can't be read, and none that can, a poll asks for no more.
const MOST_FAILED: usize = 20;

/// What is asked for of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Itself,
    Messages,
}

/// How the reading of several contacts went.
#[derive(Debug)]
pub(super) struct Tally {
    sort: Sort,
    is_any_good: bool,
    failed: Vec<(CompactString, SourceError)>,
}

impl Tally {
    /// Nothing was read yet but what the poll has read before.
    pub(super) const fn new(sort: Sort, ask: &Ask) -> Self {
        let is_any_good = matches!(sort, Sort::Messages) && ask.has_read_messages;
        Self { sort, is_any_good, failed: Vec::new() }
    }

    /// Takes note of what came of one; what was read, if it was. What is wrong with all that is asked is an error.
    pub(super) fn take<T>(
        &mut self,
        uuid: &CompactString,
        read: Result<T, SourceError>,
    ) -> Result<Option<T>, SourceError> {
        match read {
            Err(error) if error.is_of_all() => Err(error),
            Err(error) => {
                self.failed.push((uuid.clone(), error));
                Ok(None)
            }
            Ok(read) => {
                self.is_any_good = true;
                Ok(Some(read))
            }
        }
    }

    fn is_hopeless(&self) -> bool {
        !self.is_any_good && self.failed.len() >= MOST_FAILED
    }

    /// Whether to go on with the next one.
    pub(super) fn goes_on(&self, ask: &mut Ask) -> bool {
        !ask.enough.is_come() && !self.is_hopeless()
    }
}

impl Callbell {
    /// Looks up some of those that have to be.
    pub(super) async fn look_up(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let state = &self.state;
        let due = state.lookups.iter().filter(|(uuid, _)| !state.troubles.rests(uuid, ask.now));
        let some: Vec<(CompactString, Why)> = due.take(LOOKUPS).map(|(uuid, why)| (uuid.clone(), *why)).collect();
        let mut tally = Tally::new(Sort::Itself, ask);
        for (uuid, why) in some {
            if let Some(found) = tally.take(&uuid, ask.contact(&uuid).await)? {
                let state = &mut self.state;
                state.troubles.end(&uuid);
                match found {
                    Some(contact) => {
                        if state.take(contact, ask.at(), why) && why == Why::Walk {
                            state.has_found(ask.now);
                        }
                    }
                    None => state.vanish(&uuid, ask.at()),
                }
                state.lookups.remove(&uuid);
            }
            if !tally.goes_on(ask) {
                break;
            }
        }
        self.judge(ask, tally).await.map(drop)
    }

    /// Reads the messages of some of those that wait for it, and tells them.
    pub(super) async fn threads(&mut self, ask: &mut Ask) -> Result<(), SourceError> {
        let state = &self.state;
        let due = state.waiting.iter().filter(|(uuid, _)| !state.troubles.rests(uuid, ask.now));
        let mut some: BTreeMap<CompactString, Waiting> =
            due.take(THREADS).map(|(uuid, waiting)| (uuid.clone(), waiting.clone())).collect();
        let wanted: Vec<Wanted> = some.values().map(|one| state.wanted(one)).collect();
        let mut reads = ask.threads(wanted, &state.people.names);
        let mut tally = Tally::new(Sort::Messages, ask);
        while let Some((uuid, read)) = reads.next().await {
            let Some(Waiting { contact, looked_at, .. }) = some.remove(&uuid) else { continue };
            if let Some(read) = tally.take(&uuid, read)? {
                let thread = read.map(|raw| ask.thread(raw));
                let state = &mut self.state;
                state.troubles.end(&uuid);
                state.waiting.remove(&uuid);
                match thread {
                    Some(thread) => {
                        state.readable = Some(uuid);
                        state.tell(&contact, thread, looked_at);
                    }
                    None => state.vanish(&uuid, ask.at()),
                }
            }
            if !tally.goes_on(ask) {
                break;
            }
        }
        let failed = self.judge(ask, tally).await?;
        for (uuid, _) in failed {
            self.state.tell_closing(&uuid);
        }
        Ok(())
    }

    /// Those that could not be read and are left alone for a while, and how often that was so in a row.
    ///
    /// Where none was read at all, one that was read before tells whether it is they that can't be read, or nothing can:
    /// then that is the error.
    pub(super) async fn judge(
        &mut self,
        ask: &mut Ask,
        tally: Tally,
    ) -> Result<Vec<(CompactString, u32)>, SourceError> {
        let Tally { sort, is_any_good, failed } = tally;
        let is_new = |uuid: &CompactString| !self.state.troubles.holds(uuid);
        let mut new = failed.iter().filter(|(uuid, _)| is_new(uuid));
        if let Some((_, error)) = new.next().filter(|_| !is_any_good) {
            let other = self.state.readable.clone().filter(|uuid| failed.iter().all(|(failed, _)| failed != uuid));
            let is_it_they = match (other, sort) {
                (Some(uuid), Sort::Itself) => ask.contact(&uuid).await.is_ok(),
                (Some(uuid), Sort::Messages) => ask.newest(&uuid).await.is_ok(),
                (None, _) => new.next().is_none(),
            };
            if !is_it_they {
                return Err(error.clone());
            }
        }
        let troubles = failed.into_iter().map(|(uuid, error)| {
            let times = self.state.troubles.failed(uuid.clone(), ask.now);
            if times == 1 {
                ask.skips.note(format!("contact {}", excerpt(&uuid)), ".", &error.to_string());
            }
            (uuid, times)
        });
        Ok(troubles.collect())
    }
}

impl State {
    /// Tells that a chat whose messages can't be read was closed: for that none is needed.
    fn tell_closing(&mut self, uuid: &CompactString) {
        let is_closed = |waiting: &Waiting| waiting.contact.ended_at().is_some();
        if self.is_told_active(uuid)
            && self.waiting.get(uuid).is_some_and(is_closed)
            && let Some(Waiting { contact, looked_at, .. }) = self.waiting.remove(uuid)
        {
            self.tell(&contact, Thread::default(), looked_at);
        }
    }
}
