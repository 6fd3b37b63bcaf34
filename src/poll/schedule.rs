//! When a source is asked next: no clock, no I/O, the same answer for the same history.

use std::time::Duration;

use chrono::TimeDelta;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::event::Timestamp;
use crate::source::{Batch, Pace, Quota, SourceError};

/// The longest wait between two tries of a source that fails.
pub const LONGEST_BACKOFF: Duration = Duration::from_mins(5);
/// The same for one that is asked at intervals while its server is down: once it is back, everybody looks.
const LONGEST_OUTAGE: Duration = Duration::from_mins(1);
/// How long to wait before asking again what will only change when somebody changes it.
pub const SLOW_RETRY: Duration = Duration::from_mins(5);
/// What counts as the interval of a source that is not asked at intervals: it is stale after two of these.
pub const PUSH_INTERVAL: Duration = Duration::from_secs(5);

/// The first wait after "too many requests" that did not say for how long.
const FIRST_THROTTLE: Duration = Duration::from_mins(1);
/// The first wait after a push source failed.
const FIRST_PUSH_BACKOFF: Duration = Duration::from_secs(1);
/// The first wait after any other failed, where the interval is not shorter.
const FIRST_BACKOFF: Duration = Duration::from_secs(30);
/// The window of a quota that does not say when it begins anew.
const UNKNOWN_WINDOW: Duration = Duration::from_mins(1);
/// The least time between two polls asked for by hand.
const LEAST_REFRESH: Duration = Duration::from_secs(1);
/// Good polls after which a source that was throttled is asked a step more often again.
const FORGIVE_AFTER: u32 = 20;
/// How many times its interval may double because it was throttled.
const MOST_SLOWDOWN: u32 = 4;

/// What became of a poll, as far as the schedule cares.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// It brought an answer.
    Good {
        /// What the vendor says is left.
        quota: Option<Quota>,
        /// Requests that it cost.
        requests: u32,
        /// There is more to fetch at once.
        more: bool,
    },
    /// It failed.
    Failed(&'a SourceError),
}

impl<'a> From<&'a Result<Batch, SourceError>> for Outcome<'a> {
    fn from(result: &'a Result<Batch, SourceError>) -> Self {
        match result {
            Ok(batch) => Self::Good { quota: batch.quota, requests: batch.requests, more: batch.more },
            Err(error) => Self::Failed(error),
        }
    }
}

/// The next poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// When it is due.
    pub at: Timestamp,
    /// The interval that the source is kept to at the moment: its data is stale after two of these.
    pub interval: Duration,
}

/// The memory that the decision needs: failures in a row, and what the vendor said.
///
/// Every decision counts from the `now` it is given, never from what was planned: after a pause or a night's
/// suspend there is one poll, not all the missed ones.
#[derive(Debug, Clone)]
pub struct Schedule {
    pace: Pace,
    interval: Duration,
    quota_share: f64,
    dice: ChaCha8Rng,
    failures: u32,
    failed: Option<(Timestamp, Duration)>,
    slowdown: u32,
    good_in_a_row: u32,
    not_before: Timestamp,
    window: Option<Window>,
    cost: f64,
    kept: Duration,
}

/// A window of the vendor's quota, and what we took of it.
#[derive(Debug, Clone, Copy)]
struct Window {
    resets_at: Timestamp,
    used: u64,
}

impl Schedule {
    /// For a source that may be asked once an interval, and may use that share (0 to 1) of the vendor's quota.
    pub fn new(pace: Pace, interval: Duration, quota_share: f64, seed: u64) -> Self {
        let kept = if pace == Pace::Push { PUSH_INTERVAL } else { interval };
        Self {
            pace,
            interval,
            quota_share: quota_share.clamp(0.01, 1.0),
            dice: ChaCha8Rng::seed_from_u64(seed),
            failures: 0,
            failed: None,
            slowdown: 0,
            good_in_a_row: 0,
            not_before: Timestamp::MIN,
            window: None,
            cost: 1.0,
            kept,
        }
    }

