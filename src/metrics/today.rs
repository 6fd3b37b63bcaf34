//! The figures of the day so far, kept up to date conversation by conversation.

use rustc_hash::FxHashMap;

use super::stats::{DurationFigure, Durations, ShareFigure};
use crate::desk::fold::State;
use crate::desk::{Changes, Conversation, ConversationIx, Desk};
use crate::event::{Direction, Timestamp};

/// The figures of the day so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TodayFigures {
    /// Midnight in the board's zone.
    pub since: Timestamp,
    /// Inbound conversations opened.
    pub new: u64,
    /// First replies: from opened to the reply.
    pub first_response: DurationFigure,
    /// Conversations with an ending today and ended now.
    pub resolved: u64,
    /// Satisfaction answers that are positive.
    pub csat: ShareFigure,
}

impl TodayFigures {
    /// Of conversations in these states, on a day that began at `since`.
    pub fn of<'a>(states: impl IntoIterator<Item = &'a State>, since: Timestamp) -> Self {
        let (mut figures, mut first_responses) = (Self { since, ..Self::default() }, Vec::new());
        for share in states.into_iter().map(|state| share(state, since)) {
            figures.new += u64::from(share.new);
            figures.resolved += u64::from(share.resolved);
            figures.csat.n += share.csat.n;
            figures.csat.of += share.csat.of;
            first_responses.extend(share.first_response);
        }
        first_responses.sort_unstable();
        Self { first_response: DurationFigure::of_sorted_millis(&first_responses), ..figures }
    }
}

/// What one conversation adds to the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    new: bool,
    first_response: Option<i64>,
    resolved: bool,
    csat: ShareFigure,
}

/// The day's figures and what each conversation adds to them.
#[derive(Debug, Default)]
pub struct TodayIndex {
    since: Timestamp,
    shares: FxHashMap<ConversationIx, Share>,
    first_responses: Durations,
    figures: TodayFigures,
}

impl TodayIndex {
    /// A day that began at `since`.
    pub fn new(since: Timestamp) -> Self {
        Self { since, figures: TodayFigures { since, ..TodayFigures::default() }, ..Self::default() }
    }

    /// When the day began.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Begins another day and counts everything anew.
    pub fn begin(&mut self, since: Timestamp, desk: &Desk) {
        *self = Self::new(since);
        for (ix, conversation) in desk.conversations() {
            self.set(ix, Some(conversation));
        }
    }

    /// Takes over what has changed in the desk.
    pub fn refresh(&mut self, desk: &Desk, changes: &Changes) {
        for &ix in &changes.conversations {
            self.set(ix, desk.conversation(ix));
        }
    }

    /// The figures now.
    pub fn figures(&self) -> TodayFigures {
        TodayFigures { first_response: self.first_responses.figure(), ..self.figures }
    }

    fn set(&mut self, ix: ConversationIx, conversation: Option<&Conversation>) {
        let new = conversation.map(|one| share(one.state(), self.since)).unwrap_or_default();
        let old = self.shares.get(&ix).copied().unwrap_or_default();
        if new == old {
            return;
        }
        if new == Share::default() {
            self.shares.remove(&ix);
        } else {
            self.shares.insert(ix, new);
        }
        let move_sum = |sum: &mut u64, old: u64, new: u64| *sum = sum.wrapping_add(new).wrapping_sub(old);
        let figures = &mut self.figures;
        move_sum(&mut figures.new, old.new.into(), new.new.into());
        move_sum(&mut figures.resolved, old.resolved.into(), new.resolved.into());
        move_sum(&mut figures.csat.n, old.csat.n, new.csat.n);
        move_sum(&mut figures.csat.of, old.csat.of, new.csat.of);
        if old.first_response != new.first_response {
            if let Some(millis) = old.first_response {
                self.first_responses.remove(millis);
            }
            if let Some(millis) = new.first_response {
                self.first_responses.insert(millis);
            }
        }
    }
}

fn share(state: &State, since: Timestamp) -> Share {
    let first = state.first_response().filter(|first| first.at >= since);
    let ended_today = state.ending.is_some_and(|ending| ending.at >= since);
    let answers = state.ratings.iter().filter(|(at, _)| *at >= since);
    Share {
        new: state.opened && state.direction == Direction::Inbound && state.started_at >= since,
        first_response: first.map(|first| first.millis),
        resolved: ended_today && state.status.is_ended() && !state.merged,
        csat: ShareFigure {
            n: answers.clone().filter(|(_, positive)| *positive).count() as u64,
            of: answers.count() as u64,
        },
    }
}
