//! The store in one `SQLite` file.

mod append;
mod fault;
mod prune;
mod read;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{Appended, Cursor, KeptSource, Limits, Mark, Pruned, Selection, Sink, Size, SourceNo, Store, StoreError};
use crate::event::{AgentId, ConversationId, Event, Timestamp};
use fault::Faults;

/// The formats there have been, oldest first: the statements that lead from one to the next. Only ever added to.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql"), include_str!("migrations/2.sql")];

/// Tells a store from other databases: `htop`.
const APPLICATION: i64 = 0x6874_6F70;

/// How long another program may keep the file locked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pages that are kept in memory, in KiB.
const CACHE: i64 = 8 * 1024;

/// The same while much is written at once.
const LARGE_CACHE: i64 = 128 * 1024;

/// A store in one `SQLite` file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    faults: Faults,
    keep_text: bool,
}

impl SqliteStore {
    /// Opens the file, made where there is none, for reading and writing. Of messages only prints are kept unless
    /// `keep_text`.
    pub fn open(path: &Path, keep_text: bool) -> Result<Self, StoreError> {
        let faults = Faults::at(path);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| faults.of_file(&error))?;
        }
        // It holds the names of customers: nobody else may read it.
        let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
        made.map_err(|error| faults.of_file(&error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| faults.of(&error))?;
        let mut store = Self { connection, faults, keep_text };
        store.prepare("WAL")?;
        Ok(store)
    }

    /// Opens a file that is there, for reading.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        match Self::open_as_it_is(path) {
            // Who wrote was killed in the middle of it: that has to be undone before anybody reads.
            Err(StoreError::ReadOnly { .. }) if undo_what_was_begun(path).is_ok() => Self::open_as_it_is(path),
            opened => opened,
        }
    }

    fn open_as_it_is(path: &Path) -> Result<Self, StoreError> {
        let faults = Faults::at(path);
        if !path.exists() {
            return Err(StoreError::Missing { path: path.display().to_string() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| faults.of(&error))?;
        let mut store = Self { connection, faults, keep_text: false };
        store.connection.busy_timeout(PATIENCE).map_err(|error| store.faults.of(&error))?;
        match store.format()? {
            0 => return Err(store.faults.corrupt("it was not made to its end; open the board on it once")),
            format if format < MIGRATIONS.len() as i64 => {
                return Err(StoreError::Older { path: store.faults.path().to_owned() });
            }
            _ => {}
        }
        store.cache(CACHE)?;
        Ok(store)
    }

    /// A store for as long as the program runs: in memory, and on disk where that grows too large.
    pub fn temporary(keep_text: bool) -> Result<Self, StoreError> {
        let faults = Faults::at(Path::new("memory"));
        let connection = Connection::open("").map_err(|error| faults.of(&error))?;
        let mut store = Self { connection, faults, keep_text };
        // Nobody takes it up after a crash: what undoes a transaction need not be on disk.
        store.prepare("MEMORY")?;
        Ok(store)
    }

    /// Makes ready for many events at once.
    pub fn expect_many(&mut self) -> Result<(), StoreError> {
        self.cache(LARGE_CACHE)
    }

    /// Whether the whole file is sound; reads all of it.
    pub fn check(&mut self) -> Result<(), StoreError> {
        let said: String =
            self.ask(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if said == "ok" { Ok(()) } else { Err(self.faults.corrupt(said)) }
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        ask(&self.connection).map_err(|error| self.faults.of(&error))
    }

    fn cache(&mut self, kibibytes: i64) -> Result<(), StoreError> {
        self.ask(|connection| connection.pragma_update(None, "cache_size", -kibibytes))
    }

    /// The format of the file; an error where it is none that is known.
    fn format(&mut self) -> Result<i64, StoreError> {
        let pragma =
            |name| self.ask(|connection| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)));
        let (application, format) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 =
            self.ask(|connection| connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)))?;
        let known = MIGRATIONS.len() as i64;
        match (application, format, tables) {
            (0, 0, 0) => Ok(0),
            (APPLICATION, 1.., _) if format <= known => Ok(format),
            (APPLICATION, 1.., _) => {
                Err(StoreError::Newer { path: self.faults.path().to_owned(), found: format, known })
            }
            _ => Err(self.faults.corrupt("it is a database of another program")),
        }
    }

    fn prepare(&mut self, journal: &str) -> Result<(), StoreError> {
        self.ask(|connection| connection.busy_timeout(PATIENCE))?;
        // Before anything is changed: a file that is not ours is left alone.
        let format = self.format()?;
        self.ask(|connection| {
            connection.set_prepared_statement_cache_capacity(32);
            // Otherwise values that are bound make an append prepare its statements anew: a quarter of its time.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            // Both are fixed by the first table.
            connection.pragma_update(None, "page_size", 8192)?;
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(()))?;
            // What a loss of power undoes is undone whole: events and cursor together.
            connection.pragma_update(None, "synchronous", "NORMAL")
        })?;
        self.cache(CACHE)?;
        for (done, migration) in MIGRATIONS.iter().enumerate().skip(format as usize) {
            let transaction = self.connection.transaction().map_err(|error| self.faults.of(&error))?;
            let step = |transaction: &Connection| {
                transaction.execute_batch(migration)?;
                transaction.pragma_update(None, "application_id", APPLICATION)?;
                transaction.pragma_update(None, "user_version", done as i64 + 1)
            };
            let done = step(&transaction).and_then(|()| transaction.commit());
            done.map_err(|error| self.faults.of(&error))?;
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn source(&mut self, name: &str) -> Result<SourceNo, StoreError> {
        self.ask(|connection| {
            let known = connection
                .prepare_cached("SELECT no FROM source WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            if let Some(no) = known {
                return Ok(SourceNo(no));
            }
            connection.prepare_cached("INSERT INTO source (name) VALUES (?1)")?.execute([name])?;
            Ok(SourceNo(connection.last_insert_rowid()))
        })
    }

    fn sources(&mut self) -> Result<Vec<KeptSource>, StoreError> {
        self.ask(|connection| {
            let mut rows = connection.prepare_cached(
                "SELECT no, name, cursor, settings, good_at, first_at, last_at, history_told FROM source ORDER BY no",
            )?;
            let at = |millis: Option<i64>| millis.map(Timestamp::from_millis);
            let sources = rows.query_map([], |row| {
                // A cursor that can't be read is none: the source is read from the start.
                let value: Option<String> = row.get(2)?;
                let value = value.and_then(|text| serde_json::from_str(&text).ok());
                let settings: Option<i64> = row.get(3)?;
                Ok(KeptSource {
                    no: SourceNo(row.get(0)?),
                    name: row.get(1)?,
                    cursor: value.zip(settings).map(|(value, settings)| Cursor { value, settings: settings as u64 }),
                    good_at: at(row.get(4)?),
                    span: at(row.get(5)?).zip(at(row.get(6)?)),
                    history_told: row.get(7)?,
                })
            })?;
            sources.collect()
        })
    }

    fn whole_from(&mut self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(|connection| {
            let sql = "SELECT quiet_at FROM subject WHERE kind = 5 AND quiet_at < ?1 ORDER BY quiet_at LIMIT 1";
            let mut oldest = connection.prepare_cached(sql)?;
            let oldest: Option<i64> = oldest.query_row([Timestamp::MAX.millis()], |row| row.get(0)).optional()?;
            Ok(oldest.map(Timestamp::from_millis))
        })
    }

    fn append(&mut self, source: SourceNo, events: &[Event], mark: &Mark) -> Result<Appended, StoreError> {
        let transaction = self.connection.transaction().map_err(|error| self.faults.of(&error))?;
        let appended = append::append(&transaction, source, events, mark, self.keep_text)
            .map_err(|error| self.faults.of_step(error))?;
        transaction.commit().map_err(|error| self.faults.of(&error))?;
        Ok(appended)
    }

    fn active(&mut self, source: SourceNo) -> Result<Vec<ConversationId>, StoreError> {
        self.ask(|connection| read::active(connection, source))
    }

    fn present(&mut self, source: SourceNo) -> Result<Vec<AgentId>, StoreError> {
        read::present(&self.connection, &self.faults, source)
    }

    fn appends(&mut self) -> Result<i64, StoreError> {
        self.ask(|connection| connection.prepare_cached("SELECT appends FROM state")?.query_row([], |row| row.get(0)))
    }

    fn read(&mut self, selection: &Selection, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        let transaction = self.connection.transaction().map_err(|error| self.faults.of(&error))?;
        read::read(&transaction, &self.faults, selection, sink)
    }

    fn openings(&mut self, from: Timestamp, quiet_before: Timestamp) -> Result<Vec<(SourceNo, Timestamp)>, StoreError> {
        self.ask(|connection| read::openings(connection, from, quiet_before))
    }

    fn count(&mut self, selection: &Selection) -> Result<u64, StoreError> {
        self.ask(|connection| read::count(connection, selection))
    }

    fn prune(&mut self, limits: &Limits) -> Result<Pruned, StoreError> {
        let size = self.size()?;
        let transaction = self.connection.transaction().map_err(|error| self.faults.of(&error))?;
        let pruned = prune::prune(&transaction, limits, size.bytes).map_err(|error| self.faults.of(&error))?;
        transaction.commit().map_err(|error| self.faults.of(&error))?;
        if pruned.before.is_some() {
            self.ask(|connection| connection.execute_batch("PRAGMA incremental_vacuum"))?;
        }
        Ok(pruned)
    }

    fn size(&mut self) -> Result<Size, StoreError> {
        self.ask(|connection| {
            let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            let pages = pragma("page_count")? - pragma("freelist_count")?;
            let bytes = (pages * pragma("page_size")?) as u64;
            let events: i64 =
                connection.query_row("SELECT coalesce(sum(events), 0) FROM subject", params![], |row| row.get(0))?;
            Ok(Size { events: events as u64, bytes })
        })
    }
}

/// Undoes what somebody who was killed has begun to write, as every opening for writing does; of nobody who still writes.
fn undo_what_was_begun(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}