    /// Decides about the next poll after one that ended at `now`.
    pub fn after(&mut self, now: Timestamp, outcome: Outcome<'_>) -> Next {
        let at = match outcome {
            Outcome::Good { quota, requests, more } => self.after_good(now, quota, requests, more),
            Outcome::Failed(error) => self.after_failure(now, error),
        };
        Next { at: at.max(self.not_before), interval: self.kept }
    }

    /// The earliest moment for a poll that a person asks for at `now`, the last having begun at `last`.
    ///
    /// Asking can't break what the vendor said: a `Retry-After` and a spent quota hold.
    pub fn refresh(&self, now: Timestamp, last: Option<Timestamp>) -> Timestamp {
        let gap = last.map_or(Timestamp::MIN, |last| last + delta(LEAST_REFRESH));
        now.max(self.not_before).max(gap)
    }

    fn after_good(&mut self, now: Timestamp, quota: Option<Quota>, requests: u32, more: bool) -> Timestamp {
        // One good answer between two failures is no recovery: a child that dies at every line would be
        // started again and again without ever waiting longer.
        if self.failed.is_none_or(|(at, delay)| now - at >= delta(delay) * 2) {
            self.failures = 0;
            self.failed = None;
        }
        self.good_in_a_row += 1;
        if self.good_in_a_row >= FORGIVE_AFTER {
            self.good_in_a_row = 0;
            self.slowdown = self.slowdown.saturating_sub(1);
        }
        // A dear poll is remembered for a while, a cheap one is not trusted at once.
        self.cost = f64::from(requests).max(1.0).max(self.cost * 0.7);
        let spacing = quota.map(|quota| self.spacing(now, quota, requests));
        if self.pace == Pace::Push {
            return now;
        }
        let interval = self.interval * (1 << self.slowdown);
        let Some(spacing) = spacing else {
            self.kept = interval;
            return if more { now } else { now + delta(self.a_little_more(interval)) };
        };
        self.kept = interval.max(spacing);
        if more { now + delta(spacing) } else { now + delta(self.a_little_more(self.kept)) }
    }

    /// The time between polls that uses up our share by the end of the vendor's window, and no sooner.
    fn spacing(&mut self, now: Timestamp, quota: Quota, requests: u32) -> Duration {
        let share = self.quota_share * quota.limit as f64;
        let (usable, resets_at) = if let Some(resets_at) = quota.resets_at {
            let used = match self.window {
                // A vendor counts to a second: the same window is not always named by the same instant.
                Some(window) if now < window.resets_at && resets_at - window.resets_at < TimeDelta::seconds(2) => {
                    window.used + u64::from(requests)
                }
                _ => u64::from(requests),
            };
            self.window = Some(Window { resets_at, used });
            ((share - used as f64).min(quota.remaining as f64), resets_at)
        } else {
            // Nobody says when it fills up again: what is not our share stays untouched.
            let others = quota.limit as f64 - share;
            (quota.remaining as f64 - others, now + delta(UNKNOWN_WINDOW))
        };
        let left = (resets_at - now).to_std().unwrap_or_default();
        let polls = usable / self.cost;
        if polls < 1.0 {
            self.not_before = self.not_before.max(resets_at);
            return left;
        }
        left.div_f64(polls)
    }

    fn after_failure(&mut self, now: Timestamp, error: &SourceError) -> Timestamp {
        self.good_in_a_row = 0;
        // Who says when to come back is not asked less and less often.
        let dated = matches!(
            error,
            SourceError::RateLimited { until: Some(_), .. } | SourceError::Transient { until: Some(_), .. }
        );
        self.failures = self.failures.saturating_add(u32::from(!dated));
        let (first, longest) = match self.pace {
            Pace::Push => (FIRST_PUSH_BACKOFF, LONGEST_BACKOFF),
            Pace::Interval => {
                (self.interval.clamp(FIRST_PUSH_BACKOFF, FIRST_BACKOFF), LONGEST_OUTAGE.max(self.interval))
            }
        };
        let (delay, until) = match error {
            SourceError::RateLimited { until, .. } => {
                self.slowdown = (self.slowdown + 1).min(MOST_SLOWDOWN);
                let delay = if until.is_some() { self.interval } else { self.backoff(FIRST_THROTTLE, LONGEST_BACKOFF) };
                // With or without a date, a person can't ask sooner either.
                (delay, Some(until.unwrap_or(now + delta(delay))))
            }
            SourceError::Transient { until, .. } => (self.backoff(first, longest), *until),
            SourceError::Schema { .. } => (self.backoff(first, LONGEST_BACKOFF), None),
            SourceError::Auth { .. } | SourceError::Forbidden { .. } | SourceError::Unsupported { .. } => {
                (SLOW_RETRY.max(self.interval), None)
            }
        };
        self.failed = Some((now, delay));
        if let Some(until) = until {
            self.not_before = self.not_before.max(until);
            return until + delta(self.interval.mul_f64(0.1 * self.unit()));
        }
        now + delta(delay)
    }

