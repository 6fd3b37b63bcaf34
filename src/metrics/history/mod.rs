//! The figures of a range [from, to), docs/metrics.md "History".
//!
//! A conversation's log is walked once, through the fold of the desk, into *moments*: a reply, an ending, a wait that
//! was answered, each belonging to the instant it completes. A range and a grouping pick moments and add them up, and
//! the rows of [`REGISTRY`] make figures of the sums. Nothing at or after `to` is seen, so a figure depends only on the
//! events before the end of its range; a day of `--by day` is a range like any other.

mod asof;
mod conversion;
mod cost;
mod endings;
mod filter;
mod grouping;
mod life;
mod moment;
mod period;
mod quality;
mod record;
mod registry;
mod replies;
mod report;
mod routing;
mod sink;
mod sla;
mod tally;
mod value;
mod volume;

pub use asof::AsOf;
pub use cost::{Business, Costs};
pub use filter::Filter;
pub use grouping::Grouping;
pub use record::History;
pub use registry::{About, Better, REGISTRY, Row};
pub use report::{Figures, Group, MOST_DAYS, Query, Report, Terms};
pub use value::{Shape, Value};
