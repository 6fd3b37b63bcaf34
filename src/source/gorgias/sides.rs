//! What the news can do without, and by what names.

pub(super) const USERS: &str = "users";
pub(super) const TEAMS: &str = "teams";
pub(super) const RATINGS: &str = "satisfaction ratings";
pub(super) const RATED: &str = "tickets of satisfaction ratings";
pub(super) const DELETED: &str = "look for deleted tickets";
pub(super) const TICKETS: &str = "tickets one by one";
pub(super) const HISTORY: &str = "history";
pub(super) const EVENTS: &str = "events";