    /// Doubles with each failure up to `longest`, and is shortened by up to a half so that many clients don't come back at once.
    fn backoff(&mut self, first: Duration, longest: Duration) -> Duration {
        let doubled = first.saturating_mul(1 << (self.failures.saturating_sub(1)).min(16));
        doubled.min(longest).mul_f64(0.5 + 0.5 * self.unit())
    }

    /// Up to a twentieth longer: the interval is the quickest, and sources drift apart.
    fn a_little_more(&mut self, interval: Duration) -> Duration {
        interval.mul_f64(1.0 + 0.05 * self.unit())
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.dice.next_u32()) / f64::from(u32::MAX)
    }
}

/// As the difference of two instants; ages are cut at a year.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::milliseconds(duration.as_millis().min(365 * 86_400_000) as i64)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const QUARTER: Duration = Duration::from_secs(15);

    fn at(seconds: i64) -> Timestamp {
        NOW + TimeDelta::seconds(seconds)
    }

    fn schedule() -> Schedule {
        Schedule::new(Pace::Interval, QUARTER, 0.5, 1)
    }

    fn good() -> Outcome<'static> {
        Outcome::Good { quota: None, requests: 1, more: false }
    }

    fn transient(until: Option<Timestamp>) -> SourceError {
        SourceError::Transient { place: "x".into(), what: "timeout".into(), until, todo: None }
    }

    fn throttled(until: Option<Timestamp>) -> SourceError {
        SourceError::RateLimited { place: "x".into(), until }
    }

    fn text() -> (String, String) {
        ("x".into(), "y".into())
    }

    fn error_of(kind: &str) -> SourceError {
        let (place, what) = text();
        match kind {
            "auth" => SourceError::Auth { place, what },
            "forbidden" => SourceError::Forbidden { place, what },
            "unsupported" => SourceError::Unsupported { place, what },
            "schema" => SourceError::Schema { place, path: "a.b".into(), what },
            "throttled" => throttled(None),
            _ => transient(None),
        }
    }

    /// Seconds from `NOW` to the next poll.
    fn seconds(next: Next) -> f64 {
        (next.at - NOW).num_milliseconds() as f64 / 1000.0
    }

    #[test]
    fn a_good_poll_is_followed_by_another_an_interval_later_and_never_sooner() {
        let mut schedule = schedule();
        for _ in 0..100 {
            let wait = seconds(schedule.after(NOW, good()));
            assert!((15.0..=15.75).contains(&wait), "{wait}");
        }
    }

    #[rstest]
    #[case("transient", 1, 7.5, 15.0)]
    #[case("transient", 2, 15.0, 30.0)]
    #[case("transient", 3, 30.0, 60.0)]
    #[case("transient", 30, 30.0, 60.0)]
    #[case("schema", 1, 7.5, 15.0)]
    #[case("schema", 2, 15.0, 30.0)]
    #[case("throttled", 1, 30.0, 60.0)]
    #[case("throttled", 2, 60.0, 120.0)]
    #[case("throttled", 30, 150.0, 300.0)]
    #[case("auth", 1, 300.0, 300.0)]
    #[case("auth", 9, 300.0, 300.0)]
    #[case("forbidden", 1, 300.0, 300.0)]
    #[case("unsupported", 1, 300.0, 300.0)]
    fn failures_in_a_row(#[case] kind: &str, #[case] times: u32, #[case] least: f64, #[case] most: f64) {
        let mut schedule = schedule();
        let mut now = NOW;
        let mut wait = 0.0;
        for _ in 0..times {
            let next = schedule.after(now, Outcome::Failed(&error_of(kind)));
            wait = (next.at - now).num_milliseconds() as f64 / 1000.0;
            now = next.at;
        }
        assert!((least..=most).contains(&wait), "{kind} failure {times}: {wait} s");
    }

    #[test]
    fn waits_differ_between_seeds() {
        let wait = |seed| {
            let mut schedule = Schedule::new(Pace::Interval, QUARTER, 0.5, seed);
            schedule.after(NOW, Outcome::Failed(&transient(None))).at
        };
        assert_ne!(wait(1), wait(2));
        assert_eq!(wait(3), wait(3));
    }

    #[rstest]
    #[case(throttled(Some(at(120))))]
    #[case(transient(Some(at(120))))]
    fn retry_after_holds_whatever_is_asked(#[case] error: SourceError) {
        let mut schedule = schedule();
        let next = schedule.after(NOW, Outcome::Failed(&error));
        assert!(next.at >= at(120) && next.at <= at(122), "{}", seconds(next));
        assert_eq!(schedule.refresh(at(1), Some(NOW)), at(120), "r does not break it");
        assert_eq!(schedule.refresh(at(130), Some(NOW)), at(130));
    }

    #[test]
    fn a_dated_failure_makes_the_next_wait_no_longer() {
        let mut schedule = schedule();
        for second in 0..50 {
            schedule.after(at(second), Outcome::Failed(&transient(Some(at(second + 1)))));
        }
        let next = schedule.after(at(60), Outcome::Failed(&transient(None)));
        assert!(next.at <= at(75), "{}", seconds(next));
    }

    #[test]
    fn a_throttle_without_a_date_holds_for_r_too() {
        let mut schedule = schedule();
        let next = schedule.after(NOW, Outcome::Failed(&throttled(None)));
        assert!(schedule.refresh(at(1), Some(NOW)) >= at(30));
        assert!(next.at >= at(30));
    }

    #[rstest]
    #[case("auth")]
    #[case("forbidden")]
    #[case("unsupported")]
    #[case("transient")]
    fn other_failures_are_tried_at_once_on_request(#[case] kind: &str) {
        let mut schedule = schedule();
        schedule.after(NOW, Outcome::Failed(&error_of(kind)));
        assert_eq!(schedule.refresh(at(3), Some(NOW)), at(3));
    }

    #[test]
    fn a_key_held_down_polls_once_a_second() {
        assert_eq!(schedule().refresh(NOW, Some(NOW)), at(1));
        assert_eq!(schedule().refresh(NOW, None), NOW);
    }

    #[test]
    fn a_source_that_was_throttled_is_asked_less_often_until_it_has_been_good_for_long() {
        let mut schedule = schedule();
        schedule.after(NOW, Outcome::Failed(&throttled(Some(at(1)))));
        let now = at(100);
        let wait = |next: Next| (next.at - now).num_seconds();
        assert!(wait(schedule.after(now, good())) >= 30);
        for _ in 0..FORGIVE_AFTER {
            schedule.after(now, good());
        }
        assert_eq!(wait(schedule.after(now, good())), 15);
    }

    /// Polls a vendor for a window of an hour that counts every request; returns how many were made.
    fn requests_in_an_hour(limit: u64, cost: u32, interval: u64, more: bool, share: f64) -> u64 {
        let mut schedule = Schedule::new(Pace::Interval, Duration::from_secs(interval), share, 9);
        let resets_at = Some(at(3600));
        let (mut now, mut made) = (NOW, 0);
        while now < at(3600) {
            made += u64::from(cost);
            let quota = Some(Quota { limit, remaining: limit.saturating_sub(made), resets_at });
            let next = schedule.after(now, Outcome::Good { quota, requests: cost, more });
            assert!(next.at > now, "no time passes");
            now = next.at;
        }
        made
    }

    #[rstest]
    #[case(100, 1, 1, false, 0.5)]
    #[case(100, 3, 1, false, 0.5)]
    #[case(100, 7, 15, true, 0.5)]
    #[case(1000, 3, 1, true, 0.25)]
    #[case(60, 1, 1, false, 1.0)]
    fn our_share_lasts_for_the_whole_window(
        #[case] limit: u64,
        #[case] cost: u32,
        #[case] interval: u64,
        #[case] more: bool,
        #[case] share: f64,
    ) {
        let made = requests_in_an_hour(limit, cost, interval, more, share);
        let ours = (limit as f64 * share) as u64;
        assert!(made <= ours, "{made} of {ours} requests");
        assert!(made + 2 * u64::from(cost) + ours / 8 >= ours, "only {made} of {ours} requests: too shy");
    }

    #[test]
    fn a_generous_quota_changes_nothing() {
        let mut schedule = schedule();
        let quota = Some(Quota { limit: 100_000, remaining: 99_000, resets_at: Some(at(60)) });
        let next = schedule.after(NOW, Outcome::Good { quota, requests: 3, more: false });
        assert!((15.0..=15.75).contains(&seconds(next)));
        assert_eq!(next.interval, QUARTER);
    }

    #[test]
    fn a_spent_share_waits_for_the_next_window_even_on_request() {
        let mut schedule = schedule();
        let quota = Some(Quota { limit: 100, remaining: 80, resets_at: Some(at(600)) });
        let next = schedule.after(NOW, Outcome::Good { quota, requests: 60, more: true });
        assert!(next.at >= at(600), "{}", seconds(next));
        assert_eq!(schedule.refresh(at(5), Some(NOW)), at(600));
        assert!(next.interval >= Duration::from_secs(500), "it is not called stale for waiting");
    }

    #[test]
    fn a_quota_without_a_date_leaves_the_others_theirs() {
        let mut schedule = schedule();
        let quota = |remaining| Some(Quota { limit: 40, remaining, resets_at: None });
        let next = schedule.after(NOW, Outcome::Good { quota: quota(20), requests: 1, more: true });
        assert!(next.at >= at(60), "half is gone: {}", seconds(next));
        let next = schedule.after(at(60), Outcome::Good { quota: quota(40), requests: 1, more: true });
        assert!(next.at < at(70));
    }

    #[test]
    fn more_is_fetched_at_once_where_no_quota_is_known() {
        let more = Outcome::Good { quota: None, requests: 1, more: true };
        assert_eq!(schedule().after(NOW, more).at, NOW);
    }

    #[test]
    fn a_push_source_goes_on_at_once_and_backs_off_from_a_second() {
        let mut schedule = Schedule::new(Pace::Push, QUARTER, 0.5, 4);
        assert_eq!(schedule.after(NOW, good()), Next { at: NOW, interval: PUSH_INTERVAL });
        let first = seconds(schedule.after(NOW, Outcome::Failed(&transient(None))));
        assert!((0.5..=1.0).contains(&first), "{first}");
    }

    #[test]
    fn a_child_that_dies_after_each_line_waits_longer_each_time() {
        let mut schedule = Schedule::new(Pace::Push, QUARTER, 0.5, 4);
        let mut now = NOW;
        let mut last = 0.0;
        for _ in 0..6 {
            schedule.after(now, good());
            let next = schedule.after(now, Outcome::Failed(&transient(None)));
            let wait = (next.at - now).num_milliseconds() as f64;
            assert!(wait > last, "{wait} after {last}");
            (last, now) = (wait, next.at);
        }
        schedule.after(now + TimeDelta::minutes(10), good());
        let next = schedule.after(now + TimeDelta::minutes(10), Outcome::Failed(&transient(None)));
        assert!(next.at - now <= TimeDelta::minutes(10) + TimeDelta::seconds(1), "a long good run is a recovery");
    }

    #[test]
    fn a_night_of_suspend_is_followed_by_one_poll() {
        let mut schedule = schedule();
        schedule.after(NOW, good());
        let morning = at(8 * 3600);
        let next = schedule.after(morning, good());
        assert!(next.at >= morning + TimeDelta::seconds(15));
    }
}
