//! What can go wrong with a store: what happened, where, and what to do.

/// Why a store can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It was written by a later version of this program.
    #[error("{path}: the store has format {found}, this helptop knows formats up to {known}")]
    Newer {
        /// Its file.
        path: String,
        /// The format of the file.
        found: i64,
        /// The newest format that is known.
        known: i64,
    },
    /// It was written by an earlier version of this program, and is opened for reading only.
    #[error("{path}: the store is of an earlier helptop")]
    Older {
        /// Its file.
        path: String,
    },
    /// It is a database of something else, or damaged.
    #[error("{path}: not a sound store: {what}")]
    Corrupt {
        /// Its file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The disk is full.
    #[error("{path}: the disk is full")]
    Full {
        /// Its file.
        path: String,
    },
    /// It may not be written.
    #[error("{path}: may not be written: {what}")]
    ReadOnly {
        /// Its file.
        path: String,
        /// What the system said.
        what: String,
    },
    /// Another program keeps it locked.
    #[error("{path}: is locked by another program")]
    Busy {
        /// Its file.
        path: String,
    },
    /// There is none.
    #[error("{path}: there is no store yet")]
    Missing {
        /// Its file.
        path: String,
    },
    /// Anything else.
    #[error("{path}: {what}")]
    Other {
        /// Its file.
        path: String,
        /// What the system said.
        what: String,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "use that version of helptop, or another file: store.path in the config",
            Self::Older { .. } => "open the board on it once: that brings it up to date",
            Self::Corrupt { .. } => "move the file away (it is not touched), or name another: store.path in the config",
            Self::Full { .. } => "make room; helptop tries again by itself",
            Self::ReadOnly { .. } => "make the file and its folder writable, or name another: store.path in the config",
            Self::Busy { .. } => "end the program that uses it; helptop tries again by itself",
            Self::Missing { .. } => {
                "run the board for a while, or `helptop import FILE`; store.path in the config says where it is kept"
            }
            Self::Other { .. } => "see store.path in the config; helptop tries again by itself",
        }
    }

    /// Whether it may pass by itself.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Busy { .. } | Self::Other { .. })
    }
}
