//! Every vendor's source against a simulator of that vendor: a server over the demo's stream that shows, at a settable
//! instant, what the vendor's API would show then. One file or folder a vendor; `HELPTOP_SIM_SIZE=M` for a bigger desk.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod agree;
mod bad;
mod board;
mod callbell;
mod chatwoot;
mod contract;
#[expect(dead_code, reason = "the fake can do more than is needed here")]
#[path = "../fake_rt/mod.rs"]
mod fake_rt;
mod frame;
mod gorgias;
mod intercom;
mod presence;
mod server;
#[expect(dead_code, reason = "so can the terminal")]
#[path = "../support/terminal.rs"]
mod terminal;
mod transcripts;
mod world;
mod zammad;
mod zendesk;
