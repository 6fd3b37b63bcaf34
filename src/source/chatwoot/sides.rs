//! What the news can do without, and by what names.

pub(super) const AGENTS: &str = "agents";
pub(super) const TEAMS: &str = "teams";
pub(super) const RATINGS: &str = "satisfaction answers";
pub(super) const COUNT: &str = "count of active conversations";
pub(super) const HISTORY: &str = "history";
pub(super) const WALK: &str = "list of active conversations";
