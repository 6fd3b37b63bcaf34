//! Why a poll failed, sorted by what to do about it.

use crate::event::Timestamp;

/// Why a poll failed. The scheduler decides by the variant; the board shows text and hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The credentials are missing or wrong.
    #[error("{place}: not authorised: {what}")]
    Auth {
        /// Which endpoint.
        place: String,
        /// What it answered.
        what: String,
    },
    /// The credentials are good but may not read this.
    #[error("{place}: forbidden: {what}")]
    Forbidden {
        /// Which endpoint.
        place: String,
        /// What may not be read.
        what: String,
    },
    /// Asked too often.
    #[error("{place}: too many requests")]
    RateLimited {
        /// Which endpoint.
        place: String,
        /// When to come back, where it said so.
        until: Option<Timestamp>,
    },
    /// Will most likely pass: a timeout, a server fault, a network fault, a child that died.
    #[error("{place}: {what}")]
    Transient {
        /// Which endpoint, file or command.
        place: String,
        /// What went wrong.
        what: String,
        /// When to come back, where it said so.
        until: Option<Timestamp>,
    },
    /// The answer is not what the vendor documents.
    #[error("{place}: unexpected answer at `{path}`: {what}")]
    Schema {
        /// Which endpoint.
        place: String,
        /// The path inside the answer.
        path: String,
        /// What was there.
        what: String,
    },
    /// The other side can't do what is asked: too old, wrong address, wrong setting.
    #[error("{place}: {what}")]
    Unsupported {
        /// Which endpoint or setting.
        place: String,
        /// What it can't do.
        what: String,
    },
}

impl SourceError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "check the token or password of this source in the config, then press r",
            Self::Forbidden { .. } => "give the account the right that is named, then press r",
            Self::RateLimited { .. } => "nothing to do: helptop comes back by itself; a longer interval avoids it",
            Self::Transient { .. } => "nothing to do: helptop tries again by itself; see the log if it stays",
            Self::Schema { .. } => "is base_url right? if so, please report it with the output of `helptop doctor`",
            Self::Unsupported { .. } => "check the settings of this source in the config",
        }
    }

    /// A short word for a column.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Forbidden { .. } => "forbidden",
            Self::RateLimited { .. } => "throttled",
            Self::Transient { .. } => "failing",
            Self::Schema { .. } => "schema",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}
