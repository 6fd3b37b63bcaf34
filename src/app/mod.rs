//! One viewer's state, and how keys, clicks and answers change it. Synchronous, without a clock, a lock or a screen:
//! `update(state, picture, message)` gives effects as plain data, and the session carries them out.

pub mod action;
pub mod cursor;
pub mod derive;
pub mod drill;
pub mod history;
pub mod keymap;
pub mod mouse;
mod moves;
pub mod past;
mod prompt;
pub mod regions;
mod selected;
pub mod update;
pub mod view;
mod windows;

pub use action::{ACTIONS, Action, ActionRow, Scope};
pub use cursor::{Cursor, Rest, Rows, Step, Window};
pub use derive::{AgentSort, ChatSort, Lists, SortBy, WaitSort};
pub use drill::Drill;
pub use history::{GROUPINGS, HistoryView, RANGES};
pub use keymap::{Keymap, KeymapError};
pub use mouse::{Mouse, MouseKind};
pub use past::PastSlot;
pub use regions::{Area, LinkRegion, ListRegion, Regions};
pub use update::{Effect, Msg, update, web_link};
pub use view::{Frozen, Pane, Privacy, Prompt, PromptKind, Screen, ViewState};
