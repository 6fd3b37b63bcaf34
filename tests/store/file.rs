//! What is true of the file: who may read it, and what is said of one that can't be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use helptop::event::Timestamp;
use helptop::store::{Mark, Recording, Selection, SqliteStore, Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

use super::short::events;
use super::story::{path, said};

fn filled(folder: &TempDir) -> SqliteStore {
    let mut store = SqliteStore::open(&path(folder.path()), false).unwrap();
    let source = store.source("desk").unwrap();
    store
        .append(source, &events("02 09:00:00 opened c1\n02 09:00:00 message c1 from=customer"), &Mark::default())
        .unwrap();
    store
}

fn refusal(folder: &TempDir) -> StoreError {
    SqliteStore::open(&path(folder.path()), false).unwrap_err()
}

#[test]
fn nobody_else_may_read_it() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = path(folder.path());
    assert_eq!((mode(file.clone()), mode(file.parent().unwrap().to_owned())), (0o600, 0o700));
}

#[test]
fn it_is_there_again_after_it_was_closed_and_may_be_read_while_it_is_written() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    let mut writer = SqliteStore::open(&path(folder.path()), false).unwrap();
    let mut reader = SqliteStore::open_to_read(&path(folder.path())).unwrap();
    assert_eq!(said(&mut reader, &Selection::All).len(), 2);
    let source = writer.source("desk").unwrap();
    let mut seen = 0;
    let mut look = |_, _| {
        if seen == 0 {
            writer.append(source, &events("02 09:05:00 opened c2"), &Mark::default()).unwrap();
        }
        seen += 1;
        Ok(())
    };
    reader.read(&Selection::Since(Timestamp::MIN), &mut look).unwrap();
    assert_eq!(seen, 4, "two events and both ends of the span: a read is of one moment");
    assert_eq!(said(&mut reader, &Selection::All).len(), 3);
    assert!(reader.append(source, &events("02 09:06:00 opened c3"), &Mark::default()).is_err());
    writer.check().unwrap();
}

#[test]
fn what_an_append_could_not_finish_is_undone_whole() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let other = Connection::open(path(folder.path())).unwrap();
    other.execute_batch("CREATE TRIGGER t BEFORE UPDATE ON source BEGIN SELECT RAISE(FAIL, 'no'); END").unwrap();
    let source = store.source("desk").unwrap();
    assert!(store.append(source, &events("02 09:05:00 opened c2"), &Mark::default()).is_err());
    other.execute_batch("DROP TRIGGER t").unwrap();
    assert_eq!(said(&mut store, &Selection::All).len(), 2);
    store.append(source, &events("02 09:05:00 opened c2"), &Mark::default()).unwrap();
    assert_eq!(said(&mut store, &Selection::All).len(), 3);
}

#[test]
fn a_later_format_is_named_and_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(filled(&folder));
    Connection::open(path(folder.path())).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let bytes = fs::read(path(folder.path())).unwrap();
    let error = refusal(&folder);
    assert!(matches!(error, StoreError::Newer { found: 9, known: 2, .. }), "{error}");
    assert!(error.to_string().contains("history.db: the store has format 9"), "{error}");
    assert!(matches!(SqliteStore::open_to_read(&path(folder.path())), Err(StoreError::Newer { .. })));
    assert!(fs::read(path(folder.path())).unwrap() == bytes, "not a byte of it was changed");
}

#[test]
fn an_earlier_format_is_brought_up_to_date_by_who_writes_and_left_alone_by_who_reads() {
    let folder = TempDir::new().unwrap();
    let file = path(folder.path());
    drop(filled(&folder));
    let old = Connection::open(&file).unwrap();
    old.execute_batch("ALTER TABLE source DROP COLUMN history_told; PRAGMA user_version = 1").unwrap();
    drop(old);
    let error = SqliteStore::open_to_read(&file).unwrap_err();
    assert!(matches!(error, StoreError::Older { .. }) && error.hint().contains("up to date"), "{error}");
    let mut store = SqliteStore::open(&file, false).unwrap();
    assert!(store.sources().unwrap()[0].history_told, "nothing was said of it");
    assert_eq!(said(&mut store, &Selection::All).len(), 2, "nothing is lost");
    assert!(SqliteStore::open_to_read(&file).is_ok());
}

