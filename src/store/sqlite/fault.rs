//! What `SQLite` says, in words of the store.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::super::bytes::Damaged;
use super::super::error::StoreError;

/// What can go wrong in the middle of something.
#[derive(Debug, thiserror::Error)]
pub(super) enum Step {
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// Makes errors that name the file.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    path: String,
}

impl Faults {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.display().to_string() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What `SQLite` said.
    pub(super) fn of(&self, error: &rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                StoreError::ReadOnly { path, what }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt { path, what },
            _ => StoreError::Other { path, what },
        }
    }

    pub(super) fn of_step(&self, error: Step) -> StoreError {
        match error {
            Step::Sql(error) => self.of(&error),
            Step::Damaged(damaged) => self.corrupt(damaged.to_string()),
        }
    }

    /// What the system said of the file or its folder.
    pub(super) fn of_file(&self, error: &io::Error) -> StoreError {
        let (path, what) = (self.path.clone(), error.to_string());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path, what },
            _ => StoreError::Other { path, what },
        }
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), what: what.into() }
    }
}
