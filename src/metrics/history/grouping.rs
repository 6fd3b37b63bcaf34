//! What figures can be grouped by.

use strum::{Display, EnumIter, EnumString, IntoStaticStr, VariantNames};

/// What a report is grouped by.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumIter, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum Grouping {
    /// By who did it; the registry says for each figure who that is.
    Agent,
    /// By the conversation's team.
    Team,
    /// By the conversation's channel.
    Channel,
    /// By the conversation's customer.
    Customer,
    /// By the group of the conversation's customer.
    Segment,
    /// By the routing bot's word.
    Keyword,
    /// By each of the conversation's tags.
    Tag,
    /// By day of the report's zone.
    Day,
    /// By hour of the day in the report's zone.
    Hour,
    /// By weekday and hour in the report's zone.
    WeekdayHour,
    /// By page of the help centre.
    Article,
}