#[test]
fn what_is_no_store_is_named_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = path(folder.path());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for content in
        [b"this is a letter, not a database, and it is long enough to be looked at twice".as_slice(), &[0; 9000]]
    {
        fs::write(&file, content).unwrap();
        let error = refusal(&folder);
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(fs::read(&file).unwrap() == content);
    }
    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE recipe (text)").unwrap();
    let error = refusal(&folder);
    assert_eq!(error.to_string().split(": ").last(), Some("it is a database of another program"));
}

#[test]
fn damage_inside_is_named_when_it_is_met_and_the_rest_is_read() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let other = Connection::open(path(folder.path())).unwrap();
    other.execute("UPDATE chunk SET body = x'02FF'", []).unwrap();
    let error = store.read(&Selection::All, &mut |_, _| Ok(())).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().ends_with("the bytes of an event are damaged"), "{error}");
}

#[test]
fn a_locked_file_is_named_after_a_while() {
    let folder = TempDir::new().unwrap();
    let mut store = filled(&folder);
    let other = Connection::open(path(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let source = store.sources().unwrap()[0].no;
    let error = store.append(source, &events("02 09:05:00 opened c2"), &Mark::default()).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.append(source, &events("02 09:05:00 opened c2"), &Mark::default()).unwrap();
}

#[test]
fn a_missing_store_is_no_empty_one() {
    let folder = TempDir::new().unwrap();
    let error = SqliteStore::open_to_read(&path(folder.path())).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(!path(folder.path()).exists());
}

#[test]
fn one_program_records_at_a_time() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.db");
    let first = Recording::take(&file).unwrap();
    assert!(first.is_some());
    assert!(Recording::take(&file).unwrap().is_none());
    drop(first);
    assert!(Recording::take(&file).unwrap().is_some());
}

/// A small disk of its own, where the machine lets us have one.
struct Disk(TempDir);

impl Disk {
    fn new() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"]).arg(folder.path()).status();
        made.is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_and_one_that_may_not_be_written_are_named_and_nothing_kept_is_lost() {
    let Some(disk) = Disk::new() else {
        eprintln!("SKIPPED: a_full_disk_…: this user may not mount a small disk");
        return;
    };
    let mut store = SqliteStore::open(&path(disk.0.path()), false).unwrap();
    let source = store.source("desk").unwrap();
    let (mut kept, mut error) = (0, None);
    for i in 0..20_000 {
        let lines = format!("02 09:00:00 opened c{i}\n02 09:00:01 message c{i} from=customer");
        match store.append(source, &events(&lines), &Mark::default()) {
            Ok(appended) => kept += appended.new,
            Err(fault) => {
                error = Some(fault);
                break;
            }
        }
    }
    assert!(matches!(error, Some(StoreError::Full { .. })), "{error:?}");
    assert_eq!(said(&mut store, &Selection::All).len() as u64, kept);
    drop(store);
    disk.make_read_only();
    let error = SqliteStore::open(&path(disk.0.path()), false).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.hint().contains("writable"));
}

#[test]
fn what_somebody_who_was_killed_has_begun_to_write_does_not_keep_readers_out() {
    let folder = TempDir::new().unwrap();
    let (path, left) = (folder.path().join("history.db"), folder.path().join("left.db"));
    drop(SqliteStore::open(&path, false).unwrap());
    let writer = Connection::open(&path).unwrap();
    // As a store is while it is made.
    writer.pragma_update(None, "journal_mode", "DELETE").unwrap();
    writer.pragma_update(None, "cache_size", 10).unwrap();
    writer.execute_batch("BEGIN; CREATE TABLE begun (some BLOB)").unwrap();
    for _ in 0..100 {
        writer.execute("INSERT INTO begun VALUES (randomblob(4000))", []).unwrap();
    }
    for (from, to) in [("history.db", "left.db"), ("history.db-journal", "left.db-journal")] {
        fs::copy(folder.path().join(from), folder.path().join(to)).unwrap();
    }
    let mut store = SqliteStore::open_to_read(&left).unwrap();
    assert_eq!(store.count(&Selection::All).unwrap(), 0);
    store.check().unwrap();
}
