//! How fresh a source is, and what is wrong with it.

use std::time::Duration;

use crate::event::{Capability, Timestamp};

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceState {
    /// Nothing has come yet.
    #[default]
    Starting,
    /// The last poll was good.
    Fresh,
    /// The last poll failed, the data is younger than two polls.
    Failing,
    /// Two polls or more were missed: the data is old.
    Stale,
    /// A recording was read to its end.
    Finished,
}

/// How fresh a source is, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SourceHealth {
    /// Its name on the board.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it is doing, as of the snapshot; the screen ages it with [`SourceHealth::state_at`].
    pub state: SourceState,
    /// It speaks by itself and nobody asks it: interval, latency and requests mean nothing for it.
    pub pushes: bool,
    /// What is known of it is what was kept: it has told nothing whole since the start.
    pub is_recalled: bool,
    /// How old its data is: the last good answer; of one that pushes, when it last said anything.
    pub good_at: Option<Timestamp>,
    /// When all was last well with it: one that pushes is listened to, and may have nothing to say for long.
    pub alive_at: Option<Timestamp>,
    /// The last try.
    pub tried_at: Option<Timestamp>,
    /// When the next try is due.
    pub next_at: Option<Timestamp>,
    /// Its interval at the moment.
    pub interval: Duration,
    /// How long the last answer took.
    pub latency: Option<Duration>,
    /// Requests of the last poll.
    pub requests: u32,
    /// Requests since the start.
    pub requests_total: u64,
    /// Events since the start.
    pub events_total: u64,
    /// What the vendor says is left: (remaining, limit).
    pub quota: Option<(u64, u64)>,
    /// When that begins anew, where the vendor says.
    pub quota_resets_at: Option<Timestamp>,
    /// The share (0 to 1) of the limit that helptop uses at most.
    pub quota_share: f64,
    /// The last error, with what to do about it and since when it lasts.
    pub error: Option<(String, String, Timestamp)>,
    /// Records that could not be read: how many, and the last few.
    pub skipped_total: u64,
    /// The last few of them, as `place: reason`.
    pub skipped: Vec<String>,
    /// Progress of the first read or of a backfill.
    pub progress: Option<(String, f32)>,
    /// What it said it can tell.
    pub capabilities: Vec<Capability>,
    /// What it can't tell, and why.
    pub cannot_tell: &'static [(&'static str, &'static str)],
    /// What it said aside (a child's stderr), newest last.
    pub aside: Vec<String>,
}

impl SourceHealth {
    /// What it is doing at `now`: stale once two polls were missed, even when nobody tells. One that pushes may be
    /// silent for long: it is stale when it is not there any more.
    pub fn state_at(&self, now: Timestamp) -> SourceState {
        match (self.state, self.good_at.max(self.alive_at)) {
            (SourceState::Finished | SourceState::Starting, _) | (_, None) => self.state,
            (_, Some(alive_at))
                if now - alive_at > chrono::TimeDelta::from_std(self.interval * 2).unwrap_or_default() =>
            {
                SourceState::Stale
            }
            (state, _) => state,
        }
    }
}

/// Whether what happens is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// Where: a file, or nothing where there is none.
    pub place: String,
    /// What it is doing.
    pub state: StoreState,
    /// What is wrong, and what to do about it.
    pub error: Option<(String, String)>,
    /// How many events are kept, and in how many bytes.
    pub size: Option<(u64, u64)>,
}

/// What a store is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreState {
    /// There is none.
    #[default]
    Absent,
    /// Everything is kept on disk.
    Keeping,
    /// Everything is kept for as long as the program runs.
    Remembering,
    /// Another helptop polls and keeps; this one shows what it keeps.
    Following,
    /// Something is not kept, or not yet.
    Failing,
}
