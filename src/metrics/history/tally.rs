//! What moments add up to.

use super::conversion::Conversion;
use super::cost::Presence;
use super::endings::Endings;
use super::moment::{Moment, What};
use super::quality::Quality;
use super::replies::Replies;
use super::routing::Routing;
use super::sla::Sla;
use super::value::Value;
use super::volume::Volume;
use crate::metrics::stats::{DurationFigure, ShareFigure};

/// The sums of one group, one part for each family of figures.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub volume: Volume,
    pub replies: Replies,
    pub endings: Endings,
    pub quality: Quality,
    pub routing: Routing,
    pub sla: Sla,
    pub conversion: Conversion,
    pub presence: Presence,
}

impl Tally {
    /// Adds a moment.
    pub fn add(&mut self, moment: &Moment<'_>) {
        match moment.what {
            What::New => self.volume.new += 1,
            What::NewBefore => self.volume.new_before += 1,
            What::Backlog => self.volume.backlog += 1,
            What::Worked => self.volume.worked += 1,
            What::FirstResponse(millis) => self.replies.first.push(millis),
            What::Response(millis) => self.replies.all.push(millis),
            What::FirstAssign(millis) => self.replies.assigned.push(millis),
            What::Closed => self.endings.closed += 1,
            What::Handling(millis) => self.endings.handling.push(millis),
            What::Resolved(resolution) => self.endings.resolve(&resolution),
            What::Reassigned => self.endings.reassigned += 1,
            What::Rated(positive) => self.quality.csat.add(positive),
            What::Nps(score) => self.quality.recommend(score),
            What::Routed => self.routing.routed += 1,
            What::RoutedHandled => self.routing.handled += 1,
            What::Redirected => self.routing.redirected += 1,
            What::Reroute(millis) => self.routing.reroute.push(millis),
            What::Macro(name) => self.routing.used(name),
            What::Sla(metric, met) => self.sla.add(metric, met),
            What::Converted { first, amount, currency } => self.conversion.add(first, amount, currency),
        }
    }

    /// Adds what another part of the desk came to.
    pub fn merge(&mut self, other: Self) {
        self.volume.merge(&other.volume);
        self.replies.merge(other.replies);
        self.endings.merge(other.endings);
        self.quality.merge(&other.quality);
        self.routing.merge(other.routing);
        self.sla.merge(&other.sla);
        self.conversion.merge(other.conversion);
        self.presence.merge(&other.presence);
    }
}

/// Adds one share to another.
pub(super) fn sum_shares(one: &mut ShareFigure, other: ShareFigure) {
    one.n += other.n;
    one.of += other.of;
}

/// The figure of durations in milliseconds.
pub(super) fn durations(millis: &[i64]) -> Value {
    let mut sorted = millis.to_vec();
    sorted.sort_unstable();
    Value::Duration(DurationFigure::of_sorted_millis(&sorted))
}
