//! Keeps the live figures equal to the desk, change by change.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::risk::{Risk, RiskAhead, RiskCounts};
use super::rows::{AgentRow, ConversationRow, CustomerRow, TeamRow, Totals, WaitKey};
use super::{LiveFigures, OrdSet};
use crate::desk::{AgentIx, Changes, ConversationIx, CustomerIx, Desk, TeamIx};
use crate::event::{PresenceState, Timestamp};
use crate::metrics::thresholds::{Threshold, Thresholds};

/// The live figures and what it takes to keep them up to date.
#[derive(Debug, Default)]
pub struct LiveIndex {
    figures: LiveFigures,
    holdings: Vec<Holding>,
    unassigned: BTreeSet<WaitKey>,
    risk: Risk,
    thresholds: Arc<Thresholds>,
}

/// What one agent holds.
#[derive(Debug, Default)]
struct Holding {
    open: FxHashSet<ConversationIx>,
    pending: u32,
    waiting: BTreeSet<(Timestamp, ConversationIx)>,
}

impl LiveIndex {
    /// Nothing yet.
    pub fn new(thresholds: Arc<Thresholds>) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// The figures as of the last refresh; a clone is cheap and never changes.
    pub fn figures(&self) -> &LiveFigures {
        &self.figures
    }

    /// What an agent holds, in no order.
    pub fn held_by(&self, agent: AgentIx) -> impl Iterator<Item = &Arc<ConversationRow>> {
        let open = self.holdings.get(agent.at()).map(|holding| &holding.open);
        open.into_iter().flatten().filter_map(|ix| self.figures.conversations.get(ix))
    }

    /// How many waits and targets are past a warning or a limit at `now`.
    pub fn risk(&mut self, now: Timestamp) -> RiskCounts {
        self.risk.at(now)
    }

    /// The deadlines behind the instant that the risk was last asked for.
    pub fn risk_ahead(&self) -> RiskAhead {
        self.risk.ahead()
    }

    /// Takes over what has changed in the desk.
    pub fn refresh(&mut self, desk: &Desk, changes: &Changes, now: Timestamp) {
        for &ix in &changes.teams {
            self.set_team(desk, ix);
        }
        for &ix in &changes.customers {
            self.set_customer(desk, ix);
        }
        let mut agents: FxHashSet<AgentIx> = changes.agents.iter().copied().collect();
        self.holdings.resize_with(desk.agents().len(), Holding::default);
        for &ix in &changes.conversations {
            self.set_conversation(desk, ix, now, &mut agents);
        }
        // In the order of their numbers, so that the list of agents grows without gaps.
        let mut agents: Vec<_> = agents.into_iter().collect();
        agents.sort_unstable();
        for ix in agents {
            self.set_agent(desk, ix);
        }
        self.figures.totals.unassigned_longest_since = self.unassigned.first().map(|key| key.since);
        if !changes.teams.is_empty() && !self.thresholds.by_team.is_empty() {
            self.measure_all(now);
        }
    }

    fn set_team(&mut self, desk: &Desk, ix: TeamIx) {
        let team = desk.team(ix);
        let row = Arc::new(TeamRow { source: team.source, id: team.id.clone(), name: team.name() });
        put(&mut self.figures.teams, ix.at(), row);
    }

    fn set_customer(&mut self, desk: &Desk, ix: CustomerIx) {
        let customer = desk.customer(ix);
        let row = Arc::new(CustomerRow {
            source: customer.source,
            id: customer.id.clone(),
            name: customer.name(),
            segment: customer.segment().cloned(),
        });
        put(&mut self.figures.customers, ix.at(), row);
    }

    fn set_conversation(&mut self, desk: &Desk, ix: ConversationIx, now: Timestamp, agents: &mut FxHashSet<AgentIx>) {
        let new = conversation_row(desk, ix).filter(|_| desk.conversation(ix).is_some_and(|c| c.state().is_active()));
        let old = self.figures.conversations.get(&ix).cloned();
        if old.as_deref() == new.as_ref() {
            return;
        }
        if let Some(row) = &old {
            self.count(row, -1);
            agents.extend(row.holder);
        }
        if let Some(row) = new {
            let row = Arc::new(row);
            self.count(&row, 1);
            agents.extend(row.holder);
            self.measure(&row, now);
            self.figures.conversations.insert(ix, row);
        } else {
            self.figures.conversations.remove(&ix);
            self.risk.set(ix, None, None, self.thresholds.general, now);
        }
    }

