//! The config: as written ([`mod@file`]), as meant ([`resolve`]), and the way between: layers defaults < file <
//! `HELPTOP__SECTION__KEY` environment < flags, merged once and then read into one struct.
//!
//! Every problem names its place (`file:line`, variable or flag) and what to do; none ever shows a secret.

pub mod environment;
pub mod file;
mod keys;
mod layers;
mod locate;
pub mod paths;
pub mod problem;
pub mod resolve;
pub mod schema;
pub mod secret;
mod terms;
pub mod zone;

pub use environment::Environment;
pub use layers::{Flag, Places, Request, load, load_without_sources, parts, written_sources};
pub use problem::{ConfigError, Problem};
pub use resolve::{Board, Config, Log, SourceConfig, Store};

/// The config file with every key, its default and what it does.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");
