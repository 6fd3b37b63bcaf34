//! Which waits and targets have passed a warning or a limit: kept by deadlines, so that time passing costs only
//! what it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::desk::ConversationIx;
use crate::event::Timestamp;
use crate::metrics::thresholds::{Severity, Threshold};

/// Counts past a warning or limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RiskCounts {
    /// Waits past the team's warning but not its limit.
    pub at_risk: u32,
    /// Waits past the team's limit.
    pub breached: u32,
    /// Targets of the help desk itself that are due within the warning time.
    pub sla_at_risk: u32,
    /// Targets of the help desk itself that are past due.
    pub sla_breached: u32,
}

/// What a conversation is measured by: when it is at risk and when it has breached.
pub(super) type Deadlines = (Timestamp, Timestamp);

/// The next deadline of each subject; behind a warning stands the limit that follows it, behind a limit nothing.
type Ahead = BTreeMap<(Timestamp, ConversationIx), Option<Timestamp>>;

/// A deadline and the limit that follows it.
type Deadline = (Timestamp, Option<Timestamp>);

/// The next deadlines behind an instant, so that a picture can be counted some seconds later.
#[derive(Debug, Clone, Default)]
pub struct RiskAhead {
    waits: Arc<[Deadline]>,
    targets: Arc<[Deadline]>,
}

/// How many deadlines a picture carries: those of more than a second of the largest desk, and the next picture comes
/// within one.
const CARRIED: usize = 32;

impl RiskAhead {
    /// Counts of the instant this was taken at, brought forward to `now`. Costs what has passed in between.
    pub fn carry(&self, mut counts: RiskCounts, now: Timestamp) -> RiskCounts {
        pass(&self.waits, &mut counts.at_risk, &mut counts.breached, now);
        pass(&self.targets, &mut counts.sla_at_risk, &mut counts.sla_breached, now);
        counts
    }
}

/// Counts the deadlines up to `now` as passed.
fn pass(ahead: &[Deadline], at_risk: &mut u32, breached: &mut u32, now: Timestamp) {
    for (_, limit) in ahead.iter().take_while(|(at, _)| *at <= now) {
        match limit {
            None => {
                *at_risk = at_risk.saturating_sub(1);
                *breached += 1;
            }
            Some(limit_at) if *limit_at <= now => *breached += 1,
            Some(_) => *at_risk += 1,
        }
    }
}

/// Severities of many subjects of one kind.
#[derive(Debug, Default)]
struct Track {
    subjects: FxHashMap<ConversationIx, (Deadlines, Severity)>,
    next: Ahead,
    at_risk: u32,
    breached: u32,
}

impl Track {
    fn set(&mut self, ix: ConversationIx, deadlines: Option<Deadlines>, now: Timestamp) {
        if self.subjects.get(&ix).map(|(known, _)| *known) == deadlines {
            return;
        }
        if let Some((old, severity)) = self.subjects.remove(&ix) {
            self.count(severity, -1);
            match severity {
                Severity::Fine => self.next.remove(&(old.0, ix)),
                Severity::AtRisk => self.next.remove(&(old.1, ix)),
                Severity::Breached => None,
            };
        }
        if let Some(deadlines) = deadlines {
            self.enter(ix, deadlines, now);
        }
    }

    fn enter(&mut self, ix: ConversationIx, (warn_at, limit_at): Deadlines, now: Timestamp) {
        let severity = match () {
            () if now >= limit_at => Severity::Breached,
            () if now >= warn_at => Severity::AtRisk,
            () => Severity::Fine,
        };
        match severity {
            Severity::Fine => self.next.insert((warn_at, ix), Some(limit_at)),
            Severity::AtRisk => self.next.insert((limit_at, ix), None),
            Severity::Breached => None,
        };
        self.count(severity, 1);
        self.subjects.insert(ix, ((warn_at, limit_at), severity));
    }

    fn count(&mut self, severity: Severity, by: i32) {
        match severity {
            Severity::Fine => {}
            Severity::AtRisk => self.at_risk = self.at_risk.saturating_add_signed(by),
            Severity::Breached => self.breached = self.breached.saturating_add_signed(by),
        }
    }

