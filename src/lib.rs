//! helptop: htop for your help desk. This page is the map.
//!
//! ```text
//! event ← desk ← metrics ← board ← app ← ui ← term ← run ← main        (a ← b: b may use a, never the reverse)
//! event ← source ← poll ← run       event ← store ← run       board ← output ← run           config ← run
//! ```
//!
//! | module | one job |
//! |---|---|
//! | [`event`] | the event stream: types, JSON Lines reader and writer |
//! | [`desk`] | the fold: set of events → conversations, holders, waits, presence |
//! | [`metrics`] | the figures: live ones kept change by change, statistics, thresholds |
//! | [`board`] | the one owner of the desk, and the pictures that viewers see |
//! | [`app`] | a viewer's state: what is focused, sorted, filtered, opened; keys become actions, actions effects |
//! | [`ui`] | draws a frame: panels, themes, harmless text |
//! | [`term`] | a session: a terminal, a view, one loop; the only module that writes to a terminal |
//! | [`source`] | where events come from: help desks, files, programs, the demo |
//! | [`store`] | every event of every source, kept on disk with how far each was read |
//! | [`poll`] | when each source is asked, and the task that asks it |
//! | [`output`] | the live state for programs, spreadsheets, chats and people |
//! | [`config`] | defaults < file < environment < flags, and secrets |
//! | [`text`] | text of strangers made harmless; knows nothing, may be used by all |
//! | [`run`] | the wiring: commands, channels, signals |
//!
//! The path of one datum: a vendor's answer → wire struct → [`event::Event`]s → a bounded channel → the engine task,
//! sole owner of [`board::Engine`], which folds it and publishes an `Arc<BoardSnapshot>` → every session wakes and
//! draws what differs.
//!
//! # Invariants (checked by `tests/architecture.rs` as far as text can tell)
//! - Nothing outside `source` names a vendor. Only `run`, `poll::task` and `term` read a clock. `app` and `ui` are
//!   synchronous and take no lock.
//! - Only `term` writes to a terminal; only `ui::text` turns foreign text into cells. Secrets have no `Display` and
//!   never leave `source::http`.
//! - One writer for the desk; every channel is bounded; apart from ties the desk depends only on the set of events.
//! - Every row id (panel, column, action, theme role, source kind) is a stable public name, listed once.
//! - A viewer never causes a vendor request except by a refresh, which the scheduler may refuse. A source's failure
//!   never removes rows: they stay, dated and marked stale.

pub mod app;
pub mod board;
pub mod config;
pub mod desk;
pub mod event;
pub mod length;
pub mod metrics;
pub mod output;
pub mod poll;
pub mod run;
pub mod source;
pub mod store;
pub mod term;
pub mod text;
pub mod ui;
