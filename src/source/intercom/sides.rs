//! What the news can do without, and by what names.

pub(super) const TEAMMATES: &str = "teammates";
pub(super) const TEAMS: &str = "teams";
pub(super) const REASONS: &str = "reasons for being away";
pub(super) const RATINGS: &str = "ratings";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const WALK: &str = "list of active conversations";
pub(super) const HISTORY: &str = "history";
