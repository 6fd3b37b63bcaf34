//! htop for your help desk.

pub mod board;
pub mod desk;
pub mod event;
pub mod metrics;
pub mod poll;
pub mod source;
