//! One store for who writes and who reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{AgentId, ConversationId, Event, Timestamp};
use crate::store::{
    Appended, KeptSource, Limits, Mark, Pruned, Selection, Sink, Size, SourceNo, SqliteStore, Store, StoreError,
};

/// One store for who writes and who reads: one in memory has no second way in.
#[derive(Clone)]
pub struct Shared {
    /// Held by who is next: who writes on and on must let in who wants to read.
    turn: Arc<Mutex<()>>,
    store: Arc<Mutex<SqliteStore>>,
}

impl Shared {
    /// Of this store.
    pub fn new(store: SqliteStore) -> Self {
        Self { turn: Arc::default(), store: Arc::new(Mutex::new(store)) }
    }

    fn get(&self) -> MutexGuard<'_, SqliteStore> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction that a panic ended was undone: what is there is whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Shared {
    fn source(&mut self, name: &str) -> Result<SourceNo, StoreError> {
        self.get().source(name)
    }

    fn sources(&mut self) -> Result<Vec<KeptSource>, StoreError> {
        self.get().sources()
    }

    fn active(&mut self, source: SourceNo) -> Result<Vec<ConversationId>, StoreError> {
        self.get().active(source)
    }

    fn present(&mut self, source: SourceNo) -> Result<Vec<AgentId>, StoreError> {
        self.get().present(source)
    }

    fn whole_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.get().whole_from()
    }

    fn append(&mut self, source: SourceNo, events: &[Event], mark: &Mark) -> Result<Appended, StoreError> {
        self.get().append(source, events, mark)
    }

    fn appends(&mut self) -> Result<i64, StoreError> {
        self.get().appends()
    }

    fn read(&mut self, selection: &Selection, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        self.get().read(selection, sink)
    }

    fn openings(&mut self, from: Timestamp, quiet_before: Timestamp) -> Result<Vec<(SourceNo, Timestamp)>, StoreError> {
        self.get().openings(from, quiet_before)
    }

    fn count(&mut self, selection: &Selection) -> Result<u64, StoreError> {
        self.get().count(selection)
    }

    fn prune(&mut self, limits: &Limits) -> Result<Pruned, StoreError> {
        self.get().prune(limits)
    }

    fn size(&mut self) -> Result<Size, StoreError> {
        self.get().size()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_waits_comes_before_who_comes_again() {
        let shared = Shared::new(SqliteStore::temporary(false).unwrap());
        let writing = shared.get();
        let mut other = shared.clone();
        let reader = thread::spawn(move || other.source("reader"));
        let waits = (0..10_000).any(|_| {
            thread::sleep(Duration::from_millis(1));
            shared.turn.try_lock().is_err()
        });
        assert!(waits, "nobody waits");
        drop(writing);
        assert_eq!(shared.get().sources().unwrap()[0].name, "reader");
        reader.join().unwrap().unwrap();
    }
}
