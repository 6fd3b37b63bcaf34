//! A viewer in a terminal: one state, one screen, one loop. The only module that writes to a terminal.

mod hidden;
mod keys;
mod link;
mod local;
mod output;
mod paint;
mod session;

pub use hidden::Hidden;
pub use link::{Ask, Link, Now, PastAsk};
pub use local::install_panic_hook;
pub use paint::Painter;
pub use session::{Setup, run};