    fn advance(&mut self, now: Timestamp) {
        while let Some(&(at, ix)) = self.next.first_key_value().map(|(key, _)| key).filter(|(at, _)| *at <= now) {
            self.next.remove(&(at, ix));
            if let Some((deadlines, severity)) = self.subjects.remove(&ix) {
                self.count(severity, -1);
                self.enter(ix, deadlines, now);
            }
        }
    }
}

/// The risk of every unanswered conversation and every target.
#[derive(Debug, Default)]
pub(super) struct Risk {
    waits: Track,
    targets: Track,
}

impl Risk {
    /// Says what a conversation is measured by from now on; nothing = it is no longer at risk.
    pub(super) fn set(
        &mut self,
        ix: ConversationIx,
        waiting_since: Option<Timestamp>,
        due: Option<Timestamp>,
        threshold: Threshold,
        now: Timestamp,
    ) {
        let wait = waiting_since.map(|since| (since + threshold.warn, since + threshold.limit));
        self.waits.set(ix, wait, now);
        self.targets.set(ix, due.map(|due| (due - threshold.warn, due)), now);
    }

    /// What a conversation's target is measured by.
    pub(super) fn target(&self, ix: ConversationIx) -> Option<Deadlines> {
        self.targets.subjects.get(&ix).map(|(deadlines, _)| *deadlines)
    }

    /// The counts at `now`, which must not go back by much: a severity once reached stays until the wait ends.
    pub(super) fn at(&mut self, now: Timestamp) -> RiskCounts {
        self.waits.advance(now);
        self.targets.advance(now);
        RiskCounts {
            at_risk: self.waits.at_risk,
            breached: self.waits.breached,
            sla_at_risk: self.targets.at_risk,
            sla_breached: self.targets.breached,
        }
    }

    /// The deadlines behind the instant of the last [`Risk::at`].
    pub(super) fn ahead(&self) -> RiskAhead {
        let next = |track: &Track| track.next.iter().take(CARRIED).map(|((at, _), limit)| (*at, *limit)).collect();
        RiskAhead { waits: next(&self.waits), targets: next(&self.targets) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn counts_brought_forward_are_those_counted_then() {
        let minute = |m: i64| Timestamp::from_millis(m * 60_000);
        let threshold = Threshold { warn: TimeDelta::minutes(5), limit: TimeDelta::minutes(15) };
        let set_all = |risk: &mut Risk, now| {
            for (ix, since) in (0..60).step_by(3).enumerate() {
                let due = (ix % 2 == 0).then(|| minute(since + 20));
                risk.set(ConversationIx(ix as u32), Some(minute(since)), due, threshold, now);
            }
        };
        for (taken, shown) in [(0, 0), (0, 5), (10, 15), (10, 29), (0, 200), (40, 41), (30, 55)] {
            let mut risk = Risk::default();
            set_all(&mut risk, minute(taken));
            let (counts, ahead) = (risk.at(minute(taken)), risk.ahead());
            assert_eq!(ahead.carry(counts, minute(shown)), risk.at(minute(shown)), "{taken} to {shown}");
        }
    }

    #[test]
    fn time_alone_moves_a_wait_from_fine_to_breached() {
        let minute = |m: i64| Timestamp::from_millis(m * 60_000);
        let threshold = Threshold { warn: TimeDelta::minutes(5), limit: TimeDelta::minutes(15) };
        let mut risk = Risk::default();
        risk.set(ConversationIx(0), Some(minute(0)), Some(minute(30)), threshold, minute(1));
        risk.set(ConversationIx(1), Some(minute(3)), None, threshold, minute(3));
        let mut counts = |m| {
            let c = risk.at(minute(m));
            (c.at_risk, c.breached, c.sla_at_risk, c.sla_breached)
        };
        assert_eq!(counts(4), (0, 0, 0, 0));
        assert_eq!(counts(5), (1, 0, 0, 0));
        assert_eq!(counts(16), (1, 1, 0, 0));
        assert_eq!(counts(25), (0, 2, 1, 0));
        assert_eq!(counts(30), (0, 2, 0, 1));
        risk.set(ConversationIx(0), None, None, threshold, minute(31));
        assert_eq!(risk.at(minute(31)), RiskCounts { breached: 1, ..RiskCounts::default() });
    }
}
