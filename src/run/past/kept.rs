//! What the store keeps, as the rest of the program looks at it.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use rustc_hash::FxHashMap;

use crate::board::{Past, Want};
use crate::config::Config;
use crate::desk::SourceIx;
use crate::event::{Event, Timestamp};
use crate::metrics::history::History;
use crate::run::failure::Failure;
use crate::store::{Selection, SourceNo, SqliteStore, Store, StoreError};

/// Progress is told every so many events.
const EVENTS: u64 = 4096;

/// Events that are handed from the reader to the fold at once, and how many times that many may wait.
const PART: usize = 2_048;
const PARTS: usize = 8;

/// What a store could not do, and what to do about it.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = format!("{error}\n  {}", error.hint());
        if matches!(error, StoreError::Missing { .. }) { Self::usage(message) } else { Self::failed(message) }
    }
}

/// The file of the store.
pub fn path(config: &Config) -> Result<&Path, Failure> {
    config.store.path.as_deref().ok_or_else(|| {
        Failure::usage(
            "there is no place for a store: neither $XDG_DATA_HOME nor $HOME is set\n  name a file: store.path in the config",
        )
    })
}

/// The store of the config, which must be there.
pub fn open_to_read(config: &Config) -> Result<SqliteStore, Failure> {
    Ok(SqliteStore::open_to_read(path(config)?)?)
}

/// A settled fold of selections of what happened before an instant, in a history that has nothing yet. The sources that are named have the first numbers,
/// in that order; others of which something is kept follow. Of conversations that were opened from the first instant of
/// `passed_over` on and fell quiet before the second only that is known. `step` is called with each event.
pub fn load(
    store: &mut dyn Store,
    mut history: History,
    selections: &[Selection],
    passed_over: Option<(Timestamp, Timestamp)>,
    names: &[String],
    before: Timestamp,
    step: &mut dyn FnMut(&Event),
) -> Result<History, StoreError> {
    for name in names {
        history.add_source(&**name);
    }
    let mut sources: FxHashMap<SourceNo, SourceIx> = FxHashMap::default();
    for kept in store.sources()? {
        let named = names.iter().position(|name| *name == kept.name);
        let ix = named.map_or_else(|| history.add_source(&*kept.name), |place| SourceIx(place as u32));
        sources.insert(kept.no, ix);
    }
    for (no, at) in passed_over.map(|(from, until)| store.openings(from, until)).transpose()?.unwrap_or_default() {
        if let Some(ix) = sources.get(&no) {
            history.pass_over(*ix, at);
        }
    }
    // One thread reads while others fold. The reader goes by the name of the thread that waits for it, for a panic of
    // either is caught by the same.
    let name = thread::current().name().unwrap_or("reader").to_owned();
    let (parts, received) = sync_channel(PARTS);
    let read = thread::scope(|scope| {
        let reader =
            thread::Builder::new().name(name).spawn_scoped(scope, move || read_parts(store, selections, &parts))?;
        history.load(|take| {
            for (no, event) in received.into_iter().flatten() {
                step(&event);
                if event.at.is_none_or(|at| at < before)
                    && let Some(ix) = sources.get(&no)
                {
                    take(*ix, event);
                }
            }
        })?;
        Ok::<_, io::Error>(reader.join())
    });
    let read = read.map_err(|error| StoreError::Other { path: "the store".to_owned(), what: error.to_string() })?;
    read.unwrap_or_else(|panic| resume_unwind(panic))?;
    history.settle();
    Ok(history)
}

type Part = Vec<(SourceNo, Event)>;

/// Hands out selections part by part.
fn read_parts(store: &mut dyn Store, selections: &[Selection], parts: &SyncSender<Part>) -> Result<(), StoreError> {
    let mut part = Vec::with_capacity(PART);
    for selection in selections {
        store.read(selection, &mut |no, event| {
            part.push((no, event));
            if part.len() == PART {
                // Nobody listens any more only when the fold has failed, which is told by its own panic.
                let _ = parts.send(std::mem::replace(&mut part, Vec::with_capacity(PART)));
            }
            Ok(())
        })?;
    }
    let _ = parts.send(part);
    Ok(())
}

/// The past as the store keeps it, with the sources in the order of the board.
pub struct KeptPast {
    store: Box<dyn Store>,
    names: Vec<String>,
}

impl KeptPast {
    /// The past of the sources of these names.
    pub fn new(store: Box<dyn Store>, names: Vec<String>) -> Self {
        Self { store, names }
    }

    /// The number that a source of the board has in the store.
    fn number(&mut self, ix: SourceIx) -> Result<Option<SourceNo>, StoreError> {
        let kept = self.store.sources()?;
        let name = self.names.get(ix.at());
        Ok(kept.into_iter().find(|kept| Some(&kept.name) == name).map(|kept| kept.no))
    }

