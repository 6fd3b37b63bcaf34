//! How far back the past is asked for.

use std::time::Duration;

use chrono::TimeDelta;

use crate::event::Timestamp;

/// When the history that is asked for begins; not before 1970, for servers count from there.
pub(super) fn begins_at(now: Timestamp, backfill: Duration) -> Timestamp {
    TimeDelta::from_std(backfill).map_or(Timestamp::MIN, |span| now - span).max(Timestamp::from_millis(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_so_long_ago_and_not_before_servers_count() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        assert_eq!(begins_at(now, Duration::from_hours(24)), now - TimeDelta::hours(24));
        assert_eq!(begins_at(now, Duration::MAX), Timestamp::from_millis(0));
    }
}
