//! htop for your help desk.

pub mod board;
pub mod config;
pub mod desk;
pub mod event;
pub mod metrics;
pub mod output;
pub mod run;
pub mod source;
pub mod text;