    /// The selections that hold what is wanted, and the end of what is of interest.
    fn selections(&mut self, want: &Want) -> Result<(Vec<Selection>, Timestamp), StoreError> {
        let mut selections = Vec::new();
        selections.extend(want.span.map(|span| Selection::Between(span.from, span.to)));
        if let Some((ix, id)) = &want.customer
            && let Some(no) = self.number(*ix)?
        {
            selections.push(Selection::Customer(no, id.clone()));
        }
        if let Some((ix, id)) = &want.conversation
            && let Some(no) = self.number(*ix)?
        {
            selections.push(Selection::Conversation(no, id.clone()));
        }
        let is_bounded = want.customer.is_none() && want.conversation.is_none();
        let before = want.span.filter(|_| is_bounded).map_or(Timestamp::MAX, |span| span.to);
        Ok((selections, before))
    }

    fn try_load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, StoreError> {
        let (selections, before) = self.selections(want)?;
        let mut all = 0;
        for selection in &selections {
            all += self.store.count(selection)?;
        }
        let mut done = 0;
        let mut step = |_: &Event| {
            done += 1;
            if done % EVENTS == 0 {
                progress(done.min(all), all);
            }
        };
        load(&mut *self.store, History::keeping_text(), &selections, None, &self.names, before, &mut step)
    }
}

impl Past for KeptPast {
    fn load(&mut self, want: &Want, progress: &mut dyn FnMut(u64, u64)) -> Result<History, String> {
        self.try_load(want, progress).map_err(|error| format!("{error}: {}", error.hint()))
    }

    fn begins_at(&mut self) -> Result<Option<Timestamp>, String> {
        self.store.whole_from().map_err(|error| error.to_string())
    }

    fn is_told(&mut self) -> Result<bool, String> {
        let kept = self.store.sources().map_err(|error| error.to_string())?;
        let mut ours = kept.iter().filter(|kept| self.names.contains(&kept.name) && kept.span.is_some());
        Ok(ours.all(|kept| kept.history_told))
    }

    fn known_until(&mut self, now: Timestamp) -> Result<Timestamp, String> {
        let kept = self.store.sources().map_err(|error| error.to_string())?;
        let ours: Vec<_> = kept.iter().filter(|kept| self.names.contains(&kept.name)).collect();
        match ours.iter().filter_map(|kept| kept.good_at).max() {
            Some(good_at) => Ok(good_at.min(now)),
            None if ours.iter().any(|kept| kept.span.is_some()) => {
                Err("what goes on now is still being told; figures of a part of it would be wrong".to_owned())
            }
            None => Ok(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::parse_line;
    use crate::store::Mark;

    const NOW: &str = "2026-03-10T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Until when a desk is known of which that much is kept.
    fn known_until(lines: &[&str], good_at: Option<&str>) -> Result<Timestamp, String> {
        let mut store = SqliteStore::temporary(false).unwrap();
        let source = store.source("desk").unwrap();
        let events: Vec<Event> = lines.iter().map(|line| parse_line(line.as_bytes()).unwrap()).collect();
        store.append(source, &events, &Mark { good_at: good_at.map(at), ..Mark::default() }).unwrap();
        KeptPast::new(Box::new(store), vec!["desk".to_owned()]).known_until(at(NOW))
    }

    #[test]
    fn there_is_no_past_before_a_source_has_told_all_that_goes_on() {
        let opened = r#"{"type":"opened","conversation":"1","at":"2026-03-10T09:00:00Z"}"#;
        assert!(known_until(&[opened], None).unwrap_err().contains("still being told"));
        assert_eq!(known_until(&[opened], Some("2026-03-10T11:00:00Z")), Ok(at("2026-03-10T11:00:00Z")));
        assert_eq!(known_until(&[opened], Some("2026-03-11T11:00:00Z")), Ok(at(NOW)), "a clock that was fast");
        assert_eq!(known_until(&[], None), Ok(at(NOW)));
    }

    #[test]
    fn a_past_is_told_when_each_source_has_told_its_own_to_the_end() {
        let mut store = SqliteStore::temporary(false).unwrap();
        let sources = ["one", "other", "gone"].map(|name| store.source(name).unwrap());
        let opened = parse_line(br#"{"type":"opened","conversation":"1","at":"2026-03-10T09:00:00Z"}"#).unwrap();
        let mut told = |place: usize, history_told: Option<bool>| {
            let mark = Mark { history_told, ..Mark::default() };
            store.append(sources[place], std::slice::from_ref(&opened), &mark).unwrap();
        };
        told(0, Some(false));
        told(2, Some(false));
        let names = vec!["one".to_owned(), "other".to_owned(), "new".to_owned()];
        told(1, None);
        told(0, None);
        let mut past = KeptPast::new(Box::new(store), names);
        assert_eq!(past.is_told(), Ok(false), "what is not said changes nothing");
        let mark = Mark { history_told: Some(true), ..Mark::default() };
        past.store.append(sources[0], &[], &mark).unwrap();
        assert_eq!(past.is_told(), Ok(true), "one that is not on the board does not count");
    }
}
