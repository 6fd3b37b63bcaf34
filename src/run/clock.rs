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

/// A clock that stands still where `end` is until that moves on, at `origin` at the earliest; it never goes back as
/// long as `clock` and `end` do not.
pub fn bounded(clock: Now, origin: Timestamp, end: impl Fn() -> Timestamp + Send + Sync + 'static) -> Now {
    Arc::new(move || clock().min(end().max(origin)))
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use super::*;

    #[test]
    fn a_bounded_clock_waits_for_its_end_and_stays_there() {
        let (time, end) = (Arc::new(AtomicI64::new(100)), Arc::new(AtomicI64::new(i64::MIN)));
        let read = |value: &Arc<AtomicI64>| {
            let value = Arc::clone(value);
            move || Timestamp::from_millis(value.load(Relaxed))
        };
        let clock = bounded(Arc::new(read(&time)), Timestamp::from_millis(100), read(&end));
        let shown = |at, until| {
            time.store(at, Relaxed);
            end.store(until, Relaxed);
            clock().millis()
        };
        assert_eq!(shown(250, i64::MIN), 100, "nothing is known yet");
        assert_eq!(shown(300, 90), 100);
        assert_eq!(shown(310, 1_000), 310);
        assert_eq!(shown(1_500, 1_000), 1_000);
        assert_eq!(shown(9_000, 1_000), 1_000);
    }
}
