//! The number of unanswered conversations over the last hour, a sample a minute.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::desk::Desk;
use crate::event::Timestamp;

/// Samples kept.
const MINUTES: usize = 60;

/// A sample a minute, oldest first.
#[derive(Debug, Default)]
pub(super) struct Trend {
    samples: VecDeque<u32>,
    minute: Option<i64>,
    shared: Arc<[u32]>,
}

impl Trend {
    /// Notes the number now; tells whether a minute has gone by since the last sample.
    pub(super) fn sample(&mut self, now: Timestamp, unanswered: u32) -> bool {
        let minute = now.millis().div_euclid(60_000);
        let Some(last) = self.minute else {
            self.minute = Some(minute);
            return false;
        };
        if minute <= last {
            return false;
        }
        // A pause (a suspended laptop) leaves the last number standing for at most the hour.
        for _ in 0..(minute - last).min(MINUTES as i64) {
            self.push(unanswered);
        }
        self.minute = Some(minute);
        self.shared = self.samples.iter().copied().collect();
        true
    }

    /// Fills the hour before `now` from the logs.
    pub(super) fn recall(&mut self, desk: &Desk, now: Timestamp) {
        let minute = now.millis().div_euclid(60_000);
        let instants: Vec<_> =
            (0..MINUTES as i64).map(|i| Timestamp::from_millis((minute - MINUTES as i64 + 1 + i) * 60_000)).collect();
        let mut counts = vec![0i64; MINUTES + 1];
        let first = instants.first().copied().unwrap_or(now);
        for (_, conversation) in desk.conversations() {
            if conversation.last_at() < first && !conversation.state().is_unanswered() {
                continue;
            }
            let mut since: Option<Timestamp> = None;
            let mut note = |from: Timestamp, to: Timestamp| {
                counts[instants.partition_point(|at| *at <= from)] += 1;
                counts[instants.partition_point(|at| *at <= to)] -= 1;
            };
            conversation.walk(desk.rules(conversation.source), |entry, state, _| {
                match (since, state.is_unanswered()) {
                    (None, true) => since = Some(entry.at),
                    (Some(from), false) => {
                        note(from, entry.at);
                        since = None;
                    }
                    _ => {}
                }
            });
            if let Some(from) = since {
                note(from, now + TimeDelta::days(1));
            }
        }
        self.samples.clear();
        let mut unanswered = 0;
        for change in &counts[..MINUTES] {
            unanswered += change;
            self.push(u32::try_from(unanswered).unwrap_or(0));
        }
        self.minute = Some(minute);
        self.shared = self.samples.iter().copied().collect();
    }

    pub(super) fn samples(&self) -> Arc<[u32]> {
        self.shared.clone()
    }

    fn push(&mut self, unanswered: u32) {
        if self.samples.len() == MINUTES {
            self.samples.pop_front();
        }
        self.samples.push_back(unanswered);
    }
}
