//! The board's clock: the machine's, or a virtual one that starts anywhere and runs at any speed.

use std::sync::Arc;
use std::time::Instant;

use chrono::{Local, LocalResult, NaiveTime, TimeDelta, TimeZone, Utc};

use crate::event::Timestamp;
/// A clock that can be handed on.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn real() -> Now {
    Arc::new(|| Timestamp::from(Utc::now()))
}

/// A clock that starts at `origin` now and runs `speed` times as fast.
pub fn running_from(origin: Timestamp, speed: f64) -> Now {
    let started = Instant::now();
    Arc::new(move || origin + TimeDelta::milliseconds((started.elapsed().as_secs_f64() * speed * 1000.0) as i64))
}

/// The midnight before an instant, in the zone of the machine. Where a zone skips midnight, the first moment after.
pub fn local_midnight(at: Timestamp) -> Timestamp {
    let local = at.to_utc().with_timezone(&Local);
    let midnight = local.date_naive().and_time(NaiveTime::MIN);
    match Local.from_local_datetime(&midnight) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc().into(),
        LocalResult::None => {
            let after = Local.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest();
            after.map_or(at - TimeDelta::days(1), |time| time.to_utc().into())
        }
    }
}
