//! What ties a session to the rest of the program.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::board::{BoardSnapshot, Page, PastAnswer, PastQuery, Query};
use crate::event::Timestamp;
use crate::metrics::history::AsOf;

/// The clock of a session; the simulated desk and a replay run on their own.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a session asks of the engine. Nothing else ever flows back.
#[derive(Debug)]
pub enum Ask {
    /// Poll the sources now, as far as their quota allows.
    Refresh,
    /// The page behind a row.
    Page {
        /// Of what.
        query: Query,
        /// Where the answer goes.
        reply: oneshot::Sender<Page>,
    },
}

/// What a session asks of the past. Whoever asks anew lets go of the other end of the question before: the newest wins.
#[derive(Debug)]
pub struct PastAsk {
    /// What it wants to know.
    pub query: PastQuery,
    /// Where the answer goes, and how far it is until then.
    pub reply: watch::Sender<PastAnswer>,
}

/// What ties a session to the rest of the program.
#[derive(Clone)]
pub struct Link {
    /// The newest picture.
    pub board: watch::Receiver<Arc<BoardSnapshot>>,
    /// Questions to the engine.
    pub ask: mpsc::Sender<Ask>,
    /// Questions about the past.
    pub past: mpsc::Sender<PastAsk>,
    /// What the board showed at the same hour a week ago, where that is known.
    pub last_week: watch::Receiver<Option<Arc<AsOf>>>,
    /// The clock.
    pub now: Now,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
