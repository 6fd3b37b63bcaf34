//! htop for your help desk.

pub mod app;
pub mod board;
pub mod desk;
pub mod event;
pub mod metrics;
pub mod source;
pub mod term;
pub mod ui;
