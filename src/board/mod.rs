//! What a viewer sees: live figures, freshness of the sources and figures of today, built once per change and
//! shared by every viewer. Knows no terminal and no network.

mod bygone;
mod day;
pub mod engine;
pub mod health;
mod history;
pub mod page;
pub mod past;
pub mod snapshot;
mod timeline;
mod trend;

pub use crate::metrics::live::RiskCounts;
pub use crate::metrics::today::TodayFigures;
pub use engine::{Engine, Options};
pub use health::{SourceHealth, SourceState, StoreHealth, StoreState};
pub use page::{AgentPage, AgentToday, ConversationPage, Held, Page, Person, Query, StateSpan, TimelineItem, What};
pub use past::{Past, PastAnswer, PastPage, PastQuery, Span, Standpoint, Want};
pub use snapshot::BoardSnapshot;