    /// Enters a row into the sums and lists, or takes it out of them.
    fn count(&mut self, row: &Arc<ConversationRow>, by: i32) {
        let add = |sum: &mut u32| *sum = sum.saturating_add_signed(by);
        let totals = &mut self.figures.totals;
        add(&mut totals.active);
        let key = row.wait_key();
        if let Some(key) = &key {
            add(&mut totals.unanswered);
            enter(&mut self.figures.waiting, key, by);
        }
        let Some(holder) = row.holder else {
            add(&mut totals.unassigned);
            if let Some(key) = key {
                add(&mut totals.unassigned_unanswered);
                if by > 0 {
                    self.unassigned.insert(key)
                } else {
                    self.unassigned.remove(&key)
                };
            }
            return;
        };
        let holding = &mut self.holdings[holder.at()];
        if by > 0 {
            holding.open.insert(row.ix)
        } else {
            holding.open.remove(&row.ix)
        };
        if row.status.is_pending() {
            add(&mut holding.pending);
        }
        if let Some(since) = row.waiting_since {
            if by > 0 {
                holding.waiting.insert((since, row.ix))
            } else {
                holding.waiting.remove(&(since, row.ix))
            };
        }
    }

    fn measure(&mut self, row: &ConversationRow, now: Timestamp) {
        let threshold = self.threshold(row);
        self.risk.set(row.ix, row.waiting_since, row.sla_due.map(|(_, due)| due), threshold, now);
    }

    fn measure_all(&mut self, now: Timestamp) {
        let rows: Vec<_> = self.figures.conversations.values().cloned().collect();
        for row in rows {
            self.measure(&row, now);
        }
    }

    fn threshold(&self, row: &ConversationRow) -> Threshold {
        self.figures.threshold(&self.thresholds, row)
    }

    fn set_agent(&mut self, desk: &Desk, ix: AgentIx) {
        let row = Arc::new(agent_row(desk, ix, &self.holdings[ix.at()]));
        let old = self.figures.agents.get(ix.at()).cloned();
        if old.as_ref() == Some(&row) {
            return;
        }
        if let Some(old) = &old {
            self.figures.totals.count_presence(old, -1);
        }
        self.figures.totals.count_presence(&row, 1);
        let (old_key, key) = (old.as_deref().map(AgentRow::key), row.key());
        if old_key.as_ref() != Some(&key) {
            if let Some(old_key) = old_key {
                self.figures.ranking.remove(&old_key);
            }
            self.figures.ranking.insert(key);
        }
        put(&mut self.figures.agents, ix.at(), row);
    }
}

impl Totals {
    fn count_presence(&mut self, row: &AgentRow, by: i32) {
        let sum = match row.state {
            Some(PresenceState::Online | PresenceState::Busy) => &mut self.online,
            Some(PresenceState::Away) => &mut self.away,
            Some(PresenceState::Offline) => &mut self.offline,
            None if row.active => &mut self.unknown,
            None => return,
        };
        *sum = sum.saturating_add_signed(by);
    }
}

fn enter(set: &mut OrdSet<WaitKey>, key: &WaitKey, by: i32) {
    if by > 0 {
        set.insert(key.clone());
    } else {
        set.remove(key);
    }
}

fn put<T: Clone>(list: &mut imbl::Vector<T>, at: usize, row: T) {
    if at < list.len() {
        list.set(at, row);
    } else {
        list.push_back(row);
    }
}

/// The row of a conversation, active or ended.
pub fn conversation_row(desk: &Desk, ix: ConversationIx) -> Option<ConversationRow> {
    let conversation = desk.conversation(ix)?;
    let state = conversation.state();
    Some(ConversationRow {
        ix,
        source: conversation.source,
        id: conversation.id.clone(),
        customer: state.customer,
        channel: state.channel.clone(),
        team: state.team,
        holder: state.holder,
        status: state.status,
        tags: state.tags.clone().unwrap_or_default(),
        subject: state.subject.clone(),
        url: state.url.clone(),
        priority: state.priority.clone(),
        started_at: state.started_at,
        waiting_since: state.waiting_since,
        sla_due: state.sla_due(),
    })
}

fn agent_row(desk: &Desk, ix: AgentIx, holding: &Holding) -> AgentRow {
    let agent = desk.agent(ix);
    let state = agent.state();
    AgentRow {
        ix,
        source: agent.source,
        id: agent.id.clone(),
        name: agent.name(),
        teams: agent.teams().clone(),
        capacity: agent.capacity(),
        active: agent.is_active(),
        state: state.map(|(presence, _)| presence.state),
        state_since: state.map(|(_, since)| since),
        reason: state.and_then(|(presence, _)| presence.reason.clone()),
        last_active_at: agent.last_active_at,
        open: holding.open.len() as u32,
        unanswered: holding.waiting.len() as u32,
        pending: holding.pending,
        longest_since: holding.waiting.first().map(|(since, _)| *since),
    }
}
