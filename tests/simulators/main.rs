//! Every vendor's source against a simulator of that vendor: a server over the demo's stream that shows, at a settable
//! instant, what the vendor's API would show then. One file or folder a vendor; `HELPTOP_SIM_SIZE=M` for a bigger desk.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod agree;
mod chatwoot;
mod contract;
mod frame;
mod server;
mod world;
mod zammad;
mod zendesk;
