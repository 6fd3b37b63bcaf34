//! The live state for programs, spreadsheets, chats and people, all from one report of one snapshot.
//!
//! Text of strangers leaves here harmless: escaped in JSON, with no control character anywhere else, no formula in
//! CSV, no markup in Markdown.

mod csv;
pub mod doctor;
pub mod events;
pub mod history;
mod json;
mod markdown;
pub mod report;
mod rows;
mod sources;
mod table;

pub use self::csv::write_csv;
pub use json::{escaped, write_json};
pub use markdown::write_markdown;
pub use report::SnapshotReport;
pub use sources::write_sources;
pub use table::write_table;
