//! The figures of a range for programs, spreadsheets, chats and people.

mod csv;
mod json;
mod page;
mod text;

pub use self::csv::write_csv;
pub use json::{JsonReport, write_json};
pub use page::write_figures;
pub use text::{write_markdown, write_table};
