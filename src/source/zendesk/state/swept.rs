//! Which open tickets are looked at whether they still are.

use super::State;
use crate::source::lenient::Id;
use crate::source::zendesk::ask::PER_PAGE;

/// So many of those whose customers wait longest are looked at each time: they stand first on the board.
const LONGEST: usize = 50;

/// A look at open tickets.
#[derive(Debug, Default, PartialEq)]
pub(in crate::source::zendesk) struct Sweep {
    pub ids: Vec<Id>,
    /// After which number the next look goes on.
    pub after: Id,
}

impl State {
    /// Those whose customers wait longest, and of all others as many as there is room for, the next ones each time.
    pub(in crate::source::zendesk) fn next_sweep(&self) -> Sweep {
        let active = || self.tickets.iter().filter(|(_, known)| !known.ended);
        let mut waiting: Vec<_> = active().filter_map(|(&id, known)| Some((known.targets.asked_at()?, id))).collect();
        waiting.sort_unstable();
        waiting.truncate(LONGEST);
        let mut ids: Vec<Id> = waiting.into_iter().map(|(_, id)| id).collect();
        let others = active().map(|(&id, _)| id).filter(|id| *id > self.sweep_after && !ids.contains(id));
        let mut others: Vec<Id> = others.collect();
        others.sort_unstable();
        let is_cut = others.len() > PER_PAGE - ids.len();
        others.truncate(PER_PAGE - ids.len());
        let after = others.last().copied().filter(|_| is_cut).unwrap_or(0);
        ids.extend(others);
        Sweep { ids, after }
    }
}
