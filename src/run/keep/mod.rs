//! What keeps what happens: the store that is opened, who writes it, and how a second board follows the first.

mod follow;
mod gap;
mod keeper;
pub mod recorder;
mod shared;

pub use follow::Follower;
pub use gap::Gap;
pub use keeper::{Keeper, Kept, Kin, Own, print};
