//! Who polls and records: one helptop for each store, the others read what it keeps.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// The right to record into a store, held as long as this lives; the system takes it back from a program that dies.
#[derive(Debug)]
pub struct Recording {
    _file: File,
}

impl Recording {
    /// Takes the right; `None` when another program holds it.
    pub fn take(store: &Path) -> io::Result<Option<Self>> {
        let mut name = store.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
